//! One object: what it is, who answers for it, what is going on with it, who sends and who reads.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::designed::Designed;
use super::edit::About;
use super::facts::Facts;
use super::flows::{FlowTable, samples, uses};
use super::kafka::AroundIt;
use super::shape::Payload;
use super::{TOPICS, kind_icon, kind_word, object_name};
use crate::api::{CatalogKind, CatalogObject};
use crate::components::{Age, Banner, Code, EvidenceBadge, Icon, Main, Part, Rate, Spark, Stamp};
use crate::format;
use crate::load::{Load, load};

/// `/catalog/:id`
#[component]
pub fn CatalogDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let object = load(TOPICS, move || id.get(), |api, id| async move { api.0.catalog_object(id).await });
    view! {
        <Load resource=object what="object" title="Catalog" one=true let:object>
            <Detail object=object/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(object: Signal<CatalogObject>) -> impl IntoView {
    let name = Memo::new(move |_| object.with(|object| object.row.name.clone()));
    let kind = Memo::new(move |_| object.with(|object| object.row.kind));
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/catalog">"Catalog"</a></li>
            <li><a href=move || format!("/catalog?kind={}", kind_value(kind.get()))>{move || kind_word(kind.get())}</a></li>
            <li>{name}</li>
        </ol>
    };
    let id = Memo::new(move |_| object.with(|object| object.row.id.clone()));
    let acts = view! {
        <Show when=move || kind.get() == CatalogKind::Address>
            <a class="m-button" href=move || format!("/catalog/{}/records", id.get())><Icon name="table"/>"Watch events"</a>
        </Show>
        <Show when=move || kind.get() == CatalogKind::Topic>
            <a class="m-button" href=move || format!("/catalog/{}/records", id.get())><Icon name="table"/>"Look at records"</a>
        </Show>
        <Show when=move || flows(kind.get())>
            <a class="m-button" href=move || graph_href(&name.get())><Icon name="graph"/>"Find in graph"</a>
        </Show>
    };
    let note = Signal::derive(move || object.with(place));
    let gone = Memo::new(move |_| object.with(|object| object.row.gone));
    view! {
        <Main title=name note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            <Show when=move || gone.get()>
                <Banner tone="warn" text="It is no longer there. What follows is the last that was known of it."/>
            </Show>
            <About object=object/>
            <div class="m-split m-split--slim">
                <div class="m-split__main">
                    <Show when=move || carries(kind.get()) && kind.get() != CatalogKind::Group>
                        <Traffic object=object/>
                    </Show>
                    <Show when=move || kind.get() == CatalogKind::Group>
                        <Behind object=object/>
                    </Show>
                    <Show when=move || flows(kind.get())>
                        <Flows object=object/>
                    </Show>
                    <Payload object=object/>
                    {move || object.get().facts.map(|facts| {
                        let (seen, uses) = object.with(|object| (object.row.freshness.clone(), uses(object)));
                        view! { <Facts facts=facts seen=seen uses=uses/> }
                    })}
                    <Show when=move || kind.get() == CatalogKind::Subject>
                        <Flows object=object/>
                    </Show>
                    <Connect object=object/>
                    {move || object.get().kafka.map(|side| view! { <AroundIt side=side kind=kind.get()/> })}
                </div>
                <div class="m-split__side">
                    <What object=object/>
                    <Designed object=object/>
                    <Related object=object/>
                </div>
            </div>
        </Main>
    }
    .into_any()
}

/// The kind as the address has it.
fn kind_value(kind: CatalogKind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn graph_href(name: &str) -> String {
    format!("/graph?find={}", crate::api::encoded(name))
}

/// Whether events pass through such an object.
const fn flows(kind: CatalogKind) -> bool {
    carries(kind) && !matches!(kind, CatalogKind::Cluster)
}

/// Whether it has a rate, or what is in it has.
const fn carries(kind: CatalogKind) -> bool {
    !matches!(
        kind,
        CatalogKind::User
            | CatalogKind::Transaction
            | CatalogKind::Registry
            | CatalogKind::Subject
            | CatalogKind::Connect
            | CatalogKind::ConnectConnector
            | CatalogKind::Rabbit
            | CatalogKind::RabbitExchange
            | CatalogKind::RabbitQueue
            | CatalogKind::RabbitUser
            | CatalogKind::Mqtt
            | CatalogKind::MqttAddress
    )
}

fn place(object: &CatalogObject) -> String {
    let row = &object.row;
    let mut words = vec![kind_word(row.kind).to_owned()];
    if let Some(broker) = row.broker.as_ref().filter(|broker| **broker != row.name) {
        words.push(format!("in {broker}"));
    }
    if !row.sites.is_empty() {
        words.push(format!("at {}", row.sites.join(", ")));
    }
    if let Some(domain) = &row.domain {
        words.push(format!("in the domain {domain}"));
    }
    words.join(" ")
}

/// The rate now and lately.
#[component]
fn Traffic(object: Signal<CatalogObject>) -> impl IntoView {
    let rate = Signal::derive(move || object.with(|object| object.row.rate));
    let history = Signal::derive(move || object.with(|object| object.rate_history.clone()));
    let stale =
        Signal::derive(move || object.with(|object| object.row.freshness.as_ref().is_none_or(|seen| seen.stale)));
    let peak = move || history.with(|history| history.iter().copied().fold(0.0, f64::max));
    let stamp = move || {
        object.with(|object| object.row.freshness.clone()).map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })
    };
    view! {
        <Part title="Traffic" note="the last ten minutes" acts=stamp.into_any()>
            <div class="m-traffic">
                <p class="m-traffic__now"><Rate per_second=rate stale=stale/></p>
                <p class="m-small m-muted m-num">
                    {move || if peak() > 0.0 { format!("peak {}/s", format::rate(peak())) } else { "silent".to_owned() }}
                </p>
                <div class="m-traffic__shape"><Spark samples=history stale=stale/></div>
            </div>
        </Part>
    }
    .into_any()
}

/// How far a consumer group is behind, now and lately.
#[component]
fn Behind(object: Signal<CatalogObject>) -> impl IntoView {
    let lag = Memo::new(move |_| object.with(|object| object.row.lag.unwrap_or_default().max(0).unsigned_abs()));
    let history = Signal::derive(move || object.with(|object| samples(&object.lag_history)));
    let peak = Memo::new(move |_| object.with(|object| object.lag_history.iter().copied().max().unwrap_or_default()));
    let stale =
        Signal::derive(move || object.with(|object| object.row.freshness.as_ref().is_none_or(|seen| seen.stale)));
    let stamp = move || {
        object.with(|object| object.row.freshness.clone()).map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })
    };
    view! {
        <Part title="Lag" note="the last ten minutes" acts=stamp.into_any()>
            <div class="m-traffic">
                <p class="m-traffic__now m-num">{move || format::count(lag.get())}</p>
                <p class="m-small m-muted m-num">{move || format!("records behind, peak {}", format::count(peak.get().max(lag.get())))}</p>
                <div class="m-traffic__shape"><Spark samples=history stale=stale/></div>
            </div>
        </Part>
    }
    .into_any()
}

/// Who sends to it and who takes from it.
#[component]
fn Flows(object: Signal<CatalogObject>) -> impl IntoView {
    let producers = Signal::derive(move || object.with(|object| object.producers.clone()));
    let consumers = Signal::derive(move || object.with(|object| object.consumers.clone()));
    // The kind is for the life of the page.
    let (no_producers, no_consumers) = match object.with_untracked(|object| object.row.kind) {
        CatalogKind::Subject => (
            "No agent saw a payload that names one of its versions being sent.",
            "No agent saw a payload that names one of its versions being taken.",
        ),
        _ => (
            "Nobody sends to it, as far as the agents see and the rules allow.",
            "Nobody takes from it, as far as the agents see and the rules allow.",
        ),
    };
    view! {
        <FlowTable title="Producers" none=no_producers rows=producers/>
        <FlowTable title="Consumers" none=no_consumers rows=consumers/>
    }
    .into_any()
}

/// Lines by which one connects.
#[component]
fn Connect(object: Signal<CatalogObject>) -> impl IntoView {
    let snippets = Memo::new(move |_| object.with(|object| object.connect.clone()));
    move || {
        let snippets = snippets.get();
        if snippets.is_empty() {
            return ().into_any();
        }
        let rows = snippets
            .into_iter()
            .map(|snippet| {
                let what = format!("the lines: {}", snippet.title);
                view! {
                    <details>
                        <summary class="m-line"><Icon name="right" small=true/>{snippet.title}</summary>
                        <Code text=Signal::stored(snippet.text) what=what/>
                    </details>
                }
            })
            .collect_view();
        view! {
            <Part title="Connect" note="USER and PASSWORD are those of a client that may">{rows}</Part>
        }
        .into_any()
    }
}

/// Kind, name, place, evidence, first and last seen.
#[component]
fn What(object: Signal<CatalogObject>) -> impl IntoView {
    move || {
        let object = object.get();
        let row = object.row;
        let evidence = [
            (row.evidence.declared, "declared"),
            (row.evidence.permitted, "permitted"),
            (row.evidence.observed, "observed"),
        ];
        let badges: Vec<_> =
            evidence.iter().filter(|(is, _)| *is).map(|(_, kind)| view! { <EvidenceBadge kind=*kind/> }).collect();
        let nothing = badges.is_empty().then_some("no evidence");
        let sites = if row.sites.is_empty() { "none".to_owned() } else { row.sites.join(", ") };
        view! {
            <Part title="What it is">
                <dl class="m-facts">
                    <dt>"Kind"</dt>
                    <dd class="m-line"><Icon name=kind_icon(row.kind) small=true/>{kind_word(row.kind)}</dd>
                    <dt>"Name"</dt>
                    <dd>{object_name(row.kind, row.name)}</dd>
                    {row.broker.map(|broker| view! { <dt>{home(row.kind)}</dt><dd>{broker}</dd> })}
                    <dt>"Sites"</dt>
                    <dd>{sites}</dd>
                    <dt>"Evidence"</dt>
                    <dd class="m-line m-line--wrap">{badges}{nothing}</dd>
                    {object.first_seen.map(|at| view! { <dt>"First seen"</dt><dd><Age at_ms=Some(at)/>" ago"</dd> })}
                    <dt>"Last seen"</dt>
                    <dd>
                        {match row.freshness {
                            Some(seen) => view! { <Stamp at_ms=seen.as_of by=seen.by/> }.into_any(),
                            None => view! { <span class="m-muted">"never"</span> }.into_any(),
                        }}
                    </dd>
                </dl>
            </Part>
        }
    }
}

/// What the broker connection is called that it was found by.
const fn home(kind: CatalogKind) -> &'static str {
    match kind {
        CatalogKind::Registry | CatalogKind::Subject => "Registry",
        CatalogKind::Connect | CatalogKind::ConnectConnector => "Kafka Connect",
        CatalogKind::Mqtt | CatalogKind::MqttAddress => "Broker",
        _ => "Cluster",
    }
}

/// What it hangs together with, grouped by how.
#[component]
fn Related(object: Signal<CatalogObject>) -> impl IntoView {
    move || {
        let related = object.with(|object| object.related.clone());
        if related.is_empty() {
            return ().into_any();
        }
        let rows = related
            .into_iter()
            .map(|other| {
                view! {
                    <dt>{other.relation}</dt>
                    <dd><a href=other.href>{other.name}</a></dd>
                }
            })
            .collect_view();
        view! { <Part title="Related"><dl class="m-facts">{rows}</dl></Part> }.into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_as_the_api_has_them() {
        assert_eq!(kind_value(CatalogKind::Group), "group");
        assert_eq!(super::super::kind_from(&kind_value(CatalogKind::Address)), Some(CatalogKind::Address));
    }

    #[test]
    fn the_graph_is_asked_for_the_whole_name() {
        assert_eq!(graph_href("orders/fr"), "/graph?find=orders%2Ffr");
    }
}
