//! What the tags of fields leave to be seen of one part of an event: its payload, its key or its headers.

use std::sync::Arc;

use mesh_schema::{Mask, Schema};
use serde_json::{Value, json};

use super::masked;

/// By the schemas of that part.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Veil {
    fields: Mask,
    /// A schema that has tags cannot be read, so nobody knows what they are at.
    is_blind: bool,
}

/// What is seen of a value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) enum Seen {
    /// It as it is: nothing masks it.
    All,
    /// This much.
    Part {
        /// It.
        value: Value,
        /// How many values are masked in it.
        parts: u64,
    },
    /// It cannot be told apart by its schemas.
    Nothing {
        /// Its shape, where it has one.
        shape: Option<Value>,
    },
}

impl Veil {
    /// By schemas that were read.
    pub(in crate::app) fn of(schemas: impl IntoIterator<Item = Arc<Schema>>, tags: &[String]) -> Self {
        Self { fields: Mask::of(schemas, tags), is_blind: false }
    }

    /// By a schema that cannot be read and has tags.
    pub(in crate::app) fn blind() -> Self {
        Self { is_blind: true, ..Self::default() }
    }

    /// By all of these together.
    pub(in crate::app) fn join<'a>(veils: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for veil in veils.into_iter().filter(|veil| veil.masks()) {
            all.fields.add(&veil.fields);
            all.is_blind |= veil.is_blind;
        }
        all
    }

    /// It hides anything at all.
    pub(in crate::app) fn masks(&self) -> bool {
        self.is_blind || !self.fields.is_empty()
    }

    /// The tags by which it masks.
    pub(in crate::app) fn tags(&self) -> Vec<String> {
        self.fields.tags()
    }

    /// What is seen of JSON.
    pub(in crate::app) fn value(&self, value: &Value) -> Seen {
        if !self.masks() {
            return Seen::All;
        }
        match self.fields.value(value).filter(|_| !self.is_blind) {
            Some(found) => Seen::Part { value: found.value, parts: found.parts },
            None => Seen::Nothing { shape: masked(value) },
        }
    }

    /// What is seen of a record, behind the id of the schema that it was written with.
    ///
    /// # Errors
    /// Why it cannot be read by that.
    pub(in crate::app) fn record(&self, schema: &Schema, record: &[u8]) -> Result<Seen, String> {
        if !self.masks() {
            return Ok(Seen::All);
        }
        let found = self.fields.record(schema, record)?.filter(|_| !self.is_blind);
        Ok(match found {
            Some(found) => Seen::Part { value: found.value, parts: found.parts },
            None => Seen::Nothing { shape: schema.decode(record).ok().as_ref().and_then(masked) },
        })
    }

    /// What is seen of a text: JSON by its parts, any other as one value.
    pub(in crate::app) fn text(&self, text: &str) -> Seen {
        if !self.masks() || text.is_empty() {
            return Seen::All;
        }
        match serde_json::from_str::<Value>(text) {
            Ok(value) if value.is_object() || value.is_array() => self.value(&value),
            read => {
                let mut may_be = std::iter::once(Value::from(text)).chain(read.ok());
                if may_be.any(|value| self.shows(&value)) { Seen::All } else { Seen::Nothing { shape: None } }
            }
        }
    }

    /// Whether a header is seen: the schema of headers describes an object of them.
    pub(in crate::app) fn shows_header(&self, name: &str, value: &str) -> bool {
        // What is told is the text, and that of an object may hold more than the object.
        let plain = serde_json::from_str::<Value>(value).ok().filter(|value| !value.is_object() && !value.is_array());
        let mut may_be = std::iter::once(Value::from(value)).chain(plain);
        !self.masks() || may_be.any(|value| self.shows(&json!({ name: value })))
    }

    /// Whether all of a value is seen.
    fn shows(&self, value: &Value) -> bool {
        match self.value(value) {
            Seen::All => true,
            Seen::Part { parts, .. } => parts == 0,
            Seen::Nothing { .. } => false,
        }
    }
}

impl Seen {
    /// Why not all is seen, in words; none = all is.
    pub(in crate::app) fn why(&self, tags: &[String]) -> Option<String> {
        let tags = tags.join(", ");
        match self {
            Self::All | Self::Part { parts: 0, .. } => None,
            Self::Part { parts: 1, .. } => {
                Some(format!("1 value is masked: its field is tagged {tags}, or not described"))
            }
            Self::Part { parts, .. } => {
                Some(format!("{parts} values are masked: their fields are tagged {tags}, or not described"))
            }
            Self::Nothing { .. } => {
                Some("masked as a whole: it cannot be told apart by its schema, which has tagged fields".to_owned())
            }
        }
    }
}
