//! The one line that downloads, verifies, enrols and starts an agent at a site; and the wait until it is there.

use leptos::prelude::*;
use mesh_protocol::id::SiteId;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{JoinLine, JoinTokenInput, Presence, SiteView};
use crate::components::{Button, Code, Part, Run, RunState, Tone};
use crate::live::Live;
use crate::pages::clients::Until;
use crate::viewer::{Viewer, right};

/// Makes a join line, shows it, and watches for the agent that uses it.
#[component]
pub(super) fn Join(site: Signal<SiteView>) -> impl IntoView {
    let line = RwSignal::new(None::<JoinLine>);
    let before = StoredValue::new(0_usize);
    let live = Live::get();
    let make = Act::new(
        |api, site: SiteId| async move { api.0.create_join_token(site, JoinTokenInput::default()).await },
        move |made| {
            before.set_value(site.with_untracked(|site| site.agents.len()));
            line.set(Some(made));
            live.bump(TOPICS);
        },
    );
    let may = Signal::derive(|| Viewer::has(right::SITE_WRITE));
    let first = move || site.with(|site| site.agents.is_empty());
    let press = move |()| make.run(site.with_untracked(|site| site.id));
    view! {
        <Part title="Add an agent" note="one line, run at the site; nothing needs to be open towards it">
            <ActError act=make/>
            {move || match line.get() {
                None => {
                    let tone = if first() { Tone::Primary } else { Tone::Plain };
                    view! {
                        <p class="m-small m-muted">
                            "The line downloads the agent from this portal, checks it, enrols it with a token that works once, and starts it in the current folder."
                        </p>
                        <p><Button tone=tone icon="plus" right=may on_press=press>"Make the join line"</Button></p>
                    }
                        .into_any()
                }
                Some(made) => {
                    let before = before.get_value();
                    let arrived = Signal::derive(move || {
                        site.with(|site| {
                            let newest = site.agents.get(before..).and_then(<[_]>::last);
                            newest.map(|agent| (agent.name.clone(), agent.presence == Presence::Online))
                        })
                    });
                    view! { <Line made=made arrived=arrived/> }.into_any()
                }
            }}
        </Part>
    }
    .into_any()
}

/// A join line, and how far the agent is that uses it.
#[component]
pub(in crate::pages) fn Line(
    /// The line.
    made: JoinLine,
    /// The name of the agent that came of it, and whether it is online.
    arrived: Signal<Option<(String, bool)>>,
) -> impl IntoView {
    let state = move || match arrived.get() {
        None => view! { <Run state=RunState::Waiting word="Waiting for the agent"/> }.into_any(),
        Some((name, false)) => {
            view! { <Run state=RunState::Deploying word=format!("{name} is enrolled and starts")/> }.into_any()
        }
        Some((name, true)) => view! { <Run state=RunState::Live word=format!("{name} is online")/> }.into_any(),
    };
    view! {
        <Code text=made.line what="the join line"/>
        <p class="m-line m-line--wrap">
            <span role="status">{state}</span>
            <span class="m-small m-muted">"The token works once and ends " <Until at_ms=made.expires_at/> "."</span>
        </p>
        {made.binary_sha256.map(|sum| view! {
            <p class="m-small m-faint">"SHA-256 of the agent: " <code>{sum}</code></p>
        })}
    }
    .into_any()
}
