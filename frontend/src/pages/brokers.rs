//! Broker connections: Kafka clusters, schema registries and Kafka Connect that agents can reach, how the connection is, and
//! what the agent may not see there.

mod form;

use leptos::prelude::*;
use mesh_protocol::id::SiteId;

use self::form::BrokerForm;
pub(crate) use self::form::First;
use crate::api::{BrokerInput, BrokerKind, BrokerView, LiveTopic};
use crate::components::{Button, Code, Dialog, Empty, Main, PartChip, Stamp, Table, Tone};
use crate::editor::{Editing, Section};
use crate::format;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What a change of brokers makes old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Topology, LiveTopic::Rollout, LiveTopic::Catalog];

/// `/brokers`
#[component]
pub fn Brokers() -> impl IntoView {
    let brokers = load(TOPICS, || (), |api, ()| async move { api.0.all_brokers().await });
    let editing = Editing::<BrokerView>::new();
    let may = Signal::derive(|| Viewer::has(right::BROKER_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| editing.make()>"Attach a broker"</Button>
    };
    view! {
        <Main title="Brokers" note="Kafka, schema registries, Kafka Connect, RabbitMQ and MQTT brokers that agents reach; read-only rights are enough" acts=acts.into_any()>
            <Load resource=brokers what="brokers" let:brokers>
                {move || {
                    let brokers = brokers.get();
                    if brokers.is_empty() {
                        view! {
                            <Empty
                                icon="broker"
                                title="No broker attached yet"
                                text="Name a Kafka cluster, a schema registry or a Kafka Connect cluster, and a site whose agent can reach it. What is in it then fills the catalog by itself."
                            />
                        }
                            .into_any()
                    } else {
                        view! {
                            {broker_table(brokers.clone(), editing, "m-table--two")}
                            {brokers.into_iter().filter_map(missing).collect_view()}
                        }
                            .into_any()
                    }
                }}
            </Load>
        </Main>
        <Dialog open=editing.open label="Broker connection" class="m-dialog m-dialog--wide">
            <BrokerForm broker=editing.of() site=None open=editing.open/>
        </Dialog>
    }
    .into_any()
}

/// The section on a site's page.
#[component]
pub(crate) fn BrokerSection(site: Signal<Option<SiteId>>, brokers: Signal<Vec<BrokerView>>) -> impl IntoView {
    let editing = Editing::<BrokerView>::new();
    view! {
        <Section
            title="Broker connections"
            note="Kafka clusters, schema registries and Kafka Connect that the agents here can reach"
            verb="Attach a broker"
            right=right::BROKER_WRITE
            on_press=move |()| editing.make()
        >
            {move || {
                let brokers = brokers.get();
                if brokers.is_empty() {
                    view! { <p class="m-small m-muted">"None. A site works without one."</p> }.into_any()
                } else {
                    broker_table(brokers, editing, "m-table--inset m-table--two")
                }
            }}
        </Section>
        {move || brokers.get().into_iter().filter_map(missing).collect_view()}
        <Dialog open=editing.open label="Broker connection" class="m-dialog m-dialog--wide">
            <BrokerForm broker=editing.of() site=site.get_untracked() open=editing.open/>
        </Dialog>
    }
    .into_any()
}

fn broker_table(brokers: Vec<BrokerView>, editing: Editing<BrokerView>, class: &'static str) -> AnyView {
    let may = Signal::derive(|| Viewer::has(right::BROKER_WRITE));
    let rows = brokers
        .into_iter()
        .map(|broker| {
            let for_edit = broker.clone();
            let found = found(&broker);
            let config = broker.config;
            let label = format!("Edit broker connection {}", config.name);
            let sub = format!("{} {}, {}", kind_word(config.kind), broker.site_name, manner(&config));
            let address = if config.kind == BrokerKind::Kafka { config.bootstrap.join(", ") } else { config.url.clone() };
            let name = match broker.object {
                Some(id) => view! { <a class="m-cell__name" href=super::catalog::href(&id)>{config.name}</a> }.into_any(),
                None => view! { <span class="m-cell__name">{config.name}</span> }.into_any(),
            };
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            {name}
                            <span class="m-cell__sub">{sub}</span>
                        </div>
                    </td>
                    <td class="m-low m-mono m-small">{address}</td>
                    <td><PartChip parts=broker.parts/></td>
                    <td class="m-num">{found}</td>
                    <td class="m-low">{broker.scanned.map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })}</td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Quiet right=may label=label on_press=move |()| editing.change(for_edit.clone())>
                                "Edit"
                            </Button>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Broker connections"
            class=class
            heads=&[
                ("Name", ""),
                ("Address", "m-low"),
                ("State", ""),
                ("Found", ""),
                ("Scanned", "m-low"),
                ("", "m-tight"),
            ]
        >
            {rows}
        </Table>
    }
    .into_any()
}

/// What a connection leads to, before the site.
const fn kind_word(kind: BrokerKind) -> &'static str {
    match kind {
        BrokerKind::Kafka => "Kafka cluster at",
        BrokerKind::SchemaRegistry => "Schema registry at",
        BrokerKind::KafkaConnect => "Kafka Connect at",
        BrokerKind::Rabbit => "RabbitMQ at",
        BrokerKind::Mqtt => "MQTT broker at",
    }
}

/// How it is connected to.
fn manner(config: &BrokerInput) -> String {
    let sasl = config.sasl.as_ref().map(|sasl| &sasl.username);
    let user = sasl.or(config.login.as_ref().map(|login| &login.username));
    let login = user.map_or_else(|| "no login".to_owned(), |user| format!("as {user}"));
    format!("{}, {login}", if config.tls { "TLS" } else { "plain" })
}

/// What was found there, each with its list.
fn found(broker: &BrokerView) -> AnyView {
    let kinds: &[(&str, &str, u64)] = match broker.config.kind {
        BrokerKind::Kafka => &[("topic", "topic", broker.topics), ("group", "group", broker.groups)],
        BrokerKind::SchemaRegistry => &[("subject", "subject", broker.subjects)],
        BrokerKind::KafkaConnect => &[("connect_connector", "connector", broker.connectors)],
        BrokerKind::Rabbit => {
            &[("rabbit_queue", "queue", broker.queues), ("rabbit_exchange", "exchange", broker.exchanges)]
        }
        BrokerKind::Mqtt => &[("mqtt_address", "retained message", broker.addresses)],
    };
    let links = kinds.iter().map(|(kind, word, count)| {
        let href = format!("/catalog?kind={kind}&broker={}", crate::api::encoded(&broker.config.name));
        let text = format::plural(usize::try_from(*count).unwrap_or(usize::MAX), word);
        view! { <a href=href>{text}</a>" " }
    });
    links.collect_view().into_any()
}

/// What somebody has to do outside of the portal for a connection: store its secret, grant rights.
fn missing(broker: BrokerView) -> Option<AnyView> {
    use mesh_protocol::report::PartState;
    let works = broker.parts.iter().any(|part| part.state == PartState::Running);
    let secret = broker.secret_command.filter(|_| !works);
    if secret.is_none() && broker.missing_rights.is_empty() {
        return None;
    }
    let rights = broker
        .missing_rights
        .into_iter()
        .map(|missing| {
            view! {
                <p class="m-small">{format!("Without {} the agent cannot see: {}.", missing.right, missing.what)}</p>
                <Code text=missing.command what="the command that grants it"/>
            }
        })
        .collect_view();
    Some(
        view! {
            <section class="m-part">
                <div class="m-part__head"><h2>{format!("To do for {}", broker.config.name)}</h2></div>
                {secret.map(|command| view! {
                    <p class="m-small">"Store the password at the agent; the portal never sees it. Run this there, in the agent's folder:"</p>
                    <Code text=command what="the command that stores the secret"/>
                })}
                {rights}
            </section>
        }
        .into_any(),
    )
}
