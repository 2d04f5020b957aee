//! Search: everything the portal knows, found by words, topics and fields, narrowed by facets. The address is the state.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::catalog::object_name;
use super::narrow::{Chosen, Fields, Kinds, Narrow};
use crate::api::{CatalogKind, LiveTopic, SearchHit, SearchKind, SearchPage, SearchQuery, SearchWhy};
use crate::components::{Empty, Icon, Life, ListFoot, Main, ParamCheck, Run, RunState, Search, Table};
use crate::format;
use crate::load::{Load, load};
use crate::owners::OwnerName;

/// Anything may be found that was not before.
const TOPICS: &[LiveTopic] =
    &[LiveTopic::Catalog, LiveTopic::Access, LiveTopic::Topology, LiveTopic::Routes, LiveTopic::Queues];

/// What results can be narrowed by.
const FIELDS: Fields = &[
    ("kind", "Kind"),
    ("domain", "Domain"),
    ("owner", "Owner"),
    ("state", "State"),
    ("site", "Site"),
    ("broker", "Cluster"),
    ("tag", "Tag"),
];

/// What a query can say, with an example of each.
const HINTS: [(&str, &str); 6] = [
    ("orders/+/created", "what is about these topics"),
    ("field:email", "schemas with a field"),
    ("owner:none", "without an owner"),
    ("tag:pii", "by tag"),
    ("kind:rule", "by kind"),
    ("-kind:group", "without"),
];

/// `/search?q=&kind=&domain=&owner=&state=&site=&broker=&tag=&gone=&cursor=`
#[component]
pub fn SearchResults() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let found = load(TOPICS, move || key.get(), |api, query| async move { api.0.search(query).await });
    view! {
        <Main title="Search" note="everything the portal knows, what was designed and what was seen">
            <div class="m-bar">
                <Search label="Words, a topic or filter, field:, owner:, tag:"/>
                <Chosen fields=FIELDS kind=word_of_kind/>
                <ParamCheck label="Also what is gone" name="gone"/>
            </div>
            <Load resource=found what="search" let:page>
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

fn query_of(get: impl Fn(&str) -> Option<String>) -> SearchQuery {
    let given = |name| get(name).filter(|text| !text.is_empty());
    SearchQuery {
        q: get("q").unwrap_or_default(),
        kind: given("kind").and_then(|kind| kind_from(&kind)),
        domain: given("domain"),
        owner: given("owner"),
        site: given("site"),
        broker: given("broker"),
        tag: given("tag"),
        state: given("state"),
        gone: given("gone").is_some_and(|gone| gone == "true"),
        cursor: given("cursor"),
        limit: None,
    }
}

fn kind_from(text: &str) -> Option<SearchKind> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

/// A kind in words, many of it, and its icon.
pub(crate) const fn kind_words(kind: SearchKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        SearchKind::Address => ("Event address", "Event addresses", "event"),
        SearchKind::Event => ("Event", "Events", "event"),
        SearchKind::Schema => ("Schema", "Schemas", "schema"),
        SearchKind::Topic => ("Kafka topic", "Kafka topics", "topic"),
        SearchKind::Group => ("Consumer group", "Consumer groups", "queue"),
        SearchKind::Cluster => ("Kafka cluster", "Clusters", "broker"),
        SearchKind::User => ("Kafka user", "Kafka users", "user"),
        SearchKind::Transaction => ("Transactional id", "Transactional ids", "clock"),
        SearchKind::Registry => ("Schema registry", "Schema registries", "broker"),
        SearchKind::Subject => ("Registry subject", "Registry subjects", "schema"),
        SearchKind::Connect => ("Kafka Connect cluster", "Kafka Connect clusters", "broker"),
        SearchKind::ConnectConnector => ("Connect connector", "Connect connectors", "route"),
        SearchKind::Rabbit => ("RabbitMQ cluster", "RabbitMQ clusters", "broker"),
        SearchKind::RabbitExchange => ("RabbitMQ exchange", "RabbitMQ exchanges", "route"),
        SearchKind::RabbitQueue => ("RabbitMQ queue", "RabbitMQ queues", "queue"),
        SearchKind::RabbitUser => ("RabbitMQ user", "RabbitMQ users", "user"),
        SearchKind::Mqtt => ("MQTT broker", "MQTT brokers", "broker"),
        SearchKind::MqttAddress => ("MQTT address", "MQTT addresses", "event"),
        SearchKind::Application => ("Application", "Applications", "app"),
        SearchKind::EventApi => ("Event API", "Event APIs", "link"),
        SearchKind::Product => ("Product", "Products", "product"),
        SearchKind::Domain => ("Domain", "Domains", "catalog"),
        SearchKind::Team => ("Team", "Teams", "team"),
        SearchKind::Client => ("Client", "Clients", "client"),
        SearchKind::Queue => ("Queue", "Queues", "queue"),
        SearchKind::Route => ("Route", "Routes", "route"),
        SearchKind::Subscription => ("Subscription", "Subscriptions", "filter"),
        SearchKind::Rule => ("Access rule", "Access rules", "shield"),
        SearchKind::Role => ("Role", "Roles", "user"),
        SearchKind::Scope => ("Scope", "Scopes", "lock"),
        SearchKind::Site => ("Site", "Sites", "site"),
        SearchKind::Agent => ("Agent", "Agents", "agent"),
    }
}

fn word_of_kind(text: &str) -> Option<&'static str> {
    Some(kind_words(kind_from(text)?).0)
}

fn words_of_kind(text: &str) -> Option<&'static str> {
    Some(kind_words(kind_from(text)?).1)
}

/// A name in the look of its kind.
pub(crate) fn hit_name(kind: SearchKind, name: String) -> AnyView {
    match kind {
        SearchKind::Address | SearchKind::Subscription | SearchKind::MqttAddress => {
            object_name(CatalogKind::Address, name)
        }
        SearchKind::Topic
        | SearchKind::Group
        | SearchKind::Subject
        | SearchKind::ConnectConnector
        | SearchKind::RabbitExchange
        | SearchKind::RabbitQueue
        | SearchKind::RabbitUser => object_name(CatalogKind::Topic, name),
        _ => name.into_any(),
    }
}

/// Where it is, or whose: the shortest thing that tells it from others of its name.
pub(crate) fn place(hit: &SearchHit) -> String {
    super::catalog::place(&hit.sites, hit.broker.as_deref().filter(|broker| *broker != hit.name))
}

fn list(page: SearchPage, query: &SearchQuery) -> AnyView {
    if page.items.is_empty() {
        return nothing(query);
    }
    let total = format!("{} found", format::count(page.total));
    let rows = page.items.into_iter().map(|hit| view! { <Row hit=hit/> }).collect_view();
    view! {
        <Table
            label="Results"
            heads=&[("Name", ""), ("Kind", "m-low"), ("Domain", "m-low"), ("Owner", "m-low"), ("Where", "m-low"), ("State", "")]
        >
            {rows}
        </Table>
        <ListFoot total=total next=page.next/>
        <Hints/>
    }
    .into_any()
}

/// What one may type, each a link that does.
#[component]
fn Hints() -> impl IntoView {
    let hints = HINTS
        .iter()
        .map(|(example, words)| {
            let href = format!("/search?q={}", crate::api::encoded(example));
            view! { <li><a href=href class="m-mono">{*example}</a>" "<span class="m-muted">{*words}</span></li> }
        })
        .collect_view();
    view! { <ul class="m-hints" aria-label="What a search can say">{hints}</ul> }.into_any()
}

fn nothing(query: &SearchQuery) -> AnyView {
    let narrowed = SearchQuery { q: query.q.clone(), ..SearchQuery::default() } != *query;
    let title = match query.q.trim() {
        "" => "Nothing like that".to_owned(),
        text => format!("Nothing matches “{text}”"),
    };
    let (text, href, words) = if narrowed {
        let mut params = leptos_router::params::ParamsMap::new();
        params.insert("q", query.q.clone());
        let text = "Filters are on: take one away, or search everything.";
        (text, format!("/search{}", params.to_query_string()), "Without filters")
    } else {
        let text = "Each word must begin a word of a name, description, owner, tag or field. Fewer words find more.";
        (text, "/search".to_owned(), "Everything")
    };
    view! {
        <Empty icon="search" title=title text=text>
            <a class="m-button" href=href>{words}</a>
        </Empty>
        <Hints/>
    }
    .into_any()
}

#[component]
fn Row(hit: SearchHit) -> impl IntoView {
    let (word, _, icon) = kind_words(hit.kind);
    let (place, key) = (place(&hit), hit.name.clone());
    let sub = match (hit.why.is_empty(), hit.description.is_empty()) {
        (false, _) => {
            view! { <span class="m-cell__sub">{hit.why.into_iter().map(reason).collect_view()}</span> }.into_any()
        }
        (true, false) => view! { <span class="m-cell__sub">{hit.description}</span> }.into_any(),
        (true, true) => ().into_any(),
    };
    view! {
        <tr data-hit=key>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=hit.href>{hit_name(hit.kind, hit.name)}</a>
                    {sub}
                    <span class="m-cell__sub m-only-narrow">{word}</span>
                </div>
            </td>
            <td class="m-low m-muted">
                <span class="m-line m-nowrap"><Icon name=icon small=true/>{word}</span>
            </td>
            <td class="m-low m-muted">{hit.domain}</td>
            <td class="m-low">{hit.owner.map(|owner| view! { <OwnerName owner=owner team=hit.team/> })}</td>
            <td class="m-low m-muted">{place}</td>
            <td>{state(hit.gone, hit.state.as_deref())}</td>
        </tr>
    }
    .into_any()
}

fn state(is_gone: bool, state: Option<&str>) -> AnyView {
    if is_gone {
        return view! { <Run state=RunState::None word="Gone"/> }.into_any();
    }
    let known = state.and_then(super::designs::state_named);
    known.map(|(glyph, word)| view! { <Life state=glyph word=word/> }).into_any()
}

/// Why it was found, where the name does not say it.
fn reason(why: SearchWhy) -> AnyView {
    let text = match why.what.as_str() {
        "description" => why.text.into_any(),
        "topics" => view! { "about " <span class="m-mono">{why.text}</span> }.into_any(),
        what => view! { {what.to_owned()} " " <span class="m-mono">{why.text}</span> }.into_any(),
    };
    view! { <span class="m-why">{text}</span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(name: &str, sites: &[&str], broker: Option<&str>) -> SearchHit {
        SearchHit {
            kind: SearchKind::Topic,
            name: name.to_owned(),
            description: String::new(),
            owner: None,
            team: None,
            domain: None,
            sites: sites.iter().map(|site| (*site).to_owned()).collect(),
            broker: broker.map(str::to_owned),
            tags: Vec::new(),
            state: None,
            gone: false,
            href: String::new(),
            why: Vec::new(),
        }
    }

    #[test]
    fn a_place_is_a_few_words() {
        assert_eq!(place(&hit("orders", &["hq"], Some("kafka-a"))), "kafka-a at hq");
        assert_eq!(place(&hit("kafka-a", &["hq"], Some("kafka-a"))), "hq");
        assert_eq!(place(&hit("x", &["hq", "lyon", "nice"], None)), "hq and 2 more");
    }

    #[test]
    fn what_the_address_says_is_what_is_asked_and_nonsense_is_left_out() {
        let asked = query_of(|name| match name {
            "q" => Some("orders".to_owned()),
            "kind" => Some("nonsense".to_owned()),
            "owner" => Some(String::new()),
            "tag" => Some("pii".to_owned()),
            _ => None,
        });
        assert_eq!(asked, SearchQuery { q: "orders".into(), tag: Some("pii".into()), ..SearchQuery::default() });
        assert_eq!(word_of_kind("rule"), Some("Access rule"));
    }
}
