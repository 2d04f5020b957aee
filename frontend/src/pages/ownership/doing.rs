//! How owners of many things are set: shown line by line first, then done as it was shown.

use leptos::prelude::*;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{
    ApiError, OwnershipApply, OwnershipDone, OwnershipImport, OwnershipLine, OwnershipPreview, OwnershipTask,
    OwnershipVerdict,
};
use crate::components::{Button, Glyph, Skeleton, Submit, Toasts, Tone};
use crate::format;
use crate::live::Live;
use crate::pages::selection::Selection;
use crate::viewer::{Viewer, right};

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Job {
    /// Of what is selected.
    Task(OwnershipTask),
    /// Of what a list names.
    List(OwnershipImport),
}

/// What is being done: the job with what it would do, once that is known. Cheap to copy.
#[derive(Clone, Copy)]
pub(super) struct Doing {
    /// What was shown.
    pub(super) shown: RwSignal<Option<(Job, OwnershipPreview)>>,
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
                    Job::Task(task) => api.0.preview_ownership(task).await?,
                    Job::List(list) => api.0.preview_owners(list).await?,
                };
                Ok::<_, ApiError>((job, preview))
            },
            move |answer| shown.set(Some(answer)),
        );
        let apply = Act::new(
            |api, (job, preview): (Job, String)| async move {
                match job {
                    Job::Task(task) => api.0.apply_ownership(OwnershipApply { preview, task }).await,
                    Job::List(task) => api.0.import_owners(OwnershipApply { preview, task }).await,
                }
            },
            move |answer: OwnershipDone| {
                toasts.done(format!("{}.", answer.sentence));
                live.bump(TOPICS);
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
pub(super) fn Preview(
    doing: Doing,
    open: RwSignal<bool>,
    title: &'static str,
    verb: &'static str,
    /// The way to the step before, where there is one.
    #[prop(optional_no_strip)]
    back: Option<Callback<()>>,
) -> impl IntoView {
    doing.close_when_done(open);
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let (shown, apply) = (doing.shown, doing.apply);
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let Some((job, preview)) = shown.get_untracked() {
            apply.run((job, preview.preview));
        }
    };
    let is_possible = move || {
        shown.with(|shown| shown.as_ref().is_some_and(|(_, preview)| preview.conflicts == 0 && preview.changes > 0))
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
fn Lines(preview: OwnershipPreview) -> impl IntoView {
    let sentence = sentence(&preview);
    let tone = if preview.conflicts > 0 { "m-small m-bad" } else { "m-small m-muted" };
    // What cannot be stands first: it is what one has to act on.
    let mut lines = preview.lines;
    lines.sort_by_key(|line| rank(line.verdict));
    let lines = lines.into_iter().map(|line| view! { <Line line=line/> }).collect_view();
    view! {
        <p class=tone>{sentence}</p>
        <ul class="m-drift__lines" tabindex="0" aria-label="What would be done">{lines}</ul>
    }
    .into_any()
}

const fn rank(verdict: OwnershipVerdict) -> u8 {
    match verdict {
        OwnershipVerdict::Conflict => 0,
        OwnershipVerdict::Change => 1,
        OwnershipVerdict::LeftOut => 2,
        OwnershipVerdict::Same => 3,
    }
}

/// What a preview comes to, in a sentence.
fn sentence(preview: &OwnershipPreview) -> String {
    let all = format::plural(preview.lines.len(), "line");
    let count = |verdict| preview.lines.iter().filter(|line| line.verdict == verdict).count();
    if preview.conflicts > 0 {
        return format!(
            "{} of {all} cannot be: nothing is done before that is changed.",
            format::count(preview.conflicts)
        );
    }
    let (same, left_out) = (count(OwnershipVerdict::Same), count(OwnershipVerdict::LeftOut));
    let mut rest = Vec::new();
    if same > 0 {
        rest.push(format!("{same} as they are already"));
    }
    if left_out > 0 {
        rest.push(format!("{left_out} left out"));
    }
    let rest = if rest.is_empty() { String::new() } else { format!(" Of {all}, {}.", rest.join(" and ")) };
    match preview.changes {
        0 => format!("Nothing would change.{rest}"),
        1 => format!("1 change.{rest}"),
        changes => format!("{} changes, all in one go.{rest}", format::count(changes)),
    }
}

#[component]
fn Line(line: OwnershipLine) -> impl IntoView {
    let (tone, glyph) = match line.verdict {
        OwnershipVerdict::Change => ("ok", "live"),
        OwnershipVerdict::Same | OwnershipVerdict::LeftOut => ("none", "none"),
        OwnershipVerdict::Conflict => ("bad", "failed"),
    };
    let number = line.line.map(|number| format!("{number}: ")).unwrap_or_default();
    let change = change(&line);
    let note =
        if line.verdict == OwnershipVerdict::Conflict { "m-cell__sub m-wrap m-bad" } else { "m-cell__sub m-wrap" };
    view! {
        <li class="m-drift__line" data-tone=tone>
            <Glyph name=glyph/>
            <div class="m-cell">
                <span class="m-wrap">{number}{line.what}</span>
                {(!change.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{change}</span> })}
                {(!line.note.is_empty()).then(|| view! { <span class=note>{line.note}</span> })}
            </div>
        </li>
    }
    .into_any()
}

/// Before and after in a line.
fn change(line: &OwnershipLine) -> String {
    match line.verdict {
        OwnershipVerdict::Change => format!("{} → {}", line.before, line.after),
        OwnershipVerdict::Same => format!("{} already", line.before),
        OwnershipVerdict::LeftOut => "left out".to_owned(),
        OwnershipVerdict::Conflict => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(verdict: OwnershipVerdict) -> OwnershipLine {
        OwnershipLine {
            line: Some(2),
            what: "domain a".to_owned(),
            verdict,
            before: "nobody".to_owned(),
            after: "tills".to_owned(),
            note: String::new(),
        }
    }

    fn told(verdicts: &[OwnershipVerdict]) -> String {
        let count = |meant| verdicts.iter().filter(|verdict| **verdict == meant).count() as u64;
        sentence(&OwnershipPreview {
            preview: String::new(),
            lines: verdicts.iter().copied().map(line).collect(),
            changes: count(OwnershipVerdict::Change),
            conflicts: count(OwnershipVerdict::Conflict),
        })
    }

    #[test]
    fn a_preview_says_what_it_comes_to() {
        use OwnershipVerdict::{Change, Conflict, LeftOut, Same};
        assert_eq!(told(&[Change, Change]), "2 changes, all in one go.");
        assert_eq!(told(&[Change, Same, LeftOut]), "1 change. Of 3 lines, 1 as they are already and 1 left out.");
        assert_eq!(told(&[Same]), "Nothing would change. Of 1 line, 1 as they are already.");
        assert_eq!(told(&[Change, Conflict]), "1 of 2 lines cannot be: nothing is done before that is changed.");
        assert_eq!(change(&line(Change)), "nobody → tills");
    }
}
