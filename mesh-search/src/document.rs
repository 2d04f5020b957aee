//! What can be found.

use mesh_protocol::topic::Filter;
use serde::{Deserialize, Serialize};

use crate::query::Facet;
use crate::words::tokens;

/// Value of a facet that stands for having none: no owner, no domain.
pub const NONE: &str = "none";

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 32] = [
        Self::Address,
        Self::Event,
        Self::Schema,
        Self::Topic,
        Self::Group,
        Self::Cluster,
        Self::User,
        Self::Transaction,
        Self::Registry,
        Self::Subject,
        Self::Connect,
        Self::ConnectConnector,
        Self::Rabbit,
        Self::RabbitExchange,
        Self::RabbitQueue,
        Self::RabbitUser,
        Self::Mqtt,
        Self::MqttAddress,
        Self::Application,
        Self::EventApi,
        Self::Product,
        Self::Domain,
        Self::Team,
        Self::Client,
        Self::Queue,
        Self::Route,
        Self::Subscription,
        Self::Rule,
        Self::Role,
        Self::Scope,
        Self::Site,
        Self::Agent,
    ];

    /// As queries and the API write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Event => "event",
            Self::Schema => "schema",
            Self::Topic => "topic",
            Self::Group => "group",
            Self::Cluster => "cluster",
            Self::User => "user",
            Self::Transaction => "transaction",
            Self::Registry => "registry",
            Self::Subject => "subject",
            Self::Connect => "connect",
            Self::ConnectConnector => "connect_connector",
            Self::Rabbit => "rabbit",
            Self::RabbitExchange => "rabbit_exchange",
            Self::RabbitQueue => "rabbit_queue",
            Self::RabbitUser => "rabbit_user",
            Self::Mqtt => "mqtt",
            Self::MqttAddress => "mqtt_address",
            Self::Application => "application",
            Self::EventApi => "event_api",
            Self::Product => "product",
            Self::Domain => "domain",
            Self::Team => "team",
            Self::Client => "client",
            Self::Queue => "queue",
            Self::Route => "route",
            Self::Subscription => "subscription",
            Self::Rule => "rule",
            Self::Role => "role",
            Self::Scope => "scope",
            Self::Site => "site",
            Self::Agent => "agent",
        }
    }
}

/// Something that can be found. What it cannot have (a site has no owner) is none; what it could have and has not is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Document {
    /// Which it is, for good.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What people say of it.
    pub description: String,
    /// Who answers for it; empty = nobody.
    pub owner: Option<String>,
    /// Id and name of the application domain it belongs to; both empty = to none.
    pub domain: Option<(String, String)>,
    /// Names of the sites where it is.
    pub sites: Vec<String>,
    /// Name of its cluster.
    pub broker: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Where in its life it is.
    pub state: Option<String>,
    /// Paths of the fields of its schemas (`order.lines[].sku`).
    pub fields: Vec<String>,
    /// The fields that have tags, each with one of them; the tags are in `tags` as well.
    pub tagged: Vec<(String, String)>,
    /// Which topics it is about.
    pub patterns: Vec<Filter>,
    /// It is no longer there.
    pub is_gone: bool,
    /// Those who see only some domains see it whatever its domain.
    pub is_shared: bool,
    /// Where its page is.
    pub href: String,
}

impl Document {
    /// One without anything but its name.
    #[must_use]
    pub fn new(kind: Kind, key: String, name: String, href: String) -> Self {
        Self {
            key,
            kind,
            name,
            description: String::new(),
            owner: None,
            domain: None,
            sites: Vec::new(),
            broker: None,
            tags: Vec::new(),
            state: None,
            fields: Vec::new(),
            tagged: Vec::new(),
            patterns: Vec::new(),
            is_gone: false,
            is_shared: false,
            href,
        }
    }

    /// What it has of a facet, as it is counted and chosen; [`NONE`] = it could have one and has not.
    #[must_use]
    pub fn values(&self, facet: Facet) -> Vec<&str> {
        match facet {
            Facet::Kind => vec![self.kind.name()],
            Facet::Owner => match self.owner.as_deref() {
                Some("") => vec![NONE],
                owner => owner.into_iter().collect(),
            },
            Facet::Domain => match &self.domain {
                Some((_, name)) if name.is_empty() => vec![NONE],
                domain => domain.iter().map(|(_, name)| name.as_str()).collect(),
            },
            Facet::Site => self.sites.iter().map(String::as_str).collect(),
            Facet::Broker => self.broker.iter().map(String::as_str).collect(),
            Facet::Tag => self.tags.iter().map(String::as_str).collect(),
            Facet::State => self.state.iter().map(String::as_str).collect(),
            Facet::Field => self.fields.iter().map(String::as_str).collect(),
        }
    }

    /// The words of everything but the name.
    #[must_use]
    pub fn text_tokens(&self) -> Vec<String> {
        let texts = [self.description.as_str(), self.owner.as_deref().unwrap_or_default()];
        let texts = texts.into_iter().chain(self.tags.iter().chain(&self.fields).map(String::as_str));
        let mut words: Vec<String> = texts.flat_map(tokens).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}
