//! What policy refused, folded by who, what and why.

use mesh_protocol::event::Protocol;
use mesh_protocol::id::{AgentId, PrincipalId, RuleId};
use mesh_protocol::policy::Action;
use mesh_protocol::report;
use sha2::{Digest, Sha256};

/// A run of refusals that was silent for this long is over; the next one starts a new row (one hour).
pub const RUN_ENDS_AFTER_MS: i64 = 3_600_000;
/// Refusals older than this are forgotten (30 days).
pub const RETENTION_MS: i64 = 30 * 24 * 3_600_000;

/// A run of refusals of one client for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Names the run.
    pub key: [u8; 32],
    /// Who refused.
    pub agent: AgentId,
    /// Who was refused, when it could be told.
    pub principal: Option<PrincipalId>,
    /// The user name that was given.
    pub principal_name: String,
    /// The protocol's client id.
    pub client_id: String,
    /// How it came.
    pub protocol: Protocol,
    /// What it wanted.
    pub action: Action,
    /// Topic or filter.
    pub topic: String,
    /// The deciding rule.
    pub rule: Option<RuleId>,
    /// For people.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// First of the run, milliseconds since the Unix epoch.
    pub first_ms: i64,
    /// Last of the run, milliseconds since the Unix epoch.
    pub last_ms: i64,
}

impl Denial {
    /// The run a reported refusal belongs to.
    #[must_use]
    pub fn of(agent: AgentId, denial: &report::Denial) -> Self {
        let run = denial.last_ms.div_euclid(RUN_ENDS_AFTER_MS);
        let mut hash = Sha256::new();
        let rule = denial.rule.map(|rule| rule.0.into_bytes()).unwrap_or_default();
        let parts: [&[u8]; 7] = [
            agent.0.as_bytes(),
            denial.principal_name.as_bytes(),
            denial.client_id.as_bytes(),
            &[denial.protocol as u8, denial.action as u8],
            denial.topic.as_bytes(),
            &rule,
            &run.to_be_bytes(),
        ];
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self {
            key: hash.finalize().into(),
            agent,
            principal: denial.principal,
            principal_name: denial.principal_name.clone(),
            client_id: denial.client_id.clone(),
            protocol: denial.protocol,
            action: denial.action,
            topic: denial.topic.clone(),
            rule: denial.rule,
            reason: denial.reason.clone(),
            count: denial.count,
            first_ms: denial.last_ms,
            last_ms: denial.last_ms,
        }
    }
}
