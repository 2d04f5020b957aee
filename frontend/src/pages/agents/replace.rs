//! A machine is lost: the line by which another one takes the place of its agent, and what follows from that.

use leptos::prelude::*;
use mesh_protocol::id::AgentId;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{AgentView, Holds, JoinLine, JoinTokenInput, Named, Presence};
use crate::components::{Button, Part};
use crate::format;
use crate::live::Live;
use crate::pages::sites::JoinedBy;
use crate::viewer::{Viewer, right};

/// Whose place an agent took, and who took its.
#[component]
pub(super) fn Line(replaces: Option<Named>, replaced_by: Option<Named>) -> impl IntoView {
    let fact = |what: &'static str, agent: Named| {
        view! {
            <dt>{what}</dt>
            <dd><a href=format!("/agents/{}", agent.id)>{agent.name}</a></dd>
        }
    };
    let before = replaces.map(|agent| fact("Took the place of", agent));
    let after = replaced_by.map(|agent| fact("Replaced by", agent));
    view! { {before} {after} }.into_any()
}

/// What lay on the disk of an agent that is gone, by its last word; nothing when nothing did.
pub(super) fn left(agent: &AgentView) -> Option<String> {
    let Holds { queued_events, for_others_events } = agent.holds.filter(|_| agent.presence == Presence::Revoked)?;
    (queued_events + for_others_events > 0).then(|| {
        format!("{} in its queues and sinks, {} for other agents", events(queued_events), events(for_others_events))
    })
}

/// Makes the line for the machine that takes an agent's place.
#[component]
pub(super) fn Replace(agent: Signal<AgentView>) -> impl IntoView {
    let line = RwSignal::new(None::<JoinLine>);
    let live = Live::get();
    let make = Act::new(
        |api, id: AgentId| async move { api.0.create_replacement(id, JoinTokenInput::default()).await },
        move |made| {
            line.set(Some(made));
            live.bump(TOPICS);
        },
    );
    let may = Signal::derive(|| Viewer::has(right::AGENT_WRITE));
    let arrived = Signal::derive(move || agent.with(|agent| agent.replaced_by.clone().map(|next| (next.name, false))));
    let is_asked = move || line.with(Option::is_some) || agent.with(|agent| agent.presence != Presence::Revoked);
    view! {
        <Show when=is_asked>
            <Part title="Replace" note="for a machine or a disk that is lost: another one takes this agent's place">
                <ActError act=make/>
                {move || match line.get() {
                    None => {
                        let told = agent.with(consequence);
                        let press = move |()| make.run(agent.with_untracked(|agent| agent.id));
                        view! {
                            <p class="m-small m-muted">{told}</p>
                            <p><Button right=may on_press=press>"Make the replacement line"</Button></p>
                        }
                            .into_any()
                    }
                    Some(made) => view! { <JoinedBy made=made arrived=arrived/> }.into_any(),
                }}
            </Part>
        </Show>
    }
    .into_any()
}

/// What follows, with what is known of the disk.
fn consequence(agent: &AgentView) -> String {
    let name = &agent.name;
    let lost = match agent.holds {
        None => format!("What {name} held is not known: it never said."),
        Some(Holds { queued_events: 0, for_others_events: 0 }) => {
            format!("By its last word {name} held nothing that waits in a queue or for another agent.")
        }
        Some(Holds { queued_events, for_others_events }) => format!(
            "What lies on the disk of {name} alone is lost with it: by its last word {} in its queues and sinks and {} for \
             other agents.",
            events(queued_events),
            events(for_others_events)
        ),
    };
    format!(
        "What other agents keep for {name} goes to the new one, in its order; what {name} may have had already is flagged as \
         redelivered. {lost} {name} is revoked when the new one joins. If the disk is still there, move its state folder to the new \
         machine instead: then nothing is lost."
    )
}

fn events(count: u64) -> String {
    format::plural(usize::try_from(count).unwrap_or(usize::MAX), "event")
}
