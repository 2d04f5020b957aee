//! Schemas before they are in the catalog: whether a text is one, what is in it, and whether a change breaks somebody.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The language a schema is written in, by the names of schema registries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SchemaFormat {
    /// Apache Avro.
    #[default]
    #[serde(rename = "AVRO")]
    Avro,
    /// JSON Schema, draft-04 to 2020-12.
    #[serde(rename = "JSON")]
    JsonSchema,
    /// Protocol Buffers, proto2 and proto3.
    #[serde(rename = "PROTOBUF")]
    Protobuf,
}

/// What must stay readable, by the names of schema registries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SchemaLevel {
    /// Nothing.
    None,
    /// A consumer with the new schema reads data of the last one.
    #[default]
    Backward,
    /// A consumer with the last schema reads data of the new one.
    Forward,
    /// Both.
    Full,
    /// A consumer with the new schema reads data of every earlier one.
    BackwardTransitive,
    /// A consumer with any earlier schema reads data of the new one.
    ForwardTransitive,
    /// Both, for every earlier schema.
    FullTransitive,
}

/// Another schema that a schema uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaReference {
    /// How the schema calls it. Avro: a full name; JSON Schema: the URI in `$ref`; Protobuf: the path in `import`.
    pub name: String,
    /// Its text, in the same format.
    pub text: String,
}

/// A schema to check. The whole request has at most 1 MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaCheckInput {
    /// Its language.
    #[serde(default)]
    pub format: SchemaFormat,
    /// Its text.
    pub schema: String,
    /// What it, and the previous ones, refer to.
    #[serde(default)]
    pub references: Vec<SchemaReference>,
    /// The versions before it, the oldest first, at most 50.
    #[serde(default)]
    pub previous: Vec<String>,
    /// What must stay readable.
    #[serde(default)]
    pub level: SchemaLevel,
}

/// What is to be said about a schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SchemaCheck {
    /// Why it is no schema; none = it is one.
    pub invalid: Option<SchemaInvalid>,
    /// It is one, and keeps what must stay readable.
    pub compatible: bool,
    /// Who cannot read what.
    pub findings: Vec<SchemaFinding>,
    /// What changed since the last one, in a sentence.
    pub change: Option<String>,
    /// The changes, one by one.
    pub changes: Vec<String>,
    /// SHA-256 of its normal form: equal for schemas that differ only in layout.
    pub fingerprint: Option<String>,
    /// Its fields, at most 1,000.
    pub fields: Vec<SchemaField>,
    /// How many more there are.
    pub more_fields: u64,
    /// An event that is valid under it, as JSON.
    pub example: Option<String>,
    /// Why there is none.
    pub no_example: Option<String>,
}

/// Why a text is no schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaInvalid {
    /// The reference that is wrong, when it is not the schema itself.
    pub reference: Option<String>,
    /// Line, from 1, where it can be known.
    pub line: Option<u64>,
    /// Column, from 1.
    pub column: Option<u64>,
    /// The broken rule.
    pub rule: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Something one side cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaFinding {
    /// `BACKWARD` = the new schema reads data of the earlier one; `FORWARD` = the other way round.
    pub direction: String,
    /// Which of the previous ones, counted from 0.
    pub against: u64,
    /// The part.
    pub path: String,
    /// The broken rule, by the registry's name where it has one.
    pub rule: String,
    /// Who cannot read what, and what to do instead.
    pub reason: String,
}

/// A field of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaField {
    /// The way to it: `order.lines[].sku`.
    pub path: String,
    /// Its type in words.
    pub kind: String,
    /// Every event has it.
    pub required: bool,
    /// What stands for it when it is missing, as JSON.
    pub default: Option<String>,
    /// What its author says of it.
    pub doc: Option<String>,
    /// Its author asks not to use it any more.
    pub deprecated: bool,
    /// The tags that its values have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}
