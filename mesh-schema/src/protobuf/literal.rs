//! Values of options as Protobuf text.

use std::fmt::Write as _;

use prost_reflect::{DynamicMessage, Kind, MapKey, Value};

/// The options that are set, as `name = value`, in order.
pub(super) fn options(message: &DynamicMessage) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for (field, value) in message.fields() {
        if field.name() != "uninterpreted_option" {
            list.extend(
                each(value).into_iter().map(|value| format!("{} = {}", field.name(), literal(value, &field.kind()))),
            );
        }
    }
    for (extension, value) in message.extensions() {
        let (name, kind) = (extension.full_name(), extension.kind());
        list.extend(each(value).into_iter().map(|value| format!("(.{name}) = {}", literal(value, &kind))));
    }
    list
}

/// A list is written as one entry for each of its items.
fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::List(items) => items.iter().collect(),
        other => vec![other],
    }
}

fn literal(value: &Value, kind: &Kind) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::I32(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F32(value) => float(f64::from(*value), &value.to_string()),
        Value::F64(value) => float(*value, &value.to_string()),
        Value::String(text) => quoted(text.as_bytes()),
        Value::Bytes(bytes) => quoted(bytes),
        Value::EnumNumber(number) => {
            let name = kind.as_enum().and_then(|of| of.get_value(*number));
            name.map_or_else(|| number.to_string(), |value| value.name().to_owned())
        }
        Value::Message(message) => format!("{{ {} }}", entries(message).join(" ")),
        // Neither stands alone in an option: see `each` and `entries`.
        Value::List(_) | Value::Map(_) => String::new(),
    }
}

/// The fields of a message in the text format.
fn entries(message: &DynamicMessage) -> Vec<String> {
    let mut list = Vec::new();
    for (field, value) in message.fields() {
        if let (Value::Map(map), Kind::Message(entry)) = (value, field.kind()) {
            let kind = entry.map_entry_value_field().kind();
            let mut pairs: Vec<_> = map.iter().map(|(key, value)| (map_key(key), literal(value, &kind))).collect();
            pairs.sort();
            let name = field.name();
            list.extend(pairs.into_iter().map(|(key, value)| format!("{name}: {{ key: {key} value: {value} }}")));
        } else {
            let kind = field.kind();
            list.extend(each(value).into_iter().map(|value| format!("{}: {}", field.name(), literal(value, &kind))));
        }
    }
    for (extension, value) in message.extensions() {
        let (name, kind) = (extension.full_name(), extension.kind());
        list.extend(each(value).into_iter().map(|value| format!("[{name}]: {}", literal(value, &kind))));
    }
    list
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(value) => value.to_string(),
        MapKey::I64(value) => value.to_string(),
        MapKey::U32(value) => value.to_string(),
        MapKey::U64(value) => value.to_string(),
        MapKey::String(text) => quoted(text.as_bytes()),
    }
}

fn float(value: f64, text: &str) -> String {
    match value {
        _ if value.is_nan() => "nan".into(),
        _ if value.is_infinite() => if value > 0.0 { "inf" } else { "-inf" }.into(),
        _ => text.to_owned(),
    }
}

/// A text in quotes, with everything that is not plain ASCII escaped.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b' '..=b'~' => out.push(char::from(*byte)),
            // Writing to a string cannot fail.
            other => drop(write!(out, "\\{other:03o}")),
        }
    }
    out.push('"');
    out
}
