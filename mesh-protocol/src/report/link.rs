//! What an agent says of each other one: whether frames pass, what waits, what scopes keep back, and how far interest is held.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, SiteId};

/// A link to another agent, as this side sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// The other end.
    pub agent: AgentId,
    /// Its site.
    pub site: SiteId,
    /// Frames pass?
    pub up: bool,
    /// Directly linked, or reached over other sites.
    pub direct: bool,
    /// Since when it is up or down, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Round trip of the last heartbeat, in microseconds.
    pub round_trip_us: Option<u64>,
    /// Event copies sent to it since start.
    pub events_sent: u64,
    /// Event copies received from it since start.
    pub events_received: u64,
    /// Bytes of frames sent since start.
    pub bytes_sent: u64,
    /// Bytes of frames received since start.
    pub bytes_received: u64,
    /// Guaranteed events waiting for its custody.
    pub backlog_events: u64,
    /// Their bytes.
    pub backlog_bytes: u64,
    /// What scopes keep from it; none while no scope says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scoped: Option<Scoped>,
    /// It answers that it cannot take what waits for it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Behind>,
    /// How far it holds what this agent wants durably; none = it has not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interest: Option<HeldInterest>,
}

/// What an agent wants durably, at another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldInterest {
    /// Not all of it is on the other agent's disk yet: an event that is published there now may pass by what is new.
    pub pending: bool,
    /// Events behind this position of the other agent's log are judged by what it holds.
    pub after_position: u64,
}

/// What scopes keep from another agent, as the agent that would send it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scoped {
    /// The revision that changed last what scopes let go there.
    pub revision: u64,
    /// From behind this position of the agent's log on nothing that it forbids has gone there. What is at or before it may
    /// have gone while it was allowed; what had not gone by then is kept back as well.
    pub after_position: u64,
    /// When this agent began to enforce it, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Events kept from it since the agent's start.
    pub withheld_events: u64,
}

/// Another agent takes no custody for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Why.
    pub reason: BehindReason,
    /// The policy revision that it enforces.
    pub revision: u64,
    /// Since when it has answered so, milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// Why an agent takes no custody yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BehindReason {
    /// Its policy is older than that of the sender, and does not let it take the event.
    Revision,
    /// What shall take the event there is configured and does not run.
    NotReady,
}
