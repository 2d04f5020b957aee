//! JSON Schema: alone, in draft-07, and then at its place.

use std::collections::BTreeMap;

use mesh_schema::Reference;
use serde_json::{Map, Value, json};

use super::{DEPTH_MAX, NotContent, map_values, read};
use crate::pointer::Pointer;

/// Keywords that draft-07 has nothing for.
const NEWER: [&str; 10] = [
    "unevaluatedProperties",
    "unevaluatedItems",
    "minContains",
    "maxContains",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
    "contentSchema",
];
/// Keywords that hold values.
const VALUES: [&str; 5] = ["const", "enum", "default", "examples", "example"];
/// Keywords that hold maps from names to schemas.
const NAMES: [&str; 6] =
    ["properties", "patternProperties", "definitions", "$defs", "dependencies", "dependentSchemas"];

/// A schema with those it refers to inside, and the `schemaFormat` of a draft that cannot be written as draft-07.
pub(super) fn standing_alone(
    text: &str,
    references: &[Reference],
) -> Result<(Value, Option<&'static str>), NotContent> {
    let mut whole = read(text)?;
    if !(whole.is_object() || whole.is_boolean()) {
        return Err(NotContent::NoSchema("an object or a boolean"));
    }
    let format = newer_format(&whole);
    let mut homes = Homes::default();
    homes.collect(&whole, &Pointer::root(), true, 0)?;
    for (index, reference) in references.iter().enumerate() {
        let other = read(&reference.text)?;
        let name = format!("reference{}", index + 1);
        let at = Pointer::of(["definitions", &name]);
        homes.collect(&other, &at, true, 0)?;
        homes.uris.insert(reference.name.clone(), at);
        if let Some(map) = whole.as_object_mut() {
            let key = if map.contains_key("$defs") { "$defs" } else { "definitions" };
            let definitions = map.entry(key).or_insert_with(|| json!({}));
            definitions
                .as_object_mut()
                .ok_or(NotContent::NoSchema("an object with `definitions`"))?
                .insert(name, other);
        }
    }
    let value = Writer { homes, keeps: format.is_some() }.schema(&whole, true)?;
    Ok((value, format))
}

/// At its place, references lead there.
pub(super) fn placed(schema: &Value, at: &Pointer) -> Value {
    let change = |reference: &str| format!("{}{}", at.to_reference(), reference.trim_start_matches('#'));
    replace(schema, true, &change)
}

fn replace(value: &Value, is_schema: bool, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Object(map) => {
            let copy = map.iter().map(|(key, inner)| {
                let inner = match inner {
                    Value::String(text) if is_schema && key == "$ref" => change(text).into(),
                    inner if is_schema && VALUES.contains(&key.as_str()) => inner.clone(),
                    inner => replace(inner, !(is_schema && NAMES.contains(&key.as_str())), change),
                };
                (key.clone(), inner)
            });
            Value::Object(copy.collect())
        }
        Value::Array(list) => list.iter().map(|item| replace(item, is_schema, change)).collect(),
        other => other.clone(),
    }
}

/// The format of a schema in a newer draft that uses what is new in it.
fn newer_format(whole: &Value) -> Option<&'static str> {
    let draft = whole.get("$schema").and_then(Value::as_str).unwrap_or_default();
    let format = if draft.contains("2020-12") {
        "application/schema+json;version=draft-2020-12"
    } else if draft.contains("2019-09") {
        "application/schema+json;version=draft-2019-09"
    } else {
        return None;
    };
    uses_newer(whole, true).then_some(format)
}

fn uses_newer(value: &Value, is_schema: bool) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, inner)| {
            let key = key.as_str();
            (is_schema && NEWER.contains(&key))
                || !(is_schema && VALUES.contains(&key)) && uses_newer(inner, !(is_schema && NAMES.contains(&key)))
        }),
        Value::Array(list) => list.iter().any(|item| uses_newer(item, is_schema)),
        _ => false,
    }
}

/// Where the things are that references name by a URI or an anchor.
#[derive(Default)]
struct Homes {
    uris: BTreeMap<String, Pointer>,
    anchors: BTreeMap<String, Pointer>,
}

impl Homes {
    fn collect(&mut self, value: &Value, at: &Pointer, is_schema: bool, depth: usize) -> Result<(), NotContent> {
        if depth > DEPTH_MAX {
            return Err(NotContent::TooDeep);
        }
        match value {
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|_| is_schema);
                for id in [text("$id"), text("id")].into_iter().flatten() {
                    match id.strip_prefix('#') {
                        Some(anchor) => self.anchors.insert(anchor.to_owned(), at.clone()),
                        None => self.uris.insert(id.trim_end_matches('#').to_owned(), at.clone()),
                    };
                }
                if let Some(anchor) = text("$anchor") {
                    self.anchors.insert(anchor.to_owned(), at.clone());
                }
                for (key, inner) in map.iter().filter(|(key, _)| !(is_schema && VALUES.contains(&key.as_str()))) {
                    let inside = !(is_schema && NAMES.contains(&key.as_str()));
                    self.collect(inner, &at.child(key), inside, depth + 1)?;
                }
            }
            Value::Array(list) => {
                for (index, item) in list.iter().enumerate() {
                    self.collect(item, &at.child(index), is_schema, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a reference means, from the schema itself.
    fn find(&self, reference: &str, whole: &str) -> Result<Pointer, NotContent> {
        let unknown = || NotContent::Unknown(reference.to_owned());
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let home = if uri.is_empty() || uri == whole {
            Pointer::root()
        } else {
            let last = |uri: &str| uri.rsplit('/').next().unwrap_or_default().to_owned();
            let by_last = || self.uris.iter().find(|(known, _)| last(known) == last(uri)).map(|(_, at)| at);
            self.uris.get(uri).or_else(by_last).cloned().ok_or_else(unknown)?
        };
        if fragment.is_empty() || fragment.starts_with('/') {
            let inside = Pointer::from_reference(&format!("#{fragment}")).ok_or_else(unknown)?;
            return Ok(inside.steps().fold(home, |at, step| at.child(step)));
        }
        self.anchors.get(fragment).cloned().ok_or_else(unknown)
    }
}

struct Writer {
    homes: Homes,
    /// The draft stays.
    keeps: bool,
}

impl Writer {
    fn schema(&self, value: &Value, is_root: bool) -> Result<Value, NotContent> {
        let Value::Object(map) = value else { return Ok(value.clone()) };
        let mut copy = Map::new();
        for (key, inner) in map {
            let inner = match (key.as_str(), inner) {
                // The document says where a schema is, and which draft it has.
                ("$id" | "$anchor", _) => continue,
                ("id", Value::String(_)) if is_root && map.contains_key("$schema") => continue,
                ("$schema", _) if !self.keeps => continue,
                ("$ref", Value::String(reference)) => self.reference(reference)?.into(),
                (key, inner) if VALUES.contains(&key) || key.starts_with("x-") => inner.clone(),
                (key, Value::Object(names)) if NAMES.contains(&key) => {
                    map_values(names, |_, schema| self.schema(schema, false))?.into()
                }
                (_, Value::Array(list)) => {
                    list.iter().map(|item| self.schema(item, false)).collect::<Result<Vec<_>, _>>()?.into()
                }
                (_, inner) => self.schema(inner, false)?,
            };
            copy.insert(key.clone(), inner);
        }
        if !self.keeps {
            down_level(&mut copy);
        }
        Ok(copy.into())
    }

    fn reference(&self, reference: &str) -> Result<String, NotContent> {
        let at = self.homes.find(reference, "")?;
        let steps = at.steps().map(|step| if step == "$defs" && !self.keeps { "definitions" } else { step });
        Ok(Pointer::of(steps).to_reference())
    }
}

/// Writes keywords of newer and older drafts as draft-07.
fn down_level(map: &mut Map<String, Value>) {
    if let Some(Value::Object(definitions)) = map.shift_remove("$defs") {
        let all = map.entry("definitions").or_insert_with(|| json!({}));
        if let Some(all) = all.as_object_mut() {
            all.extend(definitions);
        }
    }
    if let Some(prefix) = map.shift_remove("prefixItems") {
        if let Some(rest) = map.shift_remove("items") {
            map.insert("additionalItems".into(), rest);
        }
        map.insert("items".into(), prefix);
    }
    for key in ["dependentRequired", "dependentSchemas"] {
        if let Some(Value::Object(more)) = map.shift_remove(key) {
            let all = map.entry("dependencies").or_insert_with(|| json!({}));
            if let Some(all) = all.as_object_mut() {
                all.extend(more);
            }
        }
    }
    for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        match map.get(exclusive).and_then(Value::as_bool) {
            Some(true) => {
                map.shift_remove(exclusive);
                if let Some(value) = map.shift_remove(limit) {
                    map.insert(exclusive.into(), value);
                }
            }
            Some(false) => drop(map.shift_remove(exclusive)),
            None => {}
        }
    }
    // Draft-07 leaves out what stands beside a reference.
    if map.len() > 1
        && let Some(reference) = map.shift_remove("$ref")
    {
        let all = map.entry("allOf").or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.insert(0, json!({ "$ref": reference }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(value: &Value) -> Result<(Value, Option<&'static str>), NotContent> {
        standing_alone(&value.to_string(), &[])
    }

    #[test]
    fn references_lead_to_where_the_schema_stands() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://shop.example/order.json",
            "definitions": {"Line": {"type": "object", "default": {"$ref": "data"}}},
            "properties": {"line": {"$ref": "#/definitions/Line"}, "$ref": {"$ref": "https://shop.example/order.json#/definitions/Line"}, "self": {"$ref": "#"}},
        });
        let (alone, format) = alone(&schema).expect("a schema");
        assert_eq!(format, None);
        let at = Pointer::of(["components", "schemas", "Order"]);
        assert_eq!(
            placed(&alone, &at),
            json!({
                "definitions": {"Line": {"type": "object", "default": {"$ref": "data"}}},
                "properties": {
                    "line": {"$ref": "#/components/schemas/Order/definitions/Line"},
                    "$ref": {"$ref": "#/components/schemas/Order/definitions/Line"},
                    "self": {"$ref": "#/components/schemas/Order"},
                },
            })
        );
    }

    #[test]
    fn newer_drafts_are_written_as_draft_07_where_that_loses_nothing() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"Line": {"$anchor": "line", "prefixItems": [{"type": "string"}], "items": false}},
            "dependentRequired": {"a": ["b"]},
            "properties": {"line": {"$ref": "#line", "description": "A line."}, "other": {"$ref": "#/$defs/Line"}},
        });
        assert_eq!(
            alone(&schema),
            Ok((
                json!({
                    "properties": {
                        "line": {"allOf": [{"$ref": "#/definitions/Line"}], "description": "A line."},
                        "other": {"$ref": "#/definitions/Line"},
                    },
                    "definitions": {"Line": {"items": [{"type": "string"}], "additionalItems": false}},
                    "dependencies": {"a": ["b"]},
                }),
                None
            ))
        );
        let newer = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "unevaluatedProperties": false});
        assert_eq!(alone(&newer), Ok((newer.clone(), Some("application/schema+json;version=draft-2020-12"))));
        let old = json!({"$schema": "http://json-schema.org/draft-04/schema#", "id": "x", "minimum": 1, "exclusiveMinimum": true});
        assert_eq!(alone(&old), Ok((json!({"exclusiveMinimum": 1}), None)));
    }

    #[test]
    fn what_it_refers_to_comes_along() {
        let line = Reference { name: "line.json".into(), text: r#"{"$id": "https://shop.example/line.json", "type": "object", "definitions": {"Sku": {"type": "string"}}}"#.into() };
        let order = r#"{"properties": {"line": {"$ref": "line.json"}, "sku": {"$ref": "https://shop.example/line.json#/definitions/Sku"}}}"#;
        let (value, _) = standing_alone(order, &[line]).expect("a schema");
        assert_eq!(value["properties"]["line"], json!({"$ref": "#/definitions/reference1"}));
        assert_eq!(value["properties"]["sku"], json!({"$ref": "#/definitions/reference1/definitions/Sku"}));
        assert_eq!(standing_alone(order, &[]), Err(NotContent::Unknown("line.json".into())));
        assert_eq!(standing_alone("[]", &[]), Err(NotContent::NoSchema("an object or a boolean")));
    }
}
