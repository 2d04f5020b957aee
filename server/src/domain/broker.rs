//! A broker connection: a Kafka cluster that the agents of a site can reach.

use mesh_protocol::desired::{KafkaSecurity, SaslMechanism};
use mesh_protocol::id::{BrokerId, SiteId};

use super::field::{FieldErrors, NAME_BYTES_MAX};

/// Most bootstrap servers of one connection.
pub const BOOTSTRAP_MAX: usize = 16;

/// A Kafka cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Stable id.
    pub id: BrokerId,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
}

/// What a person chooses about a broker connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The site whose agents reach it.
    pub site: SiteId,
    /// Unique in the environment.
    pub name: String,
    /// `host:port` each.
    pub bootstrap: Vec<String>,
    /// How to connect.
    pub security: KafkaSecurity,
    /// Scan it for the catalog.
    pub discover: bool,
    /// People may look into its topics.
    pub browse: bool,
}

impl Spec {
    /// Checks everything that needs no other object. Paths of the errors are those of the API's input.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        if self.bootstrap.is_empty() || self.bootstrap.len() > BOOTSTRAP_MAX {
            errors.add("bootstrap", format_args!("needs 1 to {BOOTSTRAP_MAX} servers, each `host:port`"));
        }
        for address in &self.bootstrap {
            errors.address("bootstrap", address);
        }
        if let Some(ca) = &self.security.ca_pem {
            if !self.security.tls {
                errors.add("ca_pem", "is only used with TLS");
            } else if !ca.contains("-----BEGIN CERTIFICATE-----") || ca.len() > 64 * 1024 {
                errors.add("ca_pem", "must be a PEM certificate");
            }
        }
        if let Some(sasl) = &self.security.sasl {
            if sasl.username.is_empty() || sasl.username.len() > 256 {
                errors.add("sasl.username", "is required, at most 256 characters");
            }
            if sasl.secret.is_empty() || sasl.secret.len() > NAME_BYTES_MAX {
                errors.add("sasl.secret", "names a secret of the agent (`mesh-agent secret set NAME`)");
            } else {
                errors.name("sasl.secret", &sasl.secret);
            }
            if sasl.mechanism == SaslMechanism::Plain && !self.security.tls {
                errors.add("sasl.mechanism", "PLAIN sends the password readable: use it over TLS, or SCRAM");
            }
        }
        errors.check()
    }
}
