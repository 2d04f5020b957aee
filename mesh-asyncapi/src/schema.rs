//! Schemas of payloads and headers, taken out of a document so that `mesh-schema` can judge them.
//!
//! Inside a document a schema refers to others by `$ref`s that mean the document. Taken out, it carries them along
//! under `definitions`, each once, so that recursion stays recursion.

use std::collections::BTreeMap;

use mesh_schema::{Format, Schema, TEXT_BYTES_MAX};
use serde_json::{Map, Value, json};

use crate::parts::{is_json_schema, reference};
use crate::pointer::Pointer;
use crate::refs::{Broken, Found, Refs};

/// Most schemas that one takes along.
const TAKEN_MAX: usize = 2_000;

/// What language a schema is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// One that can be judged.
    Known(Format),
    /// Another one, by the text of `schemaFormat`.
    Other(String),
}

/// The language a `schemaFormat` names; none given = the default of AsyncAPI.
pub(crate) fn language(format: Option<&str>) -> Language {
    if is_json_schema(format) {
        return Language::Known(Format::JsonSchema);
    }
    let format = format.unwrap_or_default();
    let name = format.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "application/vnd.apache.avro" | "application/vnd.apache.avro+json" | "application/vnd.apache.avro+yaml" => {
            Language::Known(Format::Avro)
        }
        "application/vnd.google.protobuf" | "application/x-protobuf" | "application/protobuf" => {
            Language::Known(Format::Protobuf)
        }
        _ => Language::Other(format.to_owned()),
    }
}

/// What `schemaFormat` says for a language.
#[must_use]
pub fn schema_format(format: Format) -> &'static str {
    match format {
        Format::Avro => "application/vnd.apache.avro;version=1.9.0",
        Format::JsonSchema => "application/schema+json;version=draft-07",
        Format::Protobuf => "application/vnd.google.protobuf;version=3",
    }
}

/// Why a schema cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A reference in it means nothing, which is told elsewhere.
    Broken,
    /// Nobody here reads its language.
    Foreign(String),
    /// It is a text where an object is due, or the other way round.
    Shape(Format),
    /// It takes along too much.
    TooLarge,
    /// It is no schema, and why.
    Invalid(String),
}

/// A schema as it stands in a document.
#[derive(Clone, Debug)]
pub(crate) struct Standing<'a> {
    /// Where it is defined: behind all references, inside `schema` where it names a format.
    pub(crate) at: Pointer,
    pub(crate) value: &'a Value,
    pub(crate) format: Option<&'a str>,
}

/// Looks through references and the object that names a format.
pub(crate) fn standing<'a>(refs: Refs<'a>, found: &Found<'a>) -> Result<Standing<'a>, Broken> {
    let found = refs.follow(found)?;
    let map = found.value.as_object();
    let inner = map.filter(|map| map.contains_key("schemaFormat")).and_then(|map| map.get("schema"));
    match inner {
        Some(inner) => {
            let format = found.text("schemaFormat");
            let schema = Found { at: found.at.child("schema"), value: inner };
            let schema = refs.follow(&schema)?;
            Ok(Standing { at: schema.at, value: schema.value, format })
        }
        None => Ok(Standing { at: found.at, value: found.value, format: None }),
    }
}

/// How references of a schema to its own parts are written, when it is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnParts {
    /// As to anything else: each part is taken along once more, under a name that tells where it stood.
    Copied,
    /// As they are, which needs no copy: for a schema that will live by itself.
    Kept,
}

/// The text of a schema by itself.
pub(crate) fn text<'a>(refs: Refs<'a>, found: &Found<'a>) -> Result<(Format, String), Trouble> {
    text_with(refs, found, OwnParts::Copied)
}

/// The same, with its own parts as they are.
pub(crate) fn text_with<'a>(refs: Refs<'a>, found: &Found<'a>, own: OwnParts) -> Result<(Format, String), Trouble> {
    let standing = standing(refs, found).map_err(|_| Trouble::Broken)?;
    match language(standing.format) {
        Language::Other(name) => Err(Trouble::Foreign(name)),
        Language::Known(Format::Avro) => match standing.value {
            Value::String(_) => Err(Trouble::Shape(Format::Avro)),
            value => Ok((Format::Avro, value.to_string())),
        },
        Language::Known(Format::Protobuf) => match standing.value {
            Value::String(text) => Ok((Format::Protobuf, text.clone())),
            _ => Err(Trouble::Shape(Format::Protobuf)),
        },
        Language::Known(Format::JsonSchema) => match standing.value {
            Value::Object(_) | Value::Bool(_) => {
                bundle(refs, &standing, own).map(|value| (Format::JsonSchema, value.to_string()))
            }
            _ => Err(Trouble::Shape(Format::JsonSchema)),
        },
    }
}

/// A text that is known to be small enough, read.
pub(crate) fn parse(format: Format, text: &str) -> Result<Schema, Trouble> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Trouble::TooLarge);
    }
    Schema::parse(format, text, &[]).map_err(|invalid| Trouble::Invalid(invalid.to_string()))
}

/// The format of the schema that something is a part of.
pub(crate) fn format_around(root: &Value, at: &Pointer) -> Option<String> {
    let mut inside = at.clone();
    while let Some(around) = inside.parent() {
        if inside.last() == Some("schema")
            && let Some(format) = around.get(root)?.get("schemaFormat").and_then(Value::as_str)
        {
            return Some(format.to_owned());
        }
        inside = around;
    }
    None
}

/// A schema with all that it refers to.
fn bundle<'a>(refs: Refs<'a>, standing: &Standing<'a>, own: OwnParts) -> Result<Value, Trouble> {
    let own = (own == OwnParts::Kept).then(|| standing.at.clone());
    let mut bundler = Bundler { refs, own, reserved: Vec::new(), names: BTreeMap::new(), waiting: Vec::new() };
    if bundler.own.is_some() {
        let definitions = standing.value.get("definitions").and_then(Value::as_object);
        bundler.reserved = definitions.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    }
    let mut whole = bundler.copy(standing.value, true)?;
    let mut taken = Map::new();
    while let Some((name, value)) = bundler.waiting.pop() {
        let copy = bundler.copy(value, true)?;
        taken.insert(name, copy);
    }
    if taken.is_empty() {
        return Ok(whole);
    }
    taken.sort_keys();
    if let Some(map) = whole.as_object_mut() {
        let definitions = map.entry("definitions").or_insert_with(|| json!({}));
        match definitions.as_object_mut() {
            Some(definitions) => definitions.extend(taken),
            None => return Err(Trouble::Invalid("`definitions` has to be an object".into())),
        }
    }
    Ok(whole)
}

struct Bundler<'a> {
    refs: Refs<'a>,
    /// Where the schema stands, if references into it stay as they are.
    own: Option<Pointer>,
    /// Names of its own definitions.
    reserved: Vec<&'a str>,
    names: BTreeMap<Pointer, String>,
    waiting: Vec<(String, &'a Value)>,
}

/// Keywords that hold values, in which a key `$ref` is only a key.
const VALUES: [&str; 5] = ["const", "enum", "default", "examples", "example"];

impl<'a> Bundler<'a> {
    /// `is_schema`: not the map of names to schemas around it.
    fn copy(&mut self, value: &'a Value, is_schema: bool) -> Result<Value, Trouble> {
        Ok(match value {
            Value::Object(map) => {
                if is_schema && let Some(text) = reference(value) {
                    return Ok(json!({ "$ref": self.name(text)? }));
                }
                let mut copy = Map::new();
                for (key, inner) in map {
                    let is_value = is_schema && (VALUES.contains(&key.as_str()) || key.starts_with("x-"));
                    let names = ["properties", "patternProperties", "definitions", "$defs", "dependencies"];
                    let inside_is_schema = !(is_schema && names.contains(&key.as_str()));
                    let inner = if is_value { inner.clone() } else { self.copy(inner, inside_is_schema)? };
                    copy.insert(key.clone(), inner);
                }
                copy.into()
            }
            Value::Array(list) => {
                list.iter().map(|item| self.copy(item, is_schema)).collect::<Result<Vec<_>, _>>()?.into()
            }
            other => other.clone(),
        })
    }

    /// The new reference of what another one means.
    fn name(&mut self, text: &str) -> Result<String, Trouble> {
        let found = self.refs.look_up(text).map_err(|_| Trouble::Broken)?;
        let found = self.refs.follow(&found).map_err(|_| Trouble::Broken)?;
        if let Some(own) = self.own.as_ref().filter(|own| found.at.is_within(own)) {
            let inside = found.at.steps().skip(own.steps().len());
            return Ok(Pointer::of(inside).to_reference());
        }
        let around = format_around(self.refs.root().value, &found.at);
        if !is_json_schema(around.as_deref()) {
            return Err(Trouble::Broken);
        }
        let found = match found.text("schemaFormat") {
            Some(format) if is_json_schema(Some(format)) => found.field("schema").ok_or(Trouble::Broken)?,
            // Told as a reference to another format.
            Some(_) => return Err(Trouble::Broken),
            None => found,
        };
        if let Some(name) = self.names.get(&found.at) {
            return Ok(Pointer::of(["definitions", name]).to_reference());
        }
        if self.names.len() >= TAKEN_MAX {
            return Err(Trouble::TooLarge);
        }
        let steps: Vec<_> = found.at.steps().collect();
        let name = match steps.as_slice() {
            ["components", "schemas", name] => (*name).to_owned(),
            steps => steps.join("."),
        };
        let is_free =
            |name: &String| !self.names.values().any(|taken| taken == name) && !self.reserved.contains(&name.as_str());
        let name = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}-{n}"))).find(is_free);
        let name = name.unwrap_or_default();
        self.names.insert(found.at, name.clone());
        self.waiting.push((name.clone(), found.value));
        Ok(Pointer::of(["definitions", &name]).to_reference())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled(root: &Value, at: &[&str]) -> Result<Value, Trouble> {
        let refs = Refs::new(root);
        let at = Pointer::of(at.iter().copied());
        let value = at.get(root).expect("a schema");
        text(refs, &Found { at, value }).map(|(_, text)| serde_json::from_str(&text).expect("JSON"))
    }

    #[test]
    fn a_schema_takes_along_what_it_refers_to() {
        let root = json!({"components": {"schemas": {
            "Order": {"properties": {"line": {"$ref": "#/components/schemas/Line"}, "$ref": {"type": "string"}}},
            "Line": {"properties": {"order": {"$ref": "#/components/schemas/Order"}}, "default": {"$ref": "data"}},
        }}});
        assert_eq!(
            bundled(&root, &["components", "schemas", "Order"]),
            Ok(json!({
                "properties": {"line": {"$ref": "#/definitions/Line"}, "$ref": {"type": "string"}},
                "definitions": {
                    "Line": {"properties": {"order": {"$ref": "#/definitions/Order"}}, "default": {"$ref": "data"}},
                    "Order": {"properties": {"line": {"$ref": "#/definitions/Line"}, "$ref": {"type": "string"}}},
                },
            }))
        );
    }

    #[test]
    fn a_schema_that_will_live_by_itself_keeps_the_references_to_its_own_parts() {
        let root = json!({"components": {"schemas": {
            "Order": {
                "properties": {
                    "line": {"$ref": "#/components/schemas/Order/definitions/Line"},
                    "first": {"$ref": "#/components/schemas/Order"},
                    "till": {"$ref": "#/components/schemas/Line"},
                },
                "definitions": {"Line": {"type": "string"}},
            },
            "Line": {"properties": {"order": {"$ref": "#/components/schemas/Order"}}},
        }}});
        let at = Pointer::of(["components", "schemas", "Order"]);
        let found = Found { value: at.get(&root).expect("a schema"), at };
        let (_, text) = text_with(Refs::new(&root), &found, OwnParts::Kept).expect("a text");
        assert_eq!(
            serde_json::from_str::<Value>(&text).expect("JSON"),
            json!({
                "properties": {
                    "line": {"$ref": "#/definitions/Line"},
                    "first": {"$ref": "#"},
                    "till": {"$ref": "#/definitions/Line-2"},
                },
                "definitions": {
                    "Line": {"type": "string"},
                    "Line-2": {"properties": {"order": {"$ref": "#"}}},
                },
            })
        );
    }

    #[test]
    fn formats_are_looked_through() {
        let root = json!({
            "a": {"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": "{}"},
            "b": {"schemaFormat": "application/raml+yaml;version=1.0", "schema": {}},
            "c": {"$ref": "#/nothing"},
        });
        assert_eq!(bundled(&root, &["a"]), Err(Trouble::Shape(Format::Avro)));
        assert_eq!(bundled(&root, &["b"]), Err(Trouble::Foreign("application/raml+yaml;version=1.0".into())));
        assert_eq!(bundled(&root, &["c"]), Err(Trouble::Broken));
    }
}
