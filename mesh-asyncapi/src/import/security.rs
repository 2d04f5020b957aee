//! Security: maps of names become references.

use serde_json::{Map, Value, json};

use super::convert::Converter;
use crate::pointer::Pointer;

/// The scopes of a flow are those there are, not those that are asked for.
pub(super) fn scheme(scheme: &mut Value) {
    let Some(flows) = scheme.get_mut("flows").and_then(Value::as_object_mut) else { return };
    for (_, flow) in flows {
        if let Some(flow) = flow.as_object_mut()
            && let Some(scopes) = flow.shift_remove("scopes")
        {
            flow.insert("availableScopes".into(), scopes);
        }
    }
}

/// A list of maps from names of schemes to scopes.
pub(super) fn requirements(converter: &mut Converter<'_>, list: Value, at: &Pointer) -> Result<Value, String> {
    let Value::Array(items) = list else { return Ok(list) };
    let mut all = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Value::Object(map) = item else {
            all.push(item);
            continue;
        };
        if map.contains_key("$ref") || map.contains_key("type") {
            all.push(map.into());
            continue;
        }
        if map.len() > 1 {
            let note =
                "Schemes that were needed together are alternatives now: version 3 cannot ask for several at once.";
            converter.note(&at.child(index), note);
        }
        for (name, scopes) in map {
            all.push(requirement(converter, &name, scopes)?);
        }
    }
    Ok(all.into())
}

fn requirement(converter: &mut Converter<'_>, name: &str, scopes: Value) -> Result<Value, String> {
    let place = Pointer::of(["components", "securitySchemes", name]);
    let has_scopes = scopes.as_array().is_some_and(|scopes| !scopes.is_empty());
    let known = place.get(converter.refs.root().value).and_then(Value::as_object);
    let takes_scopes = |map: &&Map<String, Value>| {
        map.get("type").and_then(Value::as_str).is_some_and(|kind| matches!(kind, "oauth2" | "openIdConnect"))
    };
    match known.filter(takes_scopes).filter(|_| has_scopes) {
        Some(map) => {
            let mut copy = converter.copy(&Value::Object(map.clone()))?;
            scheme(&mut copy);
            copy["scopes"] = scopes;
            Ok(copy)
        }
        None => Ok(json!({ "$ref": place.to_reference() })),
    }
}
