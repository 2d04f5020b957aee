//! The editor of a route. Templates, expressions and filters are checked while one types, by the parser the agents use.

mod ends;
mod webhook;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use mesh_protocol::desired::Start;
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::expr::Expr;
use mesh_protocol::id::BrokerId;
use mesh_protocol::template::Template;
use mesh_protocol::topic::Filter;

use self::ends::Ends;
use self::webhook::{WebhookDraft, WebhookFields};
use super::TOPICS;
use crate::act::Act;
use crate::api::{Edit, RouteFrom, RouteInput, RouteTo, RouteView};
use crate::components::{Field, Select, either};
use crate::editor::{Editor, closing};
use crate::load::{Load, load};
use crate::pages::brokers::First;
use crate::viewer::right;

/// The ends that are not Kafka, as values of a select; a cluster is its id.
const MESH: &str = "mesh";
const WEBHOOK: &str = "webhook";

/// The fields as they stand, of both kinds of ends.
#[derive(Clone, Copy)]
struct Draft {
    name: RwSignal<String>,
    note: RwSignal<String>,
    mode: RwSignal<String>,
    from: RwSignal<String>,
    filters: RwSignal<String>,
    topics: RwSignal<String>,
    template: RwSignal<String>,
    filter: RwSignal<String>,
    /// Empty = none.
    schemas: RwSignal<String>,
    start: RwSignal<String>,
    to: RwSignal<String>,
    topic: RwSignal<String>,
    key: RwSignal<String>,
    webhook: WebhookDraft,
    enabled: StoredValue<bool>,
}

/// `a, b` or one in each line.
fn items(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

impl Draft {
    fn of(route: Option<&RouteInput>) -> Self {
        let blank = || RwSignal::new(String::new());
        let draft = Self {
            name: RwSignal::new(route.map(|route| route.name.clone()).unwrap_or_default()),
            note: RwSignal::new(route.map(|route| route.note.clone()).unwrap_or_default()),
            mode: RwSignal::new("guaranteed".to_owned()),
            from: RwSignal::new(MESH.to_owned()),
            filters: blank(),
            topics: blank(),
            template: blank(),
            filter: blank(),
            schemas: blank(),
            start: RwSignal::new("latest".to_owned()),
            to: blank(),
            topic: blank(),
            key: blank(),
            webhook: WebhookDraft::default(),
            enabled: StoredValue::new(route.is_none_or(|route| route.enabled)),
        };
        if let Some(route) = route {
            draft.fill(route);
        }
        draft
    }

    fn fill(self, route: &RouteInput) {
        if route.mode == DeliveryMode::Direct {
            self.mode.set("direct".to_owned());
        }
        match &route.from {
            RouteFrom::Mesh { filters } => self.filters.set(filters.join(", ")),
            RouteFrom::Kafka { broker, topics, template, filter, schemas, start } => {
                self.from.set(broker.to_string());
                self.topics.set(topics.join(", "));
                self.template.set(template.clone());
                self.filter.set(filter.clone());
                self.schemas.set(schemas.map(|id| id.to_string()).unwrap_or_default());
                self.start.set(if *start == Start::Earliest { "earliest" } else { "latest" }.to_owned());
            }
        }
        match &route.to {
            RouteTo::Mesh => self.to.set(MESH.to_owned()),
            RouteTo::Kafka { broker, topic, key } => {
                self.to.set(broker.to_string());
                self.topic.set(topic.clone());
                self.key.set(key.clone());
            }
            RouteTo::Webhook(target) => {
                self.to.set(WEBHOOK.to_owned());
                self.webhook.fill(target);
            }
        }
    }

    /// What would be saved; none until a webhook has a site that calls it.
    fn input(self) -> Option<RouteInput> {
        let trimmed = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        let cluster = |field: RwSignal<String>| field.get_untracked().parse::<BrokerId>().ok();
        let from = match cluster(self.from) {
            None => RouteFrom::Mesh { filters: items(&self.filters.get_untracked()) },
            Some(broker) => RouteFrom::Kafka {
                broker,
                topics: items(&self.topics.get_untracked()),
                template: trimmed(self.template),
                filter: trimmed(self.filter),
                schemas: cluster(self.schemas),
                start: if self.start.get_untracked() == "earliest" { Start::Earliest } else { Start::Latest },
            },
        };
        let to = match cluster(self.to) {
            None if self.to.get_untracked() == WEBHOOK => RouteTo::Webhook(self.webhook.target()?),
            None => RouteTo::Mesh,
            Some(broker) => RouteTo::Kafka { broker, topic: trimmed(self.topic), key: trimmed(self.key) },
        };
        Some(RouteInput {
            name: trimmed(self.name),
            enabled: self.enabled.get_value(),
            from,
            to,
            mode: if self.mode.get_untracked() == "direct" { DeliveryMode::Direct } else { DeliveryMode::Guaranteed },
            note: trimmed(self.note),
        })
    }
}

/// What is wrong with the first wrong filter of a list.
fn filters_error(text: &str) -> Option<String> {
    items(text).iter().find_map(|filter| Filter::mesh(filter).err()).map(|error| error.to_string())
}

fn template_error(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| Template::parse(text).err()).flatten().map(|error| error.to_string())
}

fn expression_error(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| Expr::parse(text).err()).flatten().map(|error| error.to_string())
}

/// The form in the dialog.
#[component]
pub(super) fn RouteForm(route: Option<RouteView>, open: RwSignal<bool>) -> impl IntoView {
    let navigate = use_navigate();
    let known = route.as_ref().map(|route| (route.id, route.revision));
    let draft = Draft::of(route.as_ref().map(|route| &route.config));
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: RouteInput| async move {
            match known {
                None => api.0.create_route(value).await,
                Some((id, revision)) => api.0.update_route(id, Edit { revision, value }).await,
            }
        },
        move |saved: RouteView| {
            close.run("Route saved. Its agents start it now.");
            if known.is_none() {
                navigate(&format!("/routes/{}", saved.id), NavigateOptions::default());
            }
        },
    );
    let ends = load(&[], || (), |api, ()| async move { Ok(Ends::of(api.0.all_brokers().await?)) });
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
            title=if known.is_some() { "Change route" } else { "New route" }
            save=save
            open=open
            right=right::ROUTE_WRITE
            verb=if known.is_some() { "Save route" } else { "Create route" }
            on_save=submit
        >
            <Load resource=ends what="clusters" let:ends>
                <Fields draft=draft ends=ends save=save lacks_site=lacks_site/>
            </Load>
        </Editor>
    }
    .into_any()
}

#[component]
fn Fields(draft: Draft, ends: Signal<Ends>, save: Act<RouteInput>, lacks_site: RwSignal<bool>) -> impl IntoView {
    let with_mesh = Signal::derive(move || {
        let mut choices = ends.with(Ends::clusters);
        choices.push((MESH.to_owned(), "The mesh".to_owned()));
        choices
    });
    let targets = Signal::derive(move || {
        let mut choices = ends.with(Ends::clusters);
        choices.push((WEBHOOK.to_owned(), "An HTTP endpoint (webhook)".to_owned()));
        choices.push((MESH.to_owned(), "The mesh".to_owned()));
        choices
    });
    // Both say something about the one list of ends.
    let kind_error = save.field("to.kind");
    let pair = |key: &str, words: &str| (key.to_owned(), words.to_owned());
    let modes = vec![
        pair("guaranteed", "Guaranteed: nothing acknowledged is lost"),
        pair("direct", "Direct: lowest latency, best effort"),
    ];
    view! {
        <Field label="Name" name="name" value=draft.name required=true hint="Unique; also the name of its principal" error=save.field("name")/>
        <fieldset class="m-form__group">
            <legend>"From"</legend>
            <Select label="Where the events come from" name="from" value=draft.from choices=with_mesh error=save.field("from.broker")/>
            <Show when=move || draft.from.get() == MESH fallback=move || view! { <FromKafka draft=draft ends=ends save=save/> }>
                <Field
                    label="Topic filters"
                    name="filters"
                    value=draft.filters
                    mono=true
                    required=true
                    placeholder="orders/>"
                    hint="Separated by commas"
                    error=either(save.field("from.filters"), move || draft.filters.with(|text| filters_error(text)))
                />
            </Show>
        </fieldset>
        <fieldset class="m-form__group">
            <legend>"To"</legend>
            <First choices=targets value=draft.to/>
            <Select label="Where they go" name="to" value=draft.to choices=targets error=either(save.field("to.broker"), move || kind_error.get())/>
            <Show when=move || draft.to.get() == MESH>
                <p class="m-small m-muted">"Whoever subscribes in the mesh gets them."</p>
            </Show>
            <Show when=move || draft.to.get() == WEBHOOK>
                <WebhookFields draft=draft.webhook save=save lacks_site=lacks_site/>
            </Show>
            <Show when=move || draft.to.with(|to| to != MESH && to != WEBHOOK)>
                <div class="m-form__row">
                    <Field
                        label="Kafka topic"
                        name="topic"
                        value=draft.topic
                        mono=true
                        required=true
                        placeholder="retail.{1}"
                        hint="{1} is the first level of the event's topic"
                        error=either(save.field("to.topic"), move || draft.topic.with(|text| template_error(text)))
                    />
                    <Field
                        label="Record key"
                        name="key"
                        value=draft.key
                        mono=true
                        hint="Empty: the event's ordering key"
                        error=either(save.field("to.key"), move || draft.key.with(|text| template_error(text)))
                    />
                </div>
            </Show>
        </fieldset>
        <Select label="Delivery" name="mode" value=draft.mode choices=modes/>
        <Field label="Why it exists" name="note" value=draft.note hint="Optional" error=save.field("note")/>
    }
    .into_any()
}

#[component]
fn FromKafka(draft: Draft, ends: Signal<Ends>, save: Act<RouteInput>) -> impl IntoView {
    let registries = Signal::derive(move || {
        let mut choices = vec![(String::new(), "None: values are JSON".to_owned())];
        choices.extend(draft.from.with(|cluster| ends.with(|ends| ends.registries_beside(cluster))));
        choices
    });
    let pair = |key: &str, words: &str| (key.to_owned(), words.to_owned());
    let starts = vec![pair("latest", "At the end: new records only"), pair("earliest", "At the oldest record kept")];
    view! {
        <Field
            label="Kafka topics"
            name="topics"
            value=draft.topics
            mono=true
            required=true
            placeholder="orders.v1"
            hint="Names, separated by commas"
            error=save.field("from.topics")
        />
        <Field
            label="Topic of the event"
            name="template"
            value=draft.template
            mono=true
            required=true
            placeholder="orders/{value.country}/{key}"
            hint="{key}, {header.name} and {value.field} of the record fill the levels"
            error=either(save.field("from.template"), move || draft.template.with(|text| template_error(text)))
        />
        <Field
            label="Only records where"
            name="filter"
            value=draft.filter
            mono=true
            placeholder="value.temp > 80"
            hint="Empty: all records"
            error=either(save.field("from.filter"), move || draft.filter.with(|text| expression_error(text)))
        />
        <Select
            label="Schemas from"
            name="schemas"
            value=draft.schemas
            choices=registries
            hint="A schema registry of the cluster's site, for {value.field} of records in Avro, JSON Schema or Protobuf"
            error=save.field("from.schemas")
        />
        <Select label="Begins" name="start" value=draft.start choices=starts hint="Only when it has no position yet"/>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::WebhookTarget;
    use mesh_protocol::desired::WebhookFormat;

    fn check(route: &RouteInput) {
        Owner::new().with(|| assert_eq!(Draft::of(Some(route)).input().as_ref(), Some(route)));
    }

    #[test]
    fn a_route_survives_the_form() {
        let broker: BrokerId = "0190a000-0000-7000-8000-000000000041".parse().expect("an id");
        let to_kafka = RouteInput {
            name: "orders".into(),
            enabled: false,
            from: RouteFrom::Mesh { filters: vec!["orders/>".into(), "returns/>".into()] },
            to: RouteTo::Kafka { broker, topic: "retail.{1}".into(), key: "{2}".into() },
            mode: DeliveryMode::Guaranteed,
            note: "why".into(),
        };
        check(&to_kafka);
        check(&RouteInput {
            from: RouteFrom::Kafka {
                broker,
                topics: vec!["a".into()],
                template: "a/{key}".into(),
                filter: "value.temp > 80".into(),
                schemas: Some(broker),
                start: Start::Earliest,
            },
            to: RouteTo::Mesh,
            mode: DeliveryMode::Direct,
            ..to_kafka.clone()
        });
        let webhook = WebhookTarget {
            site: "0190a000-0000-7000-8000-000000000001".parse().expect("an id"),
            url: "https://erp.example/hooks".into(),
            format: WebhookFormat::Structured,
            secret: Some("erp".into()),
            ca_pem: None,
            timeout_ms: 2_000,
            concurrency: 4,
            deliveries_max: Some(20),
            private_addresses: true,
        };
        check(&RouteInput { to: RouteTo::Webhook(webhook.clone()), ..to_kafka.clone() });
        let plain = WebhookTarget { secret: None, deliveries_max: None, ..webhook };
        check(&RouteInput { to: RouteTo::Webhook(plain), ..to_kafka });
    }

    #[test]
    fn mistakes_are_told_while_one_types() {
        assert!(template_error("orders/{value.country").is_some());
        assert!(template_error("orders/{value.country}").is_none());
        assert!(template_error("").is_none(), "not while it is empty");
        assert!(filters_error("orders/>, a\0").is_some());
        assert!(expression_error("value.temp >").is_some());
    }
}
