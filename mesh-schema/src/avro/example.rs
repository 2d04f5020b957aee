//! Makes up an event for an Avro schema.

use serde_json::{Map, Value, json};

use super::super::budget::Budget;
use super::super::field::{join, shown};
use super::{Field, Kind, Logical, Model, NoExample, Type, TypeId};

/// Largest fixed value made up, in bytes.
const FIXED_BYTES_MAX: u64 = 4_096;
/// 2026-01-01T00:00:00Z in seconds since the Unix epoch.
const NEW_YEAR: i64 = 1_767_225_600;
const UUID: &str = "0194f1c4-8a00-7000-8000-000000000001";

pub(super) fn example(model: &Model) -> Result<Value, NoExample> {
    Maker { model, budget: Budget::for_example(), open: Vec::new() }.value(model.root, "")
}

struct Maker<'a> {
    model: &'a Model,
    budget: Budget,
    /// The records we are in.
    open: Vec<TypeId>,
}

impl Maker<'_> {
    fn value(&mut self, id: TypeId, path: &str) -> Result<Value, NoExample> {
        if !self.budget.enter() {
            return Err(none(path, "the schema is too large or too deep"));
        }
        let value = self.inside(id, path);
        self.budget.leave();
        value
    }

    fn inside(&mut self, id: TypeId, path: &str) -> Result<Value, NoExample> {
        let of = &self.model.types[id];
        Ok(match &of.kind {
            Kind::Null => Value::Null,
            Kind::Boolean => json!(true),
            Kind::Int | Kind::Long => json!(number(of.logical)),
            Kind::Float | Kind::Double => json!(1.5),
            Kind::Bytes if of.logical.is_some() => bytes(of, 1),
            Kind::Bytes => json!("bytes"),
            Kind::String if of.logical == Some(Logical::Uuid) => json!(UUID),
            Kind::String => json!("text"),
            // What cannot be filled, because it would hold itself, stays empty.
            Kind::Array(items) => self.value(*items, &format!("{path}[]")).map_or(json!([]), |item| json!([item])),
            Kind::Map(values) => {
                self.value(*values, &format!("{path}{{}}")).map_or(json!({}), |value| json!({"key": value}))
            }
            Kind::Union(branches) => self.union(branches, path)?,
            Kind::Record(_, fields) => self.record(id, fields, path)?,
            Kind::Enum(_, of) => match of.default.as_ref().or(of.symbols.first()) {
                Some(symbol) => json!(symbol),
                None => return Err(none(path, "the enum has no symbols: add one")),
            },
            Kind::Fixed(_, size) if *size > FIXED_BYTES_MAX => {
                return Err(none(path, &format!("a fixed value of {size} bytes is too long to show")));
            }
            Kind::Fixed(_, size) => bytes(of, *size),
        })
    }

    fn union(&mut self, branches: &[TypeId], path: &str) -> Result<Value, NoExample> {
        let is_null = |id: &&TypeId| matches!(self.model.types[**id].kind, Kind::Null);
        let (null, rest): (Vec<&TypeId>, Vec<&TypeId>) = branches.iter().partition(is_null);
        let mut failed = None;
        for id in rest.into_iter().chain(null) {
            match self.value(*id, path) {
                Ok(value) => return Ok(value),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or_else(|| none(path, "the union is empty")))
    }

    fn record(&mut self, id: TypeId, fields: &[Field], path: &str) -> Result<Value, NoExample> {
        if self.open.contains(&id) {
            return Err(none(path, "the record holds itself without end: make the field a union with null"));
        }
        self.open.push(id);
        let mut map = Map::new();
        let mut failed = None;
        for field in fields {
            match self.field(field, &join(path, &field.name)) {
                Ok(value) => {
                    map.insert(field.name.clone(), value);
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        self.open.pop();
        failed.map_or(Ok(Value::Object(map)), Err)
    }

    /// A default says what is usual, unless it says nothing.
    fn field(&mut self, field: &Field, path: &str) -> Result<Value, NoExample> {
        match &field.default {
            Some(value) if !is_empty(value) => Ok(value.clone()),
            Some(value) => Ok(self.value(field.of, path).unwrap_or_else(|_| value.clone())),
            None => self.value(field.of, path),
        }
    }
}

fn none(path: &str, reason: &str) -> NoExample {
    NoExample { path: shown(path), reason: reason.to_owned() }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn number(logical: Option<Logical>) -> i64 {
    match logical {
        Some(Logical::Date) => NEW_YEAR / 86_400,
        Some(Logical::TimeMillis) => 43_200_000,
        Some(Logical::TimeMicros) => 43_200_000_000,
        Some(Logical::TimestampMillis | Logical::LocalTimestampMillis) => NEW_YEAR * 1_000,
        Some(Logical::TimestampMicros | Logical::LocalTimestampMicros) => NEW_YEAR * 1_000_000,
        Some(Logical::TimestampNanos | Logical::LocalTimestampNanos) => NEW_YEAR * 1_000_000_000,
        _ => 1,
    }
}

/// Bytes that stand for the number one where they are a number.
fn bytes(of: &Type, size: u64) -> Value {
    if of.logical == Some(Logical::BigDecimal) {
        // One byte follows, which is one, and no digit stands after the point: lengths and scale count twice in Avro.
        return json!("\u{2}\u{1}\u{0}");
    }
    let zeros = usize::try_from(size.saturating_sub(1)).unwrap_or_default();
    let last = if size == 0 { "" } else { "\u{1}" };
    json!(format!("{}{last}", "\u{0}".repeat(zeros)))
}
