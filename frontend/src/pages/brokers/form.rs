//! The dialog that attaches a broker or changes the connection. Only the fields of its kind are shown.

use leptos::prelude::*;
use mesh_protocol::desired::{SaslMechanism, is_encrypted};
use mesh_protocol::id::{BrokerId, SiteId};

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{BasicLogin, BrokerInput, BrokerKind, BrokerView, Edit, SaslInput};
use crate::components::{Check, Choice, Field, Select, TextArea, Wrong, either};
use crate::editor::{Editor, closing};
use crate::load::{Load, load};
use crate::viewer::right;

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Draft {
    site: RwSignal<String>,
    name: RwSignal<String>,
    kind: RwSignal<String>,
    bootstrap: RwSignal<String>,
    url: RwSignal<String>,
    tls: RwSignal<bool>,
    ca_pem: RwSignal<String>,
    mechanism: RwSignal<String>,
    username: RwSignal<String>,
    secret: RwSignal<String>,
    discover: RwSignal<bool>,
    browse: RwSignal<bool>,
    same_cluster: RwSignal<bool>,
    /// Site and addresses as they are kept; none of a new one.
    before: StoredValue<Option<(String, Vec<String>)>>,
}

/// The kinds, as the form has them, with what they are called.
const KINDS: [(BrokerKind, &str, &str); 5] = [
    (BrokerKind::Kafka, "kafka", "Kafka cluster"),
    (BrokerKind::SchemaRegistry, "schema_registry", "Schema registry (Confluent's API)"),
    (BrokerKind::KafkaConnect, "kafka_connect", "Kafka Connect (its REST API)"),
    (BrokerKind::Rabbit, "rabbit", "RabbitMQ (its management API)"),
    (BrokerKind::Mqtt, "mqtt", "MQTT broker"),
];

fn kind_key(kind: BrokerKind) -> String {
    KINDS.iter().find(|(each, ..)| *each == kind).map(|(_, key, _)| (*key).to_owned()).unwrap_or_default()
}

/// The form shows these alone, so there is no other.
fn kind_of(key: &str) -> BrokerKind {
    KINDS.iter().find(|(_, each, _)| *each == key).map(|(kind, ..)| *kind).unwrap_or_default()
}

const fn mechanism_key(mechanism: SaslMechanism) -> &'static str {
    match mechanism {
        SaslMechanism::Plain => "PLAIN",
        SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
    }
}

fn mechanism_of(key: &str) -> Option<SaslMechanism> {
    let all = [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512];
    all.into_iter().find(|mechanism| mechanism_key(*mechanism) == key)
}

/// `a:9092, b:9092` or one in each line.
fn addresses(text: &str) -> Vec<String> {
    text.split([',', '\n', ' ']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Draft {
    fn of(broker: Option<&BrokerInput>, site: Option<SiteId>) -> Self {
        let text = |read: &dyn Fn(&BrokerInput) -> String| RwSignal::new(broker.map(read).unwrap_or_default());
        let sasl = |read: fn(&SaslInput) -> String| text(&move |have| have.sasl.as_ref().map(read).unwrap_or_default());
        // One pair of boxes: a connection logs in by SASL or by HTTP.
        let login = |of_sasl: fn(&SaslInput) -> String, of_login: fn(&BasicLogin) -> String| {
            text(&move |have| have.sasl.as_ref().map(of_sasl).or(have.login.as_ref().map(of_login)).unwrap_or_default())
        };
        let site = broker.map(|have| have.site).or(site).map(|id| id.to_string()).unwrap_or_default();
        Self {
            site: RwSignal::new(site),
            name: text(&|have| have.name.clone()),
            kind: RwSignal::new(kind_key(broker.map(|have| have.kind).unwrap_or_default())),
            url: text(&|have| have.url.clone()),
            bootstrap: text(&|have| have.bootstrap.join(", ")),
            tls: RwSignal::new(broker.is_none_or(|have| have.tls)),
            ca_pem: text(&|have| have.ca_pem.clone().unwrap_or_default()),
            mechanism: sasl(|sasl| mechanism_key(sasl.mechanism).to_owned()),
            username: login(|sasl| sasl.username.clone(), |login| login.username.clone()),
            secret: login(|sasl| sasl.secret.clone(), |login| login.secret.clone()),
            discover: RwSignal::new(broker.is_none_or(|have| have.discover)),
            browse: RwSignal::new(broker.is_some_and(|have| have.browse)),
            same_cluster: RwSignal::new(false),
            before: StoredValue::new(broker.map(|have| (have.site.to_string(), have.bootstrap.clone()))),
        }
    }

    /// What would be saved; none until a site is chosen.
    fn input(self) -> Option<BrokerInput> {
        let trimmed = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        let (username, secret) = (trimmed(self.username), trimmed(self.secret));
        let kind = kind_of(&self.kind.get_untracked());
        let mechanism = mechanism_of(&self.mechanism.get_untracked()).filter(|_| kind == BrokerKind::Kafka);
        let named = kind != BrokerKind::Kafka && !(username.is_empty() && secret.is_empty());
        let tls = has_tls(kind, self.tls.get_untracked(), &self.url.get_untracked());
        Some(BrokerInput {
            site: self.site.get_untracked().parse().ok()?,
            name: trimmed(self.name),
            kind,
            bootstrap: if kind == BrokerKind::Kafka { addresses(&self.bootstrap.get_untracked()) } else { Vec::new() },
            url: if kind == BrokerKind::Kafka { String::new() } else { trimmed(self.url) },
            tls,
            // Of a box that is not shown nobody means what stands in it.
            ca_pem: Some(trimmed(self.ca_pem)).filter(|pem| tls && !pem.is_empty()),
            sasl: mechanism.map(|mechanism| SaslInput {
                mechanism,
                username: username.clone(),
                secret: secret.clone(),
            }),
            login: named.then_some(BasicLogin { username, secret }),
            discover: self.discover.get_untracked(),
            browse: kind == BrokerKind::Kafka && self.browse.get_untracked(),
            // Of a box that is not shown nobody means what stands in it.
            same_cluster: untrack(|| self.may_lead_elsewhere()) && self.same_cluster.get_untracked(),
        })
    }
}

impl Draft {
    fn is_kafka(self) -> bool {
        kind_of(&self.kind.get()) == BrokerKind::Kafka
    }

    /// Whether the agents may reach another cluster by what stands here, in which users of grants are not.
    fn may_lead_elsewhere(self) -> bool {
        let (site, now) = (self.site.get(), addresses(&self.bootstrap.get()));
        self.before.with_value(|before| before.as_ref().is_some_and(|before| is_elsewhere(before, &site, &now)))
    }

    fn shows_authority(self) -> bool {
        has_tls(kind_of(&self.kind.get()), self.tls.get(), &self.url.get())
    }
}

/// Whether another site reaches it, or by an address that was not there.
fn is_elsewhere((site_before, before): &(String, Vec<String>), site: &str, now: &[String]) -> bool {
    site_before != site || now.iter().any(|address| !before.contains(address))
}

/// Whether the other side shows a certificate.
fn has_tls(kind: BrokerKind, tls: bool, url: &str) -> bool {
    if kind == BrokerKind::Kafka { tls } else { is_encrypted(url.trim()) }
}

/// The form in the dialog.
#[component]
pub(super) fn BrokerForm(broker: Option<BrokerView>, site: Option<SiteId>, open: RwSignal<bool>) -> impl IntoView {
    let known = broker.as_ref().map(|broker| (broker.id, broker.revision));
    let draft = Draft::of(broker.as_ref().map(|broker| &broker.config), site);
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: BrokerInput| async move {
            match known {
                None => api.0.create_broker(value).await,
                Some((id, revision)) => api.0.update_broker(id, Edit { revision, value }).await,
            }
        },
        move |_| close.run("Connection saved. The agents of the site connect now."),
    );
    let delete = Act::new(
        |api, (id, revision): (BrokerId, i64)| async move { api.0.delete_broker(id, revision).await },
        move |()| close.run("Connection deleted."),
    );
    let lacks_site = RwSignal::new(false);
    let submit = Callback::new(move |()| {
        let input = draft.input();
        lacks_site.set(input.is_none());
        if let Some(input) = input {
            save.run(input);
        }
    });
    view! {
        <Editor
            title=if known.is_some() { "Change broker connection" } else { "Attach a broker" }
            save=save
            open=open
            right=right::BROKER_WRITE
            on_save=submit
            on_delete=known.map(|known| Callback::new(move |()| delete.run(known)))
            consequence="The catalog keeps what was found as last known. Routes that use the cluster and Kafka users of grants must go first."
        >
            <Fields draft=draft save=save lacks_site=lacks_site is_new=known.is_none()/>
            <ActError act=delete/>
        </Editor>
    }
    .into_any()
}

#[component]
fn Fields(
    draft: Draft,
    save: Act<BrokerInput>,
    lacks_site: RwSignal<bool>,
    /// Of one that is there the kind stays.
    is_new: bool,
) -> impl IntoView {
    let sites = load(
        &[],
        || (),
        |api, ()| async move {
            let sites = api.0.all_sites().await?;
            Ok(sites.into_iter().map(|site| (site.id.to_string(), site.name)).collect::<Vec<Choice>>())
        },
    );
    let kinds: Vec<Choice> = KINDS.iter().map(|(_, key, words)| ((*key).to_owned(), (*words).to_owned())).collect();
    view! {
        <Show when=move || is_new>
            <Select label="What it is" name="kind" value=draft.kind choices=kinds.clone() error=save.field("kind")/>
        </Show>
        <div class="m-form__row">
            <Field label="Name" name="name" value=draft.name required=true hint="Unique, such as kafka-a" error=save.field("name")/>
            <Load resource=sites what="sites" let:sites>
                <First choices=sites value=draft.site/>
                <Select label="Reached by the agents of" name="site" value=draft.site choices=sites error=either(save.field("site"), move || site_error(lacks_site.get()))/>
            </Load>
        </div>
        <Show when=move || draft.is_kafka() fallback=move || view! { <SurveyedFields draft=draft save=save/> }>
            <KafkaFields draft=draft save=save/>
        </Show>
    }
    .into_any()
}

#[component]
fn KafkaFields(draft: Draft, save: Act<BrokerInput>) -> impl IntoView {
    let pair = |key: &str, words: &str| (key.to_owned(), words.to_owned());
    let mechanisms = vec![
        pair("", "No login"),
        pair("SCRAM-SHA-512", "SCRAM-SHA-512"),
        pair("SCRAM-SHA-256", "SCRAM-SHA-256"),
        pair("PLAIN", "PLAIN, over TLS only"),
    ];
    view! {
        <Field label="Bootstrap servers" name="bootstrap" value=draft.bootstrap mono=true required=true placeholder="kafka-1:9092, kafka-2:9092" error=save.field("bootstrap")/>
        <Show when=move || draft.may_lead_elsewhere()>
            <div class="m-choices">
                <Check label="It is the same cluster as before" checked=draft.same_cluster/>
            </div>
            <Wrong error=save.field("same_cluster")/>
        </Show>
        <div class="m-choices">
            <Check label="TLS" checked=draft.tls/>
            <Check label="Scan it for the catalog" checked=draft.discover/>
            <Check label="Let people look into its topics" checked=draft.browse/>
        </div>
        <Authority draft=draft save=save/>
        <Select label="Login" name="mechanism" value=draft.mechanism choices=mechanisms error=save.field("sasl.mechanism")/>
        <Show when=move || draft.mechanism.with(|mechanism| !mechanism.is_empty())>
            <div class="m-form__row">
                <Field label="User name" name="username" value=draft.username error=save.field("sasl.username")/>
                <Field
                    label="Name of the secret at the agent"
                    name="secret"
                    value=draft.secret
                    mono=true
                    hint="Not the password: that is stored at the agent with mesh-agent secret set NAME"
                    error=save.field("sasl.secret")
                />
            </div>
        </Show>
    }
    .into_any()
}

/// Label, example and hint of the field for its URL.
const fn url_words(kind: BrokerKind) -> (&'static str, &'static str, &'static str) {
    const API: &str = "With the path that stands before the API's own, if there is one";
    match kind {
        BrokerKind::KafkaConnect => ("URL of its API", "https://connect:8083", API),
        BrokerKind::Rabbit => ("URL of its management API", "https://rabbit:15671", API),
        BrokerKind::Mqtt => {
            ("URL", "mqtts://mqtt:8883", "mqtts:// with TLS (port 8883), or mqtt:// without (port 1883)")
        }
        BrokerKind::Kafka | BrokerKind::SchemaRegistry => ("URL of its API", "https://registry:8081", API),
    }
}

/// Of what is looked at and nothing else.
#[component]
fn SurveyedFields(draft: Draft, save: Act<BrokerInput>) -> impl IntoView {
    // Which of them it is may be chosen anew while these fields are shown.
    let url_field = move || {
        let (label, placeholder, hint) = url_words(kind_of(&draft.kind.get()));
        view! {
            <Field
                label=label
                name="url"
                value=draft.url
                mono=true
                required=true
                placeholder=placeholder
                hint=hint
                error=save.field("url")
            />
        }
    };
    view! {
        {url_field}
        <div class="m-choices">
            <Check label="Scan it for the catalog" checked=draft.discover/>
        </div>
        <Authority draft=draft save=save/>
        <div class="m-form__row">
            <Field label="User name" name="username" value=draft.username hint="Empty: no login" error=save.field("login.username")/>
            <Field
                label="Name of the secret at the agent"
                name="secret"
                value=draft.secret
                mono=true
                hint="Not the password: that is stored at the agent with mesh-agent secret set NAME"
                error=save.field("login.secret")
            />
        </div>
    }
    .into_any()
}

/// The authority of its certificate, where it shows one.
#[component]
fn Authority(draft: Draft, save: Act<BrokerInput>) -> impl IntoView {
    view! {
        <Show when=move || draft.shows_authority()>
            <TextArea label="CA of its certificate, PEM" name="ca_pem" value=draft.ca_pem hint="Empty: the CAs of the agent's system" error=save.field("ca_pem")/>
        </Show>
    }
    .into_any()
}

/// What is wrong when no site was chosen, which only happens where there is none.
fn site_error(lacks_site: bool) -> Option<String> {
    lacks_site.then(|| "Create a site first: its agents are what reaches the cluster.".to_owned())
}

/// A select shows its first choice: the value follows when nothing was chosen yet.
#[component]
pub(crate) fn First(choices: Signal<Vec<Choice>>, value: RwSignal<String>) -> impl IntoView {
    if value.with_untracked(String::is_empty)
        && let Some((first, _)) = choices.with_untracked(|all| all.first().cloned())
    {
        value.set(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_be_separated_as_people_write_them() {
        assert_eq!(addresses("a:1, b:2\nc:3  d:4,"), ["a:1", "b:2", "c:3", "d:4"]);
        assert!(addresses(" ").is_empty());
    }

    #[test]
    fn only_what_may_be_another_cluster_is_asked_about() {
        let before = ("hq".to_owned(), addresses("a:1, b:1"));
        assert!(!is_elsewhere(&before, "hq", &addresses("b:1")) && !is_elsewhere(&before, "hq", &addresses("b:1 a:1")));
        assert!(
            is_elsewhere(&before, "hq", &addresses("a:1 c:1")) && is_elsewhere(&before, "store", &addresses("a:1"))
        );
    }

    #[test]
    fn kinds_survive_the_select() {
        for (kind, key, _) in KINDS {
            assert_eq!((kind_key(kind), kind_of(key)), (key.to_owned(), kind));
        }
    }

    #[test]
    fn mechanisms_survive_the_select() {
        for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
            assert_eq!(mechanism_of(mechanism_key(mechanism)), Some(mechanism));
        }
        assert_eq!(mechanism_of(""), None);
    }
}
