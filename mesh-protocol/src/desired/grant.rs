//! What an application may use of the mesh, and how much of it: quotas are kept and use is metered by these.
//!
//! A grant opens nothing: rights stand in the policy. Agents from before there were grants leave the section aside, so
//! they meter nothing and hold nobody to a quota.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, GrantId, PrincipalId};
use crate::topic::Filter;

/// The highest quota of events, in events a second.
pub const EVENTS_PER_S_MAX: u32 = 10_000_000;
/// The highest quota of bytes, in payload bytes a second.
pub const BYTES_PER_S_MAX: u64 = 10_000_000_000;
/// What a quota allows at once when it does not say, in seconds of its rate.
pub const BURST_S: u32 = 1;
/// The longest burst, in seconds.
pub const BURST_S_MAX: u32 = 60;

/// One grant: the principals of one application, and what they publish and take by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Stable id; use is reported by it.
    pub id: GrantId,
    /// What it is called in refusals and on pages: the product and the plan.
    pub name: String,
    /// Clients that use it.
    pub principals: Vec<PrincipalId>,
    /// What is published by it. Without variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<Filter>,
    /// What is received by it. Without variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<Filter>,
    /// How much of both, each for itself; nothing = metered only.
    #[serde(default, skip_serializing_if = "Quota::is_unlimited")]
    pub quota: Quota,
    /// Agents that share the quota. Each has an equal part of its own and lends what it does not need; one that is cut off
    /// from the others has its part alone. An agent that is not among them lets nothing through by a grant with a quota.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
}

/// What a plan allows, in each direction, at all agents together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quota {
    /// Events a second, 1 to [`EVENTS_PER_S_MAX`]; none = as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_s: Option<u32>,
    /// Payload bytes a second, 1 to [`BYTES_PER_S_MAX`]; none = as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_s: Option<u64>,
    /// What may come at once after a pause, in seconds of the rates, 1 to [`BURST_S_MAX`]; none = [`BURST_S`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_s: Option<u32>,
}

/// Why a quota is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// The events.
    #[error("the events a second are 1 to {EVENTS_PER_S_MAX}; leave them out for no limit")]
    Events,
    /// The bytes.
    #[error("the bytes a second are 1 to {BYTES_PER_S_MAX}; leave them out for no limit")]
    Bytes,
    /// The burst.
    #[error("the burst is 1 to {BURST_S_MAX} seconds; leave it out for {BURST_S}")]
    Burst,
}

impl Quota {
    /// Whether it limits nothing.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.events_per_s.is_none() && self.bytes_per_s.is_none()
    }

    /// The burst, in seconds of the rates.
    #[must_use]
    pub fn burst_s(&self) -> u32 {
        self.burst_s.unwrap_or(BURST_S)
    }

    /// Whether its numbers are within their bounds.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), QuotaError> {
        if self.events_per_s.is_some_and(|rate| rate == 0 || rate > EVENTS_PER_S_MAX) {
            return Err(QuotaError::Events);
        }
        if self.bytes_per_s.is_some_and(|rate| rate == 0 || rate > BYTES_PER_S_MAX) {
            return Err(QuotaError::Bytes);
        }
        if self.burst_s.is_some_and(|burst| burst == 0 || burst > BURST_S_MAX) {
            return Err(QuotaError::Burst);
        }
        Ok(())
    }
}
