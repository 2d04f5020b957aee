//! What a decision about many requests would come to, before it is made.

use mesh_protocol::id::AccessRequestId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AccessAct;

/// Most requests of one decision.
pub const ACCESS_DECIDED_MAX: usize = 100;

/// A decision that nobody makes yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessForecastInput {
    /// About which; at most 100.
    pub requests: Vec<AccessRequestId>,
    /// `approve` or `reject`.
    pub act: AccessAct,
    /// Why; needed to reject.
    #[serde(default)]
    pub reason: String,
}

/// What it would come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessForecast {
    /// One line for each request, in the order they were named.
    pub lines: Vec<AccessForecastLine>,
}

/// What it would come to for one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessForecastLine {
    /// Which.
    pub id: AccessRequestId,
    /// As it was looked at: a decision about another revision is refused.
    pub revision: i64,
    /// Who wants access to what; empty = there is no such request.
    pub name: String,
    /// What would become of it.
    pub outcome: ForecastOutcome,
    /// In a sentence; of a refusal, why.
    pub what: String,
}

/// What a decision would make of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForecastOutcome {
    /// Access is given.
    Given,
    /// The approval counts, and others have to give theirs.
    Counted,
    /// It is rejected.
    Rejected,
    /// It stays as it is: the decision cannot be made.
    Refused,
}
