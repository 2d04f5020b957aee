//! The live tail: what a filter matches at a site, as it arrives.

use std::collections::VecDeque;

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use leptos::wasm_bindgen::prelude::Closure;
use leptos::web_sys;
use mesh_protocol::wire::TailEvent;
use send_wrapper::SendWrapper;

use crate::api::{TailLine, encoded};
use crate::components::{Button, Field, Run, RunState, Topic};
use crate::format;
use crate::viewer::{Viewer, right};

/// Lines that are kept; the oldest go.
const LINES_MAX: usize = 50;
/// Letters of a payload that are shown in a line; the whole is in its title.
const PAYLOAD_MAX: usize = 120;

/// How the tail is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nobody watches.
    Off,
    /// The stream is being opened.
    Opening,
    /// Events arrive.
    On,
    /// It ended, and why.
    Ended(String),
}

/// What arrived.
#[derive(Clone, Debug, Default)]
struct Arrived {
    lines: VecDeque<(u64, TailEvent)>,
    count: u64,
    dropped: u64,
}

impl Arrived {
    fn push(&mut self, event: TailEvent) {
        self.count += 1;
        self.lines.push_front((self.count, event));
        self.lines.truncate(LINES_MAX);
    }
}

/// The filter, the button and what arrives.
#[component]
pub(crate) fn Tail(site: RwSignal<String>, filter: RwSignal<String>) -> impl IntoView {
    let state = RwSignal::new(State::Off);
    let arrived = RwSignal::new(Arrived::default());
    // The filter and site that are watched; none = nobody watches.
    let watched = RwSignal::new(None::<(String, String)>);
    let may = Signal::derive(|| Viewer::has(right::TRY));
    // Whoever picks another site watches there; a filter counts when it is sent.
    Effect::new(move || {
        let site = site.get();
        if let Some((_, filter)) = watched.get_untracked() {
            watched.set(Some((site, filter)));
        }
    });
    Effect::new(move || {
        let Some((site, filter)) = watched.get() else { return };
        arrived.set(Arrived::default());
        state.set(State::Opening);
        listen(&format!("/api/v1/tail?site={}&filter={}", encoded(&site), encoded(&filter)), state, arrived);
    });
    let watch = move |()| watched.set(Some((site.get_untracked(), filter.get_untracked().trim().to_owned())));
    let stop = move |()| {
        watched.set(None);
        state.set(State::Off);
    };
    let on_submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if Viewer::has(right::TRY).granted() {
            watch(());
        }
    };
    let is_on = move || matches!(state.get(), State::Opening | State::On);
    view! {
        <div class="m-live">
            <form class="m-live__form" method="get" on:submit=on_submit>
                <Field label="Live tail of" name="filter" value=filter mono=true required=true/>
                {move || if is_on() {
                    view! { <Button icon="pause" on_press=stop>"Stop"</Button> }.into_any()
                } else {
                    view! { <Button icon="right" right=may on_press=watch>"Watch"</Button> }.into_any()
                }}
            </form>
            <p class="m-line m-small" role="status">
                {move || match state.get() {
                    State::Off => view! { <span class="m-muted">"Watch, and what comes from then on appears here."</span> }.into_any(),
                    State::Opening => view! { <Run state=RunState::Deploying word="Opening"/> }.into_any(),
                    State::On => view! { <Run state=RunState::Live word="Watching"/> }.into_any(),
                    State::Ended(why) => view! { <Run state=RunState::Failed word="Ended"/><span>{why}</span> }.into_any(),
                }}
                {move || arrived.with(|arrived| (arrived.dropped > 0).then(|| {
                    view! { <span class="m-warn">{format!("{} left out, because more came than could be shown", format::count(arrived.dropped))}</span> }
                }))}
            </p>
            <ol class="m-live__lines" tabindex="0" aria-label="Events">
                <For each=move || arrived.with(|arrived| arrived.lines.clone()) key=|(number, _)| *number let:line>
                    {event_line(line.1)}
                </For>
            </ol>
        </div>
    }
    .into_any()
}

fn event_line(event: TailEvent) -> impl IntoView {
    let short: String = event.payload.chars().take(PAYLOAD_MAX).collect();
    let cut = if short.len() < event.payload.len() { "…" } else { "" };
    let title = format!("{} bytes from {}\n{}", event.payload_bytes, event.origin_site, event.payload);
    view! {
        <li class="m-live__line" title=title>
            <span class="m-num m-faint">{format::time_of_day(event.at_ms)}</span>
            <Topic name=event.topic/>
            <code class="m-live__payload">{short}{cut}</code>
            <span class="m-faint">{event.origin_site}</span>
        </li>
    }
}

/// Opens the stream for as long as the current owner lives: until it is stopped, changed or left.
fn listen(url: &str, state: RwSignal<State>, arrived: RwSignal<Arrived>) {
    let Ok(source) = web_sys::EventSource::new(url) else { return };
    let closing = source.clone();
    let on_message = Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |message: web_sys::MessageEvent| {
        let text = message.data().as_string().unwrap_or_default();
        match serde_json::from_str::<TailLine>(&text) {
            Ok(TailLine::Event(event)) => arrived.update(|arrived| arrived.push(event)),
            Ok(TailLine::Dropped { events }) => arrived.update(|arrived| arrived.dropped += events),
            Ok(TailLine::Closed { reason }) => {
                closing.close();
                state.set(State::Ended(reason));
            }
            Err(_) => {}
        }
    });
    let on_open = Closure::<dyn FnMut()>::new(move || state.set(State::On));
    let failing = source.clone();
    // The browser tries again by itself unless the portal answered with an error, which it does not show to a page.
    let on_error = Closure::<dyn FnMut()>::new(move || {
        if failing.ready_state() == web_sys::EventSource::CLOSED {
            state.set(State::Ended(
                "The portal did not open it: check the filter, and that an agent of the site is online.".to_owned(),
            ));
        } else {
            state.set(State::Opening);
        }
    });
    source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    // A page that is kept to come back to would hold one of the few connections that a browser has for one host.
    let leaving = source.clone();
    let left = window_event_listener_untyped("pagehide", move |_| {
        leaving.close();
        let _ = state.try_set(State::Ended("The page was left.".to_owned()));
    });
    let held = SendWrapper::new((source, on_message, on_open, on_error));
    on_cleanup(move || {
        left.remove();
        held.0.close();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_and_all_are_counted() {
        let mut arrived = Arrived::default();
        for i in 0..60 {
            arrived.push(TailEvent {
                at_ms: i,
                topic: "orders/fr".into(),
                payload: String::new(),
                payload_bytes: 0,
                origin_site: "lyon".into(),
            });
        }
        assert_eq!((arrived.lines.len(), arrived.count), (LINES_MAX, 60));
        assert_eq!(arrived.lines.front().map(|line| line.1.at_ms), Some(59));
    }
}
