//! The overview: is it well, and if not, what do I do? And the "Try it" of a running mesh.

use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::{PrincipalId, SiteId};
use mesh_protocol::wire::{PublishOutcome, Revision, TailEvent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Freshness, LinkView, Location, Millis, Rate};

/// The whole first page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// When this was so.
    pub as_of: Millis,
    /// The five figures.
    pub figures: Figures,
    /// Sites with their position and state.
    pub sites: Vec<SiteState>,
    /// Links with their traffic.
    pub links: Vec<LinkFlow>,
    /// What needs somebody, worst first.
    pub attention: Vec<Attention>,
    /// The newest policy revision.
    pub revision: Revision,
    /// Present in demo meshes.
    pub demo: Option<Demo>,
}

/// The five figures, each with its last ten minutes (one value every 10 s, oldest first).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// Events admitted per second, mesh-wide.
    pub events_per_second: Rate,
    /// Its history.
    pub events_history: Vec<Rate>,
    /// Clients connected now.
    pub clients: u64,
    /// Agents online.
    pub agents_online: u64,
    /// Agents enrolled.
    pub agents: u64,
    /// Deliveries at remote sites minus event copies sent over links, since the agents started.
    pub copies_saved: i64,
    /// Event copies sent over links per second.
    pub copies_per_second: Rate,
    /// Its history.
    pub copies_history: Vec<Rate>,
    /// Refusals by policy in the last ten minutes.
    pub denials: u64,
}

/// A site on the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteState {
    /// Id.
    pub id: SiteId,
    /// Name.
    pub name: String,
    /// Region.
    pub region: String,
    /// Where.
    pub location: Option<Location>,
    /// Agents online there.
    pub agents_online: u32,
    /// Agents enrolled there.
    pub agents: u32,
    /// Clients connected there.
    pub clients: u64,
    /// Events admitted per second there.
    pub rate: Rate,
    /// Its broker connections by name, with "fine" or what is wrong.
    pub brokers: Vec<BrokerState>,
    /// How fresh; none = no agent was ever seen.
    pub freshness: Option<Freshness>,
}

/// A cluster at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokerState {
    /// Name of the broker connection.
    pub name: String,
    /// What is wrong; none = reachable.
    pub trouble: Option<String>,
}

/// A link on the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LinkFlow {
    /// One end.
    pub from: SiteId,
    /// Other end.
    pub to: SiteId,
    /// Its agents dial; false = somebody switched it off.
    pub enabled: bool,
    /// Frames pass; none = nothing known yet.
    pub up: Option<bool>,
    /// Event copies per second from `from` to `to`.
    pub forward_rate: Rate,
    /// Event copies per second from `to` to `from`.
    pub backward_rate: Rate,
    /// Guaranteed events that wait, at either side, until the other side has them.
    pub backlog_events: u64,
    /// Their bytes.
    pub backlog_bytes: u64,
    /// Round trip in microseconds.
    pub round_trip_us: Option<u64>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something does not work.
    Bad,
    /// Something will stop working, or works partly.
    Warn,
    /// Something to do when there is time.
    Note,
}

/// Something that needs somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attention {
    /// How bad.
    pub severity: Severity,
    /// What is the matter.
    pub title: String,
    /// What to do, and what still works.
    pub detail: String,
    /// Where to do it.
    pub href: String,
    /// Since when.
    pub since: Option<Millis>,
}

/// What a demo mesh offers on its overview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Demo {
    /// The client of "Block till-7", once it exists.
    pub block: Option<DemoClient>,
    /// The link of "Cut the Berlin link", once it exists.
    pub cut: Option<LinkView>,
    /// Where "Try it" publishes by default.
    pub try_site: Option<SiteId>,
    /// What "Try it" watches by default.
    pub try_filter: String,
    /// What still starts ("Kafka A", "traffic"); empty = all is up.
    pub starting: Vec<String>,
}

/// A demo client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DemoClient {
    /// Id.
    pub id: PrincipalId,
    /// User name.
    pub username: String,
    /// A block rule stops its publishing now.
    pub blocked: bool,
}

/// For whom and where to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TryInput {
    /// At which site.
    pub site: SiteId,
}

/// A short-lived principal with ready command lines.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TryClient {
    /// Id.
    pub principal: PrincipalId,
    /// User name.
    pub username: String,
    /// Secret. Only in the answer that made it; later answers leave it out and the lines say so.
    pub secret: Option<String>,
    /// Refused after.
    pub expires_at: Millis,
    /// `mosquitto_pub ...` line, when the site has an MQTT listener that runs.
    pub mqtt_line: Option<String>,
    /// `curl ...` line, when the site has an HTTP listener that runs.
    pub http_line: Option<String>,
}

impl std::fmt::Debug for TryClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TryClient").field("username", &self.username).finish_non_exhaustive()
    }
}

/// One event to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishInput {
    /// Through the agent of this site.
    pub site: SiteId,
    /// Where.
    pub topic: String,
    /// What.
    pub payload: String,
    /// Direct or guaranteed.
    #[schema(value_type = String)]
    pub mode: DeliveryMode,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishResult {
    /// As the agent said.
    #[schema(value_type = Object)]
    pub outcome: PublishOutcome,
    /// How long it took, in microseconds, as the portal saw it.
    pub took_us: u64,
}

/// One message of the live tail. It comes by server-sent events, which OpenAPI does not describe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TailLine {
    /// An event.
    Event(TailEvent),
    /// Events left out because the tail was slow.
    Dropped {
        /// How many.
        events: u64,
    },
    /// The tail ended.
    Closed {
        /// Why.
        reason: String,
    },
}
