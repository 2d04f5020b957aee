//! Sites, agents, links, listeners, broker connections.

use std::collections::BTreeMap;

use mesh_protocol::desired::{DeniedV3Publish, ListenerProtocol, SaslMechanism};
use mesh_protocol::id::{AgentId, BrokerId, LinkId, ListenerId, SiteId};
use mesh_protocol::report::{MissingRight, PartRef, PartState};
use mesh_protocol::wire::Revision;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AgentRollout, Freshness, Millis};

/// A place with agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteView {
    /// Id.
    pub id: SiteId,
    /// For edits.
    pub revision: i64,
    /// Unique name, `[a-z0-9-]`.
    pub name: String,
    /// Region, for scopes and `${region}`.
    pub region: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Where on the map.
    pub location: Option<Location>,
    /// The site its agents dial.
    pub connects_to: Option<SiteId>,
    /// `address:port` where its agents accept other agents; none = any address and a port of their choice, when
    /// another site dials this one.
    pub fabric_bind: Option<String>,
    /// `host:port` under which others reach that, when it is not what its agents report (NAT, a load balancer).
    pub fabric_address: Option<String>,
    /// Its agents.
    pub agents: Vec<AgentView>,
    /// Its listeners.
    pub listeners: Vec<ListenerView>,
    /// Its broker connections.
    pub brokers: Vec<BrokerView>,
}

/// A point on the map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// A site to make or change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteInput {
    /// Unique name, `[a-z0-9-]`, at most 63 characters.
    pub name: String,
    /// Region.
    pub region: String,
    /// Free labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Where on the map.
    #[serde(default)]
    pub location: Option<Location>,
    /// The site its agents dial; none for the hub. New sites get a link with that.
    #[serde(default)]
    pub connects_to: Option<SiteId>,
    /// `address:port` where its agents accept other agents; none = their choice.
    #[serde(default)]
    pub fabric_bind: Option<String>,
    /// `host:port` under which others reach that, when it is not what its agents report.
    #[serde(default)]
    pub fabric_address: Option<String>,
}

/// How to make a join token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinTokenInput {
    /// Minutes until it expires; default 60, at most 7 days.
    #[serde(default)]
    pub minutes: Option<u32>,
}

/// A join token and the line that uses it; shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinLine {
    /// The whole shell line: downloads, verifies, enrols and starts an agent in the current folder.
    pub line: String,
    /// The token alone.
    pub token: String,
    /// `https://host:port` of the agents' port.
    pub portal: String,
    /// When it is refused.
    pub expires_at: Millis,
    /// SHA-256 of the agent binary, in hex.
    pub binary_sha256: Option<String>,
}

/// Where an agent is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Its control session stands.
    Online,
    /// It does not; the agent keeps serving its last policy.
    Offline,
    /// Enrolled, never seen since.
    NeverSeen,
    /// Its certificate is no longer believed.
    Revoked,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentView {
    /// Id.
    pub id: AgentId,
    /// Its name at its site.
    pub name: String,
    /// Its site.
    pub site: SiteId,
    /// That site's name.
    pub site_name: String,
    /// Version of its program.
    pub version: String,
    /// Online or not.
    pub presence: Presence,
    /// Since when.
    pub since: Millis,
    /// What it enforces.
    pub applied: Option<Revision>,
    /// How far it is with the newest revision.
    pub rollout: AgentRollout,
    /// Its parts, as it last said.
    pub parts: Vec<PartView>,
    /// Its counters, as it last said.
    pub counters: BTreeMap<String, u64>,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Started when.
    pub started_at: Option<Millis>,
    /// Its certificate ends when.
    pub certificate_ends_at: Option<Millis>,
    /// What lies on its disk and waits, as it last said.
    pub holds: Option<Holds>,
    /// Whose place it took.
    pub replaces: Option<Named>,
    /// Who took its place.
    pub replaced_by: Option<Named>,
    /// It has the site's named queues, lasting sessions and single connectors: other agents there send clients to it.
    pub is_owner: bool,
    /// How old all this is.
    pub freshness: Option<Freshness>,
}

/// An agent and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
}

/// What waits on an agent's disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holds {
    /// Events in its named queues and for its sinks.
    pub queued_events: u64,
    /// Guaranteed events for other agents.
    pub for_others_events: u64,
}

/// A part of an agent and how it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartView {
    /// Which agent.
    pub agent: AgentId,
    /// That agent's name.
    pub agent_name: String,
    /// What it serves.
    #[schema(value_type = Object)]
    pub object: PartRef,
    /// Name of what it serves.
    pub name: String,
    /// How it is.
    #[schema(value_type = String)]
    pub state: PartState,
    /// What is wrong and what to do.
    pub detail: Option<String>,
    /// Since when.
    pub since: Millis,
    /// Where it can be reached.
    pub addresses: Vec<String>,
    /// Numbers about it.
    pub figures: BTreeMap<String, u64>,
    /// How old this is.
    pub freshness: Freshness,
}

/// A configured link between two sites, with both ends' view of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// Id.
    pub id: LinkId,
    /// For edits.
    pub revision: i64,
    /// The site that dials.
    pub from: SiteId,
    /// Its name.
    pub from_name: String,
    /// The site that answers.
    pub to: SiteId,
    /// Its name.
    pub to_name: String,
    /// Its agents dial; false = somebody switched it off.
    pub enabled: bool,
    /// When it was last changed: made, or switched off or on.
    pub updated_at: Millis,
    /// By whom; empty = a portal of old made it.
    pub updated_by: String,
    /// Frames pass, as far as known; none = nothing known yet.
    pub up: Option<bool>,
    /// Since when it is so.
    pub since: Option<Millis>,
    /// Round trip in microseconds.
    pub round_trip_us: Option<u64>,
    /// Event copies per second from `from` to `to`.
    pub forward_rate: f64,
    /// Event copies per second from `to` to `from`.
    pub backward_rate: f64,
    /// Guaranteed events that wait, at either side, until the other side has them.
    pub backlog_events: u64,
    /// Their bytes.
    pub backlog_bytes: u64,
    /// How old this is.
    pub freshness: Option<Freshness>,
}

/// A link to make or change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkInput {
    /// The site that dials.
    pub from: SiteId,
    /// The site that answers.
    pub to: SiteId,
    /// Its agents dial; false switches it off: what is guaranteed waits at the agents.
    #[serde(default = "on")]
    pub enabled: bool,
}

const fn on() -> bool {
    true
}

/// A protocol endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListenerView {
    /// Id.
    pub id: ListenerId,
    /// For edits.
    pub revision: i64,
    /// Site name, for lists.
    pub site_name: String,
    /// What was configured.
    pub config: ListenerInput,
    /// How it is at each agent.
    pub parts: Vec<PartView>,
}

/// A listener to make or change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerInput {
    /// Its site.
    pub site: SiteId,
    /// Unique at its site.
    pub name: String,
    /// What it speaks.
    #[schema(value_type = String)]
    pub protocol: ListenerProtocol,
    /// `address:port`; port 0 = the agent chooses once.
    pub bind: String,
    /// Largest payload in bytes; at most 8 MiB.
    pub payload_bytes_max: u32,
    /// Most clients at once.
    pub connections_max: u32,
    /// How long a publisher waits for custody, in milliseconds.
    pub custody_timeout_ms: u32,
    /// What a denied MQTT 3.1.1 publisher gets.
    #[serde(default)]
    #[schema(value_type = String)]
    pub denied_v3_publish: DeniedV3Publish,
    /// Speaks TLS, and nothing else.
    #[serde(default)]
    pub tls: bool,
    /// With TLS: DNS names and addresses by which clients reach it, besides the one it is bound to.
    #[serde(default)]
    pub server_names: Vec<String>,
}

/// A Kafka cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BrokerView {
    /// Id.
    pub id: BrokerId,
    /// For edits.
    pub revision: i64,
    /// Site name, for lists.
    pub site_name: String,
    /// What was configured.
    pub config: BrokerInput,
    /// How the connection is at each agent.
    pub parts: Vec<PartView>,
    /// The cluster's own id, once seen.
    pub cluster_id: Option<String>,
    /// Topics found.
    pub topics: u64,
    /// Groups found.
    pub groups: u64,
    /// Subjects found, in a schema registry.
    #[serde(default)]
    pub subjects: u64,
    /// Connectors found, in a Kafka Connect cluster.
    #[serde(default)]
    pub connectors: u64,
    /// Exchanges found, in a RabbitMQ cluster.
    #[serde(default)]
    pub exchanges: u64,
    /// Queues found, in a RabbitMQ cluster.
    #[serde(default)]
    pub queues: u64,
    /// Addresses with a retained message found, at an MQTT broker.
    #[serde(default)]
    pub addresses: u64,
    /// Id of its own page in the catalog, once it was seen.
    #[serde(default)]
    pub object: Option<String>,
    /// Rights the agent lacks, each with the command that grants it.
    #[schema(value_type = Vec<Object>)]
    pub missing_rights: Vec<MissingRight>,
    /// When it was last scanned.
    pub scanned: Option<Freshness>,
    /// The command that stores the secret at the agent, when the login needs one.
    pub secret_command: Option<String>,
}

/// Kinds of broker connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BrokerKind {
    /// A Kafka cluster: routes lead to it and from it, and it is looked at for the catalog.
    #[default]
    Kafka,
    /// A schema registry with Confluent's API: looked at for the catalog, and routes read records by it.
    SchemaRegistry,
    /// The REST API of a Kafka Connect cluster, looked at for the catalog.
    KafkaConnect,
    /// The management API of a RabbitMQ cluster, looked at for the catalog.
    Rabbit,
    /// An MQTT broker, looked at for the catalog.
    Mqtt,
}

/// A broker connection to make or change. Fields of other kinds than its own are left aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokerInput {
    /// Whose agents can reach it.
    pub site: SiteId,
    /// Unique name.
    pub name: String,
    /// What it is; it stays that for good.
    #[serde(default)]
    pub kind: BrokerKind,
    /// Of a Kafka cluster: `host:port` each.
    #[serde(default)]
    pub bootstrap: Vec<String>,
    /// Of the other kinds: where the API is, `https://host:port/path`; of an MQTT broker `mqtts://host:port`.
    #[serde(default)]
    pub url: String,
    /// Of a Kafka cluster: TLS to the brokers.
    #[serde(default)]
    pub tls: bool,
    /// PEM of the CA that it shows a certificate of; none = the system's.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// Of a Kafka cluster: SASL login; none = no login.
    #[serde(default)]
    pub sasl: Option<SaslInput>,
    /// Of the other kinds: login (HTTP Basic, or MQTT's own); none = no login.
    #[serde(default)]
    pub login: Option<BasicLogin>,
    /// Scan it for the catalog.
    pub discover: bool,
    /// People who have the right may look into its topics.
    #[serde(default)]
    pub browse: bool,
    /// When addresses or site of a Kafka cluster change by which users of grants are kept: that it is the same cluster as
    /// before. Never kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_cluster: bool,
}

/// A login with a password. The secret itself is stored at the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BasicLogin {
    /// User name.
    pub username: String,
    /// Name under which the secret was stored at the agent.
    pub secret: String,
}

/// A SASL login. The secret itself is stored at the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SaslInput {
    /// Which mechanism.
    #[schema(value_type = String)]
    pub mechanism: SaslMechanism,
    /// User name.
    pub username: String,
    /// Name under which the secret was stored at the agent.
    pub secret: String,
}
