//! The design-time catalog: events, schemas and applications as they are meant, each in versions with a life of their own.

mod contract;
pub(super) mod difference;
mod document;
mod form;
mod known;
mod object;
mod seen;
mod steps;
mod subject;
mod version;
mod version_form;
mod watch;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub(super) use self::document::Checks;
pub use self::document::DesignDocument;
use self::form::ObjectForm;
pub use self::object::DesignDetail;
pub use self::version::DesignVersionDetail;
use crate::api::{DesignKind, DesignObjectView, DesignQuery, DesignState, LiveTopic, Page};
use crate::components::{Age, Button, Choice, Dialog, Empty, Life, ListFoot, Main, ParamSelect, Search, Table, Tone};
use crate::format;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What makes designs old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog];

/// Kinds by their keys, with the words for one and for many.
const KINDS: [(&str, &str, &str, DesignKind); 5] = [
    ("event", "Event", "Events", DesignKind::Event),
    ("schema", "Schema", "Schemas", DesignKind::Schema),
    ("application", "Application", "Applications", DesignKind::Application),
    ("event_api", "Event API", "Event APIs", DesignKind::EventApi),
    ("product", "Product", "Products", DesignKind::Product),
];

/// States by their keys, with glyph and word.
const STATES: [(&str, &str, &str, DesignState); 5] = [
    ("draft", "draft", "Draft", DesignState::Draft),
    ("in_review", "review", "In review", DesignState::InReview),
    ("released", "released", "Released", DesignState::Released),
    ("deprecated", "deprecated", "Deprecated", DesignState::Deprecated),
    ("retired", "retired", "Retired", DesignState::Retired),
];

/// What a kind is called.
pub(super) fn kind_word(kind: DesignKind) -> &'static str {
    KINDS.iter().find(|(.., its)| *its == kind).map_or("", |(_, word, ..)| word)
}

fn icon_of(kind: DesignKind) -> &'static str {
    match kind {
        DesignKind::Event => "event",
        DesignKind::Schema => "schema",
        DesignKind::Application => "app",
        DesignKind::EventApi => "link",
        DesignKind::Product => "product",
    }
}

fn state_word(state: DesignState) -> &'static str {
    STATES.iter().find(|(.., its)| *its == state).map_or("", |(_, _, word, _)| word)
}

/// Glyph and word of a state, by its key.
pub(super) fn state_named(key: &str) -> Option<(&'static str, &'static str)> {
    STATES.iter().find(|(its, ..)| *its == key).map(|(_, glyph, word, _)| (*glyph, *word))
}

/// The state of a version as a mark.
#[component]
pub(super) fn StateMark(state: DesignState) -> impl IntoView {
    let glyph = STATES.iter().find(|(.., its)| *its == state).map_or("draft", |(_, glyph, ..)| glyph);
    view! { <Life state=glyph word=state_word(state)/> }
}

fn query_of(get: impl Fn(&str) -> Option<String>) -> DesignQuery {
    let given = |name| get(name).filter(|text| !text.is_empty());
    let kind = given("kind").and_then(|key| KINDS.iter().find(|(its, ..)| *its == key).map(|(.., kind)| *kind));
    let state = given("state").and_then(|key| STATES.iter().find(|(its, ..)| *its == key).map(|(.., state)| *state));
    let domain = given("domain").and_then(|id| id.parse().ok());
    DesignQuery { kind, state, domain, q: given("q"), cursor: given("cursor"), limit: None }
}

/// `/designs?q=&kind=&state=&domain=&cursor=`
#[component]
pub fn Designs() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let page = load(TOPICS, move || key.get(), |api, query| async move { api.0.design_objects(query).await });
    let domains = load(TOPICS, || (), |api, ()| async move { api.0.all_domains().await });
    let editor = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let acts = view! {
        <a class="m-button" href="/import">"Import AsyncAPI"</a>
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| editor.set(true)>"New object"</Button>
    };
    let all = |word: &str| std::iter::once((String::new(), word.to_owned()));
    let kinds: Vec<Choice> = all("All kinds")
        .chain(KINDS.iter().map(|(key, _, words, _)| ((*key).to_owned(), (*words).to_owned())))
        .collect();
    let states: Vec<Choice> = all("Any state")
        .chain(STATES.iter().map(|(key, _, word, _)| ((*key).to_owned(), (*word).to_owned())))
        .collect();
    let of_domains = Signal::derive(move || {
        let known = domains.get().and_then(Result::ok).unwrap_or_default();
        all("All domains").chain(known.into_iter().map(|domain| (domain.id.to_string(), domain.config.name))).collect()
    });
    view! {
        <Main title="Design" note="events, schemas and applications as they are meant, in versions that others build on" acts=acts.into_any()>
            <div class="m-bar">
                <Search label="Search by name, owner, tag or address"/>
                <ParamSelect label="Kind" name="kind" choices=kinds/>
                <ParamSelect label="State" name="state" choices=states/>
                <Transition>
                    <ParamSelect label="Domain" name="domain" choices=of_domains/>
                </Transition>
            </div>
            <Load resource=page what="designs" let:page>
                <List page=page query=key/>
            </Load>
        </Main>
        <Dialog open=editor label="New object" class="m-dialog m-dialog--wide">
            <Load resource=domains what="domains" let:domains>
                <ObjectForm known=None domains=domains open=editor/>
            </Load>
        </Dialog>
    }
    .into_any()
}

#[component]
fn List(page: Signal<Page<DesignObjectView>>, query: Memo<DesignQuery>) -> impl IntoView {
    move || {
        let page = page.get();
        if page.items.is_empty() {
            return nothing(&query.get());
        }
        let rows = page.items.into_iter().map(|object| view! { <Row object=object/> }).collect_view();
        view! {
            <Table
                label="Designs"
                heads=&[
                    ("Name", ""),
                    ("Kind", "m-low"),
                    ("Domain", "m-low"),
                    ("Owner", "m-low"),
                    ("Newest version", ""),
                    ("Versions", "m-low m-end"),
                    ("Changed", "m-low m-end"),
                ]
            >
                {rows}
            </Table>
            <ListFoot total=format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "object") next=page.next/>
        }
        .into_any()
    }
}

fn nothing(query: &DesignQuery) -> AnyView {
    if *query == DesignQuery::default() {
        view! {
            <Empty
                icon="event"
                title="Nothing is designed yet"
                text="Write down what your events mean before others build on them: a schema, the event that carries it, who publishes and who consumes. Each gets versions that are reviewed, released, and never change after that."
            />
        }
        .into_any()
    } else {
        view! {
            <Empty icon="search" title="No design is like that" text="The search looks at names, owners, people, tags and addresses.">
                <a class="m-button" href="/designs">"All designs"</a>
            </Empty>
        }
        .into_any()
    }
}

#[component]
fn Row(object: DesignObjectView) -> impl IntoView {
    let newest = object.versions.first().cloned();
    let count = object.versions.len() as u64;
    let sub = format!("{} in {}", kind_word(object.kind).to_lowercase(), object.domain_name);
    let by = format!("by {}", object.updated_by);
    view! {
        <tr data-design=object.config.name.clone()>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=format!("/designs/{}", object.id)>{object.config.name.clone()}</a>
                    <span class="m-cell__sub m-only-narrow">{sub}</span>
                    {(!object.config.tags.is_empty()).then(|| view! { <span class="m-cell__sub">{object.config.tags.join(", ")}</span> })}
                </div>
            </td>
            <td class="m-low">{kind_word(object.kind)}</td>
            <td class="m-low">{object.domain_name}</td>
            <td class="m-low">
                {if object.owner.is_empty() {
                    view! { <span class="m-warn">"no owner"</span> }.into_any()
                } else {
                    object.owner.into_any()
                }}
            </td>
            <td>
                {match newest {
                    Some(version) => view! {
                        <span class="m-line"><span class="m-num">{version.number}</span><StateMark state=version.state/></span>
                    }
                        .into_any(),
                    None => view! { <span class="m-muted">"none yet"</span> }.into_any(),
                }}
            </td>
            <td class="m-low m-end m-num">{format::count(count)}</td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=Some(object.updated_at)/></td>
        </tr>
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
        for (key, .., state) in STATES {
            assert_eq!(serde_json::to_value(state).expect("a name"), key);
        }
    }

    #[test]
    fn what_the_address_says_is_what_is_asked_and_nonsense_is_left_out() {
        let asked = query_of(|name| match name {
            "kind" => Some("schema".to_owned()),
            "state" => Some("purple".to_owned()),
            "q" => Some(String::new()),
            _ => None,
        });
        assert_eq!(asked, DesignQuery { kind: Some(DesignKind::Schema), ..DesignQuery::default() });
    }
}
