//! Which versions of its bindings a protocol has, level by level.
//!
//! They are no constants: one level of one protocol can allow what another does not, and releases of the schema
//! disagree. So they stand in a table, which a test holds against the official schemas.

use crate::document::Version;
use crate::parts::Level;

const NONE: &[&str] = &[];
const KAFKA: &[&str] = &["0.5.0", "0.4.0", "0.3.0"];
const SOLACE: &[&str] = &["0.4.0", "0.3.0", "0.2.0"];
const HTTP: &[&str] = &["0.3.0", "0.2.0"];
const V0_0_1: &[&str] = &["0.0.1"];
const V0_1: &[&str] = &["0.1.0"];
const V0_2: &[&str] = &["0.2.0"];
const V0_3: &[&str] = &["0.3.0"];

/// The versions that are allowed, the latest first. Empty = the protocol has only an empty object at this level; none =
/// it is not known there.
#[must_use]
pub fn versions(version: Version, level: Level, protocol: &str) -> Option<&'static [&'static str]> {
    use Level::{Channel, Message, Operation, Server};
    Some(match (protocol, level) {
        ("kafka", _) => KAFKA,
        ("mqtt", Channel) => NONE,
        ("mqtt", _) => V0_2,
        ("solace", Server | Operation) => SOLACE,
        ("http", Operation | Message) => HTTP,
        ("ws", Channel) => V0_1,
        ("amqp", Channel | Operation | Message) => V0_3,
        ("anypointmq", Channel | Message) | ("jms", Server | Channel | Message) => V0_0_1,
        ("ibmmq", Server | Channel | Message) | ("nats", Operation) | ("sns", Channel | Operation) => V0_1,
        ("sqs", Channel | Operation) | ("googlepubsub", Channel | Message) => V0_2,
        ("pulsar", Server | Channel) => V0_1,
        ("pulsar", _) => return None,
        ("ros2", Server | Operation) if version == Version::V3_1 => V0_1,
        (
            "amqp1" | "stomp" | "redis" | "solace" | "http" | "ws" | "amqp" | "anypointmq" | "jms" | "ibmmq" | "nats"
            | "sns" | "sqs" | "googlepubsub",
            _,
        ) => NONE,
        _ => return None,
    })
}

/// The bindings' key of the protocol that a server names; none = it has no bindings.
#[must_use]
pub fn binding_of(protocol: &str, protocol_version: Option<&str>) -> Option<&'static str> {
    Some(match protocol.to_ascii_lowercase().as_str() {
        "kafka" | "kafka-secure" => "kafka",
        "mqtt" | "mqtts" | "secure-mqtt" | "mqtt5" | "mqtt5s" => "mqtt",
        "amqp" | "amqps" if protocol_version.is_some_and(|version| version.starts_with('1')) => "amqp1",
        "amqp1" | "amqp1s" => "amqp1",
        "amqp" | "amqps" => "amqp",
        "http" | "https" => "http",
        "ws" | "wss" => "ws",
        "solace" => "solace",
        "nats" => "nats",
        "jms" => "jms",
        "sns" => "sns",
        "sqs" => "sqs",
        "stomp" | "stomps" => "stomp",
        "redis" => "redis",
        "ibmmq" | "ibmmq-secure" => "ibmmq",
        "googlepubsub" => "googlepubsub",
        "pulsar" => "pulsar",
        "anypointmq" => "anypointmq",
        "ros2" => "ros2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::official;

    #[test]
    fn the_table_is_that_of_the_official_schemas() {
        for version in Version::ALL {
            let schema: Value = serde_json::from_str(official::schema(version)).expect("JSON");
            for level in Level::ALL {
                let known = &schema["definitions"][format!("{}BindingsObject", level.word())]["properties"];
                let known = known.as_object().expect("protocols");
                for (protocol, binding) in known {
                    let allowed = binding["properties"]["bindingVersion"]["enum"].as_array();
                    let allowed: BTreeSet<_> = allowed.into_iter().flatten().filter_map(Value::as_str).collect();
                    let ours = versions(version, level, protocol);
                    let ours = ours.map(|versions| versions.iter().copied().collect());
                    assert_eq!(ours, Some(allowed), "{version}, {protocol} at a {}", level.word());
                }
                for protocol in ["mqtt5", "pulsar", "ros2", "carrier-pigeon"] {
                    let ours = versions(version, level, protocol).is_some();
                    assert_eq!(ours, known.contains_key(protocol), "{version}, {protocol} at a {}", level.word());
                }
            }
        }
    }

    #[test]
    fn the_latest_version_stands_first() {
        for level in Level::ALL {
            for protocol in ["kafka", "solace", "http"] {
                let versions = versions(Version::V3_0, level, protocol).unwrap_or_default();
                assert!(versions.windows(2).all(|pair| pair[0] > pair[1]), "{versions:?}");
            }
        }
    }

    #[test]
    fn amqp_is_told_apart_by_its_version() {
        assert_eq!(binding_of("amqps", Some("1.0")), Some("amqp1"));
        assert_eq!(binding_of("amqp", Some("0.9.1")), Some("amqp"));
        assert_eq!(binding_of("secure-mqtt", Some("5")), Some("mqtt"));
        assert_eq!(binding_of("carrier-pigeon", None), None);
    }
}
