//! Agents: which run where, how far they are with the policy, and how each of their parts is.

mod replace;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use mesh_protocol::id::AgentId;

use self::replace::{Line, Replace, left};
use super::clients::Until;
use crate::act::{Act, ActError};
use crate::api::{AgentView, ApiError, LiveTopic, Presence, ReasonInput};
use crate::clock::Clock;
use crate::components::{
    Age, Button, Confirm, Empty, Main, Part, PartTable, RolloutChip, RolloutList, Run, RunState, Stamp, Table, Toasts,
    Tone,
};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::queues::refused;
use crate::viewer::{Viewer, right};

const TOPICS: &[LiveTopic] = &[LiveTopic::Topology, LiveTopic::Rollout];
/// From here on a certificate's end is worth a warning; agents renew long before.
const CERTIFICATE_SOON_MS: i64 = 10 * 86_400_000;

/// `/agents`
#[component]
pub fn Agents() -> impl IntoView {
    let agents = load(TOPICS, || (), |api, ()| async move { api.0.all_agents().await });
    view! {
        <Main title="Agents" note="the processes that are the data plane at your sites">
            <Load resource=agents what="agents" let:agents>
                {move || {
                    let agents = agents.get();
                    if agents.is_empty() {
                        view! {
                            <Empty icon="agent" title="No agent yet" text="Choose a site and make its join line: one command there starts an agent.">
                                <a class="m-button m-button--primary" href="/sites">"Sites"</a>
                            </Empty>
                        }
                            .into_any()
                    } else {
                        agent_table(agents, false)
                    }
                }}
            </Load>
        </Main>
    }
    .into_any()
}

/// How an agent is, in a word.
pub(crate) fn presence(agent: &AgentView) -> (RunState, &'static str) {
    match agent.presence {
        Presence::Online => (RunState::Live, "Online"),
        Presence::Offline => (RunState::Offline, "Offline"),
        Presence::NeverSeen => (RunState::Waiting, "Never seen"),
        Presence::Revoked => (RunState::Failed, "Revoked"),
    }
}

/// A table of agents; on a site's own page without its column.
pub(crate) fn agent_table(agents: Vec<AgentView>, of_site: bool) -> AnyView {
    let class = if of_site { "m-table--inset" } else { "" };
    let rows = agents.into_iter().map(|agent| view! { <Row agent=agent/> }).collect_view();
    view! {
        <Table
            label="Agents"
            class=class
            heads=&[
                ("Agent", ""),
                ("Site", "m-low"),
                ("State", ""),
                ("Policy", ""),
                ("Version", "m-low"),
                ("Memory", "m-low m-end"),
                ("Certificate", "m-low m-end"),
                ("Heard", "m-end"),
            ]
        >
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(agent: AgentView) -> impl IntoView {
    let (state, word) = presence(&agent);
    let heard = agent.freshness.as_ref().map(|fresh| fresh.as_of);
    let name = agent.name.clone();
    view! {
        <tr data-agent=name>
            <td><a class="m-cell__name" href=format!("/agents/{}", agent.id)>{agent.name.clone()}</a></td>
            <td class="m-low"><a href=format!("/sites/{}", agent.site)>{agent.site_name.clone()}</a></td>
            <td><Run state=state word=word/></td>
            <td><RolloutChip rollout=vec![agent.rollout]/></td>
            <td class="m-low m-num">{agent.version}</td>
            <td class="m-low m-end m-num">{format::bytes(agent.memory_bytes)}</td>
            <td class="m-low m-end"><CertificateEnd at_ms=agent.certificate_ends_at/></td>
            <td class="m-end"><Age at_ms=heard late_ms=60_000/></td>
        </tr>
    }
    .into_any()
}

/// When the certificate ends; a warning when that is soon.
#[component]
fn CertificateEnd(at_ms: Option<i64>) -> impl IntoView {
    let now_ms = untrack(|| Clock::get().now_ms());
    match at_ms {
        None => view! { <span class="m-muted">"–"</span> }.into_any(),
        Some(end) => {
            let soon = end - now_ms < CERTIFICATE_SOON_MS;
            view! { <span class:m-warn=soon><Until at_ms=end/></span> }.into_any()
        }
    }
}

/// `/agents/:id`
#[component]
pub fn AgentDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<AgentId>().ok())));
    let agent = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.agent(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such agent")),
            }
        },
    );
    view! {
        <Load resource=agent what="agent" title="Agent" one=true let:agent>
            <Detail agent=agent/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(agent: Signal<AgentView>) -> impl IntoView {
    let name = Signal::derive(move || agent.with(|agent| agent.name.clone()));
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/agents">"Agents"</a></li>
            <li>{name}</li>
        </ol>
    };
    view! {
        <Main title=name note=Signal::derive(move || agent.with(|agent| format!("at {}", agent.site_name))) crumbs=crumbs.into_any()>
            <Facts agent=agent/>
            <Part title="Policy" note="what it enforces, and what it should">
                {move || view! { <RolloutList rollout=vec![agent.with(|agent| agent.rollout.clone())]/> }}
            </Part>
            <Part title="Parts" note="listeners, sources, sinks, connections and the fabric, as the agent says">
                {move || {
                    let parts = agent.with(|agent| agent.parts.clone());
                    if parts.is_empty() {
                        view! { <p class="m-small m-muted">"It has not said anything yet."</p> }.into_any()
                    } else {
                        view! { <PartTable parts=parts/> }.into_any()
                    }
                }}
            </Part>
            <Counters agent=agent/>
            <Replace agent=agent/>
            <Revoke agent=agent/>
        </Main>
    }
    .into_any()
}

#[component]
fn Facts(agent: Signal<AgentView>) -> impl IntoView {
    move || {
        let agent = agent.get();
        let (state, word) = presence(&agent);
        let keeps = agent.presence == Presence::Offline;
        let (refused, left) = (refused(&agent), left(&agent));
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"State"</dt>
                    <dd class="m-line m-line--wrap">
                        <Run state=state word=word/>
                        <span class="m-small m-muted">"for " <Age at_ms=Some(agent.since)/></span>
                        {agent.freshness.map(|fresh| view! { <Stamp at_ms=fresh.as_of/> })}
                        {keeps.then(|| view! { <span class="m-small m-muted">"It keeps serving the last policy it has."</span> })}
                    </dd>
                    <dt>"Site"</dt>
                    <dd><a href=format!("/sites/{}", agent.site)>{agent.site_name}</a></dd>
                    <Line replaces=agent.replaces replaced_by=agent.replaced_by/>
                    {agent.is_owner.then(|| view! {
                        <dt>"Owner"</dt>
                        <dd>"Has the named queues and lasting sessions of this site; other agents here send clients to it."</dd>
                    })}
                    {left.map(|left| view! { <dt>"Held, by its last word"</dt><dd>{left}</dd> })}
                    <dt>"Version"</dt>
                    <dd class="m-num">{agent.version}</dd>
                    <dt>"Memory"</dt>
                    <dd class="m-num">{format::bytes(agent.memory_bytes)}</dd>
                    <dt>"Certificate ends"</dt>
                    <dd><CertificateEnd at_ms=agent.certificate_ends_at/></dd>
                    {refused.map(|events| view! {
                        <dt>"Dead letters"</dt>
                        <dd>
                            <span class="m-num">{format::count(events)}</span>
                            " that other agents refused, its routes could not read, or contracts diverted"
                            {(events > 0).then(|| view! { ", " <a href=format!("/agents/{}/dead-letters", agent.id)>"look at them"</a> })}
                        </dd>
                    })}
                    {agent.started_at.map(|at| view! {
                        <dt>"Running for"</dt>
                        <dd><Age at_ms=Some(at)/></dd>
                    })}
                </dl>
            </div>
        }
    }
}

#[component]
fn Counters(agent: Signal<AgentView>) -> impl IntoView {
    let rows = move || {
        agent.with(|agent| {
            agent
                .counters
                .iter()
                .map(|(name, value)| view! { <dt>{name.replace('_', " ")}</dt><dd class="m-num">{format::count(*value)}</dd> })
                .collect_view()
        })
    };
    view! {
        <Show when=move || agent.with(|agent| !agent.counters.is_empty())>
            <Part title="Counters" note="since it started">
                <dl class="m-facts m-facts--many">{rows}</dl>
            </Part>
        </Show>
    }
    .into_any()
}

#[component]
fn Revoke(agent: Signal<AgentView>) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let live = Live::get();
    let toasts = Toasts::get();
    let revoke = Act::new(
        |api, id: AgentId| async move { api.0.revoke_agent(id, ReasonInput::default()).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Agent revoked. The other agents are told now.");
        },
    );
    let may = Signal::derive(|| Viewer::has(right::AGENT_WRITE));
    view! {
        <Show when=move || agent.with(|agent| agent.presence != Presence::Revoked)>
            <Part title="Revoke" note="for an agent that is not wanted any more; what others keep for it goes with it">
                <ActError act=revoke/>
                <p><Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Revoke agent"</Button></p>
            </Part>
        </Show>
        <Confirm
            open=confirm
            title=Signal::derive(move || agent.with(|agent| format!("Revoke {}?", agent.name)))
            consequence="Its certificate is no longer believed by the portal nor by any other agent: nothing it sends is taken, and it gets nothing. What other agents keep for it goes with it, unless another agent takes its place (Replace). This cannot be undone; the machine can join again as a new agent."
            verb="Revoke"
            on_yes=move |()| revoke.run(agent.with_untracked(|agent| agent.id))
        />
    }
    .into_any()
}
