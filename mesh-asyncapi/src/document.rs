//! A document of AsyncAPI 3.
//!
//! It is kept as the JSON value it is, in the order of its author, and looked at through typed parts (see the views in
//! `parts` and `summary`). Structs for every object, such as those of the `asyncapi-rust` crate, would have to carry
//! maps for all they do not know, would put the keys of their author into their own order, and could not hold a
//! document with one wrong field at all: and that is the document somebody needs help with. So nothing is lost
//! between reading and writing, by construction. Typed structs are where documents are made: see `build`.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::build::Action;
use crate::pointer::Pointer;

/// The versions of AsyncAPI that documents here have. 3.1 adds bindings for ROS 2 and is otherwise the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Version {
    /// What all tools read.
    #[default]
    #[serde(rename = "3.0.0")]
    V3_0,
    /// The latest.
    #[serde(rename = "3.1.0")]
    V3_1,
}

impl Version {
    /// Every version.
    pub const ALL: [Self; 2] = [Self::V3_0, Self::V3_1];

    /// As a document names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V3_0 => "3.0.0",
            Self::V3_1 => "3.1.0",
        }
    }

    /// The version with a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A document of AsyncAPI 3: an object that names a known version. Whether the rest is right is for the checks to say.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Document {
    value: Value,
    #[serde(skip)]
    version: Version,
}

/// Why a value is not a document of AsyncAPI 3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADocument {
    /// A list, a text, a number.
    #[error("this is {0}, not an AsyncAPI document: it has to be an object with the key `asyncapi`")]
    NotAnObject(&'static str),
    /// No `asyncapi`.
    #[error("the key `asyncapi` is missing: begin with `asyncapi: 3.0.0`")]
    NoVersion,
    /// `asyncapi` is a number or the like.
    #[error("the version is {0}, not a text: write it in quotes, as in `asyncapi: '3.0.0'`")]
    VersionIsNoText(String),
    /// A document of AsyncAPI 2, which has to be converted (see [`import`](crate::import)).
    #[error("the document is of AsyncAPI {0}: import it, which converts it to 3.0.0")]
    Old(String),
    /// It is larger than what is read (see [`read`](crate::read)).
    #[error("{0}")]
    TooLarge(String),
    /// Any other version.
    #[error("AsyncAPI {0} is not known here: 2.0.0 to 2.6.0, 3.0.0 and 3.1.0 are")]
    UnknownVersion(String),
}

impl Document {
    /// Takes a value as a document.
    ///
    /// # Errors
    /// It is no object, names no version 3 that is known here, or is too large.
    pub fn new(value: Value) -> Result<Self, NotADocument> {
        crate::text::bounds::check(&value).map_err(NotADocument::TooLarge)?;
        let name = version_name(&value)?;
        let Some(version) = Version::by_name(name) else {
            let is_old = name.starts_with("2.");
            return Err(if is_old { NotADocument::Old } else { NotADocument::UnknownVersion }(name.to_owned()));
        };
        Ok(Self { version, value })
    }

    /// The version it names.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The same document in another version of AsyncAPI. What only the newer one knows stays and is found by the checks.
    #[must_use]
    pub fn into_version(mut self, version: Version) -> Self {
        self.version = version;
        self.value["asyncapi"] = version.name().into();
        self
    }

    /// All of it.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// All of it, to keep.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// `info.title`; empty = it has none.
    #[must_use]
    pub fn title(&self) -> &str {
        self.value["info"]["title"].as_str().unwrap_or_default()
    }

    /// `info.version`, the version of what the document describes; empty = it has none.
    #[must_use]
    pub fn content_version(&self) -> &str {
        self.value["info"]["version"].as_str().unwrap_or_default()
    }

    /// The same document from the other side: who sent receives, and who received sends. Keys, words and replies stay; the
    /// latter are seen from the operation, which is turned.
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        for at in [Pointer::of(["operations"]), Pointer::of(["components", "operations"])] {
            let operations = at.get_mut(&mut self.value).and_then(Value::as_object_mut);
            for (_, operation) in operations.into_iter().flatten() {
                let action = operation.get("action").and_then(Value::as_str).and_then(Action::by_name);
                if let Some(action) = action {
                    operation["action"] = action.mirrored().name().into();
                }
            }
        }
        self
    }

    /// Whether nothing in it points out of it.
    #[must_use]
    pub fn is_bundled(&self) -> bool {
        crate::parts::Parts::of(&self.value).references().all(|(_, reference)| reference.starts_with('#'))
    }
}

/// The text of `asyncapi`.
pub(crate) fn version_name(value: &Value) -> Result<&str, NotADocument> {
    let map = value.as_object().ok_or_else(|| NotADocument::NotAnObject(kind(value)))?;
    match map.get("asyncapi") {
        None => Err(NotADocument::NoVersion),
        Some(Value::String(name)) => Ok(name),
        Some(other) => Err(NotADocument::VersionIsNoText(kind(other).to_owned())),
    }
}

/// What a value is, with an article.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Document {
        let value = json!({
            "asyncapi": "3.0.0",
            "operations": {"a": {"action": "send"}, "b": {"action": "receive"}, "c": {"$ref": "#/components/operations/c"}, "d": 5},
            "components": {"operations": {"c": {"action": "send"}}},
        });
        Document::new(value).expect("a document")
    }

    #[test]
    fn the_other_side_does_the_opposite() {
        let mirrored = document().mirrored();
        assert_eq!(mirrored.value()["operations"]["a"]["action"], "receive");
        assert_eq!(mirrored.value()["operations"]["b"]["action"], "send");
        assert_eq!(mirrored.value()["components"]["operations"]["c"]["action"], "receive");
        assert_eq!(mirrored.mirrored(), document());
    }

    #[test]
    fn a_document_names_a_known_version() {
        let refusal = |value: Value| Document::new(value).expect_err("no document").to_string();
        assert!(refusal(json!([])).contains("a list"));
        assert!(refusal(json!({"asyncapi": 3})).contains("a number"));
        assert!(refusal(json!({"asyncapi": "3.9.0"})).contains("3.9.0"));
        assert_eq!(document().into_version(Version::V3_1).value()["asyncapi"], "3.1.0");
        let deep = (0..200).fold(json!({}), |inner, _| json!([inner]));
        assert!(refusal(json!({"asyncapi": "3.0.0", "x-a": deep})).contains("nested deeper"));
    }
}
