//! What templates and expressions can ask of a Kafka record or an event.
//!
//! A [`Field`] is the name of one fact (`key`, `header.region`, `value.items.0.id`), a [`Lookup`] is the record that
//! knows it, a [`Scalar`] the answer. Both languages share them, so that a path means the same in a route's topic
//! template and in its filter.

mod field;

use std::borrow::Cow;

use serde_json::Value;

pub use field::{FIELD_STEPS_MAX, Field, FieldError};
pub(crate) use field::{quoted_length, step_length};

/// A Kafka record or an event, as templates and expressions see it. Each answer is none when the record has no such
/// fact, or has it in bytes that are not UTF-8.
pub trait Lookup {
    /// The record's key as text.
    fn key(&self) -> Option<&str> {
        None
    }

    /// The first header, or user property, of that name.
    fn header(&self, _name: &str) -> Option<&str> {
        None
    }

    /// The Kafka topic of a record, the mesh topic of an event.
    fn topic(&self) -> Option<&str> {
        None
    }

    /// The partition a record was read from.
    fn partition(&self) -> Option<i32> {
        None
    }

    /// The record's offset in its partition.
    fn offset(&self) -> Option<i64> {
        None
    }

    /// The record's own time, milliseconds since the Unix epoch.
    fn timestamp_ms(&self) -> Option<i64> {
        None
    }

    /// The payload as JSON. Asked only when a field needs it; implementors parse on the first call.
    fn value(&self) -> Option<&Value> {
        None
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// JSON null.
    Null,
    /// True or false.
    Bool(bool),
    /// A number of the payload, a partition, an offset or a time.
    Number(Cow<'a, serde_json::Number>),
    /// A string of the payload.
    Text(&'a str),
    /// A key, header, topic or topic level: text that may stand for a number.
    Raw(&'a str),
    /// An object or array.
    Composite,
}

impl Field {
    /// The field's value in a record; none when it is missing.
    #[must_use]
    pub fn find<'a>(&self, record: &'a dyn Lookup) -> Option<Scalar<'a>> {
        let number = |number: i64| Scalar::Number(Cow::Owned(number.into()));
        match self {
            Self::Key => record.key().map(Scalar::Raw),
            Self::Header(name) => record.header(name).map(Scalar::Raw),
            Self::Topic => record.topic().map(Scalar::Raw),
            Self::Level(place) => record.topic()?.split('/').nth(usize::from(place.get()) - 1).map(Scalar::Raw),
            Self::Partition => record.partition().map(i64::from).map(number),
            Self::Offset => record.offset().map(number),
            Self::Timestamp => record.timestamp_ms().map(number),
            Self::Value(steps) => steps.iter().try_fold(record.value()?, step_into).map(scalar),
        }
    }
}

fn step_into<'a>(value: &'a Value, step: &String) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        Value::Object(fields) => fields.get(step),
        _ => None,
    }
}

fn scalar(value: &Value) -> Scalar<'_> {
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(bool) => Scalar::Bool(*bool),
        Value::Number(number) => Scalar::Number(Cow::Borrowed(number)),
        Value::String(text) => Scalar::Text(text),
        Value::Array(_) | Value::Object(_) => Scalar::Composite,
    }
}
