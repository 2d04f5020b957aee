//! Makes up a message in Protobuf's JSON form.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::super::budget::Budget;
use super::super::field::{join, shown};
use super::fields::{default, value_kind};
use super::{Model, NoExample};

pub(super) fn example(model: &Model) -> Result<Value, NoExample> {
    let first = model.file.messages().next();
    let message = first.ok_or_else(|| none("", "the file has no message: add one"))?;
    Maker { budget: Budget::for_example(), open: Vec::new() }.message(&message, "")
}

struct Maker {
    budget: Budget,
    /// The messages we are in.
    open: Vec<MessageDescriptor>,
}

impl Maker {
    fn message(&mut self, message: &MessageDescriptor, path: &str) -> Result<Value, NoExample> {
        if let Some(value) = well_known(message.full_name(), path) {
            return value;
        }
        if self.open.contains(message) {
            return Err(none(path, "the message holds itself without end: make a field on the way optional"));
        }
        if !self.budget.enter() {
            return Err(none(path, "the schema is too large or too deep"));
        }
        self.open.push(message.clone());
        let value = self.fields(message, path);
        self.open.pop();
        self.budget.leave();
        value
    }

    fn fields(&mut self, message: &MessageDescriptor, path: &str) -> Result<Value, NoExample> {
        if !self.budget.spend(message.fields().len()) {
            return Err(none(path, "the schema is too large"));
        }
        let mut map = Map::new();
        let mut chosen = Vec::new();
        for field in message.fields() {
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            // One field of a choice is enough, and more are wrong.
            if oneof.as_ref().is_some_and(|oneof| chosen.contains(oneof)) {
                continue;
            }
            match self.field(&field, &join(path, field.name())) {
                Ok(value) => {
                    map.insert(field.json_name().to_owned(), value);
                    chosen.extend(oneof);
                }
                Err(error) if field.is_required() => return Err(error),
                // Everything else may be missing.
                Err(_) => {}
            }
        }
        Ok(Value::Object(map))
    }

    fn field(&mut self, field: &FieldDescriptor, path: &str) -> Result<Value, NoExample> {
        let usual = default(field).filter(|_| !matches!(field.kind(), Kind::Bytes | Kind::Float | Kind::Double));
        if let Some(value) = usual {
            return Ok(if is_long(&field.kind()) { json!(value.to_string()) } else { value });
        }
        let value = self.value(&value_kind(field), path)?;
        Ok(match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = match entry.map_entry_key_field().kind() {
                    Kind::String => "key",
                    Kind::Bool => "true",
                    _ => "1",
                };
                json!({ key: value })
            }
            _ if field.is_list() => json!([value]),
            _ => value,
        })
    }

    fn value(&mut self, kind: &Kind, path: &str) -> Result<Value, NoExample> {
        Ok(match kind {
            Kind::Double | Kind::Float => json!(1.5),
            Kind::Bool => json!(true),
            Kind::String => json!("text"),
            // "text" in base64.
            Kind::Bytes => json!("dGV4dA=="),
            Kind::Message(message) => self.message(message, path)?,
            Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => {
                return Err(none(path, "a null is no example"));
            }
            Kind::Enum(of) => {
                // The first value usually says that nothing is known.
                let value = of.values().nth(1).unwrap_or_else(|| of.default_value());
                json!(value.name())
            }
            kind if is_long(kind) => json!("1"),
            _ => json!(1),
        })
    }
}

/// JSON has them as texts, because its readers may lose digits.
fn is_long(kind: &Kind) -> bool {
    matches!(kind, Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64)
}

/// Types whose JSON is not that of a message.
fn well_known(name: &str, path: &str) -> Option<Result<Value, NoExample>> {
    Some(Ok(match name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!("2026-01-01T12:00:00Z"),
        "Duration" => json!("3600s"),
        "FieldMask" => json!("field"),
        "Struct" => json!({"key": "text"}),
        "Value" | "StringValue" => json!("text"),
        "ListValue" => json!(["text"]),
        "BytesValue" => json!("dGV4dA=="),
        "BoolValue" => json!(true),
        "FloatValue" | "DoubleValue" => json!(1.5),
        "Int32Value" | "UInt32Value" => json!(1),
        "Int64Value" | "UInt64Value" => json!("1"),
        "Empty" => json!({}),
        "Any" => return Some(Err(none(path, "anything may stand here"))),
        _ => return None,
    }))
}

fn none(path: &str, reason: &str) -> NoExample {
    NoExample { path: shown(path), reason: reason.to_owned() }
}
