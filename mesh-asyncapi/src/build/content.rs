//! Schemas, put into a document.
//!
//! A schema lives by itself in a registry; in a document, its references mean the document, its draft is draft-07, and
//! the schemas it refers to are not there. So it is made to stand by itself first: what it refers to comes along, newer
//! drafts are written as draft-07 where that loses nothing, and references get the way to where it stands in front.

mod avro;
mod json;

use mesh_schema::{Format, Reference};
use serde_json::{Map, Value, json};

use super::key::SchemaKey;
use crate::pointer::Pointer;
use crate::schema::schema_format;

/// What a payload, a header or a named schema is.
#[derive(Clone, Debug, PartialEq)]
pub struct Content(What);

#[derive(Clone, Debug, PartialEq)]
enum What {
    Named(SchemaKey),
    /// References mean the schema itself: `#/definitions/Line`.
    Json(Value),
    /// The same in a draft that cannot be written as draft-07, by its `schemaFormat`.
    NewerJson(Value, &'static str),
    Avro(Value),
    Text(&'static str, String),
}

/// Why a schema cannot be put into a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotContent {
    /// It is not JSON.
    #[error("the schema is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, and no schema.
    #[error("the schema has to be {0}")]
    NoSchema(&'static str),
    /// It refers to something that did not come with it.
    #[error("the schema refers to `{0}`, which is not there: give it along as a reference")]
    Unknown(String),
    /// It is nested too deeply.
    #[error("the schema is nested too deeply: name the inner parts and refer to them")]
    TooDeep,
}

impl Content {
    /// A schema and those it refers to, as the catalog holds them.
    ///
    /// # Errors
    /// It cannot be put into a document, and why.
    pub fn of(format: Format, text: &str, references: &[Reference]) -> Result<Self, NotContent> {
        match format {
            Format::Avro => avro::inlined(text, references).map(|value| Self(What::Avro(value))),
            Format::JsonSchema => Ok(match json::standing_alone(text, references)? {
                (value, None) => Self(What::Json(value)),
                (value, Some(format)) => Self(What::NewerJson(value, format)),
            }),
            Format::Protobuf => Ok(Self(What::Text(schema_format(Format::Protobuf), text.to_owned()))),
        }
    }

    /// A schema of XML.
    #[must_use]
    pub fn xsd(text: impl Into<String>) -> Self {
        Self(What::Text("application/xml;schema=xsd", text.into()))
    }

    /// Anything at all.
    #[must_use]
    pub fn anything() -> Self {
        Self(What::Json(json!({})))
    }

    /// As it stands at a place of a document.
    pub(super) fn to_value(&self, at: &Pointer) -> Value {
        match &self.0 {
            What::Named(key) => json!({ "$ref": key.pointer().to_reference() }),
            What::Json(schema) => json::placed(schema, at),
            What::NewerJson(schema, format) => {
                json!({ "schemaFormat": format, "schema": json::placed(schema, &at.child("schema")) })
            }
            What::Avro(schema) => json!({ "schemaFormat": schema_format(Format::Avro), "schema": schema }),
            What::Text(format, text) => json!({ "schemaFormat": format, "schema": text }),
        }
    }

    pub(super) fn named(&self) -> Option<&SchemaKey> {
        match &self.0 {
            What::Named(key) => Some(key),
            _ => None,
        }
    }
}

impl From<&SchemaKey> for Content {
    fn from(key: &SchemaKey) -> Self {
        Self(What::Named(key.clone()))
    }
}

/// Values are walked by recursion.
const DEPTH_MAX: usize = 200;

fn read(text: &str) -> Result<Value, NotContent> {
    serde_json::from_str(text).map_err(|error| NotContent::NotJson(error.to_string()))
}

/// Changes all values of a map.
fn map_values<E>(
    map: &Map<String, Value>,
    mut change: impl FnMut(&str, &Value) -> Result<Value, E>,
) -> Result<Map<String, Value>, E> {
    map.iter().map(|(key, value)| Ok((key.clone(), change(key, value)?))).collect()
}
