//! How something is done about findings: shown exactly first, then done as it was shown.

use leptos::prelude::*;

use super::{Selection, TOPICS};
use crate::act::{Act, ActError};
use crate::api::{ApiError, DriftApply, DriftDone, DriftLine, DriftPreview, DriftSelection, DriftTask, LiveTopic};
use crate::components::{Button, Choice, Field, Glyph, Select, Skeleton, Submit, Toasts, Tone};
use crate::format;
use crate::live::Live;
use crate::viewer::Viewer;

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Job {
    /// Ignore, take back, adopt.
    Task(DriftTask),
    /// Make access rules.
    Push(DriftSelection),
}

/// What is being done: the job with what it would do, once that is known. Cheap to copy.
#[derive(Clone, Copy)]
pub(super) struct Doing {
    /// What was shown.
    pub(super) shown: RwSignal<Option<(Job, DriftPreview)>>,
    /// Asks what a job would do.
    pub(super) look: Act<Job>,
    /// Does it.
    apply: Act<(Job, String)>,
    /// Counts what was done: who waits for it closes.
    done: RwSignal<u64>,
}

impl Doing {
    pub(super) fn new(selection: Selection) -> Self {
        let shown = RwSignal::new(None);
        let done = RwSignal::new(0_u64);
        let (toasts, live) = (Toasts::get(), Live::get());
        let look = Act::new(
            |api, job: Job| async move {
                let preview = match job.clone() {
                    Job::Task(task) => api.0.preview_drift(task).await?,
                    Job::Push(select) => api.0.preview_push(select).await?,
                };
                Ok::<_, ApiError>((job, preview))
            },
            move |answer| shown.set(Some(answer)),
        );
        let apply = Act::new(
            |api, (job, preview): (Job, String)| async move {
                match job {
                    Job::Task(task) => api.0.apply_drift(DriftApply { preview, task }).await,
                    Job::Push(task) => api.0.push_drift(DriftApply { preview, task }).await,
                }
            },
            move |answer: DriftDone| {
                toasts.done(format!("{}.", answer.sentence));
                live.bump(TOPICS);
                live.bump(&[LiveTopic::Access]);
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
    pub(super) fn preview(self, job: Job) {
        self.begin();
        self.look.run(job);
    }

    /// Closes a dialog once something was done.
    pub(super) fn close_when_done(self, open: RwSignal<bool>) {
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
pub(super) fn Preview(
    doing: Doing,
    open: RwSignal<bool>,
    title: &'static str,
    verb: &'static str,
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
        if let Some((job, preview)) = shown.get_untracked() {
            apply.run((job, preview.preview));
        }
    };
    let is_possible = move || {
        shown.with(|shown| {
            shown.as_ref().is_some_and(|(_, preview)| preview.conflicts == 0 && !preview.lines.is_empty())
        })
    };
    // What would be done is another thing by now: look again.
    let is_stale = move || apply.error.with(|error| error.as_ref().is_some_and(|error| error.kind == "stale-preview"));
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{title}</h2>
                {move || match shown.get() {
                    Some((_, preview)) => view! { <Lines preview=preview/> }.into_any(),
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

#[component]
fn Lines(preview: DriftPreview) -> impl IntoView {
    let sentence = sentence(&preview);
    let tone = if preview.conflicts > 0 { "m-small m-bad" } else { "m-small m-muted" };
    // What cannot be stands first: it is what one has to act on.
    let mut lines = preview.lines;
    lines.sort_by_key(|line| line.conflict.is_none());
    let lines = lines.into_iter().map(|line| view! { <Line line=line/> }).collect_view();
    view! {
        <p class=tone>{sentence}</p>
        <ul class="m-drift__lines" tabindex="0" aria-label="What would be done">{lines}</ul>
    }
    .into_any()
}

/// What a preview comes to, in a sentence.
fn sentence(preview: &DriftPreview) -> String {
    let all = preview.lines.len();
    let conflicts = usize::try_from(preview.conflicts).unwrap_or(usize::MAX);
    if conflicts == 0 {
        return format!("{}, all in one go.", format::plural(all, "line"));
    }
    format!("{conflicts} of {} cannot be: nothing is done before that is changed.", format::plural(all, "line"))
}

#[component]
fn Line(line: DriftLine) -> impl IntoView {
    let (tone, glyph) = if line.conflict.is_some() { ("bad", "failed") } else { ("ok", "live") };
    view! {
        <li class="m-drift__line" data-tone=tone>
            <Glyph name=glyph/>
            <div class="m-cell">
                <span class="m-wrap">{line.what}</span>
                {line.conflict.map(|conflict| view! { <span class="m-cell__sub m-wrap m-bad">{conflict}</span> })}
                {(!line.detail.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{line.detail}</span> })}
            </div>
        </li>
    }
    .into_any()
}

const DAY_MS: i64 = 24 * 3_600_000;

/// How long findings may be ignored: key, words and days; 0 = until they change.
const TIMES: [(&str, &str, i64); 4] = [
    ("week", "For a week", 7),
    ("month", "For a month", 30),
    ("quarter", "For three months", 91),
    ("change", "Until it changes", 0),
];

/// Asks how long and why, then shows what that would do.
#[component]
pub(super) fn Ignore(doing: Doing, chosen: Signal<DriftSelection>, open: RwSignal<bool>) -> impl IntoView {
    let time = RwSignal::new("month".to_owned());
    let reason = RwSignal::new(String::new());
    let look = doing.look;
    let choices: Vec<Choice> = TIMES.iter().map(|(key, words, _)| ((*key).to_owned(), (*words).to_owned())).collect();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let days = time.with_untracked(|time| TIMES.iter().find(|(key, ..)| key == time).map_or(0, |(.., days)| *days));
        let until = (days > 0).then(|| crate::clock::now_ms() + days * DAY_MS);
        let task = DriftTask::Ignore { select: chosen.get_untracked(), until, reason: reason.get_untracked() };
        doing.preview(Job::Task(task));
    };
    let choices = StoredValue::new(choices);
    let is_shown = Memo::new(move |_| doing.shown.with(Option::is_some));
    view! {
        <Show
            when=move || is_shown.get()
            fallback=move || view! {
                <form method="post" on:submit=submit>
                    <div class="m-dialog__body">
                        <h2>"Ignore findings"</h2>
                        <p class="m-small m-muted">
                            "They leave the queue and come back when the time is over, or at once when what differs is something else."
                        </p>
                        <Select label="How long" name="until" value=time choices=choices.get_value() error=look.field("until")/>
                        <Field label="Why" name="reason" value=reason required=true error=look.field("reason")
                            hint="For those who wonder later".to_owned()/>
                        <ActError act=look/>
                    </div>
                    <div class="m-dialog__foot">
                        <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                        <Submit busy=look.busy>"Show what that does"</Submit>
                    </div>
                </form>
            }
        >
            <Preview doing=doing open=open title="Ignore findings" verb="Ignore" right=crate::viewer::right::CATALOG_WRITE
                back=Some(Callback::new(move |()| doing.begin()))/>
        </Show>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_whether_it_can_be() {
        let line = DriftLine { what: "event a".to_owned(), detail: String::new(), rule: None, conflict: None };
        let mut preview = DriftPreview { preview: String::new(), lines: vec![line.clone(), line], conflicts: 0 };
        assert_eq!(sentence(&preview), "2 lines, all in one go.");
        preview.conflicts = 1;
        assert_eq!(sentence(&preview), "1 of 2 lines cannot be: nothing is done before that is changed.");
    }
}
