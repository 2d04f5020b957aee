//! Observed flows: who really produced and consumed what, as agents reported it window by window.
//!
//! A flow is one edge: a client at an agent, an address, a direction. A window adds to it; silence makes its rate zero
//! after a few windows and the flow stale after a minute. Nothing is forgotten before its retention, because "who used
//! this last month" is the question before every change.

use mesh_protocol::event::Protocol;
use mesh_protocol::id::{AgentId, BrokerId, PrincipalId, RouteId};
use mesh_protocol::report::{self, Direction};
use mesh_protocol::schema_id::SchemaId;
use sha2::{Digest, Sha256};

/// A flow that was not seen for this long has no rate any more. Three windows of the slowest agent.
pub const SILENT_AFTER_MS: i64 = 15_000;
/// A flow that was not seen for this long is last known, not live.
pub const STALE_AFTER_MS: i64 = 60_000;
/// A flow that was not seen for this long is forgotten (90 days).
pub const RETENTION_MS: i64 = 90 * 24 * 3_600_000;

/// A client that was seen so lately still counts as a user of what it used (7 days): some work once a day, some only on weekdays.
pub const LATELY_MS: i64 = 7 * 24 * 3_600_000;
/// Schemas kept of one flow, those seen last.
pub const SCHEMAS_KEPT: u32 = 32;

/// Names a flow: a hash over all that makes it one.
pub type FlowKey = [u8; 32];

/// One edge as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its identity.
    pub key: FlowKey,
    /// Who saw it.
    pub agent: AgentId,
    /// The client; none = the mesh itself.
    pub principal: Option<PrincipalId>,
    /// The client's user name, or the route's name.
    pub principal_name: String,
    /// The protocol's client id.
    pub client_id: String,
    /// How it is connected.
    pub protocol: Protocol,
    /// Sends or takes.
    pub direction: Direction,
    /// Event address.
    pub address: String,
    /// A concrete topic of it.
    pub example_topic: String,
    /// For connectors: the cluster.
    pub broker: Option<BrokerId>,
    /// For connectors: the Kafka topic.
    pub broker_topic: Option<String>,
    /// For connectors: the route.
    pub route: Option<RouteId>,
    /// Fingerprint of the payload's shape.
    pub shape: Option<String>,
    /// Events per second when it was last seen.
    pub rate: f64,
    /// Events since it was first seen.
    pub events: u64,
    /// Payload bytes since it was first seen.
    pub bytes: u64,
    /// First seen, milliseconds since the Unix epoch.
    pub first_seen_ms: i64,
    /// Last seen, milliseconds since the Unix epoch.
    pub last_seen_ms: i64,
    /// Schemas that its payloads named, by their ids.
    pub schemas: Vec<NamedSchema>,
}

/// A schema that payloads of a flow named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedSchema {
    /// Its id, at a registry that the payloads do not name.
    pub id: SchemaId,
    /// Events per second when it was last seen.
    pub rate: f64,
    /// Events since it was first seen.
    pub events: u64,
    /// First seen, milliseconds since the Unix epoch.
    pub first_seen_ms: i64,
    /// Last seen, milliseconds since the Unix epoch.
    pub last_seen_ms: i64,
}

impl NamedSchema {
    /// Events per second now.
    #[must_use]
    pub fn rate_at(&self, now_ms: i64) -> f64 {
        if is_silent(self.last_seen_ms, now_ms) { 0.0 } else { self.rate }
    }
}

impl Flow {
    /// A flow as one window shows it.
    #[must_use]
    pub fn of_window(agent: AgentId, flow: &report::Flow, window_ms: u64, at_ms: i64) -> Self {
        Self {
            key: key(agent, flow),
            agent,
            principal: flow.principal,
            principal_name: flow.principal_name.clone(),
            client_id: flow.client_id.clone(),
            protocol: flow.protocol,
            direction: flow.direction,
            address: flow.address.clone(),
            example_topic: flow.example_topic.clone(),
            broker: flow.broker,
            broker_topic: flow.broker_topic.clone(),
            route: flow.route,
            shape: flow.shape.clone(),
            rate: per_second(flow.events, window_ms),
            events: flow.events,
            bytes: flow.bytes,
            first_seen_ms: at_ms,
            last_seen_ms: at_ms,
            schemas: flow
                .schemas
                .iter()
                .map(|named| NamedSchema {
                    id: named.id,
                    rate: per_second(named.events, window_ms),
                    events: named.events,
                    first_seen_ms: at_ms,
                    last_seen_ms: at_ms,
                })
                .collect(),
        }
    }

    /// Events per second now: what the last window said, while there was one lately.
    #[must_use]
    pub fn rate_at(&self, now_ms: i64) -> f64 {
        if is_silent(self.last_seen_ms, now_ms) { 0.0 } else { self.rate }
    }

    /// Whether this is last known rather than live.
    #[must_use]
    pub fn is_stale(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.last_seen_ms) > STALE_AFTER_MS
    }
}

fn is_silent(last_seen_ms: i64, now_ms: i64) -> bool {
    now_ms.saturating_sub(last_seen_ms) > SILENT_AFTER_MS
}

/// Events per second over a window.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub fn per_second(events: u64, window_ms: u64) -> f64 {
    events as f64 * 1_000.0 / window_ms.max(1) as f64
}

/// Rates added up. (The sum of no floats is -0.0, which a page would show.)
pub fn total(rates: impl IntoIterator<Item = f64>) -> f64 {
    rates.into_iter().fold(0.0, |sum, rate| sum + rate)
}

fn key(agent: AgentId, flow: &report::Flow) -> FlowKey {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(agent.0.as_bytes());
    part(flow.principal_name.as_bytes());
    part(flow.client_id.as_bytes());
    part(&[flow.protocol as u8, flow.direction as u8]);
    part(flow.address.as_bytes());
    part(flow.broker_topic.as_deref().unwrap_or_default().as_bytes());
    part(flow.broker.map(|broker| broker.0.into_bytes()).unwrap_or_default().as_slice());
    part(flow.route.map(|route| route.0.into_bytes()).unwrap_or_default().as_slice());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(client: &str, events: u64) -> report::Flow {
        report::Flow {
            principal: None,
            principal_name: "till-7".to_owned(),
            client_id: client.to_owned(),
            protocol: Protocol::Mqtt,
            direction: Direction::Produce,
            address: "orders/{country}".to_owned(),
            example_topic: "orders/fr".to_owned(),
            broker: None,
            broker_topic: None,
            route: None,
            events,
            bytes: 10 * events,
            shape: None,
            schemas: Vec::new(),
        }
    }

    #[test]
    fn the_same_edge_has_the_same_key_and_another_client_another() {
        let agent = AgentId(uuid::Uuid::nil());
        let key = |client| Flow::of_window(agent, &window(client, 1), 1_000, 0).key;
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("b"));
    }

    #[test]
    fn silence_ends_the_rate_first_and_freshness_later() {
        let flow = Flow::of_window(AgentId(uuid::Uuid::nil()), &window("a", 10), 2_000, 1_000);
        assert!((flow.rate_at(2_000) - 5.0).abs() < 1e-9);
        assert!(flow.rate_at(1_000 + SILENT_AFTER_MS + 1).abs() < 1e-9);
        assert!(!flow.is_stale(1_000 + STALE_AFTER_MS));
        assert!(flow.is_stale(1_000 + STALE_AFTER_MS + 1));
    }
}
