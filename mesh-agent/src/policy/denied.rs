//! Why the policy keeps somebody from something.

use mesh_protocol::policy::{Action, DenyReason};

use super::CertificateError;
use crate::contract::Invalid;

/// Why something is refused, for the client, the counters and the portal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// A rule, the default, or the state of the principal decided it.
    #[error("{0}")]
    ByPolicy(DenyReason),
    /// The identity is revoked for the whole mesh.
    #[error("this identity was revoked")]
    Revoked,
    /// There is no policy yet: everything is denied.
    #[error("this agent has no policy yet and denies everything; look at its state in the portal")]
    NoPolicy,
    /// The sending agent is not a member of this environment.
    #[error("the sending agent is not a member of this environment")]
    NotAMember,
    /// A scope keeps the topic away from here.
    #[error("scope {0} keeps this topic inside other sites")]
    OutOfScope(String),
    /// The payload is not what the events at its topic promise.
    #[error("{0}")]
    Invalid(Box<Invalid>),
    /// The client's certificate does not let it in.
    #[error("{0}")]
    Certificate(#[from] CertificateError),
}

impl Denied {
    /// The deciding rule, when one decided.
    #[must_use]
    pub fn rule(&self) -> Option<mesh_protocol::id::RuleId> {
        match self {
            Self::ByPolicy(reason) => reason.rule(),
            _ => None,
        }
    }
}

/// Why a client may not consume a queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{denied}")]
pub struct Unqueued {
    /// What it may not: subscribe to what the queue attracts, or take it out of queues.
    pub action: Action,
    /// To which of the queue's filters.
    pub filter: String,
    /// Why not.
    pub denied: Denied,
}
