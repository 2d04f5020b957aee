//! One event of a shelf in a row: what it is about, how it fared, and its payload when one asks for it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use mesh_protocol::queue::{PAGE_PAYLOAD_BYTES_MAX, QueuedEvent, Replay, Shelf};

use super::browse::{Browsing, Keeping};
use crate::act::Act;
use crate::api::{Api, ShelfQuery, ShelfTask};
use crate::components::{Age, Button, Code, Icon, Table, Topic, use_ready};
use crate::format;
use crate::viewer::{Viewer, right};

/// Letters of a payload in a row.
const PREVIEW: usize = 80;

const WAITING: &[(&str, &str)] = &[
    ("Event", ""),
    ("Payload", "m-low"),
    ("Deliveries", "m-low m-end"),
    ("Age", "m-end"),
    ("Position", "m-low m-end"),
    ("", "m-end"),
];
const DEAD: &[(&str, &str)] = &[
    ("Event", ""),
    ("Reason", ""),
    ("Deliveries", "m-low m-end"),
    ("Age", "m-low m-end"),
    ("Position", "m-low m-end"),
    ("", "m-end"),
];

/// The rows of a page.
pub(super) fn events(events: Vec<QueuedEvent>, browsing: Browsing) -> AnyView {
    let heads = if browsing.shelf.get_untracked() == Shelf::DeadLetters { DEAD } else { WAITING };
    let rows = events.into_iter().map(|event| view! { <Row event=event browsing=browsing/> }).collect_view();
    view! { <Table label="Events" heads=heads>{rows}</Table> }.into_any()
}

/// The beginning of a payload, in one line.
fn preview(payload: &str) -> String {
    let mut short: String = payload.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = short.char_indices().nth(PREVIEW) {
        short.truncate(end);
        short.push('…');
    }
    short
}

#[component]
fn Row(event: QueuedEvent, browsing: Browsing) -> impl IntoView {
    let position = event.position;
    let is_dead = browsing.shelf.get_untracked() == Shelf::DeadLetters;
    let open = RwSignal::new(false);
    let may = Viewer::has(right::QUEUE_HANDLE).granted();
    let selected = move || browsing.selected.with(|selected| selected.contains(&position));
    let select = move |ev: leptos::ev::Event| {
        let on = event_target_checked(&ev);
        browsing.selected.update(|selected| {
            if on {
                selected.insert(position)
            } else {
                selected.remove(&position)
            };
        });
    };
    let with = event.consumer.clone().map(|consumer| match is_dead {
        true => format!("refused by {consumer}"),
        false => format!("{consumer} has it now"),
    });
    let text = preview(&event.payload);
    let reason = event.reason.clone().unwrap_or_else(|| "It gave no reason".to_owned());
    let stored = StoredValue::new(event.clone());
    let details = format!("event-{position}");
    let controls = details.clone();
    view! {
        <tr data-position=position aria-selected=move || selected().then_some("true")>
            <td>
                <div class="m-shelf__event">
                    {may.then(|| view! {
                        <input
                            class="m-check"
                            type="checkbox"
                            aria-label=format!("Select the event at {position}")
                            prop:checked=selected
                            on:change=select
                        />
                    })}
                    <div class="m-cell">
                        <Topic name=event.topic/>
                        <span class="m-cell__sub m-mono">{event.key}</span>
                        {with.map(|with| view! { <span class="m-cell__sub">{with}</span> })}
                    </div>
                </div>
            </td>
            {if is_dead {
                view! { <td class="m-small m-wrap">{reason}</td> }.into_any()
            } else {
                view! { <td class="m-low"><code class="m-shelf__payload">{text}</code></td> }.into_any()
            }}
            <td class="m-low m-end m-num">{event.deliveries}</td>
            <td class="m-end m-muted" class:m-low=is_dead><Age at_ms=Some(event.admitted_at_ms)/></td>
            <td class="m-low m-end m-num m-faint">{position}</td>
            <td class="m-end">
                <button
                    class="m-button m-button--small m-button--quiet"
                    type="button"
                    aria-expanded=move || if open.get() { "true" } else { "false" }
                    aria-controls=controls
                    aria-label=move || format!("{} the event at {position}", if open.get() { "Hide" } else { "Show" })
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    {move || if open.get() { "Hide" } else { "Show" }}
                    {move || view! { <Icon name=if open.get() { "down" } else { "right" } small=true/> }}
                </button>
            </td>
        </tr>
        <tr class="m-shelf__more" id=details hidden=move || !open.get()>
            <td colspan="6">
                <Show when=move || open.get()>
                    <Whole event=stored.get_value() browsing=browsing/>
                </Show>
            </td>
        </tr>
    }
    .into_any()
}

/// Everything about one event.
#[component]
fn Whole(event: QueuedEvent, browsing: Browsing) -> impl IntoView {
    let payload = RwSignal::new(event.payload.clone());
    let bytes = event.payload_bytes;
    let shown = move || payload.with(|payload| bytes_of(payload));
    let properties = event.properties.clone();
    let shelf = browsing.shelf.get_untracked();
    let keeping = browsing.keeping.filter(|_| shelf == Shelf::Acknowledged);
    view! {
        <div class="m-shelf__whole">
            <dl class="m-facts">
                <dt>"Topic"</dt>
                <dd class="m-wrap"><Topic name=event.topic.clone()/></dd>
                <dt>"Ordering key"</dt>
                <dd class="m-mono m-small m-wrap">{event.key.clone()}</dd>
                <dt>"Content type"</dt>
                <dd>{event.content_type.clone().unwrap_or_else(|| "not given".to_owned())}</dd>
                <dt>"Size"</dt>
                <dd class="m-num">{format::bytes(bytes)}</dd>
                <dt>"Delivered"</dt>
                <dd class="m-num">{times(shelf, event.deliveries)}</dd>
                {event.expires_at_ms.map(|at| {
                    let (what, until) =
                        if shelf == Shelf::Acknowledged { ("Kept", "for another ") } else { ("Expires", "in ") };
                    view! { <dt>{what}</dt><dd>{until} <Left at_ms=at/></dd> }
                })}
                {event.reason.clone().map(|reason| view! { <dt>"Why it is here"</dt><dd class="m-wrap">{reason}</dd> })}
                {(!properties.is_empty()).then(|| view! {
                    <dt>"Properties"</dt>
                    <dd class="m-mono m-small m-wrap">
                        {properties.into_iter().map(|(name, value)| view! { <div>{format!("{name}: {value}")}</div> }).collect_view()}
                    </dd>
                })}
            </dl>
            <Code text=payload what="the payload"/>
            <Show when=move || shown() < bytes>
                <p class="m-line m-line--wrap m-small m-muted">
                    {move || format!("The first {} of {}.", format::bytes(shown()), format::bytes(bytes))}
                    <More position=event.position browsing=browsing payload=payload/>
                </p>
            </Show>
            {keeping.map(|keeping| view! { <Again position=event.position keeping=keeping act=browsing.act/> })}
        </div>
    }
    .into_any()
}

/// Delivers an event again, or asks whether all from it on are meant.
#[component]
fn Again(position: u64, keeping: Keeping, act: Act<ShelfTask>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::QUEUE_HANDLE));
    let replay = move |()| act.run(ShelfTask::Replay { which: Replay::These(vec![position]) });
    view! {
        <p class="m-line m-line--wrap">
            <Button small=true icon="undo" right=may on_press=replay>"Replay this event"</Button>
            <Button small=true right=may on_press=move |()| keeping.replaying.ask_from(position)>"Replay from here on…"</Button>
        </p>
    }
    .into_any()
}

/// Fetches as much of a payload as one may see at once.
#[component]
fn More(position: u64, browsing: Browsing, payload: RwSignal<String>) -> impl IntoView {
    let api = expect_context::<Api>();
    let ready = use_ready();
    let asked = RwSignal::new(false);
    let fetch = move |()| {
        asked.set(true);
        let api = api.clone();
        let query = ShelfQuery {
            shelf: browsing.shelf.get_untracked(),
            after: position.saturating_sub(1),
            limit: Some(1),
            payload_bytes: Some(PAGE_PAYLOAD_BYTES_MAX),
        };
        spawn_local(async move {
            let answer = browsing.holder.look(&api, query).await;
            let same = answer.ok().and_then(|page| page.items.into_iter().find(|event| event.position == position));
            if let Some(event) = same {
                let _ = payload.try_set(event.payload);
            }
        });
    };
    view! {
        <Show when=move || ready.get() && !asked.get()>
            <Button small=true on_press=fetch.clone()>
                {format!("Show up to {}", format::bytes(PAGE_PAYLOAD_BYTES_MAX.into()))}
            </Button>
        </Show>
    }
    .into_any()
}

/// How many bytes of a payload a text shows: hex has two digits for each.
fn bytes_of(payload: &str) -> u64 {
    let bytes = match payload.strip_prefix("0x") {
        Some(hex) if hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => hex.len() / 2,
        _ => payload.len(),
    };
    bytes as u64
}

fn times(shelf: Shelf, deliveries: u32) -> String {
    match deliveries {
        0 if shelf == Shelf::Acknowledged => "once, and acknowledged".to_owned(),
        1 if shelf == Shelf::Acknowledged => "came back once, then acknowledged".to_owned(),
        n if shelf == Shelf::Acknowledged => {
            format!("came back {} times, then acknowledged", format::count(n.into()))
        }
        0 => "not yet".to_owned(),
        1 => "once, and came back".to_owned(),
        n => format!("{} times, and came back", format::count(n.into())),
    }
}

/// The time that is left.
#[component]
fn Left(at_ms: i64) -> impl IntoView {
    let clock = crate::clock::Clock::get();
    view! { <span class="m-num">{move || format::age(at_ms - clock.now_ms())}</span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_one_line_with_its_end_marked() {
        assert_eq!(preview("{\n  \"total\": 42\n}"), "{ \"total\": 42 }");
        assert_eq!(preview(&"é".repeat(100)).chars().count(), PREVIEW + 1);
    }

    #[test]
    fn hex_counts_as_the_bytes_it_stands_for() {
        assert_eq!(bytes_of("0x00ff"), 2);
        assert_eq!(bytes_of("0xyz"), 4, "a text that only begins like hex");
        assert_eq!(bytes_of("é"), 2);
    }
}
