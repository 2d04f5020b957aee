//! A schema by itself, with its fields and a made-up value.

use mesh_schema::Format;
use serde_json::Value;

use super::Schema;
use crate::refs::{Found, Refs};
use crate::schema::{Language, Trouble, language, parse, standing, text};

/// `left`: how many bytes of schemas may still come.
pub(super) fn schema<'a>(refs: Refs<'a>, found: &Found<'a>, left: &mut usize) -> Schema {
    let mut schema = Schema {
        key: String::new(),
        format: None,
        format_name: String::new(),
        text: String::new(),
        fields: Vec::new(),
        example: None,
        trouble: None,
    };
    let behind = refs.behind(found);
    if behind.at.is_like(&["components", "schemas", "*"]) {
        schema.key = behind.at.last().unwrap_or_default().to_owned();
    }
    let Ok(standing) = standing(refs, found) else {
        schema.trouble = Some("The schema refers to something that is not there.".into());
        return schema;
    };
    schema.format_name = standing.format.unwrap_or_default().to_owned();
    match language(standing.format) {
        Language::Known(format) => schema.format = Some(format),
        Language::Other(_) => {
            schema.text = standing.value.as_str().map_or_else(|| format!("{:#}", standing.value), str::to_owned);
            schema.trouble = Some("The fields of schemas in this format are not known.".into());
        }
    }
    if *left == 0 {
        schema.trouble = Some("The document has too many large schemas to show them all.".into());
        return schema;
    }
    if schema.format.is_some() {
        match text(refs, found) {
            Ok((format, text)) => fill(&mut schema, format, &text),
            Err(trouble) => schema.trouble = Some(in_words(&trouble)),
        }
    }
    *left = left.saturating_sub(schema.text.len());
    schema
}

fn fill(schema: &mut Schema, format: Format, text: &str) {
    schema.text = match (format, serde_json::from_str::<Value>(text)) {
        (Format::Avro | Format::JsonSchema, Ok(value)) => format!("{value:#}"),
        _ => text.to_owned(),
    };
    match parse(format, text) {
        Ok(parsed) => {
            schema.fields = parsed.fields();
            schema.example = parsed.example().ok();
        }
        Err(trouble) => schema.trouble = Some(in_words(&trouble)),
    }
}

fn in_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Broken => "The schema refers to something that is not there, or is in another format.".into(),
        Trouble::Foreign(format) => format!("The fields of schemas in the format `{format}` are not known."),
        Trouble::Shape(Format::Protobuf) => "A Protobuf schema has to be a text.".into(),
        Trouble::Shape(format) => format!("This is no schema of {format}: it has to be an object."),
        Trouble::TooLarge => "The schema is too large to list its fields.".into(),
        Trouble::Invalid(reason) => format!("The schema is not sound: {reason}"),
    }
}
