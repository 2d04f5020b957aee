//! Messages: the format of a schema goes to the schema.

use serde_json::{Value, json};

use super::bindings;
use super::convert::Converter;
use crate::parts::{Level, reference};
use crate::pointer::Pointer;

/// Converts a message where it stands.
pub(super) fn convert(converter: &mut Converter<'_>, message: &mut Value, at: &Pointer) {
    if reference(message).is_some() {
        return;
    }
    let Some(map) = message.as_object_mut() else { return };
    map.shift_remove("messageId");
    if let Some(Value::String(format)) = map.shift_remove("schemaFormat")
        && !is_default(&format)
        && !map.get("payload").is_some_and(is_other_payload)
    {
        let payload = map.shift_remove("payload").unwrap_or_else(|| json!({}));
        converter.wrapped.push(at.child("payload"));
        map.insert("payload".into(), json!({ "schemaFormat": format, "schema": as_value(&format, payload) }));
    }
    examples(message);
    common(converter, message, at);
}

/// Converts a trait of messages.
pub(super) fn convert_trait(converter: &mut Converter<'_>, part: &mut Value, at: &Pointer) {
    if reference(part).is_some() {
        return;
    }
    if let Some(map) = part.as_object_mut()
        && let Some(format) = map.shift_remove("schemaFormat")
    {
        converter
            .note(&at.child("schemaFormat"), "The format is kept as `x-schemaFormat`: it belongs to a schema now.");
        map.insert("x-schemaFormat".into(), format);
    }
    examples(part);
    common(converter, part, at);
}

fn common(converter: &mut Converter<'_>, part: &mut Value, at: &Pointer) {
    if let Some(value) = part.get_mut("bindings").filter(|value| reference(value).is_none()) {
        bindings::convert(converter, value, Level::Message, &at.child("bindings"));
    }
    if let Some(list) = part.get_mut("traits").and_then(Value::as_array_mut) {
        for (index, item) in list.iter_mut().enumerate() {
            convert_trait(converter, item, &at.child("traits").child(index));
        }
    }
}

/// Whether it is the payload of another message, which has its format with it.
fn is_other_payload(payload: &Value) -> bool {
    let at = reference(payload).and_then(Pointer::from_reference);
    at.is_some_and(|at| at.last() == Some("payload"))
}

/// Whether a format is AsyncAPI's own, which needs no name.
fn is_default(format: &str) -> bool {
    format.starts_with("application/vnd.aai.asyncapi")
}

/// Avro that stands as a text is written out, as version 3 wants it.
fn as_value(format: &str, payload: Value) -> Value {
    match &payload {
        Value::String(text) if format.starts_with("application/vnd.apache.avro") => {
            serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or(payload)
        }
        _ => payload,
    }
}

/// Version 2.0 had examples of any form: what names neither payload nor headers is a payload.
fn examples(message: &mut Value) {
    let Some(list) = message.get_mut("examples").and_then(Value::as_array_mut) else { return };
    for example in list {
        let is_example = example.get("payload").is_some() || example.get("headers").is_some();
        if !is_example {
            *example = json!({ "payload": example.take() });
        }
    }
}
