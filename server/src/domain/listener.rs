//! A listener: a protocol endpoint that a site's agents open for local clients.

use mesh_protocol::desired::{DeniedV3Publish, ListenerProtocol};
use mesh_protocol::event::MAX_PAYLOAD_BYTES;
use mesh_protocol::id::{ListenerId, SiteId};

use super::field::FieldErrors;

/// A protocol endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Stable id.
    pub id: ListenerId,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
}

/// What a person chooses about a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Where.
    pub site: SiteId,
    /// Unique at its site.
    pub name: String,
    /// What it speaks.
    pub protocol: ListenerProtocol,
    /// `address:port`; port 0 = the agent chooses a free one once.
    pub bind: String,
    /// Largest payload, in bytes.
    pub payload_bytes_max: u32,
    /// Most clients at once.
    pub connections_max: u32,
    /// How long a publisher waits for custody, in milliseconds.
    pub custody_timeout_ms: u32,
    /// What a denied MQTT 3.1.1 publish gets.
    pub denied_v3_publish: DeniedV3Publish,
    /// Whether it speaks TLS, and nothing else.
    pub tls: bool,
    /// DNS names and addresses by which clients reach it, besides the one it is bound to; only with TLS.
    pub server_names: Vec<String>,
}

impl Spec {
    /// Checks everything that needs no other object.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.address("bind", &self.bind);
        if self.payload_bytes_max == 0 || self.payload_bytes_max as usize > MAX_PAYLOAD_BYTES {
            errors.add("payload_bytes_max", format_args!("must be 1 to {MAX_PAYLOAD_BYTES}"));
        }
        if self.connections_max == 0 || self.connections_max > 1_000_000 {
            errors.add("connections_max", "must be 1 to 1000000");
        }
        if !(100..=300_000).contains(&self.custody_timeout_ms) {
            errors.add("custody_timeout_ms", "must be 100 to 300000 milliseconds");
        }
        if self.tls {
            super::certificate::check_names(&mut errors, &self.server_names, &self.bind);
        }
        errors.check()
    }
}
