//! What applications were given, and whether the mesh does it.

mod certificates;
mod connect;
mod connection;
mod credentials;
mod detail;
mod kafka;
mod snippet;
mod turns;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub(in crate::pages) use self::certificates::Authority;
pub use self::detail::GrantDetail;
pub(in crate::pages) use self::snippet::trust_lines;
use crate::api::{GrantPhase, GrantQuery, GrantView, LiveTopic};
use crate::components::{Age, Empty, ListFoot, Main, ParamCheck, ParamChip, Run, RunState, Table};
use crate::format;
use crate::load::{Load, load};
use crate::pages::clients::Until;

/// What makes grants old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Access, LiveTopic::Catalog, LiveTopic::Rollout, LiveTopic::Topology];

fn query_of(get: impl Fn(&str) -> Option<String>) -> GrantQuery {
    let given = |name| get(name).filter(|text: &String| !text.is_empty());
    GrantQuery {
        application: given("application").and_then(|id| id.parse().ok()),
        target: given("target").and_then(|id| id.parse().ok()),
        all: given("all").is_some_and(|text| text == "true"),
        cursor: given("cursor"),
        limit: None,
    }
}

/// The mark and the word of what a grant is now.
fn phase_mark(phase: GrantPhase) -> (RunState, &'static str) {
    match phase {
        GrantPhase::Provisioning => (RunState::Deploying, "Provisioning"),
        GrantPhase::Live => (RunState::Live, "Live"),
        GrantPhase::Suspending => (RunState::Deploying, "Suspending"),
        GrantPhase::Suspended => (RunState::Waiting, "Suspended"),
        GrantPhase::Revoking => (RunState::Deploying, "Revoking"),
        GrantPhase::Revoked => (RunState::Offline, "Revoked"),
        GrantPhase::Expiring => (RunState::Deploying, "Expiring"),
        GrantPhase::Expired => (RunState::Offline, "Expired"),
    }
}

/// Agents that a grant waits for, in words; none = it waits for nobody.
fn waits_words(grant: &GrantView) -> Option<String> {
    let all: Vec<String> = grant.waits_for.iter().map(|wait| format!("{} {}", wait.agent_name, wait.reason)).collect();
    (!all.is_empty()).then(|| format!("waits: {}", all.join("; ")))
}

/// `/access?application=&target=&all=&cursor=`
#[component]
pub fn Access() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let page = load(TOPICS, move || key.get(), |api, query| async move { api.0.grants(query).await });
    let acts = view! { <a class="m-button" href="/inbox?view=all">"Requests"</a> };
    view! {
        <Main title="Access" note="what applications were given, and whether every agent does it" acts=acts.into_any()>
            <div class="m-bar">
                <ParamChip name="application" words=Signal::stored("Of one application".to_owned())/>
                <ParamChip name="target" words=Signal::stored("Of one product or event".to_owned())/>
                <ParamCheck label="Also what is over" name="all"/>
            </div>
            <Load resource=page what="access" let:page>
                {move || {
                    let page = page.get();
                    if page.items.is_empty() {
                        return view! {
                            <Empty icon="key" title="Nobody has access" text="Access comes of a request that was approved, or of a plan that lets everybody in.">
                                <a class="m-button" href="/products">"Products"</a>
                            </Empty>
                        }
                            .into_any();
                    }
                    let rows = page.items.into_iter().map(|grant| view! { <Row grant=grant/> }).collect_view();
                    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "grant");
                    view! {
                        <Table
                            label="Access"
                            heads=&[
                                ("Application", ""),
                                ("To", ""),
                                ("State", ""),
                                ("Until", "m-low"),
                                ("Credentials", "m-low m-end"),
                                ("Changed", "m-low m-end"),
                            ]
                        >
                            {rows}
                        </Table>
                        <ListFoot total=total next=page.next/>
                    }
                        .into_any()
                }}
            </Load>
        </Main>
    }
    .into_any()
}

#[component]
fn Row(grant: GrantView) -> impl IntoView {
    let (state, word) = phase_mark(grant.phase);
    let (waits, name) = (waits_words(&grant), grant.application_name);
    let target = grant.target;
    let plan = target.plan.map_or_else(|| "the event by itself".to_owned(), |plan| format!("plan {}", plan.name));
    view! {
        <tr data-grant=name.clone()>
            <td><a class="m-cell__name" href=format!("/access/{}", grant.id)>{name.clone()}</a></td>
            <td>
                <div class="m-cell">
                    <span>{format!("{} {}", target.name, target.number)}</span>
                    <span class="m-cell__sub">{plan}</span>
                </div>
            </td>
            <td>
                <div class="m-cell">
                    <Run state=state word=word/>
                    {waits.map(|waits| view! { <span class="m-cell__sub m-wrap">{waits}</span> })}
                </div>
            </td>
            <td class="m-low m-nowrap">
                {match grant.until {
                    Some(at) => view! { <Until at_ms=at/> }.into_any(),
                    None => view! { <span class="m-faint">"–"</span> }.into_any(),
                }}
            </td>
            <td class="m-low m-end m-num">{format::count(grant.credentials)}</td>
            <td class="m-low m-end m-muted m-nowrap" title=format!("by {}", grant.updated_by)><Age at_ms=Some(grant.updated_at)/></td>
        </tr>
    }
    .into_any()
}
