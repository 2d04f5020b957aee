//! What servers and operations ask of clients: any one of a list will do.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Impact::{Breaking, NonBreaking, Unclassified};
use super::fields::capital;
use super::sides::{Pair, Sides};
use crate::refs::{Found, Refs};

/// What is asked for, without words about it: the kind, and then the scopes.
type Ways = BTreeMap<String, (Vec<String>, Value)>;

pub(super) fn compare(sides: &mut Sides<'_>, pair: &Pair<'_>, what: &str) {
    let (old, new) = (ways(sides.old, &pair.old), ways(sides.new, &pair.new));
    let at = pair.at.child("security");
    let values = pair.values("security");
    let subject = capital(what);
    match (old.is_empty(), new.is_empty()) {
        (true, true) => {}
        (true, false) => {
            let sentence = format!("{subject} asks clients to prove who they are, which it did not.");
            return sides.add("security-added", Breaking, &at, values, sentence);
        }
        (false, true) => {
            let sentence = format!("{subject} no longer asks clients to prove who they are.");
            return sides.add("security-removed", NonBreaking, &at, values, sentence);
        }
        (false, false) => {}
    }
    let before = sides.change_count();
    for (way, (scopes, _)) in &old {
        match new.get(way) {
            None => {
                let sentence = format!("{subject} no longer takes {way}: clients that use it are refused.");
                sides.add("security-way-removed", Breaking, &at, values, sentence);
            }
            Some((wanted, _)) => {
                let more: Vec<_> =
                    wanted.iter().filter(|scope| !scopes.contains(scope)).map(|scope| format!("`{scope}`")).collect();
                if !more.is_empty() {
                    let sentence = format!("{subject} asks for the scopes {} as well.", more.join(", "));
                    sides.add("security-scopes-added", Breaking, &at, values, sentence);
                } else if wanted != scopes {
                    let sentence = format!("{subject} asks for fewer scopes.");
                    sides.add("security-scopes-removed", NonBreaking, &at, values, sentence);
                }
            }
        }
    }
    for way in new.keys().filter(|way| !old.contains_key(*way)) {
        sides.add("security-way-added", NonBreaking, &at, values, format!("{subject} takes {way} as well."));
    }
    if sides.change_count() == before && details(&old) != details(&new) {
        let sentence = format!("Details of the security of {what} changed.");
        sides.add("security-details-changed", Unclassified, &at, values, sentence);
    } else if sides.change_count() == before && resolved(sides.old, &pair.old) != resolved(sides.new, &pair.new) {
        let sentence = format!("Words about the security of {what} changed.");
        sides.add("metadata-changed", NonBreaking, &at, values, sentence);
    }
}

fn details(ways: &Ways) -> Vec<&Value> {
    ways.values().map(|(_, details)| details).collect()
}

fn resolved(refs: Refs<'_>, of: &Found<'_>) -> Vec<Value> {
    of.items("security").map(|item| refs.behind(&item).value.clone()).collect()
}

fn ways(refs: Refs<'_>, of: &Found<'_>) -> Ways {
    let way = |item: Found<'_>| {
        let scheme = refs.behind(&item);
        let kind = scheme.text("type").unwrap_or("something unknown");
        let name = match kind {
            "http" => format!("HTTP {}", scheme.text("scheme").unwrap_or_default()),
            "httpApiKey" | "apiKey" => {
                format!(
                    "a key in {} {}",
                    scheme.text("in").unwrap_or_default(),
                    scheme.text("name").unwrap_or_default()
                )
            }
            "openIdConnect" => format!("OpenID Connect of {}", scheme.text("openIdConnectUrl").unwrap_or_default()),
            kind => format!("`{kind}`"),
        };
        let scopes: Vec<String> =
            scheme.items("scopes").filter_map(|scope| scope.value.as_str().map(str::to_owned)).collect();
        let mut details = scheme.value.clone();
        if let Some(map) = details.as_object_mut() {
            map.retain(|key, _| !(key == "description" || key == "scopes" || key.starts_with("x-")));
        }
        (name.trim_end().to_owned(), (scopes, details))
    };
    of.items("security").map(way).collect()
}
