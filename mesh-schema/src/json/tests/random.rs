//! Schemas and documents made up at random, judged by the `jsonschema` crate.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::{Level, check};
use super::super::{parse, valid};
use super::{judge, problems, schema};

/// A schema made up at random, without `oneOf`, whose branches may come to overlap.
fn any_schema() -> impl Strategy<Value = Value> {
    let kinds = vec!["null", "boolean", "integer", "number", "string", "array", "object"];
    let leaf = prop_oneof![
        Just(json!(true)),
        prop::sample::subsequence(kinds, 1..3).prop_map(|kinds| json!({"type": kinds})),
        (-2..3, 0..4).prop_map(|(low, width)| json!({"type": "integer", "minimum": low, "maximum": low + width})),
        (0..3, 0..3).prop_map(|(low, width)| json!({"type": "string", "minLength": low, "maxLength": low + width})),
        prop::sample::subsequence(vec![json!("a"), json!(1), json!(null), json!(true)], 1..3)
            .prop_map(|values| json!({"enum": values})),
        Just(json!({"type": "string", "pattern": "^[a-c]+$"})),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let parts = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            object(inner.clone().boxed()),
            (inner.clone(), 0..2, 0..3).prop_map(
                |(items, low, width)| json!({"type": "array", "items": items, "minItems": low, "maxItems": low + width})
            ),
            parts.clone().prop_map(|parts| json!({"type": "array", "prefixItems": parts, "items": false})),
            parts.clone().prop_map(|parts| json!({"anyOf": parts})),
            parts.clone().prop_map(|parts| json!({"allOf": parts})),
            (any::<bool>(), parts.clone()).prop_map(|(all, parts)| {
                let key = if all { "allOf" } else { "anyOf" };
                json!({key: parts, "unevaluatedProperties": false})
            }),
            parts.prop_map(|parts| json!({"allOf": parts, "unevaluatedItems": false})),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(when, then, otherwise)| json!({"if": when, "then": then, "else": otherwise})),
            inner.clone().prop_map(|part| json!({"type": "array", "contains": part})),
            inner.prop_map(|part| json!({"not": part})),
        ]
    })
}

fn object(inner: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let properties = prop::collection::btree_map("[a-c]", inner.clone(), 0..3);
    let required = prop::collection::btree_set("[a-c]", 0..2);
    let rest = prop_oneof![inner.clone(), Just(json!(false)), Just(json!(true))];
    (properties, required, rest, prop::option::of(inner)).prop_map(|(properties, required, rest, pattern)| {
        let mut schema = json!({"type": "object", "properties": properties, "required": required});
        schema["additionalProperties"] = rest;
        if let Some(pattern) = pattern {
            schema["patternProperties"] = json!({"^[ab]": pattern});
        }
        schema
    })
}

/// The places of all subschemas.
fn spots(value: &Value, path: &str, out: &mut Vec<String>) {
    let words = ["type", "anyOf", "allOf", "not", "enum", "if"];
    if value.is_boolean() || words.iter().any(|word| value.get(word).is_some()) {
        out.push(path.to_owned());
    }
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| spots(value, &format!("{path}/{key}"), out)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| spots(value, &format!("{path}/{at}"), out));
        }
        _ => {}
    }
}

/// A schema in which one part is another one: closer to how schemas change than two that have nothing in common.
fn grafted(mut schema: Value, part: &Value, at: usize) -> Value {
    let mut places = Vec::new();
    spots(&schema, "", &mut places);
    places.retain(|place| !place.contains("/enum/"));
    if let Some(spot) = places.get(at % places.len().max(1)).and_then(|place| schema.pointer_mut(place)) {
        *spot = part.clone();
    }
    schema
}

/// The text of a schema that says its draft.
fn text_of(mut schema: Value) -> String {
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    }
    schema.to_string()
}

/// A value made up at random, of the kind those schemas are about.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3..6).prop_map(Value::from),
        Just(json!(0.5)),
        "[a-d]{0,4}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_compatible_accepts_every_document(
        old in any_schema(),
        part in any_schema(),
        at in 0_usize..20,
        values in prop::collection::vec(any_value(), 12),
    ) {
        let new = grafted(old.clone(), &part, at);
        let (old, new) = (text_of(old), text_of(new));
        let (reader, writer) = (schema(&new), schema(&old));
        if check(Level::Backward, &reader, &[&writer]).compatible {
            let (before, after) = (judge(&old), judge(&new));
            for value in values.into_iter().chain(writer.example()) {
                let kept = !before.is_valid(&value) || after.is_valid(&value);
                prop_assert!(kept, "{value} is valid under {old} only, not under {new}");
            }
        }
    }

    #[test]
    fn a_relaxed_schema_accepts_what_the_strict_one_did(schema_value in any_schema()) {
        let text = text_of(schema_value.clone());
        let nullable = text_of(json!({"anyOf": [schema_value, {"type": "null"}]}));
        prop_assert_eq!(problems(&nullable, &text), Vec::<String>::new());
        // Told apart by a word that constrains nothing.
        let commented = if text == "true" { "{}".to_owned() } else { text.replacen('{', "{\"$comment\":\"\",", 1) };
        prop_assert_eq!(problems(&commented, &text), Vec::<String>::new());
    }

    #[test]
    fn every_example_is_valid(value in any_schema()) {
        let text = text_of(value);
        if let Ok(example) = schema(&text).example() {
            prop_assert!(judge(&text).is_valid(&example), "{example} is not valid under {text}");
        }
    }

    #[test]
    fn values_are_judged_as_the_crate_judges_them(value in any_schema(), document in any_value()) {
        let text = text_of(value);
        let model = parse(&text, &[]).expect("sound").model;
        let (ours, theirs) = (valid::is_valid(&model, &document), judge(&text).is_valid(&document));
        // Items that other parts describe are not looked up.
        let stricter = text.contains("unevaluatedItems") && theirs;
        prop_assert!(ours == theirs || stricter, "{text} {document}: {ours}");
    }
}
