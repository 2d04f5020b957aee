//! Documents as texts: JSON and YAML.
//!
//! Texts come from strangers. A few lines of YAML can stand for billions of values (an alias to a list of aliases), so
//! what counts is not the text but what comes out of it, and reading stops as soon as that is too much. Nothing here
//! follows a reference or opens a file.

pub(crate) mod bounds;
mod json;
mod locate;
mod plain;
mod write;
mod yaml;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use locate::locate;
pub use write::{to_json, to_yaml};

/// Longest text, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 << 20;
/// Most values in a document, keys counted, with all aliases written out.
pub const VALUES_MAX: usize = 1_000_000;
/// Most bytes of all texts and keys in a document, with all aliases written out.
pub const CONTENT_BYTES_MAX: usize = 32 << 20;
/// Deepest nesting, with all aliases written out.
pub const NESTING_MAX: usize = 100;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syntax {
    /// JSON.
    Json,
    /// YAML 1.2, with the merge key of YAML 1.1.
    Yaml,
}

impl Syntax {
    /// What a text is written in: what begins with `{` or `[` is JSON, unless it is clearly not.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with(['{', '[']) { Self::Json } else { Self::Yaml }
    }
}

/// Where in a text, counted from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", self.prefix())]
pub struct Unreadable {
    /// Where, if that can be known.
    pub place: Option<Place>,
    /// What is wrong and what to do.
    pub reason: String,
}

impl Unreadable {
    pub(crate) fn new(place: Option<Place>, reason: impl Into<String>) -> Self {
        Self { place, reason: reason.into() }
    }

    fn prefix(&self) -> String {
        self.place.map(|place| format!("line {}, column {}: ", place.line, place.column)).unwrap_or_default()
    }
}

/// Reads a text in either syntax, within the bounds of this module.
///
/// Keys stay in the order of the text. A key that stands twice in one object, a tag of YAML that means more than JSON
/// can say, a second document in the text, and numbers that JSON does not have are errors.
///
/// # Errors
/// What is wrong and where.
pub fn read(text: &str) -> Result<(Value, Syntax), Unreadable> {
    if text.len() > TEXT_BYTES_MAX {
        let size = text.len();
        let reason = format!("the text has {size} bytes, {TEXT_BYTES_MAX} are allowed: split the document");
        return Err(Unreadable::new(None, reason));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Unreadable::new(None, "the text is empty: paste a document in YAML or JSON"));
    }
    let (value, syntax) = match Syntax::of(text) {
        Syntax::Yaml => (yaml::read(text)?, Syntax::Yaml),
        Syntax::Json => match json::read(text) {
            Ok(value) => (value, Syntax::Json),
            // YAML may begin with a bracket as well. If it is neither, what JSON says is what its author expects.
            Err(unreadable) => (yaml::read(text).map_err(|_| unreadable)?, Syntax::Yaml),
        },
    };
    bounds::check(&value).map_err(|reason| Unreadable::new(None, reason))?;
    Ok((value, syntax))
}

/// Values, bytes and levels left.
#[derive(Clone, Copy, Debug)]
struct Budget {
    values: usize,
    bytes: usize,
}

impl Budget {
    fn new() -> Self {
        Self { values: VALUES_MAX, bytes: CONTENT_BYTES_MAX }
    }

    fn take(&mut self, values: usize, bytes: usize) -> Result<(), String> {
        let left = self.values.checked_sub(values).zip(self.bytes.checked_sub(bytes));
        let Some((values, bytes)) = left else {
            return Err(too_much());
        };
        *self = Self { values, bytes };
        Ok(())
    }
}

fn too_much() -> String {
    format!(
        "the document stands for more than {VALUES_MAX} values or {CONTENT_BYTES_MAX} bytes: split it, and use `$ref` \
         instead of aliases"
    )
}

fn too_deep() -> String {
    format!("the document is nested deeper than {NESTING_MAX}: name the inner parts and refer to them by `$ref`")
}

fn twice(key: &str) -> String {
    format!("the key `{key}` stands twice in one object: keep one of them")
}

#[cfg(test)]
pub(crate) mod tests;
