//! Application domains: which addresses and Kafka topics belong together, and who answers for them.

use mesh_protocol::id::{ApplicationDomainId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Millis, Rate};

/// An application domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationDomainView {
    /// Id.
    pub id: ApplicationDomainId,
    /// For edits.
    pub revision: i64,
    /// What it says.
    pub config: ApplicationDomainInput,
    /// Name of `config.parent`.
    pub parent_name: Option<String>,
    /// Who answers for it: its owner, else that of the nearest domain above that has one; empty = nobody.
    pub owner: String,
    /// The team that `owner` names; none = it names no team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Event addresses that belong to it itself.
    pub addresses: u64,
    /// Kafka topics that do.
    pub kafka_topics: u64,
    /// Events per second at those addresses.
    pub rate: Rate,
    /// Differences between what is designed and what was seen that are open in it itself.
    #[serde(default)]
    pub findings: u64,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// A domain to make or change. Where several domains claim an object, the narrowest claim counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationDomainInput {
    /// Unique name.
    pub name: String,
    /// The domain it is a part of.
    #[serde(default)]
    pub parent: Option<ApplicationDomainId>,
    /// Event addresses it claims: filters in the mesh dialect, at most 50.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Kafka topics it claims: names, a last `*` stands for whatever follows; at most 50.
    #[serde(default)]
    pub kafka_topics: Vec<String>,
    /// Who answers for what nobody else was named for; empty = nobody.
    #[serde(default)]
    pub owner: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
}

/// A domain that could be made of what no domain claims yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DomainSuggestion {
    /// What it could be called.
    pub name: String,
    /// A domain of this name is there already: it could claim these too.
    pub is_there: bool,
    /// Filters that claim what was found.
    pub topics: Vec<String>,
    /// Kafka names that do.
    pub kafka_topics: Vec<String>,
    /// Event addresses it would have.
    pub addresses: u64,
    /// Kafka topics it would have.
    pub kafka_found: u64,
    /// Events per second at those addresses.
    pub rate: Rate,
}
