//! Broker connections that are no Kafka clusters: they are read for the catalog, and a schema registry by sources that read
//! records by their schemas.

use serde::{Deserialize, Serialize};

use super::webhook::{UrlError, check_webhook_url};
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
    /// Where its API is: `http://` or `https://`, with the path that stands before the API's own. Of an MQTT broker
    /// `mqtt://` or `mqtts://` without a path.
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
    /// The management API of a RabbitMQ cluster.
    Rabbit,
    /// An MQTT broker.
    Mqtt,
    /// A kind of a newer portal, of which this program knows nothing.
    #[serde(other)]
    Unknown,
}

/// Why a URL is none of what is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurveyedUrlError {
    /// As for an HTTP endpoint.
    #[error(transparent)]
    Http(UrlError),
    /// A login in the URL would stand in every log.
    #[error("may not hold a user name or password: they have fields of their own")]
    Login,
    /// Of an MQTT broker: another scheme, or none.
    #[error("must begin with `mqtt://` or `mqtts://`: a broker is not reached by WebSocket or a socket file here")]
    Scheme,
    /// Something stands behind host and port.
    #[error("must end after host and port: an MQTT broker has no path")]
    Path,
    /// A query stands behind it.
    #[error("may not hold a query (`?...`): it is where the API begins")]
    Query,
}

impl From<UrlError> for SurveyedUrlError {
    fn from(error: UrlError) -> Self {
        if error == UrlError::Login { Self::Login } else { Self::Http(error) }
    }
}

impl SurveyedKind {
    /// Checks where something of this kind is said to be.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_url(self, url: &str) -> Result<(), SurveyedUrlError> {
        if self == Self::Mqtt {
            let (secure, rest) = mqtt_address(url).ok_or(SurveyedUrlError::Scheme)?;
            check_webhook_url(&format!("{}://{rest}", if secure { "https" } else { "http" }))?;
            let ends = !rest.contains(['/', '?']);
            return if ends { Ok(()) } else { Err(SurveyedUrlError::Path) };
        }
        check_webhook_url(url)?;
        if url.contains('?') { Err(SurveyedUrlError::Query) } else { Ok(()) }
    }
}

/// Whether what is sent to a URL is encrypted.
#[must_use]
pub fn is_encrypted(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("mqtts://")
}

/// Whether an MQTT broker is reached over TLS, and its `host` or `host:port`; none = it is no URL of one.
#[must_use]
pub fn mqtt_address(url: &str) -> Option<(bool, &str)> {
    let rest = url.strip_prefix("mqtts://").map(|rest| (true, rest));
    rest.or_else(|| url.strip_prefix("mqtt://").map(|rest| (false, rest)))
        .map(|(secure, rest)| (secure, rest.strip_suffix('/').unwrap_or(rest)))
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
    fn a_url_fits_its_kind_or_says_why_not() {
        for (kind, url, expected) in [
            (SurveyedKind::Mqtt, "mqtt://mqtt.hq", Ok(())),
            (SurveyedKind::Mqtt, "mqtts://mqtt.hq:8883/", Ok(())),
            (SurveyedKind::Mqtt, "mqtt://[::1]:1883", Ok(())),
            (SurveyedKind::Mqtt, "ws://mqtt.hq/mqtt", Err(SurveyedUrlError::Scheme)),
            (SurveyedKind::Mqtt, "mqtt.hq:1883", Err(SurveyedUrlError::Scheme)),
            (SurveyedKind::Mqtt, "mqtt://mqtt.hq/topic", Err(SurveyedUrlError::Path)),
            (SurveyedKind::Mqtt, "mqtt://mqtt.hq?a=b", Err(SurveyedUrlError::Path)),
            (SurveyedKind::Mqtt, "mqtt://me:secret@mqtt.hq", Err(SurveyedUrlError::Login)),
            (SurveyedKind::Mqtt, "mqtt://mqtt.hq:0", Err(SurveyedUrlError::Http(UrlError::Port))),
            (SurveyedKind::Rabbit, "https://rabbit:15671/prefix", Ok(())),
            (SurveyedKind::Rabbit, "amqp://rabbit:5672", Err(SurveyedUrlError::Http(UrlError::Scheme))),
            (SurveyedKind::Rabbit, "https://rabbit?a=b", Err(SurveyedUrlError::Query)),
        ] {
            assert_eq!(kind.check_url(url), expected, "{url}");
        }
        assert!(is_encrypted("mqtts://a") && is_encrypted("https://a") && !is_encrypted("mqtt://a"));
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for url in [
            "http://localhost:8081/registry",
            "http://127.0.0.1:8083",
            "http://[::1]:80/x",
            "http://127.8.0.1",
            "mqtt://localhost",
        ] {
            assert!(is_this_machine(url), "{url}");
        }
        for url in
            ["http://127.0.0.1.example", "http://schemas:8081", "http://[2001:db8::1]/127.0.0.1", "http://10.0.0.1"]
        {
            assert!(!is_this_machine(url), "{url}");
        }
    }
}
