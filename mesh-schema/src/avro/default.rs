//! Whether a JSON value is a value of a type, as a default has to be.
//!
//! A union takes a value of any of its types, as the specification says since 1.12. So a value is tried with every
//! branch on every level, which a few lines can make endless; there is a budget, and beyond it nothing is a value.

use serde_json::Value;

use super::super::budget::Budget;
use super::{Field, Kind, Type, TypeId};

/// Checks values of one model.
pub(super) struct Check<'a> {
    types: &'a [Type],
    budget: Budget,
    /// A value of a union may stand in an object by the name of its type, as in Avro's JSON encoding.
    takes_tags: bool,
}

impl<'a> Check<'a> {
    pub(super) fn new(types: &'a [Type]) -> Self {
        Self { types, budget: Budget::new(), takes_tags: false }
    }

    /// That of values that people write down: in Avro's JSON encoding, or as they would write any JSON.
    pub(super) fn of_examples(types: &'a [Type]) -> Self {
        Self { takes_tags: true, ..Self::new(types) }
    }

    /// Whether a value is one of a type.
    pub(super) fn holds(&mut self, of: TypeId, value: &Value) -> bool {
        if !self.budget.enter() {
            return false;
        }
        let holds = self.inside(of, value);
        self.budget.leave();
        holds
    }

    /// Whether the budget is used up, so that a no may mean nothing.
    pub(super) fn is_spent(&mut self) -> bool {
        !self.budget.spend(1)
    }

    fn inside(&mut self, of: TypeId, value: &Value) -> bool {
        let types = self.types;
        match &types[of].kind {
            Kind::Null => value.is_null(),
            Kind::Boolean => value.is_boolean(),
            Kind::Int => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Kind::Long => value.is_i64(),
            Kind::Float | Kind::Double => value.is_number(),
            Kind::Bytes => value.as_str().is_some_and(is_bytes),
            Kind::String => value.is_string(),
            Kind::Array(items) => value.as_array().is_some_and(|list| list.iter().all(|item| self.holds(*items, item))),
            Kind::Map(values) => {
                value.as_object().is_some_and(|map| map.values().all(|value| self.holds(*values, value)))
            }
            Kind::Union(branches) => {
                branches.iter().any(|branch| self.holds(*branch, value)) || self.tagged(branches, value)
            }
            Kind::Record(_, fields) => value.as_object().is_some_and(|map| {
                self.budget.spend(fields.len() / 64)
                    && fields.iter().all(|field: &Field| match map.get(&field.name) {
                        Some(value) => self.holds(field.of, value),
                        None => field.default.is_some(),
                    })
            }),
            Kind::Enum(_, of) => value.as_str().is_some_and(|symbol| {
                self.budget.spend(of.symbols.len() / 64) && of.symbols.iter().any(|known| known == symbol)
            }),
            Kind::Fixed(_, size) => {
                value.as_str().is_some_and(|text| is_bytes(text) && u64::try_from(text.chars().count()) == Ok(*size))
            }
        }
    }

    fn tagged(&mut self, branches: &[TypeId], value: &Value) -> bool {
        let types = self.types;
        let mut entries = value.as_object().filter(|map| self.takes_tags && map.len() == 1).into_iter().flatten();
        entries.any(|(tag, value)| {
            let named = branches.iter().find(|branch| tag_of(&types[**branch].kind) == tag);
            named.is_some_and(|branch| self.holds(*branch, value))
        })
    }
}

/// What a union's tag calls a type.
fn tag_of(kind: &Kind) -> &str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Long => "long",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Bytes => "bytes",
        Kind::String => "string",
        Kind::Array(_) => "array",
        Kind::Map(_) => "map",
        Kind::Union(_) => "union",
        Kind::Record(names, _) | Kind::Enum(names, _) | Kind::Fixed(names, _) => &names.full,
    }
}

fn is_bytes(text: &str) -> bool {
    text.chars().all(|char| u32::from(char) < 256)
}
