//! `GET /api/v1/live`: server-sent events that say what changed, never what it changed to. A page reloads what it
//! shows. A client that was away gets `all`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One message of the live stream (event name `change`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveChange {
    /// What changed; coalesced, at most four messages a second.
    pub topics: Vec<LiveTopic>,
}

/// What may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiveTopic {
    /// Everything may have changed.
    All,
    /// Figures of the overview (every second or two while somebody looks).
    Overview,
    /// Catalog objects.
    Catalog,
    /// Flows.
    Graph,
    /// Subscriptions.
    Subscriptions,
    /// Refusals.
    Denials,
    /// Sites, agents, links, listeners, brokers.
    Topology,
    /// Routes.
    Routes,
    /// Named queues, and what is in them.
    Queues,
    /// Principals, roles, rules, applications.
    Access,
    /// How far the agents are.
    Rollout,
    /// People.
    People,
    /// What people are told.
    Notifications,
    /// Webhooks and the messages to them.
    Webhooks,
}
