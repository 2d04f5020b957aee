//! Why the registry does not do what it is asked, in the words and numbers that its clients know.
//!
//! Clients decide by the number what to do next, so it is that of Confluent's registry; the words are for people and
//! say what to do.

use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Level;

use super::super::field::FieldErrors;
use super::Mode;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No version of it is there.
    #[error("Subject '{0}' not found.")]
    NoSubject(String),
    /// The subject has no such version.
    #[error("Version {0} not found.")]
    NoVersion(u32),
    /// No subject has it.
    #[error("Schema not found")]
    NoSchema,
    /// No subject has a schema of this id.
    #[error("Schema {0} not found")]
    NoId(SchemaId),
    /// All its versions are deleted already.
    #[error("Subject '{0}' was soft deleted. Set permanent=true to delete permanently")]
    SubjectDeleted(String),
    /// Permanent deletion comes second.
    #[error("Subject '{0}' was not deleted first before being permanently deleted")]
    SubjectNotDeleted(String),
    /// It is deleted already.
    #[error("Subject '{0}' Version {1} was soft deleted. Set permanent=true to delete permanently")]
    VersionDeleted(String, u32),
    /// Permanent deletion comes second.
    #[error("Subject '{0}' Version {1} was not deleted first before being permanently deleted")]
    VersionNotDeleted(String, u32),
    /// What holds for the whole registry holds for it.
    #[error("Subject '{0}' does not have subject-level compatibility configured")]
    NoLevel(String),
    /// What holds for the whole registry holds for it.
    #[error("Subject '{0}' does not have subject-level mode configured")]
    NoMode(String),
    /// Somebody could not read somebody's data any more.
    #[error(
        "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}]",
        .reasons.join(", ")
    )]
    Incompatible {
        /// The subject.
        subject: String,
        /// Who cannot read what, and what to do instead.
        reasons: Vec<String>,
    },
    /// The text is no schema, or what it refers to is not there.
    #[error("Invalid schema: {0}")]
    InvalidSchema(String),
    /// Neither a number from 1 nor `latest`.
    #[error(
        "The specified version '{0}' is not a valid version id. Allowed values are between [1, 2^31-1] and the \
         string \"latest\""
    )]
    InvalidVersion(String),
    /// No such level.
    #[error("Invalid compatibility level. Valid values are {}", Level::ALL.map(Level::name).join(", "))]
    InvalidLevel,
    /// No such mode.
    #[error("Invalid mode. Valid values are {}", Mode::ALL.map(Mode::name).join(", "))]
    InvalidMode,
    /// The mode, or a rule of the catalog, forbids it.
    #[error("{0}")]
    NotPermitted(String),
    /// Something is built on it.
    #[error("One or more references exist to {0}: remove or retire them first")]
    Referenced(String),
    /// A name that no client could ask for again.
    #[error("The specified subject '{0}' is not a valid subject: {1}")]
    InvalidSubject(String, &'static str),
    /// Rules would not be run and metadata not be kept.
    #[error("This registry keeps no metadata and runs no rules: register the schema without `{0}`")]
    Unsupported(&'static str),
    /// Above what is read.
    #[error("Schema is too large: the request has at most {0} bytes")]
    TooLarge(usize),
}

impl Refusal {
    /// The number that clients decide by; its first three digits are the status of HTTP.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::NoSubject(_) => 40401,
            Self::NoVersion(_) => 40402,
            Self::NoSchema | Self::NoId(_) => 40403,
            Self::SubjectDeleted(_) => 40404,
            Self::SubjectNotDeleted(_) => 40405,
            Self::VersionDeleted(..) => 40406,
            Self::VersionNotDeleted(..) => 40407,
            Self::NoLevel(_) => 40408,
            Self::NoMode(_) => 40409,
            Self::Incompatible { .. } => 409,
            Self::InvalidSchema(_) => 42201,
            Self::InvalidVersion(_) => 42202,
            Self::InvalidLevel => 42203,
            Self::InvalidMode => 42204,
            Self::NotPermitted(_) => 42205,
            Self::Referenced(_) => 42206,
            Self::InvalidSubject(..) => 42208,
            Self::TooLarge(_) => 42209,
            Self::Unsupported(_) => 42210,
        }
    }
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        Self::InvalidSchema(errors.to_string())
    }
}
