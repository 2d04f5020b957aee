//! Contracts of events: what agents do with payloads that match no version that is served, and what they found.

use mesh_protocol::event::Protocol;
use mesh_protocol::id::PrincipalId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Millis;

/// What happens to payloads that match no released or deprecated version of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesignValidation {
    /// Nobody looks.
    #[default]
    Unchecked,
    /// They are counted and shown, and delivered.
    Reported,
    /// Agents acknowledge them to their sender and put them into their dead letters, with the reason.
    Diverted,
    /// Agents refuse them where they would enter the mesh.
    Rejected,
}

/// How payloads kept to the contract of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContractView {
    /// Payloads that agents checked within the last hour.
    pub checked: u64,
    /// Those of them that were invalid.
    pub invalid: u64,
    /// Those of the invalid ones that were refused.
    #[serde(default)]
    pub rejected: u64,
    /// Those of the invalid ones that were diverted into dead letters; what was neither was delivered.
    #[serde(default)]
    pub diverted: u64,
    /// Checked within the last 24 hours.
    pub checked_day: u64,
    /// Those of them that were invalid.
    pub invalid_day: u64,
    /// Those of them that were refused.
    #[serde(default)]
    pub rejected_day: u64,
    /// Those of them that were diverted.
    #[serde(default)]
    pub diverted_day: u64,
    /// Who sent invalid ones last and what was wrong, the newest first; at most 10, of the last 30 days.
    pub breaches: Vec<ContractBreach>,
}

/// Invalid payloads of one client for one reason, in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContractBreach {
    /// Who sent them.
    #[schema(value_type = String, format = Uuid)]
    pub principal: PrincipalId,
    /// Its user name; empty = it was gone by then.
    pub principal_name: String,
    /// The protocol's client id.
    pub client_id: String,
    /// How they came.
    #[schema(value_type = String)]
    pub protocol: Protocol,
    /// The site where they came.
    pub site_name: String,
    /// The topic of the last one.
    pub topic: String,
    /// The version that they were held against: `order-created 1.2.0`.
    pub label: String,
    /// Where they are wrong: `$.amount`; `$` is the payload as a whole.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
    /// They were refused; what was neither refused nor diverted was delivered.
    pub rejected: bool,
    /// They were diverted into the agent's dead letters.
    #[serde(default)]
    pub diverted: bool,
    /// How many.
    pub count: u64,
    /// When the first of them came.
    pub first: Millis,
    /// When the last of them came.
    pub last: Millis,
}
