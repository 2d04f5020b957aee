//! What agents tell the portal: how they are, and what they see.
//!
//! Reports are facts with a time, never commands; a repeat is harmless, and a report that is lost is followed by one
//! that is newer. Every list has a bound, and what is left out is counted, never silent.

mod connect;
mod contract;
mod kafka;
mod link;
mod mqtt;
mod part;
mod rabbit;
mod registry;
mod shape;
mod usage;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Protocol;
use crate::id::{BrokerId, PrincipalId, RouteId, RuleId};
use crate::policy::Action;
use crate::schema_id::SchemaId;
use crate::wire::Revision;

pub use connect::{
    CONFIG_KEYS, CONNECTOR_TASKS_MAX, CONNECTOR_TOPICS_MAX, ConnectFacts, ConnectorFacts, TaskFacts, TopicsFrom,
};
pub use contract::{BREACH_TEXT_BYTES_MAX, BREACHES_MAX, Breach, CONTRACTS_TOLD_MAX, ContractKept, ContractsKept};
pub use kafka::{
    ACL_ENTRIES_MAX, AclEntry, AclFacts, BrokerNode, ClusterFacts, GroupFacts, LogDirFacts, MemberFacts, OffsetFacts,
    PRODUCERS_MAX, PartitionFacts, ProducerFacts, QuorumFacts, QuorumReplica, QuotaEntity, QuotaFacts, ScramCredential,
    ScramUserFacts, TopicFacts, TransactionFacts,
};
pub use link::{Behind, BehindReason, HeldInterest, LinkState, Scoped};
pub use mqtt::{MQTT_ADDRESSES_MAX, MqttAddressFacts, MqttFacts};
pub use part::{Part, PartRef, PartState};
pub use rabbit::{
    RABBIT_BINDINGS_MAX, RABBIT_CONSUMERS_MAX, RABBIT_NODES_MAX, RABBIT_PERMISSIONS_MAX, RABBIT_VHOSTS_MAX,
    RabbitBinding, RabbitConsumer, RabbitExchangeFacts, RabbitFacts, RabbitNode, RabbitPermission, RabbitQueueFacts,
    RabbitTopicPermission, RabbitUserFacts, RabbitVhost, is_rabbit_built_in, rabbit_key, rabbit_name,
};
pub use registry::{
    REFERENCES_MAX, RegistryFacts, SUBJECT_VERSIONS_MAX, SchemaReference, SubjectFacts, SubjectVersion,
    topic_of_subject,
};
pub use shape::{
    AddressShape, FieldShape, Format, SHAPE_DEPTH_MAX, SHAPE_FIELDS_MAX, SHAPE_NODES_MAX, SHAPES_MAX, Shape, Shapes,
};
pub use usage::{GrantUsage, HOUR_MS, METER_BYTES_MAX, USAGE_MAX, Usage};

/// Most objects in one discovery report; larger scans are sent in several.
pub const OBJECTS_MAX: usize = 2_000;
/// Most flows in one traffic report.
pub const FLOWS_MAX: usize = 5_000;
/// Most schemas told of one flow, those of the most events.
pub const FLOW_SCHEMAS_MAX: usize = 16;
/// Most subscriptions in one report.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;
/// Most denials in one report.
pub const DENIALS_MAX: usize = 200;

/// What became of the desired state, and how each part is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Milliseconds since the Unix epoch, by the agent's clock.
    pub at_ms: i64,
    /// What the agent enforces now; none = it denies all.
    pub applied: Option<Revision>,
    /// The newest document it was sent and did not take, and why.
    pub rejected: Option<Rejection>,
    /// Number of its newest deny list.
    pub deny_list: u64,
    /// Listeners, connectors, broker connections, the fabric endpoint.
    pub parts: Vec<Part>,
    /// Links to other agents.
    pub links: Vec<LinkState>,
    /// Counters since the process started; names end in their unit.
    pub counters: BTreeMap<String, u64>,
    /// Resident memory of the process, in bytes.
    pub memory_bytes: u64,
    /// Milliseconds since the Unix epoch when the process started.
    pub started_at_ms: i64,
    /// When the agent's certificate ends, milliseconds since the Unix epoch.
    pub certificate_ends_at_ms: i64,
}

/// A document the agent did not take. It keeps what it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The document's number, when it could be read.
    pub revision: Option<Revision>,
    /// Why.
    pub kind: RejectionKind,
    /// For people: what was wrong and what to do.
    pub reason: String,
}

/// Why a document was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionKind {
    /// Bad signature or unknown key.
    Signature,
    /// Older than what is enforced.
    Older,
    /// Same revision, other content.
    Conflicting,
    /// For another agent or environment.
    NotMine,
    /// Needs a newer agent: unknown security field or version.
    TooNew,
    /// Understood, and wrong: an invalid filter, template, address...
    Invalid,
}

/// Facts for the catalog and the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Report {
    /// What a scan of a cluster found.
    Discovery(Discovery),
    /// Who produced and consumed what.
    Traffic(Traffic),
    /// Who subscribes to what now.
    Subscriptions(Subscriptions),
    /// What policy refused.
    Denials(Denials),
    /// What JSON payloads look like.
    Shapes(Shapes),
    /// What was published and received by grants.
    Usage(Usage),
    /// How payloads kept to contracts.
    Contracts(ContractsKept),
    /// Facts of a newer agent, of which this program can say nothing.
    #[serde(other)]
    Unknown,
}

/// A scan of one cluster, or of what else is looked at. A scan never fails as a whole: what could be read is here, what could not is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// Which cluster.
    pub broker: BrokerId,
    /// When the scan ended, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// True: `objects` is all there is (together with the other reports of the same `scan`). False: only what changed.
    pub full: bool,
    /// Number of the scan; a full scan may come in several reports.
    pub scan: u64,
    /// This is the scan's last report.
    pub last: bool,
    /// New and changed objects, at most [`OBJECTS_MAX`].
    pub objects: Vec<RuntimeObject>,
    /// Keys of objects that are gone.
    pub removed: Vec<ObjectKey>,
    /// Rights the agent lacks, each with the command that grants it.
    pub missing_rights: Vec<MissingRight>,
    /// Why nothing could be read, when nothing could.
    pub failed: Option<String>,
}

/// Identity of a discovered object within its cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// What it is.
    pub kind: ObjectKind,
    /// Its own name there.
    pub name: String,
}

/// Kinds of discovered objects. A kind that no agent reports is not offered anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// The cluster itself.
    Cluster,
    /// A Kafka topic.
    Topic,
    /// A consumer group.
    Group,
    /// Who may do what to the resources of one pattern.
    Acl,
    /// What somebody may use of the cluster's capacity.
    Quota,
    /// A user whose credentials the cluster keeps.
    ScramUser,
    /// A producer with transactions.
    Transaction,
    /// A schema registry itself.
    Registry,
    /// A subject of a schema registry.
    Subject,
    /// A Kafka Connect cluster itself.
    Connect,
    /// A connector of Kafka Connect.
    ConnectConnector,
    /// A RabbitMQ cluster itself.
    Rabbit,
    /// An exchange of RabbitMQ.
    RabbitExchange,
    /// A queue of RabbitMQ.
    RabbitQueue,
    /// A user of RabbitMQ.
    RabbitUser,
    /// An MQTT broker itself.
    Mqtt,
    /// An address at which an MQTT broker keeps a message.
    MqttAddress,
    /// A kind of a newer agent, of which this program can say nothing.
    #[serde(other)]
    Unknown,
}

/// A discovered object with its facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuntimeObject {
    /// Its name in the cluster.
    pub name: String,
    /// What is known of it.
    pub facts: ObjectFacts,
}

/// What is known of a discovered object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ObjectFacts {
    /// Cluster id, brokers, controller.
    Cluster(ClusterFacts),
    /// Partitions and settings of a topic.
    Topic(TopicFacts),
    /// State, members and lag of a consumer group.
    Group(GroupFacts),
    /// Entries of an access list.
    Acl(AclFacts),
    /// Limits.
    Quota(QuotaFacts),
    /// Mechanisms of a user.
    ScramUser(ScramUserFacts),
    /// State of a transactional producer.
    Transaction(TransactionFacts),
    /// Level and mode of a schema registry.
    Registry(RegistryFacts),
    /// Versions of a subject.
    Subject(SubjectFacts),
    /// Version and workers of a Kafka Connect cluster.
    Connect(ConnectFacts),
    /// State, tasks and topics of a connector of Kafka Connect.
    ConnectConnector(ConnectorFacts),
    /// Version, nodes and virtual hosts of a RabbitMQ cluster.
    Rabbit(RabbitFacts),
    /// Type and bindings of an exchange of RabbitMQ.
    RabbitExchange(RabbitExchangeFacts),
    /// Type, messages and consumers of a queue of RabbitMQ.
    RabbitQueue(RabbitQueueFacts),
    /// Rights of a user of RabbitMQ.
    RabbitUser(RabbitUserFacts),
    /// What an MQTT broker tells of itself.
    Mqtt(MqttFacts),
    /// The message that an MQTT broker keeps at an address.
    MqttAddress(MqttAddressFacts),
    /// Facts of a newer agent, which are left aside: the rest of its report is as good as ever.
    #[serde(other)]
    Unknown,
}

impl RuntimeObject {
    /// Its identity.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        let kind = match self.facts {
            ObjectFacts::Cluster(_) => ObjectKind::Cluster,
            ObjectFacts::Topic(_) => ObjectKind::Topic,
            ObjectFacts::Group(_) => ObjectKind::Group,
            ObjectFacts::Acl(_) => ObjectKind::Acl,
            ObjectFacts::Quota(_) => ObjectKind::Quota,
            ObjectFacts::ScramUser(_) => ObjectKind::ScramUser,
            ObjectFacts::Transaction(_) => ObjectKind::Transaction,
            ObjectFacts::Registry(_) => ObjectKind::Registry,
            ObjectFacts::Subject(_) => ObjectKind::Subject,
            ObjectFacts::Connect(_) => ObjectKind::Connect,
            ObjectFacts::ConnectConnector(_) => ObjectKind::ConnectConnector,
            ObjectFacts::Rabbit(_) => ObjectKind::Rabbit,
            ObjectFacts::RabbitExchange(_) => ObjectKind::RabbitExchange,
            ObjectFacts::RabbitQueue(_) => ObjectKind::RabbitQueue,
            ObjectFacts::RabbitUser(_) => ObjectKind::RabbitUser,
            ObjectFacts::Mqtt(_) => ObjectKind::Mqtt,
            ObjectFacts::MqttAddress(_) => ObjectKind::MqttAddress,
            ObjectFacts::Unknown => ObjectKind::Unknown,
        };
        ObjectKey { kind, name: self.name.clone() }
    }
}

/// A right the agent lacks at what it looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRight {
    /// What cannot be seen without it.
    pub what: String,
    /// `DESCRIBE on Cluster`...
    pub right: String,
    /// A command or call that grants it.
    pub command: String,
}

/// Who produced and consumed what, in one window of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// End of the window, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Length of the window in milliseconds.
    pub window_ms: u64,
    /// Flows that moved in the window, at most [`FLOWS_MAX`].
    pub flows: Vec<Flow>,
    /// Flows left out because there were too many.
    pub left_out: u64,
}

/// One edge of the graph: a client and an address, in one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Who; none = the mesh itself.
    pub principal: Option<PrincipalId>,
    /// The principal's user name, or the route's name.
    pub principal_name: String,
    /// The protocol's client id (MQTT client id, HTTP user agent, Kafka client id).
    pub client_id: String,
    /// How it is connected.
    pub protocol: Protocol,
    /// Produces into the mesh or consumes from it.
    pub direction: Direction,
    /// Event address: a topic with its variable levels folded (`sensors/{plant}/{machine}/temp`).
    pub address: String,
    /// A concrete topic of the window, as example.
    pub example_topic: String,
    /// For a flow between the mesh and a cluster: which one.
    pub broker: Option<BrokerId>,
    /// The Kafka topic behind the address, for connectors.
    pub broker_topic: Option<String>,
    /// The route, for connectors.
    pub route: Option<RouteId>,
    /// Events in the window.
    pub events: u64,
    /// Payload bytes in the window.
    pub bytes: u64,
    /// Fingerprint of the last payload's shape, when it is JSON: whether clients send the same. See [`Shape`].
    pub shape: Option<String>,
    /// Schemas that its payloads name by their ids, at most [`FLOW_SCHEMAS_MAX`], those of the most events first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<NamedSchema>,
}

/// A schema that payloads of a flow name, in the wire format of Confluent's serializers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedSchema {
    /// The id that stands in the payloads. Which registry gave it out, they do not say.
    pub id: SchemaId,
    /// Events in the window.
    pub events: u64,
}

/// Into the mesh or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The client sends, the mesh receives.
    Produce,
    /// The mesh sends, the client receives.
    Consume,
}

/// Who subscribes to what at this agent, now. Always whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscriptions {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// At most [`SUBSCRIPTIONS_MAX`].
    pub subscriptions: Vec<Subscription>,
    /// Left out because there were too many.
    pub left_out: u64,
}

/// One registered filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The filter in its own dialect.
    pub filter: crate::topic::Filter,
    /// Who; none = the mesh itself.
    pub principal: Option<PrincipalId>,
    /// The principal's user name, or the route's name.
    pub principal_name: String,
    /// The protocol's client id.
    pub client_id: String,
    /// How it is connected.
    pub protocol: Protocol,
    /// For sinks: the route.
    pub route: Option<RouteId>,
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// What policy refused since the last report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Denials {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Folded by who, what and why; at most [`DENIALS_MAX`].
    pub denials: Vec<Denial>,
    /// Left out because there were too many.
    pub left_out: u64,
}

/// Refusals of one client for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// Who, when it could be told.
    pub principal: Option<PrincipalId>,
    /// The user name that was given.
    pub principal_name: String,
    /// The protocol's client id.
    pub client_id: String,
    /// How it came.
    pub protocol: Protocol,
    /// What it wanted.
    pub action: Action,
    /// Topic or filter; empty for connect.
    pub topic: String,
    /// The deciding rule; none = the default, or a failed login.
    pub rule: Option<RuleId>,
    /// For people.
    pub reason: String,
    /// How often since the last report.
    pub count: u64,
    /// When it happened last, milliseconds since the Unix epoch.
    pub last_ms: i64,
}

/// Counts of what was left out are written only where something was.
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
