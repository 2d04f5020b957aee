//! How each part of an agent is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::desired::KafkaUserRef;
use crate::id::{BrokerId, ListenerId, QueueId, RouteId};

/// One running part of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which object it serves.
    pub object: PartRef,
    /// How it is.
    pub state: PartState,
    /// What is wrong and what to do, or a useful fact.
    pub detail: Option<String>,
    /// Since when it is so, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Where it can be reached (`host:port`), for listeners and the fabric endpoint.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// A listener that speaks TLS: it shows a certificate of somebody's own authority, not one that the portal issued.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub own_certificate: bool,
    /// Numbers about it: `lag_records`, `events`, `connections`...
    #[serde(default)]
    pub figures: BTreeMap<String, u64>,
}

/// What a part serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartRef {
    /// An endpoint for clients.
    Listener(ListenerId),
    /// A route's source at this agent.
    Source(RouteId),
    /// A route's sink at this agent.
    Sink(RouteId),
    /// A broker connection (its discovery).
    Broker(BrokerId),
    /// The agent's own fabric endpoint.
    Fabric,
    /// A named queue at its owner.
    Queue(QueueId),
    /// The users of grants at a cluster, as a whole.
    KafkaAccess(BrokerId),
    /// One of those users, as one document wants it.
    KafkaUser(KafkaUserRef),
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Being started or reconnecting for the first time.
    Starting,
    /// Works.
    Running,
    /// Works partly; `detail` says what does not.
    Degraded,
    /// Does not work now and tries again by itself.
    Failing,
    /// Cannot work until somebody changes the configuration.
    Rejected,
}
