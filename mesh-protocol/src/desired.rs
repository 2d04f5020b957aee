//! Desired state: everything one agent must enforce and run, as of one policy revision.
//!
//! It travels as a [`Signed`](crate::signed::Signed) document. It is made of sections; a section marked *security*
//! refuses fields it does not know, because ignoring one could open what the author meant to close. All others ignore
//! them, so that an older agent can follow a newer portal.

mod contract;
mod grant;
mod kafka_access;
mod owner;
mod queue;
mod surveyed;
mod tls;
mod webhook;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::DeliveryMode;
use crate::id::{AgentId, BrokerId, EnvironmentId, LinkId, ListenerId, PrincipalId, RouteId, SiteId};
use crate::policy::{Principal, Role, Rule};
use crate::secret::SecretKey;
use crate::topic::Filter;

pub use contract::{
    CONTRACT_TEXT_BYTES_MAX, CONTRACTS_MAX, CONTRACTS_VERSION, Contract, ContractFormat, ContractReference,
    ContractSchema, Contracts, DIVERTS_VERSION, OnInvalid,
};
pub use grant::{BURST_S, BURST_S_MAX, BYTES_PER_S_MAX, EVENTS_PER_S_MAX, Grant, Quota, QuotaError};
pub use kafka_access::{
    KafkaAccess, KafkaAcl, KafkaOperation, KafkaPattern, KafkaResource, KafkaUser, KafkaUserRef, Password, PasswordFor,
    SCRAM_ITERATIONS, Scram,
};
pub use owner::{Owner, OwnerListener};
pub use queue::{OnFailure, Queue, QueueAccess, WhenFull};
pub use surveyed::{Login, Surveyed, SurveyedKind, SurveyedUrlError, is_encrypted, is_this_machine, mqtt_address};
pub use tls::{ClientCertificate, Fingerprint, FingerprintError, ListenerTls, TlsListener};
pub use webhook::{
    UrlError, WEBHOOK_CONCURRENCY, WEBHOOK_TIMEOUT_MS, WEBHOOK_URL_BYTES_MAX, WebhookFormat, WebhookSink,
    check_webhook_url,
};

/// The newest document version this code writes, and the highest it understands.
pub const DOCUMENT_VERSION: u32 = 3;

/// The whole of what one agent must do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredState {
    /// Lowest document version a reader must understand to enforce this safely. A reader below it rejects.
    pub min_version: u32,
    /// Which mesh.
    pub environment: EnvironmentId,
    /// Which agent; another agent's document is rejected.
    pub agent: AgentId,
    /// Grows when a portal starts over, for example from a backup. Compared before the revision.
    pub generation: u64,
    /// Grows with every edit within a generation.
    pub revision: u64,
    /// Where the agent stands.
    pub site: Site,
    /// *Security.* Keys that may sign what comes next.
    pub keys: Keys,
    /// *Security.* Principals, roles, rules and scopes.
    pub policy: Policy,
    /// *Security.* What payloads must look like; the same for all agents. An older agent would leave it aside, so that a
    /// document that rejects payloads demands [`CONTRACTS_VERSION`], one that diverts them [`DIVERTS_VERSION`].
    #[serde(default, skip_serializing_if = "Contracts::is_empty")]
    pub contracts: Contracts,
    /// Endpoints for local clients.
    #[serde(default)]
    pub listeners: Vec<Listener>,
    /// Endpoints for local clients that speak TLS. Agents from before there were any leave them aside: they open none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tls_listeners: Vec<TlsListener>,
    /// Certificates by which principals log in at those. No other is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<ClientCertificate>,
    /// The connections to other sites.
    pub fabric: Fabric,
    /// Clusters this agent can reach.
    #[serde(default)]
    pub brokers: Vec<BrokerConnection>,
    /// What else this agent reads for the catalog. Agents from before there was any leave it aside: they serve everything
    /// else of the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surveyed: Vec<Surveyed>,
    /// Sources and sinks this agent runs.
    #[serde(default)]
    pub connectors: Vec<Connector>,
    /// Sources that read records by their schemas. They stand apart from the others, so that an agent from before there
    /// were any leaves them aside and they wait, rather than that it takes what it cannot read for poison.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoding: Vec<Connector>,
    /// Named queues this agent owns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<Queue>,
    /// Who has what is at this site once, when that is another agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Interest of sinks and queues anywhere in the mesh, so that an origin that lost contact still knows it: what an
    /// unreachable destination wants is kept for it, it is never "no subscriber".
    #[serde(default)]
    pub durable_interest: Vec<DurableInterest>,
    /// How observed topics are folded into addresses.
    #[serde(default)]
    pub observe: Observe,
    /// By what applications use the mesh, and how much of it. In a lasting order: an event that several grants of a client
    /// are for is counted by the first that has room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Users that this agent keeps at clusters for grants. Agents from before there were any leave it aside, and what is
    /// wanted of them never shows as done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kafka_access: Vec<KafkaAccess>,
}

impl DesiredState {
    /// All sources and sinks.
    pub fn all_connectors(&self) -> impl Iterator<Item = &Connector> {
        self.connectors.iter().chain(&self.decoding)
    }
}

/// The agent's own site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Stable id.
    pub id: SiteId,
    /// Name, as `${site}` in rules.
    pub name: String,
    /// Region, as `${region}` in rules and in scopes.
    pub region: String,
    /// Free labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// The policy keys an agent trusts from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Ed25519 public keys, 64 hex digits each: the current one and, while a rotation is announced, the next.
    pub policy: Vec<String>,
}

/// Access control as the agent needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Key under which the principals' secrets are hashed.
    pub secret_key: SecretKey,
    /// Principals this agent may meet; those of routes it runs included.
    pub principals: Vec<Principal>,
    /// Roles of those principals.
    pub roles: Vec<Role>,
    /// Rules about those principals and roles.
    pub rules: Vec<Rule>,
    /// Which topics must stay inside which sites or regions.
    pub scopes: Vec<Scope>,
}

/// Topics that may only be at some sites ("eu-only").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// For reports.
    pub name: String,
    /// Topics it speaks of.
    pub filter: Filter,
    /// Allowed sites; together with `regions` the only places these topics may be delivered to.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// Allowed regions.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// A protocol endpoint for local clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Stable id.
    pub id: ListenerId,
    /// Name, unique at its site.
    pub name: String,
    /// What it speaks.
    pub protocol: ListenerProtocol,
    /// `address:port` to bind. Port 0: the agent chooses a free one once, keeps it with its state and reports it.
    pub bind: String,
    /// Largest payload accepted, in bytes; at most [`MAX_PAYLOAD_BYTES`](crate::event::MAX_PAYLOAD_BYTES).
    pub payload_bytes_max: u32,
    /// Most clients at once; one more is refused with a reason.
    pub connections_max: u32,
    /// How long a publisher of a guaranteed event waits for custody before it gets an error, in milliseconds.
    pub custody_timeout_ms: u32,
    /// MQTT 3.1.1 has no reason codes: what a denied publish gets there.
    #[serde(default)]
    pub denied_v3_publish: DeniedV3Publish,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenerProtocol {
    /// MQTT 3.1.1 and 5 over TCP.
    Mqtt,
    /// HTTP publish and SSE subscribe.
    Http,
}

/// What happens to an MQTT 3.1.1 client whose publish is denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeniedV3Publish {
    /// The connection is closed (the only honest answer that protocol has).
    #[default]
    Disconnect,
    /// Acknowledged and discarded; counted as a policy event.
    Acknowledge,
}

/// The agent's part in the fabric between sites.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fabric {
    /// `address:port` to accept other agents at; port 0 as for listeners. None: this agent only dials.
    pub bind: Option<String>,
    /// Agents to dial.
    #[serde(default)]
    pub dial: Vec<Dial>,
    /// Every enrolled agent of the environment: who may send frames, and from which site they come.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// One link this agent opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// The configured link.
    pub link: LinkId,
    /// Who answers there (its certificate must say so).
    pub agent: AgentId,
    /// `host:port`, tried in order.
    pub addresses: Vec<String>,
}

/// One agent of the mesh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Common name of its certificate.
    pub agent: AgentId,
    /// Where it stands.
    pub site: SiteId,
    /// Name of that site, for people.
    pub site_name: String,
    /// Region of that site, for scopes.
    pub region: String,
    /// X25519 public key, 64 hex digits: only who has its private part speaks for this agent on the fabric, and reads what
    /// is sent to it. None: the portal does not know it yet, and no other agent exchanges anything with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// The first agent of its line, when it took the place of one whose machine was lost: what others keep for it is kept
    /// under that id. None: it took nobody's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<AgentId>,
}

impl Member {
    /// What stays the same when another machine takes the agent's place: the id of the first agent of its line.
    #[must_use]
    pub fn line(&self) -> AgentId {
        self.stands_for.unwrap_or(self.agent)
    }
}

/// A Kafka cluster the agent can reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerConnection {
    /// Stable id.
    pub id: BrokerId,
    /// Name, unique in the environment.
    pub name: String,
    /// `host:port` of the bootstrap servers.
    pub bootstrap: Vec<String>,
    /// How to connect.
    pub security: KafkaSecurity,
    /// Scan it for the catalog.
    pub discover: bool,
    /// People may look into its topics, through the portal that permits them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub browse: bool,
}

/// How to connect to a Kafka cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaSecurity {
    /// TLS to the brokers?
    pub tls: bool,
    /// PEM of the authority that signed the brokers' certificates; none = the system's.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// Log in with SASL; none = no login.
    #[serde(default)]
    pub sasl: Option<Sasl>,
}

/// A SASL login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sasl {
    /// Which mechanism.
    pub mechanism: SaslMechanism,
    /// User name.
    pub username: String,
    /// Name of the secret in the agent's own store (`mesh-agent secret set NAME`); never a path, never the secret.
    pub secret: String,
}

/// SASL mechanisms that agents speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// PLAIN: only over TLS.
    #[serde(rename = "PLAIN")]
    Plain,
    /// SCRAM-SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// SCRAM-SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// What an agent runs for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    /// The route it serves. A route between two clusters is a source and a sink, maybe at different agents.
    pub route: RouteId,
    /// The route's name, for reports.
    pub name: String,
    /// Changes whenever the route starts over (other topics, other cluster): a new stream, a new consumer group.
    pub generation: u32,
    /// The principal it acts as; the policy section grants it exactly what the route says.
    pub principal: PrincipalId,
    /// A sink that does not run for now: its queue goes on taking events for it. Sources that are paused are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// What it does.
    pub work: ConnectorWork,
}

/// Source or sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorWork {
    /// Broker to mesh.
    KafkaSource(KafkaSource),
    /// Mesh to broker.
    KafkaSink(KafkaSink),
    /// Mesh to an HTTP endpoint.
    WebhookSink(WebhookSink),
}

/// Records of Kafka topics become events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaSource {
    /// From which cluster.
    pub broker: BrokerId,
    /// Topics by name.
    pub topics: Vec<String>,
    /// [`Template`](crate::template::Template) that makes the event's topic.
    pub template: String,
    /// [`Expr`](crate::expr::Expr) a record must satisfy; none = all records.
    #[serde(default)]
    pub filter: Option<String>,
    /// The schema registry by which records are read that name their schema (see [`schema_id`](crate::schema_id)); none =
    /// all records are JSON or nothing that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Surveyed>,
    /// Where a new consumer group begins.
    pub start: Start,
    /// Direct or guaranteed. Guaranteed commits only what the far side took.
    pub mode: DeliveryMode,
}

/// Where a source begins when it has no committed position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At the oldest record kept.
    Earliest,
    /// At the end.
    Latest,
}

/// Events become records of a Kafka topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaSink {
    /// To which cluster.
    pub broker: BrokerId,
    /// Which events it attracts.
    pub filters: Vec<Filter>,
    /// [`Template`](crate::template::Template) over the event's topic levels (`{1}`, `{2}`, ...) and headers that makes the Kafka topic.
    pub topic: String,
    /// Template of the record's key; none = the event's ordering key.
    #[serde(default)]
    pub key: Option<String>,
}

/// A sink or queue somewhere in the mesh and what it attracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurableInterest {
    /// The route or queue it belongs to, for reports.
    pub name: String,
    /// The agent that owns it.
    pub agent: AgentId,
    /// What it attracts.
    pub filter: Filter,
}

/// How observed topics are folded into addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observe {
    /// Declared addresses such as `orders/{country}/{store}/{verb}`; tried before folding by measured cardinality.
    #[serde(default)]
    pub addresses: Vec<String>,
}

#[cfg(test)]
mod tests;
