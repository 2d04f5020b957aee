//! Where a JSON value stands in an Avro schema: at one type, or at any of several where a union is not told apart.

use serde_json::Value;

use super::{Kind, Model, TypeId};

/// The types a value may be of, and the tags it has by the way that led to it.
#[derive(Clone, Debug)]
pub(crate) struct Spot<'a> {
    model: &'a Model,
    /// No unions: their branches.
    types: Vec<TypeId>,
    tags: Vec<&'a str>,
}

impl<'a> Spot<'a> {
    pub(crate) fn root(model: &'a Model) -> Self {
        let mut spot = Self { model, types: Vec::new(), tags: Vec::new() };
        spot.add(model.root);
        spot
    }

    /// Unions stand in no unions, so it ends.
    fn add(&mut self, id: TypeId) {
        let model = self.model;
        let of = &model.types[id];
        self.tags.extend(of.tags.iter().map(String::as_str));
        match &of.kind {
            Kind::Union(branches) => branches.iter().for_each(|branch| self.add(*branch)),
            _ => self.types.push(id),
        }
    }

    fn below(&self, mut add: impl FnMut(&mut Self, &'a Kind)) -> Option<Self> {
        let model = self.model;
        let mut below = Self { model, types: Vec::new(), tags: Vec::new() };
        self.types.iter().for_each(|id| add(&mut below, &model.types[*id].kind));
        Some(below).filter(|below| !below.types.is_empty())
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().copied()
    }

    /// Payloads that were written as JSON may have a field under an earlier name.
    pub(crate) fn named(&self, name: &str) -> Option<Self> {
        self.below(|below, kind| match kind {
            Kind::Map(values) => below.add(*values),
            Kind::Record(_, fields) => {
                for field in fields.iter().filter(|field| field.name == name || field.aliases.iter().any(|a| a == name))
                {
                    below.tags.extend(field.tags.iter().map(String::as_str));
                    below.add(field.of);
                }
            }
            _ => {}
        })
    }

    pub(crate) fn item(&self) -> Option<Self> {
        self.below(|below, kind| {
            if let Kind::Array(items) = kind {
                below.add(*items);
            }
        })
    }

    /// Whether a value without parts may stand here.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        self.types.iter().any(|id| match self.model.types[*id].kind {
            Kind::Record(..) | Kind::Array(_) | Kind::Map(_) | Kind::Union(_) => false,
            Kind::Null => value.is_null(),
            Kind::Boolean => value.is_boolean(),
            // Moments, decimals and what is no number are told as text.
            _ => !value.is_boolean(),
        })
    }

    pub(crate) fn weight(&self) -> usize {
        self.types.len() + self.tags.len()
    }
}

/// All tags there are, wherever.
pub(crate) fn all(model: &Model) -> impl Iterator<Item = &str> {
    model.types.iter().flat_map(|of| {
        let fields = if let Kind::Record(_, fields) = &of.kind { fields.as_slice() } else { &[] };
        of.tags.iter().chain(fields.iter().flat_map(|field| &field.tags)).map(String::as_str)
    })
}
