//! The conversion as a whole: what moves where, and references that follow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Note, View, channels, messages, parameters, security, servers};
use crate::build::Taken;
use crate::document::Version;
use crate::parts::Parts;
use crate::pointer::Pointer;
use crate::refs::Refs;
use crate::text::{CONTENT_BYTES_MAX, VALUES_MAX};

/// A conversion on its way.
pub(super) struct Converter<'a> {
    /// The document before.
    pub(super) refs: Refs<'a>,
    pub(super) view: View,
    pub(super) notes: Vec<Note>,
    /// From where to where parts went.
    pub(super) moves: Vec<(Pointer, Pointer)>,
    /// Payloads, where they were, whose schema stands in an object with its format now.
    pub(super) wrapped: Vec<Pointer>,
    /// Messages of the components, those that were there first.
    pub(super) messages: Map<String, Value>,
    pub(super) message_keys: Taken,
    pub(super) channel_keys: Taken,
    pub(super) operation_keys: Taken,
    /// Values and bytes that may still be copied.
    left: (usize, usize),
}

impl Converter<'_> {
    pub(super) fn note(&mut self, at: &Pointer, message: impl Into<String>) {
        self.notes.push(Note { at: at.clone(), message: message.into() });
    }

    /// A copy of something that stays where it is; an error when too much is copied, as a few references can ask for.
    pub(super) fn copy(&mut self, value: &Value) -> Result<Value, String> {
        let (mut values, mut bytes) = (0, 0);
        count(value, &mut values, &mut bytes);
        let left = self.left.0.checked_sub(values).zip(self.left.1.checked_sub(bytes));
        self.left = left.ok_or("the document repeats too much when its references are written out: split it")?;
        Ok(value.clone())
    }
}

fn count(value: &Value, values: &mut usize, bytes: &mut usize) {
    *values += 1;
    match value {
        Value::String(text) => *bytes += text.len(),
        Value::Array(list) => list.iter().for_each(|item| count(item, values, bytes)),
        Value::Object(map) => map.iter().for_each(|(key, inner)| {
            *bytes += key.len();
            count(inner, values, bytes);
        }),
        _ => {}
    }
}

/// The order in which version 3 is written.
const ROOT: [&str; 8] =
    ["asyncapi", "id", "info", "defaultContentType", "servers", "channels", "operations", "components"];

/// Converts a document of version 2.
pub(super) fn convert(old: &Value, view: View) -> Result<(Value, Vec<Note>), String> {
    let mut converter = Converter {
        refs: Refs::new(old),
        view,
        notes: Vec::new(),
        moves: Vec::new(),
        wrapped: Vec::new(),
        messages: Map::new(),
        message_keys: Taken::default(),
        channel_keys: Taken::default(),
        operation_keys: Taken::default(),
        left: (VALUES_MAX, CONTENT_BYTES_MAX),
    };
    let mut root = old.as_object().cloned().unwrap_or_default();
    root.insert("asyncapi".into(), Version::V3_0.name().into());
    info(&mut converter, &mut root);
    components_first(&mut converter, &mut root)?;
    if let Some(Value::Object(all)) = root.shift_remove("servers") {
        let all = servers::convert(&mut converter, all, &Pointer::of(["servers"]))?;
        root.insert("servers".into(), all.into());
    }
    if let Some(Value::Object(all)) = root.shift_remove("channels") {
        let (all, operations) = channels::convert(&mut converter, all)?;
        root.insert("channels".into(), all.into());
        if !operations.is_empty() {
            root.insert("operations".into(), operations.into());
        }
    }
    components_last(&mut converter, &mut root);
    let mut value = Value::Object(ordered(root, &ROOT));
    let Converter { notes, moves, wrapped, .. } = converter;
    follow(&mut value, &moves, &wrapped);
    Ok((value, notes))
}

/// Tags and docs are those of the info now.
fn info(converter: &mut Converter<'_>, root: &mut Map<String, Value>) {
    for key in ["tags", "externalDocs"] {
        let Some(value) = root.shift_remove(key) else { continue };
        converter.moves.push((Pointer::of([key]), Pointer::of(["info", key])));
        let info = root.entry("info").or_insert_with(|| json!({}));
        if let Some(info) = info.as_object_mut() {
            info.entry(key).or_insert(value);
        }
    }
}

/// What channels refer to.
fn components_first(converter: &mut Converter<'_>, root: &mut Map<String, Value>) -> Result<(), String> {
    let Some(Value::Object(components)) = root.get_mut("components") else { return Ok(()) };
    let at = Pointer::of(["components"]);
    if let Some(Value::Object(all)) = components.shift_remove("messages") {
        for (key, mut message) in all {
            // Names that version 3 cannot have.
            let new = converter.message_keys.key(&key);
            let here = at.child("messages").child(&key);
            messages::convert(converter, &mut message, &here);
            if new != key {
                converter.moves.push((here, at.child("messages").child(&new)));
            }
            converter.messages.insert(new, message);
        }
    }
    if let Some(Value::Object(all)) = components.get_mut("messageTraits") {
        for (key, part) in all {
            messages::convert_trait(converter, part, &at.child("messageTraits").child(key));
        }
    }
    if let Some(Value::Object(all)) = components.get_mut("operationTraits") {
        for (key, part) in all {
            channels::convert_trait(converter, part, &at.child("operationTraits").child(key))?;
        }
    }
    if let Some(Value::Object(all)) = components.get_mut("parameters") {
        for (key, part) in all {
            parameters::convert(converter, part, &at.child("parameters").child(key))?;
        }
    }
    if let Some(Value::Object(all)) = components.get_mut("securitySchemes") {
        all.iter_mut().for_each(|(_, scheme)| security::scheme(scheme));
    }
    if let Some(Value::Object(all)) = components.shift_remove("servers") {
        let all = servers::convert(converter, all, &at.child("servers"))?;
        components.insert("servers".into(), all.into());
    }
    if let Some(Value::Object(all)) = components.shift_remove("channels") {
        let used = |key: &str| {
            let reference = at.child("channels").child(key).to_reference();
            converter.refs.root().entries("channels").any(|(_, channel)| channel.text("$ref") == Some(&reference))
        };
        let (_, unused): (Map<_, _>, Map<_, _>) = all.into_iter().partition(|(key, _)| used(key));
        if !unused.is_empty() {
            let note = "Channels in the components that no channel refers to are kept as `x-channels`, as they were.";
            converter.note(&at.child("channels"), note);
            components.insert("x-channels".into(), unused.into());
        }
    }
    Ok(())
}

fn components_last(converter: &mut Converter<'_>, root: &mut Map<String, Value>) {
    if converter.messages.is_empty() {
        return;
    }
    let components = root.entry("components").or_insert_with(|| json!({}));
    if let Some(components) = components.as_object_mut() {
        components.insert("messages".into(), std::mem::take(&mut converter.messages).into());
    }
}

/// Some keys first, the others as they were.
pub(super) fn ordered(mut map: Map<String, Value>, first: &[&str]) -> Map<String, Value> {
    let mut sorted = Map::new();
    for key in first {
        if let Some(value) = map.shift_remove(*key) {
            sorted.insert((*key).to_owned(), value);
        }
    }
    sorted.extend(map);
    sorted
}

/// References to what moved lead to where it is now. Of several moves on the way, the longest counts. What is inside of
/// a payload that has its format with it is one step further in.
fn follow(value: &mut Value, moves: &[(Pointer, Pointer)], wrapped: &[Pointer]) {
    let moves: BTreeMap<&Pointer, &Pointer> = moves.iter().map(|(from, to)| (from, to)).collect();
    let wrapped: BTreeSet<&Pointer> = wrapped.iter().collect();
    let target = |reference: &str| -> Option<String> {
        let at = Pointer::from_reference(reference)?;
        let (mut prefix, mut moved, mut inside) = (Some(at.clone()), None, None);
        while let Some(pointer) = prefix {
            if pointer != at && wrapped.contains(&pointer) {
                inside = Some(pointer.steps().len());
            }
            if let Some(to) = moves.get(&pointer) {
                moved = Some(((*to).clone(), pointer.steps().len()));
                break;
            }
            prefix = pointer.parent();
        }
        if moved.is_none() && inside.is_none() {
            return None;
        }
        let (mut to, known) = moved.unwrap_or_default();
        for (index, step) in at.steps().enumerate().skip(known) {
            if inside == Some(index) {
                to = to.child("schema");
            }
            to = to.child(step);
        }
        Some(to.to_reference())
    };
    let changes: Vec<(Pointer, String)> = Parts::of(value)
        .references()
        .filter_map(|(part, text)| target(text).map(|new| (part.at.child("$ref"), new)))
        .collect();
    for (at, new) in changes {
        if let Some(place) = at.get_mut(value) {
            *place = new.into();
        }
    }
}
