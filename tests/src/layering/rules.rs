//! The rules, as tables: crates by their manifests, modules by the paths they use.

use super::imports::imports;

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Member {
    /// Its folder, which is its package's name except for the tests.
    pub(super) folder: &'static str,
    /// The name other Rust code calls it by.
    pub(super) name: &'static str,
    /// Which others it may depend on.
    pub(super) may: &'static [&'static str],
}

/// All crates and the directions between them.
pub(super) const MEMBERS: &[Member] = &[
    Member { folder: "mesh-protocol", name: "mesh_protocol", may: &[] },
    Member { folder: "mesh-search", name: "mesh_search", may: &["mesh-protocol"] },
    Member { folder: "mesh-schema", name: "mesh_schema", may: &["mesh-protocol"] },
    Member { folder: "mesh-asyncapi", name: "mesh_asyncapi", may: &["mesh-schema"] },
    Member { folder: "frontend", name: "frontend", may: &["mesh-protocol"] },
    Member {
        folder: "server",
        name: "server",
        may: &["frontend", "mesh-protocol", "mesh-schema", "mesh-asyncapi", "mesh-search"],
    },
    Member { folder: "mesh-agent", name: "mesh_agent", may: &["mesh-protocol", "mesh-schema"] },
    // The demo uses public interfaces only: it must work against any portal, as a customer's script would.
    Member { folder: "demo", name: "demo", may: &["mesh-protocol"] },
    Member {
        folder: "tests",
        name: "system_tests",
        may: &["mesh-protocol", "mesh-schema", "mesh-search", "frontend", "server", "mesh-agent", "demo"],
    },
    Member { folder: "xtask", name: "xtask", may: &[] },
];

/// An outside crate that only some modules may use.
struct Only {
    used: &'static [&'static str],
    within: &'static [&'static str],
    why: &'static str,
}

const ONLY: &[Only] = &[
    Only { used: &["sqlx"], within: &["server::store"], why: "one layer speaks SQL" },
    Only {
        used: &["apache_avro", "prost_reflect", "protox_parse"],
        within: &["mesh_schema"],
        why: "schemas are read in one place",
    },
    Only {
        used: &["jsonschema"],
        // The schema of AsyncAPI itself is no schema of events, and trusted.
        within: &["mesh_schema", "mesh_asyncapi::official"],
        why: "schemas are read in one place",
    },
    Only { used: &["granit_parser"], within: &["mesh_asyncapi::text"], why: "YAML is read in one place" },
    Only { used: &["tantivy"], within: &["mesh_search::index"], why: "one module knows the index" },
    Only {
        used: &["zenoh"],
        // The hub plays an agent that is not to be trusted.
        within: &["mesh_agent::fabric", "system_tests::hub"],
        why: "the fabric must stay replaceable",
    },
    Only {
        used: &["kafka_protocol"],
        within: &["mesh_agent::discovery::kafka", "mesh_agent::kafka::wire", "mesh_agent::kafka_access"],
        why: "Kafka's bare protocol answers what the client library cannot ask, and nothing else",
    },
    Only {
        used: &["chacha20poly1305"],
        within: &["mesh_protocol::sealed"],
        why: "one place knows how secrets in documents are sealed",
    },
    Only { used: &["snow"], within: &["mesh_agent::seal"], why: "one place agrees on keys" },
    Only { used: &["fjall"], within: &["mesh_agent::spool"], why: "the spool must stay replaceable" },
    Only {
        used: &["mqtt_protocol_core"],
        within: &["mesh_agent::listener::mqtt", "mesh_agent::discovery::mqtt", "server::app::access::check::mqtt"],
        why: "MQTT packets stay in its listener, in the discovery of MQTT brokers, and in the test of a connection",
    },
    Only {
        used: &["leptos", "leptos_router", "leptos_meta", "leptos_axum"],
        within: &["frontend", "server::http", "server::portal"],
        why: "pages are drawn in one place",
    },
    Only {
        used: &["axum", "axum_extra", "tower_http"],
        within: &["server::http", "server::agents", "server::portal", "mesh_agent::listener", "mesh_agent::admin"],
        why: "HTTP ends at the facades",
    },
];

/// What a module may not use.
struct Never {
    within: &'static [&'static str],
    used: &'static [&'static str],
    why: &'static str,
}

const NEVER: &[Never] = &[
    Never {
        within: &["mesh_protocol", "mesh_schema", "mesh_asyncapi"],
        used: &[
            "tokio",
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "std::time::SystemTime",
            "std::time::Instant",
        ],
        why: "the contract and the schemas are pure: no IO, no async, no clock",
    },
    Never {
        within: &["server::domain"],
        used: &[
            "tokio",
            "server::app",
            "server::store",
            "mesh_search",
            "server::http",
            "server::agents",
            "server::portal",
            "server::background",
            "frontend",
            "std::fs",
            "std::net",
        ],
        why: "the domain is pure",
    },
    Never {
        within: &["server::store"],
        used: &["server::app", "server::http", "server::agents", "server::portal", "server::background", "frontend"],
        why: "directions in the server: facades -> app -> domain, store, search",
    },
    Never {
        within: &["server::app"],
        used: &["server::http", "server::agents", "server::portal", "server::background"],
        why: "directions in the server: facades -> app -> domain, store, search",
    },
    Never {
        within: &["server::http", "server::agents", "server::portal"],
        used: &["server::store", "mesh_search"],
        why: "facades go through the application layer, where rights are enforced",
    },
    Never {
        within: &["frontend::api"],
        used: &["leptos", "leptos_router", "leptos_meta", "web_sys"],
        why: "PortalApi and its DTOs are free of leptos",
    },
    Never { within: &["frontend"], used: &["tokio", "axum", "server"], why: "pages ask PortalApi and nothing else" },
    Never {
        within: &["mesh_agent::router", "mesh_agent::policy", "mesh_agent::contract"],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::queue",
            "mesh_agent::stream",
            "mesh_agent::fabric",
            "mesh_agent::control",
            "mesh_agent::reconcile",
            "mesh_agent::discovery",
            "mesh_agent::browse",
            "mesh_agent::kafka",
            "mesh_agent::spool",
        ],
        why: "the router knows events, permits and two traits, Outlet and Keeper",
    },
    Never {
        within: &["mesh_agent::listener"],
        used: &[
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::stream",
            "mesh_agent::fabric",
            "mesh_agent::control",
            "mesh_agent::reconcile",
            "mesh_agent::discovery",
            "mesh_agent::browse",
            "mesh_agent::kafka",
        ],
        why: "a part names a trait of its own where it needs another; reconcile hands it over",
    },
    Never {
        within: &["mesh_agent::source", "mesh_agent::sink"],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::fabric",
            "mesh_agent::control",
            "mesh_agent::reconcile",
            "mesh_agent::discovery",
        ],
        why: "a part names a trait of its own where it needs another; reconcile hands it over",
    },
    Never {
        within: &[
            "mesh_agent::fabric",
            "mesh_agent::stream",
            "mesh_agent::seal",
            "mesh_agent::queue",
            "mesh_agent::spool",
        ],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::control",
            "mesh_agent::reconcile",
            "mesh_agent::discovery",
            "mesh_agent::browse",
            "mesh_agent::kafka",
        ],
        why: "a part names a trait of its own where it needs another; reconcile hands it over",
    },
    Never {
        within: &["mesh_agent::kafka"],
        used: &[
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::discovery",
            "mesh_agent::browse",
            "mesh_agent::router",
            "mesh_agent::reconcile",
        ],
        why: "what source, sink, discovery and browse share depends on none of them",
    },
    Never {
        within: &["mesh_agent::browse"],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::fabric",
            "mesh_agent::router",
            "mesh_agent::spool",
            "mesh_agent::reconcile",
            "mesh_agent::discovery",
        ],
        why: "a look at a cluster is no part of the data plane",
    },
    Never {
        within: &["mesh_agent::schemas"],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::discovery",
            "mesh_agent::router",
            "mesh_agent::spool",
            "mesh_agent::reconcile",
        ],
        why: "schemas are had for whoever reads by them",
    },
    Never {
        within: &["mesh_agent::http"],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::discovery",
            "mesh_agent::router",
            "mesh_agent::reconcile",
        ],
        why: "what webhooks and discovery share depends on neither",
    },
    Never {
        within: &["mesh_agent::discovery"],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::fabric",
            "mesh_agent::control",
            "mesh_agent::reconcile",
        ],
        why: "reports flow discovery -> control",
    },
    Never {
        within: &["mesh_agent::control"],
        used: &[
            "mesh_agent::listener",
            "mesh_agent::source",
            "mesh_agent::sink",
            "mesh_agent::fabric",
            "mesh_agent::reconcile",
        ],
        why: "desired state flows control -> ledger -> reconcile",
    },
];

/// The rules that a file breaks; `file` is its path from the root of the workspace.
#[must_use]
pub fn complaints_about(file: &str, text: &str) -> Vec<String> {
    let Some(module) = module_of(file) else { return Vec::new() };
    let module_path = module.join("::");
    let mut complaints = Vec::new();
    for path in imports(&module, text) {
        let why = ONLY.iter().filter(|rule| any_in(rule.used, &path) && !any_in(rule.within, &module_path));
        let why = why.map(|rule| rule.why).chain(
            NEVER
                .iter()
                .filter(|rule| any_in(rule.within, &module_path) && any_in(rule.used, &path))
                .map(|rule| rule.why),
        );
        complaints.extend(why.map(|why| format!("{file}: uses {path}, but {why}")));
        if any_in(&["rdkafka", "rdkafka_sys"], &path) && !module.contains(&"kafka") {
            complaints.push(format!("{file}: uses {path}, but only what is named kafka speaks Kafka"));
        }
    }
    complaints.dedup();
    complaints
}

/// The rules that a manifest breaks. Development dependencies count: a test may not reach where its crate may not.
pub(super) fn complaints_about_manifest(member: &Member, manifest: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            in_dependencies = section.contains("dependencies");
        }
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let ours = MEMBERS.iter().any(|other| other.folder == name) || name == "system-tests";
        if in_dependencies && ours && !member.may.contains(&name) {
            complaints.push(format!(
                "{}/Cargo.toml: depends on {name}, which its place in the house does not allow",
                member.folder
            ));
        }
    }
    complaints
}

/// `server/src/app/acl.rs` is `["server", "app", "acl"]`; files outside the members' sources have no rules.
fn module_of(file: &str) -> Option<Vec<&str>> {
    let (folder, inside) = file.split_once("/src/")?;
    let member = MEMBERS.iter().find(|member| member.folder == folder)?;
    let inside = inside.strip_suffix(".rs")?;
    let mut module = vec![member.name];
    module.extend(inside.split('/').filter(|part| !matches!(*part, "lib" | "main" | "mod")));
    Some(module)
}

/// Whether `path` is one of the prefixes or below one.
fn any_in(prefixes: &[&str], path: &str) -> bool {
    prefixes
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
}

#[cfg(test)]
mod tests {
    use super::{MEMBERS, complaints_about, complaints_about_manifest};

    /// Each forbidden import beside the same import where it is allowed.
    #[test]
    fn every_rule_can_be_broken_and_kept() {
        let cases = [
            ("server/src/app/acl.rs", "server/src/store/acl.rs", "use sqlx::Row;"),
            ("server/src/app/search.rs", "mesh-search/src/index/ask.rs", "use tantivy::Index;"),
            ("server/src/app/registry.rs", "mesh-schema/src/avro.rs", "use apache_avro::Schema;"),
            ("mesh-agent/src/reconcile.rs", "mesh-agent/src/fabric/session.rs", "let s = zenoh::open(c);"),
            ("mesh-agent/src/queue.rs", "mesh-agent/src/spool/disk.rs", "use fjall::Keyspace;"),
            (
                "mesh-agent/src/listener/http.rs",
                "mesh-agent/src/listener/mqtt/session.rs",
                "use mqtt_protocol_core::mqtt;",
            ),
            ("mesh-agent/src/sink.rs", "mesh-agent/src/sink/kafka/record.rs", "use rdkafka::Message;"),
            (
                "mesh-agent/src/sink/kafka/record.rs",
                "mesh-agent/src/kafka/wire.rs",
                "use kafka_protocol::ResponseError;",
            ),
            ("server/src/domain/acl.rs", "server/src/app/acl.rs", "use tokio::sync::watch;"),
            ("server/src/app/acl.rs", "server/src/http/api/acl.rs", "use axum::Json;"),
            ("server/src/store/acl.rs", "server/src/http/api/acl.rs", "use crate::app::Acl;"),
            ("server/src/http/api/acl.rs", "server/src/app/acl.rs", "use crate::{app, store::acl};"),
            ("server/src/app/acl.rs", "server/src/main.rs", "use crate::http::router;"),
            ("frontend/src/api/acl.rs", "frontend/src/pages/acl.rs", "use leptos::prelude::*;"),
            ("mesh-protocol/src/wire.rs", "mesh-agent/src/control.rs", "let t = std::time::Instant::now();"),
            ("mesh-agent/src/router/table.rs", "mesh-agent/src/reconcile.rs", "use crate::listener::mqtt;"),
            ("mesh-agent/src/listener/mqtt.rs", "mesh-agent/src/reconcile/plan.rs", "use super::super::fabric::Link;"),
            ("mesh-agent/src/http/connect.rs", "mesh-agent/src/sink/webhook.rs", "use crate::router::Outlet;"),
        ];
        for (broken, kept, text) in cases {
            assert!(!complaints_about(broken, text).is_empty(), "{broken}: {text}");
            assert_eq!(complaints_about(kept, text), [""; 0], "{kept}: {text}");
        }
    }

    #[test]
    fn crates_depend_in_one_direction() {
        let frontend = MEMBERS.iter().find(|member| member.folder == "frontend").expect("it is a member");
        let manifest = "[dependencies]\nmesh-protocol.workspace = true\nserver.workspace = true\n";
        assert_eq!(complaints_about_manifest(frontend, manifest).len(), 1);
        let aside = "[dev-dependencies]\nmesh-agent = { workspace = true }\n";
        assert_eq!(complaints_about_manifest(frontend, aside).len(), 1);
        assert!(complaints_about_manifest(frontend, "[package]\nname = \"server\"\n").is_empty());
    }
}
