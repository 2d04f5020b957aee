//! The fields of a schema, flat: what search finds and pages list.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most fields listed; the last one carries [`Cut::TooMany`].
pub const FIELDS_MAX: usize = 10_000;
/// Deepest field listed, in steps from the root.
pub(super) const FIELD_DEPTH_MAX: usize = 40;
/// Longest path that is followed further, in bytes.
pub(super) const PATH_BYTES_MAX: usize = 2_000;
/// Longest type in words, in bytes.
const KIND_BYTES_MAX: usize = 600;

/// A field, found anywhere in a schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The way to it: `order.lines[].sku`. `[]` stands for every item of a list, `{}` for every value of a map,
    /// `(Card)` for one branch of a union that needs telling apart, and `$` for a schema that is one value.
    pub path: String,
    /// Its type in words: `string or null`, `list of record shop.Line`.
    pub kind: String,
    /// Whether every event has it.
    pub presence: Presence,
    /// What stands for it when it is missing.
    pub default: Option<Value>,
    /// What its author says of it.
    pub doc: Option<String>,
    /// Its author asks not to use it any more.
    pub deprecated: bool,
    /// The tags that its values have: its own, and those of its type. Each once, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why what is inside is not listed.
    pub cut: Option<Cut>,
}

/// Whether every event has a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Yes.
    Required,
    /// It may be missing or null.
    Optional,
}

impl Presence {
    pub(super) fn required(required: bool) -> Self {
        if required { Self::Required } else { Self::Optional }
    }

    /// In a sentence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// Why a list of fields stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Its type is one it stands in.
    Recursion,
    /// Too far from the root.
    TooDeep,
    /// The list is full.
    TooMany,
}

/// A list that stops at [`FIELDS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Field>);

impl Fields {
    /// Adds a field and says where; none when the list is full.
    pub(super) fn push(&mut self, field: Field) -> Option<usize> {
        if self.0.len() == FIELDS_MAX {
            if let Some(last) = self.0.last_mut() {
                last.cut = Some(Cut::TooMany);
            }
            return None;
        }
        self.0.push(field);
        Some(self.0.len() - 1)
    }

    /// Marks a field whose inside is not listed.
    pub(super) fn cut(&mut self, index: Option<usize>, cut: Cut) {
        if let Some(field) = index.and_then(|index| self.0.get_mut(index)) {
            field.cut = field.cut.or(Some(cut));
        }
    }

    pub(super) fn into_list(self) -> Vec<Field> {
        self.0
    }
}

/// The path of a part of a part.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A type in words, not too many of them.
pub(super) fn clip(mut kind: String) -> String {
    if kind.len() > KIND_BYTES_MAX {
        kind.truncate(kind.floor_char_boundary(KIND_BYTES_MAX));
        kind.push('…');
    }
    kind
}

/// A path for people: the root has a sign of its own.
pub(super) fn shown(path: &str) -> String {
    if path.is_empty() { "$".to_owned() } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(path: &str) -> Field {
        Field {
            path: path.into(),
            kind: "string".into(),
            presence: Presence::Required,
            default: None,
            doc: None,
            deprecated: false,
            tags: Vec::new(),
            cut: None,
        }
    }

    #[test]
    fn a_full_list_says_so_in_its_last_field() {
        let mut fields = Fields::default();
        assert!((0..FIELDS_MAX).all(|n| fields.push(field(&n.to_string())) == Some(n)));
        assert_eq!(fields.push(field("more")), None);
        let list = fields.into_list();
        assert_eq!((list.len(), list.last().and_then(|field| field.cut)), (FIELDS_MAX, Some(Cut::TooMany)));
    }
}
