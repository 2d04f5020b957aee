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
}

impl<'a> Check<'a> {
    pub(super) fn new(types: &'a [Type]) -> Self {
        Self { types, budget: Budget::new() }
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
            Kind::Union(branches) => branches.iter().any(|branch| self.holds(*branch, value)),
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
}

fn is_bytes(text: &str) -> bool {
    text.chars().all(|char| u32::from(char) < 256)
}
