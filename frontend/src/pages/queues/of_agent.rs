//! What an agent had for other agents and they refused, records that its routes could not read, and events that contracts
//! diverted: dead letters, as those of a queue.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use mesh_protocol::id::AgentId;
use mesh_protocol::report::PartRef;

use super::browse::{Browse, Counts, Holder};
use crate::api::{AgentView, ApiError, LiveTopic};
use crate::components::Main;
use crate::load::{Load, load};

/// `/agents/:id/dead-letters`
#[component]
pub fn AgentDeadLetters() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<AgentId>().ok())));
    let agent = load(
        &[LiveTopic::Topology],
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
            <Letters agent=agent/>
        </Load>
    }
    .into_any()
}

/// How many dead letters an agent has of its own; none when it has not said.
pub(in crate::pages) fn refused(agent: &AgentView) -> Option<u64> {
    let fabric = agent.parts.iter().find(|part| part.object == PartRef::Fabric)?;
    fabric.figures.get("dead_letter_events").copied()
}

#[component]
fn Letters(agent: Signal<AgentView>) -> impl IntoView {
    let name = Signal::derive(move || agent.with(|agent| agent.name.clone()));
    let (id, href) = agent.with_untracked(|agent| (agent.id, format!("/agents/{}", agent.id)));
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/agents">"Agents"</a></li>
            <li><a href=href>{name}</a></li>
            <li>"Dead letters"</li>
        </ol>
    };
    let counts = Signal::derive(move || Counts { dead_letters: agent.with(refused), ..Counts::default() });
    let owner = Signal::derive(move || Some(name.get()));
    view! {
        <Main
            title=Signal::derive(move || format!("Dead letters of {}", name.get()))
            note="what other agents refused for good, which a retry sends there again; records that its routes could not read; and events that a contract diverted, which a retry publishes when they are valid by then"
            crumbs=crumbs.into_any()
        >
            <Browse holder=Holder::Agent(id) name=name owner=owner counts=counts/>
        </Main>
    }
    .into_any()
}
