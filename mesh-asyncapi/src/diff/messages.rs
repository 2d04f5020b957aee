//! Messages: what they mean for those who send and those who receive them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Impact::{self, Breaking, NonBreaking, Unclassified};
use super::fields::{Field, capital, compare as compare_fields};
use super::sides::{Pair, Sides};
use super::{bindings, schemas};
use crate::build::Action;
use crate::parts::Level;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};

/// What a client does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Send,
    Receive,
    /// No operation says it.
    Unknown,
}

impl From<Action> for Does {
    fn from(action: Action) -> Self {
        match action {
            Action::Send => Self::Send,
            Action::Receive => Self::Receive,
        }
    }
}

impl Does {
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Send => Self::Receive,
            Self::Receive => Self::Send,
            Self::Unknown => Self::Unknown,
        }
    }
}

const FIELDS: [Field; 0] = [];

/// The messages of a channel that no operation uses.
pub(super) fn of_channel<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, what: &str, does: Does) {
    let (old, new) = (pair.old.entries("messages").collect(), pair.new.entries("messages").collect());
    lists(sides, old, new, what, does);
}

/// The messages of an operation or a reply.
pub(super) fn of_operation<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, what: &str, does: Does) {
    let (old, new) = (named(sides.old, &pair.old), named(sides.new, &pair.new));
    lists(sides, old, new, what, does);
}

/// Those it names, or else all of its channel.
fn named<'a>(refs: Refs<'a>, of: &Found<'a>) -> Vec<(&'a str, Found<'a>)> {
    if of.value.get("messages").is_some() {
        let mut taken = BTreeSet::new();
        let mut named = Vec::new();
        // What is no reference names nothing, and what stands there twice is one; the checks tell of both.
        for item in of.items("messages") {
            let Some(text) = item.text("$ref") else { continue };
            let last = text.rsplit('/').next().unwrap_or(text);
            if taken.insert(text) {
                let key = if taken.insert(last) { last } else { text };
                named.push((key, item));
            }
        }
        return named;
    }
    let channel = of.field("channel").and_then(|channel| refs.follow(&channel).ok());
    channel.map(|channel| channel.entries("messages").collect()).unwrap_or_default()
}

fn lists<'a>(
    sides: &mut Sides<'a>,
    old: Vec<(&'a str, Found<'a>)>,
    new: Vec<(&'a str, Found<'a>)>,
    what: &str,
    does: Does,
) {
    let identity = |_, message: &Found<'a>| message.text("name").map(str::to_owned);
    let matched = sides.matched(old, new, identity);
    for pair in matched.both.iter().chain(matched.moved.iter().map(|(_, pair)| pair)) {
        message(sides, pair, does);
    }
    for (key, found) in &matched.gone {
        let (impact, sentence) = match does {
            Does::Send => (Breaking, format!("{} no longer takes the message `{key}`.", capital(what))),
            Does::Receive => (Breaking, format!("{} no longer brings the message `{key}`.", capital(what))),
            Does::Unknown => (Unclassified, format!("{} no longer has the message `{key}`.", capital(what))),
        };
        sides.add("message-removed", impact, &found.at, (Some(found.value), None), sentence);
    }
    for (key, found) in &matched.come {
        let (impact, sentence) = match does {
            Does::Send | Does::Unknown => {
                (NonBreaking, format!("{} takes the message `{key}` as well.", capital(what)))
            }
            Does::Receive => {
                (Unclassified, format!("{} brings the message `{key}`, which clients do not know yet.", capital(what)))
            }
        };
        sides.add("message-added", impact, &found.at, (None, Some(found.value)), sentence);
    }
}

fn message<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, does: Does) {
    let what = format!("the message `{}`", pair.key);
    // Where it is defined: the same message on two channels is told once.
    let pair = &Pair { at: pair.new.at.clone(), ..pair.clone() };
    compare_fields(sides, pair, &what, &FIELDS, &["contentType", "correlationId", "payload", "headers", "bindings"]);
    content_type(sides, pair, &what);
    correlation(sides, pair, &what);
    schemas::field(sides, pair, "payload", "message-payload-changed", &what, does);
    schemas::field(sides, pair, "headers", "message-headers-changed", &what, does);
    let action = match does {
        Does::Send => Some(Action::Send),
        Does::Receive => Some(Action::Receive),
        Does::Unknown => None,
    };
    bindings::compare(sides, pair, Level::Message, &what, action);
}

/// Its own, or that of the document.
fn content_type(sides: &mut Sides<'_>, pair: &Pair<'_>, what: &str) {
    let of = |refs: Refs<'_>, found: &Found<'_>| -> Option<String> {
        found.text("contentType").or(refs.root().text("defaultContentType")).map(str::to_owned)
    };
    let (old, new) = (of(sides.old, &pair.old), of(sides.new, &pair.new));
    let (impact, sentence): (Impact, String) = match (&old, &new) {
        (old, new) if old == new => {
            if pair.values("contentType").0 != pair.values("contentType").1 {
                let sentence = format!("The content type of {what} is written in another place.");
                sides.add(
                    "metadata-changed",
                    NonBreaking,
                    &pair.at.child("contentType"),
                    pair.values("contentType"),
                    sentence,
                );
            }
            return;
        }
        (Some(old), Some(new)) => (Breaking, format!("The content type of {what} is `{new}` instead of `{old}`.")),
        (None, Some(new)) => (Unclassified, format!("The content type of {what} is told now: `{new}`.")),
        _ => (Unclassified, format!("The content type of {what} is no longer told.")),
    };
    let (old, new) = (old.map(Value::from), new.map(Value::from));
    sides.add(
        "message-content-type-changed",
        impact,
        &pair.at.child("contentType"),
        (old.as_ref(), new.as_ref()),
        sentence,
    );
}

fn correlation(sides: &mut Sides<'_>, pair: &Pair<'_>, what: &str) {
    let of = |refs: Refs<'_>, found: &Found<'_>| -> Option<Value> {
        refs.behind(&found.field("correlationId")?).value.get("location").cloned()
    };
    let (old, new) = (of(sides.old, &pair.old), of(sides.new, &pair.new));
    let at: Pointer = pair.at.child("correlationId");
    let (impact, sentence) = match (&old, &new) {
        (old, new) if old == new => return,
        (None, Some(_)) => (NonBreaking, format!("{} says now where its correlation id is.", capital(what))),
        _ => (Breaking, format!("The correlation id of {what} is in another place, or gone.")),
    };
    sides.add("message-correlation-changed", impact, &at, (old.as_ref(), new.as_ref()), sentence);
}
