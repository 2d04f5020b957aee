//! One object: what it is, who answers for it, what is going on with it, who sends and who reads.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::designed::Designed;
use super::edit::About;
use super::facts::Facts;
use super::kafka::AroundIt;
use super::shape::Payload;
use super::{LATE_MS, TOPICS, kind_icon, kind_word, object_name};
use mesh_protocol::event::Protocol;

use crate::api::{CatalogKind, CatalogObject, FlowRow};
use crate::components::{
    Age, Banner, Code, EvidenceBadge, EvidenceRow, Icon, Main, Part, Rate, Spark, Stamp, Table, Topic,
};
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
                    <Show when=move || carries(kind.get())>
                        <Traffic object=object/>
                    </Show>
                    <Show when=move || flows(kind.get())>
                        <Flows object=object/>
                    </Show>
                    <Payload object=object/>
                    {move || object.get().facts.map(|facts| {
                        let seen = object.with(|object| object.row.freshness.clone());
                        view! { <Facts facts=facts seen=seen/> }
                    })}
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
    let lag = move || object.with(|object| object.row.lag);
    let stamp = move || {
        object.with(|object| object.row.freshness.clone()).map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })
    };
    view! {
        <Part title="Traffic" note="the last ten minutes" acts=stamp.into_any()>
            <div class="m-traffic">
                <p class="m-traffic__now"><Rate per_second=rate stale=stale/></p>
                <p class="m-small m-muted m-num">
                    {move || if peak() > 0.0 { format!("peak {}/s", format::rate(peak())) } else { "silent".to_owned() }}
                    {move || lag().map(|lag| format!(", {} records behind", format::count(lag.max(0).unsigned_abs())))}
                </p>
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
    view! {
        <FlowTable title="Producers" none="Nobody sends to it, as far as the agents see and the rules allow." rows=producers/>
        <FlowTable title="Consumers" none="Nobody takes from it, as far as the agents see and the rules allow." rows=consumers/>
    }
    .into_any()
}

#[component]
fn FlowTable(title: &'static str, none: &'static str, rows: Signal<Vec<FlowRow>>) -> impl IntoView {
    let note = Signal::derive(move || {
        let observed = rows.with(|rows| rows.iter().filter(|row| row.evidence.observed).count());
        let all = rows.with(Vec::len);
        if all == 0 { String::new() } else { format!("{observed} of {all} observed") }
    });
    let newest = move || {
        let newest = rows.with(|rows| rows.iter().map(|row| row.freshness.clone()).max_by_key(|seen| seen.as_of));
        newest.map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })
    };
    view! {
        <Part title=title note=note acts=newest.into_any() flush=true>
            {move || {
                let rows = rows.get();
                if rows.is_empty() {
                    return view! { <p class="m-small m-muted m-pad--below">{none}</p> }.into_any();
                }
                let rows = rows.into_iter().map(|row| view! { <FlowLine row=row/> }).collect_view();
                view! {
                    <Table
                        label=title
                        heads=&[("Who", ""), ("Address", "m-low"), ("Site", "m-low"), ("Evidence", ""), ("Rate", "m-end"), ("Seen", "m-end")]
                    >
                        {rows}
                    </Table>
                }
                    .into_any()
            }}
        </Part>
    }
    .into_any()
}

#[component]
fn FlowLine(row: FlowRow) -> impl IntoView {
    let name = match row.href {
        Some(href) => view! { <a class="m-cell__name" href=href>{row.name.clone()}</a> }.into_any(),
        None => view! { <span class="m-cell__name">{row.name.clone()}</span> }.into_any(),
    };
    let protocol = format::protocol(row.protocol);
    let sub = if row.client_id.is_empty() || row.client_id == row.name {
        protocol.to_owned()
    } else {
        format!("{protocol}, {}", row.client_id)
    };
    let seen = row.evidence.observed.then_some(row.freshness.as_of);
    view! {
        <tr>
            <td><div class="m-cell">{name}<span class="m-cell__sub">{sub}</span></div></td>
            <td class="m-low"><Topic name=row.address/></td>
            <td class="m-low m-muted">{row.site}</td>
            <td>
                <EvidenceRow declared=row.evidence.declared permitted=row.evidence.permitted observed=row.evidence.observed governed=row.protocol != Protocol::Kafka || row.evidence.permitted/>
            </td>
            <td class="m-end"><Rate per_second=row.rate stale=row.freshness.stale/></td>
            <td class="m-end m-muted"><Age at_ms=seen late_ms=LATE_MS/></td>
        </tr>
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
