//! Security: schemes that exist, that are used, and that do not give passwords away.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Lint;
use super::rules::{
    SECURITY_DEFINED, SECURITY_INLINE, SECURITY_PLAIN, SECURITY_SCOPES, SECURITY_UNUSED, SERVER_SECURITY,
};
use crate::parts::{Kind, Part};
use crate::pointer::Pointer;
use crate::refs::Found;

/// Protocols as they are called without TLS, and with it.
const PLAIN: [(&str, &str); 7] = [
    ("kafka", "kafka-secure"),
    ("mqtt", "secure-mqtt"),
    ("mqtt5", "secure-mqtt"),
    ("amqp", "amqps"),
    ("http", "https"),
    ("ws", "wss"),
    ("stomp", "stomps"),
];

pub(super) fn check(lint: &mut Lint<'_>) {
    let parts = lint.parts.iter().filter(|part| part.kind == Kind::SecurityScheme);
    let asked: Vec<Part<'_>> =
        parts.filter(|part| !part.at.is_like(&["components", "securitySchemes", "*"])).cloned().collect();
    for part in &asked {
        requirement(lint, part);
    }
    let used: BTreeSet<Pointer> =
        lint.parts.references().filter_map(|(_, text)| Pointer::from_reference(text)).collect();
    let unused: Vec<Pointer> = (lint.refs.root().field("components").into_iter())
        .flat_map(|components| components.entries("securitySchemes").collect::<Vec<_>>())
        .map(|(_, scheme)| scheme.at)
        .filter(|at| !used.contains(at))
        .collect();
    for at in unused {
        let message = format!("the security scheme `{}` is used nowhere", at.last().unwrap_or_default());
        lint.add(&SECURITY_UNUSED, at, message, "refer to it in `security` of a server, or remove it");
    }
    servers(lint);
}

fn requirement(lint: &mut Lint<'_>, part: &Part<'_>) {
    let found = Found { at: part.at.clone(), value: part.value };
    if let Some(text) = part.reference() {
        let is_scheme =
            Pointer::from_reference(text).is_some_and(|at| at.is_like(&["components", "securitySchemes", "*"]));
        if text.starts_with('#') && !is_scheme && lint.refs.look_up(text).is_ok() {
            let message = format!("`{text}` is no security scheme of the components");
            lint.add(&SECURITY_DEFINED, part.at.clone(), message, "refer to `#/components/securitySchemes/...`");
        }
        return;
    }
    let is_old =
        found.text("type").is_none() && part.value.as_object().is_some_and(|map| map.values().any(Value::is_array));
    if is_old {
        let name = part.value.as_object().and_then(|map| map.keys().next()).cloned().unwrap_or_default();
        let advice = format!("write `$ref: '#/components/securitySchemes/{name}'`");
        lint.add(&SECURITY_DEFINED, part.at.clone(), "the security is written as in AsyncAPI 2", advice);
        return;
    }
    let scopes: Vec<&str> = found.items("scopes").filter_map(|scope| scope.value.as_str()).collect();
    if scopes.is_empty() {
        let message = "the security scheme stands where it is used";
        lint.add(&SECURITY_INLINE, part.at.clone(), message, "move it to `components.securitySchemes` and refer to it");
    }
    let flows = found.field("flows").map(|flows| flows.value.clone()).unwrap_or_default();
    let flows: Vec<&Value> = flows.as_object().into_iter().flatten().map(|(_, flow)| flow).collect();
    for scope in scopes.into_iter().filter(|_| !flows.is_empty()) {
        if !flows.iter().any(|flow| flow.get("availableScopes").is_some_and(|scopes| scopes.get(scope).is_some())) {
            let message = format!("the scope `{scope}` is not among those there are");
            lint.add(
                &SECURITY_SCOPES,
                part.at.child("scopes"),
                message,
                "add it to `availableScopes`, or ask for another",
            );
        }
    }
}

fn servers(lint: &mut Lint<'_>) {
    let mut found = Vec::new();
    for (_, entry) in lint.refs.root().entries("servers") {
        let server = lint.refs.behind(&entry);
        let schemes: Vec<_> = server.items("security").map(|scheme| lint.refs.behind(&scheme)).collect();
        if schemes.is_empty() {
            let message = "the server does not say how clients prove who they are";
            found.push((
                &SERVER_SECURITY,
                server.at.clone(),
                message.to_owned(),
                "add `security`, unless anybody may connect".to_owned(),
            ));
        }
        let protocol = server.text("protocol").unwrap_or_default();
        let sends_password = |scheme: &&Found<'_>| match scheme.text("type") {
            Some("plain" | "userPassword") => true,
            Some("http") => scheme.text("scheme") == Some("basic"),
            _ => false,
        };
        let secure = PLAIN.iter().find(|(plain, _)| *plain == protocol).map(|(_, secure)| secure);
        if let Some(secure) = secure.filter(|_| schemes.iter().any(|scheme| sends_password(&scheme))) {
            let message = format!("passwords go over {protocol} without encryption");
            let advice = format!("offer the server with TLS, as `{secure}`");
            found.push((&SECURITY_PLAIN, server.at, message, advice));
        }
    }
    for (rule, at, message, advice) in found {
        lint.add(rule, at, message, advice);
    }
}
