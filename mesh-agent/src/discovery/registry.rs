//! Discovery of a schema registry by Confluent's API: subjects, their versions, levels and modes.
//!
//! | what | how often |
//! | --- | --- |
//! | subjects and the numbers of their versions | each scan |
//! | id, type and references of a version | once, the newest of each subject every five minutes; at most 2,000 a scan, newest versions first |
//! | levels and modes | every 30 s |

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::report::{
    MissingRight, ObjectFacts, REFERENCES_MAX, RegistryFacts, RuntimeObject, SUBJECT_VERSIONS_MAX, SchemaReference,
    SubjectFacts, SubjectVersion,
};
use serde::Deserialize;
use tokio::time::Instant;

use super::surveyed::{Found, Notes, Scanner};
use crate::http::rest::{Failure, Rest, bounded, shown};

/// Most subjects that are told; the rest is counted.
const SUBJECTS_MAX: usize = 5_000;
/// Most versions that are read in one scan; others follow with the next.
const DETAILS_MAX: usize = 2_000;
/// Levels and modes are read this often.
const SETTINGS_INTERVAL: Duration = Duration::from_secs(30);

/// Looks at one registry.
#[derive(Debug)]
pub(super) struct Registry {
    rest: Rest,
    subjects: BTreeMap<String, Subject>,
    left_out: u64,
    compatibility: Option<String>,
    mode: Option<String>,
    settings_at: Option<Instant>,
}

/// What is known of a subject.
#[derive(Debug, Default)]
struct Subject {
    compatibility: Option<String>,
    mode: Option<String>,
    has_settings: bool,
    /// None = not read yet.
    versions: BTreeMap<i64, Option<SubjectVersion>>,
    left_out: u64,
}

/// `GET /config`; older registries answer with the other name.
#[derive(Debug, Deserialize)]
struct Level {
    #[serde(rename = "compatibilityLevel", alias = "compatibility")]
    level: String,
}

/// `GET /mode`
#[derive(Debug, Deserialize)]
struct Mode {
    mode: String,
}

/// `GET /subjects/SUBJECT/versions/VERSION`, without the schema itself.
#[derive(Debug, Deserialize)]
struct Version {
    id: i64,
    /// Avro when it is absent.
    #[serde(rename = "schemaType", default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    name: String,
    subject: String,
    version: i64,
}

impl Version {
    fn facts(self, version: i64) -> SubjectVersion {
        let references = self.references.unwrap_or_default();
        let references_left_out = references.len().saturating_sub(REFERENCES_MAX) as u64;
        let told = |reference: Reference| SchemaReference {
            name: shown(&reference.name),
            subject: shown(&reference.subject),
            version: reference.version,
        };
        SubjectVersion {
            version,
            id: Some(self.id),
            schema_type: Some(self.schema_type.map_or_else(|| "AVRO".to_owned(), |kind| shown(&kind))),
            references: references.into_iter().take(REFERENCES_MAX).map(told).collect(),
            references_left_out,
        }
    }
}

impl Subject {
    /// Takes these for the versions there are, and keeps what is known of them.
    fn list(&mut self, mut numbers: Vec<i64>) {
        numbers.sort_unstable();
        numbers.dedup();
        let older = numbers.len().saturating_sub(SUBJECT_VERSIONS_MAX);
        self.left_out = older as u64;
        let known = std::mem::take(&mut self.versions);
        self.versions = numbers
            .split_off(older)
            .into_iter()
            .map(|number| (number, known.get(&number).cloned().flatten()))
            .collect();
    }

    fn facts(&self) -> SubjectFacts {
        let unread = |version| SubjectVersion { version, ..SubjectVersion::default() };
        let versions = self.versions.iter();
        SubjectFacts {
            compatibility: self.compatibility.clone(),
            mode: self.mode.clone(),
            versions: versions.map(|(number, known)| known.clone().unwrap_or_else(|| unread(*number))).collect(),
            versions_left_out: self.left_out,
        }
    }
}

impl Registry {
    pub(super) fn new(rest: Rest) -> Self {
        Self { rest, subjects: BTreeMap::new(), left_out: 0, compatibility: None, mode: None, settings_at: None }
    }

    /// A right of Confluent's authoriser, with the command of its own tool.
    fn right(&self, what: &str, right: &str, operation: &str) -> MissingRight {
        let subject = if operation.starts_with("SUBJECT") { " -s '*'" } else { "" };
        MissingRight {
            what: what.to_owned(),
            right: right.to_owned(),
            command: format!(
                "sr-acl-cli --config schema-registry.properties --add -p '{}' -o {operation}{subject}",
                self.rest.user().replace('\'', "'\\''")
            ),
        }
    }

    /// Brings the list of subjects up to date. Whether it could be read.
    async fn list(&mut self, notes: &mut Notes) -> Result<bool, String> {
        let otherwise = "has no subjects: the URL must be that of a schema registry with Confluent's API, with the path that \
                         stands before /subjects";
        let answer = self.rest.first::<Vec<String>>(&["subjects"], otherwise).await?;
        let right = || self.right("which subjects there are", "GLOBAL_READ", "GLOBAL_SUBJECTS_READ");
        let names = notes.keep("the list of subjects", answer, right);
        let Some(names) = names else { return Ok(false) };
        let (names, left_out) = bounded(names, SUBJECTS_MAX);
        self.left_out = left_out;
        let mut known = std::mem::take(&mut self.subjects);
        self.subjects = names
            .into_iter()
            .map(|name| {
                let subject = known.remove(&name).unwrap_or_default();
                (name, subject)
            })
            .collect();
        Ok(true)
    }

    async fn versions(&mut self, notes: &mut Notes) {
        let names: Vec<String> = self.subjects.keys().cloned().collect();
        for name in names {
            if notes.is_lost() {
                return;
            }
            let answer = self.rest.get::<Vec<i64>>(&["subjects", &name, "versions"]).await;
            if answer == Err(Failure::Absent) {
                // It went since the subjects were listed.
                self.subjects.remove(&name);
                continue;
            }
            let numbers =
                notes.keep("versions of subjects", answer, || self.right("versions", "SUBJECT_READ", "SUBJECT_READ"));
            if let (Some(numbers), Some(subject)) = (numbers, self.subjects.get_mut(&name)) {
                subject.list(numbers);
            }
        }
    }

    /// Reads versions that are not known yet: first the newest of each subject, which people look for.
    async fn details(&mut self, anew: bool, notes: &mut Notes) {
        let newest = self.subjects.iter().filter_map(|(name, subject)| {
            let (number, known) = subject.versions.last_key_value()?;
            (anew || known.is_none()).then(|| (name.clone(), *number))
        });
        let older = self.subjects.iter().flat_map(|(name, subject)| {
            let unread = subject.versions.iter().rev().skip(1).filter(|(_, known)| known.is_none());
            unread.map(|(number, _)| (name.clone(), *number))
        });
        let wanted: Vec<(String, i64)> = newest.chain(older).take(DETAILS_MAX).collect();
        for (name, number) in wanted {
            if notes.is_lost() {
                return;
            }
            let answer = self.rest.get::<Version>(&["subjects", &name, "versions", &number.to_string()]).await;
            let version = notes
                .keep("schemas", answer, || self.right("ids and types of schemas", "SUBJECT_READ", "SUBJECT_READ"));
            let place = self.subjects.get_mut(&name).and_then(|subject| subject.versions.get_mut(&number));
            if let (Some(version), Some(place)) = (version, place) {
                *place = Some(version.facts(number));
            }
        }
    }

    async fn settings(&mut self, anew: bool, notes: &mut Notes) {
        let due = anew || self.settings_at.is_none_or(|at| at.elapsed() >= SETTINGS_INTERVAL);
        if due {
            self.global(notes).await;
        }
        // A registry that has no mode has none for its subjects either.
        let has_modes = self.mode.is_some();
        let wanted: Vec<String> = self
            .subjects
            .iter()
            .filter(|(_, subject)| due || !subject.has_settings)
            .map(|(name, _)| name.clone())
            .collect();
        for name in wanted {
            if notes.is_lost() {
                return;
            }
            let right = || {
                self.right("levels and modes of subjects", "SUBJECT_COMPATIBILITY_READ", "SUBJECT_COMPATIBILITY_READ")
            };
            let level = self.rest.get::<Level>(&["config", &name]).await;
            let level = kept("levels of subjects", level, notes, right);
            let mode = if has_modes { self.rest.get::<Mode>(&["mode", &name]).await } else { Err(Failure::Absent) };
            let mode = kept("modes of subjects", mode, notes, right);
            if let Some(subject) = self.subjects.get_mut(&name) {
                subject.has_settings = true;
                if let Some(level) = level {
                    subject.compatibility = level.map(|level| shown(&level.level));
                }
                if let Some(mode) = mode {
                    subject.mode = mode.map(|mode| shown(&mode.mode));
                }
            }
        }
        if due {
            self.settings_at = Some(Instant::now());
        }
    }

    /// What holds where a subject says nothing.
    async fn global(&mut self, notes: &mut Notes) {
        let right =
            || self.right("level and mode of the registry", "GLOBAL_COMPATIBILITY_READ", "GLOBAL_COMPATIBILITY_READ");
        let level = self.rest.get::<Level>(&["config"]).await;
        let level = kept("the registry's level", level, notes, right);
        let mode = self.rest.get::<Mode>(&["mode"]).await;
        let mode = kept("the registry's mode", mode, notes, right);
        if let Some(level) = level {
            self.compatibility = level.map(|level| shown(&level.level));
        }
        if let Some(mode) = mode {
            self.mode = mode.map(|mode| shown(&mode.mode));
        }
    }

    /// All that is known, as objects.
    fn tell(&self, found: &mut Found) {
        let mut left_out = self.left_out;
        let mut versions = 0;
        let mut facts = RegistryFacts {
            compatibility: self.compatibility.clone(),
            mode: self.mode.clone(),
            ..RegistryFacts::default()
        };
        for (name, subject) in &self.subjects {
            let object = RuntimeObject { name: name.clone(), facts: ObjectFacts::Subject(subject.facts()) };
            if found.push(object) {
                facts.subjects += 1;
                versions += subject.versions.len() as u64;
            } else {
                left_out += 1;
            }
        }
        facts.subjects_left_out = left_out;
        found.figures = vec![("subjects", facts.subjects), ("versions", versions), ("subjects_left_out", left_out)];
        found.objects.push(RuntimeObject { name: "registry".to_owned(), facts: ObjectFacts::Registry(facts) });
    }
}

/// An answer about a setting: some = it is known now, set or not set.
fn kept<T>(
    what: &'static str,
    answer: Result<T, Failure>,
    notes: &mut Notes,
    right: impl FnOnce() -> MissingRight,
) -> Option<Option<T>> {
    if matches!(answer, Err(Failure::Absent)) {
        return Some(None);
    }
    notes.keep(what, answer, right).map(Some)
}

#[async_trait]
impl Scanner for Registry {
    async fn scan(&mut self, anew: bool) -> Result<Found, String> {
        let mut found = Found::default();
        let mut notes = Notes::default();
        found.in_part = !self.list(&mut notes).await?;
        self.versions(&mut notes).await;
        self.details(anew, &mut notes).await;
        self.settings(anew, &mut notes).await;
        self.tell(&mut found);
        found.notes = notes;
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
