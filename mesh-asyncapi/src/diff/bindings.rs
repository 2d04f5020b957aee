//! Bindings: what a protocol asks of clients beside the document's own words.

use serde_json::Value;

use super::Impact::{self, Breaking, NonBreaking, Unclassified};
use super::fields::{capital, compare as compare_fields, told};
use super::messages::Does;
use super::schemas;
use super::sides::{Pair, Sides};
use crate::build::Action;
use crate::parts::Level;
use crate::refs::{Found, Refs};

/// Fields that clients go by. Of the rest somebody has to look at what changed.
const FIELDS: [(&str, Impact); 22] = [
    ("topic", Breaking),
    ("groupId", Breaking),
    ("clientId", Breaking),
    ("msgVpn", Breaking),
    ("method", Breaking),
    ("schemaRegistryUrl", Breaking),
    ("schemaIdLocation", Breaking),
    ("schemaIdPayloadEncoding", Breaking),
    ("payloadFormatIndicator", Breaking),
    ("statusCode", Breaking),
    ("bindingVersion", NonBreaking),
    ("schemaRegistryVendor", NonBreaking),
    ("replicas", NonBreaking),
    ("partitions", Unclassified),
    ("topicConfiguration", Unclassified),
    ("qos", Unclassified),
    ("retain", Unclassified),
    ("destinations", Unclassified),
    ("contentType", Unclassified),
    ("responseTopic", Unclassified),
    ("schemaLookupStrategy", Unclassified),
    ("timeToLive", Unclassified),
];

/// Fields that are schemas of what is sent.
const SCHEMAS: [&str; 4] = ["key", "query", "headers", "correlationData"];

pub(super) fn compare<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, level: Level, what: &str, action: Option<Action>) {
    let (old, new) = (behind(sides.old, &pair.old), behind(sides.new, &pair.new));
    let entries = |of: &Option<Found<'a>>| -> Vec<(&'a str, Found<'a>)> {
        let map = of.as_ref().and_then(|of| of.value.as_object().map(|map| (of.at.clone(), map)));
        let all = map.into_iter().flat_map(|(at, map)| {
            map.iter().map(move |(key, value)| (key.as_str(), Found { at: at.child(key), value }))
        });
        all.collect()
    };
    let matched = sides.matched(entries(&old), entries(&new), |_, _| None);
    for binding in &matched.both {
        one(sides, binding, level, what, action);
    }
    for (key, found) in &matched.gone {
        let impact = if is_empty(found.value) { NonBreaking } else { Unclassified };
        let sentence = format!("{} no longer has bindings of {key}.", capital(what));
        sides.add("binding-removed", impact, &found.at, (Some(found.value), None), sentence);
    }
    for (key, found) in &matched.come {
        let impact = if is_empty(found.value) { NonBreaking } else { Unclassified };
        let sentence = format!("{} has bindings of {key} now.", capital(what));
        sides.add("binding-added", impact, &found.at, (None, Some(found.value)), sentence);
    }
}

/// Whether it says nothing but its version.
fn is_empty(binding: &Value) -> bool {
    binding.as_object().is_none_or(|map| map.keys().all(|key| key == "bindingVersion"))
}

fn behind<'a>(refs: Refs<'a>, of: &Found<'a>) -> Option<Found<'a>> {
    of.field("bindings").map(|bindings| refs.behind(&bindings))
}

fn one<'a>(sides: &mut Sides<'a>, binding: &Pair<'a>, level: Level, what: &str, action: Option<Action>) {
    let what = format!("the {} bindings of {what}", binding.key);
    if !(binding.old.value.is_object() && binding.new.value.is_object()) {
        if binding.old.value != binding.new.value {
            let sentence = told(&what, binding.key, Some(binding.old.value), Some(binding.new.value));
            sides.add(
                "binding-changed",
                Unclassified,
                &binding.at,
                (Some(binding.old.value), Some(binding.new.value)),
                sentence,
            );
        }
        return;
    }
    for key in SCHEMAS {
        match (binding.old.field(key), binding.new.field(key)) {
            (Some(old), Some(new)) => {
                // What opens a connection is always sent by the client.
                let does = if level == Level::Channel { Does::Send } else { action.map_or(Does::Unknown, Does::from) };
                let at = binding.at.child(key);
                schemas::between(
                    sides,
                    (&old, &new),
                    &at,
                    "binding-schema-changed",
                    &format!("`{key}` in {what}"),
                    does,
                );
            }
            (None, None) => {}
            (before, after) => {
                let values = (before.as_ref().map(|found| found.value), after.as_ref().map(|found| found.value));
                let sentence = told(&what, key, values.0, values.1);
                sides.add("binding-schema-changed", Unclassified, &binding.at.child(key), values, sentence);
            }
        }
    }
    let table = FIELDS.map(|(key, impact)| (key, "binding-changed", impact));
    compare_fields(sides, binding, &what, &table, &SCHEMAS);
}
