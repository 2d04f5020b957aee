//! What becomes of a schema that somebody registers.

use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Level;

use super::super::design::{Class, Graph, Number, Version, between_versions, suggest};
use super::{Deleted, Listed, Mode, Refusal, Registered, Registry, judging};

/// Which id and number somebody wants; only those who import may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The id.
    pub id: Option<SchemaId>,
    /// The number in the subject.
    pub version: Option<u32>,
}

/// Where a schema stands in a subject, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is there: registering it again changes nothing.
    There(Registered),
    /// It is to become this version.
    New {
        /// Its number; never one that was there before.
        version: u32,
        /// Its id; none = the next one.
        id: Option<SchemaId>,
    },
}

impl Registry {
    /// The newest version of a subject that says the same.
    #[must_use]
    pub fn lookup(&self, subject: &str, fingerprint: &str, deleted: Deleted) -> Option<&Listed> {
        let is_same = |listed: &&Listed| self.content_of(listed.registered.schema) == Some(fingerprint);
        self.versions(subject, deleted).rev().find(is_same)
    }

    /// Where a content goes. Whether it may be told from the versions before it is another question.
    ///
    /// # Errors
    /// The mode forbids it, or what was asked for is taken.
    pub fn place(&self, subject: &str, fingerprint: &str, asked: Asked) -> Result<Place, Refusal> {
        let suits = |listed: &&Listed| {
            let Registered { schema, version, .. } = listed.registered;
            self.content_of(schema) == Some(fingerprint)
                && asked.id.is_none_or(|id| id == schema)
                && asked.version.is_none_or(|asked| asked == version)
        };
        if let Some(listed) = self.versions(subject, Deleted::Without).rev().find(suits) {
            return Ok(Place::There(listed.registered));
        }
        self.check_writable(subject)?;
        let next = self.subject(subject).map_or(0, |subject| subject.last_version).checked_add(1);
        let next = next.ok_or_else(|| Refusal::NotPermitted(format!("Subject {subject} has no number left")))?;
        match (self.mode(subject), asked.id) {
            (Mode::Import, Some(id)) => self.import(subject, fingerprint, id, asked.version.unwrap_or(next)),
            (Mode::Import, None) => {
                let way_out = "give the id, or set the mode to READWRITE";
                Err(Refusal::NotPermitted(format!("Subject {subject} is in IMPORT mode: {way_out}")))
            }
            (_, Some(_)) => {
                let way_out = "leave the id out, or set the mode to IMPORT";
                Err(Refusal::NotPermitted(format!("Subject {subject} is not in import mode: {way_out}")))
            }
            (_, None) if asked.version.is_some_and(|asked| asked != next) => Err(Refusal::InvalidSchema(format!(
                "the version is not one more than the previous version: it is {next}"
            ))),
            (_, None) => Ok(Place::New { version: next, id: self.id_of(fingerprint) }),
        }
    }

    fn import(&self, subject: &str, fingerprint: &str, id: SchemaId, version: u32) -> Result<Place, Refusal> {
        if self.content_of(id).is_some_and(|other| other != fingerprint) {
            return Err(Refusal::NotPermitted(format!("Overwrite new schema with id {id} is not permitted.")));
        }
        if self.versions(subject, Deleted::With).any(|listed| listed.registered.version == version) {
            return Err(Refusal::NotPermitted(format!("Version {version} of subject {subject} is there already.")));
        }
        Ok(Place::New { version, id: Some(id) })
    }
}

/// The earlier versions that a level compares with: all of them, or the last.
#[must_use]
pub fn previous(level: Level, mut versions: Vec<Listed>) -> Vec<Listed> {
    if !level.is_transitive() {
        versions.drain(..versions.len().saturating_sub(1));
    }
    versions
}

/// The number of a version that is released at once: above all there are, and as much above as its change against the
/// highest that is served asks for. None = there is none left.
#[must_use]
pub fn number_for(version: &Version, level: Level, graph: &Graph<'_>) -> Option<Number> {
    let others = graph.versions(version.object);
    let served = others.iter().rev().find(|other| other.state.is_live());
    let class = served.map_or(Class::Compatible, |served| {
        between_versions(graph, judging(level), served, version).class.unwrap_or(Class::Cosmetic)
    });
    suggest(others.iter().map(|other| other.spec.number), class)
}
