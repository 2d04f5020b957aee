//! Schemas, taken out of a document to live by themselves.

use mesh_schema::{Format, Reference, Schema, TEXT_BYTES_MAX};
use serde_json::Value;

use super::{SchemaItem, shorter};
use crate::build::{Content, Export, Info, NotContent};
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};
use crate::schema::{OwnParts, Trouble, text_with};

/// A schema, called as in the components, else as what it is a part of.
pub(super) fn item<'b, 'a: 'b>(refs: Refs<'a>, found: &Found<'b>, part: &str, is_key: bool) -> SchemaItem {
    let refs: Refs<'b> = shorter(refs);
    let at = refs.behind(found).at;
    let name = if at.is_like(&["components", "schemas", "*"]) { at.last() } else { None };
    SchemaItem { name: name.unwrap_or(part).to_owned(), text: text_of(refs, found, is_key), at }
}

fn text_of<'a>(refs: Refs<'a>, found: &Found<'a>, is_key: bool) -> Result<(Format, String), String> {
    match text_with(refs, found, OwnParts::Kept) {
        Ok((format, text)) => check(format, &text, is_key),
        // The binding of a key names no format: it may be a name of Avro.
        Err(Trouble::Shape(Format::JsonSchema)) if is_key && found.value.is_string() => {
            check(Format::Avro, &found.value.to_string(), false)
        }
        Err(trouble) => Err(match trouble {
            Trouble::Broken => "refers to something that is not there, or is in another format".to_owned(),
            Trouble::Foreign(format) => {
                format!("is in the format `{format}`: the catalog holds Avro, JSON Schema and Protobuf")
            }
            Trouble::Shape(Format::Protobuf) => "has to be a text in Protobuf's language".to_owned(),
            Trouble::Shape(format) => format!("is no schema of {format}: it has to be an object"),
            Trouble::TooLarge => "takes along too much: split it".to_owned(),
            Trouble::Invalid(reason) => reason,
        }),
    }
}

fn check(format: Format, text: &str, is_key: bool) -> Result<(Format, String), String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("has more than {TEXT_BYTES_MAX} bytes with all it refers to: split it"));
    }
    let pretty = |text: &str| match (format, serde_json::from_str::<Value>(text)) {
        (Format::Avro | Format::JsonSchema, Ok(value)) => format!("{value:#}"),
        _ => text.to_owned(),
    };
    match Schema::parse(format, text, &[]) {
        Ok(_) => Ok((format, pretty(text))),
        Err(_) if is_key && Schema::parse(Format::Avro, text, &[]).is_ok() => Ok((Format::Avro, pretty(text))),
        Err(invalid) => Err(format!("is not sound: {invalid}")),
    }
}

/// The text that a schema of a catalog has when it is exported under a name and taken out again. Two that have the same one
/// say the same, as far as a document can say it.
///
/// # Errors
/// It cannot stand in a document.
pub fn as_written(format: Format, text: &str, references: &[Reference], name: &str) -> Result<String, NotContent> {
    let mut export = Export::new(Info::new(name, "1.0.0"));
    let key = export.schema(name, Content::of(format, text, references)?);
    let unsound = |error: &dyn std::fmt::Display| NotContent::NotJson(error.to_string());
    let document = export.finish().map_err(|refused| unsound(&refused))?;
    let at: Pointer = key.pointer();
    let found = Found { value: at.get(document.value()).unwrap_or(&Value::Null), at };
    text_of(Refs::new(document.value()), &found, false).map(|(_, text)| text).map_err(|error| unsound(&error))
}
