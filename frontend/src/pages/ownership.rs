//! Ownership: what nobody answers for, as a queue of things to give to somebody. The address is the state.

mod bar;
mod doing;
mod list;
mod row;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::bar::Bar;
use self::list::ListForm;
use self::row::Row;
use super::bulk::Doing;
use super::selection::Selection;
use crate::api::{ApplicationDomainView, LiveTopic, OwnershipCount, OwnershipKind, OwnershipPage, OwnershipQuery};
use crate::components::{Button, Dialog, Empty, ListFoot, Main, ParamCheck, ParamSelect, Search, Table, with_param};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What makes the queue old: who owns what, and how busy it is.
const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog, LiveTopic::Overview, LiveTopic::Access];

/// Kinds by their keys, with the words for one and for many.
const KINDS: [(&str, &str, &str, OwnershipKind); 8] = [
    ("domain", "Domain", "Domains", OwnershipKind::Domain),
    ("event", "Event", "Events", OwnershipKind::Event),
    ("schema", "Schema", "Schemas", OwnershipKind::Schema),
    ("application", "Application", "Applications", OwnershipKind::Application),
    ("event_api", "Event API", "Event APIs", OwnershipKind::EventApi),
    ("product", "Product", "Products", OwnershipKind::Product),
    ("address", "Event address", "Event addresses", OwnershipKind::Address),
    ("topic", "Kafka topic", "Kafka topics", OwnershipKind::Topic),
];

/// What a kind is called.
fn kind_word(kind: OwnershipKind) -> &'static str {
    KINDS.iter().find(|(.., its)| *its == kind).map_or("", |(_, word, ..)| word)
}

fn query_of(get: impl Fn(&str) -> Option<String>) -> OwnershipQuery {
    let given = |name| get(name).filter(|text| !text.is_empty());
    let kind = given("kind").and_then(|key| KINDS.iter().find(|(its, ..)| *its == key).map(|(.., its)| *its));
    OwnershipQuery {
        kind,
        domain: given("domain").and_then(|id| id.parse().ok()),
        q: given("q"),
        by_domain: given("by_domain").is_some_and(|text| text == "true"),
        cursor: given("cursor"),
        limit: None,
    }
}

/// `/ownership?kind=&domain=&q=&by_domain=&cursor=`
#[component]
pub fn Ownership() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let page = load(TOPICS, move || key.get(), |api, query| async move { api.0.ownership(query).await });
    let domains = load(TOPICS, || (), |api, ()| async move { api.0.all_domains().await });
    let list = Memo::new(move |_| OwnershipQuery { cursor: None, ..key.get() });
    let selection = Selection::of_list(list);
    let live = Live::get();
    let doing = Doing::new(selection, move || live.bump(TOPICS));
    let importing = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let of_domains = Signal::derive(move || {
        let known = domains.get().and_then(Result::ok).unwrap_or_default();
        choices_of(known)
    });
    let acts = view! {
        <Button icon="table" right=may on_press=move |()| {
            doing.begin();
            importing.set(true);
        }>"Import a list"</Button>
    };
    view! {
        <Main title="Ownership" note="what nobody answers for, the busiest first" acts=acts.into_any()>
            <div class="m-bar">
                <Search label="Search by name, domain, cluster or site"/>
                <Transition>
                    <ParamSelect label="Domain" name="domain" choices=of_domains/>
                </Transition>
                <ParamCheck label="Also what only a domain answers for" name="by_domain"/>
            </div>
            <Load resource=page what="things without an owner" let:page>
                <Kinds counts=Signal::derive(move || page.with(|page| page.counts.clone())) query=key/>
                <List page=page query=key selection=selection/>
                <Bar page=page query=list selection=selection doing=doing/>
            </Load>
        </Main>
        <Dialog open=importing label="Import a list" class="m-dialog m-dialog--wide">
            <ListForm doing=doing open=importing/>
        </Dialog>
    }
    .into_any()
}

fn choices_of(domains: Vec<ApplicationDomainView>) -> Vec<(String, String)> {
    let all = (String::new(), "All domains".to_owned());
    std::iter::once(all).chain(domains.into_iter().map(|domain| (domain.id.to_string(), domain.config.name))).collect()
}

/// Each kind as a link with its count.
#[component]
fn Kinds(counts: Signal<Vec<OwnershipCount>>, query: Memo<OwnershipQuery>) -> impl IntoView {
    let params = use_query_map();
    let tab = move |key: &'static str, words: &'static str, kind: Option<OwnershipKind>| {
        let count = move || {
            let meant = |one: &&OwnershipCount| kind.is_none_or(|kind| kind == one.kind);
            counts.with(|counts| counts.iter().filter(meant).map(|one| one.count).sum::<u64>())
        };
        view! {
            <a
                class="m-tabs__tab"
                href=move || params.with(|params| with_param(params, "kind", key))
                aria-current=move || query.with(|query| query.kind == kind).then_some("page")
            >
                {words}
                <span class="m-tabs__count">{move || format::count(count())}</span>
            </a>
        }
    };
    view! {
        <nav class="m-tabs" aria-label="Kind">
            {tab("", "All", None)}
            {KINDS.into_iter().map(|(key, _, words, kind)| tab(key, words, Some(kind))).collect_view()}
        </nav>
    }
    .into_any()
}

#[component]
fn List(page: Signal<OwnershipPage>, query: Memo<OwnershipQuery>, selection: Selection) -> impl IntoView {
    move || {
        let page = page.get();
        if page.items.is_empty() {
            return nothing(&query.get());
        }
        let rows = page.items.into_iter().map(|thing| view! { <Row thing=thing selection=selection/> }).collect_view();
        let total = format!("{} without an owner", format::count(page.total));
        view! {
            <Table
                label="Things without an owner"
                heads=&[
                    ("What", ""),
                    ("Kind", "m-low"),
                    ("Domain", "m-low"),
                    ("Could belong to", ""),
                    ("Where", "m-low"),
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
}

fn nothing(query: &OwnershipQuery) -> AnyView {
    let is_narrowed = query.kind.is_some() || query.domain.is_some() || query.q.is_some();
    if is_narrowed {
        return view! {
            <Empty icon="search" title="Nothing like that is without an owner" text="The search looks at names, domains, clusters and sites.">
                <a class="m-button" href="/ownership">"Everything without an owner"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="check"
            title="Somebody answers for everything"
            text="As soon as agents see an address or a Kafka topic that nobody owns, or somebody designs something without an owner, it stands here."
        />
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_api() {
        for (key, .., kind) in KINDS {
            assert_eq!(serde_json::to_value(kind).expect("a name"), key);
        }
    }

    #[test]
    fn what_the_address_says_is_what_is_asked_and_nonsense_is_left_out() {
        let asked = query_of(|name| match name {
            "kind" => Some("topic".to_owned()),
            "domain" => Some("purple".to_owned()),
            "by_domain" => Some("true".to_owned()),
            _ => None,
        });
        let wanted = OwnershipQuery { kind: Some(OwnershipKind::Topic), by_domain: true, ..OwnershipQuery::default() };
        assert_eq!(asked, wanted);
    }
}
