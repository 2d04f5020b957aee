//! What payloads look like.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Millis;

/// What JSON payloads look like, inferred from samples of what was carried. Values are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenShape {
    /// Payloads that were looked at and are JSON.
    pub payloads: u64,
    /// Payloads that were looked at and are something else.
    pub others: u64,
    /// Since when they were looked at.
    pub first_seen: Millis,
    /// When the last one was told of.
    pub as_of: Millis,
    /// The agent that told.
    pub by: String,
    /// What a payload is, in words.
    pub kind: String,
    /// Fields, each before those inside it.
    pub fields: Vec<SeenField>,
    /// A JSON Schema by which everything that was seen is valid.
    pub schema: String,
}

/// A field as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenField {
    /// The way to it: `lines[].sku`; `[]` stands for every item of a list, `{}` for every value of a map.
    pub path: String,
    /// What it holds, in words.
    pub kind: String,
    /// In how many of the objects that could have it.
    pub seen: u64,
    /// How many these are.
    pub of: u64,
}
