//! What clients of the registry send and get, by the names that Confluent's registry has for it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A schema that a client sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaInput {
    /// Its text; Protobuf may also be a descriptor in Base64.
    #[serde(default)]
    pub schema: String,
    /// `AVRO`, `JSON` or `PROTOBUF`; none = `AVRO`.
    pub schema_type: Option<String>,
    /// What it refers to.
    pub references: Option<Vec<ReferenceShape>>,
    /// The id it had elsewhere; 0 and below = none.
    pub id: Option<i64>,
    /// The number it had elsewhere; 0 and below = none.
    pub version: Option<i64>,
    /// Refused: it would be lost.
    pub metadata: Option<Value>,
    /// Refused: nobody would run them.
    pub rule_set: Option<Value>,
}

/// A version that a schema refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceShape {
    /// How the text calls it.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Its number there; -1 = the newest.
    pub version: i64,
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaAnswer {
    /// Its text.
    pub schema: String,
    /// Avro is not named, so that the oldest clients understand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<&'static str>,
    /// What it refers to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ReferenceShape>,
    /// The highest id there is, for those who ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_id: Option<u32>,
}

/// A version of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionAnswer {
    /// Its subject.
    pub subject: String,
    /// Its number there.
    pub version: u32,
    /// The id in records.
    pub id: u32,
    /// What it says.
    #[serde(flatten)]
    pub schema: SchemaAnswer,
}

/// Whether a schema may follow others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompatibilityAnswer {
    /// It may.
    pub is_compatible: bool,
    /// Why not, for those who ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<String>>,
}
