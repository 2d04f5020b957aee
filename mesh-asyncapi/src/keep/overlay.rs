//! One part of an export, filled with what its author said of it.

use serde_json::{Map, Value};

use super::{is_foreign, named, put_new};
use crate::parts::reference;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};

/// Deepest references inside what is copied; deeper ones are left out.
const DEPTH_MAX: usize = 24;

/// Whose words about a part count, where both have some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// They can be edited there.
    OfCatalog,
    /// Those of the export are made up.
    OfAuthor,
}

/// Words that an export makes up.
const WORDS: [&str; 3] = ["title", "summary", "description"];

/// Adds what an author says of a part to what an export says; `left` stays as the export has it.
pub(super) fn fill(author: Refs<'_>, into: &mut Value, theirs: &Value, words: Words, left: &[&str]) {
    let Some(map) = theirs.as_object() else { return };
    for (key, value) in map {
        let key = key.as_str();
        let is_ours = key.starts_with("x-") && !is_foreign(key);
        if is_ours || left.contains(&key) {
            continue;
        }
        // Extensions and examples are values: what looks like a reference in them is none.
        let is_value = key.starts_with("x-") || key == "examples";
        let Some(value) = (if is_value { Some(value.clone()) } else { inlined(author, value) }) else { continue };
        match key {
            "tags" => add_tags(into, &value),
            "bindings" => add_bindings(into, &value),
            // What only repeats the name in the export is better said by the author.
            "title" if words == Words::OfCatalog && theirs.get("name") != Some(&value) => into["title"] = value,
            key if WORDS.contains(&key) && words == Words::OfAuthor => into[key] = value,
            key => put_new(into, key, value),
        }
    }
}

/// Tags of both; of the same name those that say more.
fn add_tags(into: &mut Value, theirs: &Value) {
    let mut list = into.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, tag) in named(theirs) {
        match list.iter_mut().find(|own| own["name"] == name.as_str()) {
            Some(own) => {
                let size = |tag: &Value| tag.as_object().map_or(0, Map::len);
                if size(own) < size(&tag) {
                    *own = tag;
                }
            }
            None => list.push(tag),
        }
    }
    if !list.is_empty() {
        into["tags"] = list.into();
    }
}

/// Bindings of protocols that the export has none of, and fields that it does not have.
fn add_bindings(into: &mut Value, theirs: &Value) {
    for (protocol, binding) in theirs.as_object().into_iter().flatten() {
        let Some(own) = into.get_mut("bindings").and_then(|all| all.get_mut(protocol)) else {
            into["bindings"][protocol] = binding.clone();
            continue;
        };
        for (key, value) in binding.as_object().into_iter().flatten() {
            put_new(own, key, value.clone());
        }
    }
}

/// A copy in which nothing refers to the document it was in; none = it refers to what is not there.
pub(super) fn inlined(author: Refs<'_>, value: &Value) -> Option<Value> {
    inline(author, value, 0)
}

fn inline(author: Refs<'_>, value: &Value, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::Object(map) => {
            if reference(value).is_some() {
                let found = author.follow(&Found { at: Pointer::root(), value }).ok()?;
                return inline(author, found.value, depth + 1);
            }
            let fields = map.iter().filter_map(|(key, inner)| {
                let copy = if key.starts_with("x-") { inner.clone() } else { inline(author, inner, depth + 1)? };
                Some((key.clone(), copy))
            });
            Some(Value::Object(fields.collect()))
        }
        Value::Array(list) => Some(list.iter().filter_map(|item| inline(author, item, depth + 1)).collect()),
        other => Some(other.clone()),
    }
}
