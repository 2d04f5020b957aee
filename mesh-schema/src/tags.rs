//! Tags of parts of a schema, as Confluent's Stream Governance writes them into the text: `"confluent:tags": ["PII"]` at
//! whatever has a type, or the option `(confluent.field_meta).tags` of a Protobuf field.

use serde_json::{Map, Value};

/// The attribute in Avro and JSON Schema.
const ATTRIBUTE: &str = "confluent:tags";

/// The tags that an object of a text has. A single text counts as a list of it: who forgot the brackets meant the tag.
pub(super) fn written(map: &Map<String, Value>) -> impl Iterator<Item = String> + use<'_> {
    let value = map.get(ATTRIBUTE);
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.chain(value).filter_map(Value::as_str).map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned)
}

/// All tags anywhere inside a value that is not read as a schema.
pub(super) fn anywhere(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            all.extend(written(map));
            map.values().for_each(|value| anywhere(value, all));
        }
        Value::Array(items) => items.iter().for_each(|item| anywhere(item, all)),
        _ => {}
    }
}

/// Each tag once, in order.
pub(super) fn one_each(tags: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut tags: Vec<String> = tags.into_iter().collect();
    tags.sort();
    tags.dedup();
    tags
}
