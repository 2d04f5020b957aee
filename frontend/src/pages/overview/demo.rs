//! What a demo mesh offers: stop one till and see why it is stopped, cut a link and see what waits, publish and watch, and the ways on to an own mesh.

use leptos::prelude::*;

use super::TOPICS;
use super::cut::Cut;
use super::trial::Trial;
use crate::act::{Act, ActError};
use crate::api::{DemoClient, DenialRow, LiveTopic, Overview, PrincipalView, ReasonInput};
use crate::components::{Age, Banner, Button, Icon, Part, Run, RunState, Toasts, Tone, Topic};
use crate::format;
use crate::live::Live;
use crate::load::{Load, Loading};
use crate::viewer::{Viewer, right};

/// Refusals that are shown.
const DENIALS_MAX: usize = 5;
/// Refusals older than this belong to another story.
const DENIALS_AGE_MS: i64 = 10 * 60 * 1000;

/// What of the demo still starts, above everything else.
#[component]
pub(super) fn Starting(overview: Signal<Overview>) -> impl IntoView {
    let starting = Memo::new(move |_| {
        overview.with(|overview| overview.demo.as_ref().map(|demo| demo.starting.clone()).unwrap_or_default())
    });
    view! {
        <Show when=move || starting.with(|starting| !starting.is_empty())>
            <Banner tone="ok" text=Signal::derive(move || format!("Still starting: {}. The rest works already.", starting.get().join(", ")))/>
        </Show>
    }
    .into_any()
}

/// The block of the demo.
#[component]
pub(super) fn Demo(overview: Signal<Overview>, denials: Loading<Vec<DenialRow>>) -> impl IntoView {
    let client =
        Memo::new(move |_| overview.with(|overview| overview.demo.as_ref().and_then(|demo| demo.block.clone())));
    let id = Memo::new(move |_| client.with(|client| client.as_ref().map(|client| client.id)));
    let cut = Memo::new(move |_| overview.with(|overview| overview.demo.as_ref().and_then(|demo| demo.cut.clone())));
    view! {
        {move || id.get().map(|_| {
            let client = Signal::derive(move || client.get());
            view! { <Block client=client denials=denials/> }
        })}
        <Show when=move || cut.with(Option::is_some)>
            <Cut link=cut/>
        </Show>
        <Trial overview=overview/>
        <Onwards/>
    }
    .into_any()
}

/// "Block till-7": the button, what it does, and the refusals with their rule.
#[component]
fn Block(client: Signal<Option<DemoClient>>, denials: Loading<Vec<DenialRow>>) -> impl IntoView {
    let live = Live::get();
    let toasts = Toasts::get();
    let may = Signal::derive(|| Viewer::has(right::BLOCK));
    let name = Memo::new(move |_| {
        client.with(|client| client.as_ref().map(|client| client.username.clone()).unwrap_or_default())
    });
    let blocked = Memo::new(move |_| client.with(|client| client.as_ref().is_some_and(|client| client.blocked)));
    let id = move || client.with_untracked(|client| client.as_ref().map(|client| client.id));
    let changed = move || {
        live.bump(TOPICS);
        live.bump(&[LiveTopic::Access, LiveTopic::Denials]);
    };
    let unblock = Act::new(
        |api, id| async move { api.0.unblock_principal(id).await },
        move |client: PrincipalView| {
            changed();
            toasts.done(format!("{} may publish again.", client.username));
        },
    );
    let block = Act::new(
        |api, id| async move {
            api.0.block_principal(id, ReasonInput { reason: "Tried out on the overview".to_owned() }).await
        },
        move |client: PrincipalView| {
            changed();
            let id = client.id;
            toasts.done_with_undo(format!("{} is blocked.", client.username), move |()| unblock.run(id));
        },
    );
    let press = move |()| {
        let Some(id) = id() else { return };
        if blocked.get_untracked() { unblock.run(id) } else { block.run(id) }
    };
    view! {
        <Part
            title="Stop one device"
            note=Signal::derive(move || format!("a deny rule for {} alone, everywhere within a second", name.get()))
        >
            <div class="m-line m-line--wrap">
                {move || if blocked.get() {
                    view! { <Button right=may icon="undo" on_press=press>"Let "{name}" publish again"</Button> }.into_any()
                } else {
                    view! { <Button right=may tone=Tone::Danger icon="pause" on_press=press>"Block "{name}</Button> }.into_any()
                }}
                {move || if blocked.get() {
                    view! { <Run state=RunState::Failed word="Blocked"/> }.into_any()
                } else {
                    view! { <Run state=RunState::Live word="May publish"/> }.into_any()
                }}
                <a class="m-small" href=move || id().map(|id| format!("/clients/{id}")).unwrap_or_default()>"Its page"</a>
            </div>
            <ActError act=block/>
            <ActError act=unblock/>
            <Denials client=client denials=denials/>
        </Part>
    }
    .into_any()
}

/// What was refused of the client lately, and by which rule.
#[component]
fn Denials(client: Signal<Option<DemoClient>>, denials: Loading<Vec<DenialRow>>) -> impl IntoView {
    let id = Memo::new(move |_| client.with(|client| client.as_ref().map(|client| client.id)));
    view! {
        <Load resource=denials what="refusals" let:denials>
            {move || {
                let now = untrack(|| crate::clock::Clock::get().now_ms());
                let rows: Vec<_> = denials
                    .get()
                    .into_iter()
                    .filter(|row| row.principal == id.get() && now - row.last < DENIALS_AGE_MS)
                    .take(DENIALS_MAX)
                    .map(denial)
                    .collect();
                if rows.is_empty() {
                    view! { <p class="m-small m-muted">"Nothing of it was refused in the last ten minutes."</p> }.into_any()
                } else {
                    view! { <ul class="m-refusals">{rows}</ul> }.into_any()
                }
            }}
        </Load>
    }
    .into_any()
}

fn denial(row: DenialRow) -> impl IntoView {
    let action = crate::pages::acl::action_word(row.action);
    let times = if row.count == 1 { "once".to_owned() } else { format!("{} times", format::count(row.count)) };
    view! {
        <li>
            <Run state=RunState::Failed word=format!("{action} refused {times}")/>
            <Topic name=row.topic/>
            <span class="m-muted">{format!("at {}: {}", row.site_name, row.reason)}</span>
            {row.rule.is_some().then(|| view! { <a href="/acl">"The rule"</a> })}
            <span class="m-stamp"><Age at_ms=Some(row.last)/>" ago"</span>
        </li>
    }
}

/// From the demo to an own mesh.
#[component]
fn Onwards() -> impl IntoView {
    view! {
        <Part title="Make it yours" note="both take a few minutes, and the demo goes on">
            <div class="m-line m-line--wrap">
                <a class="m-button" href="/brokers"><Icon name="broker"/>"Attach your own Kafka"</a>
                <a class="m-button" href="/sites"><Icon name="site"/>"Add a site"</a>
            </div>
        </Part>
    }
    .into_any()
}
