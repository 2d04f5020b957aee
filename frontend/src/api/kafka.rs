//! What a Kafka cluster's own access control, quotas and users say around an object of the catalog.

use std::collections::BTreeMap;

use mesh_protocol::report::{MissingRight, ScramCredential};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Millis;

/// Most rows of one list; the rest is counted.
pub const KAFKA_ROWS_MAX: usize = 500;

/// Around a topic, group or transactional id: what covers it. Of a user: what names it. Of a cluster: all there is.
/// Of a schema registry or Kafka Connect: the missing rights alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KafkaSide {
    /// Who may do what, denials first.
    pub acls: Listed<KafkaAclRow>,
    /// Who may use how much.
    pub quotas: Listed<KafkaQuotaRow>,
    /// Users whose credentials the cluster keeps.
    pub users: Listed<KafkaUserRow>,
    /// Producers with transactions; around a topic those that are writing to it.
    pub transactions: Listed<KafkaTransactionRow>,
    /// What the agent may not see in this cluster, each with the command that grants the right.
    #[schema(value_type = Vec<Object>)]
    pub missing_rights: Vec<MissingRight>,
    /// What the cluster does not tell anybody, and why.
    pub untold: Vec<String>,
}

/// A list with a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// At most [`KAFKA_ROWS_MAX`].
    pub rows: Vec<T>,
    /// Rows in all.
    pub total: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), total: 0 }
    }
}

/// What one principal may or may not do by one pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct KafkaAclRow {
    /// `DENY` comes before `ALLOW`, as it does for the cluster.
    pub permission: String,
    /// `TOPIC`, `GROUP`, `CLUSTER`, `TRANSACTIONAL_ID`...
    pub resource: String,
    /// The name or prefix; `*` literally = all.
    pub resource_name: String,
    /// `LITERAL` or `PREFIXED`.
    pub pattern: String,
    /// `User:alice`.
    pub principal: String,
    /// The user's page.
    pub href: Option<String>,
    /// From which address; `*` = any.
    pub host: String,
    /// `READ`, `WRITE`...
    pub operations: Vec<String>,
}

/// What somebody may use of a cluster's capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KafkaQuotaRow {
    /// `user alice, client-id <default>`.
    pub entity: String,
    /// `producer_byte_rate` to its value...
    pub limits: BTreeMap<String, f64>,
}

/// A user whose credentials the cluster keeps; nothing of them is secret here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KafkaUserRow {
    /// Name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// How it may log in.
    #[schema(value_type = Vec<Object>)]
    pub credentials: Vec<ScramCredential>,
}

/// A producer with transactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KafkaTransactionRow {
    /// Its transactional id.
    pub id: String,
    /// Its page.
    pub href: String,
    /// `Ongoing`, `CompleteCommit`...
    pub state: String,
    /// Open since.
    pub started: Option<Millis>,
}
