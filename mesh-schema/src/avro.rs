//! Avro.
//!
//! The reader makes a model of its own and lets the `apache-avro` crate say the last word. The crate alone would not
//! do: its errors have no place in the text, it drops what it does not know, and it stops at the first thing two
//! schemas disagree on, without a path. Types lie in one list and refer to each other by index, so recursion costs
//! nothing.

mod canonical;
mod decode;
mod default;
mod example;
mod fields;
mod read;
mod resolve;
mod spot;

use serde_json::Value;

pub(super) use spot::{Spot, all as all_tags};

use super::compat::{Problem, Sides};
use super::field::Field as FieldEntry;
use super::invalid::{Invalid, Rule};
use super::{NoExample, Parsed, Reference, text};

/// A schema with all types it uses.
#[derive(Clone, Debug)]
pub(super) struct Model {
    types: Vec<Type>,
    root: TypeId,
}

/// Index of a type in its model.
type TypeId = usize;

#[derive(Clone, Debug)]
struct Type {
    kind: Kind,
    logical: Option<Logical>,
    /// Tags of all its values.
    tags: Vec<String>,
}

#[derive(Clone, Debug)]
enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(TypeId),
    Map(TypeId),
    Union(Vec<TypeId>),
    Record(Names, Vec<Field>),
    Enum(Names, Enum),
    /// Size in bytes.
    Fixed(Names, u64),
}

/// What a named type is called.
#[derive(Clone, Debug)]
struct Names {
    /// With its namespace.
    full: String,
    /// Earlier full names.
    aliases: Vec<String>,
}

impl Names {
    /// Without the namespace.
    fn short(&self) -> &str {
        self.full.rsplit('.').next().unwrap_or(&self.full)
    }
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    aliases: Vec<String>,
    of: TypeId,
    default: Option<Value>,
    doc: Option<String>,
    deprecated: bool,
    tags: Vec<String>,
}

#[derive(Clone, Debug)]
struct Enum {
    symbols: Vec<String>,
    default: Option<String>,
}

/// What the values of a type mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logical {
    Decimal { precision: u64, scale: u64 },
    BigDecimal,
    Uuid,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Duration,
}

impl Logical {
    /// Those without attributes, by name.
    const PLAIN: [(&'static str, Self); 12] = [
        ("big-decimal", Self::BigDecimal),
        ("uuid", Self::Uuid),
        ("date", Self::Date),
        ("time-millis", Self::TimeMillis),
        ("time-micros", Self::TimeMicros),
        ("timestamp-millis", Self::TimestampMillis),
        ("timestamp-micros", Self::TimestampMicros),
        ("timestamp-nanos", Self::TimestampNanos),
        ("local-timestamp-millis", Self::LocalTimestampMillis),
        ("local-timestamp-micros", Self::LocalTimestampMicros),
        ("local-timestamp-nanos", Self::LocalTimestampNanos),
        ("duration", Self::Duration),
    ];

    fn name(self) -> &'static str {
        Self::PLAIN.iter().find(|(_, logical)| *logical == self).map_or("decimal", |(name, _)| name)
    }

    /// Whether a type can carry it. On any other type it has no meaning, as the specification says.
    fn suits(self, kind: &Kind) -> bool {
        match self {
            Self::Decimal { .. } => matches!(kind, Kind::Bytes | Kind::Fixed(..)),
            Self::BigDecimal => matches!(kind, Kind::Bytes),
            Self::Uuid => matches!(kind, Kind::String | Kind::Fixed(_, 16)),
            Self::Date | Self::TimeMillis => matches!(kind, Kind::Int),
            Self::Duration => matches!(kind, Kind::Fixed(_, 12)),
            _ => matches!(kind, Kind::Long),
        }
    }

    /// Dates and times: numbers that mean another moment under another one of them.
    fn is_time(self) -> bool {
        !matches!(self, Self::Decimal { .. } | Self::BigDecimal | Self::Uuid | Self::Duration)
    }
}

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

impl Kind {
    fn primitive(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(..) => "record",
            Self::Enum(..) => "enum",
            Self::Fixed(..) => "fixed",
        }
    }

    fn names(&self) -> Option<&Names> {
        match self {
            Self::Record(names, _) | Self::Enum(names, _) | Self::Fixed(names, _) => Some(names),
            _ => None,
        }
    }
}

/// A full name: a name with a dot is one, any other stands in the namespace.
fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

/// The namespace of a full name.
fn namespace_of(full: &str) -> &str {
    full.rsplit_once('.').map_or("", |(namespace, _)| namespace)
}

/// The model and the canonical texts.
pub(super) fn parse(text: &str, references: &[Reference]) -> Result<Parsed<Model>, Invalid> {
    let model = read::read(text, references)?;
    let (value, _) = text::read_json(text)?;
    check_again(&value, references)?;
    let others = references.iter().map(|reference| text::read_json(&reference.text));
    let references =
        others.map(|read| read.map(|(value, _)| canonical::canonical(&value))).collect::<Result<_, _>>()?;
    Ok(Parsed { model, canonical: canonical::canonical(&value), references })
}

/// The model alone, of a schema that somebody else found sound.
pub(super) fn read(text: &str, references: &[Reference]) -> Result<Model, Invalid> {
    read::read(text, references)
}

/// Asks the crate. Defaults are left out: it tries every branch of a union for every level of one, which is
/// exponential.
fn check_again(value: &Value, references: &[Reference]) -> Result<(), Invalid> {
    let mut others = Vec::with_capacity(references.len());
    for reference in references {
        let (other, _) = text::read_json(&reference.text)?;
        // It takes named types only; others can be used by nobody.
        if other.get("name").is_some() {
            others.push(without_defaults(other).to_string());
        }
    }
    let own = without_defaults(value.clone()).to_string();
    apache_avro::Schema::parse_str_with_list(&own, others).map(drop).map_err(|error| {
        let reason: String = error.to_string().chars().take(300).collect();
        Invalid::new(Rule::Structure, format!("the schema does not keep to the Avro specification: {reason}"))
    })
}

fn without_defaults(mut value: Value) -> Value {
    match &mut value {
        Value::Array(branches) => branches.iter_mut().for_each(|branch| *branch = without_defaults(branch.take())),
        Value::Object(map) => {
            // A default of an enum is one of its symbols, which costs nothing to see.
            if !map.contains_key("symbols") {
                map.remove("default");
            }
            for key in ["type", "items", "values", "fields"] {
                if let Some(inner) = map.get_mut(key) {
                    *inner = without_defaults(inner.take());
                }
            }
        }
        _ => {}
    }
    value
}

pub(super) fn fields(model: &Model) -> Vec<FieldEntry> {
    fields::list(model)
}

/// Tags of the schema as a whole.
pub(super) fn tags(model: &Model) -> Vec<String> {
    fields::tags(model, model.root)
}

pub(super) fn decode(model: &Model, bytes: &[u8]) -> Result<Value, String> {
    decode::decode(model, bytes)
}

/// Whether bytes are a value.
pub(super) fn check(model: &Model, bytes: &[u8]) -> Result<(), String> {
    decode::check(model, bytes)
}

/// Whether a value is one; none = it would take too long to say.
pub(super) fn holds(model: &Model, value: &Value) -> Option<bool> {
    let mut check = default::Check::of_examples(&model.types);
    let holds = check.holds(model.root, value);
    (holds || !check.is_spent()).then_some(holds)
}

pub(super) fn example(model: &Model) -> Result<Value, NoExample> {
    example::example(model)
}

pub(super) fn compare(reader: &Model, writer: &Model, sides: Sides) -> Vec<Problem> {
    resolve::resolve(reader, writer, sides)
}

#[cfg(test)]
mod tests;
