//! What was discovered in a cluster: kept by its own name, with when it was first and last seen and when it went.

use mesh_protocol::id::{AgentId, BrokerId};
use mesh_protocol::report::{MissingRight, ObjectFacts, ObjectKind};

/// One discovered object as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which cluster.
    pub broker: BrokerId,
    /// What it is.
    pub kind: ObjectKind,
    /// Its own name there.
    pub name: String,
    /// What is known of it.
    pub facts: ObjectFacts,
    /// Who saw it.
    pub agent: AgentId,
    /// First seen, milliseconds since the Unix epoch.
    pub first_seen_ms: i64,
    /// Facts last confirmed, milliseconds since the Unix epoch.
    pub last_seen_ms: i64,
    /// Gone since, milliseconds since the Unix epoch.
    pub gone_at_ms: Option<i64>,
}

/// The last scan of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which cluster.
    pub broker: BrokerId,
    /// Who scanned.
    pub agent: AgentId,
    /// The scan's number at that agent.
    pub number: u64,
    /// When it ended, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What the agent may not see.
    pub missing_rights: Vec<MissingRight>,
    /// Why nothing could be read.
    pub failed: Option<String>,
}
