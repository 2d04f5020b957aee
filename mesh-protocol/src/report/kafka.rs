//! What a Kafka cluster says of itself and of what is in it.
//!
//! Fields that came later are absent in reports of older agents, hence the defaults: absent means not read. Words such as
//! states, operations and mechanisms are Kafka's own and stay text, so that a newer cluster's are shown as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Most producers that are told of a topic.
pub const PRODUCERS_MAX: usize = 50;
/// Most entries that are told of one resource's access list.
pub const ACL_ENTRIES_MAX: usize = 1_000;

/// A Kafka cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFacts {
    /// The cluster's own id.
    pub cluster_id: String,
    /// Node id of the controller.
    pub controller: Option<i32>,
    /// Its brokers.
    pub brokers: Vec<BrokerNode>,
    /// Who keeps its metadata; none = it has no such quorum, or the agent may not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<QuorumFacts>,
    /// What it does not tell anybody, and why, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
}

/// One broker of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerNode {
    /// Node id.
    pub id: i32,
    /// Advertised `host:port`.
    pub address: String,
    /// Where it keeps its logs; empty = the agent may not see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_dirs: Vec<LogDirFacts>,
}

/// A folder in which a broker keeps logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDirFacts {
    /// Its path at the broker.
    pub path: String,
    /// Bytes of all replicas in it.
    pub used_bytes: u64,
    /// Bytes of its volume; none = the broker does not tell.
    pub total_bytes: Option<u64>,
    /// Bytes that are free there; none = the broker does not tell.
    pub usable_bytes: Option<u64>,
    /// It is offline, in Kafka's word.
    pub error: Option<String>,
}

/// The quorum that keeps a cluster's metadata (KRaft).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumFacts {
    /// Node that leads.
    pub leader: i32,
    /// How often the leader has changed.
    pub epoch: i32,
    /// Those who vote.
    pub voters: Vec<QuorumReplica>,
    /// Those who only follow.
    pub observers: Vec<QuorumReplica>,
}

/// One node of the quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumReplica {
    /// Node id.
    pub id: i32,
    /// Records that the leader has and it does not.
    pub lag_records: i64,
    /// For how many whole seconds it has not been abreast of the leader; none = it never was, or the leader does not tell.
    pub behind_seconds: Option<i64>,
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
    /// Bytes on the disks of all brokers, every replica counted; none = not all of it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Producers that the brokers remember (idempotent ones; others leave no trace), the latest first, at most
    /// [`PRODUCERS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub producers: Vec<ProducerFacts>,
    /// Producers left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub producers_left_out: u64,
}

/// A producer of a topic, its partitions folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerFacts {
    /// The number the cluster gave it.
    pub producer_id: i64,
    /// How often it was started anew under that number.
    pub epoch: i32,
    /// When it wrote last, milliseconds since the Unix epoch by its own or the broker's clock; none = not known.
    pub last_ms: Option<i64>,
    /// Partitions it wrote to.
    pub partitions: u32,
    /// Its transactional id, when it has one that the agent may see.
    pub transactional_id: Option<String>,
    /// A transaction of it is open here.
    pub in_transaction: bool,
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
    /// Bytes of one copy, its leader's; none = the agent may not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
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

/// Who may do what to the resources that one pattern names: a list of the cluster's own access control.
///
/// One object for each pattern, not for each entry: whoever asks what covers a topic looks at three or few more of them
/// (its name, its prefixes, `*`), and an administrator's command changes one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclFacts {
    /// `TOPIC`, `GROUP`, `CLUSTER`, `TRANSACTIONAL_ID`...
    pub resource: String,
    /// `LITERAL` or `PREFIXED`.
    pub pattern: String,
    /// The name or prefix; `*` literally = all.
    pub resource_name: String,
    /// In order, at most [`ACL_ENTRIES_MAX`].
    pub entries: Vec<AclEntry>,
    /// Entries left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub entries_left_out: u64,
}

/// One entry of such a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AclEntry {
    /// `User:alice`.
    pub principal: String,
    /// `READ`, `WRITE`, `ALL`...
    pub operation: String,
    /// `ALLOW` or `DENY`.
    pub permission: String,
    /// From which address; `*` = any.
    pub host: String,
}

impl AclFacts {
    /// The name of the object: what it is about, and nothing of its entries.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {} {}", self.resource, self.pattern, self.resource_name)
    }

    /// Whether it is about the resource of this type and name, as the cluster's authoriser judges.
    #[must_use]
    pub fn covers(&self, resource: &str, name: &str) -> bool {
        self.resource == resource
            && match self.pattern.as_str() {
                "LITERAL" => self.resource_name == "*" || self.resource_name == name,
                "PREFIXED" => name.starts_with(&self.resource_name),
                _ => false,
            }
    }
}

/// What somebody may use of a cluster's capacity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuotaFacts {
    /// Whom it is about; all of it together.
    pub entity: Vec<QuotaEntity>,
    /// `producer_byte_rate` to its value...
    pub limits: BTreeMap<String, f64>,
}

/// One trait of those a quota is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QuotaEntity {
    /// `user`, `client-id` or `ip`.
    pub kind: String,
    /// Which; none = everybody without a quota of his own.
    pub name: Option<String>,
}

impl QuotaFacts {
    /// The name of the object: `user alice, client-id <default>`.
    #[must_use]
    pub fn name(&self) -> String {
        let each = self.entity.iter().map(|entity| {
            let name = entity.name.as_deref().unwrap_or("<default>");
            format!("{} {name}", entity.kind)
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// A user that the cluster itself knows the credentials of. Nothing secret: who it is, never what it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScramUserFacts {
    /// In order.
    pub credentials: Vec<ScramCredential>,
}

/// A credential, without the credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScramCredential {
    /// `SCRAM-SHA-512`...
    pub mechanism: String,
    /// Rounds of its key derivation.
    pub iterations: i32,
}

/// A producer with transactions, by its transactional id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionFacts {
    /// `Ongoing`, `CompleteCommit`..., as the broker says.
    pub state: String,
    /// The number the cluster gave the producer.
    pub producer_id: i64,
    /// Node that coordinates it.
    pub coordinator: i32,
    /// For how long it may be open, in milliseconds; none = it is not open.
    pub timeout_ms: Option<i64>,
    /// Since when it is open, milliseconds since the Unix epoch; none = it is not open.
    pub started_ms: Option<i64>,
    /// What it has written to so far, `topic` to partitions; empty unless it is open.
    #[serde(default)]
    pub partitions: BTreeMap<String, Vec<i32>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ObjectFacts;

    #[test]
    fn a_list_covers_its_name_its_prefix_or_all() {
        let list = |pattern: &str, name: &str| AclFacts {
            resource: "TOPIC".into(),
            pattern: pattern.into(),
            resource_name: name.into(),
            ..AclFacts::default()
        };
        for (pattern, name, covered) in [
            ("LITERAL", "orders", true),
            ("LITERAL", "orders.fr", false),
            ("LITERAL", "ord", false),
            ("LITERAL", "*", true),
            ("PREFIXED", "ord", true),
            ("PREFIXED", "orders", true),
            ("PREFIXED", "orders.", false),
            ("PREFIXED", "*", false),
            ("MATCH", "orders", false),
        ] {
            assert_eq!(list(pattern, name).covers("TOPIC", "orders"), covered, "{pattern} {name}");
            assert!(!list(pattern, name).covers("GROUP", "orders"), "a list is about one type");
        }
    }

    #[test]
    fn what_an_older_agent_does_not_tell_is_absent() {
        let topic = r#"{"internal":false,"partitions":[{"id":0,"leader":1,"replicas":[1],"in_sync":[1],"low":0,"high":9}],"configs":{}}"#;
        let topic: TopicFacts = serde_json::from_str(topic).expect("a report of an older agent");
        assert_eq!((topic.disk_bytes, topic.partitions[0].bytes, topic.producers.len()), (None, None, 0));
        let cluster = r#"{"cluster_id":"c","controller":1,"brokers":[{"id":1,"address":"a:1"}]}"#;
        let cluster: ClusterFacts = serde_json::from_str(cluster).expect("a report of an older agent");
        assert_eq!((cluster.quorum, cluster.brokers[0].log_dirs.len()), (None, 0));
    }

    /// What came to discovery later, as it is written for ever.
    #[test]
    fn rights_limits_users_and_transactions_are_read_as_written() {
        let entry = AclEntry {
            principal: "User:alice".into(),
            operation: "READ".into(),
            permission: "ALLOW".into(),
            host: "*".into(),
        };
        let acl = AclFacts {
            resource: "TOPIC".into(),
            pattern: "LITERAL".into(),
            resource_name: "orders".into(),
            entries: vec![entry],
            entries_left_out: 0,
        };
        assert_eq!(acl.name(), "TOPIC LITERAL orders");
        let everybody = QuotaEntity { kind: "client-id".into(), name: None };
        let quota = QuotaFacts {
            entity: vec![QuotaEntity { kind: "user".into(), name: Some("alice".into()) }, everybody],
            limits: BTreeMap::from([("producer_byte_rate".into(), 1024.5)]),
        };
        assert_eq!(quota.name(), "user alice, client-id <default>");
        let credential = ScramCredential { mechanism: "SCRAM-SHA-512".into(), iterations: 4096 };
        let user = ScramUserFacts { credentials: vec![credential] };
        let transaction = TransactionFacts {
            state: "Ongoing".into(),
            producer_id: 7,
            coordinator: 1,
            timeout_ms: Some(60_000),
            started_ms: Some(5),
            partitions: BTreeMap::from([("orders".into(), vec![0])]),
        };
        for (facts, text) in [
            (
                ObjectFacts::Acl(acl),
                r#"{"kind":"acl","resource":"TOPIC","pattern":"LITERAL","resource_name":"orders","entries":[{"principal":"User:alice","operation":"READ","permission":"ALLOW","host":"*"}]}"#,
            ),
            (
                ObjectFacts::Quota(quota),
                r#"{"kind":"quota","entity":[{"kind":"user","name":"alice"},{"kind":"client-id","name":null}],"limits":{"producer_byte_rate":1024.5}}"#,
            ),
            (
                ObjectFacts::ScramUser(user),
                r#"{"kind":"scram_user","credentials":[{"mechanism":"SCRAM-SHA-512","iterations":4096}]}"#,
            ),
            (
                ObjectFacts::Transaction(transaction),
                r#"{"kind":"transaction","state":"Ongoing","producer_id":7,"coordinator":1,"timeout_ms":60000,"started_ms":5,"partitions":{"orders":[0]}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&facts).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<ObjectFacts>(text).expect(text), facts);
        }
    }
}
