//! Operations: what clients do.

use serde_json::Value;

use super::Impact::{Breaking, NonBreaking, Unclassified};
use super::fields::{capital, compare as compare_fields};
use super::messages::Does;
use super::sides::{Pair, Sides};
use super::{bindings, channels, messages, security};
use crate::build::Action;
use crate::parts::Level;
use crate::refs::{Found, Refs};

pub(super) fn compare(sides: &mut Sides<'_>) {
    let (old, new) =
        (sides.old.root().entries("operations").collect(), sides.new.root().entries("operations").collect());
    // Under another key, it is the same if it does the same with the same channel.
    let identity = |refs, operation: &Found<'_>| {
        let address = channel(refs, operation).and_then(|channel| channels::identity(&channel))?;
        operation.text("action").map(|action| format!("{action} {address}"))
    };
    let matched = sides.matched(old, new, identity);
    for (key, pair) in &matched.moved {
        let sentence = format!("The operation `{key}` is called `{}` now and does the same.", pair.key);
        sides.add("operation-renamed", NonBreaking, &pair.at, (None, None), sentence);
    }
    for pair in matched.both.iter().chain(matched.moved.iter().map(|(_, pair)| pair)) {
        operation(sides, pair);
    }
    for (key, found) in &matched.gone {
        let sentence = format!("The operation `{key}` is gone.");
        sides.add("operation-removed", Breaking, &found.at, (Some(found.value), None), sentence);
    }
    for (key, found) in &matched.come {
        let sentence = format!("The operation `{key}` is new.");
        sides.add("operation-added", NonBreaking, &found.at, (None, Some(found.value)), sentence);
    }
}

/// The channel of an operation or reply, behind references.
fn channel<'a>(refs: Refs<'a>, of: &Found<'a>) -> Option<Found<'a>> {
    refs.follow(&of.field("channel")?).ok()
}

fn operation<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>) {
    let what = format!("the operation `{}`", pair.key);
    let table = [("action", "operation-action-changed", Breaking)];
    compare_fields(sides, pair, &what, &table, &["channel", "messages", "security", "bindings", "reply"]);
    moved(sides, pair, &what);
    security::compare(sides, pair, &what);
    let action = pair.new.text("action").and_then(Action::by_name).map(|action| sides.done_by_client(action));
    bindings::compare(sides, pair, Level::Operation, &what, action);
    let does = action.map_or(Does::Unknown, Does::from);
    messages::of_operation(sides, pair, &what, does);
    reply(sides, pair, &what, does);
}

/// Whether it goes to another channel: another address hurts, another key does not.
fn moved<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, what: &str) {
    let (old, new) = (channel(sides.old, &pair.old), channel(sides.new, &pair.new));
    let is_same = match (&old, &new) {
        (Some(old), Some(new)) => {
            old.at == new.at || channels::identity(old).is_some_and(|old| channels::identity(new) == Some(old))
        }
        (None, None) => pair.values("channel").0 == pair.values("channel").1,
        _ => false,
    };
    if !is_same {
        let address = |of: &Option<Found<'_>>| {
            of.as_ref().and_then(|of| of.text("address")).map_or("no known address".into(), |text| format!("`{text}`"))
        };
        let sentence = format!("{} is about {} instead of {}.", capital(what), address(&new), address(&old));
        sides.add("operation-channel-changed", Breaking, &pair.at.child("channel"), pair.values("channel"), sentence);
    }
}

fn reply<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, what: &str, does: Does) {
    let field = |refs: Refs<'_>, of: &Found<'_>| of.field("reply").is_some_and(|reply| refs.follow(&reply).is_ok());
    let at = pair.at.child("reply");
    match (field(sides.old, &pair.old), field(sides.new, &pair.new)) {
        (false, false) => {}
        (false, true) => {
            let impact = if does == Does::Send { NonBreaking } else { Unclassified };
            sides.add("reply-added", impact, &at, pair.values("reply"), format!("{} is answered now.", capital(what)));
        }
        (true, false) => {
            sides.add(
                "reply-removed",
                Breaking,
                &at,
                pair.values("reply"),
                format!("{} is no longer answered.", capital(what)),
            );
        }
        (true, true) => {
            let (Some(old), Some(new)) = (pair.old.field("reply"), pair.new.field("reply")) else { return };
            let reply =
                Pair { key: pair.key, old: sides.old.behind(&old), at: new.at.clone(), new: sides.new.behind(&new) };
            let what = format!("the answer to {what}");
            let location = |refs: Refs<'_>, of: &Found<'_>| -> Option<Value> {
                refs.behind(&of.field("address")?).value.get("location").cloned()
            };
            let (before, after) = (location(sides.old, &reply.old), location(sides.new, &reply.new));
            if before != after {
                let sentence = format!("Where {what} goes is said in another place of the message.");
                sides.add(
                    "reply-address-changed",
                    Breaking,
                    &at.child("address"),
                    (before.as_ref(), after.as_ref()),
                    sentence,
                );
            }
            compare_fields(sides, &reply, &what, &[], &["address", "channel", "messages"]);
            moved(sides, &reply, &what);
            messages::of_operation(sides, &reply, &what, does.mirrored());
        }
    }
}
