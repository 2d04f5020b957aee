//! Owners and tags for many things at once. What has an owner by now is not taken from it.

use std::collections::BTreeSet;

use frontend::api::{OWNERSHIP_TASK_MAX, OwnershipLine, OwnershipSelection, OwnershipTask, OwnershipVerdict};

use super::Asked;
use super::evidence::Study;
use super::scene::{Scene, Thing, What};
use super::write::{Change, Plan};
use crate::app::Result;
use crate::domain::design::check_tags;
use crate::domain::field::FieldErrors;

/// What a task does to one thing.
struct Outcome {
    owner: String,
    tags: Vec<String>,
    /// What is to be said of it.
    note: String,
}

pub(super) fn plan(scene: &Scene, task: &OwnershipTask) -> Result<Plan> {
    let wanted = Wanted::of(task)?;
    let things = scene.things();
    let study = Study::of(scene, &things);
    let (mut lines, mut changes) = (Vec::new(), Vec::new());
    for (_, thing) in chosen(&task.select, &things)? {
        let Some(thing) = thing else {
            lines.push(missing());
            continue;
        };
        let (verdict, outcome) = match wanted.outcome(thing, &study) {
            Ok(outcome) if outcome.owner == thing.owner && outcome.tags == thing.tags() => {
                (OwnershipVerdict::Same, outcome)
            }
            Ok(outcome) => {
                changes.push(Change::of(thing, &outcome.owner, outcome.tags.clone(), scene));
                (OwnershipVerdict::Change, outcome)
            }
            Err(note) => {
                let (owner, tags) = (thing.owner.to_owned(), thing.tags().to_vec());
                (OwnershipVerdict::Conflict, Outcome { owner, tags, note })
            }
        };
        lines.push(line(thing, None, verdict, outcome));
    }
    Ok(Plan::new(lines, changes, task))
}

/// What a task asks for, once it was checked.
struct Wanted {
    owner: String,
    suggested: bool,
    tags: Vec<String>,
}

impl Wanted {
    fn of(task: &OwnershipTask) -> Result<Self> {
        let owner = task.owner.trim().to_owned();
        let tags: BTreeSet<String> = task.tags.iter().map(|tag| tag.trim().to_owned()).collect();
        let tags: Vec<String> = tags.into_iter().filter(|tag| !tag.is_empty()).collect();
        let mut errors = FieldErrors::default();
        errors.text("owner", &owner);
        check_tags(&mut errors, &tags);
        match (owner.is_empty(), task.suggested) {
            (false, true) => {
                errors.add("owner", "cannot be named where each gets its suggested one: choose one of the two");
            }
            (true, false) if tags.is_empty() => errors.add("owner", "is required, unless tags are added"),
            _ => {}
        }
        errors.check()?;
        Ok(Self { owner, suggested: task.suggested, tags })
    }

    /// What becomes of a thing.
    ///
    /// # Errors
    /// Why it cannot be, as a sentence without its subject.
    fn outcome<'a>(&self, thing: &Thing<'a>, study: &Study<'a>) -> std::result::Result<Outcome, String> {
        let mut note = String::new();
        let owner = if self.suggested {
            let Some(found) = study.suggestion(thing).filter(|_| thing.owner.is_empty()) else {
                return Err(match thing.owner {
                    "" => "has no suggested owner: name one".to_owned(),
                    owner => taken(owner),
                });
            };
            note = found.evidence.join(" ");
            found.owner
        } else if self.owner.is_empty() {
            thing.owner.to_owned()
        } else {
            self.owner.clone()
        };
        if !thing.owner.is_empty() && thing.owner != owner {
            return Err(taken(thing.owner));
        }
        let mut tags: Vec<String> = thing.tags().to_vec();
        if let What::Design(object) = thing.what {
            tags.extend(self.tags.iter().cloned());
            tags.sort();
            tags.dedup();
            let mut spec = object.spec.clone();
            (spec.owner, spec.tags) = (owner.clone(), tags.clone());
            let checked = spec.check(object.kind, Some(object.id), study.scene.designs.objects());
            checked.map_err(|errors| format!("cannot be so: {errors}"))?;
        } else if !self.tags.is_empty() {
            let why = "carries no tags: only what is designed does";
            if self.owner.is_empty() && !self.suggested {
                return Err(why.to_owned());
            }
            note = if note.is_empty() { format!("It {why}.") } else { format!("{note} It {why}.") };
        }
        Ok(Outcome { owner, tags, note })
    }
}

fn taken(owner: &str) -> String {
    format!("belongs to {owner} by now: change that on its own page")
}

/// A line about a thing, as it is and as it would be.
fn line(thing: &Thing<'_>, number: Option<u64>, verdict: OwnershipVerdict, outcome: Outcome) -> OwnershipLine {
    OwnershipLine {
        line: number,
        what: thing.label(),
        verdict,
        before: state(thing.owner, thing.by_domain, thing.tags()),
        after: state(&outcome.owner, thing.by_domain, &outcome.tags),
        note: outcome.note,
    }
}

/// Another owner for a thing, in a line of a list.
pub(super) fn owner_line(thing: &Thing<'_>, number: u64, verdict: OwnershipVerdict, owner: &str) -> OwnershipLine {
    let outcome = Outcome { owner: owner.to_owned(), tags: thing.tags().to_vec(), note: String::new() };
    line(thing, Some(number), verdict, outcome)
}

/// Owner and tags in words.
fn state(owner: &str, by_domain: &str, tags: &[String]) -> String {
    let owner = match (owner, by_domain) {
        ("", "") => "nobody".to_owned(),
        ("", by_domain) => format!("{by_domain}, by its domain"),
        (owner, _) => owner.to_owned(),
    };
    if tags.is_empty() { owner } else { format!("{owner}; tags {}", tags.join(", ")) }
}

fn missing() -> OwnershipLine {
    OwnershipLine {
        line: None,
        what: "a thing".to_owned(),
        verdict: OwnershipVerdict::Conflict,
        before: String::new(),
        after: String::new(),
        note: "is not there any more: choose again".to_owned(),
    }
}

/// The things that are chosen, each with its id; none = it is not there any more.
fn chosen<'t, 'a>(
    select: &OwnershipSelection,
    things: &'t [Thing<'a>],
) -> Result<Vec<(String, Option<&'t Thing<'a>>)>> {
    let mut chosen: Vec<(String, Option<&Thing<'_>>)> = Vec::new();
    if let Some(query) = &select.matching {
        let asked = Asked::of(query);
        let meant = things.iter().filter(|thing| asked.means(thing) && asked.has_kind(thing));
        chosen.extend(meant.map(|thing| (thing.id(), Some(thing))));
        chosen.sort_by(|(a, _), (b, _)| a.cmp(b));
    } else {
        let ids: BTreeSet<&String> = select.ids.iter().collect();
        if ids.len() <= OWNERSHIP_TASK_MAX {
            let by_id: std::collections::HashMap<String, &Thing<'_>> =
                things.iter().map(|thing| (thing.id(), thing)).collect();
            chosen.extend(ids.into_iter().map(|id| (id.clone(), by_id.get(id).copied())));
        } else {
            return Err(too_many().into());
        }
    }
    if chosen.len() > OWNERSHIP_TASK_MAX {
        return Err(too_many().into());
    }
    if chosen.is_empty() {
        return Err(FieldErrors::one("select", "names nothing: choose something").into());
    }
    Ok(chosen)
}

fn too_many() -> FieldErrors {
    FieldErrors::one("select", format_args!("names more than {OWNERSHIP_TASK_MAX} things: narrow the list, then go on"))
}
