//! Revoked identities, for the whole mesh.
//!
//! Small and monotone: numbers only grow and entries only leave when what they name has expired. Agents hand the list
//! to each other, so a revocation arrives also where the portal does not.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, PrincipalId};

/// The signed document ([`Domain::DenyList`](crate::signed::Domain::DenyList)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenyList {
    /// Grows with every change; an agent keeps the highest it has seen.
    pub number: u64,
    /// Agents whose certificates are no longer believed.
    pub agents: Vec<AgentId>,
    /// Principals that may not log in anywhere.
    pub principals: Vec<PrincipalId>,
}
