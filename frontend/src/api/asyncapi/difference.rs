//! How two documents differ, and whom that hurts.

use mesh_protocol::id::DesignVersionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::DesignLine;
use super::{AsyncApiPublish, AsyncApiSide};

/// Two documents: each is that of a version, or a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiCompare {
    /// The document before: that of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DesignVersionId>,
    /// Or this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_text: Option<String>,
    /// The document after: that of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DesignVersionId>,
    /// Or this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_text: Option<String>,
    /// Whose document is taken of a version that has two; the consumer's unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<AsyncApiSide>,
    /// Whose documents they are; as it follows from the versions unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<AsyncApiWhose>,
    /// Of texts of version 2: whose view `publish` and `subscribe` take.
    #[serde(default)]
    pub publish: AsyncApiPublish,
}

/// Who does what the operations of a document say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiWhose {
    /// Clients do.
    #[default]
    Clients,
    /// An application does; its clients do the opposite.
    Application,
}

/// How two documents differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiDifference {
    /// All of it in a sentence.
    pub sentence: String,
    /// What the first is the document of.
    pub before: String,
    /// What the second is.
    pub after: String,
    /// Whose view they were compared in.
    pub whose: AsyncApiWhose,
    /// How many changes break clients.
    pub breaking: u64,
    /// How many somebody has to look at.
    pub unclassified: u64,
    /// How many hurt nobody.
    pub non_breaking: u64,
    /// What hurts most first; at most 1,000.
    pub changes: Vec<AsyncApiChange>,
    /// How many more there are.
    pub left_out: u64,
    /// The texts in YAML, line by line.
    pub lines: Vec<DesignLine>,
}

/// Whom a change hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiImpact {
    /// Clients stop working, or miss something.
    Breaking,
    /// It depends on the client.
    Unclassified,
    /// Nobody.
    NonBreaking,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiChange {
    /// The part, as a JSON pointer: in the document after, or in that before if it is gone.
    pub at: String,
    /// What kind of change it is: `channel-removed`.
    pub rule: String,
    /// Whom it hurts.
    pub impact: AsyncApiImpact,
    /// What stood there, as JSON; empty = nothing.
    pub before: String,
    /// What stands there now, as JSON; empty = nothing.
    pub after: String,
    /// All of it in a sentence.
    pub sentence: String,
    /// What breaks inside a payload, and what to do instead.
    pub details: Vec<String>,
    /// Who is hurt: who receives, who sends, all clients; empty = nobody.
    pub hurts: String,
}
