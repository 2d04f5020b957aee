//! Drift: what is designed beside what was seen, as a queue of things to do. The address is the state.

mod adopt;
mod bar;
mod doing;
mod row;
pub(super) mod trend;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;

use self::bar::Bar;
use self::row::Row;
use self::trend::{TrendCard, load_trend};
use super::selection::Selection;
use crate::api::{ApplicationDomainView, DriftAbout, DriftCounts, DriftPage, DriftQuery, DriftStatus, LiveTopic};
use crate::components::{Empty, ListFoot, Main, ParamSelect, Search, Table, with_param};
use crate::format;
use crate::load::{Load, load};

/// What makes findings old: both sides, and what people decided.
const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog, LiveTopic::Overview];

/// Statuses by their keys, with their words.
const STATUSES: [(&str, &str, DriftStatus); 4] = [
    ("runtime_only", "Not designed", DriftStatus::RuntimeOnly),
    ("design_only", "Not seen", DriftStatus::DesignOnly),
    ("partial", "In part", DriftStatus::Partial),
    ("match", "Agrees", DriftStatus::Match),
];

/// What findings are about, by its key, with the words for one and for many.
const ABOUTS: [(&str, &str, &str, DriftAbout); 6] = [
    ("address", "Event address", "Event addresses", DriftAbout::Address),
    ("topic", "Kafka topic", "Kafka topics", DriftAbout::Topic),
    ("event", "Event", "Events", DriftAbout::Event),
    ("schema", "Schema", "Schemas", DriftAbout::Schema),
    ("application", "Application", "Applications", DriftAbout::Application),
    ("use", "Use of an event", "Uses of events", DriftAbout::Use),
];

/// What a status is called.
fn status_word(status: DriftStatus) -> &'static str {
    STATUSES.iter().find(|(.., its)| *its == status).map_or("", |(_, word, _)| word)
}

/// What a finding is about, in a word.
fn about_word(about: DriftAbout) -> &'static str {
    ABOUTS.iter().find(|(.., its)| *its == about).map_or("", |(_, word, ..)| word)
}

fn query_of(get: impl Fn(&str) -> Option<String>) -> DriftQuery {
    let given = |name| get(name).filter(|text| !text.is_empty());
    let status = given("status").and_then(|key| STATUSES.iter().find(|(its, ..)| *its == key).map(|(.., its)| *its));
    let about = given("about").and_then(|key| ABOUTS.iter().find(|(its, ..)| *its == key).map(|(.., its)| *its));
    DriftQuery {
        status,
        about,
        domain: given("domain").and_then(|id| id.parse().ok()),
        q: given("q"),
        ignored: given("ignored").is_some_and(|text| text == "true"),
        cursor: given("cursor"),
        limit: None,
    }
}

/// `/drift?status=&about=&domain=&q=&ignored=&cursor=`
#[component]
pub fn Drift() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let page = load(TOPICS, move || key.get(), |api, query| async move { api.0.drift(query).await });
    let domains = load(TOPICS, || (), |api, ()| async move { api.0.all_domains().await });
    let trend = load_trend(TOPICS);
    let list = Memo::new(move |_| DriftQuery { cursor: None, ..key.get() });
    let selection = Selection::of_list(list);
    let of_domains = Signal::derive(move || {
        let known = domains.get().and_then(Result::ok).unwrap_or_default();
        choices_of(known)
    });
    let abouts: Vec<(String, String)> = std::iter::once((String::new(), "About anything".to_owned()))
        .chain(ABOUTS.iter().map(|(key, _, words, _)| ((*key).to_owned(), (*words).to_owned())))
        .collect();
    view! {
        <Main title="Drift" note="where what is designed and what was seen differ, the busiest first">
            <TrendCard trend=trend/>
            <div class="m-bar">
                <Search label="Search by name, owner or domain"/>
                <ParamSelect label="About" name="about" choices=abouts/>
                <Transition>
                    <ParamSelect label="Domain" name="domain" choices=of_domains/>
                </Transition>
            </div>
            <Load resource=page what="findings" let:page>
                <Statuses counts=Signal::derive(move || page.with(|page| page.counts)) query=key/>
                <List page=page query=key selection=selection/>
                <Bar page=page query=list selection=selection domains=domains/>
            </Load>
        </Main>
    }
    .into_any()
}

fn choices_of(domains: Vec<ApplicationDomainView>) -> Vec<(String, String)> {
    let all = (String::new(), "All domains".to_owned());
    std::iter::once(all).chain(domains.into_iter().map(|domain| (domain.id.to_string(), domain.config.name))).collect()
}

/// The address of this page with another status; what is ignored is a list of its own.
fn address(query: &ParamsMap, status: &str, is_ignored: bool) -> String {
    let mut params = query.clone();
    params.remove("ignored");
    if is_ignored {
        params.insert("ignored", "true".to_owned());
    }
    with_param(&params, "status", status)
}

/// Each status as a link with its count.
#[component]
fn Statuses(counts: Signal<DriftCounts>, query: Memo<DriftQuery>) -> impl IntoView {
    let params = use_query_map();
    let tab = move |key: &'static str, is_ignored: bool, words: &'static str, count: fn(DriftCounts) -> u64| {
        let is_here = move || {
            let query = query.get();
            let status =
                query.status.map(|status| STATUSES.iter().find(|(.., its)| *its == status).map(|(key, ..)| *key));
            query.ignored == is_ignored && status.flatten().unwrap_or_default() == key
        };
        view! {
            <a
                class="m-tabs__tab"
                href=move || params.with(|params| address(params, key, is_ignored))
                aria-current=move || is_here().then_some("page")
            >
                {words}
                <span class="m-tabs__count">{move || format::count(count(counts.get()))}</span>
            </a>
        }
    };
    view! {
        <nav class="m-tabs" aria-label="Status">
            {tab("", false, "To do", |counts| counts.open)}
            {tab("runtime_only", false, "Not designed", |counts| counts.runtime_only)}
            {tab("design_only", false, "Not seen", |counts| counts.design_only)}
            {tab("partial", false, "In part", |counts| counts.partial)}
            {tab("match", false, "Agrees", |counts| counts.matching)}
            {tab("", true, "Ignored", |counts| counts.ignored)}
        </nav>
    }
    .into_any()
}

#[component]
fn List(page: Signal<DriftPage>, query: Memo<DriftQuery>, selection: Selection) -> impl IntoView {
    move || {
        let page = page.get();
        if page.items.is_empty() {
            return nothing(&query.get(), page.counts);
        }
        let rows =
            page.items.into_iter().map(|finding| view! { <Row finding=finding selection=selection/> }).collect_view();
        view! {
            <Table
                label="Findings"
                heads=&[
                    ("What", ""),
                    ("About", "m-low"),
                    ("Status", ""),
                    ("Domain and owner", "m-low"),
                    ("Where", "m-low"),
                    ("Rate", "m-end"),
                    ("Since", "m-low m-end"),
                    ("Seen", "m-low m-end"),
                ]
            >
                {rows}
            </Table>
            <ListFoot total=format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "finding") next=page.next/>
        }
        .into_any()
    }
}

fn nothing(query: &DriftQuery, counts: DriftCounts) -> AnyView {
    let is_narrowed = query.about.is_some() || query.domain.is_some() || query.q.is_some();
    if is_narrowed {
        return view! {
            <Empty icon="search" title="No finding is like that" text="The search looks at names, owners, domains and at what differs.">
                <a class="m-button" href="/drift">"All findings"</a>
            </Empty>
        }
        .into_any();
    }
    let is_all = query.status.is_none() && !query.ignored;
    if !is_all {
        return view! {
            <Empty icon="drift" title="None of these" text="Findings come and go by themselves as things are seen and designed.">
                <a class="m-button" href="/drift">"What is to do"</a>
            </Empty>
        }
        .into_any();
    }
    let (title, text) = if counts.matching > 0 || counts.ignored > 0 {
        (
            "Nothing to do",
            "Everything that was seen is designed, and everything that is designed was seen, but for what is ignored.",
        )
    } else {
        (
            "Nothing was seen and nothing is designed",
            "As soon as agents see an event or a Kafka topic that no design speaks of, it stands here, and so does a design that nobody was seen using.",
        )
    };
    view! { <Empty icon="drift" title=title text=text/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_api() {
        for (key, _, status) in STATUSES {
            assert_eq!(serde_json::to_value(status).expect("a name"), key);
        }
        for (key, .., about) in ABOUTS {
            assert_eq!(serde_json::to_value(about).expect("a name"), key);
        }
    }

    #[test]
    fn what_the_address_says_is_what_is_asked_and_nonsense_is_left_out() {
        let asked = query_of(|name| match name {
            "status" => Some("partial".to_owned()),
            "about" => Some("purple".to_owned()),
            "ignored" => Some("true".to_owned()),
            _ => None,
        });
        let wanted = DriftQuery { status: Some(DriftStatus::Partial), ignored: true, ..DriftQuery::default() };
        assert_eq!(asked, wanted);
    }

    #[test]
    fn a_status_keeps_the_other_filters_and_leaves_what_is_ignored() {
        let mut query = ParamsMap::new();
        query.insert("q", "orders".to_owned());
        query.insert("ignored", "true".to_owned());
        assert_eq!(address(&query, "partial", false), "?q=orders&status=partial");
        assert_eq!(address(&query, "", true), "?q=orders&ignored=true");
    }
}
