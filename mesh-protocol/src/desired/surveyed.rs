//! Broker connections that are no Kafka clusters: they are read for the catalog, and a schema registry by sources that read
//! records by their schemas.

use serde::{Deserialize, Serialize};

use crate::id::BrokerId;

/// Something an agent looks at for the catalog or for a source, read only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surveyed {
    /// Stable id, of the same kind as a Kafka cluster's: reports name either by it.
    pub id: BrokerId,
    /// Name, unique in the environment among all broker connections.
    pub name: String,
    /// What it is.
    pub kind: SurveyedKind,
    /// Where its API is: `http://` or `https://`, with the path that stands before the API's own.
    pub url: String,
    /// PEM of the authority that signed its certificate; none = the system's.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// Who logs in; none = nobody.
    #[serde(default)]
    pub login: Option<Login>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurveyedKind {
    /// A schema registry with Confluent's API.
    SchemaRegistry,
    /// The REST API of a Kafka Connect cluster.
    KafkaConnect,
    /// A kind of a newer portal, of which this program knows nothing.
    #[serde(other)]
    Unknown,
}

/// A user name and the name of its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// User name.
    pub username: String,
    /// Name of the secret in the agent's own store (`mesh-agent secret set NAME`); never a path, never the secret.
    pub secret: String,
}

/// Whether a URL, which was checked, leads to the very machine that calls it: a password sent there readable is seen by
/// nobody else.
#[must_use]
pub fn is_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host == "::1"
        || host.parse::<core::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_read_as_written_and_a_kind_of_a_newer_portal_is_told_from_others() {
        let text = r#"{"id":"00000000-0000-0000-0000-000000000001","name":"schemas","kind":"schema_registry","url":"https://schemas:8081","ca_pem":null,"login":{"username":"meshport","secret":"schemas"}}"#;
        let read: Surveyed = serde_json::from_str(text).expect("a connection");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
        let newer: Surveyed =
            serde_json::from_str(&text.replace("schema_registry", "carrier_pigeons")).expect("a connection");
        assert_eq!((newer.kind, newer.name), (SurveyedKind::Unknown, read.name));
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for url in ["http://localhost:8081/registry", "http://127.0.0.1:8083", "http://[::1]:80/x", "http://127.8.0.1"]
        {
            assert!(is_this_machine(url), "{url}");
        }
        for url in
            ["http://127.0.0.1.example", "http://schemas:8081", "http://[2001:db8::1]/127.0.0.1", "http://10.0.0.1"]
        {
            assert!(!is_this_machine(url), "{url}");
        }
    }
}
