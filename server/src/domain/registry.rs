//! The schema registry: the design-time catalog's schemas as Kafka's serializers know them.
//!
//! Serializers know subjects, versions that count 1, 2, 3..., and ids that stand in every record. The catalog knows
//! objects and versions with numbers and a life. Both are one here: a [`Subject`] is another name of one object of kind
//! schema, each of its versions is a released design version, and nothing that the catalog says is kept twice:
//!
//! ```text
//! subject  ------ design object          name, owner, domain: the catalog's
//!   | 1..n             | 1..n
//! version  ------ design version         text, references, state: the catalog's
//!   | n..1
//! schema id                              one for each text with its references, in all subjects
//! ```
//!
//! So being deleted softly is being RETIRED, whoever did it where. What only serializers need (names, counters, ids, the
//! level and the mode) is all that is added. What is released stays in the catalog for the record, also when it is gone
//! from its subject for good.
//!
//! Not here: contexts, data contracts (metadata and rules) and associations of Confluent's registry.

mod delete;
mod identity;
mod index;
mod name;
mod refusal;
mod register;

use mesh_protocol::id::{DesignObjectId, DesignVersionId, SubjectId};
use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Level;
use serde::{Deserialize, Serialize};

pub use delete::Delete;
pub use identity::fingerprint;
pub use index::{Deleted, Listed, Registry};
pub use name::{SUBJECT_BYTES_MAX, UNCLAIMED, check_subject, object_name, topic_of};
pub use refusal::Refusal;
pub use register::{Asked, Place, number_for, previous};

/// What serializers know a schema object by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Stable id.
    pub id: SubjectId,
    /// As it is in requests, for life: renaming the object does not change what clients ask for.
    pub name: String,
    /// The object whose versions are registered; none = only its level or mode was set so far.
    pub object: Option<DesignObjectId>,
    /// What must stay readable; none = what the whole registry demands.
    pub level: Option<Level>,
    /// What may be done; none = as in the whole registry.
    pub mode: Option<Mode>,
    /// The highest number that a version of it ever had; 0 = it never had one.
    pub last_version: u32,
}

/// A version of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Of which subject.
    pub subject: SubjectId,
    /// Its number there, from 1.
    pub version: u32,
    /// The id that stands in records.
    pub schema: SchemaId,
    /// The design version that it is.
    pub design: DesignVersionId,
}

/// An id with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSchema {
    /// The id.
    pub id: SchemaId,
    /// See [`fingerprint`].
    pub fingerprint: String,
}

/// What holds for the whole registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What must stay readable where a subject says nothing else.
    pub level: Level,
    /// What may be done where a subject says nothing else.
    pub mode: Mode,
    /// The highest id that was ever given out; 0 = none.
    pub last_id: u32,
}

/// What may be done with a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mode {
    /// Everything, except choosing ids and numbers.
    #[default]
    #[serde(rename = "READWRITE")]
    ReadWrite,
    /// Nothing is registered, released or deleted.
    #[serde(rename = "READONLY")]
    ReadOnly,
    /// The same, and for the whole registry it counts before what subjects say.
    #[serde(rename = "READONLY_OVERRIDE")]
    ReadOnlyOverride,
    /// Schemas come with the ids and numbers they had elsewhere, and are not compared with earlier ones.
    #[serde(rename = "IMPORT")]
    Import,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::ReadWrite, Self::ReadOnly, Self::ReadOnlyOverride, Self::Import];

    /// As clients write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadWrite => "READWRITE",
            Self::ReadOnly => "READONLY",
            Self::ReadOnlyOverride => "READONLY_OVERRIDE",
            Self::Import => "IMPORT",
        }
    }

    /// The mode with a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Whether nothing may change.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadOnlyOverride)
    }
}

/// The level at which a change is told breaking or not. `NONE` lets everything pass, and numbers still tell the truth.
#[must_use]
pub const fn judging(level: Level) -> Level {
    match level {
        Level::None => Level::Backward,
        other => other,
    }
}

#[cfg(test)]
mod tests;
