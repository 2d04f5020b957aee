//! Kafka, 0.5.0.

use serde::Serialize;
use serde_json::{Value, json};

/// A Kafka cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaServer {
    /// The schema registry. None = there is none.
    #[serde(flatten)]
    pub registry: Option<Registry>,
}

/// A schema registry: the vendor is told only with the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registry {
    /// Where it is.
    #[serde(rename = "schemaRegistryUrl")]
    url: String,
    /// Whose API it has: `confluent`, `apicurio`.
    #[serde(rename = "schemaRegistryVendor", skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
}

impl KafkaServer {
    /// A cluster with a schema registry.
    #[must_use]
    pub fn with_registry(url: impl Into<String>, vendor: Option<&str>) -> Self {
        Self { registry: Some(Registry { url: url.into(), vendor: vendor.map(str::to_owned) }) }
    }
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaChannel {
    /// Its name, where the channel's address is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Partitions, at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<std::num::NonZeroU32>,
    /// Replicas, at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<std::num::NonZeroU32>,
    /// Its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_configuration: Option<TopicConfiguration>,
}

/// The configuration of a topic. None = not told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TopicConfiguration {
    /// What happens to old records.
    #[serde(rename = "cleanup.policy", skip_serializing_if = "Vec::is_empty")]
    pub cleanup_policy: Vec<CleanupPolicy>,
    /// How long records are kept, in ms; -1 = for ever.
    #[serde(rename = "retention.ms", skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<i64>,
    /// How much of each partition is kept, in bytes; -1 = all.
    #[serde(rename = "retention.bytes", skip_serializing_if = "Option::is_none")]
    pub retention_bytes: Option<i64>,
    /// How long a deletion is kept in a compacted topic, in ms.
    #[serde(rename = "delete.retention.ms", skip_serializing_if = "Option::is_none")]
    pub delete_retention_ms: Option<u64>,
    /// Largest batch, in bytes.
    #[serde(rename = "max.message.bytes", skip_serializing_if = "Option::is_none")]
    pub max_message_bytes: Option<u32>,
}

/// What happens to old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CleanupPolicy {
    /// They go.
    Delete,
    /// The last one of each key stays.
    Compact,
}

/// What is produced or consumed, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaOperation {
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<Value>,
}

impl KafkaOperation {
    /// The consumer group has to be this one.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group_id = Some(only(group));
        self
    }

    /// The client id has to be this one.
    #[must_use]
    pub fn client(mut self, client: &str) -> Self {
        self.client_id = Some(only(client));
        self
    }
}

/// Groups and clients are schemas: this one has one value.
fn only(text: &str) -> Value {
    json!({ "type": "string", "enum": [text] })
}

/// A record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaMessage {
    /// The schema of the key: a JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    /// Where the id of the schema is. Only with a registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_id_location: Option<SchemaIdLocation>,
    /// How the id is written: `confluent`, `apicurio-new`, or a number of bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_id_payload_encoding: Option<String>,
    /// How the subject is found: `TopicIdStrategy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_lookup_strategy: Option<String>,
}

/// Where the id of a schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaIdLocation {
    /// In a header.
    Header,
    /// Before the payload.
    Payload,
}
