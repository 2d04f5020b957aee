//! JSON Schema, draft-04 to 2020-12.
//!
//! A schema is read into one list of nodes in which every `$ref` is an index and the spellings of the drafts are one:
//! `definitions` and `$defs`, `items` as a list and `prefixItems`, `dependencies` and its two successors. Everything
//! else works on the nodes and knows no drafts. Whether a text is a schema at all is asked of the `jsonschema` crate,
//! with the meta-schema of the draft; a text that names no draft counts as draft-07, as in the registry.

mod diff;
mod documents;
mod example;
mod fields;
mod judge;
mod pattern;
mod read;
mod spot;
mod valid;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::compat::{Problem, Sides};
use super::field::Field;
use super::invalid::Invalid;
use super::{NoExample, Parsed, Reference, text};
pub(super) use judge::Judge;
use pattern::Pattern;
pub(super) use spot::{Spot, all as all_tags};

/// A schema with all it refers to.
#[derive(Clone, Debug)]
pub(super) struct Model {
    nodes: Vec<Node>,
    /// The types each node can have, at most.
    kinds: Vec<Kinds>,
    root: NodeId,
    /// The schema itself and its references, for checks of whole values.
    documents: documents::Documents,
    /// Some reference means another schema where that is used: what is known of a value may not be all.
    is_dynamic: bool,
}

/// Index of a node in its model.
type NodeId = usize;

/// One schema or subschema. Empty = everything is valid.
#[derive(Clone, Debug, Default)]
struct Node {
    /// It is `true` or `false`.
    always: Option<bool>,
    /// It is another node and nothing else.
    target: Option<NodeId>,
    kinds: Option<Kinds>,
    /// Of `enum` or `const`.
    values: Option<Vec<Value>>,
    number: Numbers,
    string: Strings,
    object: Objects,
    list: Lists,
    all: Vec<NodeId>,
    any: Vec<NodeId>,
    one: Vec<NodeId>,
    not: Option<NodeId>,
    condition: Option<Condition>,
    notes: Notes,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Numbers {
    minimum: Option<f64>,
    exclusive_minimum: Option<f64>,
    maximum: Option<f64>,
    exclusive_maximum: Option<f64>,
    multiple_of: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Strings {
    length_min: Option<u64>,
    length_max: Option<u64>,
    pattern: Option<Pattern>,
    format: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Objects {
    properties: BTreeMap<String, NodeId>,
    /// In the order of the text where the parser keeps it.
    patterns: Vec<(Pattern, NodeId)>,
    additional: Option<NodeId>,
    unevaluated: Option<NodeId>,
    required: BTreeSet<String>,
    properties_min: Option<u64>,
    properties_max: Option<u64>,
    names: Option<NodeId>,
    /// What else has to be there when a property is.
    needs: BTreeMap<String, BTreeSet<String>>,
    /// What else holds when a property is there.
    needs_schema: BTreeMap<String, NodeId>,
}

#[derive(Clone, Debug, Default)]
struct Lists {
    /// The first items, one by one.
    prefix: Vec<NodeId>,
    /// All other items.
    rest: Option<NodeId>,
    unevaluated: Option<NodeId>,
    contains: Option<NodeId>,
    contains_min: Option<u64>,
    contains_max: Option<u64>,
    items_min: Option<u64>,
    items_max: Option<u64>,
    unique: bool,
}

#[derive(Clone, Copy, Debug)]
struct Condition {
    when: NodeId,
    then: Option<NodeId>,
    otherwise: Option<NodeId>,
}

/// What is said about a value and constrains nothing.
#[derive(Clone, Debug, Default)]
struct Notes {
    title: Option<String>,
    description: Option<String>,
    default: Option<Value>,
    examples: Vec<Value>,
    deprecated: bool,
    /// Also those in what is not read as a schema: whatever they were meant for, it is in the value.
    tags: Vec<String>,
}

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Kinds(u8);

impl Kinds {
    const NULL: Self = Self(1);
    const BOOLEAN: Self = Self(2);
    const INTEGER: Self = Self(4);
    /// Numbers that are no integers. The type `number` is this and [`Self::INTEGER`].
    const FRACTION: Self = Self(8);
    const STRING: Self = Self(16);
    const ARRAY: Self = Self(32);
    const OBJECT: Self = Self(64);
    const ALL: Self = Self(127);

    /// By the words of the `type` keyword, `number` before `integer`.
    const WORDS: [(&'static str, Self); 7] = [
        ("object", Self::OBJECT),
        ("array", Self::ARRAY),
        ("string", Self::STRING),
        ("number", Self(4 | 8)),
        ("integer", Self::INTEGER),
        ("boolean", Self::BOOLEAN),
        ("null", Self::NULL),
    ];

    fn by_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, kinds)| *kinds)
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => Self::FRACTION,
            Value::Number(_) => Self::INTEGER,
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    fn meets(self, other: Self) -> bool {
        !self.and(other).is_empty()
    }

    /// Its types, one set each, numbers in one.
    fn each(self) -> impl Iterator<Item = Self> {
        let number = Self(4 | 8);
        let singles = [Self::OBJECT, Self::ARRAY, Self::STRING, number, Self::BOOLEAN, Self::NULL];
        singles.into_iter().map(move |kind| self.and(kind)).filter(|kind| !kind.is_empty())
    }

    fn words(self) -> String {
        let mut left = self;
        let mut words = Vec::new();
        for (word, kinds) in Self::WORDS {
            if kinds.is_within(left) {
                left = Self(left.0 & !kinds.0);
                words.push(word);
            }
        }
        words.join(" or ")
    }
}

impl Model {
    /// The node behind a reference. References lead to the end at once, or in a circle, which allows everything.
    fn behind(&self, id: NodeId) -> NodeId {
        self.nodes[id].target.unwrap_or(id)
    }
}

/// The model and the canonical texts.
pub(super) fn parse(text: &str, references: &[Reference]) -> Result<Parsed<Model>, Invalid> {
    let documents = documents::Documents::read(text, references)?;
    let model = read::read(documents)?;
    let mut texts = model.documents.all().iter().map(|document| text::sorted(&document.value));
    let canonical = texts.next().unwrap_or_default();
    let references = texts.collect();
    Ok(Parsed { model, canonical, references })
}

pub(super) fn fields(model: &Model) -> Vec<Field> {
    fields::list(model)
}

/// Tags of the schema as a whole.
pub(super) fn tags(model: &Model) -> Vec<String> {
    spot::tags(model, model.root)
}

/// Whether a value is valid; none = that cannot be said.
pub(super) fn holds(model: &Model, value: &Value) -> Option<bool> {
    valid::holds(model, value)
}

pub(super) fn example(model: &Model) -> Result<Value, NoExample> {
    example::example(model)
}

pub(super) fn compare(reader: &Model, writer: &Model, sides: Sides) -> Vec<Problem> {
    diff::diff(reader, writer, sides)
}

#[cfg(test)]
mod tests;
