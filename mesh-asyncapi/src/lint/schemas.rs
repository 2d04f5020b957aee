//! Schemas: sound in their language, and written as their format says.

use mesh_schema::Format;

use super::Lint;
use super::rules::{SCHEMA_FORMAT, SCHEMA_FORMAT_UNKNOWN, SCHEMA_INVALID};
use crate::parts::{Kind, Part};
use crate::refs::Found;
use crate::schema::Trouble;

pub(super) fn check(lint: &mut Lint<'_>) {
    let schemas: Vec<Part<'_>> = lint.parts.all(Kind::Schema).cloned().collect();
    for schema in schemas {
        let found = Found { at: schema.at, value: schema.value };
        let at = if found.text("schemaFormat").is_some() { found.at.child("schema") } else { found.at.clone() };
        match lint.load(&found) {
            Ok(_) | Err(Trouble::Broken) => {}
            Err(Trouble::Invalid(reason)) => {
                lint.add(&SCHEMA_INVALID, at, format!("the schema is not sound: {reason}"), "correct the schema");
            }
            Err(Trouble::TooLarge) => {
                let message = "the schema is too large to be checked, alone or with all others";
                lint.add(&SCHEMA_FORMAT_UNKNOWN, at, message, "split it, or the document");
            }
            Err(Trouble::Foreign(format)) => {
                let message = format!("schemas of the format `{format}` are not checked here");
                let advice = "nothing, if your clients read it; Avro, JSON Schema and Protobuf are checked";
                lint.add(&SCHEMA_FORMAT_UNKNOWN, found.at.child("schemaFormat"), message, advice);
            }
            Err(Trouble::Shape(format)) => {
                let (message, advice) = match format {
                    Format::Avro => ("an Avro schema stands here as a text", "write it out as an object"),
                    Format::Protobuf => ("a Protobuf schema has to stand here as a text", "write the file as one text"),
                    Format::JsonSchema => ("a JSON Schema has to be an object or a boolean", "write one"),
                };
                lint.add(&SCHEMA_FORMAT, at, message, advice);
            }
        }
    }
}
