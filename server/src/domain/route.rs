//! A route: which events move from where to where, mapped how, with which guarantee.
//!
//! At least one end lies outside the mesh: a broker connection, or an HTTP endpoint to which events go. Between two clusters the records become mesh events on the way: the route
//! is then a source that publishes by its template and a sink that attracts what the template can give.

use mesh_protocol::desired::Start;
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::expr::Expr;
use mesh_protocol::id::{BrokerId, PrincipalId, RouteId, SiteId};
use mesh_protocol::template::Template;
use mesh_protocol::topic::Filter;
use serde::{Deserialize, Serialize};

use super::field::FieldErrors;
use super::webhook::Webhook;

/// Most Kafka topics of one route.
pub const TOPICS_MAX: usize = 256;
/// Most filters of one route.
pub const FILTERS_MAX: usize = 64;
/// Longest name of a Kafka topic (Kafka's own limit).
pub const KAFKA_NAME_BYTES_MAX: usize = 249;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Stable id.
    pub id: RouteId,
    /// It acts as this principal, which may exactly what the route says.
    pub principal: PrincipalId,
    /// What a person chose.
    pub spec: Spec,
    /// Changes when the route starts over: other source topics or another source cluster.
    pub generation: u32,
    /// The policy revision that brought its present form.
    pub since_revision: u64,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a person chooses about a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Unique in the environment.
    pub name: String,
    /// Runs, or is paused.
    pub enabled: bool,
    /// Where the events come from.
    pub from: From,
    /// Where they go.
    pub to: To,
    /// Direct or guaranteed.
    pub mode: DeliveryMode,
    /// Why it exists.
    pub note: String,
}

/// The first end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum From {
    /// Events on the mesh.
    Mesh {
        /// Mesh dialect; any of them.
        filters: Vec<String>,
    },
    /// Records of Kafka topics.
    Kafka {
        /// Which cluster.
        broker: BrokerId,
        /// By name.
        topics: Vec<String>,
        /// Makes the event's topic.
        template: String,
        /// Expression a record must satisfy; empty = all.
        filter: String,
        /// The schema registry by which records are read that name their schema; none = all are JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schemas: Option<BrokerId>,
        /// Where to begin.
        start: Start,
    },
}

/// What a broker connection is for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A Kafka cluster, at this site.
    Kafka(SiteId),
    /// A schema registry, at this site.
    Registry(SiteId),
    /// Something that carries no records here and knows no schemas.
    Other,
    /// None of this environment.
    Unknown,
}

/// The second end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum To {
    /// Events on the mesh.
    Mesh,
    /// Records of a Kafka topic.
    Kafka {
        /// Which cluster.
        broker: BrokerId,
        /// Template over the event's levels.
        topic: String,
        /// Template of the record's key; empty = the ordering key.
        key: String,
    },
    /// Requests to an HTTP endpoint.
    Webhook(Webhook),
}

impl Spec {
    /// Checks everything, given the broker connections and sites there are. Paths of the errors are those of the API's input.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, end_of: impl Fn(BrokerId) -> End, is_site: impl Fn(SiteId) -> bool) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.text("note", &self.note);
        match &self.from {
            From::Mesh { filters } => check_filters(&mut errors, filters),
            From::Kafka { broker, topics, template, filter, schemas, .. } => {
                check_broker(&mut errors, "from.broker", end_of(*broker));
                if let Some(schemas) = schemas {
                    check_schemas(&mut errors, end_of(*schemas), end_of(*broker));
                }
                check_topics(&mut errors, topics);
                errors.take("from.template", Template::parse(template));
                if !filter.trim().is_empty() {
                    errors.take("from.filter", Expr::parse(filter));
                }
            }
        }
        match (&self.from, &self.to) {
            (From::Mesh { .. }, To::Mesh) => {
                errors.add("to.kind", "must be a cluster or a webhook: one end of a route lies outside the mesh");
            }
            (_, To::Mesh) => {}
            (_, To::Kafka { broker, topic, key }) => {
                check_broker(&mut errors, "to.broker", end_of(*broker));
                errors.take("to.topic", Template::parse(topic));
                if !key.is_empty() {
                    errors.take("to.key", Template::parse(key));
                }
            }
            (_, To::Webhook(webhook)) => webhook.check(&mut errors, is_site),
        }
        self.check_loop(&mut errors);
        errors.check()
    }

    /// A route that writes the very topics it reads never ends.
    fn check_loop(&self, errors: &mut FieldErrors) {
        if let (From::Kafka { broker, topics, .. }, To::Kafka { broker: target, topic, .. }) = (&self.from, &self.to)
            && broker == target
            && topics.contains(topic)
        {
            errors.add("to.topic", "is one of the topics the route reads: its records would go round for ever");
        }
    }

    /// What a route publishes to the mesh; none for one that only takes from it.
    #[must_use]
    pub fn publishes(&self) -> Option<Filter> {
        match &self.from {
            From::Mesh { .. } => None,
            From::Kafka { template, .. } => Template::parse(template).ok().map(|template| template.pattern()),
        }
    }

    /// What a route takes from the mesh; nothing for one that only publishes.
    #[must_use]
    pub fn takes(&self) -> Vec<Filter> {
        match (&self.from, &self.to) {
            (_, To::Mesh) => Vec::new(),
            (From::Mesh { filters }, _) => filters.iter().filter_map(|text| Filter::mesh(text).ok()).collect(),
            (From::Kafka { .. }, _) => self.publishes().into_iter().collect(),
        }
    }

    /// Whether going on from where `old` stood would be wrong: another cluster or other topics.
    #[must_use]
    pub fn starts_over(&self, old: &Self) -> bool {
        let source = |spec: &Self| match &spec.from {
            From::Mesh { .. } => None,
            From::Kafka { broker, topics, .. } => Some((*broker, topics.clone())),
        };
        source(self) != source(old)
    }

    /// Whether events wait for it at an agent: it brings them out of the mesh.
    #[must_use]
    pub fn has_sink(&self) -> bool {
        !matches!(self.to, To::Mesh)
    }

    /// The schema registry its records are read by.
    #[must_use]
    pub fn schemas(&self) -> Option<BrokerId> {
        match &self.from {
            From::Mesh { .. } => None,
            From::Kafka { schemas, .. } => *schemas,
        }
    }

    /// Whether its source uses a broker connection: as the cluster, or for its schemas.
    #[must_use]
    pub fn reads(&self, id: BrokerId) -> bool {
        match &self.from {
            From::Mesh { .. } => false,
            From::Kafka { broker, schemas, .. } => *broker == id || *schemas == Some(id),
        }
    }

    /// The broker connections it uses.
    pub fn brokers(&self) -> impl Iterator<Item = BrokerId> {
        let from = match &self.from {
            From::Mesh { .. } => None,
            From::Kafka { broker, .. } => Some(*broker),
        };
        let to = match &self.to {
            To::Mesh | To::Webhook(_) => None,
            To::Kafka { broker, .. } => Some(*broker),
        };
        from.into_iter().chain(self.schemas()).chain(to)
    }

    /// The site whose agent calls its endpoint; none for a route that calls none.
    #[must_use]
    pub fn calls_from(&self) -> Option<SiteId> {
        match &self.to {
            To::Webhook(webhook) => Some(webhook.site),
            To::Mesh | To::Kafka { .. } => None,
        }
    }
}

fn check_broker(errors: &mut FieldErrors, field: &str, end: End) {
    match end {
        End::Kafka(_) => {}
        End::Registry(_) | End::Other => {
            errors.add(field, "is no Kafka cluster: nothing is read from or written to other broker connections");
        }
        End::Unknown => errors.add(field, "is not a broker connection of this environment"),
    }
}

/// The agent that reads the cluster asks the registry, and knows no other ones than those of its site.
fn check_schemas(errors: &mut FieldErrors, registry: End, cluster: End) {
    match (registry, cluster) {
        (End::Registry(here), End::Kafka(there)) if here != there => {
            let what =
                "is at another site than the cluster: connect the registry at the cluster's site, whose agent asks it";
            errors.add("from.schemas", what);
        }
        (End::Registry(_), _) => {}
        (End::Kafka(_) | End::Other, _) => errors.add("from.schemas", "is no schema registry"),
        (End::Unknown, _) => errors.add("from.schemas", "is not a broker connection of this environment"),
    }
}

fn check_filters(errors: &mut FieldErrors, filters: &[String]) {
    if filters.is_empty() || filters.len() > FILTERS_MAX {
        errors.add("from.filters", format_args!("needs 1 to {FILTERS_MAX} filters"));
    }
    for text in filters {
        if let Some(filter) = errors.take("from.filters", Filter::mesh(text))
            && filter.has_variables()
        {
            errors.add("from.filters", "may not use variables: a route is not a client");
        }
    }
}

fn check_topics(errors: &mut FieldErrors, topics: &[String]) {
    if topics.is_empty() || topics.len() > TOPICS_MAX {
        errors.add("from.topics", format_args!("needs 1 to {TOPICS_MAX} topics"));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    for topic in topics {
        let sound = !topic.is_empty() && topic.len() <= KAFKA_NAME_BYTES_MAX && topic.chars().all(legal);
        if !sound || topic == "." || topic == ".." {
            errors.add(
                "from.topics",
                format_args!("`{topic}` is not a Kafka topic name (letters, digits, `.`, `_`, `-`)"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(n: u128) -> BrokerId {
        BrokerId(uuid::Uuid::from_u128(n))
    }

    fn site(n: u128) -> SiteId {
        SiteId(uuid::Uuid::from_u128(n))
    }

    fn between(template: &str, topic: &str) -> Spec {
        Spec {
            name: "berlin-to-hq".into(),
            enabled: true,
            from: From::Kafka {
                broker: broker(1),
                topics: vec!["sensors".into()],
                template: template.into(),
                filter: String::new(),
                schemas: None,
                start: Start::Earliest,
            },
            to: To::Kafka { broker: broker(2), topic: topic.into(), key: String::new() },
            mode: DeliveryMode::Guaranteed,
            note: String::new(),
        }
    }

    fn fields(spec: &Spec) -> Vec<String> {
        spec.check(|_| End::Kafka(site(1)), |_| true)
            .err()
            .map(|errors| errors.0.into_keys().collect())
            .unwrap_or_default()
    }

    #[test]
    fn each_mistake_is_named_at_its_field() {
        assert_eq!(fields(&between("sensors/{value.plant}/{key}", "sensors")), [""; 0]);
        assert_eq!(fields(&between("sensors/{value.", "sensors")), ["from.template"]);
        let mut spec = between("sensors/{key}", "sensors.{9");
        spec.from = From::Mesh { filters: vec![] };
        assert_eq!(fields(&spec), ["from.filters", "to.topic"]);
        spec.to = To::Mesh;
        assert_eq!(fields(&spec), ["from.filters", "to.kind"]);
    }

    #[test]
    fn a_route_may_exactly_what_it_says() {
        let spec = between("sensors/{value.plant}/p{key}/temp", "sensors");
        assert_eq!(spec.publishes(), Filter::mesh("sensors/*/p*/temp").ok());
        assert_eq!(spec.takes(), [Filter::mesh("sensors/*/p*/temp").expect("valid")]);
    }

    #[test]
    fn another_mapping_goes_on_and_other_topics_start_over() {
        let old = between("sensors/{key}", "sensors");
        assert!(!between("machines/{key}", "other").starts_over(&old));
        let mut other = old.clone();
        other.from = From::Kafka {
            broker: broker(1),
            topics: vec!["more".into()],
            template: "sensors/{key}".into(),
            filter: String::new(),
            schemas: None,
            start: Start::Earliest,
        };
        assert!(other.starts_over(&old));
    }

    #[test]
    fn a_webhook_is_an_end_of_its_own() {
        let mut spec = between("sensors/{key}", "sensors");
        let target = r#"{"kind":"webhook","site":"00000000-0000-0000-0000-000000000001","url":"https://erp.example",
            "format":"binary","secret":null,"ca_pem":null,"timeout_ms":10000,"concurrency":8,"deliveries_max":null,
            "private_addresses":false}"#;
        spec.to = serde_json::from_str(target).expect("as it is stored");
        assert_eq!(fields(&spec), [""; 0], "Kafka to webhook");
        spec.from = From::Mesh { filters: vec!["orders/>".into()] };
        assert_eq!(fields(&spec), [""; 0], "mesh to webhook, without any cluster");
        assert_eq!(spec.takes(), [Filter::mesh("orders/>").expect("valid")]);
        assert_eq!((spec.brokers().count(), spec.calls_from()), (0, Some(SiteId(uuid::Uuid::from_u128(1)))));
        let errors = spec.check(|_| End::Kafka(site(1)), |_| false).expect_err("there is no such site");
        assert_eq!(errors.0.into_keys().collect::<Vec<_>>(), ["to.site"]);
    }

    #[test]
    fn ends_stored_before_there_were_webhooks_are_read() {
        let kafka = r#"{"kind":"kafka","broker":"00000000-0000-0000-0000-000000000002","topic":"a","key":""}"#;
        let expected = To::Kafka { broker: broker(2), topic: "a".into(), key: String::new() };
        assert_eq!(serde_json::from_str::<To>(kafka).expect("a cluster"), expected);
        assert_eq!(serde_json::from_str::<To>(r#"{"kind":"mesh"}"#).expect("the mesh"), To::Mesh);
    }

    #[test]
    fn only_clusters_are_ends() {
        let spec = between("sensors/{key}", "sensors");
        for (end, why) in [(End::Other, "no Kafka cluster"), (End::Unknown, "of this environment")] {
            let errors = spec.check(|_| end, |_| true).expect_err(why).0;
            assert!(errors["from.broker"].contains(why) && errors["to.broker"].contains(why), "{errors:?}");
        }
    }

    #[test]
    fn schemas_come_from_a_registry_at_the_site_of_the_cluster() {
        let mut spec = between("sensors/{value.plant}", "sensors");
        let From::Kafka { schemas, .. } = &mut spec.from else { panic!("from Kafka") };
        *schemas = Some(broker(3));
        assert_eq!(spec.brokers().collect::<Vec<_>>(), [broker(1), broker(3), broker(2)], "none of them may go");
        let told = |registry: End| {
            let end_of = |id| if id == broker(3) { registry } else { End::Kafka(site(1)) };
            spec.check(end_of, |_| true).err().map(|errors| errors.0["from.schemas"].clone())
        };
        assert_eq!(told(End::Registry(site(1))), None);
        assert!(told(End::Registry(site(2))).is_some_and(|why| why.contains("at another site")));
        assert!(told(End::Kafka(site(1))).is_some_and(|why| why.contains("no schema registry")));
        assert!(told(End::Other).is_some_and(|why| why.contains("no schema registry")));
        assert!(told(End::Unknown).is_some_and(|why| why.contains("of this environment")));
    }

    #[test]
    fn a_source_stored_before_there_were_schemas_is_read_and_written_as_it_was() {
        let kafka = r#"{"kind":"kafka","broker":"00000000-0000-0000-0000-000000000001","topics":["a"],"template":"a","filter":"","start":"latest"}"#;
        let read: From = serde_json::from_str(kafka).expect("a cluster");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), kafka);
    }

    #[test]
    fn a_route_onto_itself_is_refused() {
        let mut spec = between("sensors/{key}", "sensors");
        spec.to = To::Kafka { broker: broker(1), topic: "sensors".into(), key: String::new() };
        assert_eq!(fields(&spec), ["to.topic"]);
    }
}
