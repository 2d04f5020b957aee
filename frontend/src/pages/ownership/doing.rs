//! How owners of many things are set: shown line by line first, then done as it was shown.

use crate::api::{
    Api, OwnershipApply, OwnershipImport, OwnershipLine, OwnershipPreview, OwnershipTask, OwnershipVerdict,
};
use crate::format;
use crate::pages::bulk::{self, Answer, Line, Plan, Verdict};

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Job {
    /// Of what is selected.
    Task(OwnershipTask),
    /// Of what a list names.
    List(OwnershipImport),
}

impl bulk::Job for Job {
    fn look(self, api: Api) -> Answer<Plan> {
        Box::pin(async move {
            Ok(plan(match self {
                Job::Task(task) => api.0.preview_ownership(task).await?,
                Job::List(list) => api.0.preview_owners(list).await?,
            }))
        })
    }

    fn apply(self, api: Api, preview: String) -> Answer<String> {
        Box::pin(async move {
            let done = match self {
                Job::Task(task) => api.0.apply_ownership(OwnershipApply { preview, task }).await?,
                Job::List(task) => api.0.import_owners(OwnershipApply { preview, task }).await?,
            };
            Ok(done.sentence)
        })
    }
}

fn plan(shown: OwnershipPreview) -> Plan {
    let sentence = sentence(&shown);
    let lines = shown.lines.into_iter().map(line).collect();
    Plan { preview: shown.preview, sentence, has_changes: shown.changes > 0, lines }
}

fn line(line: OwnershipLine) -> Line {
    let verdict = match line.verdict {
        OwnershipVerdict::Conflict => Verdict::Conflict,
        OwnershipVerdict::Change => Verdict::Change,
        OwnershipVerdict::Same | OwnershipVerdict::LeftOut => Verdict::Nothing,
    };
    let number = line.line.map(|number| format!("{number}: ")).unwrap_or_default();
    Line { verdict, what: format!("{number}{}", line.what), change: change(&line), note: line.note }
}

/// What a preview comes to, in a sentence.
fn sentence(preview: &OwnershipPreview) -> String {
    let all = format::plural(preview.lines.len(), "line");
    let count = |verdict| preview.lines.iter().filter(|line| line.verdict == verdict).count();
    if preview.conflicts > 0 {
        return bulk::cannot_be(preview.conflicts, preview.lines.len());
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
