//! Scopes: topics that stay inside sites or regions, whatever anybody may subscribe to elsewhere.

mod form;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::form::ScopeForm;
use crate::act::{Act, sentence};
use crate::api::{ListQuery, LiveTopic, Page, ScopeInput, ScopeView, WithheldView};
use crate::components::{
    Age, Button, Confirm, Dialog, Empty, LastKnown, ListFoot, Main, Part, RolloutChip, Table, Toasts, Tone, Topic,
};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What a change of scopes makes old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Access, LiveTopic::Rollout];

/// What agents tell of them.
const SEEN: &[LiveTopic] = &[LiveTopic::Access, LiveTopic::Topology, LiveTopic::Overview];

/// `/scopes?cursor=`
#[component]
pub fn Scopes() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| {
        let cursor = query.with(|query| query.get("cursor").filter(|text| !text.is_empty()));
        ListQuery { cursor, limit: None }
    });
    let scopes = load(TOPICS, move || key.get(), |api, query| async move { api.0.scopes(query).await });
    let withheld = load(SEEN, || (), |api, ()| async move { api.0.withheld(ListQuery::default()).await });
    let editing = RwSignal::new(None::<ScopeView>);
    let editor = RwSignal::new(false);
    let edit = Callback::new(move |what: Option<ScopeView>| {
        editing.set(what);
        editor.set(true);
    });
    let may = Signal::derive(|| Viewer::has(right::RULE_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| edit.run(None)>"New scope"</Button>
    };
    view! {
        <Main title="Scopes" note="topics that stay inside sites or regions, whoever subscribes elsewhere" acts=acts.into_any()>
            <Load resource=scopes what="scopes" let:page>
                <List page=page edit=edit/>
            </Load>
            <Load resource=withheld what="what is kept back" let:page>
                {move || page.with(|page| (!page.items.is_empty()).then(|| kept_back(page.clone())))}
            </Load>
        </Main>
        <Dialog open=editor label="Scope" class="m-dialog m-dialog--wide">
            <ScopeForm editing=editing.get_untracked() open=editor/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn List(page: Signal<Page<ScopeView>>, edit: Callback<Option<ScopeView>>) -> impl IntoView {
    let deleting = RwSignal::new(None::<ScopeView>);
    let confirm = RwSignal::new(false);
    let ask = Callback::new(move |scope: ScopeView| {
        deleting.set(Some(scope));
        confirm.set(true);
    });
    let delete = deletion();
    let consequence =
        move || deleting.with(|scope| scope.as_ref().map(|scope| losing(&scope.config)).unwrap_or_default());
    view! {
        {move || {
            let page = page.get();
            if page.items.is_empty() {
                return view! {
                    <Empty
                        icon="lock"
                        title="No scopes yet"
                        text="Every topic goes to each site where somebody who may has subscribed to it. A scope keeps topics inside sites or regions: customer data in the EU, say."
                    />
                }
                    .into_any();
            }
            let rows = page.items.into_iter().map(|scope| view! { <Row scope=scope edit=edit ask=ask/> }).collect_view();
            view! {
                <Table
                    label="Scopes"
                    heads=&[
                        ("Scope", ""),
                        ("Topic filter", ""),
                        ("Stays in", "m-low"),
                        ("Agents", "m-low"),
                        ("Changed", "m-low m-end"),
                        ("", "m-tight"),
                    ]
                >
                    {rows}
                </Table>
                <ListFoot total=format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "scope") next=page.next/>
            }
                .into_any()
        }}
        <Confirm
            open=confirm
            title="Delete this scope?"
            consequence=Signal::derive(consequence)
            verb="Delete"
            on_yes=move |()| {
                if let Some(scope) = deleting.get_untracked() {
                    delete.run(scope);
                }
            }
        />
    }
    .into_any()
}

/// What agents keep back, for whom, and from where on.
fn kept_back(page: Page<WithheldView>) -> AnyView {
    let (total, shown) = (page.total, page.items.len() as u64);
    let mut items = page.items;
    items.sort_by_key(|row| std::cmp::Reverse(row.events));
    let rows = items
        .into_iter()
        .map(|row| {
            let stale = row.freshness.clone().filter(|seen| seen.stale);
            let is_stale = stale.is_some();
            let from = format!("behind position {}", format::count(row.after_position));
            let why = "What is at or before this position of the agent's log may have gone while it was allowed";
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <a class="m-cell__name" href=format!("/agents/{}", row.agent)>{row.agent_name}</a>
                            {stale.map(|seen| view! { <span class="m-cell__sub"><LastKnown seen=seen/></span> })}
                        </div>
                    </td>
                    <td><a class="m-cell__name" href=format!("/agents/{}", row.to)>{row.to_site}</a></td>
                    <td class="m-end m-num" class:m-faint=is_stale class:m-muted={row.events == 0}>{format::count(row.events)}</td>
                    <td class="m-low m-num" class:m-faint=is_stale title=why>{from}</td>
                    <td class="m-low m-end m-num" class:m-faint=is_stale>{row.since_revision}</td>
                    <td class="m-end m-muted m-nowrap"><Age at_ms=Some(row.since)/></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Part title="Kept back" note="what agents had for another site and a scope kept from it, since their start" flush=true>
            <Table
                label="Kept back"
                heads=&[
                    ("At", ""),
                    ("For", ""),
                    ("Events", "m-end"),
                    ("Held", "m-low"),
                    ("Revision", "m-low m-end"),
                    ("Since", "m-end"),
                ]
            >
                {rows}
            </Table>
            {(total > shown).then(|| view! {
                <p class="m-small m-muted">{format!("The first {shown} of {total}; all are at /api/v1/scopes/withheld.")}</p>
            })}
        </Part>
    }
    .into_any()
}

/// What the end of a scope means.
fn losing(scope: &ScopeInput) -> String {
    format!(
        "From then on what is published to {} goes to every site where somebody subscribes, unless another scope keeps it.",
        scope.filter
    )
}

/// The places, in words.
fn places(scope: &ScopeView) -> String {
    let regions = scope.config.regions.iter().map(|region| format!("region {region}"));
    scope.site_names.iter().cloned().chain(regions).collect::<Vec<_>>().join(", ")
}

fn deletion() -> Act<ScopeView> {
    let toasts = Toasts::get();
    let live = Live::get();
    let delete = Act::new(
        |api, scope: ScopeView| async move { api.0.delete_scope(scope.id, scope.revision).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Scope deleted. Every agent hears of it now.");
        },
    );
    Effect::new(move |_| {
        if let Some(error) = delete.error.get() {
            toasts.failed(format!("The scope was not deleted. {}", sentence(&error, &[])));
        }
    });
    delete
}

#[component]
fn Row(scope: ScopeView, edit: Callback<Option<ScopeView>>, ask: Callback<ScopeView>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::RULE_WRITE));
    let ScopeInput { name, filter, note, .. } = scope.config.clone();
    let places = places(&scope);
    let (updated_at, by) = (scope.updated_at, format!("by {}", scope.updated_by));
    let (for_edit, for_delete) = (scope.clone(), scope.clone());
    let label = name.clone();
    view! {
        <tr data-scope=scope.id.to_string()>
            <td>
                <div class="m-cell">
                    <b class="m-cell__name">{name}</b>
                    <span class="m-cell__sub m-only-narrow">{places.clone()}</span>
                    {(!note.is_empty()).then(|| view! { <span class="m-cell__sub">{note}</span> })}
                </div>
            </td>
            <td><Topic name=filter/></td>
            <td class="m-low">{places}</td>
            <td class="m-low"><RolloutChip rollout=scope.rollout/></td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=Some(updated_at)/></td>
            <td class="m-tight">
                <span class="m-acts">
                    <Button small=true tone=Tone::Quiet right=may label=format!("Edit {label}")
                        on_press=move |()| edit.run(Some(for_edit.clone()))>
                        "Edit"
                    </Button>
                    <Button small=true tone=Tone::Danger right=may label=format!("Delete {label}")
                        on_press=move |()| ask.run(for_delete.clone())>
                        "Delete"
                    </Button>
                </span>
            </td>
        </tr>
    }
    .into_any()
}
