//! AsyncAPI documents of what is designed.

mod difference;
mod import;
mod outline;

use mesh_protocol::id::{DesignVersionId, PlanId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use difference::*;
pub use import::*;
pub use outline::*;

/// How a document is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsyncApiQuery {
    /// The language of the text; YAML unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syntax: Option<AsyncApiSyntax>,
    /// Of an event: whose document; the consumer's unless it is said. An application has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<AsyncApiSide>,
    /// The version of AsyncAPI; 3.0.0 unless it is said, which all tools read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<AsyncApiSpec>,
    /// Of a product: the plan under which it is given. The document then says only what the plan gives, where the product is
    /// published, with the plan's terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// Tell what the document says as well, with everything looked up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outline: bool,
}

/// The language of a document's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiSyntax {
    /// YAML.
    #[default]
    Yaml,
    /// JSON.
    Json,
}

impl AsyncApiSyntax {
    /// What files of it end with, and what the API calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }
}

/// Whose view of an event a document has: what one side sends the other receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiSide {
    /// Who receives the event.
    #[default]
    Consumer,
    /// Who sends it.
    Provider,
}

impl AsyncApiSide {
    /// What the API calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Provider => "provider",
        }
    }
}

/// A version of AsyncAPI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AsyncApiSpec {
    /// What all tools read.
    #[default]
    #[serde(rename = "3.0.0")]
    V3_0,
    /// The latest.
    #[serde(rename = "3.1.0")]
    V3_1,
}

/// A document, and what checks say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiDocument {
    /// What it is a document of.
    pub version: DesignVersionId,
    /// A name for a file that holds it.
    pub file_name: String,
    /// The whole of it.
    pub text: String,
    /// 100 = nothing to find; see `docs/asyncapi.md`.
    pub score: u8,
    /// What was found, what matters most first.
    pub findings: Vec<AsyncApiFinding>,
    /// What it says, for readers; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<AsyncApiOutline>,
}

/// Something that a check found in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiFinding {
    /// The rule; see `docs/asyncapi.md`.
    pub rule: String,
    /// How much it matters.
    pub severity: AsyncApiSeverity,
    /// Where, as a JSON pointer.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsyncApiSeverity {
    /// Tools refuse the document, or it says something that cannot be.
    Error,
    /// Somebody who reads it will be misled or will miss something.
    Warning,
    /// Worth knowing.
    Info,
    /// A matter of taste.
    Hint,
}
