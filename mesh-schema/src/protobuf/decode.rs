//! Reads a message in Protobuf's binary form, and tells it in Protobuf's JSON form with all fields.

use mesh_protocol::schema_id::message_indexes;
use prost_reflect::{
    Cardinality, DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage, SerializeOptions, Value,
};

use super::Model;

/// The value of a record behind its schema id: which message of the file it is comes first.
pub(super) fn decode(model: &Model, record: &[u8]) -> Result<serde_json::Value, String> {
    decode_with(model, record).map(|(value, _)| value)
}

/// Whether bytes behind a schema id are one of the file's messages, with all that it requires.
pub(crate) fn check_named(model: &Model, record: &[u8]) -> Result<(), Wrong> {
    let whole = |reason: &str| ("$".to_owned(), reason.to_owned());
    let (way, bytes) = message_indexes(record).ok_or_else(|| whole("does not say which message of the file it is"))?;
    let message = message(model, &way).ok_or_else(|| whole("names a message that the file does not have"))?;
    check(message, bytes)
}

/// Whether bytes are the file's first message, with all that it requires.
pub(crate) fn check_first(model: &Model, bytes: &[u8]) -> Result<(), Wrong> {
    match model.file.messages().next() {
        Some(message) => check(message, bytes),
        None => Err(("$".to_owned(), "cannot be one: the file has no message".to_owned())),
    }
}

/// Where something is wrong, and what.
pub(crate) type Wrong = (String, String);

fn check(message: MessageDescriptor, bytes: &[u8]) -> Result<(), Wrong> {
    let name = message.full_name().to_owned();
    let decoded = DynamicMessage::decode(message, bytes)
        .map_err(|error| ("$".to_owned(), format!("is no message {name}: {error}")))?;
    match lacking(&decoded, "$") {
        Some((path, field)) => Err((path, format!("lacks the field `{field}`"))),
        None => Ok(()),
    }
}

/// The first required field that is not there, and where; decoding has bounded how deep messages nest.
fn lacking(message: &DynamicMessage, path: &str) -> Option<(String, String)> {
    let required = |field: &FieldDescriptor| field.cardinality() == Cardinality::Required;
    if let Some(field) = message.descriptor().fields().find(|field| required(field) && !message.has_field(field)) {
        return Some((path.to_owned(), field.name().to_owned()));
    }
    message.fields().find_map(|(field, value)| {
        let path = format!("{path}.{}", field.name());
        match value {
            Value::Message(inner) => lacking(inner, &path),
            Value::List(items) => items.iter().enumerate().find_map(|(at, item)| match item {
                Value::Message(inner) => lacking(inner, &format!("{path}[{at}]")),
                _ => None,
            }),
            Value::Map(entries) => entries.values().find_map(|entry| match entry {
                Value::Message(inner) => lacking(inner, &format!("{path}.*")),
                _ => None,
            }),
            _ => None,
        }
    })
}

/// The same with the message that it is one of.
pub(crate) fn decode_with(model: &Model, record: &[u8]) -> Result<(serde_json::Value, MessageDescriptor), String> {
    let (way, bytes) = message_indexes(record).ok_or("which message of the file it is cannot be read")?;
    let message = message(model, &way).ok_or_else(|| format!("the file has no message {way:?}"))?;
    let decoded = DynamicMessage::decode(message.clone(), bytes).map_err(|error| error.to_string())?;
    let options = SerializeOptions::new().skip_default_fields(false);
    let told = decoded.serialize_with_options(serde_json::value::Serializer, &options);
    told.map(|value| (value, message)).map_err(|error| error.to_string())
}

fn message(model: &Model, way: &[u32]) -> Option<MessageDescriptor> {
    let (first, rest) = way.split_first()?;
    let mut found = model.file.messages().nth(usize::try_from(*first).ok()?)?;
    for at in rest {
        let inner = found.child_messages().nth(usize::try_from(*at).ok()?)?;
        found = inner;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{Format, Schema};

    const FILE: &str = r#"syntax = "proto3"; package shop;
        message Order { string id = 1; int64 cents = 2; message Line { uint32 count = 1; } repeated Line lines = 3; }
        message Other { bool ok = 1; }"#;

    #[test]
    fn a_message_is_found_by_its_way_and_told_with_all_fields() {
        let schema = Schema::parse(Format::Protobuf, FILE, &[]).expect("a schema");
        // The first message; id = "a", cents = 5, one line of 2.
        let order = [0, 0x0a, 1, b'a', 0x10, 5, 0x1a, 2, 0x08, 2];
        assert_eq!(
            schema.decode(&order).expect("decodes"),
            json!({ "id": "a", "cents": "5", "lines": [{ "count": 2 }] })
        );
        // One index: 1.
        assert_eq!(schema.decode(&[2, 2, 0x08, 1]).expect("decodes"), json!({ "ok": true }));
        // Two indexes: 0, then 0.
        assert_eq!(schema.decode(&[4, 0, 0, 0x08, 7]).expect("decodes"), json!({ "count": 7 }));
        assert!(schema.decode(&[2, 8]).expect_err("no such message").contains("no message"));
        assert!(schema.decode(&[0, 0x0a, 200]).is_err(), "a length that is too long");
    }
}
