//! Kafka as a way to use a grant: users of clusters that routes tie to what was granted.

use mesh_protocol::id::{BrokerId, GrantId, KafkaCredentialId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, ListQuery, Millis, Page, RotateInput};

/// What may be asked about Kafka credentials.
pub trait KafkaAccessApi: Send + Sync + 'static {
    /// `GET /api/v1/grants/{id}/kafka-clusters`: clusters with topics of what is granted, by name.
    fn kafka_offers(&self, id: GrantId, query: ListQuery) -> Answer<'_, Page<KafkaOffer>>;
    /// `GET /api/v1/grants/{id}/kafka-credentials`: also removed ones whose users may still be there.
    fn kafka_credentials(&self, id: GrantId, query: ListQuery) -> Answer<'_, Page<KafkaCredentialView>>;
    /// `POST /api/v1/grants/{id}/kafka-credentials`: the secret is in the answer, once. It works when the agent has said so.
    fn issue_kafka_credential(&self, id: GrantId, input: KafkaCredentialInput) -> Answer<'_, KafkaCredentialSecret>;
    /// `POST /api/v1/kafka-credentials/{id}/rotate`: another user with the same rights; the old one works for the overlap.
    fn rotate_kafka_credential(&self, id: KafkaCredentialId, input: RotateInput) -> Answer<'_, KafkaCredentialSecret>;
    /// `DELETE /api/v1/kafka-credentials/{id}?revision=`: its user is taken away with all its rights.
    fn remove_kafka_credential(&self, id: KafkaCredentialId, revision: i64) -> Answer<'_, ()>;
}

/// A cluster where a grant can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KafkaOffer {
    /// The broker connection.
    pub broker: BrokerId,
    /// Its name.
    pub broker_name: String,
    /// The site whose agents reach it.
    pub site_name: String,
    /// Topics that could be read.
    pub reads: Vec<String>,
    /// Topics that could be written to.
    pub writes: Vec<String>,
    /// Topics that hold something of what is granted and are not given, because they hold more.
    pub left_out: Vec<KafkaLeftOut>,
    /// Why no credential can be made here, as a sentence; empty = one can.
    pub why_not: String,
}

/// A topic that is not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KafkaLeftOut {
    /// Which.
    pub topic: String,
    /// Why, as sentences.
    pub reason: String,
}

/// A Kafka credential to issue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KafkaCredentialInput {
    /// At which cluster; none = the only one where it can be.
    #[serde(default)]
    pub broker: Option<BrokerId>,
    /// When it ends; none = with the grant.
    #[serde(default)]
    pub expires_at: Option<Millis>,
}

/// How a Kafka credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KafkaCredentialState {
    /// The agent has not said yet that its user and rights are in place.
    Making,
    /// They are in place.
    Works,
    /// The grant is held back, and the user is gone for now.
    HeldBack,
    /// It ended or was removed, and the agent has not said yet that its user is gone.
    Removing,
    /// The agent could not do it; it tries again.
    Failed,
}

/// A Kafka credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KafkaCredentialView {
    /// Id.
    pub id: KafkaCredentialId,
    /// For edits.
    pub revision: i64,
    /// What it is for.
    pub grant: GrantId,
    /// Where its user is.
    pub broker: BrokerId,
    /// Name of the broker connection.
    pub broker_name: String,
    /// User name.
    pub username: String,
    /// Where clients begin, `host:port` each, as the agent reaches the cluster.
    pub bootstrap: Vec<String>,
    /// `SASL_SSL` or `SASL_PLAINTEXT`.
    pub security_protocol: String,
    /// `SCRAM-SHA-512`.
    pub mechanism: String,
    /// Topics that it may read.
    pub reads: Vec<String>,
    /// Topics that it may write to.
    pub writes: Vec<String>,
    /// What the names of its consumer groups begin with; credentials of one grant share it.
    pub group_prefix: String,
    /// How it is.
    pub state: KafkaCredentialState,
    /// What is wrong and what to do, or what it waits for; empty = nothing.
    pub detail: String,
    /// When it ends; none = with the grant.
    pub expires_at: Option<Millis>,
    /// Made when.
    pub created_at: Millis,
    /// By whom.
    pub created_by: String,
}

/// A Kafka credential with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KafkaCredentialSecret {
    /// The credential.
    pub credential: KafkaCredentialView,
    /// Its secret: nobody can read it again.
    pub secret: String,
}
