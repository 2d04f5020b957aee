//! A service token: how a script logs in. Opaque, stored hashed, with a portal role of its own.

use mesh_protocol::id::ApplicationDomainId;
use uuid::Uuid;

use super::person::PortalRole;

/// How every service token begins, so that a leaked one is recognised.
pub const PREFIX: &str = "mps_";

/// A token as stored; its secret is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceToken {
    /// Stable id.
    pub id: Uuid,
    /// What it is for; the actor in audit entries.
    pub name: String,
    /// What it may do.
    pub role: PortalRole,
    /// The only application domains it sees, with their parts; empty = everything.
    pub domains: Vec<ApplicationDomainId>,
    /// Who made it.
    pub created_by: String,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Milliseconds since the Unix epoch; none = until it is removed.
    pub expires_at_ms: Option<i64>,
    /// Its last call, to the minute, milliseconds since the Unix epoch.
    pub used_at_ms: Option<i64>,
}

impl ServiceToken {
    /// Whether it still opens anything.
    #[must_use]
    pub fn is_valid(&self, now_ms: i64) -> bool {
        self.expires_at_ms.is_none_or(|end| now_ms < end)
    }
}
