//! Schemas that nobody wrote: made of the shapes of payloads that were seen.
//!
//! Inferred, not declared: they say what was sent so far, and never that something else must not be.

use mesh_protocol::report::{FieldShape, Format, Shape};
use serde_json::{Map, Value, json};

/// A field as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenField {
    /// The way to it, as [`Field`](crate::Field) writes it.
    pub path: String,
    /// What it holds, in words: `integer or null`, `list of object`.
    pub kind: String,
    /// In how many of the objects that could have it.
    pub seen: u64,
    /// How many these are.
    pub of: u64,
}

/// The fields of a shape, each before those inside it.
#[must_use]
pub fn fields(shape: &Shape) -> Vec<SeenField> {
    let mut all = Vec::new();
    collect(shape, "", &mut all);
    all
}

fn collect(shape: &Shape, path: &str, all: &mut Vec<SeenField>) {
    for FieldShape { name, shape: inner } in &shape.fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let (seen, of) = (inner.total(), shape.object);
        all.push(SeenField { path: path.clone(), kind: kind(inner), seen, of });
        collect(inner, &path, all);
    }
    if let Some(entries) = &shape.entries {
        collect(entries, &format!("{path}{{}}"), all);
    }
    if let Some(elements) = &shape.elements {
        collect(elements, &format!("{path}[]"), all);
    }
}

/// What was seen at a place, in words; the most frequent first.
#[must_use]
pub fn kind(shape: &Shape) -> String {
    let list =
        || shape.elements.as_ref().map_or("empty list".to_owned(), |inner| format!("list of {}", bracketed(inner)));
    let map = || match &shape.entries {
        Some(inner) => format!("map of {}", bracketed(inner)),
        None => "object".to_owned(),
    };
    let text = shape.format.map_or("string".to_owned(), |format| match format {
        Format::DateTime => "date and time".to_owned(),
        Format::Date => "date".to_owned(),
        Format::Uuid => "UUID".to_owned(),
        Format::Text => "string".to_owned(),
    });
    let number = if shape.fraction > 0 { "number" } else { "integer" };
    let mut kinds = vec![
        (shape.string, text),
        (shape.integer.saturating_add(shape.fraction), number.to_owned()),
        (shape.boolean, "boolean".to_owned()),
        (shape.object, map()),
        (shape.array, list()),
    ];
    kinds.retain(|(count, _)| *count > 0);
    kinds.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    if shape.null > 0 {
        kinds.push((shape.null, "null".to_owned()));
    }
    kinds.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>().join(" or ")
}

fn bracketed(inner: &Shape) -> String {
    match kind(inner) {
        several if several.contains(" or ") => format!("({several})"),
        one => one,
    }
}

/// A JSON Schema that everything that was seen is valid by. Open: it forbids no field.
#[must_use]
pub fn json_schema(shape: &Shape) -> Value {
    let mut schema = Map::from_iter([("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"))]);
    schema.append(&mut schema_of(shape));
    schema.into()
}

fn schema_of(shape: &Shape) -> Map<String, Value> {
    let number = if shape.fraction > 0 { "number" } else { "integer" };
    let kinds = [
        (shape.object, "object"),
        (shape.array, "array"),
        (shape.string, "string"),
        (shape.integer.saturating_add(shape.fraction), number),
        (shape.boolean, "boolean"),
        (shape.null, "null"),
    ];
    let kinds: Vec<&str> = kinds.into_iter().filter(|(count, _)| *count > 0).map(|(_, kind)| kind).collect();
    let mut schema = Map::new();
    match kinds.as_slice() {
        [] => {}
        [one] => drop(schema.insert("type".to_owned(), json!(one))),
        several => drop(schema.insert("type".to_owned(), json!(several))),
    }
    if let Some(format) = shape.format {
        schema.insert("format".to_owned(), json!(format.to_string()));
    }
    if !shape.fields.is_empty() {
        let inner = |field: &FieldShape| (field.name.clone(), Value::from(schema_of(&field.shape)));
        let properties: Map<String, Value> = shape.fields.iter().map(inner).collect();
        schema.insert("properties".to_owned(), properties.into());
        let all = shape.fields.iter().filter(|field| field.shape.total() >= shape.object);
        let required: Vec<&str> = all.map(|field| field.name.as_str()).collect();
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
    }
    if let Some(entries) = &shape.entries {
        schema.insert("additionalProperties".to_owned(), schema_of(entries).into());
    }
    if let Some(elements) = &shape.elements {
        schema.insert("items".to_owned(), schema_of(elements).into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape(values: &[Value]) -> Shape {
        let mut shape = Shape::default();
        values.iter().for_each(|value| shape.look(value));
        shape
    }

    #[test]
    fn fields_say_what_they_hold_and_how_often_they_are_there() {
        let seen = shape(&[
            json!({ "id": "01989d2a-0b5c-7c3e-9c43-0d6a5c1f2b3e", "lines": [{ "sku": "a", "price": 1.5 }], "at": null }),
            json!({ "id": "01989d2a-0b5c-7c3e-9c43-0d6a5c1f2b3f", "lines": [], "stock": { "4711": 1, "4712": null } }),
        ]);
        let fields: Vec<_> =
            fields(&seen).into_iter().map(|field| (field.path, field.kind, field.seen, field.of)).collect();
        let field = |path: &str, kind: &str, seen, of| (path.to_owned(), kind.to_owned(), seen, of);
        assert_eq!(
            fields,
            [
                field("at", "null", 1, 2),
                field("id", "UUID", 2, 2),
                field("lines", "list of object", 2, 2),
                field("lines[].price", "number", 1, 1),
                field("lines[].sku", "string", 1, 1),
                field("stock", "map of (integer or null)", 1, 2),
            ]
        );
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            (0.1_f64..0.9).prop_map(Value::from),
            prop_oneof!["[a-z]{0,3}", Just("2026-11-30".to_owned()), Just("2026-11-30T01:02:03.4Z".to_owned())]
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-d]|[0-9]{4}", inner, 0..5)
                    .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        /// By a validator of others: whatever was seen is valid by the schema that is made of it.
        #[test]
        fn what_was_seen_is_valid(values in prop::collection::vec(json_value(), 1..6)) {
            let schema = json_schema(&shape(&values));
            let validator = jsonschema::options().should_validate_formats(true).build(&schema);
            let validator = validator.map_err(|error| TestCaseError::fail(format!("{schema}: {error}")))?;
            for value in &values {
                prop_assert!(validator.is_valid(value), "{} by {}", value, schema);
            }
        }
    }
}
