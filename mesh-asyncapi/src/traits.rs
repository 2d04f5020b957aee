//! Operations and messages with what their traits add.
//!
//! In version 3 what stands in the object itself wins over its traits, and of two traits the later one wins.

use std::borrow::Cow;

use serde_json::Value;

use crate::refs::{Found, Refs};

/// An operation or message as its traits make it.
pub(crate) fn merged<'a>(refs: Refs<'a>, found: &Found<'a>) -> Cow<'a, Value> {
    let traits: Vec<_> =
        found.items("traits").map(|part| refs.behind(&part).value).filter(|part| part.is_object()).collect();
    if traits.is_empty() {
        return Cow::Borrowed(found.value);
    }
    let mut whole = Value::Object(serde_json::Map::new());
    for part in traits {
        merge(&mut whole, part);
    }
    merge(&mut whole, found.value);
    Cow::Owned(whole)
}

/// The second one wins, key by key.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        // What is a reference is not mixed with what is none.
        (Value::Object(into), Value::Object(from)) if !into.contains_key("$ref") && !from.contains_key("$ref") => {
            for (key, value) in from {
                match into.get_mut(key) {
                    Some(known) => merge(known, value),
                    None => drop(into.insert(key.clone(), value.clone())),
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_in_the_object_wins() {
        let root = json!({
            "t": {"summary": "of the trait", "description": "of the first", "bindings": {"kafka": {"a": 1, "b": 1}}},
            "o": {"summary": "own", "bindings": {"kafka": {"b": 2}}, "traits": [{"$ref": "#/t"}, {"description": "of the second"}]},
        });
        let refs = Refs::new(&root);
        let merged = merged(refs, &refs.root().field("o").expect("there"));
        assert_eq!(merged["summary"], "own");
        assert_eq!(merged["description"], "of the second");
        assert_eq!(merged["bindings"], json!({"kafka": {"a": 1, "b": 2}}));
    }
}
