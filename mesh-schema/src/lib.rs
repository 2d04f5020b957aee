//! Schemas of events: Avro, JSON Schema and Protobuf, read, compared and shown.
//!
//! A portal has to say four things about a schema before anybody builds on it: whether it is one, what is in it, what
//! an event looks like, and who breaks when it changes. All four are answered here from the text alone. Nothing is
//! fetched, opened or run: other schemas come as [`Reference`]s, and Google's well-known Protobuf types are always
//! there.
//!
//! The texts come from people and from machines nobody knows, so every one is bounded before it is read (see
//! [`Invalid`]), and every walk over a parsed schema is bounded again, because a small text can refer to itself.
//!
//! The three formats share only the questions. Each keeps its own model below this module, with the same set of
//! parts: `read` makes the model, `canonical` writes it, `fields` lists it, `example` fills it, `resolve` or `diff`
//! compares it.

mod avro;
mod budget;
mod change;
mod compat;
mod decoder;
mod field;
mod invalid;
mod json;
mod mask;
mod protobuf;
pub mod seen;
mod tags;
mod text;
mod validator;
mod walk;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use change::{Change, ChangeKind, Changes, describe_change};
pub use compat::{Direction, FINDINGS_MAX, Finding, Level, Verdict, check};
pub use decoder::Decoder;
pub use field::{Cut, FIELDS_MAX, Field, Presence};
pub use invalid::{
    Invalid, NESTING_MAX, NESTING_WITH_REFERENCES_MAX, PARTS_MAX, Place, REFERENCES_MAX, Rule, TEXT_BYTES_MAX,
};
pub use mask::{MASKED, Mask, Masked};
pub use validator::{Validator, Violation};

/// The language a schema is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Format {
    /// Apache Avro, written as JSON.
    #[serde(rename = "AVRO")]
    Avro,
    /// JSON Schema, draft-04 to 2020-12.
    #[serde(rename = "JSON")]
    JsonSchema,
    /// Protocol Buffers, proto2 and proto3.
    #[serde(rename = "PROTOBUF")]
    Protobuf,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Avro, Self::JsonSchema, Self::Protobuf];

    /// Its name in a schema registry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::JsonSchema => "JSON",
            Self::Protobuf => "PROTOBUF",
        }
    }

    /// The format with a registry's name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Avro => "Avro",
            Self::JsonSchema => "JSON Schema",
            Self::Protobuf => "Protobuf",
        })
    }
}

/// Another schema that a schema uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// How the schema calls it. Avro: a full name; JSON Schema: the URI in `$ref`; Protobuf: the path in `import`.
    pub name: String,
    /// Its text, in the same format.
    pub text: String,
}

/// The path of a schema as a whole.
const WHOLE: &str = "$";

/// A sound schema.
#[derive(Clone, Debug)]
pub struct Schema {
    format: Format,
    canonical: String,
    fingerprint: String,
    model: Model,
}

#[derive(Clone, Debug)]
enum Model {
    Avro(avro::Model),
    Json(json::Model),
    Protobuf(protobuf::Model),
}

/// What a format makes of a text.
struct Parsed<M> {
    model: M,
    canonical: String,
    /// The canonical texts of the references, in their order.
    references: Vec<String>,
}

impl<M> Parsed<M> {
    fn map<N>(self, of: impl FnOnce(M) -> N) -> Parsed<N> {
        Parsed { model: of(self.model), canonical: self.canonical, references: self.references }
    }
}

/// Why no example can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no example for `{path}`: {reason}")]
pub struct NoExample {
    /// The part that cannot be filled, as in [`Field::path`].
    pub path: String,
    /// Why, and what would help.
    pub reason: String,
}

impl Schema {
    /// Reads a schema and everything it refers to.
    ///
    /// # Errors
    /// The first thing that is wrong, where it is, and what to do about it.
    pub fn parse(format: Format, text: &str, references: &[Reference]) -> Result<Self, Invalid> {
        invalid::check_size(text, references)?;
        let Parsed { model, canonical, references: others } = match format {
            Format::Avro => avro::parse(text, references)?.map(Model::Avro),
            Format::JsonSchema => json::parse(text, references)?.map(Model::Json),
            Format::Protobuf => protobuf::parse(text, references)?.map(Model::Protobuf),
        };
        let names = references.iter().map(|reference| reference.name.as_str());
        let fingerprint = fingerprint(format, &canonical, names.zip(others.iter().map(String::as_str)).collect());
        Ok(Self { format, canonical, fingerprint, model })
    }

    /// The language it is written in.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Its text in the normal form: equal for schemas that differ only in layout.
    ///
    /// - Avro: the parsing canonical form (full names, no spaces, attributes in a fixed order), and then, in the
    ///   order of their names, all attributes that form drops: defaults, aliases, logical types, documentation and
    ///   those of other tools. They do not change how bytes are read, but a version that changes them is a new
    ///   version to people.
    /// - JSON Schema: keys in order, no spaces. Drafts and keywords stay as they are written.
    /// - Protobuf: printed anew with two spaces. Comments, the order of fields, and the order of imports are layout;
    ///   the order of messages is not, because the registry's wire format counts them. The text reads back to itself.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// SHA-256 over the format and the canonical text, in hex. References count with their names and canonical texts.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Protobuf: the file as a descriptor in Base64, without comments. None = another format, which has only its text.
    #[must_use]
    pub fn descriptor(&self) -> Option<String> {
        match &self.model {
            Model::Protobuf(model) => Some(protobuf::descriptor(model)),
            Model::Avro(_) | Model::Json(_) => None,
        }
    }

    /// Its fields, flat, in the order of the text where the format keeps one.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        match &self.model {
            Model::Avro(model) => avro::fields(model),
            Model::Json(model) => json::fields(model),
            Model::Protobuf(model) => protobuf::fields(model),
        }
    }

    /// The tags of the schema as a whole, each once: every value by it has them.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        match &self.model {
            Model::Avro(model) => avro::tags(model),
            Model::Json(model) => json::tags(model),
            Model::Protobuf(model) => protobuf::tags(model),
        }
    }

    /// The fields that have tags. The schema as a whole, where it has some, is the first and has the path `$`.
    #[must_use]
    pub fn tagged(&self) -> Vec<(String, Vec<String>)> {
        let fields = self.fields().into_iter().filter(|field| !field.tags.is_empty());
        let fields: Vec<_> = fields.map(|field| (field.path, field.tags)).collect();
        let is_told = fields.iter().any(|(path, _)| path == WHOLE);
        let whole = Some(self.tags()).filter(|tags| !is_told && !tags.is_empty());
        whole.map(|tags| (WHOLE.to_owned(), tags)).into_iter().chain(fields).collect()
    }

    /// Whether a value by it may have a tag, wherever.
    fn has_tag(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        match &self.model {
            Model::Avro(model) => avro::all_tags(model).any(is_meant),
            Model::Json(model) => json::all_tags(model).any(is_meant),
            Model::Protobuf(model) => protobuf::all_tags(model).iter().any(|tag| is_meant(tag)),
        }
    }

    /// A value that is valid under it, always the same. Protobuf: of the file's first message, in its JSON form.
    /// Avro: as plain JSON, that is, a union's value stands without its tag, and bytes are text of the code points 0
    /// to 255.
    ///
    /// # Errors Where none can be made up, and why.
    pub fn example(&self) -> Result<Value, NoExample> {
        match &self.model {
            Model::Avro(model) => avro::example(model),
            Model::Json(model) => json::example(model),
            Model::Protobuf(model) => protobuf::example(model),
        }
    }

    /// Whether a value that somebody wrote down is one by it. Avro: in Avro's JSON encoding, or with the values of unions
    /// without their tags. None = that cannot be said: Protobuf, and what would take too long.
    #[must_use]
    pub fn holds(&self, value: &Value) -> Option<bool> {
        match &self.model {
            Model::Avro(model) => avro::holds(model, value),
            Model::Json(model) => json::holds(model, value),
            Model::Protobuf(_) => None,
        }
    }

    /// The value that a record holds behind its schema id, as JSON; for Protobuf the message indexes come first. Avro: as
    /// in [`Schema::example`], with moments, days and decimals as people write them.
    ///
    /// # Errors
    /// Why the bytes are no such value.
    pub fn decode(&self, record: &[u8]) -> Result<Value, String> {
        match &self.model {
            Model::Avro(model) => avro::decode(model, record),
            Model::Json(_) => decoder::json(record),
            Model::Protobuf(model) => protobuf::decode(model, record),
        }
    }
}

/// The text of a schema that may have come as a descriptor in Base64 instead (see [`Schema::descriptor`]): the text of a
/// descriptor is its normal form, any other text stays as it is.
///
/// # Errors
/// It is a descriptor, and what is wrong with it.
pub fn text_of(format: Format, text: String, references: &[Reference]) -> Result<String, Invalid> {
    if format != Format::Protobuf {
        return Ok(text);
    }
    invalid::check_size(&text, references)?;
    Ok(protobuf::text_of_descriptor(&text, references)?.unwrap_or(text))
}

/// Lengths stand before the parts, so that no two lists of parts run together to the same bytes.
fn fingerprint(format: Format, canonical: &str, mut references: Vec<(&str, &str)>) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    };
    part(format.name());
    part(canonical);
    references.sort_unstable();
    for (name, text) in references {
        part(name);
        part(text);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests;
