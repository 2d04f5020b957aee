//! Bindings: what a protocol allows at which level, and in which version.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Lint;
use super::rules::{BINDING_EMPTY, BINDING_KAFKA_REGISTRY, BINDING_PROTOCOL, BINDING_VERSION, BINDING_VERSION_MISSING};
use crate::bindings::{binding_of, versions};
use crate::parts::{Kind, Level, Part};
use crate::pointer::Pointer;

pub(super) fn check(lint: &mut Lint<'_>) {
    let spoken: BTreeSet<&str> = lint.parts.all(Kind::Server).filter_map(|server| spoken_by(server.value)).collect();
    let has_registry =
        lint.parts.all(Kind::Server).any(|part| part.value.pointer("/bindings/kafka/schemaRegistryUrl").is_some());
    let parts: Vec<(Level, Part<'_>)> = Level::ALL
        .into_iter()
        .flat_map(|level| lint.parts.all(Kind::Bindings(level)).map(move |part| (level, part.clone())))
        .collect();
    for (level, part) in parts {
        let bindings = part.value.as_object().into_iter().flatten().filter(|(protocol, _)| !protocol.starts_with("x-"));
        for (protocol, binding) in bindings {
            let Some(map) = binding.as_object() else { continue };
            let at = part.at.child(protocol);
            version(lint, level, protocol, map, &at);
            let own = part.at.parent().filter(|_| level == Level::Server).and_then(|at| spoken_by(at.get(lint.root)?));
            let is_spoken =
                own.map_or_else(|| spoken.is_empty() || spoken.contains(protocol.as_str()), |own| own == protocol);
            if !is_spoken {
                let message = format!("no server here speaks {protocol}");
                lint.add(&BINDING_PROTOCOL, at.clone(), message, "remove the binding, or add the server it is for");
            }
            if protocol == "kafka" {
                registry(lint, level, map, has_registry, at);
            }
        }
    }
}

fn spoken_by(server: &Value) -> Option<&'static str> {
    binding_of(server.get("protocol")?.as_str()?, server.get("protocolVersion").and_then(Value::as_str))
}

fn version(lint: &mut Lint<'_>, level: Level, protocol: &str, binding: &Map<String, Value>, at: &Pointer) {
    // An unknown protocol is found by the official schema.
    let Some(allowed) = versions(lint.version, level, protocol) else { return };
    let given = binding.get("bindingVersion");
    if allowed.is_empty() {
        let extra: Vec<_> = binding.keys().filter(|key| !key.starts_with("x-")).map(|key| format!("`{key}`")).collect();
        if !extra.is_empty() {
            let message =
                format!("{protocol} has no bindings at a {}: {} means nothing there", level.word(), extra.join(", "));
            lint.add(&BINDING_EMPTY, at.clone(), message, "leave it empty, or begin the keys with `x-`");
        }
        return;
    }
    let list = allowed.join(", ");
    match given {
        None => {
            let message = format!("the {protocol} bindings do not name their version; {} is assumed", allowed[0]);
            lint.add(&BINDING_VERSION_MISSING, at.clone(), message, format!("add `bindingVersion: '{}'`", allowed[0]));
        }
        Some(Value::String(given)) if allowed.contains(&given.as_str()) => {}
        Some(given) => {
            let message = format!("{given} is no version of the {protocol} bindings of a {}: {list}", level.word());
            let advice = format!("write `bindingVersion: '{}'`, in quotes", allowed[0]);
            lint.add(&BINDING_VERSION, at.child("bindingVersion"), message, advice);
        }
    }
}

fn registry(lint: &mut Lint<'_>, level: Level, binding: &Map<String, Value>, has_registry: bool, at: Pointer) {
    let has = |key: &str| binding.contains_key(key);
    let ids = ["schemaIdLocation", "schemaIdPayloadEncoding", "schemaLookupStrategy"];
    if level == Level::Server && has("schemaRegistryVendor") && !has("schemaRegistryUrl") {
        let message = "the vendor of a schema registry is named, and not where it is";
        lint.add(&BINDING_KAFKA_REGISTRY, at, message, "add `schemaRegistryUrl`, or remove the vendor");
    } else if level == Level::Message && !has_registry && ids.into_iter().any(has) {
        let message = "the bindings say how schema ids are written, and no server names a registry";
        lint.add(&BINDING_KAFKA_REGISTRY, at, message, "add `schemaRegistryUrl` to the bindings of the server");
    }
}
