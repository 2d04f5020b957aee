//! Channels: the address gets a field of its own, and operations and messages leave.

use serde_json::{Map, Value, json};

use super::convert::{Converter, ordered};
use super::{View, bindings, messages, parameters, security};
use crate::build::Action;
use crate::parts::{Level, reference};
use crate::pointer::Pointer;
use crate::refs::Found;

const CHANNEL: [&str; 9] =
    ["address", "title", "summary", "description", "servers", "messages", "parameters", "tags", "bindings"];
const OPERATION: [&str; 10] = [
    "action",
    "channel",
    "title",
    "summary",
    "description",
    "security",
    "tags",
    "externalDocs",
    "bindings",
    "messages",
];

type Maps = (Map<String, Value>, Map<String, Value>);

/// The channels and operations of version 3.
pub(super) fn convert(converter: &mut Converter<'_>, all: Map<String, Value>) -> Result<Maps, String> {
    let mut channels = Map::new();
    let mut operations = Map::new();
    for (address, channel) in all {
        let at = Pointer::of(["channels", &address]);
        let channel = taken_in(converter, channel, &at)?;
        let Value::Object(channel) = channel else {
            channels.insert(converter.channel_keys.key(&address), channel);
            continue;
        };
        let wanted = channel.get("x-channelId").and_then(Value::as_str).unwrap_or(&address).to_owned();
        let key = converter.channel_keys.key(&wanted);
        let to = Pointer::of(["channels", &key]);
        converter.moves.push((at.clone(), to.clone()));
        let channel = one(converter, channel, &address, (&at, &to), &key, &mut operations)?;
        channels.insert(key, channel.into());
    }
    Ok((channels, operations))
}

/// A channel that refers to a component takes it in: the address is its own.
fn taken_in(converter: &mut Converter<'_>, channel: Value, at: &Pointer) -> Result<Value, String> {
    if reference(&channel).is_none() {
        return Ok(channel);
    }
    let found = Found { at: at.clone(), value: &channel };
    let behind = converter
        .refs
        .follow(&Found { at: found.at, value: at.get(converter.refs.root().value).unwrap_or(&Value::Null) });
    match behind {
        Ok(behind) if behind.value.is_object() => converter.copy(behind.value),
        _ => {
            converter.note(at, "The channel refers to something outside of the document and stays a reference.");
            Ok(channel)
        }
    }
}

fn one(
    converter: &mut Converter<'_>,
    mut channel: Map<String, Value>,
    address: &str,
    (at, to): (&Pointer, &Pointer),
    key: &str,
    operations: &mut Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    if channel.contains_key("$ref") {
        return Ok(channel);
    }
    channel.insert("address".into(), address.into());
    if let Some(Value::Array(servers)) = channel.get_mut("servers") {
        for server in servers {
            if let Value::String(name) = server {
                *server = json!({ "$ref": Pointer::of(["servers", name]).to_reference() });
            }
        }
    }
    if let Some(all) = channel.get_mut("parameters") {
        parameters::convert_all(converter, all, &at.child("parameters"))?;
    }
    if let Some(value) = channel.get_mut("bindings").filter(|value| reference(value).is_none()) {
        bindings::convert(converter, value, Level::Channel, &at.child("bindings"));
    }
    let mut entries = Map::new();
    for kind in ["publish", "subscribe"] {
        match channel.shift_remove(kind) {
            Some(Value::Object(operation)) => {
                let from = at.child(kind);
                let wanted = operation
                    .get("operationId")
                    .and_then(Value::as_str)
                    .map_or_else(|| format!("{key}.{kind}"), str::to_owned);
                let name = converter.operation_keys.key(&wanted);
                converter.moves.push((from.clone(), Pointer::of(["operations", &name])));
                let operation = operation_of(converter, operation, kind, (&from, to), &name, &mut entries)?;
                operations.insert(name, operation.into());
            }
            Some(other) => drop(channel.insert(format!("x-{kind}"), other)),
            None => {}
        }
    }
    if !entries.is_empty() {
        channel.insert("messages".into(), entries.into());
    }
    Ok(ordered(channel, &CHANNEL))
}

fn operation_of(
    converter: &mut Converter<'_>,
    mut operation: Map<String, Value>,
    kind: &str,
    (from, channel): (&Pointer, &Pointer),
    name: &str,
    entries: &mut Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    operation.shift_remove("operationId");
    let action = match (kind, converter.view) {
        ("publish", View::Application) | ("subscribe", View::Client) => Action::Receive,
        _ => Action::Send,
    };
    operation.insert("action".into(), action.name().into());
    operation.insert("channel".into(), json!({ "$ref": channel.to_reference() }));
    let mut value = Value::Object(operation);
    convert_trait(converter, &mut value, from)?;
    let mut operation = value.as_object().cloned().unwrap_or_default();
    let Some(message) = operation.shift_remove("message") else { return Ok(ordered(operation, &OPERATION)) };
    let at = from.child("message");
    let all = match message {
        Value::Object(mut map) => match map.shift_remove("oneOf") {
            Some(Value::Array(list)) => {
                list.into_iter().enumerate().map(|(index, item)| (at.child("oneOf").child(index), item)).collect()
            }
            Some(other) => vec![(at, json!({ "x-oneOf": other }))],
            None => vec![(at, Value::Object(map))],
        },
        other => vec![(at, other)],
    };
    let mut references = Vec::new();
    for (at, message) in all {
        if !message.is_object() {
            converter.note(&at, "The message is left out: it is no object.");
            continue;
        }
        let key = entry(converter, message, &at, name, entries);
        references.push(json!({ "$ref": channel.child("messages").child(&key).to_reference() }));
    }
    operation.insert("messages".into(), references.into());
    Ok(ordered(operation, &OPERATION))
}

/// Puts a message into the components and onto the channel; the key it has there.
fn entry(
    converter: &mut Converter<'_>,
    mut message: Value,
    at: &Pointer,
    operation: &str,
    entries: &mut Map<String, Value>,
) -> String {
    let text = |key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
    let (key, target) = match reference(&message) {
        Some(reference) => {
            // Where it moves to is found later, as for all references.
            let last = Pointer::from_reference(reference).and_then(|at| at.last().map(str::to_owned));
            let key = last.unwrap_or_else(|| format!("{operation}.message"));
            (key, reference.to_owned())
        }
        None => {
            let wanted = text("messageId").or(text("name")).unwrap_or_else(|| format!("{operation}.message"));
            let key = converter.message_keys.key(&wanted);
            let to = Pointer::of(["components", "messages", &key]);
            converter.moves.push((at.clone(), to.clone()));
            messages::convert(converter, &mut message, at);
            converter.messages.insert(key.clone(), message);
            (key, to.to_reference())
        }
    };
    let target = json!({ "$ref": target });
    let mut plain = crate::build::Taken::default().key(&key);
    // Another message of the same name on the same channel.
    while entries.get(&plain).is_some_and(|known| *known != target) {
        plain.push_str("-2");
    }
    entries.insert(plain.clone(), target);
    plain
}

/// What operations and their traits have in common.
pub(super) fn convert_trait(converter: &mut Converter<'_>, part: &mut Value, at: &Pointer) -> Result<(), String> {
    if reference(part).is_some() {
        return Ok(());
    }
    let Some(map) = part.as_object_mut() else { return Ok(()) };
    map.shift_remove("operationId");
    if let Some(list) = map.shift_remove("security") {
        map.insert("security".into(), security::requirements(converter, list, &at.child("security"))?);
    }
    if let Some(value) = map.get_mut("bindings").filter(|value| reference(value).is_none()) {
        bindings::convert(converter, value, Level::Operation, &at.child("bindings"));
    }
    if let Some(list) = map.get_mut("traits").and_then(Value::as_array_mut) {
        for (index, item) in list.iter_mut().enumerate() {
            convert_trait(converter, item, &at.child("traits").child(index))?;
        }
    }
    Ok(())
}
