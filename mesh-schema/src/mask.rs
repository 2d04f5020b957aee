//! Values without what must not be seen, by the tags of their schemas.
//!
//! It fails closed. A value is walked beside the places of the schemas that it may stand at: whatever has a masking tag
//! at any of them is masked as a whole, and so is whatever none of them describes, for nobody said what it holds: a field
//! under another name, a list where an object is meant, what an open schema lets in. Which branch of a union a value is of
//! is not asked; what is valid by one of them is a value of it. A value that is too large or too deep is not told at all. Null stays what it is.
//!
//! The result is made of the walk alone, so nothing of the payload's own text gets through: of two equal keys, say, the
//! one that no parser keeps.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::{Model, Schema, avro, json, protobuf};

/// What stands for a value that is masked.
pub const MASKED: &str = "•••";

/// What must not be seen of values that are by any of some schemas.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    schemas: Vec<Arc<Schema>>,
    /// The tags that mask. Small and capital letters are the same.
    tags: Vec<String>,
}

/// A value that was masked.
#[derive(Clone, Debug, PartialEq)]
pub struct Masked {
    /// What may be seen of it.
    pub value: Value,
    /// How many values are not in it.
    pub parts: u64,
}

impl Mask {
    /// By the schemas that have a masking tag; the others hide nothing.
    #[must_use]
    pub fn of(schemas: impl IntoIterator<Item = Arc<Schema>>, tags: &[String]) -> Self {
        let schemas = schemas.into_iter().filter(|schema| schema.has_tag(|tag| is_among(tag, tags))).collect();
        Self { schemas, tags: tags.to_vec() }
    }

    /// Masks by the schemas and tags of another one as well.
    pub fn add(&mut self, other: &Self) {
        self.schemas.extend(other.schemas.iter().cloned());
        for tag in other.tags.iter().filter(|tag| !is_among(tag, &self.tags)).cloned().collect::<Vec<_>>() {
            self.tags.push(tag);
        }
    }

    /// Nothing is masked by it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schemas.is_empty()
    }

    /// The tags of its schemas that mask, each once.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let is_meant =
            |tag: &&String| self.schemas.iter().any(|schema| schema.has_tag(|its| its.eq_ignore_ascii_case(tag)));
        self.tags.iter().filter(is_meant).cloned().collect()
    }

    /// What may be seen of a value of which it is only known that it is by these schemas; none = it cannot be told apart,
    /// so nothing may be.
    #[must_use]
    pub fn value(&self, value: &Value) -> Option<Masked> {
        let spots: Option<Vec<_>> = self.schemas.iter().map(|schema| Spot::root(schema)).collect();
        self.walk(&spots?, value)
    }

    /// The value of a record that was written with a schema, as [`Schema::decode`] tells it, as far as it may be seen: by
    /// that schema, whether it masks anything or not, and by these. No value = as above.
    ///
    /// # Errors
    /// Why the bytes are no such value.
    pub fn record(&self, schema: &Schema, record: &[u8]) -> Result<Option<Masked>, String> {
        let (value, spot) = match &schema.model {
            Model::Protobuf(model) => {
                let (value, message) = protobuf::decode_with(model, record)?;
                (value, Some(Spot::Protobuf(protobuf::Spot::of(message))))
            }
            _ => (schema.decode(record)?, Spot::root(schema)),
        };
        let others = self.schemas.iter().filter(|other| other.fingerprint() != schema.fingerprint());
        let spots: Option<Vec<_>> = std::iter::once(spot).chain(others.map(|schema| Spot::root(schema))).collect();
        Ok(spots.and_then(|spots| self.walk(&spots, &value)))
    }

    fn walk(&self, spots: &[Spot<'_>], value: &Value) -> Option<Masked> {
        let mut walk = Walk { tags: &self.tags, budget: Budget::new(), parts: 0 };
        let value = walk.value(spots, value)?;
        Some(Masked { value, parts: walk.parts })
    }
}

fn is_among(tag: &str, tags: &[String]) -> bool {
    tags.iter().any(|other| other.eq_ignore_ascii_case(tag))
}

/// Where a value stands in one schema.
enum Spot<'a> {
    Avro(avro::Spot<'a>),
    Json(json::Spot<'a>),
    Protobuf(protobuf::Spot),
}

impl<'a> Spot<'a> {
    /// None = what the schema means is not all known.
    fn root(schema: &'a Schema) -> Option<Self> {
        Some(match &schema.model {
            Model::Avro(model) => Self::Avro(avro::Spot::root(model)),
            Model::Json(model) => Self::Json(json::Spot::root(model)?),
            Model::Protobuf(model) => Self::Protobuf(protobuf::Spot::root(model)),
        })
    }

    fn has_tag(&self, tags: &[String]) -> bool {
        match self {
            Self::Avro(spot) => spot.tags().any(|tag| is_among(tag, tags)),
            Self::Json(spot) => spot.tags().any(|tag| is_among(tag, tags)),
            Self::Protobuf(spot) => spot.tags().any(|tag| is_among(tag, tags)),
        }
    }

    /// Where a part with a name stands; none = it is not described.
    fn named(&self, name: &str) -> Option<Self> {
        match self {
            Self::Avro(spot) => spot.named(name).map(Self::Avro),
            Self::Json(spot) => spot.named(name).map(Self::Json),
            Self::Protobuf(spot) => spot.named(name).map(Self::Protobuf),
        }
    }

    fn item(&self, index: usize) -> Option<Self> {
        match self {
            Self::Avro(spot) => spot.item().map(Self::Avro),
            Self::Json(spot) => spot.item(index).map(Self::Json),
            Self::Protobuf(spot) => spot.item().map(Self::Protobuf),
        }
    }

    /// Whether a value without parts is foreseen here.
    fn takes(&self, value: &Value) -> bool {
        match self {
            Self::Avro(spot) => spot.takes(value),
            Self::Json(spot) => spot.takes(value),
            Self::Protobuf(spot) => spot.takes(),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Avro(spot) => spot.weight(),
            Self::Json(spot) => spot.weight(),
            Self::Protobuf(spot) => spot.weight(),
        }
    }
}

struct Walk<'a> {
    tags: &'a [String],
    budget: Budget,
    parts: u64,
}

impl Walk<'_> {
    /// `spots`: where it stands in those schemas that describe it.
    fn value(&mut self, spots: &[Spot<'_>], value: &Value) -> Option<Value> {
        if !self.budget.enter() || !self.budget.spend(spots.iter().map(Spot::weight).sum()) {
            return None;
        }
        let told = self.inside(spots, value);
        self.budget.leave();
        told
    }

    fn inside(&mut self, spots: &[Spot<'_>], value: &Value) -> Option<Value> {
        if value.is_null() {
            return Some(Value::Null);
        }
        if spots.is_empty() || spots.iter().any(|spot| spot.has_tag(self.tags)) {
            return Some(self.hide());
        }
        Some(match value {
            Value::Object(fields) => {
                let mut all = Map::new();
                for (name, value) in fields {
                    let below: Vec<_> = spots.iter().filter_map(|spot| spot.named(name)).collect();
                    all.insert(name.clone(), self.value(&below, value)?);
                }
                Value::Object(all)
            }
            Value::Array(items) => {
                let mut all = Vec::with_capacity(items.len());
                for (index, value) in items.iter().enumerate() {
                    let below: Vec<_> = spots.iter().filter_map(|spot| spot.item(index)).collect();
                    all.push(self.value(&below, value)?);
                }
                Value::Array(all)
            }
            plain if spots.iter().all(|spot| spot.takes(plain)) => plain.clone(),
            _ => self.hide(),
        })
    }

    fn hide(&mut self) -> Value {
        self.parts += 1;
        MASKED.into()
    }
}

#[cfg(test)]
mod tests;
