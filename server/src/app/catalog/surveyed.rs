//! Schema registries and Kafka Connect around the catalog's other objects: which subjects and connectors belong to a topic.
//!
//! Nobody tells which registry describes the topics of which cluster, so names decide, and what stands at the same site comes
//! first. Kafka Connect tells the id of its cluster.

use std::collections::BTreeMap;

use frontend::api::{Evidence, FlowRow, Freshness, Related};
use mesh_protocol::event::Protocol;
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{
    ConnectorFacts, Direction, ObjectFacts, ObjectKind, SubjectFacts, TopicsFrom, topic_of_subject,
};

use super::entry::Key;
use super::{brokered, href};
use crate::app::observed::World;
use crate::domain::runtime_object::Found;

/// Most relations of one kind on a page.
const RELATED_MAX: usize = 200;

/// One line about what is no cluster's.
pub(super) fn description(facts: &ObjectFacts) -> String {
    let count = |count: u64, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    match facts {
        ObjectFacts::Registry(registry) => {
            let subjects = count(registry.subjects + registry.subjects_left_out, "subject");
            registry.compatibility.as_ref().map_or(subjects.clone(), |level| format!("{subjects}, {level}"))
        }
        ObjectFacts::Subject(subject) => of_subject(subject),
        ObjectFacts::Connect(connect) => {
            let connectors = count(connect.connectors + connect.connectors_left_out, "connector");
            format!("{connectors}, {}", count(connect.workers.len() as u64, "worker"))
        }
        ObjectFacts::ConnectConnector(connector) => of_connector(connector),
        other => brokered::description(other),
    }
}

fn of_subject(subject: &SubjectFacts) -> String {
    let newest = subject.versions.last();
    let kind = newest.and_then(|version| version.schema_type.clone());
    let number = newest.map(|version| format!("version {}", version.version));
    [kind, number, subject.compatibility.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn of_connector(connector: &ConnectorFacts) -> String {
    let failed = connector.is_failed().then(|| "failed".to_owned());
    let state = failed.unwrap_or_else(|| connector.state.to_lowercase());
    let class =
        connector.config.get("connector.class").map(|class| class.rsplit('.').next().unwrap_or(class).to_owned());
    let told = [Some(connector.direction.clone()), Some(state), class];
    told.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

fn there(found: &Found) -> bool {
    found.gone_at_ms.is_none()
}

fn all(kind: ObjectKind, world: &World) -> impl Iterator<Item = &Found> {
    let brokers = world.config.mesh.brokers.iter();
    brokers.flat_map(move |broker| world.seen.found.of_kind(broker.id, kind)).filter(|found| there(found))
}

/// Those of these that stand at the site, or all of them when none does.
fn nearest<'a>(found: Vec<&'a Found>, site: Option<&str>, world: &World) -> Vec<&'a Found> {
    let here = |found: &&&Found| world.broker_site(found.broker).as_deref() == site;
    let near: Vec<&Found> = found.iter().filter(here).copied().collect();
    if near.is_empty() { found } else { near }
}

/// The cluster that a Kafka Connect cluster works with, when it is one of ours.
fn cluster_of(connect: BrokerId, world: &World) -> Option<BrokerId> {
    let id = world.seen.found.of_kind(connect, ObjectKind::Connect).find_map(|found| match &found.facts {
        ObjectFacts::Connect(connect) => connect.kafka_cluster_id.clone(),
        _ => None,
    })?;
    let is_it = |found: &&Found| matches!(&found.facts, ObjectFacts::Cluster(cluster) if cluster.cluster_id == id);
    all(ObjectKind::Cluster, world).find(is_it).map(|found| found.broker)
}

/// The connectors of Kafka Connect that work with a cluster.
fn connectors(cluster: BrokerId, world: &World) -> Vec<(&Found, &ConnectorFacts)> {
    let mut clusters: BTreeMap<BrokerId, Option<BrokerId>> = BTreeMap::new();
    all(ObjectKind::ConnectConnector, world)
        .filter_map(|found| match &found.facts {
            ObjectFacts::ConnectConnector(facts) => Some((found, facts)),
            _ => None,
        })
        .filter(|(found, _)| {
            *clusters.entry(found.broker).or_insert_with(|| cluster_of(found.broker, world)) == Some(cluster)
        })
        .collect()
}

/// A connector of Kafka Connect at one topic.
#[derive(Debug)]
pub(in crate::app) struct Use<'a> {
    pub(in crate::app) connector: &'a Found,
    pub(in crate::app) cluster: BrokerId,
    pub(in crate::app) topic: &'a str,
    /// Seen from the cluster.
    pub(in crate::app) direction: Direction,
    pub(in crate::app) evidence: Evidence,
}

/// What connectors write and read, where their cluster and its topics are known and there.
pub(in crate::app) fn uses(world: &World) -> Vec<Use<'_>> {
    let clusters = all(ObjectKind::Cluster, world).map(|found| found.broker);
    clusters.flat_map(|cluster| uses_of(cluster, world)).collect()
}

fn uses_of(cluster: BrokerId, world: &World) -> Vec<Use<'_>> {
    let is_there = |topic: &str| world.seen.found.get(cluster, ObjectKind::Topic, topic).is_some_and(there);
    let mut all = Vec::new();
    for (connector, facts) in connectors(cluster, world) {
        let Some(direction) = direction(facts) else { continue };
        let topics = facts.topics.iter().filter(|topic| is_there(topic));
        all.extend(topics.map(|topic| Use { connector, cluster, topic, direction, evidence: evidence(facts) }));
    }
    all
}

/// What its settings name it may never have used.
fn evidence(connector: &ConnectorFacts) -> Evidence {
    Evidence {
        declared: connector.topics_from == TopicsFrom::Settings,
        permitted: false,
        observed: connector.topics_from == TopicsFrom::Use,
    }
}

/// What a connector does with its topics, seen from the cluster.
fn direction(connector: &ConnectorFacts) -> Option<Direction> {
    match connector.direction.as_str() {
        "source" => Some(Direction::Produce),
        "sink" => Some(Direction::Consume),
        _ => None,
    }
}

/// Connectors of Kafka Connect that write to a topic, or that read it.
pub(super) fn connectors_of(cluster: BrokerId, topic: &str, wanted: Direction, world: &World) -> Vec<FlowRow> {
    let used = connectors(cluster, world).into_iter().filter(|(_, connector)| {
        direction(connector) == Some(wanted) && connector.topics.iter().any(|name| name == topic)
    });
    used.filter_map(|(found, connector)| {
        Some(FlowRow {
            name: found.name.clone(),
            href: Some(href(&Key::ConnectConnector(found.broker, found.name.clone()))),
            client_id: "Kafka Connect".to_owned(),
            protocol: Protocol::Kafka,
            site: world.broker_site(found.broker)?,
            direction: wanted,
            address: topic.to_owned(),
            evidence: evidence(connector),
            rate: 0.0,
            first_seen: found.first_seen_ms,
            freshness: world.scan_freshness(found.broker).unwrap_or(Freshness {
                as_of: found.last_seen_ms,
                by: world.agent_name(found.agent),
                stale: true,
            }),
            lag: None,
            lag_history: Vec::new(),
            schemas: Vec::new(),
        })
    })
    .collect()
}

fn link(relation: &str, name: &str, key: &Key) -> Related {
    Related { relation: relation.to_owned(), name: name.to_owned(), href: href(key) }
}

/// What an object hangs together with in registries and Kafka Connect.
pub(super) fn related(key: &Key, world: &World) -> Vec<Related> {
    let of = |broker: BrokerId, kind, name: &str| world.seen.found.get(broker, kind, name).map(|found| &found.facts);
    let mut related = match key {
        Key::Topic(broker, name) => of_topic(*broker, name, world),
        Key::Subject(broker, name) => {
            let facts = of(*broker, ObjectKind::Subject, name);
            let Some(ObjectFacts::Subject(facts)) = facts else { return Vec::new() };
            subject(*broker, name, facts, world)
        }
        Key::ConnectConnector(broker, name) => {
            let facts = of(*broker, ObjectKind::ConnectConnector, name);
            let Some(ObjectFacts::ConnectConnector(facts)) = facts else { return Vec::new() };
            connector(*broker, facts, world)
        }
        Key::Connect(broker) => {
            let cluster = cluster_of(*broker, world);
            let name = cluster.and_then(|cluster| Some((cluster, world.broker_name(cluster)?)));
            name.map(|(cluster, name)| link("works with", &name, &Key::Cluster(cluster))).into_iter().collect()
        }
        _ => Vec::new(),
    };
    related.truncate(RELATED_MAX);
    related
}

/// Subjects that describe a topic, and connectors that use it.
fn of_topic(broker: BrokerId, topic: &str, world: &World) -> Vec<Related> {
    let of_name = |found: &&Found| topic_of_subject(&found.name).is_some_and(|(name, _)| name == topic);
    let subjects: Vec<&Found> = all(ObjectKind::Subject, world).filter(of_name).collect();
    let subjects = nearest(subjects, world.broker_site(broker).as_deref(), world).into_iter().map(|found| {
        let is_key = topic_of_subject(&found.name).is_some_and(|(_, is_key)| is_key);
        let relation = if is_key { "keys described by" } else { "values described by" };
        link(relation, &found.name, &Key::Subject(found.broker, found.name.clone()))
    });
    let used = connectors(broker, world).into_iter().filter(|(_, facts)| facts.topics.iter().any(|name| name == topic));
    let used = used.filter_map(|(found, facts)| {
        let relation = match direction(facts)? {
            Direction::Produce => "written by the connector",
            Direction::Consume => "read by the connector",
        };
        Some(link(relation, &found.name, &Key::ConnectConnector(found.broker, found.name.clone())))
    });
    subjects.chain(used).collect()
}

fn subject(broker: BrokerId, name: &str, facts: &SubjectFacts, world: &World) -> Vec<Related> {
    let home = world.broker_name(broker).map(|name| link("in the registry", &name, &Key::Registry(broker)));
    let topics = topic_of_subject(name).map(|(topic, is_key)| {
        let found = all(ObjectKind::Topic, world).filter(|found| found.name == topic).collect();
        let relation = if is_key { "describes the keys of" } else { "describes the values of" };
        let near = nearest(found, world.broker_site(broker).as_deref(), world).into_iter();
        near.map(|found| link(relation, &found.name, &Key::Topic(found.broker, found.name.clone()))).collect::<Vec<_>>()
    });
    let newest = facts.versions.last();
    let references = newest.into_iter().flat_map(|version| &version.references);
    let built_on = references
        .filter(|reference| world.seen.found.get(broker, ObjectKind::Subject, &reference.subject).is_some())
        .map(|reference| link("is built on", &reference.subject, &Key::Subject(broker, reference.subject.clone())));
    let uses = |found: &&Found| match &found.facts {
        ObjectFacts::Subject(other) => {
            let newest = other.versions.last();
            there(found) && newest.is_some_and(|version| version.references.iter().any(|used| used.subject == name))
        }
        _ => false,
    };
    let users = world.seen.found.of_kind(broker, ObjectKind::Subject).filter(uses);
    let users = users.map(|found| link("is used by", &found.name, &Key::Subject(broker, found.name.clone())));
    home.into_iter().chain(topics.into_iter().flatten()).chain(built_on).chain(users).collect()
}

fn connector(broker: BrokerId, facts: &ConnectorFacts, world: &World) -> Vec<Related> {
    let home = world.broker_name(broker).map(|name| link("in the Kafka Connect cluster", &name, &Key::Connect(broker)));
    let relation = match direction(facts) {
        Some(Direction::Produce) => "writes to",
        Some(Direction::Consume) => "reads",
        None => "uses",
    };
    let cluster = cluster_of(broker, world);
    let topics = facts.topics.iter().filter_map(|topic| {
        let cluster = cluster?;
        world.seen.found.get(cluster, ObjectKind::Topic, topic)?;
        Some(link(relation, topic, &Key::Topic(cluster, topic.clone())))
    });
    home.into_iter().chain(topics).collect()
}

#[cfg(test)]
mod tests {
    use mesh_protocol::report::{RegistryFacts, SubjectVersion, TaskFacts};

    use super::*;

    #[test]
    fn one_line_says_what_matters_most() {
        let version = SubjectVersion { version: 3, schema_type: Some("AVRO".into()), ..SubjectVersion::default() };
        let subject =
            SubjectFacts { compatibility: Some("FULL".into()), versions: vec![version], ..SubjectFacts::default() };
        assert_eq!(description(&ObjectFacts::Subject(subject)), "AVRO, version 3, FULL");
        assert_eq!(description(&ObjectFacts::Subject(SubjectFacts::default())), "");
        let registry = RegistryFacts { subjects: 1, ..RegistryFacts::default() };
        assert_eq!(description(&ObjectFacts::Registry(registry)), "1 subject");
        let task = TaskFacts { state: "FAILED".into(), ..TaskFacts::default() };
        let connector = ConnectorFacts {
            direction: "sink".into(),
            state: "RUNNING".into(),
            tasks: vec![task],
            config: BTreeMap::from([("connector.class".into(), "org.example.FileSink".into())]),
            ..ConnectorFacts::default()
        };
        assert_eq!(description(&ObjectFacts::ConnectConnector(connector)), "sink, failed, FileSink");
    }
}
