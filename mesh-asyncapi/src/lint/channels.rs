//! Channels and servers: keys, addresses, and what stands in braces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Lint;
use super::rules::{
    CHANNEL_ADDRESS, CHANNEL_ADDRESS_MISSING, CHANNEL_ADDRESS_SLASH, CHANNEL_ADDRESS_TWICE, CHANNEL_KEY,
    CHANNEL_PARAMETERS, CHANNEL_SERVERS, CHANNEL_SERVERS_ROOT, EMPTY_PARAMETER, KEY_FORM, PARAMETER_DEFAULT, Rule,
    SERVER_HOST, SERVER_SLASH, SERVER_VARIABLES, SERVERS,
};
use crate::parts::{Kind, Part};
use crate::pointer::Pointer;
use crate::refs::Found;

/// Most channels of one address that are compared with each other.
const COMPARED_MAX: usize = 200;

pub(super) fn check(lint: &mut Lint<'_>) {
    if lint.root.get("servers").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        let advice = "add `servers`, so that a reader knows where to connect";
        lint.add(&SERVERS, Pointer::root(), "the document names no server", advice);
    }
    keys(lint);
    let channels: Vec<Part<'_>> = lint.parts.all(Kind::Channel).cloned().collect();
    for channel in &channels {
        address(lint, channel);
        servers_of(lint, channel);
    }
    let servers: Vec<Part<'_>> = lint.parts.all(Kind::Server).cloned().collect();
    for server in &servers {
        host(lint, server);
    }
    same_address(lint);
    values(lint);
}

fn keys(lint: &mut Lint<'_>) {
    let is_key = |at: &Pointer| {
        ["channels", "operations", "servers"].iter().any(|map| at.is_like(&[map, "*"]))
            || at.is_like(&["channels", "*", "messages", "*"])
            || at.is_like(&["components", "*", "*"])
    };
    let keys: Vec<Pointer> = lint.parts.iter().map(|part| &part.at).filter(|at| is_key(at)).cloned().collect();
    for at in keys {
        let key = at.last().unwrap_or_default();
        let is_clean =
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if at.is_like(&["channels", "*"]) && key.contains(['?', '#']) {
            let message = format!("the key `{key}` of a channel holds `?` or `#`");
            lint.add(&CHANNEL_KEY, at, message, "take a name as the key; what clients use is `address`");
        } else if !is_clean {
            let message = format!("the key `{key}` holds signs beside letters, digits, `.`, `_` and `-`");
            lint.add(&KEY_FORM, at, message, "take a plain name, and say it in words in `title`");
        }
    }
}

/// The names in braces, or none where the braces are empty or open.
pub(super) fn braces(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let after = rest[at..].strip_prefix('{')?;
        let (name, behind) = after.split_once('}')?;
        if name.is_empty() || name.contains('{') {
            return None;
        }
        names.push(name);
        rest = behind;
    }
    Some(names)
}

fn address(lint: &mut Lint<'_>, channel: &Part<'_>) {
    let found = Found { at: channel.at.clone(), value: channel.value };
    let at = channel.at.child("address");
    let Some(value) = channel.value.get("address") else {
        let advice = "add `address`, or `address: null` if it is known at run time only";
        lint.add(&CHANNEL_ADDRESS_MISSING, channel.at.clone(), "the channel has no address", advice);
        return match_names(lint, &CHANNEL_PARAMETERS, &found, "parameters", &[]);
    };
    let address = value.as_str().unwrap_or_default();
    if address.contains(['?', '#']) {
        let advice = "put a query into the bindings of ws or http; a rest of several levels is a parameter";
        lint.add(&CHANNEL_ADDRESS, at.clone(), format!("the address `{address}` holds `?` or `#`"), advice);
    }
    if address.len() > 1 && address.ends_with('/') {
        let message = format!("the address `{address}` ends with `/`");
        lint.add(&CHANNEL_ADDRESS_SLASH, at.clone(), message, "leave the last `/` out, unless it is meant");
    }
    match braces(address) {
        Some(names) => match_names(lint, &CHANNEL_PARAMETERS, &found, "parameters", &names),
        None => {
            let message = format!("the braces in `{address}` are empty or open");
            lint.add(&EMPTY_PARAMETER, at, message, "name each parameter, as in `orders/{country}`");
        }
    }
}

/// Whether a map describes exactly the names that stand in braces.
fn match_names(lint: &mut Lint<'_>, rule: &Rule, of: &Found<'_>, map: &str, names: &[&str]) {
    let described: BTreeSet<&str> = of.entries(map).map(|(key, _)| key).collect();
    let named: BTreeSet<&str> = names.iter().copied().collect();
    for missing in named.difference(&described) {
        let message = format!("`{{{missing}}}` is not described in `{map}`");
        let advice = format!("add `{map}.{missing}`, with a description");
        lint.add(rule, of.at.clone(), message, advice);
    }
    for extra in described.difference(&named) {
        let message = format!("`{extra}` is described in `{map}` and stands nowhere in braces");
        lint.add(rule, of.at.child(map).child(extra), message, "remove it, or put it into the address");
    }
}

fn servers_of(lint: &mut Lint<'_>, channel: &Part<'_>) {
    if !channel.at.is_like(&["channels", "*"]) {
        return;
    }
    let mut seen = BTreeSet::new();
    for server in (Found { at: channel.at.clone(), value: channel.value }).items("servers") {
        let Some(text) = server.text("$ref") else { continue };
        let is_root = Pointer::from_reference(text).is_some_and(|at| at.is_like(&["servers", "*"]));
        if text.starts_with('#') && !is_root {
            let message = format!("`{text}` is not one of the document's servers");
            lint.add(&CHANNEL_SERVERS_ROOT, server.at, message, "refer to `#/servers/...`");
        } else if !seen.insert(text) {
            lint.add(&CHANNEL_SERVERS, server.at, format!("the server `{text}` stands twice"), "keep one of them");
        }
    }
}

fn host(lint: &mut Lint<'_>, server: &Part<'_>) {
    let found = Found { at: server.at.clone(), value: server.value };
    let host = found.text("host").unwrap_or_default();
    let pathname = found.text("pathname").unwrap_or_default();
    let mut bare = host.to_owned();
    for name in braces(host).unwrap_or_default() {
        bare = bare.replace(&format!("{{{name}}}"), "x");
    }
    if bare.contains("://") || bare.contains(['/', '@', '?', '#']) || bare.contains(char::is_whitespace) {
        let shown = bare.rsplit('@').next().unwrap_or_default();
        let message = format!("the host `{shown}` is more than a host and a port");
        let advice = "put the scheme into `protocol` and the path into `pathname`; users and passwords stand nowhere";
        lint.add(&SERVER_HOST, server.at.child("host"), message, advice);
    }
    if pathname.len() > 1 && pathname.ends_with('/') {
        let message = format!("the path `{pathname}` ends with `/`");
        lint.add(&SERVER_SLASH, server.at.child("pathname"), message, "leave the last `/` out, unless it is meant");
    }
    match braces(host).zip(braces(pathname)) {
        Some((mut names, more)) => {
            names.extend(more);
            match_names(lint, &SERVER_VARIABLES, &found, "variables", &names);
        }
        None => {
            let advice = "name each variable, as in `{region}.example.com`";
            lint.add(&EMPTY_PARAMETER, server.at.clone(), "braces in the host or path are empty or open", advice);
        }
    }
}

fn same_address(lint: &mut Lint<'_>) {
    let mut by_address: BTreeMap<&str, Vec<(Pointer, BTreeSet<&str>)>> = BTreeMap::new();
    for (_, entry) in lint.refs.root().entries("channels") {
        let channel = lint.refs.behind(&entry);
        let Some(address) = channel.text("address") else { continue };
        let servers = channel.items("servers").filter_map(|server| server.text("$ref")).collect();
        by_address.entry(address).or_default().push((entry.at, servers));
    }
    let mut twice = Vec::new();
    for (address, channels) in by_address {
        for (index, (at, servers)) in channels.iter().take(COMPARED_MAX).enumerate().skip(1) {
            let meets = |(_, others): &&(Pointer, BTreeSet<&str>)| {
                servers.is_empty() || others.is_empty() || !servers.is_disjoint(others)
            };
            if let Some((other, _)) = channels[..index].iter().find(meets) {
                twice.push((
                    at.clone(),
                    format!("`{address}` is the address of `{}` as well", other.last().unwrap_or_default()),
                ));
            }
        }
    }
    for (at, message) in twice {
        lint.add(&CHANNEL_ADDRESS_TWICE, at, message, "make one channel of them, with the messages of both");
    }
}

/// Defaults and examples that are not among the values.
fn values(lint: &mut Lint<'_>) {
    let mut wrong = Vec::new();
    let parts = lint.parts.all(Kind::Parameter).chain(lint.parts.all(Kind::ServerVariable));
    for part in parts {
        let Some(allowed) = part.value.get("enum").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
            continue;
        };
        let default = part.value.get("default").map(|value| (part.at.child("default"), value));
        let examples = Found { at: part.at.clone(), value: part.value };
        let examples = examples.items("examples").map(|example| (example.at, example.value));
        wrong.extend(
            default
                .into_iter()
                .chain(examples)
                .filter(|(_, value)| !allowed.contains(value))
                .map(|(at, value)| (at, value.clone())),
        );
    }
    for (at, value) in wrong {
        lint.add(
            &PARAMETER_DEFAULT,
            at,
            format!("{value} is not one of the values in `enum`"),
            "add it there, or take another",
        );
    }
}
