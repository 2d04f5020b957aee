//! What a Kafka cluster says of itself and of what is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A Kafka cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFacts {
    /// The cluster's own id.
    pub cluster_id: String,
    /// Node id of the controller.
    pub controller: Option<i32>,
    /// Its brokers.
    pub brokers: Vec<BrokerNode>,
}

/// One broker of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerNode {
    /// Node id.
    pub id: i32,
    /// Advertised `host:port`.
    pub address: String,
}

/// A Kafka topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicFacts {
    /// Internal to Kafka.
    pub internal: bool,
    /// Per partition: leader, replicas, offsets.
    pub partitions: Vec<PartitionFacts>,
    /// Settings that differ from the broker's default.
    pub configs: BTreeMap<String, String>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFacts {
    /// Number.
    pub id: i32,
    /// Leading node; none = offline.
    pub leader: Option<i32>,
    /// Replicas.
    pub replicas: Vec<i32>,
    /// Replicas in sync.
    pub in_sync: Vec<i32>,
    /// Oldest kept offset, when it could be read.
    pub low: Option<i64>,
    /// Next offset to be written, when it could be read.
    pub high: Option<i64>,
}

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// `Stable`, `Empty`, ... as the broker says.
    pub state: String,
    /// Who is in it.
    pub members: Vec<MemberFacts>,
    /// Lag per partition with a committed offset.
    pub offsets: Vec<OffsetFacts>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFacts {
    /// Client id.
    pub client_id: String,
    /// Host it connects from.
    pub host: String,
    /// What it is assigned, `topic` to partitions.
    pub assigned: BTreeMap<String, Vec<i32>>,
}

/// A group's position in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetFacts {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Committed offset.
    pub committed: i64,
    /// High watermark minus committed; none = the watermark could not be read.
    pub lag: Option<i64>,
}
