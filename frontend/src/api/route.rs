//! Routes: which events move from where to where.

use mesh_protocol::desired::{Start, WebhookFormat};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::{BrokerId, RouteId, SiteId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AgentRollout, Millis, PartView, Rate};

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RouteView {
    /// Id.
    pub id: RouteId,
    /// For edits.
    pub revision: i64,
    /// What was configured.
    pub config: RouteInput,
    /// Name of the source cluster, or "mesh".
    pub from_name: String,
    /// Name of the target cluster, host of the endpoint, or "mesh".
    pub to_name: String,
    /// Name of the schema registry its records are read by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas_name: Option<String>,
    /// Its source and sink at the agents that run them: state, last error or rejection, figures.
    pub parts: Vec<PartView>,
    /// How far the agents concerned are with its present form.
    pub rollout: Vec<AgentRollout>,
    /// Records or events per second.
    pub rate: Rate,
    /// Records not yet taken, where a source tells.
    pub lag: Option<u64>,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// A route to make or change. At least one end is a broker connection or an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteInput {
    /// Unique name.
    pub name: String,
    /// Runs, or is paused (a source keeps its position).
    pub enabled: bool,
    /// Where the events come from.
    pub from: RouteFrom,
    /// Where they go.
    pub to: RouteTo,
    /// Direct or guaranteed.
    #[schema(value_type = String)]
    pub mode: DeliveryMode,
    /// Why it exists.
    #[serde(default)]
    pub note: String,
}

/// The first end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RouteFrom {
    /// Events on the mesh that match any of these filters (mesh dialect).
    Mesh {
        /// At least one.
        filters: Vec<String>,
    },
    /// Records of Kafka topics.
    Kafka {
        /// Which cluster.
        broker: BrokerId,
        /// Topics by name.
        topics: Vec<String>,
        /// Template of the event's topic, e.g. `orders/{value.country}/{key}`.
        template: String,
        /// Expression a record must satisfy; empty = all.
        #[serde(default)]
        filter: String,
        /// The schema registry, a broker connection of the cluster's site, by which records are read that name their
        /// schema (Confluent's wire format); none = `value` is of JSON records only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schemas: Option<BrokerId>,
        /// Where to begin when there is no position yet.
        #[schema(value_type = String)]
        start: Start,
    },
}

/// The second end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RouteTo {
    /// Events on the mesh: whoever subscribes gets them.
    Mesh,
    /// Records of a Kafka topic.
    Kafka {
        /// Which cluster.
        broker: BrokerId,
        /// Template of the Kafka topic over the event's levels, e.g. `retail.{1}`.
        topic: String,
        /// Template of the record's key; empty = the event's ordering key.
        #[serde(default)]
        key: String,
    },
    /// Requests to an HTTP endpoint, one for each event.
    Webhook(WebhookTarget),
}

/// An HTTP endpoint that is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookTarget {
    /// The site whose agent makes the requests, and keeps what waits for them.
    pub site: SiteId,
    /// `https://...` or `http://...`, without a login.
    pub url: String,
    /// How an event stands in a request (CloudEvents).
    #[serde(default)]
    pub format: WebhookFormat,
    /// Name of the signing secret at the agent (`mesh-agent secret set NAME`); none = not signed.
    #[serde(default)]
    pub secret: Option<String>,
    /// PEM of the authority that signed the endpoint's certificate; none = those of the agent's system.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// How long the endpoint may take to answer, in milliseconds (100 to 120,000).
    #[serde(default = "WebhookTarget::timeout_ms")]
    pub timeout_ms: u32,
    /// Requests at once, each for another ordering key (1 to 256).
    #[serde(default = "WebhookTarget::concurrency")]
    pub concurrency: u16,
    /// An event that failed so often is a dead letter; none = it is tried for ever.
    #[serde(default)]
    pub deliveries_max: Option<u16>,
    /// Addresses of private networks and of the agent's own machine may be called.
    #[serde(default)]
    pub private_addresses: bool,
}

impl WebhookTarget {
    /// Where nobody says how long, in milliseconds.
    #[must_use]
    pub const fn timeout_ms() -> u32 {
        10_000
    }

    /// Where nobody says how many.
    #[must_use]
    pub const fn concurrency() -> u16 {
        8
    }
}
