//! Shapes of JSON payloads: which fields they have, of which kinds, and how often. Values are never part of a shape.
//!
//! A shape grows by what it is shown and never forgets, and two shapes join into the one that has seen what both have.
//! All of it is bounded. Where the names of an object's fields are data themselves (an id, an address of a person), the
//! object is a map: what its fields hold is told, and their names are not.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_zero;

/// Most shapes in one report.
pub const SHAPES_MAX: usize = 500;
/// Different names that the fields of an object may have before the object is a map.
pub const SHAPE_FIELDS_MAX: usize = 64;
/// Deeper levels are seen as objects and arrays of anything.
pub const SHAPE_DEPTH_MAX: usize = 8;
/// Most nodes of one shape; what would be one more is not told apart any further.
pub const SHAPE_NODES_MAX: usize = 400;
/// Longest name of a field, in bytes; a longer one is taken for data.
const NAME_BYTES_MAX: usize = 64;
/// More digits than this make a name data: `till-00017` is the name of one till.
const NAME_DIGITS_MAX: usize = 3;
/// Elements of an array that are looked at.
const ELEMENTS_MAX: usize = 10;
/// Fields of an object that are looked at.
const LOOKED_AT_MAX: usize = 4 * SHAPE_FIELDS_MAX;

/// Shapes of what is carried at addresses. A later one of the same agent and address takes the place of this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shapes {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// New and changed ones, at most [`SHAPES_MAX`].
    pub shapes: Vec<AddressShape>,
}

/// The shape of what is carried at an address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressShape {
    /// The event address, as in [`Flow`](super::Flow).
    pub address: String,
    /// Since when it was looked at, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Payloads that were looked at and are no JSON object or array.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: u64,
    /// What those look like that are.
    pub shape: Shape,
}

/// What was seen at one place: how often which kind of value, and what is inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Nulls.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub null: u64,
    /// Booleans.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub boolean: u64,
    /// Numbers without a fraction.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub integer: u64,
    /// Numbers with a fraction.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fraction: u64,
    /// Strings.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub string: u64,
    /// Arrays.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub array: u64,
    /// Objects.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub object: u64,
    /// What all strings are; none = text, or there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Fields of the objects, by name; at most [`SHAPE_FIELDS_MAX`]. Empty for a map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldShape>,
    /// The objects' names are data: what their fields hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<Box<Shape>>,
    /// What the arrays hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements: Option<Box<Shape>>,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldShape {
    /// Its name.
    pub name: String,
    /// What it holds; in how many of the objects it stands is [`Shape::total`].
    pub shape: Shape,
}

/// What strings can be, by JSON Schema's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `2026-11-30T12:00:00Z`.
    DateTime,
    /// `2026-11-30`.
    Date,
    /// `01989d2a-0b5c-7c3e-9c43-0d6a5c1f2b3e`.
    Uuid,
    /// Just text; a shape never has it, because that says nothing.
    #[serde(other)]
    Text,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Uuid => "uuid",
            Self::Text => "text",
        })
    }
}

impl Format {
    fn of(text: &str) -> Option<Self> {
        let fits = |pattern: &str| {
            text.len() == pattern.len()
                && text.bytes().zip(pattern.bytes()).all(|(byte, sign)| match sign {
                    b'd' => byte.is_ascii_digit(),
                    b'x' => byte.is_ascii_hexdigit(),
                    sign => byte == sign,
                })
        };
        let starts = |pattern: &str| text.get(..pattern.len()).is_some_and(|start| fits_start(start, pattern));
        if fits("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
            Some(Self::Uuid)
        } else if fits("dddd-dd-dd") {
            Some(Self::Date)
        } else if text.len() <= 40 && starts("dddd-dd-ddTdd:dd:dd") && has_offset(&text[19..]) {
            Some(Self::DateTime)
        } else {
            None
        }
    }
}

fn fits_start(start: &str, pattern: &str) -> bool {
    start
        .bytes()
        .zip(pattern.bytes())
        .all(|(byte, sign)| if sign == b'd' { byte.is_ascii_digit() } else { byte == sign })
}

/// What follows the seconds: a fraction, and `Z` or an offset, as RFC 3339 wants it.
fn has_offset(rest: &str) -> bool {
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let after = fraction.trim_start_matches(|sign: char| sign.is_ascii_digit());
            if after.len() == fraction.len() {
                return false;
            }
            after
        }
        None => rest,
    };
    let is_offset = |rest: &str| rest.len() == 6 && matches!(rest.as_bytes()[0], b'+' | b'-') && rest.is_ascii();
    rest == "Z" || is_offset(rest) && fits_start(&rest[1..], "dd:dd")
}

impl Shape {
    /// Values that were seen here.
    #[must_use]
    pub fn total(&self) -> u64 {
        [self.null, self.boolean, self.integer, self.fraction, self.string, self.array, self.object]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// Places inside, with itself.
    #[must_use]
    pub fn nodes(&self) -> usize {
        let fields = self.fields.iter().map(|field| &field.shape);
        let inner = fields.chain(self.entries.as_deref()).chain(self.elements.as_deref());
        1 + inner.map(Self::nodes).sum::<usize>()
    }

    /// Whether it has seen nothing yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Takes a value's shape in.
    pub fn look(&mut self, value: &Value) {
        let mut room = SHAPE_NODES_MAX.saturating_sub(self.nodes());
        self.look_at(value, 0, &mut room);
    }

    /// Takes in what another has seen.
    pub fn join(&mut self, other: &Self) {
        let mut room = SHAPE_NODES_MAX.saturating_sub(self.nodes());
        self.join_at(other, 0, &mut room);
    }

    /// Whether the other tells a field, a kind or a format that this does not, or no longer holds what this does.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        let kinds = |shape: &Self| {
            let counts = [shape.null, shape.boolean, shape.integer, shape.fraction];
            let more = [shape.string, shape.array, shape.object];
            (counts.map(|count| count > 0), more.map(|count| count > 0), shape.format)
        };
        let inner = |a: &Option<Box<Self>>, b: &Option<Box<Self>>| match (a, b) {
            (Some(a), Some(b)) => a.differs(b),
            (a, b) => a.is_some() != b.is_some(),
        };
        // A field that is sometimes missing is no longer one that all have.
        let is_whole = |field: &FieldShape, of: &Self| field.shape.total() >= of.object;
        kinds(self) != kinds(other)
            || self.fields.len() != other.fields.len()
            || self
                .fields
                .iter()
                .zip(&other.fields)
                .any(|(a, b)| a.name != b.name || is_whole(a, self) != is_whole(b, other) || a.shape.differs(&b.shape))
            || inner(&self.entries, &other.entries)
            || inner(&self.elements, &other.elements)
    }

    fn look_at(&mut self, value: &Value, depth: usize, room: &mut usize) {
        match value {
            Value::Null => self.null += 1,
            Value::Bool(_) => self.boolean += 1,
            Value::Number(number) if number.is_f64() => self.fraction += 1,
            Value::Number(_) => self.integer += 1,
            Value::String(text) => self.take_format(Format::of(text), 1),
            Value::Array(elements) => {
                self.array += 1;
                for element in elements.iter().take(ELEMENTS_MAX) {
                    if let Some(place) = place(&mut self.elements, depth, room) {
                        place.look_at(element, depth + 1, room);
                    }
                }
            }
            Value::Object(fields) => {
                self.object += 1;
                if self.entries.is_none() && fields.keys().any(|name| !is_name(name)) {
                    self.be_map(depth, room);
                }
                for (name, value) in fields.iter().take(LOOKED_AT_MAX) {
                    if let Some(place) = self.place_of(name, depth, room) {
                        place.look_at(value, depth + 1, room);
                    }
                }
            }
        }
    }

    fn join_at(&mut self, other: &Self, depth: usize, room: &mut usize) {
        self.null = self.null.saturating_add(other.null);
        self.boolean = self.boolean.saturating_add(other.boolean);
        self.integer = self.integer.saturating_add(other.integer);
        self.fraction = self.fraction.saturating_add(other.fraction);
        self.take_format(other.format, other.string);
        self.array = self.array.saturating_add(other.array);
        self.object = self.object.saturating_add(other.object);
        if let Some(elements) = &other.elements
            && let Some(place) = place(&mut self.elements, depth, room)
        {
            place.join_at(elements, depth + 1, room);
        }
        if let Some(entries) = &other.entries {
            self.be_map(depth, room);
            if let Some(place) = place(&mut self.entries, depth, room) {
                place.join_at(entries, depth + 1, room);
            }
        }
        if other.fields.iter().any(|field| !is_name(&field.name)) {
            self.be_map(depth, room);
        }
        for field in &other.fields {
            if let Some(place) = self.place_of(&field.name, depth, room) {
                place.join_at(&field.shape, depth + 1, room);
            }
        }
    }

    /// Counts strings of a format; where formats differ, they are text.
    fn take_format(&mut self, format: Option<Format>, strings: u64) {
        if strings > 0 {
            self.format = if self.string == 0 || self.format == format { format } else { None };
            self.format = self.format.filter(|format| *format != Format::Text);
            self.string = self.string.saturating_add(strings);
        }
    }

    /// Where a field's value is looked at; none where there is no room for it.
    fn place_of(&mut self, name: &str, depth: usize, room: &mut usize) -> Option<&mut Self> {
        if self.entries.is_none() {
            match self.fields.binary_search_by(|field| field.name.as_str().cmp(name)) {
                Ok(at) => return Some(&mut self.fields[at].shape),
                Err(at) if self.fields.len() < SHAPE_FIELDS_MAX => {
                    if depth >= SHAPE_DEPTH_MAX || *room == 0 {
                        return None;
                    }
                    *room -= 1;
                    self.fields.insert(at, FieldShape { name: name.to_owned(), shape: Self::default() });
                    return Some(&mut self.fields[at].shape);
                }
                Err(_) => self.be_map(depth, room),
            }
        }
        place(&mut self.entries, depth, room)
    }

    /// The names of its fields are data: what the fields hold is put together.
    fn be_map(&mut self, depth: usize, room: &mut usize) {
        let fields = std::mem::take(&mut self.fields);
        *room += fields.iter().map(|field| field.shape.nodes()).sum::<usize>();
        let Some(entries) = place(&mut self.entries, depth, room) else { return };
        for field in fields {
            entries.join_at(&field.shape, depth + 1, room);
        }
    }
}

/// What is inside, made when there is room for it.
fn place<'a>(inner: &'a mut Option<Box<Shape>>, depth: usize, room: &mut usize) -> Option<&'a mut Shape> {
    if inner.is_none() {
        if depth >= SHAPE_DEPTH_MAX || *room == 0 {
            return None;
        }
        *room -= 1;
        *inner = Some(Box::default());
    }
    inner.as_deref_mut()
}

/// Whether this is a field's name, as somebody who writes a program chooses it, and not data.
fn is_name(name: &str) -> bool {
    let mut signs = name.chars();
    let begins = |sign: char| sign.is_alphabetic() || matches!(sign, '_' | '$' | '@');
    let goes_on = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.' | ':');
    name.len() <= NAME_BYTES_MAX
        && signs.next().is_some_and(begins)
        && signs.all(goes_on)
        && name.chars().filter(char::is_ascii_digit).count() <= NAME_DIGITS_MAX
}

#[cfg(test)]
mod tests;
