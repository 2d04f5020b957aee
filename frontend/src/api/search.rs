//! Search over everything there is.

use mesh_protocol::id::TeamId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Facet;

/// What something that was found is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchKind {
    /// An address that events were seen at.
    Address,
    /// An event that was designed.
    Event,
    /// A schema that was designed.
    Schema,
    /// A Kafka topic.
    Topic,
    /// A Kafka consumer group.
    Group,
    /// A Kafka cluster.
    Cluster,
    /// Somebody whom a Kafka cluster knows.
    User,
    /// A transactional id of a Kafka cluster.
    Transaction,
    /// A schema registry.
    Registry,
    /// A subject of a schema registry.
    Subject,
    /// A Kafka Connect cluster.
    Connect,
    /// A connector of Kafka Connect.
    ConnectConnector,
    /// A RabbitMQ cluster.
    Rabbit,
    /// An exchange of RabbitMQ.
    RabbitExchange,
    /// A queue of RabbitMQ.
    RabbitQueue,
    /// A user of RabbitMQ.
    RabbitUser,
    /// An MQTT broker.
    Mqtt,
    /// An address at which an MQTT broker keeps a message.
    MqttAddress,
    /// An application, designed or with clients.
    Application,
    /// An event API.
    EventApi,
    /// A product.
    Product,
    /// An application domain.
    Domain,
    /// A team.
    Team,
    /// A client of the mesh.
    Client,
    /// A queue.
    Queue,
    /// A route.
    Route,
    /// A filter somebody has subscribed to.
    Subscription,
    /// An access rule.
    Rule,
    /// A role of clients.
    Role,
    /// A scope.
    Scope,
    /// A site.
    Site,
    /// An agent.
    Agent,
}

/// What to look for. The same fields are the page's URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words, each the beginning of a word of anything or inside one of the name; a topic or a filter in either dialect;
    /// `owner:`, `tag:`, `field:`, `site:`, `kind:`, `domain:`, `cluster:`, `state:` before the beginning of a value; `-`
    /// before what must not be; quotes around what belongs together. At most 1,000 bytes and 20 terms.
    #[serde(default)]
    pub q: String,
    /// Only this kind.
    #[serde(default)]
    pub kind: Option<SearchKind>,
    /// Only of this application domain; `none` = of none.
    #[serde(default)]
    pub domain: Option<String>,
    /// Only of this owner; `none` = without one.
    #[serde(default)]
    pub owner: Option<String>,
    /// Only at this site.
    #[serde(default)]
    pub site: Option<String>,
    /// Only in this cluster (name of the broker connection).
    #[serde(default)]
    pub broker: Option<String>,
    /// Only with this tag.
    #[serde(default)]
    pub tag: Option<String>,
    /// Only in this state (`draft`, `in_review`, `released`, `deprecated`, `retired`).
    #[serde(default)]
    pub state: Option<String>,
    /// Also what is gone.
    #[serde(default)]
    pub gone: bool,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 50, at most 200.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// One page of results, with counts over all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchPage {
    /// What was found, the best first.
    pub items: Vec<SearchHit>,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// How many there are in all.
    pub total: u64,
    /// Counts by kind, domain, owner, site, broker, tag and state, each without its own restriction; at most 20 values
    /// each, the most frequent first.
    pub facets: Vec<Facet>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    /// What it is.
    pub kind: SearchKind,
    /// Its name.
    pub name: String,
    /// The beginning of what people say of it, at most about 200 bytes.
    pub description: String,
    /// Who answers for it; empty = nobody, none = nobody could.
    pub owner: Option<String>,
    /// The team that `owner` names; none = it names no team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The application domain it belongs to; empty = none does, none = none could.
    pub domain: Option<String>,
    /// Where it is.
    pub sites: Vec<String>,
    /// Its cluster, for Kafka objects.
    pub broker: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where in its life it is, for what was designed.
    pub state: Option<String>,
    /// It is no longer there.
    pub gone: bool,
    /// Its page.
    pub href: String,
    /// Where it says what was looked for, when the name does not.
    pub why: Vec<SearchWhy>,
}

/// Why something was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchWhy {
    /// `field`, `tag`, `owner`, `description`, or `topics` for the filter it is about.
    pub what: String,
    /// The text that holds it; of a long one the part around it.
    pub text: String,
}
