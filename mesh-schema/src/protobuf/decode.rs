//! Reads a message in Protobuf's binary form, and tells it in Protobuf's JSON form with all fields.

use mesh_protocol::schema_id::message_indexes;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

use super::Model;

/// The value of a record behind its schema id: which message of the file it is comes first.
pub(super) fn decode(model: &Model, record: &[u8]) -> Result<Value, String> {
    decode_with(model, record).map(|(value, _)| value)
}

/// The same with the message that it is one of.
pub(crate) fn decode_with(model: &Model, record: &[u8]) -> Result<(Value, MessageDescriptor), String> {
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
