//! How payloads kept to contracts, counted where they entered the mesh. Values of payloads are never told.

use serde::{Deserialize, Serialize};

use crate::event::Protocol;
use crate::id::{DesignObjectId, PrincipalId};

/// Most events in one report.
pub const CONTRACTS_TOLD_MAX: usize = 1_000;
/// Most breaches told of one event in one report; others are only counted.
pub const BREACHES_MAX: usize = 20;
/// Longest client id, topic, path or reason of a breach, in bytes.
pub const BREACH_TEXT_BYTES_MAX: usize = 1_024;

/// How payloads kept to contracts since the last report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractsKept {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Events of which payloads came, at most [`CONTRACTS_TOLD_MAX`].
    pub events: Vec<ContractKept>,
}

/// How payloads at the topics of one event kept to its contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractKept {
    /// Which event.
    pub event: DesignObjectId,
    /// Payloads that were checked.
    pub checked: u64,
    /// Those of them that no live version takes.
    pub invalid: u64,
    /// Those of the invalid ones that were refused. Agents before document version 3 do not say.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub rejected: u64,
    /// Those of the invalid ones that were diverted into dead letters; what was neither went on.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub diverted: u64,
    /// Who sent them and what was wrong, at most [`BREACHES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaches: Vec<Breach>,
}

/// Invalid payloads of one client for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// Whose.
    pub principal: PrincipalId,
    /// The protocol's client id.
    pub client_id: String,
    /// How they came.
    pub protocol: Protocol,
    /// The topic of the last one.
    pub topic: String,
    /// The version that they were held against last: `order-created 1.2.0`.
    pub label: String,
    /// What is wrong: `$.amount`; `$` is the payload as a whole.
    pub path: String,
    /// Why, without any value of the payload.
    pub reason: String,
    /// They were refused; what was neither refused nor diverted went on.
    pub rejected: bool,
    /// They were diverted into the agent's dead letters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diverted: bool,
    /// How many since the last report.
    pub count: u64,
    /// When the last one came, milliseconds since the Unix epoch.
    pub last_ms: i64,
}
