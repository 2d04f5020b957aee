//! Replay: acknowledged events that a queue keeps are delivered to its consumers again, from a moment or a position on, or
//! all of them. The question says what consumers will see, the answer how many came back.

use leptos::prelude::*;
use mesh_protocol::id::QueueId;
use mesh_protocol::queue::Replay;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{Api, QueueView, ShelfDone, ShelfTask};
use crate::clock::{self, Clock};
use crate::components::{Button, Dialog, Field, Submit, Toasts, Tone};
use crate::live::Live;
use crate::viewer::{Viewer, right};
use crate::{format, moment, quantity};

/// Moments one can choose by a press: words, and milliseconds ago.
const QUICK: [(&str, i64); 4] =
    [("15 min ago", 900_000), ("1 h ago", 3_600_000), ("6 h ago", 21_600_000), ("24 h ago", 86_400_000)];
/// Where the field stands at first.
const FIRST_MS: i64 = QUICK[0].1;

/// From where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Moment,
    Position,
    Oldest,
}

/// What the dialog asks, as it stands. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replaying {
    open: RwSignal<bool>,
    from: RwSignal<Start>,
    since: RwSignal<String>,
    position: RwSignal<String>,
}

impl Replaying {
    /// Nothing is asked yet.
    pub(super) fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            from: RwSignal::new(Start::Moment),
            since: RwSignal::new(String::new()),
            position: RwSignal::new(String::new()),
        }
    }

    /// Asks from when on.
    pub(super) fn ask(self) {
        self.begin(Start::Moment, String::new());
    }

    /// Asks whether to begin at a position.
    pub(super) fn ask_from(self, position: u64) {
        self.begin(Start::Position, position.to_string());
    }

    /// Asks whether all that is kept is meant.
    pub(super) fn ask_all(self) {
        self.begin(Start::Oldest, String::new());
    }

    fn begin(self, from: Start, position: String) {
        self.from.set(from);
        self.position.set(position);
        self.since.set(moment::local_text(clock::now_ms() - FIRST_MS));
        self.open.set(true);
    }

    /// What would be replayed; none = what is chosen says nothing yet, or something is wrong with it.
    fn which(self, now_ms: i64) -> Option<Replay> {
        match self.from.get() {
            Start::Oldest => Some(Replay::All),
            Start::Position => self.position.with(|text| quantity::count(text)).ok().map(Replay::FromPosition),
            Start::Moment => {
                let at_ms = self.since.with(|text| moment::local_ms(text));
                at_ms.filter(|at_ms| *at_ms <= now_ms).map(Replay::SinceMs)
            }
        }
    }
}

/// What was replayed, in a sentence.
pub(super) fn said(done: &ShelfDone) -> String {
    let began = match done.events {
        0 => "Nothing is replayed: none of these events is kept.".to_owned(),
        1 => "1 event goes to the queue's consumers again.".to_owned(),
        n => format!("{} events go to the queue's consumers again.", format::count(n)),
    };
    // All or none: what the agent says beside it is about events that are none any more.
    let beside = done.stopped.as_ref().map(|why| format!(" {why}.")).unwrap_or_default();
    format!("{began}{beside}")
}

/// `The queue keeps 1,204 events (3.4 MB).`
fn kept(queue: &QueueView) -> String {
    match &queue.figures {
        Some(figures) if figures.kept_events > 0 => format!(
            "The queue keeps {} ({}) that consumers have acknowledged.",
            format::plural(usize::try_from(figures.kept_events).unwrap_or(usize::MAX), "event"),
            format::bytes(figures.kept_bytes)
        ),
        Some(_) => "The queue keeps no acknowledged event yet.".to_owned(),
        None => "Its agent has not said yet how many events the queue keeps.".to_owned(),
    }
}

/// What a chosen moment means, in words.
fn meaning(at_ms: Option<i64>, now_ms: i64) -> String {
    match at_ms {
        None => String::new(),
        Some(at_ms) => format!(
            "What was admitted to the mesh {} ago or later. In your time zone, {}.",
            format::age(now_ms - at_ms),
            moment::zone(at_ms)
        ),
    }
}

/// What is wrong with a chosen moment.
fn wrong(text: &str, now_ms: i64) -> Option<String> {
    match moment::local_ms(text) {
        None => Some("Choose a day and a time".to_owned()),
        Some(at_ms) if at_ms > now_ms => Some("That is still to come".to_owned()),
        Some(_) => None,
    }
}

/// The button that asks; only for a queue that keeps something.
#[component]
pub(super) fn ReplayButton(queue: Signal<QueueView>, replaying: Replaying) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::QUEUE_HANDLE));
    view! {
        <Show when=move || queue.with(|queue| queue.config.keep_ms.is_some())>
            <Button icon="undo" right=may on_press=move |()| replaying.ask()>"Replay…"</Button>
        </Show>
    }
    .into_any()
}

/// The dialog.
#[component]
pub(super) fn ReplayDialog(queue: Signal<QueueView>, replaying: Replaying) -> impl IntoView {
    view! {
        <Dialog open=replaying.open label="Replay events">
            <Ask queue=queue replaying=replaying/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Ask(queue: Signal<QueueView>, replaying: Replaying) -> impl IntoView {
    let (live, toasts, clock) = (Live::get(), Toasts::get(), Clock::get());
    let open = replaying.open;
    let act = Act::new(
        |api: Api, (id, which): (QueueId, Replay)| async move {
            api.0.handle_queue_events(id, ShelfTask::Replay { which }).await
        },
        move |done: ShelfDone| {
            if done.stopped.is_some() {
                toasts.failed(said(&done));
            } else {
                toasts.done(said(&done));
            }
            live.bump(TOPICS);
            let _ = open.try_set(false);
        },
    );
    let which = Memo::new(move |_| replaying.which(clock.now_ms()));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let Some(which) = which.get_untracked() {
            act.run((queue.with_untracked(|queue| queue.id), which));
        }
    };
    let paused = move || queue.with(|queue| queue.config.paused);
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{move || queue.with(|queue| format!("Replay events of {}", queue.config.name))}</h2>
                <p class="m-small m-muted">
                    {move || queue.with(kept)}
                    " Consumers get those you choose again: in order, flagged as redelivered, and before newer ones that nobody has yet. All of them or none."
                </p>
                <Show when=paused>
                    <p class="m-small m-warn">"The queue is paused: they wait until it goes on."</p>
                </Show>
                <Choose replaying=replaying/>
                <ActError act=act/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Submit busy=Signal::derive(move || act.busy.get() || which.with(Option::is_none))>"Replay"</Submit>
            </div>
        </form>
    }
    .into_any()
}

/// From where on: three choices, and below each what it needs.
#[component]
fn Choose(replaying: Replaying) -> impl IntoView {
    let clock = Clock::get();
    let Replaying { from, since, position, .. } = replaying;
    let choice = move |of: Start, value: &'static str, words: &'static str| {
        view! {
            <label class="m-choice">
                <input
                    class="m-check"
                    type="radio"
                    name="from"
                    value=value
                    checked=from.get_untracked() == of
                    prop:checked=move || from.get() == of
                    on:change=move |_| from.set(of)
                />
                {words}
            </label>
        }
    };
    let quick = move |(words, ago_ms): (&'static str, i64)| {
        let press = move |()| since.set(moment::local_text(clock::now_ms() - ago_ms));
        view! { <Button small=true on_press=press>{words}</Button> }
    };
    let since_error = Signal::derive(move || since.with(|text| wrong(text, clock.now_ms())));
    // Nobody is told that an empty field is wrong before there is something in it.
    let position_error =
        Signal::derive(move || position.with(|text| if text.is_empty() { None } else { quantity::count(text).err() }));
    let means = Signal::derive(move || {
        let at_ms = since.with(|text| moment::local_ms(text));
        let now_ms = clock.now_ms();
        meaning(at_ms.filter(|at_ms| *at_ms <= now_ms), now_ms)
    });
    view! {
        <fieldset class="m-form__group">
            <legend>"Which of them"</legend>
            {choice(Start::Moment, "moment", "From a moment on")}
            <Show when=move || from.get() == Start::Moment>
                <div class="m-shelf__choice">
                    <div class="m-line m-line--wrap" role="group" aria-label="Quick choices">
                        {QUICK.into_iter().map(quick).collect_view()}
                    </div>
                    <Field
                        label="Admitted since"
                        name="since"
                        kind="datetime-local"
                        value=since
                        required=true
                        hint=means
                        error=since_error
                    />
                </div>
            </Show>
            {choice(Start::Position, "position", "From a position on")}
            <Show when=move || from.get() == Start::Position>
                <div class="m-shelf__choice">
                    <Field
                        label="Position"
                        name="position"
                        value=position
                        required=true
                        hint="As in the table of acknowledged events; that event is the first"
                        error=position_error
                    />
                </div>
            </Show>
            {choice(Start::Oldest, "all", "All that are kept")}
        </fieldset>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_901_400_000;

    #[test]
    fn what_is_chosen_is_what_is_asked() {
        Owner::new().with(|| {
            let replaying = Replaying::new();
            assert_eq!(replaying.which(NOW), None, "no moment is chosen yet");
            replaying.since.set("2026-11-28T21:15".into());
            assert_eq!(replaying.which(NOW), Some(Replay::SinceMs(NOW - 900_000)));
            replaying.since.set("2026-11-28T21:31".into());
            assert_eq!(replaying.which(NOW), None, "nothing can be admitted since a moment that is still to come");
            replaying.ask_from(1_204);
            assert_eq!(replaying.which(NOW), Some(Replay::FromPosition(1_204)));
            replaying.position.set("the first".into());
            assert_eq!(replaying.which(NOW), None);
            replaying.ask_all();
            assert_eq!(replaying.which(NOW), Some(Replay::All));
        });
    }

    #[test]
    fn a_moment_is_told_in_words_and_a_wrong_one_by_what_is_wrong() {
        assert_eq!(
            meaning(Some(NOW - 3_600_000), NOW),
            "What was admitted to the mesh 1 h ago or later. In your time zone, UTC."
        );
        assert_eq!(wrong("2026-11-28T21:30", NOW), None);
        assert_eq!(wrong("2026-11-28T21:31", NOW).as_deref(), Some("That is still to come"));
        assert_eq!(wrong("", NOW).as_deref(), Some("Choose a day and a time"));
    }

    #[test]
    fn the_answer_says_how_many_came_back() {
        let done = |events, stopped: Option<&str>| said(&ShelfDone { events, stopped: stopped.map(str::to_owned) });
        assert_eq!(done(1_204, None), "1,204 events go to the queue's consumers again.");
        assert_eq!(done(1, None), "1 event goes to the queue's consumers again.");
        assert_eq!(done(0, None), "Nothing is replayed: none of these events is kept.");
        assert!(done(3, Some("2 are not readable any more")).ends_with("again. 2 are not readable any more."));
    }
}
