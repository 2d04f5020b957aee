//! Bindings: versions that version 3 of AsyncAPI knows.

use serde_json::{Map, Value, json};

use super::convert::Converter;
use crate::bindings::versions;
use crate::document::Version;
use crate::parts::Level;
use crate::pointer::Pointer;

pub(super) fn convert(converter: &mut Converter<'_>, bindings: &mut Value, level: Level, at: &Pointer) {
    let Some(map) = bindings.as_object_mut() else { return };
    let all = std::mem::take(map);
    for (protocol, mut binding) in all {
        let here = at.child(&protocol);
        if protocol.starts_with("x-") {
            map.insert(protocol, binding);
            continue;
        }
        let Some(allowed) = versions(Version::V3_0, level, &protocol) else {
            converter.note(
                &here,
                format!("The bindings of {protocol} are kept as `x-{protocol}`: version 3 does not know them."),
            );
            map.insert(format!("x-{protocol}"), binding);
            continue;
        };
        if let Some(fields) = binding.as_object_mut() {
            one(converter, fields, &protocol, level, allowed, &here);
        }
        map.insert(protocol, binding);
    }
}

fn one(
    converter: &mut Converter<'_>,
    fields: &mut Map<String, Value>,
    protocol: &str,
    level: Level,
    allowed: &[&str],
    at: &Pointer,
) {
    if let ("kafka", Level::Operation) = (protocol, level) {
        for key in ["groupId", "clientId"] {
            if let Some(Value::String(text)) = fields.get(key) {
                let schema = json!({ "type": "string", "enum": [text] });
                fields.insert(key.into(), schema);
            }
        }
    }
    if let ("http", Level::Operation) = (protocol, level) {
        // Whether it is a request or an answer follows from the operation.
        fields.shift_remove("type");
    }
    if allowed.is_empty() {
        return empty(converter, fields, protocol, level, at);
    }
    let Some(given) = fields.get("bindingVersion") else { return };
    let is_known = given.as_str().is_some_and(|given| allowed.contains(&given));
    // The latest one: versions add to those before them.
    if let Some(latest) = allowed.first().filter(|_| !is_known) {
        converter.note(
            &at.child("bindingVersion"),
            format!("The bindings of {protocol} are of version {latest} now: version 3 does not know {given}."),
        );
        fields.insert("bindingVersion".into(), (*latest).into());
    }
}

/// What is reserved says nothing; what stood there is kept.
fn empty(converter: &mut Converter<'_>, fields: &mut Map<String, Value>, protocol: &str, level: Level, at: &Pointer) {
    let all = std::mem::take(fields);
    let mut kept = Vec::new();
    for (key, value) in all {
        if key == "bindingVersion" {
            continue;
        }
        let is_own = key.starts_with("x-");
        if !is_own {
            kept.push(format!("`x-{key}`"));
        }
        fields.insert(if is_own { key } else { format!("x-{key}") }, value);
    }
    if !kept.is_empty() {
        let note = format!(
            "What {protocol} bindings said is kept as {}: they are empty at a {} in version 3.",
            kept.join(", "),
            level.word()
        );
        converter.note(at, note);
    }
}
