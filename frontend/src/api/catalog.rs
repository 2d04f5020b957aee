//! The catalog, the live subscriptions, and what policy refused.

use mesh_protocol::event::Protocol;
use mesh_protocol::id::{
    ApplicationDomainId, DesignObjectId, DesignVersionId, PrincipalId, RouteId, RuleId, SiteId, TeamId,
};
use mesh_protocol::policy::Action;
use mesh_protocol::report::{Direction, ObjectFacts};
use mesh_protocol::topic::Dialect;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{DesignKind, DesignState, Evidence, Freshness, KafkaSide, Millis, Rate, SearchKind, SeenShape};

/// Kinds of catalog objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatalogKind {
    /// An event address seen on the mesh (`orders/{country}/{store}/created`).
    Address,
    /// A Kafka topic.
    Topic,
    /// A Kafka consumer group.
    Group,
    /// A Kafka cluster.
    Cluster,
    /// A user of a Kafka cluster.
    User,
    /// A producer of a Kafka cluster with transactions, by its transactional id.
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
    /// An application.
    Application,
    /// A client of the mesh.
    Principal,
}

impl CatalogKind {
    /// The same kind among all that can be found.
    #[must_use]
    pub const fn among_all(self) -> SearchKind {
        match self {
            Self::Address => SearchKind::Address,
            Self::Topic => SearchKind::Topic,
            Self::Group => SearchKind::Group,
            Self::Cluster => SearchKind::Cluster,
            Self::User => SearchKind::User,
            Self::Transaction => SearchKind::Transaction,
            Self::Registry => SearchKind::Registry,
            Self::Subject => SearchKind::Subject,
            Self::Connect => SearchKind::Connect,
            Self::ConnectConnector => SearchKind::ConnectConnector,
            Self::Rabbit => SearchKind::Rabbit,
            Self::RabbitExchange => SearchKind::RabbitExchange,
            Self::RabbitQueue => SearchKind::RabbitQueue,
            Self::RabbitUser => SearchKind::RabbitUser,
            Self::Mqtt => SearchKind::Mqtt,
            Self::MqttAddress => SearchKind::MqttAddress,
            Self::Application => SearchKind::Application,
            Self::Principal => SearchKind::Client,
        }
    }
}

/// What to look for. The same fields are the page's URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CatalogQuery {
    /// Words of name, description or owner; or a topic, or a filter in either dialect.
    #[serde(default)]
    pub q: String,
    /// Only this kind.
    #[serde(default)]
    pub kind: Option<CatalogKind>,
    /// Only at this site.
    #[serde(default)]
    pub site: Option<String>,
    /// Only in this cluster (name of the broker connection).
    #[serde(default)]
    pub broker: Option<String>,
    /// Only of this application domain; `none` = addresses and Kafka topics that none claims.
    #[serde(default)]
    pub domain: Option<String>,
    /// Only of this owner; `none` = without an owner.
    #[serde(default)]
    pub owner: Option<String>,
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

/// One page of results with facets over all results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatalogPage {
    /// Rows.
    pub items: Vec<CatalogRow>,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// Matches in all.
    pub total: u64,
    /// Counts by kind, site, broker, domain and owner, each without its own restriction.
    pub facets: Vec<Facet>,
}

/// Counts of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// `kind`, `site`, `broker`, `domain` or `owner`: the name of the query's field.
    pub field: String,
    /// Values, most frequent first, at most 20.
    pub values: Vec<FacetValue>,
}

/// One value of a facet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetValue {
    /// Value for the query.
    pub value: String,
    /// For people.
    pub label: String,
    /// How many.
    pub count: u64,
}

/// One row of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatalogRow {
    /// Opaque id, for `/catalog/{id}`.
    pub id: String,
    /// What it is.
    pub kind: CatalogKind,
    /// Its name.
    pub name: String,
    /// One line.
    pub description: String,
    /// Who answers for it; empty = nobody.
    pub owner: String,
    /// Nobody was named for the object itself: that is the owner of its domain.
    pub owner_by_domain: bool,
    /// The team that `owner` names; none = it names no team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The application domain that claims it.
    pub domain: Option<String>,
    /// Sites where it lives.
    pub sites: Vec<String>,
    /// Its cluster, for Kafka objects.
    pub broker: Option<String>,
    /// How we know.
    pub evidence: Evidence,
    /// Events per second now.
    pub rate: Rate,
    /// Records behind, for groups.
    pub lag: Option<i64>,
    /// Number of partitions, for topics.
    pub partitions: Option<u32>,
    /// It is no longer there.
    pub gone: bool,
    /// How fresh.
    pub freshness: Option<Freshness>,
}

/// One object of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatalogObject {
    /// The row.
    pub row: CatalogRow,
    /// For edits of owner and description.
    pub revision: i64,
    /// First seen.
    pub first_seen: Option<Millis>,
    /// What the broker says, for Kafka objects.
    #[schema(value_type = Option<Object>)]
    pub facts: Option<ObjectFacts>,
    /// What the cluster's access lists, quotas and users say around it, for Kafka objects.
    #[serde(default)]
    pub kafka: Option<KafkaSide>,
    /// What was designed of it: events whose address it is, schemas that are registered for a Kafka topic.
    pub designed: Vec<DesignedAs>,
    /// What its JSON payloads look like; none where none were looked at.
    #[serde(default)]
    pub shape: Option<SeenShape>,
    /// Who sends to it.
    pub producers: Vec<FlowRow>,
    /// Who takes from it.
    pub consumers: Vec<FlowRow>,
    /// Other objects it hangs together with (topics of a group, groups of a topic, routes).
    pub related: Vec<Related>,
    /// Lines by which one connects to it, once a name and a password are put in.
    #[serde(default)]
    pub connect: Vec<Snippet>,
    /// Events per second, one value every 10 s, oldest first, at most 60.
    pub rate_history: Vec<Rate>,
    /// Of a consumer group: records it was behind, one value every 10 s, oldest first, at most 61.
    #[serde(default)]
    pub lag_history: Vec<u64>,
}

/// Lines that do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snippet {
    /// What they do.
    pub title: String,
    /// They themselves; `USER` and `PASSWORD` stand for what whoever connects was given.
    pub text: String,
}

/// A design that speaks of something that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignedAs {
    /// The design.
    pub object: DesignObjectId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: DesignKind,
    /// The version that stands for it; none = it has none.
    pub version: Option<DesignVersionId>,
    /// That version's number; empty = none.
    pub number: String,
    /// Where that version is in its life.
    pub state: Option<DesignState>,
    /// All of what was seen is the design's; else some of its topics are.
    pub whole: bool,
}

/// An event to make of an address that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptInput {
    /// The event's name.
    pub name: String,
    /// The application domain it belongs to.
    pub domain: ApplicationDomainId,
    /// A draft of a JSON Schema is made with it, of what its payloads were seen to look like, and is the event's.
    #[serde(default)]
    pub with_schema: bool,
}

/// Something that was seen, and that a design speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeenAs {
    /// It, as the catalog lists it.
    pub row: CatalogRow,
    /// First seen.
    pub first_seen: Option<Millis>,
    /// All of it is the design's; else some of its topics are.
    pub whole: bool,
}

/// A client, group or route at one side of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowRow {
    /// Name of the principal, group or route.
    pub name: String,
    /// Link to its own page, when it has one.
    pub href: Option<String>,
    /// Protocol's client id.
    pub client_id: String,
    /// Protocol.
    #[schema(value_type = String)]
    pub protocol: Protocol,
    /// At which site.
    pub site: String,
    /// Sends or takes.
    #[schema(value_type = String)]
    pub direction: Direction,
    /// The address or topic.
    pub address: String,
    /// How we know.
    pub evidence: Evidence,
    /// Events per second now.
    pub rate: Rate,
    /// First seen.
    pub first_seen: Millis,
    /// How fresh.
    pub freshness: Freshness,
    /// Of a consumer group: records it is behind, at this object.
    #[serde(default)]
    pub lag: Option<i64>,
    /// Of a consumer group: records it was behind, one value every 10 s, oldest first, at most 61; told of the 20 that are most
    /// behind.
    #[serde(default)]
    pub lag_history: Vec<u64>,
    /// Schemas that its payloads name, those of the most events first.
    #[serde(default)]
    pub schemas: Vec<FlowSchema>,
}

/// A schema that payloads name by its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowSchema {
    /// The id that stands in the payloads.
    pub id: u32,
    /// The subject that has it; none = no registry that is known here has this id, or it cannot be told which one is meant.
    pub subject: Option<String>,
    /// Its version there.
    pub version: Option<i64>,
    /// The registry, by the name of its connection; none = the portal's own, when the subject is known.
    pub registry: Option<String>,
    /// Link to that version or subject.
    pub href: Option<String>,
    /// Events per second with it now.
    pub rate: Rate,
    /// Last seen.
    pub last_seen: Millis,
}

/// Another object it hangs together with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Related {
    /// How: `consumed by`, `route`, `belongs to`...
    pub relation: String,
    /// Name.
    pub name: String,
    /// Link.
    pub href: String,
}

/// Owner and description of a catalog object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogObjectInput {
    /// Who answers for it; empty = nobody.
    #[serde(default)]
    pub owner: String,
    /// What it is.
    #[serde(default)]
    pub description: String,
}

/// Which subscriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SubscriptionQuery {
    /// Part of filter or client; a concrete topic lists the filters that match it.
    #[serde(default)]
    pub q: String,
    /// Only at this site.
    #[serde(default)]
    pub site: Option<String>,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 100, at most 500.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// One registered filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionRow {
    /// The filter.
    pub filter: String,
    /// Its dialect.
    #[schema(value_type = String)]
    pub dialect: Dialect,
    /// Who.
    pub principal: Option<PrincipalId>,
    /// Its name, or the route's.
    pub principal_name: String,
    /// Protocol's client id.
    pub client_id: String,
    /// Protocol.
    #[schema(value_type = String)]
    pub protocol: Protocol,
    /// For sinks.
    pub route: Option<RouteId>,
    /// Where.
    pub site: SiteId,
    /// That site's name.
    pub site_name: String,
    /// Since when.
    pub since: Millis,
    /// How fresh.
    pub freshness: Freshness,
}

/// Which denials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DenialQuery {
    /// Only of this client.
    #[serde(default)]
    pub principal: Option<PrincipalId>,
    /// Only since.
    #[serde(default)]
    pub since: Option<Millis>,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 200, at most 500.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Refusals of one client for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DenialRow {
    /// Who, when it could be told.
    pub principal: Option<PrincipalId>,
    /// The user name that was given.
    pub principal_name: String,
    /// Protocol's client id.
    pub client_id: String,
    /// Protocol.
    #[schema(value_type = String)]
    pub protocol: Protocol,
    /// What it wanted.
    #[schema(value_type = String)]
    pub action: Action,
    /// Topic or filter.
    pub topic: String,
    /// The deciding rule.
    pub rule: Option<RuleId>,
    /// For people.
    pub reason: String,
    /// At which site.
    pub site_name: String,
    /// How often.
    pub count: u64,
    /// First time in this run of refusals.
    pub first: Millis,
    /// Last time.
    pub last: Millis,
}
