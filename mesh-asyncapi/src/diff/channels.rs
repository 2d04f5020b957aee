//! Channels: where messages go. What their messages mean for clients is looked at with the operations.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Impact::{Breaking, NonBreaking, Unclassified};
use super::fields::{self, Field, capital, compare as compare_fields};
use super::messages::Does;
use super::sides::{Pair, Sides};
use super::{bindings, messages};
use crate::build::Action;
use crate::parts::{Level, reference};
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};

const FIELDS: [Field; 1] = [("address", "channel-address-changed", Breaking)];

pub(super) fn compare(sides: &mut Sides<'_>) {
    let (old, new) = (sides.old.root().entries("channels").collect(), sides.new.root().entries("channels").collect());
    let matched = sides.matched(old, new, |_, channel| identity(channel));
    for (key, pair) in &matched.moved {
        let sentence = format!("The channel `{key}` is called `{}` now; its address stays.", pair.key);
        sides.add("channel-renamed", NonBreaking, &pair.at, (None, None), sentence);
    }
    for pair in matched.both.iter().chain(matched.moved.iter().map(|(_, pair)| pair)) {
        channel(sides, pair);
    }
    for (key, found) in &matched.gone {
        let sentence = format!("The channel `{key}` is gone: nothing is sent or received there any more.");
        sides.add("channel-removed", Breaking, &found.at, (Some(found.value), None), sentence);
    }
    for (key, found) in &matched.come {
        let sentence = format!("The channel `{key}` is new.");
        sides.add("channel-added", NonBreaking, &found.at, (None, Some(found.value)), sentence);
    }
}

/// Channels under another key count as the same when their address is.
pub(super) fn identity(channel: &Found<'_>) -> Option<String> {
    channel.text("address").map(str::to_owned)
}

fn channel<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>) {
    let what = format!("the channel `{}`", pair.key);
    let table = match pair.values("address") {
        // It was not known, or is not known any more: clients learn it at run time.
        (None | Some(Value::Null), _) | (_, None | Some(Value::Null)) => {
            [("address", "channel-address-changed", Unclassified)]
        }
        _ => FIELDS,
    };
    compare_fields(sides, pair, &what, &table, &["messages", "servers", "parameters", "bindings"]);
    bindings::compare(sides, pair, Level::Channel, &what, None);
    servers(sides, pair, &what);
    let done = sides.uses_of(&pair.at);
    parameters(sides, pair, &what, &done);
    if done.is_empty() {
        messages::of_channel(sides, pair, &what, Does::Unknown);
    }
}

fn servers<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, what: &str) {
    let named = |refs: Refs<'_>, of: &Found<'_>| -> BTreeSet<String> {
        let own = of
            .items("servers")
            .filter_map(|server| Pointer::from_reference(reference(server.value)?)?.last().map(str::to_owned));
        let own: BTreeSet<String> = own.collect();
        if own.is_empty() { refs.root().entries("servers").map(|(key, _)| key.to_owned()).collect() } else { own }
    };
    let (old, new) = (named(sides.old, &pair.old), named(sides.new, &pair.new));
    // A server that is gone as a whole is told once, as that.
    let still = |key: &&String| sides.new.root().entries("servers").any(|(known, _)| known == key.as_str());
    let gone: Vec<_> = old.difference(&new).filter(still).map(|key| format!("`{key}`")).collect();
    let was = |key: &&String| sides.old.root().entries("servers").any(|(known, _)| known == key.as_str());
    let come: Vec<_> = new.difference(&old).filter(was).map(|key| format!("`{key}`")).collect();
    let (at, values) = (pair.at.child("servers"), pair.values("servers"));
    if !gone.is_empty() {
        let sentence = format!("{} is no longer on {}.", capital(what), gone.join(", "));
        sides.add("channel-server-removed", Breaking, &at, values, sentence);
    }
    if !come.is_empty() {
        let sentence = format!("{} is on {} as well.", capital(what), come.join(", "));
        sides.add("channel-server-added", NonBreaking, &at, values, sentence);
    }
}

fn parameters<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, what: &str, done: &[Action]) {
    let matched =
        sides.matched(pair.old.entries("parameters").collect(), pair.new.entries("parameters").collect(), |_, _| None);
    for parameter in &matched.both {
        let what = format!("the parameter `{}` of {what}", parameter.key);
        let values = fields::values(&parameter.old, &parameter.new);
        let both = parameter.values("enum");
        if values.narrower && (done.is_empty() || done.contains(&Action::Send)) {
            let sentence =
                format!("{} allows fewer values: clients that send to the others are refused.", capital(&what));
            sides.add("parameter-narrowed", Breaking, &parameter.at.child("enum"), both, sentence);
        }
        if values.wider && done.contains(&Action::Receive) {
            let sentence = format!("{} allows more values: clients receive what they did not.", capital(&what));
            sides.add("parameter-widened", Unclassified, &parameter.at.child("enum"), both, sentence);
        }
        let table = [
            ("enum", "parameter-values-changed", NonBreaking),
            ("default", "parameter-default-changed", Unclassified),
            ("location", "parameter-location-changed", Unclassified),
        ];
        compare_fields(sides, parameter, &what, &table, &[]);
    }
    // The address says what its braces are, so a parameter that comes or goes is a change of that.
    let same_address = pair.values("address").0 == pair.values("address").1;
    let impact = if same_address { NonBreaking } else { Breaking };
    for (key, found) in &matched.gone {
        let sentence = format!("{} no longer has the parameter `{key}`.", capital(what));
        sides.add("parameter-removed", impact, &found.at, (Some(found.value), None), sentence);
    }
    for (key, found) in &matched.come {
        let sentence = format!("{} has the new parameter `{key}`.", capital(what));
        sides.add("parameter-added", impact, &found.at, (None, Some(found.value)), sentence);
    }
}
