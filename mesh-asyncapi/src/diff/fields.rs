//! Fields that are compared as they stand.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Impact::{self, NonBreaking, Unclassified};
use super::sides::{Pair, Sides};
use crate::parts::reference;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};

/// A field, the rule about it, and whom a change of it hurts.
pub(super) type Field = (&'static str, &'static str, Impact);

/// Words about a part, which hurt nobody.
const METADATA: [&str; 8] =
    ["title", "summary", "description", "tags", "externalDocs", "examples", "deprecated", "name"];

/// The document itself and its info.
pub(super) fn root(sides: &mut Sides<'_>) {
    let pair = Pair { key: "", old: sides.old.root(), new: sides.new.root(), at: Pointer::root() };
    let table = [
        ("asyncapi", "asyncapi-version-changed", NonBreaking),
        ("id", "id-changed", Unclassified),
        ("defaultContentType", "default-content-type-changed", NonBreaking),
    ];
    compare(sides, &pair, "the document", &table, &["info", "servers", "channels", "operations", "components"]);
    let info = |refs: Refs<'_>| refs.root().value.get("info").is_some_and(Value::is_object);
    if let (Some(old), Some(new)) = (sides.old.root().field("info"), sides.new.root().field("info"))
        && info(sides.old)
        && info(sides.new)
    {
        let pair = Pair { key: "info", old, at: new.at.clone(), new };
        let words =
            ["version", "contact", "license", "termsOfService"].map(|key| (key, "metadata-changed", NonBreaking));
        compare(sides, &pair, "the document", &words, &[]);
    } else if sides.old.root().value.get("info") != sides.new.root().value.get("info") {
        let values = (sides.old.root().value.get("info"), sides.new.root().value.get("info"));
        sides.add(
            "metadata-changed",
            NonBreaking,
            &Pointer::of(["info"]),
            values,
            "What the document says of itself changed.".into(),
        );
    }
}

/// Compares all fields of a part but some, by a table; what the table does not know hurts nobody if it is words or an
/// extension, and has to be looked at if not.
pub(super) fn compare(sides: &mut Sides<'_>, pair: &Pair<'_>, what: &str, table: &[Field], skip: &[&str]) {
    let empty = Map::new();
    let old = pair.old.value.as_object().unwrap_or(&empty);
    let new = pair.new.value.as_object().unwrap_or(&empty);
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys.into_iter().filter(|key| !skip.contains(&key.as_str())) {
        let (before, after) = (old.get(key), new.get(key));
        let (seen_before, seen_after) = (seen(sides.old, before), seen(sides.new, after));
        if seen_before == seen_after {
            continue;
        }
        let known = table.iter().find(|(field, ..)| field == key).map(|(_, rule, impact)| (*rule, *impact));
        let (rule, impact) = known.unwrap_or_else(|| match key.as_str() {
            key if METADATA.contains(&key) => ("metadata-changed", NonBreaking),
            key if key.starts_with("x-") => ("extension-changed", NonBreaking),
            _ => ("other-changed", Unclassified),
        });
        let sentence = told(what, key, seen_before.as_ref(), seen_after.as_ref());
        sides.add(rule, impact, &pair.at.child(key), (before, after), sentence);
    }
}

/// A value as a reader sees it: behind references, also those in a list.
pub(super) fn seen(refs: Refs<'_>, value: Option<&Value>) -> Option<Value> {
    let value = value?;
    let behind = |value: &Value| match reference(value).map(|text| refs.look_up(text)) {
        Some(Ok(found)) => refs.behind(&found).value.clone(),
        _ => value.clone(),
    };
    Some(match value {
        Value::Array(list) => list.iter().map(behind).collect(),
        value => behind(value),
    })
}

/// A change of a field in a sentence.
pub(super) fn told(what: &str, key: &str, before: Option<&Value>, after: Option<&Value>) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) if text.chars().count() <= 100 && !text.contains('\n') => Some(format!("`{text}`")),
        Value::Number(_) | Value::Bool(_) | Value::Null => Some(format!("`{value}`")),
        _ => None,
    };
    let subject = capital(what);
    match (before, after) {
        (None, Some(value)) => match shown(value) {
            Some(value) => format!("{subject} now has {value} as `{key}`."),
            None => format!("{subject} now has `{key}`."),
        },
        (Some(_), None) => format!("{subject} no longer has `{key}`."),
        (Some(before), Some(after)) => match shown(before).zip(shown(after)) {
            Some((before, after)) => format!("`{key}` of {what} is {after} instead of {before}."),
            None => format!("`{key}` of {what} changed."),
        },
        (None, None) => format!("`{key}` of {what} changed."),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The values of an `enum` that went away and those that came. Without a list, any value is allowed.
pub(super) struct Values {
    pub(super) narrower: bool,
    pub(super) wider: bool,
}

pub(super) fn values(old: &Found<'_>, new: &Found<'_>) -> Values {
    let list = |of: &Found<'_>| of.value.get("enum").and_then(Value::as_array).filter(|list| !list.is_empty()).cloned();
    match (list(old), list(new)) {
        (None, None) => Values { narrower: false, wider: false },
        (None, Some(_)) => Values { narrower: true, wider: false },
        (Some(_), None) => Values { narrower: false, wider: true },
        (Some(old), Some(new)) => Values {
            narrower: old.iter().any(|value| !new.contains(value)),
            wider: new.iter().any(|value| !old.contains(value)),
        },
    }
}
