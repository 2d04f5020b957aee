//! Documents of others that become designs: shown exactly before, then done as they were shown.

use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, DesignVersionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::{DesignClass, DesignKind};
use super::AsyncApiFinding;

/// A document, and what is to be made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiImport {
    /// The document in YAML or JSON, of AsyncAPI 2.0 to 3.1.
    pub text: String,
    /// The application domain of what is new.
    pub domain: ApplicationDomainId,
    /// Whose view it is.
    #[serde(default)]
    pub describes: AsyncApiDescribes,
    /// Of version 2: whose view `publish` and `subscribe` take.
    #[serde(default)]
    pub publish: AsyncApiPublish,
    /// Keys of lines that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
}

/// What a document describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiDescribes {
    /// An application: it does what the operations say.
    #[default]
    Application,
    /// An event API: its clients do what the operations say.
    EventApi,
}

/// What `publish` means in a document of version 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiPublish {
    /// As the specification has it: others publish, so what is described receives.
    #[default]
    OthersSend,
    /// As many documents have it: what is described sends.
    ItSends,
}

/// An import that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiImportApply {
    /// `preview` of the preview: what was shown there is what is done, or nothing.
    pub preview: String,
    /// The very same task.
    pub task: AsyncApiImport,
}

/// What an import would do, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiPlan {
    /// To hand back with the task.
    pub preview: String,
    /// What the document describes.
    pub title: String,
    /// Its version.
    pub version: String,
    /// The version of AsyncAPI it is written in.
    pub asyncapi: String,
    /// What was changed when it was read, for it is of version 2.
    pub notes: Vec<AsyncApiNote>,
    /// 100 = nothing to find.
    pub score: u8,
    /// What checks say about it.
    pub findings: Vec<AsyncApiFinding>,
    /// Each schema, then each event, then what is described.
    pub lines: Vec<AsyncApiLine>,
    /// How many would be made.
    pub changes: u64,
    /// How many cannot be. While there are any, nothing is done.
    pub conflicts: u64,
}

/// Something that a reader should know of a conversion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiNote {
    /// Where, as a JSON pointer.
    pub at: String,
    /// What was done.
    pub message: String,
}

/// What becomes of one thing in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiLine {
    /// To leave it out by.
    pub key: String,
    /// What it is.
    pub kind: DesignKind,
    /// What it is called in the catalog.
    pub name: String,
    /// Of an event its address, of a schema its language.
    pub what: String,
    /// What becomes of it.
    pub verdict: AsyncApiVerdict,
    /// The number that its version has, or would have.
    pub number: String,
    /// What a new version changes, in a sentence.
    pub change: String,
    /// Whom that hurts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<DesignClass>,
    /// Why it cannot be, or what one should know.
    pub note: String,
    /// What it is a version of, where that is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<DesignObjectId>,
    /// The version that it is already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<DesignVersionId>,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiVerdict {
    /// It is not in the catalog yet.
    New,
    /// It is, and says something else there.
    NewVersion,
    /// The catalog has it so.
    Same,
    /// The task leaves it out.
    LeftOut,
    /// It cannot be.
    Conflict,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiImported {
    /// Versions that were made.
    pub made: u64,
    /// In a sentence.
    pub sentence: String,
    /// What the document describes, if it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<DesignObjectId>,
    /// The version of it that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<DesignVersionId>,
}
