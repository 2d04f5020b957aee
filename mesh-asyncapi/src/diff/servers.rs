//! Servers: clients connect to them.

use super::Impact::{Breaking, NonBreaking, Unclassified};
use super::fields::{self, Field, compare as compare_fields};
use super::sides::{Pair, Sides};
use super::{bindings, security};
use crate::parts::Level;
use crate::refs::Found;

const FIELDS: [Field; 4] = [
    ("host", "server-address-changed", Breaking),
    ("pathname", "server-address-changed", Breaking),
    ("protocol", "server-protocol-changed", Breaking),
    ("protocolVersion", "server-protocol-changed", Unclassified),
];

pub(super) fn compare(sides: &mut Sides<'_>) {
    let (old, new) = (sides.old.root().entries("servers").collect(), sides.new.root().entries("servers").collect());
    let identity = |_, server: &Found<'_>| {
        let place = ["protocol", "host", "pathname"].map(|key| server.text(key).unwrap_or_default());
        server.text("host").map(|_| place.join(" "))
    };
    let matched = sides.matched(old, new, identity);
    for (key, pair) in &matched.moved {
        let sentence = format!("The server `{key}` is called `{}` now; its address stays.", pair.key);
        sides.add("server-renamed", NonBreaking, &pair.at, (None, None), sentence);
    }
    for pair in matched.both.iter().chain(matched.moved.iter().map(|(_, pair)| pair)) {
        server(sides, pair);
    }
    for (key, found) in &matched.gone {
        let sentence = format!("The server `{key}` is gone: clients that connect there have to move.");
        sides.add("server-removed", Breaking, &found.at, (Some(found.value), None), sentence);
    }
    for (key, found) in &matched.come {
        let sentence = format!("The server `{key}` is new.");
        sides.add("server-added", NonBreaking, &found.at, (None, Some(found.value)), sentence);
    }
}

fn server<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>) {
    let what = format!("the server `{}`", pair.key);
    compare_fields(sides, pair, &what, &FIELDS, &["variables", "security", "bindings"]);
    security::compare(sides, pair, &what);
    bindings::compare(sides, pair, Level::Server, &what, None);
    let matched =
        sides.matched(pair.old.entries("variables").collect(), pair.new.entries("variables").collect(), |_, _| None);
    for variable in &matched.both {
        let what = format!("the variable `{}` of {what}", variable.key);
        if fields::values(&variable.old, &variable.new).narrower {
            let sentence =
                format!("{} allows fewer values: clients that use the others cannot connect.", fields::capital(&what));
            sides.add(
                "server-variable-narrowed",
                Breaking,
                &variable.at,
                (Some(variable.old.value), Some(variable.new.value)),
                sentence,
            );
        }
        let table = [
            ("default", "server-variable-default-changed", Unclassified),
            ("enum", "server-variable-values-changed", NonBreaking),
        ];
        compare_fields(sides, variable, &what, &table, &[]);
    }
    for (key, found) in &matched.gone {
        let sentence = format!("{} no longer has the variable `{key}`.", fields::capital(&what));
        sides.add("server-variable-removed", Unclassified, &found.at, (Some(found.value), None), sentence);
    }
    for (key, found) in &matched.come {
        let sentence = format!("{} has the new variable `{key}`.", fields::capital(&what));
        sides.add("server-variable-added", Unclassified, &found.at, (None, Some(found.value)), sentence);
    }
}
