//! The normal form of an Avro text.

use serde_json::{Map, Value};

use super::super::text::{write_list, write_sorted, write_string};
use super::{PRIMITIVES, full_name, namespace_of};

/// Attributes in the order of the parsing canonical form; all others follow by name.
const FIRST: [&str; 7] = ["name", "type", "fields", "symbols", "items", "values", "size"];

pub(super) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, "", &mut out);
    out
}

fn write(value: &Value, namespace: &str, out: &mut String) {
    match value {
        Value::String(name) => write_string(&full(name, namespace), out),
        Value::Array(branches) => write_list(out, '[', ']', branches, |branch, out| write(branch, namespace, out)),
        Value::Object(map) => write_type(map, namespace, out),
        other => write_sorted(other, out),
    }
}

fn full(name: &str, namespace: &str) -> String {
    if PRIMITIVES.contains(&name) { name.to_owned() } else { full_name(name, namespace) }
}

fn write_type(map: &Map<String, Value>, namespace: &str, out: &mut String) {
    // A type that says nothing but what it is stands without the object around it.
    if map.len() == 1
        && let Some(inner) = map.get("type")
    {
        return write(inner, namespace, out);
    }
    let own = map.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
    let name = map.get("name").and_then(Value::as_str).map(|name| full_name(name, own));
    let inner = name.as_deref().map_or(namespace, namespace_of);
    // A name without a namespace inside one with a namespace has to say so.
    let says_none = !namespace.is_empty() && name.as_deref().is_some_and(|name| !name.contains('.'));
    let mut attributes = attributes(map);
    attributes.retain(|(key, _)| *key != "namespace" || name.is_none() || says_none);
    write_list(out, '{', '}', attributes, |(key, value), out| {
        write_string(key, out);
        out.push(':');
        match key {
            "name" => write_string(name.as_deref().unwrap_or_default(), out),
            "type" if is_complex(value) => write_sorted(value, out),
            "type" => write(value, namespace, out),
            "items" | "values" => write(value, namespace, out),
            "fields" => write_list(out, '[', ']', value.as_array().into_iter().flatten(), |field, out| {
                write_field(field, inner, out);
            }),
            "aliases" => write_list(out, '[', ']', value.as_array().into_iter().flatten(), |alias, out| {
                write_string(&full_name(alias.as_str().unwrap_or_default(), inner), out);
            }),
            _ => write_sorted(value, out),
        }
    });
}

fn is_complex(value: &Value) -> bool {
    matches!(value.as_str(), Some("record" | "enum" | "fixed" | "array" | "map"))
}

fn write_field(field: &Value, namespace: &str, out: &mut String) {
    let Some(map) = field.as_object() else { return write_sorted(field, out) };
    write_list(out, '{', '}', attributes(map), |(key, value), out| {
        write_string(key, out);
        out.push(':');
        if key == "type" { write(value, namespace, out) } else { write_sorted(value, out) }
    });
}

fn attributes(map: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut list: Vec<_> = map.iter().map(|(key, value)| (key.as_str(), value)).collect();
    list.sort_by_key(|(key, _)| (FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()), *key));
    list
}
