//! Messages: headers, payloads, and whether several on one channel can be told apart.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Lint;
use super::rules::{HEADERS_OBJECT, HEADERS_PROTOCOL, MESSAGE_AMBIGUOUS, PAYLOAD};
use crate::parts::{Kind, Part, is_json_schema};
use crate::refs::{Found, Refs};
use crate::schema::{Standing, standing};

/// Most messages of one channel that are compared with each other.
const COMPARED_MAX: usize = 40;

/// Most pairs of messages of one document that are compared.
const PAIRS_MAX: usize = 20_000;
/// Most fields of one schema that are looked at.
const FIELDS_MAX: usize = 200;

/// Headers of protocols, which libraries set and which have their own places in a document.
const PROTOCOL_HEADERS: [&str; 16] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "proxy-authorization",
    "set-cookie",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

pub(super) fn check(lint: &mut Lint<'_>) {
    let messages: Vec<Part<'_>> =
        lint.parts.all(Kind::Message).chain(lint.parts.all(Kind::MessageTrait)).cloned().collect();
    for message in messages {
        let found = Found { at: message.at.clone(), value: message.value };
        headers(lint, &found);
        if message.kind == Kind::Message && found.field("payload").is_none() {
            let advice = "add `payload`; an empty one is `payload: {type: 'null'}`";
            lint.add(&PAYLOAD, found.at, "the message does not say what its payload is", advice);
        }
    }
    ambiguity(lint);
}

fn headers(lint: &mut Lint<'_>, message: &Found<'_>) {
    let Some(headers) = message.field("headers") else { return };
    let Ok(schema) = standing(lint.refs, &headers) else { return };
    if !is_json_schema(schema.format) {
        return;
    }
    let combines = ["allOf", "anyOf", "oneOf"].into_iter().any(|key| schema.value.get(key).is_some());
    if schema.value.get("type").and_then(Value::as_str) != Some("object") && !combines {
        let advice = "write `type: object`, with the headers as `properties`";
        lint.add(&HEADERS_OBJECT, headers.at, "the headers are not described as an object", advice);
        return;
    }
    let names = schema.value.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (name, _) in names.filter(|(name, _)| PROTOCOL_HEADERS.contains(&name.to_ascii_lowercase().as_str())) {
        let message = format!("`{name}` is a header of the protocol");
        let advice = "remove it: the content type is `contentType`, credentials are `security`, the rest are bindings";
        lint.add(&HEADERS_PROTOCOL, schema.at.child("properties").child(name), message, advice);
    }
}

fn ambiguity(lint: &mut Lint<'_>) {
    let has_registry =
        lint.parts.all(Kind::Server).any(|server| server.value.pointer("/bindings/kafka/schemaRegistryUrl").is_some());
    let mut found = Vec::new();
    let mut left = PAIRS_MAX;
    for channel in lint.parts.all(Kind::Channel) {
        let entries = (Found { at: channel.at.clone(), value: channel.value }).entries("messages");
        let messages: Vec<_> = entries.map(|(key, entry)| (key, lint.refs.behind(&entry))).take(COMPARED_MAX).collect();
        let pairs = messages
            .iter()
            .enumerate()
            .flat_map(|(index, one)| messages[..index].iter().map(move |other| (other, one)));
        let alike = |pair: &(&(&str, Found<'_>), &(&str, Found<'_>))| {
            let ((_, one), (_, other)) = pair;
            left = left.saturating_sub(1);
            if left == 0 {
                return false;
            }
            one.at == other.at || !are_apart(lint.refs, one, other, has_registry)
        };
        if let Some(((one, _), (other, _))) = pairs.into_iter().find(alike) {
            found.push((channel.at.child("messages"), format!("`{one}` and `{other}` cannot be told apart")));
        }
    }
    for (at, message) in found {
        let advice = "let a header or a field of the payload have another `const` in each, and require it";
        lint.add(&MESSAGE_AMBIGUOUS, at, message, advice);
    }
}

/// Whether no message can be both.
fn are_apart<'a>(refs: Refs<'a>, one: &Found<'a>, other: &Found<'a>, has_registry: bool) -> bool {
    if one.text("contentType").zip(other.text("contentType")).is_some_and(|(one, other)| one != other) {
        return true;
    }
    let schema = |of: &Found<'a>, key: &str| of.field(key).and_then(|schema| standing(refs, &schema).ok());
    let payloads = schema(one, "payload").zip(schema(other, "payload"));
    let headers = schema(one, "headers").zip(schema(other, "headers"));
    if headers.is_some_and(|(one, other)| schemas_are_apart(refs, &one, &other)) {
        return true;
    }
    payloads.is_some_and(|(one, other)| match (is_json_schema(one.format), is_json_schema(other.format)) {
        (true, true) => schemas_are_apart(refs, &one, &other),
        // Readers know the schema by its id.
        (false, false) => has_registry && one.value != other.value,
        _ => has_registry,
    })
}

fn schemas_are_apart<'a>(refs: Refs<'a>, one: &Standing<'a>, other: &Standing<'a>) -> bool {
    let types = types(one.value).zip(types(other.value));
    if types.is_some_and(|(one, other)| one.is_disjoint(&other)) {
        return true;
    }
    let (fixed_one, fixed_other) = (fixed(refs, one, 2), fixed(refs, other, 2));
    let is_apart = |(path, values): (&String, &Vec<Value>)| {
        fixed_other.get(path).is_some_and(|others| !values.iter().any(|value| others.contains(value)))
    };
    fixed_one.iter().any(is_apart) || lacks(one.value, other.value) || lacks(other.value, one.value)
}

fn types(schema: &Value) -> Option<BTreeSet<&str>> {
    let of = schema.get("type")?;
    let list = of.as_array().map_or_else(|| std::slice::from_ref(of), Vec::as_slice);
    let mut types: BTreeSet<&str> = list.iter().filter_map(Value::as_str).collect();
    if types.contains("number") {
        types.insert("integer");
    }
    Some(types)
}

/// The values that required fields can have, by the way to them.
fn fixed<'a>(refs: Refs<'a>, schema: &Standing<'a>, depth: usize) -> BTreeMap<String, Vec<Value>> {
    let mut map = BTreeMap::new();
    let found = Found { at: schema.at.clone(), value: schema.value };
    let required: BTreeSet<&str> =
        found.items("required").take(FIELDS_MAX).filter_map(|name| name.value.as_str()).collect();
    for (name, property) in found.entries("properties").filter(|(name, _)| required.contains(name)).take(FIELDS_MAX) {
        let property = refs.behind(&property);
        let values = property.value.get("const").map(|value| vec![value.clone()]);
        let values = values.or_else(|| property.value.get("enum").and_then(Value::as_array).cloned());
        if let Some(values) = values {
            map.insert(name.to_owned(), values);
        } else if depth > 0 {
            let inner = Standing { at: property.at, value: property.value, format: None };
            let inside = fixed(refs, &inner, depth - 1);
            map.extend(inside.into_iter().map(|(path, values)| (format!("{name}/{path}"), values)));
        }
    }
    for part in found.items("allOf").take(FIELDS_MAX) {
        let part = refs.behind(&part);
        if depth > 0 {
            map.extend(fixed(refs, &Standing { at: part.at, value: part.value, format: None }, depth - 1));
        }
    }
    map
}

/// Whether one requires a field that the other does not allow.
fn lacks(one: &Value, other: &Value) -> bool {
    let is_closed =
        other.get("additionalProperties") == Some(&Value::Bool(false)) && other.get("patternProperties").is_none();
    let names = one.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let knows = |name: &str| other.get("properties").is_some_and(|properties| properties.get(name).is_some());
    is_closed && names.into_iter().any(|name| !knows(name))
}
