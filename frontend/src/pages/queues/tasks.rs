//! What one can do to the events of a shelf: those that are selected, or all of them. What cannot be taken back asks
//! first, with the number.

use leptos::prelude::*;
use leptos::task::spawn_local;
use mesh_protocol::queue::{Replay, Shelf, Which};

use super::browse::{Browsing, Holder};
use super::{TOPICS, replay};
use crate::act::{Act, ActError};
use crate::api::{Api, ApiError, LiveTopic, ShelfDone, ShelfTask};
use crate::components::{Button, Choice, Confirm, Dialog, Select, Submit, Toasts, Tone};
use crate::format;
use crate::live::Live;
use crate::viewer::{Viewer, right};

/// Which events, as one sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scope {
    shelf: Shelf,
    /// How many are selected; none = all of the shelf are meant.
    selected: usize,
    total: u64,
}

impl Scope {
    /// `3`, or `all`.
    fn number(self) -> String {
        if self.selected == 0 { "all".to_owned() } else { self.selected.to_string() }
    }

    /// `3 dead letters`, or `all 1,234 events`.
    fn words(self) -> String {
        let (number, all) = match self.selected {
            0 => (self.total, "all "),
            selected => (selected as u64, ""),
        };
        format!("{all}{}", noun(self.shelf, number))
    }
}

/// `1 dead letter`, `1,234 events`.
fn noun(shelf: Shelf, number: u64) -> String {
    let word = match shelf {
        Shelf::Waiting => "event",
        Shelf::DeadLetters => "dead letter",
        Shelf::Acknowledged => "acknowledged event",
    };
    format::plural(usize::try_from(number).unwrap_or(usize::MAX), word)
}

/// What was done, in a sentence.
fn said(task: &ShelfTask, done: &ShelfDone) -> String {
    let (shelf, did) = match task {
        ShelfTask::Delete { shelf, .. } => (*shelf, "deleted"),
        ShelfTask::Retry { .. } => (Shelf::DeadLetters, "put back into the queue they were for"),
        ShelfTask::Replay { .. } => return replay::said(done),
        ShelfTask::Move { shelf, .. } => (*shelf, "moved"),
    };
    let stopped = done.stopped.as_ref().map(|why| format!(" Then it stopped: {why}.")).unwrap_or_default();
    format!("{} {did}.{stopped}", noun(shelf, done.events))
}

/// What does something to events, and says what became of it.
pub(super) fn act(holder: Holder) -> Act<ShelfTask> {
    let (live, toasts) = (Live::get(), Toasts::get());
    Act::new(
        move |api: Api, task: ShelfTask| async move {
            let done = holder.handle(&api, task.clone()).await?;
            Ok::<_, ApiError>((task, done))
        },
        move |(task, done): (ShelfTask, ShelfDone)| {
            if done.stopped.is_some() {
                toasts.failed(said(&task, &done));
            } else {
                toasts.done(said(&task, &done));
            }
            live.bump(TOPICS);
            live.bump(&[LiveTopic::Routes]);
        },
    )
}

/// The buttons above the rows, with what they ask.
#[component]
pub(super) fn Tasks(browsing: Browsing, name: Signal<String>, owner: Signal<Option<String>>) -> impl IntoView {
    let act = browsing.act;
    let scope = Memo::new(move |_| Scope {
        shelf: browsing.shelf.get(),
        selected: browsing.selected.with(std::collections::BTreeSet::len),
        total: browsing.total(),
    });
    let which = move || {
        let selected: Vec<u64> = browsing.selected.with_untracked(|selected| selected.iter().copied().collect());
        if selected.is_empty() { Which::All } else { Which::These(selected) }
    };
    let (deleting, retrying, moving) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let may = Signal::derive(|| Viewer::has(right::QUEUE_HANDLE));
    let retry = move |()| act.run(ShelfTask::Retry { which: which() });
    // What is selected was looked at; all is more than that.
    let ask_retry = move |()| if scope.get_untracked().selected == 0 { retrying.set(true) } else { retry(()) };
    let replay = move |()| match which() {
        Which::These(positions) => act.run(ShelfTask::Replay { which: Replay::These(positions) }),
        Which::All => {
            if let Some(keeping) = browsing.keeping {
                keeping.replaying.ask_all();
            }
        }
    };
    let delete_word = move || match scope.get() {
        Scope { shelf: Shelf::Waiting, selected: 0, .. } => "Purge".to_owned(),
        scope => format!("Delete {}", scope.number()),
    };
    let in_it = move || if browsing.shelf.get() == Shelf::Waiting { "that wait in" } else { "of" };
    view! {
        <Show when=move || { scope.get().total > 0 }>
            <div class="m-bar m-shelf__tasks" role="group" aria-label="What to do with them">
                <span class="m-small m-muted">
                    {move || match scope.get().selected {
                        0 => "Select events, or take all".to_owned(),
                        n => format!("{n} selected"),
                    }}
                </span>
                <span class="m-push"></span>
                <Show when=move || browsing.shelf.get() == Shelf::DeadLetters>
                    <Button small=true icon="undo" right=may on_press=ask_retry>{move || format!("Retry {}", scope.get().number())}</Button>
                </Show>
                <Show when=move || browsing.shelf.get() == Shelf::Acknowledged>
                    <Button small=true icon="undo" right=may on_press=replay>{move || format!("Replay {}", scope.get().number())}</Button>
                </Show>
                <Button small=true icon="arrow" right=may on_press=move |()| moving.set(true)>
                    {move || format!("Move {}", scope.get().number())}
                </Button>
                <Button small=true tone=Tone::Danger right=may on_press=move |()| deleting.set(true)>{delete_word}</Button>
            </div>
        </Show>
        <div class="m-shelf__error"><ActError act=act/></div>
        <Confirm
            open=deleting
            title=Signal::derive(move || format!("Delete {} {} {}?", scope.get().words(), in_it(), name.get()))
            consequence=Signal::derive(move || match browsing.shelf.get() {
                Shelf::Waiting => "They go for good and nobody gets them. Those that a consumer has now stay with it.",
                Shelf::DeadLetters => "They go for good: nobody can look at them or retry them any more.",
                Shelf::Acknowledged => "Consumers have had them. They go for good: they cannot be replayed any more.",
            }.to_owned())
            verb=Signal::derive(move || format!("Delete {}", scope.get().number()))
            on_yes=move |()| act.run(ShelfTask::Delete { shelf: browsing.shelf.get_untracked(), which: which() })
        />
        <Confirm
            open=retrying
            title=Signal::derive(move || format!("Retry {} of {}?", scope.get().words(), name.get()))
            consequence="They go behind what waits there and are delivered again, each from its first try on. What made them fail should be mended first."
            verb="Retry all"
            on_yes=retry
        />
        <Dialog open=moving label="Move events">
            <Moving
                open=moving
                words=Signal::derive(move || scope.get().words())
                name=name
                owner=owner
                own=browsing
                on_move=move |to| {
                    let shelf = browsing.shelf.get_untracked();
                    act.run(ShelfTask::Move { shelf, which: which(), to });
                }
            />
        </Dialog>
    }
    .into_any()
}

/// Where to.
#[component]
fn Moving(
    open: RwSignal<bool>,
    words: Signal<String>,
    name: Signal<String>,
    owner: Signal<Option<String>>,
    own: Browsing,
    #[prop(into)] on_move: Callback<mesh_protocol::id::QueueId>,
) -> impl IntoView {
    let targets = RwSignal::new(None::<Vec<Choice>>);
    let target = RwSignal::new(String::new());
    let api = expect_context::<Api>();
    Effect::new(move |_| {
        let (api, owner) = (api.clone(), owner.get());
        spawn_local(async move {
            let queues = api.0.all_queues().await.unwrap_or_default();
            let is_other = |queue: &crate::api::QueueView| own.holder != Holder::Queue(queue.id);
            let found = queues.into_iter().filter(|queue| queue.owner == owner && is_other(queue));
            let _ = targets.try_set(Some(found.map(|queue| (queue.id.to_string(), queue.config.name)).collect()));
        });
    });
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let Ok(to) = target.get_untracked().parse() {
            open.set(false);
            on_move.run(to);
        }
    };
    let none = move || targets.with(|targets| targets.as_ref().is_some_and(Vec::is_empty));
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{move || format!("Move {} of {}", words.get(), name.get())}</h2>
                <Show
                    when=move || !none()
                    fallback=|| view! {
                        <p class="m-small m-muted">"There is no other queue at this site, and events move between queues of one site only. "
                            <a href="/queues/new">"Make one"</a>"."</p>
                    }
                >
                    <Select
                        label="To the queue"
                        name="to"
                        value=target
                        choices=Signal::derive(move || targets.get().unwrap_or_default())
                        hint="They go behind what waits there, by its rules"
                    />
                </Show>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Submit busy=Signal::derive(move || target.with(String::is_empty))>"Move"</Submit>
            </div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_says_how_many_are_meant() {
        let scope = |shelf, selected, total| Scope { shelf, selected, total };
        assert_eq!(scope(Shelf::Waiting, 0, 1_234).words(), "all 1,234 events");
        assert_eq!(scope(Shelf::DeadLetters, 1, 1_234).words(), "1 dead letter");
        assert_eq!(scope(Shelf::DeadLetters, 3, 9).number(), "3");
        assert_eq!(scope(Shelf::Acknowledged, 0, 9).words(), "all 9 acknowledged events");
    }

    #[test]
    fn what_stopped_half_way_says_so() {
        let task = ShelfTask::Retry { which: Which::All };
        let done = ShelfDone { events: 2, stopped: Some("the queue is full".into()) };
        assert_eq!(
            said(&task, &done),
            "2 dead letters put back into the queue they were for. Then it stopped: the queue is full."
        );
    }
}
