//! Servers: the URL becomes host, path and protocol.

use serde_json::{Map, Value};

use super::convert::{Converter, ordered};
use super::{bindings, security};
use crate::parts::{Level, reference};
use crate::pointer::Pointer;

const ORDER: [&str; 11] = [
    "host",
    "pathname",
    "protocol",
    "protocolVersion",
    "title",
    "summary",
    "description",
    "variables",
    "security",
    "tags",
    "bindings",
];

pub(super) fn convert(
    converter: &mut Converter<'_>,
    all: Map<String, Value>,
    at: &Pointer,
) -> Result<Map<String, Value>, String> {
    let mut servers = Map::new();
    for (key, server) in all {
        let here = at.child(&key);
        let server = match server {
            Value::Object(map) if !map.contains_key("$ref") => Value::Object(one(converter, map, &here)?),
            other => other,
        };
        servers.insert(key, server);
    }
    Ok(servers)
}

fn one(
    converter: &mut Converter<'_>,
    mut server: Map<String, Value>,
    at: &Pointer,
) -> Result<Map<String, Value>, String> {
    if let Some(Value::String(url)) = server.shift_remove("url") {
        let parts = split(&url);
        if parts.had_user {
            converter.note(&at.child("url"), "The user in the URL is left out: documents hold no credentials.");
        }
        if parts.had_query {
            converter.note(&at.child("url"), "The query of the URL is left out: version 3 has no place for it.");
        }
        server.insert("host".into(), parts.host.into());
        if !parts.pathname.is_empty() {
            server.insert("pathname".into(), parts.pathname.into());
        }
        if !parts.scheme.is_empty() {
            server.entry("protocol").or_insert(parts.scheme.into());
        }
    }
    if let Some(list) = server.shift_remove("security") {
        server.insert("security".into(), security::requirements(converter, list, &at.child("security"))?);
    }
    if let Some(value) = server.get_mut("bindings").filter(|value| reference(value).is_none()) {
        bindings::convert(converter, value, Level::Server, &at.child("bindings"));
    }
    Ok(ordered(server, &ORDER))
}

struct Split {
    scheme: String,
    host: String,
    pathname: String,
    had_user: bool,
    had_query: bool,
}

fn split(url: &str) -> Split {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, had_query) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..at], true),
        None => (rest, false),
    };
    let (authority, pathname) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    Split {
        scheme: scheme.to_owned(),
        host: host.to_owned(),
        // A lone `/` says nothing.
        pathname: if pathname == "/" { String::new() } else { pathname.to_owned() },
        had_user: !user.is_empty(),
        had_query,
    }
}
