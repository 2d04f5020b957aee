//! Things to do about many findings at once: shown exactly before, then done as a whole or not at all (see
//! [`plan`](crate::app::plan)).

use frontend::api::{
    DRIFT_TASK_MAX, DriftApply, DriftDone, DriftLine, DriftPreview, DriftSelection, DriftTask, LiveTopic,
};
use serde::Serialize;

use super::Asked;
use super::adopt::{self, Made, Wanted};
use super::scene::{Row, Scene, Study};
use super::shown;
use crate::app::edit::{Done, Edit};
use crate::app::permission::Right;
use crate::app::{App, Caller, Error, Result, plan};
use crate::domain::design::drift::{Decision, Status};
use crate::domain::field::FieldErrors;

/// Most findings that are ignored at once in the whole portal.
const DECISIONS_MAX: usize = 20_000;

/// What would be done.
pub(super) struct Plan<W> {
    /// For people.
    pub(super) lines: Vec<DriftLine>,
    /// The same for the database.
    pub(super) work: W,
    /// Of all that decides what is done.
    pub(super) digest: String,
}

/// What a task writes.
enum Work {
    Ignore(Vec<(String, Decision)>),
    Reopen(Vec<(String, Decision)>),
    Adopt(Made),
}

impl<W> Plan<W> {
    /// `basis` is all that decides what is done and is in no line.
    pub(super) fn new(lines: Vec<DriftLine>, work: W, basis: &impl Serialize) -> Self {
        let digest = plan::digest(&lines, basis);
        Self { lines, work, digest }
    }

    pub(super) fn preview(self) -> DriftPreview {
        let conflicts = self.lines.iter().filter(|line| line.conflict.is_some()).count() as u64;
        DriftPreview { preview: self.digest, lines: self.lines, conflicts }
    }

    /// Whether it is what somebody saw, and nothing stands in its way.
    pub(super) fn check(&self, preview: &str) -> Result<()> {
        let conflicts = self.lines.iter().filter_map(|line| Some((&line.what, line.conflict.as_ref()?)));
        plan::check(&self.digest, preview, conflicts)
    }
}

pub(super) async fn preview(app: &App, caller: &Caller, task: DriftTask) -> Result<DriftPreview> {
    caller.permit(Right::CatalogWrite)?;
    let scene = app.scene(caller).await?;
    Ok(plan(&scene, &task, caller_name(caller)?.as_str())?.preview())
}

pub(super) async fn apply(app: &App, caller: &Caller, input: DriftApply<DriftTask>) -> Result<DriftDone> {
    let permit = caller.permit(Right::CatalogWrite)?;
    let mut edit = app.edit(permit).await?;
    edit.lock().await?;
    let scene = app.scene_in(caller, &mut edit.tx).await?;
    let plan = plan(&scene, &input.task, caller_name(caller)?.as_str())?;
    plan.check(&input.preview)?;
    match &plan.work {
        Work::Ignore(decisions) => ignore(app, edit, decisions).await,
        Work::Reopen(decisions) => reopen(app, edit, decisions).await,
        Work::Adopt(made) => adopt::make(app, edit, made).await,
    }
}

fn caller_name(caller: &Caller) -> Result<String> {
    Ok(caller.signed_in()?.actor().to_owned())
}

fn plan(scene: &Scene, task: &DriftTask, by: &str) -> Result<Plan<Work>> {
    let study = scene.study();
    let now_ms = scene.world.now_ms();
    match task {
        DriftTask::Ignore { select, until, reason } => {
            Decision::check(*until, reason, now_ms)?;
            let chosen = chosen(select, &study)?;
            let decided = chosen.iter().filter_map(|(_, row)| row.as_ref()).map(|row| {
                let decision = Decision {
                    key: row.key.clone(),
                    digest: row.finding.digest(),
                    until_ms: *until,
                    reason: reason.trim().to_owned(),
                    by: by.to_owned(),
                    at_ms: now_ms,
                };
                (study.name(row), decision)
            });
            let work: Vec<(String, Decision)> = decided.collect();
            let line = |row: &Row<'_>| match row.finding.status {
                Status::Match => Some("agrees already: there is nothing to ignore".to_owned()),
                _ => None,
            };
            let lines = lines(&chosen, &study, line);
            let digests: Vec<&str> = work.iter().map(|(_, decision)| decision.digest.as_str()).collect();
            let basis = serde_json::json!([task, digests]);
            Ok(Plan::new(lines, Work::Ignore(work), &basis))
        }
        DriftTask::Reopen { select } => {
            let chosen = chosen(select, &study)?;
            let ignored = chosen.iter().filter_map(|(_, row)| row.as_ref());
            let work: Vec<(String, Decision)> =
                ignored.filter_map(|row| Some((study.name(row), row.ignored?.clone()))).collect();
            let line = |row: &Row<'_>| row.ignored.is_none().then(|| "is open already".to_owned());
            let lines = lines(&chosen, &study, line);
            Ok(Plan::new(lines, Work::Reopen(work), task))
        }
        DriftTask::Adopt { domains, events, applications } => {
            let Plan { lines, work, digest } = adopt::plan(scene, &Wanted { domains, events, applications }, by)?;
            Ok(Plan { lines, work: Work::Adopt(work), digest })
        }
    }
}

/// The findings that are chosen, each with its id; none = it is not there any more.
pub(super) fn chosen<'a>(select: &DriftSelection, study: &'a Study<'a>) -> Result<Vec<(String, Option<Row<'a>>)>> {
    if select.ids.len() > DRIFT_TASK_MAX {
        return Err(too_many().into());
    }
    let mut rows: Vec<(String, Row<'a>)> = study.rows().into_iter().map(|row| (shown::id(&row.key), row)).collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut chosen: Vec<(String, Option<Row<'a>>)> = Vec::new();
    if let Some(query) = &select.matching {
        let asked = Asked::of(query);
        let is_meant = |(_, row): &(String, Row<'a>)| asked.means(row, study) && asked.has_status(row);
        let meant = rows.into_iter().filter(is_meant).map(|(id, row)| (id, Some(row)));
        chosen.extend(meant);
    } else {
        let mut ids: Vec<&String> = select.ids.iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut rows = rows.into_iter().peekable();
        for id in ids {
            while rows.next_if(|(other, _)| other < id).is_some() {}
            let row = rows.next_if(|(other, _)| other == id).map(|(_, row)| row);
            chosen.push((id.clone(), row));
        }
    }
    if chosen.len() > DRIFT_TASK_MAX {
        return Err(too_many().into());
    }
    if chosen.is_empty() {
        return Err(FieldErrors::one("select", "names no finding: choose some").into());
    }
    Ok(chosen)
}

fn too_many() -> FieldErrors {
    FieldErrors::one("select", format_args!("names more than {DRIFT_TASK_MAX} findings: narrow the list, then go on"))
}

fn lines(
    chosen: &[(String, Option<Row<'_>>)],
    study: &Study<'_>,
    conflict: impl Fn(&Row<'_>) -> Option<String>,
) -> Vec<DriftLine> {
    let line = |(_, row): &(String, Option<Row<'_>>)| match row {
        Some(row) => {
            DriftLine { what: study.name(row), detail: row.finding.sentence(), rule: None, conflict: conflict(row) }
        }
        None => DriftLine {
            what: "a finding".to_owned(),
            detail: String::new(),
            rule: None,
            conflict: Some("is not there any more: choose again".to_owned()),
        },
    };
    chosen.iter().map(line).collect()
}

async fn ignore(app: &App, mut edit: Edit, decisions: &[(String, Decision)]) -> Result<DriftDone> {
    let environment = app.environment();
    let now_ms = edit.now_ms;
    edit.tx.end_drift_decisions(environment, now_ms).await?;
    let kept = edit.tx.drift_decisions(environment).await?;
    if kept.len() + decisions.len() > DECISIONS_MAX {
        return Err(Error::Conflict(format!(
            "more than {DECISIONS_MAX} findings would be ignored: take some back first, or adopt what they are about"
        )));
    }
    for (_, decision) in decisions {
        edit.tx.put_drift_decision(environment, decision).await?;
    }
    let sentence = format!("{} ignored", findings(decisions.len()));
    let done = decisions.iter().map(|(name, decision)| {
        let until = decision.until_ms.map_or_else(|| "it changes".to_owned(), day);
        (decision, format!("ignores what differs about {name} until {until}: {}", decision.reason))
    });
    finish(edit, "drift.ignore", &done.collect::<Vec<_>>()).await?;
    Ok(DriftDone { made: decisions.len() as u64, sentence })
}

async fn reopen(app: &App, mut edit: Edit, decisions: &[(String, Decision)]) -> Result<DriftDone> {
    for (_, decision) in decisions {
        edit.tx.delete_drift_decision(app.environment(), &decision.key).await?;
    }
    let sentence = format!("{} taken back", findings(decisions.len()));
    let done =
        decisions.iter().map(|(name, decision)| (decision, format!("no longer ignores what differs about {name}")));
    finish(edit, "drift.reopen", &done.collect::<Vec<_>>()).await?;
    Ok(DriftDone { made: decisions.len() as u64, sentence })
}

/// One audit entry for each decision, all in one transaction.
async fn finish(mut edit: Edit, action: &str, done: &[(&Decision, String)]) -> Result<()> {
    let entry = |decision: &Decision, summary| Done::new(action, &decision.key, summary, LiveTopic::Catalog);
    let Some(((last, summary), others)) = done.split_last().map(|(last, others)| ((last.0, &last.1), others)) else {
        return Err(Error::Internal("a task about findings names none"));
    };
    for (decision, summary) in others {
        edit.also(entry(decision, summary.as_str())).await?;
    }
    edit.finish(entry(last, summary.as_str())).await
}

/// `1 finding`, `12 findings`.
fn findings(number: usize) -> String {
    if number == 1 { "1 finding".to_owned() } else { format!("{number} findings") }
}

/// A day, as the audit trail writes it.
fn day(at_ms: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1_000));
    at.map_or_else(|_| at_ms.to_string(), |at| at.date().to_string())
}
