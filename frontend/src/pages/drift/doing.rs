//! How something is done about findings: shown exactly first, then done as it was shown.

use leptos::prelude::*;

use crate::act::ActError;
use crate::api::{Api, DriftApply, DriftLine, DriftPreview, DriftSelection, DriftTask};
use crate::components::{Button, Choice, Field, Select, Submit, Tone};
use crate::format;
use crate::pages::bulk::{self, Answer, Doing, Line, Plan, Preview, Verdict};

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Job {
    /// Ignore, take back, adopt.
    Task(DriftTask),
    /// Make access rules.
    Push(DriftSelection),
}

impl bulk::Job for Job {
    fn look(self, api: Api) -> Answer<Plan> {
        Box::pin(async move {
            Ok(plan(match self {
                Job::Task(task) => api.0.preview_drift(task).await?,
                Job::Push(select) => api.0.preview_push(select).await?,
            }))
        })
    }

    fn apply(self, api: Api, preview: String) -> Answer<String> {
        Box::pin(async move {
            let done = match self {
                Job::Task(task) => api.0.apply_drift(DriftApply { preview, task }).await?,
                Job::Push(task) => api.0.push_drift(DriftApply { preview, task }).await?,
            };
            Ok(done.sentence)
        })
    }
}

fn plan(shown: DriftPreview) -> Plan {
    let sentence = match shown.conflicts {
        0 => format!("{}, all in one go.", format::plural(shown.lines.len(), "line")),
        conflicts => bulk::cannot_be(conflicts, shown.lines.len()),
    };
    let line = |line: DriftLine| {
        let verdict = if line.conflict.is_some() { Verdict::Conflict } else { Verdict::Change };
        Line { verdict, what: line.what, change: line.detail, note: line.conflict.unwrap_or_default() }
    };
    let has_changes = !shown.lines.is_empty();
    Plan { preview: shown.preview, sentence, has_changes, lines: shown.lines.into_iter().map(line).collect() }
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
pub(super) fn Ignore(doing: Doing<Job>, chosen: Signal<DriftSelection>, open: RwSignal<bool>) -> impl IntoView {
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
        let mut shown = DriftPreview { preview: String::new(), lines: vec![line.clone(), line], conflicts: 0 };
        assert_eq!(plan(shown.clone()).sentence, "2 lines, all in one go.");
        shown.conflicts = 1;
        shown.lines[1].conflict = Some("it is there".to_owned());
        let plan = plan(shown);
        assert_eq!(plan.sentence, "1 of 2 lines cannot be: nothing is done before that is changed.");
        assert_eq!((plan.lines[1].verdict, plan.lines[1].note.as_str()), (Verdict::Conflict, "it is there"));
    }
}
