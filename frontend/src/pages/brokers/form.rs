//! The dialog that attaches a Kafka cluster or changes the connection.

use leptos::prelude::*;
use mesh_protocol::desired::SaslMechanism;
use mesh_protocol::id::{BrokerId, SiteId};

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{BrokerInput, BrokerView, Edit, SaslInput};
use crate::components::{Check, Choice, Field, Select, TextArea, either};
use crate::editor::{Editor, closing};
use crate::load::{Load, load};
use crate::viewer::right;

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Draft {
    site: RwSignal<String>,
    name: RwSignal<String>,
    bootstrap: RwSignal<String>,
    tls: RwSignal<bool>,
    ca_pem: RwSignal<String>,
    mechanism: RwSignal<String>,
    username: RwSignal<String>,
    secret: RwSignal<String>,
    discover: RwSignal<bool>,
    browse: RwSignal<bool>,
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
        let site = broker.map(|have| have.site).or(site).map(|id| id.to_string()).unwrap_or_default();
        Self {
            site: RwSignal::new(site),
            name: text(&|have| have.name.clone()),
            bootstrap: text(&|have| have.bootstrap.join(", ")),
            tls: RwSignal::new(broker.is_none_or(|have| have.tls)),
            ca_pem: text(&|have| have.ca_pem.clone().unwrap_or_default()),
            mechanism: sasl(|sasl| mechanism_key(sasl.mechanism).to_owned()),
            username: sasl(|sasl| sasl.username.clone()),
            secret: sasl(|sasl| sasl.secret.clone()),
            discover: RwSignal::new(broker.is_none_or(|have| have.discover)),
            browse: RwSignal::new(broker.is_some_and(|have| have.browse)),
        }
    }

    /// What would be saved; none until a site is chosen.
    fn input(self) -> Option<BrokerInput> {
        let trimmed = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        let sasl = mechanism_of(&self.mechanism.get_untracked()).map(|mechanism| SaslInput {
            mechanism,
            username: trimmed(self.username),
            secret: trimmed(self.secret),
        });
        Some(BrokerInput {
            site: self.site.get_untracked().parse().ok()?,
            name: trimmed(self.name),
            bootstrap: addresses(&self.bootstrap.get_untracked()),
            tls: self.tls.get_untracked(),
            ca_pem: Some(trimmed(self.ca_pem)).filter(|pem| !pem.is_empty()),
            sasl,
            discover: self.discover.get_untracked(),
            browse: self.browse.get_untracked(),
        })
    }
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
            title=if known.is_some() { "Change broker connection" } else { "Attach a Kafka" }
            save=save
            open=open
            right=right::BROKER_WRITE
            on_save=submit
            on_delete=known.map(|known| Callback::new(move |()| delete.run(known)))
            consequence="The catalog keeps what was found as last known. Routes that use the cluster must go first."
        >
            <Fields draft=draft save=save lacks_site=lacks_site/>
            <ActError act=delete/>
        </Editor>
    }
    .into_any()
}

#[component]
fn Fields(draft: Draft, save: Act<BrokerInput>, lacks_site: RwSignal<bool>) -> impl IntoView {
    let sites = load(
        &[],
        || (),
        |api, ()| async move {
            let sites = api.0.all_sites().await?;
            Ok(sites.into_iter().map(|site| (site.id.to_string(), site.name)).collect::<Vec<Choice>>())
        },
    );
    let pair = |key: &str, words: &str| (key.to_owned(), words.to_owned());
    let mechanisms = vec![
        pair("", "No login"),
        pair("SCRAM-SHA-512", "SCRAM-SHA-512"),
        pair("SCRAM-SHA-256", "SCRAM-SHA-256"),
        pair("PLAIN", "PLAIN, over TLS only"),
    ];
    view! {
        <div class="m-form__row">
            <Field label="Name" name="name" value=draft.name required=true hint="Unique, such as kafka-a" error=save.field("name")/>
            <Load resource=sites what="sites" let:sites>
                <First choices=sites value=draft.site/>
                <Select label="Reached by the agents of" name="site" value=draft.site choices=sites error=either(save.field("site"), move || site_error(lacks_site.get()))/>
            </Load>
        </div>
        <Field label="Bootstrap servers" name="bootstrap" value=draft.bootstrap mono=true required=true placeholder="kafka-1:9092, kafka-2:9092" error=save.field("bootstrap")/>
        <div class="m-choices">
            <Check label="TLS" checked=draft.tls/>
            <Check label="Scan it for the catalog" checked=draft.discover/>
            <Check label="Let people look into its topics" checked=draft.browse/>
        </div>
        <Show when=move || draft.tls.get()>
            <TextArea label="CA of the brokers, PEM" name="ca_pem" value=draft.ca_pem hint="Empty: the CAs of the agent's system" error=save.field("ca_pem")/>
        </Show>
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
    fn mechanisms_survive_the_select() {
        for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
            assert_eq!(mechanism_of(mechanism_key(mechanism)), Some(mechanism));
        }
        assert_eq!(mechanism_of(""), None);
    }
}
