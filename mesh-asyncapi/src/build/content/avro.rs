//! Avro: types that are defined elsewhere are written out where they are used first.

use std::collections::{BTreeMap, BTreeSet};

use mesh_schema::Reference;
use serde_json::{Map, Value};

use super::{DEPTH_MAX, NotContent, read};

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// One value that needs no other.
pub(super) fn inlined(text: &str, references: &[Reference]) -> Result<Value, NotContent> {
    let mut others = BTreeMap::new();
    for reference in references {
        let value = read(&reference.text)?;
        let name = value.as_object().map(|map| full_name(map, "")).unwrap_or_else(|| reference.name.clone());
        others.insert(name, value);
    }
    let root = match read(text)? {
        Value::String(name) => serde_json::json!({ "type": name }),
        value => value,
    };
    Inliner { others, defined: BTreeSet::new() }.of(&root, "", 0)
}

struct Inliner {
    others: BTreeMap<String, Value>,
    defined: BTreeSet<String>,
}

impl Inliner {
    fn of(&mut self, schema: &Value, namespace: &str, depth: usize) -> Result<Value, NotContent> {
        if depth > DEPTH_MAX {
            return Err(NotContent::TooDeep);
        }
        match schema {
            Value::String(name) if PRIMITIVES.contains(&name.as_str()) => Ok(schema.clone()),
            Value::String(name) => self.named(name, namespace, depth),
            Value::Array(branches) => {
                let branches: Result<Vec<_>, _> =
                    branches.iter().map(|branch| self.of(branch, namespace, depth + 1)).collect();
                branches.map(Value::Array)
            }
            Value::Object(map) => self.object(map, namespace, depth).map(Value::Object),
            _ => Err(NotContent::NoSchema("the name of a type, an object or a list")),
        }
    }

    fn named(&mut self, name: &str, namespace: &str, depth: usize) -> Result<Value, NotContent> {
        let full = qualified(name, namespace);
        if self.defined.contains(&full) {
            return Ok(full.into());
        }
        let Some(mut other) = self.others.get(&full).cloned() else {
            return Err(NotContent::Unknown(full));
        };
        // It must not take the namespace of what it now stands in.
        if let Some(map) = other.as_object_mut()
            && !map.contains_key("namespace")
            && !map.get("name").and_then(Value::as_str).is_some_and(|name| name.contains('.'))
        {
            map.insert("namespace".into(), "".into());
        }
        self.of(&other, "", depth + 1)
    }

    fn object(
        &mut self,
        map: &Map<String, Value>,
        namespace: &str,
        depth: usize,
    ) -> Result<Map<String, Value>, NotContent> {
        let mut copy = map.clone();
        let is_named = matches!(map.get("type").and_then(Value::as_str), Some("record" | "error" | "enum" | "fixed"));
        let full = full_name(map, namespace);
        let inner = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        if is_named {
            self.defined.insert(full);
        }
        let namespace = if is_named { inner.as_str() } else { namespace };
        for key in ["items", "values"] {
            if let Some(schema) = map.get(key) {
                copy.insert(key.into(), self.of(schema, namespace, depth + 1)?);
            }
        }
        if let Some(fields) = map.get("fields").and_then(Value::as_array) {
            let fields: Result<Vec<_>, _> =
                fields.iter().map(|field| self.field(field, namespace, depth + 1)).collect();
            copy.insert("fields".into(), fields?.into());
        }
        let has_own_words = is_named || matches!(map.get("type").and_then(Value::as_str), Some("array" | "map"));
        if let Some(of) = map.get("type").filter(|_| !has_own_words) {
            copy.insert("type".into(), self.of(of, namespace, depth + 1)?);
        }
        Ok(copy)
    }

    fn field(&mut self, field: &Value, namespace: &str, depth: usize) -> Result<Value, NotContent> {
        let mut copy = field.clone();
        if let Some(of) = field.get("type") {
            copy["type"] = self.of(of, namespace, depth)?;
        }
        Ok(copy)
    }
}

fn qualified(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn full_name(map: &Map<String, Value>, around: &str) -> String {
    let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
    let namespace = map.get("namespace").and_then(Value::as_str).unwrap_or(around);
    qualified(name, namespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_of_others_are_written_out_once() {
        let line = Reference {
            name: "shop.Line".into(),
            text: r#"{"type": "record", "name": "Line", "namespace": "shop", "fields": [{"name": "unit", "type": "Unit"}]}"#.into(),
        };
        let unit = Reference {
            name: "Unit".into(),
            text: r#"{"type": "enum", "name": "shop.Unit", "symbols": ["KG"]}"#.into(),
        };
        let order = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
            {"name": "first", "type": ["null", "Line"]}, {"name": "more", "type": {"type": "array", "items": "shop.Line"}},
            {"name": "parent", "type": ["null", "Order"]}]}"#;
        let value = inlined(order, &[line, unit]).expect("a schema");
        assert_eq!(value["fields"][0]["type"][1]["fields"][0]["type"]["symbols"], json!(["KG"]));
        assert_eq!(value["fields"][1]["type"]["items"], "shop.Line");
        assert_eq!(value["fields"][2]["type"][1], "shop.Order");
        assert!(mesh_schema::Schema::parse(mesh_schema::Format::Avro, &value.to_string(), &[]).is_ok());
        assert_eq!(inlined(order, &[]), Err(NotContent::Unknown("shop.Line".into())));
    }

    #[test]
    fn a_type_without_namespace_keeps_none() {
        let bare = Reference { name: "Bare".into(), text: r#"{"type": "fixed", "name": "Bare", "size": 2}"#.into() };
        let order = r#"{"type": "record", "name": "O", "fields": [{"name": "a", "type": {"type": "record", "name": "shop.P", "fields": []}}, {"name": "b", "type": "Bare"}]}"#;
        let value = inlined(order, &[bare]).expect("a schema");
        assert_eq!(value["fields"][1]["type"]["namespace"], "");
        assert_eq!(inlined(r#""string""#, &[]), Ok(json!({"type": "string"})), "a document wants an object");
    }
}
