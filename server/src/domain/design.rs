//! The design-time catalog: events, schemas and applications, each in numbered versions.
//!
//! What runs can be seen; what is meant has to be written down. An [`Object`] is what people find, own and talk about,
//! and may be edited at any time. A [`Version`] is what others build on: once it is released its content stays as it is
//! for ever, so that a reference to it means the same tomorrow.
//!
//! References go one way, and always to a version:
//!
//! ```text
//! application --publishes, consumes--> event --payload, key, headers--> schema --references--> schema
//! event API --sends, receives---------'
//! product --apis--> event API
//! ```
//!
//! So only schemas can run in circles, and what a change breaks is found by going the arrows back.
//!
//! Not here: who may do what, the rules of a lint, and what traffic was seen. The caller brings those as facts.

mod address;
mod binding;
mod content;
mod contract;
mod difference;
pub mod drift;
mod facts;
mod graph;
mod lines;
mod number;
mod offer;
mod review;
mod spec;
mod state;
mod tagged;

use std::collections::BTreeMap;

use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, DesignVersionId};
use serde::{Deserialize, Serialize};

pub use address::{Address, AddressError, Level};
pub use binding::{Fit, events_of, fit, standing, topics};
pub use content::{Application, Content, EVENTS_MAX, Event, EventApi, Need, Product, Schema, SchemaReference};
pub use contract::{Validation, check as check_contracts, contracts};
pub use difference::{Class, Difference, Row, TextChange, between_objects, between_versions};
pub use facts::Facts;
pub use graph::{Cycle, Graph};
pub use lines::{CONTEXT_LINES, Line, apply, compare};
pub use number::{Number, NumberError, PART_MAX, suggest};
pub use offer::Offer;
pub use review::Reviewer;
pub use spec::{ATTRIBUTES_MAX, DOCUMENT_BYTES_MAX, LABEL_BYTES_MAX, OWNERS_MAX, TAGS_MAX, check_tags};
pub use state::{Change, Context, Referred, State, check_delete, transition};
pub use tagged::Tagged;

/// What a design object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that happens, with the address it is published to.
    Event,
    /// What a payload, a key or headers look like.
    Schema,
    /// Who publishes and consumes events.
    Application,
    /// What clients may send and receive, as one thing that can be offered.
    EventApi,
    /// Event APIs that are offered together, under plans.
    Product,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Event, Self::Schema, Self::Application, Self::EventApi, Self::Product];

    /// As people and the API write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Schema => "schema",
            Self::Application => "application",
            Self::EventApi => "event API",
            Self::Product => "product",
        }
    }

    /// The kind with a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// An event, a schema or an application, whatever its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Stable id.
    pub id: DesignObjectId,
    /// For life.
    pub kind: Kind,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Who made it.
    pub created_by: String,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

impl Object {
    /// A new one.
    #[must_use]
    pub fn new(id: DesignObjectId, kind: Kind, spec: Spec, by: &str, now_ms: i64) -> Self {
        let (created_by, updated_by) = (by.to_owned(), by.to_owned());
        Self { id, kind, spec, revision: 1, created_at_ms: now_ms, created_by, updated_at_ms: now_ms, updated_by }
    }
}

/// What a person chooses about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Unique among the objects of its kind in its domain.
    pub name: String,
    /// The application domain it belongs to.
    pub domain: ApplicationDomainId,
    /// The team that answers for it; empty = who answers for the domain.
    pub owner: String,
    /// People to talk to, by login name.
    pub people: Vec<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Custom attributes: value by name.
    pub attributes: BTreeMap<String, String>,
    /// Markdown, for readers.
    pub document: String,
    /// Who may build on it.
    pub sharing: Sharing,
    /// What happens to payloads that match no live version. Of events only.
    pub validation: Validation,
}

/// Who may refer to versions of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// Objects of its own application domain.
    #[default]
    Domain,
    /// Objects of every application domain.
    Shared,
}

impl Sharing {
    /// As people and the API write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Shared => "shared",
        }
    }
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Stable id.
    pub id: DesignVersionId,
    /// What it is a version of.
    pub object: DesignObjectId,
    /// What a person chose.
    pub spec: VersionSpec,
    /// Where it is in its life.
    pub state: State,
    /// Why it is there, in the words of whoever moved it; empty = nobody said.
    pub state_reason: String,
    /// Who wrote at it while it was a draft, each once, the first one first.
    pub authors: Vec<String>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Who made it.
    pub created_by: String,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

impl Version {
    /// A new one, a draft.
    #[must_use]
    pub fn draft(id: DesignVersionId, object: DesignObjectId, spec: VersionSpec, by: &str, now_ms: i64) -> Self {
        Self {
            id,
            object,
            spec,
            state: State::Draft,
            state_reason: String::new(),
            authors: vec![by.to_owned()],
            revision: 1,
            created_at_ms: now_ms,
            created_by: by.to_owned(),
            updated_at_ms: now_ms,
            updated_by: by.to_owned(),
        }
    }
}

/// What a person chooses about a version. The number and the content are frozen when it leaves draft; the rest is for
/// readers and may be edited for life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSpec {
    /// Unique among the versions of its object.
    pub number: Number,
    /// For readers.
    pub description: String,
    /// What it says, by kind.
    pub content: Content,
    /// When it stops being served, in milliseconds since the Unix epoch; none = nobody knows yet.
    pub end_of_life_at_ms: Option<i64>,
    /// What to use in its place.
    pub replacement: Option<DesignVersionId>,
}

#[cfg(test)]
pub(crate) mod fixture;
