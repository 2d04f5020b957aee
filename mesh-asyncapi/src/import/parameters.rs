//! Parameters: their schema becomes a list of texts.

use serde_json::{Map, Value};

use super::convert::Converter;
use crate::parts::reference;
use crate::pointer::Pointer;
use crate::refs::Found;

/// What version 3 takes from a schema.
const TAKEN: [&str; 5] = ["enum", "const", "default", "examples", "description"];

pub(super) fn convert_all(converter: &mut Converter<'_>, all: &mut Value, at: &Pointer) -> Result<(), String> {
    let Some(map) = all.as_object_mut() else { return Ok(()) };
    map.iter_mut().try_for_each(|(key, parameter)| convert(converter, parameter, &at.child(key)))
}

pub(super) fn convert(converter: &mut Converter<'_>, parameter: &mut Value, at: &Pointer) -> Result<(), String> {
    if reference(parameter).is_some() {
        return Ok(());
    }
    let Some(map) = parameter.as_object_mut() else { return Ok(()) };
    let Some(schema) = map.shift_remove("schema") else { return Ok(()) };
    let behind = converter.refs.behind(&Found { at: at.child("schema"), value: &schema }).value.clone();
    let behind = if reference(&schema).is_some() { converter.copy(&behind)? } else { behind };
    let Value::Object(schema) = behind else { return Ok(()) };
    let texts = |value: Value| match value {
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>(),
        other => vec![text(&other)],
    };
    let lost: Vec<_> = schema.keys().filter(|key| is_lost(key, &schema)).map(|key| format!("`{key}`")).collect();
    if !lost.is_empty() {
        converter.note(
            &at.child("schema"),
            format!("{} of the parameter is kept as `x-schema`: version 3 has texts only.", lost.join(", ")),
        );
        map.insert("x-schema".into(), Value::Object(schema.clone()));
    }
    for (key, value) in schema {
        match key.as_str() {
            "enum" => drop(map.insert("enum".into(), texts(value).into())),
            "const" => drop(map.insert("enum".into(), texts(value).into())),
            "examples" => drop(map.insert("examples".into(), texts(value).into())),
            "default" => drop(map.insert("default".into(), text(&value).into())),
            "description" => drop(map.entry("description").or_insert(value)),
            _ => {}
        }
    }
    Ok(())
}

/// That it is a text needs no word.
fn is_lost(key: &str, schema: &Map<String, Value>) -> bool {
    let is_text = key == "type" && schema.get("type").and_then(Value::as_str) == Some("string");
    !TAKEN.contains(&key) && !is_text && key != "title" && !key.starts_with("x-")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
