//! Examples and defaults, held against their schemas.

use mesh_schema::{Format, Presence, Schema};
use serde_json::Value;

use super::Lint;
use super::rules::{MESSAGE_EXAMPLES, Rule, SCHEMA_DEFAULT, SCHEMA_EXAMPLES};
use crate::document::kind;
use crate::parts::{Kind, Part};
use crate::pointer::Pointer;
use crate::refs::Found;

/// Most examples and defaults of one document that are looked at. The rest of so many tells nothing new.
const LOOKED_AT_MAX: usize = 1_000;

pub(super) fn check(lint: &mut Lint<'_>) {
    let mut left = LOOKED_AT_MAX;
    let messages: Vec<Part<'_>> = lint.parts.all(Kind::Message).cloned().collect();
    for message in messages {
        let found = Found { at: message.at, value: message.value };
        let examples: Vec<_> = found.items("examples").collect();
        for (key, word) in [("payload", "payload"), ("headers", "headers")] {
            let given: Vec<_> = examples.iter().filter_map(|example| example.field(key)).collect();
            let Some(schema) = found.field(key).filter(|_| !given.is_empty()) else { continue };
            judge(lint, &MESSAGE_EXAMPLES, &schema, given, word, &mut left);
        }
    }
    let on = [lint.is_on(&SCHEMA_EXAMPLES), lint.is_on(&SCHEMA_DEFAULT)];
    if on == [false, false] {
        return;
    }
    let schemas = lint.parts.all(Kind::Schema).chain(lint.parts.all(Kind::Subschema));
    let says = |part: &&Part<'_>| part.value.get("examples").is_some() || part.value.get("default").is_some();
    let schemas: Vec<Part<'_>> = schemas.filter(says).cloned().collect();
    for schema in schemas {
        let found = Found { at: schema.at, value: schema.value };
        if found.text("schemaFormat").is_some() {
            continue;
        }
        judge(lint, &SCHEMA_EXAMPLES, &found, found.items("examples").collect(), "example", &mut left);
        judge(lint, &SCHEMA_DEFAULT, &found, found.field("default").into_iter().collect(), "default", &mut left);
    }
}

fn judge<'a>(
    lint: &mut Lint<'a>,
    rule: &Rule,
    schema: &Found<'a>,
    values: Vec<Found<'_>>,
    word: &str,
    left: &mut usize,
) {
    if values.is_empty() || *left == 0 {
        return;
    }
    *left = left.saturating_sub(values.len());
    // What is wrong with the schema itself is told elsewhere.
    let Ok(schema) = lint.load(schema) else { return };
    for value in values {
        if schema.holds(value.value) == Some(false) {
            let (at, why) = explain(&schema, &value);
            let message = format!("the {word} is not valid under its schema{why}");
            lint.add(rule, at, message, "correct it, or the schema");
        }
    }
}

/// The first field that is missing or of another type, where one can be found by looking at them one by one.
fn explain(schema: &Schema, value: &Found<'_>) -> (Pointer, String) {
    for field in schema.fields().iter().filter(|field| !field.path.contains(['[', '{', '(', '$'])) {
        let steps: Vec<&str> = field.path.split('.').collect();
        let (last, before) = steps.split_last().expect("splitting gives at least one part");
        let around = before.iter().try_fold(value.value, |value, step| value.get(step));
        let Some(around) = around.filter(|around| around.is_object()) else { continue };
        let at = steps.iter().fold(value.at.clone(), |at, step| at.child(step));
        match around.get(last) {
            // Avro takes the default for what is missing.
            None if schema.format() == Format::Avro && field.default.is_some() => {}
            None if field.presence == Presence::Required => {
                return (at.parent().unwrap_or_default(), format!(": `{}` is missing", field.path));
            }
            Some(given) if !fits(&field.kind, given) => {
                return (at, format!(": `{}` is {}, not {}", field.path, kind(given), field.kind));
            }
            _ => {}
        }
    }
    (value.at.clone(), String::new())
}

/// Whether a value can be of a type in words; yes, where the words say more than a simple type.
fn fits(words: &str, value: &Value) -> bool {
    match words {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" | "float" | "double" => value.is_number(),
        "integer" | "int" | "long" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}
