//! Something done to many things at once: they are selected in a list, what it would do is shown line by line, and then it is
//! done as it was shown.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use leptos::prelude::*;

use super::selection::Selection;
use crate::act::{Act, ActError};
use crate::api::{Api, ApiError};
use crate::components::{Button, Glyph, Skeleton, Submit, Toasts, Tone};
use crate::format;
use crate::viewer::Viewer;

/// What the portal answers, some time.
pub(super) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// Something to do.
pub(super) trait Job: Clone + Send + Sync + 'static {
    /// What it would do.
    fn look(self, api: Api) -> Answer<Plan>;

    /// Does what was shown under this name; refused when it would be another thing by now. Answers with a sentence.
    fn apply(self, api: Api, preview: String) -> Answer<String>;
}

/// What a job would do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Its name at the portal.
    pub(super) preview: String,
    /// All of it in a sentence.
    pub(super) sentence: String,
    /// There is something to do.
    pub(super) has_changes: bool,
    pub(super) lines: Vec<Line>,
}

impl Plan {
    /// How many lines cannot be.
    fn conflicts(&self) -> usize {
        self.lines.iter().filter(|line| line.verdict == Verdict::Conflict).count()
    }
}

/// The sentence of a plan with lines that cannot be.
pub(super) fn cannot_be(conflicts: u64, lines: usize) -> String {
    let lines = format::plural(lines, "line");
    format!("{} of {lines} cannot be: nothing is done before that is changed.", format::count(conflicts))
}

/// One thing of a plan.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) verdict: Verdict,
    pub(super) what: String,
    /// What becomes of it; may be empty.
    pub(super) change: String,
    /// Why it cannot be, or what one should know; may be empty.
    pub(super) note: String,
}

/// What becomes of a thing. What cannot be stands first: it is what one has to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Conflict,
    Change,
    Nothing,
}

/// What is being done: the job with what it would do, once that is known. Cheap to copy.
pub(super) struct Doing<J: 'static> {
    /// What was shown.
    pub(super) shown: RwSignal<Option<(J, Plan)>>,
    /// Asks what a job would do.
    pub(super) look: Act<J>,
    /// Does it.
    apply: Act<(J, String)>,
    /// Counts what was done: who waits for it closes.
    done: RwSignal<u64>,
}

impl<J> Clone for Doing<J> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J> Copy for Doing<J> {}

impl<J: Job> Doing<J> {
    /// Nothing yet. What is selected is so no longer once something was done, and `then` is called.
    pub(super) fn new(selection: Selection, then: impl Fn() + Clone + Send + Sync + 'static) -> Self {
        let shown = RwSignal::new(None);
        let done = RwSignal::new(0_u64);
        let toasts = Toasts::get();
        let look = Act::new(
            |api, job: J| async move {
                let plan = job.clone().look(api).await?;
                Ok::<_, ApiError>((job, plan))
            },
            move |answer| shown.set(Some(answer)),
        );
        let apply = Act::new(
            |api, (job, preview): (J, String)| job.apply(api, preview),
            move |sentence: String| {
                toasts.done(format!("{sentence}."));
                then();
                selection.clear();
                shown.set(None);
                done.update(|done| *done += 1);
            },
        );
        Self { shown, look, apply, done }
    }

    /// Forgets what was shown before.
    pub(super) fn begin(self) {
        self.shown.set(None);
        self.look.error.set(None);
        self.apply.error.set(None);
    }

    /// Asks what a job would do.
    pub(super) fn preview(self, job: J) {
        self.begin();
        self.look.run(job);
    }

    /// Closes a dialog once something was done.
    fn close_when_done(self, open: RwSignal<bool>) {
        let before = self.done.get_untracked();
        Effect::new(move |_| {
            if self.done.get() != before {
                open.set(false);
            }
        });
    }
}

/// What a job would do, line by line, and the button that does it.
#[component]
pub(super) fn Preview<J: Job>(
    doing: Doing<J>,
    open: RwSignal<bool>,
    title: &'static str,
    verb: &'static str,
    /// What doing it takes.
    right: &'static str,
    /// The way to the step before, where there is one.
    #[prop(optional_no_strip)]
    back: Option<Callback<()>>,
) -> impl IntoView {
    doing.close_when_done(open);
    let may = Signal::derive(move || Viewer::has(right));
    let (shown, apply) = (doing.shown, doing.apply);
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let Some((job, plan)) = shown.get_untracked() {
            apply.run((job, plan.preview));
        }
    };
    let plan = Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|(_, plan)| plan.clone())));
    let is_possible =
        move || plan.with(|plan| plan.as_ref().is_some_and(|plan| plan.has_changes && plan.conflicts() == 0));
    // What would be done is another thing by now: look again.
    let is_stale = move || apply.error.with(|error| error.as_ref().is_some_and(|error| error.kind == "stale-preview"));
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{title}</h2>
                {move || match plan.get() {
                    Some(plan) => view! { <Lines plan=plan/> }.into_any(),
                    None if doing.look.busy.get() => view! { <Skeleton lines=3/> }.into_any(),
                    None => ().into_any(),
                }}
                <ActError act=doing.look/>
                <ActError act=apply/>
            </div>
            <div class="m-dialog__foot">
                {back.map(|back| view! { <Button tone=Tone::Quiet on_press=back>"Back"</Button><span class="m-push"></span> })}
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Show when=is_stale>
                    <Button on_press=move |()| {
                        if let Some((job, _)) = shown.get_untracked() {
                            doing.preview(job);
                        }
                    }>"Look again"</Button>
                </Show>
                <Show when=is_possible>
                    <Submit busy=apply.busy right=may>{verb}</Submit>
                </Show>
            </div>
        </form>
    }
    .into_any()
}

/// What a plan would do, or did, line by line.
#[component]
pub(super) fn Lines(
    /// What.
    plan: Plan,
) -> impl IntoView {
    let tone = if plan.conflicts() > 0 { "m-small m-bad" } else { "m-small m-muted" };
    let mut lines = plan.lines;
    lines.sort_by_key(|line| line.verdict);
    let lines = lines.into_iter().map(|line| view! { <OneLine line=line/> }).collect_view();
    view! {
        <p class=tone>{plan.sentence}</p>
        <ul class="m-bulk__lines" tabindex="0" aria-label="What would be done">{lines}</ul>
    }
    .into_any()
}

#[component]
fn OneLine(line: Line) -> impl IntoView {
    let (tone, glyph, note) = match line.verdict {
        Verdict::Conflict => ("bad", "failed", "m-cell__sub m-wrap m-bad"),
        Verdict::Change => ("ok", "live", "m-cell__sub m-wrap"),
        Verdict::Nothing => ("none", "none", "m-cell__sub m-wrap"),
    };
    view! {
        <li class="m-bulk__line" data-tone=tone>
            <Glyph name=glyph/>
            <div class="m-cell">
                <span class="m-wrap">{line.what}</span>
                {(!line.change.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{line.change}</span> })}
                {(!line.note.is_empty()).then(|| view! { <span class=note>{line.note}</span> })}
            </div>
        </li>
    }
    .into_any()
}

/// What can be done about what is selected in a list: a bar that stays in sight.
#[component]
pub(super) fn SelectionBar(
    selection: Selection,
    /// How many the list has, on all its pages.
    #[prop(into)]
    total: Signal<u64>,
    /// Most that something can be done to at once.
    max: usize,
    /// What they are, as in "Select findings".
    things: &'static str,
    /// Those on this page.
    page: Callback<(), BTreeSet<String>>,
    /// The buttons; they are there while something is selected.
    children: ChildrenFn,
) -> impl IntoView {
    let count = Memo::new(move |_| selection.count(total.get()));
    view! {
        <div class="m-bulk__bar" role="group" aria-label="What to do with them">
            <span class="m-small" role="status">
                {move || match (count.get(), selection.all.get()) {
                    (0, _) => format!("Select {things}, or take all"),
                    (count, true) => format!("all {} selected", format::count(count)),
                    (count, false) => format!("{} selected", format::count(count)),
                }}
            </span>
            <Button small=true tone=Tone::Quiet on_press=move |()| selection.only(page.run(()))>"Select this page"</Button>
            <Show when=move || { total.get() <= max as u64 } fallback=move || view! {
                <span class="m-small m-muted">{format!("Narrow the list to {max} to take all")}</span>
            }>
                <Button small=true tone=Tone::Quiet on_press=move |()| selection.all.set(true)>
                    {move || format!("Select all {}", format::count(total.get()))}
                </Button>
            </Show>
            <Show when=move || { count.get() > 0 }>
                <Button small=true tone=Tone::Quiet on_press=move |()| selection.clear()>"Clear"</Button>
            </Show>
            <span class="m-push"></span>
            {move || (count.get() > 0).then(|| children())}
        </div>
    }
    .into_any()
}
