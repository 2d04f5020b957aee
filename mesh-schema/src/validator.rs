//! Whether the payload of an event is valid under a schema, asked where it enters the mesh.
//!
//! Payloads come bare, as devices write them, or in the wire format of Kafka's serializers, which begins with the id of a
//! schema (see [`schema_id`]). The id is that of whoever gave it out; what counts here is whether what comes
//! behind it is valid. Nothing marks a bare Avro value that begins with a zero by chance: it is read both ways.
//!
//! Every check is bounded by the size of its payload. What is told of a payload are places and the words of the schema, never
//! a value of it.

use mesh_protocol::schema_id;
use serde_json::Value;

use super::invalid::{self, Invalid, Rule};
use super::{Format, Reference, WHOLE, avro, json, protobuf};

/// Checks payloads by one schema.
#[derive(Clone, Debug)]
pub struct Validator(Model);

#[derive(Clone, Debug)]
enum Model {
    Avro(avro::Model),
    Json(Box<json::Judge>),
    Protobuf(protobuf::Model),
}

/// Why a payload is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct Violation {
    /// Where: `$.lines[3].amount`; `$` is the payload as a whole.
    pub path: String,
    /// What is wrong, as the rest of a sentence that begins with the path: `is not a number`.
    pub reason: String,
}

impl Violation {
    fn of((path, reason): (String, String)) -> Self {
        Self { path, reason }
    }

    fn whole(reason: impl Into<String>) -> Self {
        Self { path: WHOLE.to_owned(), reason: reason.into() }
    }
}

impl Validator {
    /// A check by a schema and everything it refers to.
    ///
    /// # Errors
    /// Why payloads cannot be checked by it.
    pub fn new(format: Format, text: &str, references: &[Reference]) -> Result<Self, Invalid> {
        invalid::check_size(text, references)?;
        Ok(Self(match format {
            Format::Avro => Model::Avro(avro::read(text, references)?),
            Format::JsonSchema => Model::Json(Box::new(json::Judge::new(text, references)?)),
            Format::Protobuf => {
                let model = protobuf::read(text, references)?;
                if !protobuf::has_messages(&model) {
                    let message = "payloads cannot be checked by a file without a message: write one into it";
                    return Err(Invalid::new(Rule::Structure, message));
                }
                Model::Protobuf(model)
            }
        }))
    }

    /// Whether a payload is valid: JSON by a JSON Schema, a value of exactly this Avro schema in Avro's binary form, the
    /// first message of a Protobuf file; behind a schema id also any other of its messages.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn check(&self, payload: &[u8]) -> Result<(), Violation> {
        let named = schema_id::split(payload).map(|(_, rest)| rest);
        match &self.0 {
            Model::Json(judge) => {
                let text = named.unwrap_or(payload);
                let value: Value = serde_json::from_slice(text).map_err(|error| no_json(&error))?;
                judge.check(&value, text.len()).map_err(Violation::of)
            }
            Model::Avro(model) => match (named.map(|rest| avro::check(model, rest)), avro::check(model, payload)) {
                (Some(Ok(())), _) | (_, Ok(())) => Ok(()),
                (Some(Err(error)), _) | (None, Err(error)) => Err(no_avro(&error)),
            },
            Model::Protobuf(model) => {
                let checked = match named {
                    Some(rest) => protobuf::check_named(model, rest),
                    None => protobuf::check_first(model, payload),
                };
                checked.map_err(Violation::of)
            }
        }
    }
}

/// The words of the parser are about places; only those about unknown text would tell it.
fn no_json(error: &serde_json::Error) -> Violation {
    let (line, column) = (error.line(), error.column());
    Violation::whole(format!("is no JSON: it cannot be read at line {line}, column {column}"))
}

/// `lines.amount: the record ends too early`.
fn no_avro(error: &str) -> Violation {
    match error.split_once(": ") {
        Some((path, reason)) => {
            Violation { path: format!("{WHOLE}.{path}"), reason: format!("is no value by the Avro schema: {reason}") }
        }
        None => Violation::whole(format!("is no value by the Avro schema: {error}")),
    }
}

#[cfg(test)]
mod tests;
