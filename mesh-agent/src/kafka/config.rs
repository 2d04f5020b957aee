//! Client configuration from desired state.
//!
//! Queues are bounded far below the library's defaults (64 MiB and 1 GiB): an agent runs several clients and must stay
//! small. Offsets are never reset by the library: it would skip or repeat records in silence.

use mesh_protocol::desired::{BrokerConnection, SaslMechanism};
use mesh_protocol::event::MAX_PAYLOAD_BYTES;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::secret::{Secret, Secrets};
use super::stats;
use crate::part::StartError;

/// Most bytes a source's client fetches ahead, in KiB.
const CONSUMER_QUEUE_KBYTES: &str = "8192";
/// Most bytes a sink's client holds, in KiB; what does not fit waits in the sink.
const PRODUCER_QUEUE_KBYTES: &str = "32768";
/// Room for a record's key and headers beside its payload, in bytes.
const RECORD_OVERHEAD_BYTES: usize = 256 * 1024;

/// Why no client can be made from a broker connection. Each needs a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The connection names no address.
    #[error("broker connection {0} has no bootstrap address: give it one as host:port")]
    NoAddress(String),
    /// The secret was not set at this agent.
    #[error(
        "the password of {user} at {broker} is not known here: run `mesh-agent secret set {secret}` on this machine"
    )]
    MissingSecret {
        /// The broker connection.
        broker: String,
        /// The login.
        user: String,
        /// Name of the secret.
        secret: String,
    },
    /// SASL PLAIN sends the password as it is.
    #[error("broker connection {0} would send the password of PLAIN unencrypted: switch TLS on, or use SCRAM")]
    PlainWithoutTls(String),
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        match error {
            // Works as soon as somebody runs the command, without an edit in the portal.
            ConfigError::MissingSecret { .. } => Self::Failing(error.to_string()),
            _ => Self::Rejected(error.to_string()),
        }
    }
}

/// Settings every client of this connection has. `client_id` is what the cluster's administrators see.
///
/// # Errors
/// [`ConfigError`].
pub fn base(broker: &BrokerConnection, secrets: &dyn Secrets, client_id: &str) -> Result<ClientConfig, ConfigError> {
    if broker.bootstrap.iter().all(|address| address.trim().is_empty()) {
        return Err(ConfigError::NoAddress(broker.name.clone()));
    }
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", broker.bootstrap.join(","))
        .set("client.id", client_id)
        .set("security.protocol", protocol(broker))
        .set("socket.keepalive.enable", "true")
        .set("socket.timeout.ms", "20000")
        .set("socket.connection.setup.timeout.ms", "10000")
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "5000")
        // A topic made after the start is seen within this time.
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("statistics.interval.ms", stats::INTERVAL_MS)
        .set_log_level(RDKafkaLogLevel::Info);
    if let (true, Some(pem)) = (broker.security.tls, &broker.security.ca_pem) {
        config.set("ssl.ca.pem", pem);
    }
    if let Some(login) = credentials(broker, secrets)? {
        config
            .set("sasl.mechanism", mechanism_name(login.mechanism))
            .set("sasl.username", &login.user)
            .set("sasl.password", login.password.expose());
    }
    Ok(config)
}

fn protocol(broker: &BrokerConnection) -> &'static str {
    match (broker.security.tls, broker.security.sasl.is_some()) {
        (false, false) => "plaintext",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    }
}

/// Who logs in, and how.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// How.
    pub mechanism: SaslMechanism,
    /// Who.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// The login of a connection; none = it has none.
///
/// # Errors
/// [`ConfigError`].
pub fn credentials(broker: &BrokerConnection, secrets: &dyn Secrets) -> Result<Option<Credentials>, ConfigError> {
    let Some(sasl) = &broker.security.sasl else { return Ok(None) };
    if sasl.mechanism == SaslMechanism::Plain && !broker.security.tls {
        return Err(ConfigError::PlainWithoutTls(broker.name.clone()));
    }
    let password = secrets.get(&sasl.secret).ok_or_else(|| ConfigError::MissingSecret {
        broker: broker.name.clone(),
        user: sasl.username.clone(),
        secret: sasl.secret.clone(),
    })?;
    Ok(Some(Credentials { mechanism: sasl.mechanism, user: sasl.username.clone(), password }))
}

/// What Kafka calls a mechanism.
#[must_use]
pub const fn mechanism_name(mechanism: SaslMechanism) -> &'static str {
    match mechanism {
        SaslMechanism::Plain => "PLAIN",
        SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
    }
}

/// For a member of a consumer group that commits and positions by itself.
#[must_use]
pub fn consumer(mut config: ClientConfig, group: &str) -> ClientConfig {
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // An offset that is gone is an error for us to report, never a jump.
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set("isolation.level", "read_committed")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "2500")
        .set("queued.max.messages.kbytes", CONSUMER_QUEUE_KBYTES)
        .set("queued.min.messages", "2000")
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.max.bytes", "16777216")
        .set("fetch.error.backoff.ms", "500");
    config
}

/// For a producer that keeps the order per partition and never gives a record up by itself.
#[must_use]
pub fn producer(mut config: ClientConfig) -> ClientConfig {
    config
        .set("enable.idempotence", "true")
        // As the Java client does, so that keys land in the partitions other programs expect.
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "2")
        // Below the broker's usual limit, so that only a single record can ever be too large for it.
        .set("batch.size", "900000")
        .set("message.max.bytes", (MAX_PAYLOAD_BYTES + RECORD_OVERHEAD_BYTES).to_string())
        .set("queue.buffering.max.messages", "50000")
        .set("queue.buffering.max.kbytes", PRODUCER_QUEUE_KBYTES)
        // No limit: while the cluster is away the sender's acknowledgement is withheld, and nothing is lost.
        .set("message.timeout.ms", "0")
        // How long an unknown topic may still be one that is just being made.
        .set("topic.metadata.propagation.max.ms", "5000");
    config
}

#[cfg(test)]
mod tests;
