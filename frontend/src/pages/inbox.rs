//! Requests for access: those that wait for the person who looks, their own, and all of them.

mod bulk;
mod decide;
mod detail;
mod plans;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::bulk::{Bar, is_open};
pub use self::detail::RequestDetail;
pub use self::plans::PlanReviews;
use crate::api::{AccessQuery, AccessState, AccessView, LiveTopic};
use crate::components::{Age, Empty, Life, ListFoot, Main, Right, Table, Tags, with_param};
use crate::format;
use crate::load::{Load, load};
use crate::pages::selection::Selection;
use crate::viewer::{Viewer, right};

/// What makes requests old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Access, LiveTopic::Catalog, LiveTopic::Rollout];

/// Which requests, by the key in the address: those to decide about, the person's own, all that are open, all there are.
const VIEWS: [(&str, &str); 4] = [("inbox", "To decide"), ("mine", "Yours"), ("open", "Open"), ("all", "All")];

/// The tab of plans.
const PLANS: &str = "plans";

fn query_of(get: impl Fn(&str) -> Option<String>, decides: bool) -> (String, AccessQuery) {
    let given = |name| get(name).filter(|text: &String| !text.is_empty());
    let view = given("view").unwrap_or_else(|| if decides { "inbox" } else { "mine" }.to_owned());
    let query = AccessQuery {
        inbox: view == "inbox",
        mine: view == "mine",
        open: view == "open",
        application: given("application").and_then(|id| id.parse().ok()),
        target: given("target").and_then(|id| id.parse().ok()),
        cursor: given("cursor"),
        ..AccessQuery::default()
    };
    (view, query)
}

/// The mark and the word of a request's state.
fn state_mark(state: AccessState) -> (&'static str, &'static str) {
    match state {
        AccessState::Pending => ("pending", "Pending"),
        AccessState::NeedsInfo => ("review", "Needs an answer"),
        AccessState::Approved => ("approved", "Approved"),
        AccessState::Rejected => ("rejected", "Rejected"),
        AccessState::Cancelled => ("retired", "Taken back"),
        AccessState::Expired => ("retired", "Expired"),
    }
}

/// `/inbox?view=&application=&target=&cursor=`
#[component]
pub fn Inbox() -> impl IntoView {
    let query = use_query_map();
    let decides = Viewer::has(right::ACCESS_DECIDE) == Right::Granted;
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name), decides)));
    let page = load(TOPICS, move || key.get().1, |api, query| async move { api.0.access_requests(query).await });
    // Another page of a list is the same list.
    let list = Memo::new(move |_| AccessQuery { cursor: None, ..key.get().1 });
    let selection = Selection::of_list(list);
    let current = Signal::derive(move || key.with(|(view, _)| view.clone()));
    view! {
        <Main title="Inbox" note="who asks for access, and what was said to it">
            <Tabs current=current/>
            <Load resource=page what="requests" let:page>
                {move || {
                    let page = page.get();
                    if page.items.is_empty() {
                        return nothing(&key.get().0);
                    }
                    let rows = page.items.into_iter().map(|request| view! { <Row request=request selection=selection/> }).collect_view();
                    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "request");
                    view! {
                        <Table
                            label="Requests"
                            heads=&[
                                ("Who wants what", ""),
                                ("What for", "m-low"),
                                ("Tags", "m-low"),
                                ("State", ""),
                                ("Asked", "m-end"),
                            ]
                        >
                            {rows}
                        </Table>
                        <ListFoot total=total next=page.next/>
                    }
                        .into_any()
                }}
                <Bar page=page query=list selection=selection/>
            </Load>
        </Main>
    }
    .into_any()
}

/// Requests by view, and plans that wait for a reviewer.
#[component]
fn Tabs(
    /// Which is open: a view of requests, or `plans`.
    current: Signal<String>,
) -> impl IntoView {
    let query = use_query_map();
    let decides = Viewer::has(right::ACCESS_DECIDE) == Right::Granted;
    let href = move |name: &'static str| match name {
        PLANS => "/inbox/plans".to_owned(),
        _ => query.with(|params| format!("/inbox{}", with_param(params, "view", name))),
    };
    let tab = move |(name, words): (&'static str, &'static str)| {
        view! {
            <a
                class="m-tabs__tab"
                href=move || href(name)
                aria-current=move || current.with(|current| current == name).then_some("page")
            >
                {words}
            </a>
        }
    };
    let plans = (Viewer::has(right::CATALOG_WRITE) == Right::Granted).then_some((PLANS, "Plans to review"));
    let shown = VIEWS.into_iter().filter(move |(name, _)| decides || *name != "inbox").chain(plans);
    view! { <nav class="m-tabs" aria-label="Requests">{shown.map(tab).collect_view()}</nav> }.into_any()
}

fn nothing(view: &str) -> AnyView {
    let (title, text) = match view {
        "inbox" => ("Nothing waits for you", "Requests that you may decide about stand here until they are decided."),
        "mine" => {
            ("You asked for nothing yet", "Products say under which plans they are given, and have a button to ask.")
        }
        _ => ("No requests", "Whoever wants to use a product asks for it on its page."),
    };
    view! {
        <Empty icon="inbox" title=title text=text>
            <a class="m-button" href="/products">"Products"</a>
        </Empty>
    }
    .into_any()
}

/// What would be done with it: `reads`, `sends to`, or both.
fn verb(request: &AccessView) -> &'static str {
    match (request.terms.subscribe.is_empty(), request.terms.publish.is_empty()) {
        (_, true) => "receive",
        (true, false) => "send to",
        (false, false) => "receive and send to",
    }
}

#[component]
fn Row(request: AccessView, selection: Selection) -> impl IntoView {
    let can_be = is_open(&request) && Viewer::has(right::ACCESS_DECIDE).granted();
    let id = StoredValue::new(request.id.to_string());
    let selected = move || can_be && id.with_value(|id| selection.has(id));
    let select = move |ev: leptos::ev::Event| selection.set(id.get_value(), event_target_checked(&ev));
    let (glyph, word) = state_mark(request.state);
    let what = format!("{} to {} {}", request.application_name, verb(&request), request.target.name);
    let label = format!("Select {what}");
    let plan = request.target.plan.as_ref().map(|plan| format!("plan {}", plan.name));
    let mut tags: Vec<String> = request.fields.iter().flat_map(|field| field.tags.clone()).collect();
    tags.sort();
    tags.dedup();
    let missing = request.missing;
    view! {
        <tr data-request=request.application_name.clone() aria-selected=move || selected().then_some("true")>
            <td>
                <div class="m-bulk__what">
                    {can_be.then(|| view! {
                        <input class="m-check" type="checkbox" name="request" aria-label=label prop:checked=selected on:change=select/>
                    })}
                    <div class="m-cell">
                        <a class="m-cell__name m-wrap" href=format!("/inbox/{}", request.id)>{what}</a>
                        <span class="m-cell__sub">{plan.unwrap_or_else(|| "the event by itself".to_owned())}</span>
                    </div>
                </div>
            </td>
            <td class="m-low m-muted m-wrap">{request.purpose}</td>
            <td class="m-low">{(!tags.is_empty()).then(|| view! { <Tags tags=tags/> })}</td>
            <td>
                <div class="m-cell">
                    <Life state=glyph word=word/>
                    {(request.state == AccessState::Pending).then(|| view! {
                        <span class="m-cell__sub m-nowrap">{format!("{missing} more to say yes")}</span>
                    })}
                </div>
            </td>
            <td class="m-end m-muted m-nowrap" title=format!("by {}", request.created_by)><Age at_ms=Some(request.created_at)/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_begins_with_what_waits_for_them() {
        let none = |_: &str| None;
        assert!(query_of(none, true).1.inbox);
        assert!(query_of(none, false).1.mine);
        let all = query_of(|name| (name == "view").then(|| "all".to_owned()), true).1;
        assert!(!all.inbox && !all.mine && !all.open);
    }
}
