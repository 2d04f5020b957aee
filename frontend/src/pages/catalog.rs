//! The catalog: everything the mesh knows of, found by words, narrowed by facets. The address is the state.

mod cluster;
mod designed;
mod edit;
mod facts;
mod flows;
mod kafka;
mod mqtt;
mod object;
mod rabbit;
mod records;
mod shape;
mod surveyed;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub(crate) use self::flows::{FlowTable, in_use};
pub use self::object::CatalogDetail;
pub use self::records::CatalogRecords;
use super::kind_words;
use super::narrow::{Chosen, Fields, Kinds, Narrow};
use crate::api::{CatalogKind, CatalogPage, CatalogQuery, CatalogRow, LiveTopic};
use crate::components::{
    Age, Empty, EvidenceRow, Icon, ListFoot, Main, ParamCheck, Rate, Run, RunState, Search, Table, Topic,
};
use crate::format;
use crate::load::{Load, load};
use crate::owners::OwnerName;

/// What makes a row of the catalog old: the object itself, or its rate.
pub(super) const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog, LiveTopic::Overview];

/// What the list can be narrowed by.
const FIELDS: Fields =
    &[("kind", "Kind"), ("site", "Site"), ("broker", "Cluster"), ("domain", "Domain"), ("owner", "Owner")];

/// From this age on a fact is late.
pub(super) const LATE_MS: i64 = 60_000;

/// `/catalog?q=&kind=&site=&broker=&domain=&owner=&gone=&cursor=`
#[component]
pub fn Catalog() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| {
        query.with(|query| {
            let text = |name| query.get(name).filter(|text| !text.is_empty());
            CatalogQuery {
                q: query.get("q").unwrap_or_default(),
                kind: text("kind").and_then(|kind| kind_from(&kind)),
                site: text("site"),
                broker: text("broker"),
                domain: text("domain"),
                owner: text("owner"),
                gone: text("gone").is_some_and(|gone| gone == "true"),
                cursor: text("cursor"),
                limit: None,
            }
        })
    });
    let found = load(TOPICS, move || key.get(), |api, query| async move { api.0.catalog(query).await });
    view! {
        <Main title="Catalog" note="topics, queues, applications and clients, as declared and as seen">
            <div class="m-bar">
                <Search label="Name, owner, description, topic or filter"/>
                <Chosen fields=FIELDS kind=word_of_kind/>
                <ParamCheck label="Also what is gone" name="gone"/>
            </div>
            <Load resource=found what="catalog" let:page>
                <Kinds facets=Signal::derive(move || page.with(|page| page.facets.clone())) word=words_of_kind/>
                <div class="m-browse">
                    <Narrow facets=Signal::derive(move || page.with(|page| page.facets.clone())) fields=FIELDS/>
                    <div class="m-browse__list">{move || list(page.get(), &key.get())}</div>
                </div>
            </Load>
        </Main>
    }
    .into_any()
}

/// The value of a kind in an address.
pub(super) fn kind_from(text: &str) -> Option<CatalogKind> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

fn word_of_kind(text: &str) -> Option<&'static str> {
    kind_from(text).map(kind_word)
}

/// Many of a kind.
fn words_of_kind(text: &str) -> Option<&'static str> {
    Some(kind_words(kind_from(text)?.among_all()).1)
}

/// What a kind is called.
pub(super) const fn kind_word(kind: CatalogKind) -> &'static str {
    kind_words(kind.among_all()).0
}

/// Its icon.
pub(super) const fn kind_icon(kind: CatalogKind) -> &'static str {
    kind_words(kind.among_all()).2
}

/// The page of an object.
pub(super) fn href(id: &str) -> String {
    format!("/catalog/{}", crate::api::encoded(id))
}

fn list(page: CatalogPage, query: &CatalogQuery) -> AnyView {
    if page.items.is_empty() {
        return nothing(query);
    }
    let total = format!("{} found", format::count(page.total));
    let rows = page.items.into_iter().map(|row| view! { <Row row=row/> }).collect_view();
    view! {
        <Table
            label="Catalog"
            heads=&[
                ("Name", ""),
                ("Kind", "m-low"),
                ("Owner", "m-low"),
                ("Where", "m-low"),
                ("Evidence", ""),
                ("Size", "m-low m-end"),
                ("Rate", "m-end"),
                ("Seen", "m-low m-end"),
            ]
        >
            {rows}
        </Table>
        <ListFoot total=total next=page.next/>
    }
    .into_any()
}

/// Whether anything but words narrows the list.
fn is_narrowed(query: &CatalogQuery) -> bool {
    query.kind.is_some()
        || query.site.is_some()
        || query.broker.is_some()
        || query.domain.is_some()
        || query.owner.is_some()
}

fn nothing(query: &CatalogQuery) -> AnyView {
    if query.q.is_empty() && !is_narrowed(query) {
        return view! {
            <Empty
                icon="catalog"
                title="Nothing is known yet"
                text="The catalog fills itself: agents report the topics and groups of their brokers and every address an event passes through. Add a site, start its agent, then connect a broker or a client."
            >
                <a class="m-button" href="/sites">"Sites"</a>
            </Empty>
        }
        .into_any();
    }
    let title =
        if query.q.is_empty() { "Nothing like that".to_owned() } else { format!("Nothing matches “{}”", query.q) };
    let text = if is_narrowed(query) {
        "Filters are on: take one away, or search everything."
    } else {
        "Words are looked for in names, descriptions and owners. A topic such as orders/fr/lyon/created finds what matches it, a filter such as orders/> what lies below."
    };
    let mut params = leptos_router::params::ParamsMap::new();
    if is_narrowed(query) && !query.q.is_empty() {
        params.insert("q", query.q.clone());
    }
    let everywhere = format!("/catalog{}", params.to_query_string());
    let wider = if is_narrowed(query) { "Without filters" } else { "The whole catalog" };
    view! {
        <Empty icon="search" title=title text=text>
            <a class="m-button" href=everywhere>{wider}</a>
        </Empty>
    }
    .into_any()
}

#[component]
fn Row(row: CatalogRow) -> impl IntoView {
    let kind = kind_word(row.kind);
    let name = object_name(row.kind, row.name);
    let place = place(&row.sites, row.broker.as_deref());
    let sub = if row.description.is_empty() { place.clone() } else { row.description.clone() };
    let stale = row.freshness.as_ref().is_none_or(|seen| seen.stale);
    let seen = row.freshness.map(|seen| seen.as_of);
    let size = match (row.lag, row.partitions) {
        (Some(lag), _) => {
            let word = if row.kind == CatalogKind::RabbitQueue { "waiting" } else { "behind" };
            format!("{} {word}", format::count(lag.max(0).unsigned_abs()))
        }
        (None, Some(partitions)) => format::plural(usize::try_from(partitions).unwrap_or(usize::MAX), "partition"),
        (None, None) => String::new(),
    };
    view! {
        <tr data-object=row.id.clone()>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=href(&row.id)>{name}</a>
                    <span class="m-cell__sub">{sub}</span>
                </div>
            </td>
            <td class="m-low m-muted">
                <span class="m-line m-nowrap"><Icon name=kind_icon(row.kind) small=true/>{kind}</span>
            </td>
            <td class="m-low">
                <div class="m-cell">
                    <OwnerName owner=row.owner team=row.team/>
                    {row.domain.map(|domain| view! { <span class="m-cell__sub">{domain}</span> })}
                </div>
            </td>
            <td class="m-low m-muted">{place}</td>
            <td>
                {if row.gone {
                    view! { <Run state=RunState::None word="Gone"/> }.into_any()
                } else {
                    view! {
                        <EvidenceRow
                            declared=row.evidence.declared
                            permitted=row.evidence.permitted
                            observed=row.evidence.observed
                            governed=matches!(row.kind, CatalogKind::Address | CatalogKind::Principal)
                        />
                    }
                        .into_any()
                }}
            </td>
            <td class="m-low m-end m-muted m-num">{size}</td>
            <td class="m-end"><Rate per_second=row.rate stale=stale/></td>
            <td class="m-low m-end m-muted"><Age at_ms=seen late_ms=LATE_MS/></td>
        </tr>
    }
    .into_any()
}

/// A name in the look of its kind: addresses by level, names of Kafka in mono.
pub(super) fn object_name(kind: CatalogKind, name: String) -> AnyView {
    match kind {
        CatalogKind::Address | CatalogKind::MqttAddress => view! { <Topic name=name/> }.into_any(),
        CatalogKind::Topic
        | CatalogKind::Group
        | CatalogKind::User
        | CatalogKind::Transaction
        | CatalogKind::Subject
        | CatalogKind::ConnectConnector
        | CatalogKind::RabbitExchange
        | CatalogKind::RabbitQueue
        | CatalogKind::RabbitUser => view! { <span class="m-topic">{name}</span> }.into_any(),
        _ => name.into_any(),
    }
}

/// Where it lives, in a few words.
pub(super) fn place(sites: &[String], broker: Option<&str>) -> String {
    let sites = match sites {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one}, {two}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    match (sites.is_empty(), broker) {
        (_, None) => sites,
        (true, Some(broker)) => broker.to_owned(),
        (false, Some(broker)) => format!("{broker} at {sites}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_the_address_are_those_of_the_api() {
        assert_eq!(kind_from("topic"), Some(CatalogKind::Topic));
        assert_eq!(kind_from("nonsense"), None);
    }

    #[test]
    fn places_name_two_sites_and_count_the_rest() {
        let sites = ["hq".to_owned(), "lyon".to_owned(), "nice".to_owned()];
        assert_eq!(place(&sites, None), "hq and 2 more");
        assert_eq!(place(&sites[..2], None), "hq, lyon");
        assert_eq!(place(&sites[..1], Some("kafka-a")), "kafka-a at hq");
        assert_eq!(place(&[], Some("kafka-a")), "kafka-a");
    }
}
