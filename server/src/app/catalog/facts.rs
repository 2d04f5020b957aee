//! What an object's page shows beside its row: what the broker says, who is on either side, what it hangs together with.

use std::collections::{BTreeSet, HashSet};

use frontend::api::{Evidence, FlowRow, FlowSchema, Freshness, Related};
use mesh_protocol::event::Protocol;
use mesh_protocol::id::{BrokerId, PrincipalId};
use mesh_protocol::report::{Direction, GroupFacts, ObjectFacts, ObjectKind};

use super::entry::Key;
use super::{brokered, href, surveyed};
use crate::app::carried::{Carried, Wanted};
use crate::app::design::Designs;
use crate::app::observed::World;
use crate::app::report::{address_series, topic_series};
use crate::app::rights::Rights;
use crate::app::sight::Sight;
use crate::domain::flow::Flow;
use crate::domain::runtime_object::Found;

/// The series an object's history is drawn from.
pub(super) fn series(key: &Key) -> Option<String> {
    match key {
        Key::Address(address) => Some(address_series(address)),
        Key::Topic(broker, name) => Some(topic_series(*broker, name)),
        _ => None,
    }
}

/// What the broker says.
pub(super) fn of(key: &Key, world: &World) -> Option<ObjectFacts> {
    found(key, world).map(|found| found.facts.clone())
}

fn found<'a>(key: &Key, world: &'a World) -> Option<&'a Found> {
    let found = &world.seen.found;
    match key {
        Key::Topic(broker, name) => found.get(*broker, ObjectKind::Topic, name),
        Key::Group(broker, name) => found.get(*broker, ObjectKind::Group, name),
        Key::User(broker, name) => found.get(*broker, ObjectKind::ScramUser, name),
        Key::Transaction(broker, name) => found.get(*broker, ObjectKind::Transaction, name),
        Key::Subject(broker, name) => found.get(*broker, ObjectKind::Subject, name),
        Key::ConnectConnector(broker, name) => found.get(*broker, ObjectKind::ConnectConnector, name),
        Key::RabbitExchange(broker, name) => found.get(*broker, ObjectKind::RabbitExchange, name),
        Key::RabbitQueue(broker, name) => found.get(*broker, ObjectKind::RabbitQueue, name),
        Key::RabbitUser(broker, name) => found.get(*broker, ObjectKind::RabbitUser, name),
        Key::MqttAddress(broker, name) => found.get(*broker, ObjectKind::MqttAddress, name),
        Key::Rabbit(broker) => found.of_kind(*broker, ObjectKind::Rabbit).next(),
        Key::Mqtt(broker) => found.of_kind(*broker, ObjectKind::Mqtt).next(),
        Key::Cluster(broker) => found.of_kind(*broker, ObjectKind::Cluster).next(),
        Key::Registry(broker) => found.of_kind(*broker, ObjectKind::Registry).next(),
        Key::Connect(broker) => found.of_kind(*broker, ObjectKind::Connect).next(),
        _ => None,
    }
}

/// Who sends to an object and who takes from it.
pub(super) fn sides(key: &Key, world: &World, designs: &Designs, sight: &Sight) -> (Vec<FlowRow>, Vec<FlowRow>) {
    match key {
        Key::RabbitQueue(broker, name) => return (Vec::new(), brokered::consumers(*broker, name, world)),
        Key::Subject(broker, name) => return users_of(*broker, name, world, designs, sight),
        _ => {}
    }
    let clients: HashSet<PrincipalId> = match key {
        Key::Application(id) => {
            let principals = world.config.mesh.principals.iter();
            principals.filter(|found| found.application == Some(*id)).map(|found| found.id).collect()
        }
        Key::Principal(id) => HashSet::from([*id]),
        _ => HashSet::new(),
    };
    let is_of = |flow: &Flow| match key {
        Key::Address(address) => flow.address == *address,
        Key::Topic(broker, name) => flow.broker == Some(*broker) && flow.broker_topic.as_ref() == Some(name),
        _ => flow.principal.is_some_and(|principal| clients.contains(&principal)),
    };
    let carried = Carried::of(world, designs, is_of);
    let mut rights = Rights::new(world);
    let (mut producers, mut consumers) = (Vec::new(), Vec::new());
    for flow in world.seen.flows.iter().filter(|flow| is_of(flow)) {
        let row = flow_row(flow, rights.permits(flow), carried.schemas(flow, sight), world);
        // Seen from the cluster, what the mesh gives away is produced there.
        let gives = (flow.direction == Direction::Produce) != matches!(key, Key::Topic(..));
        if gives { producers.push(row) } else { consumers.push(row) }
    }
    if let Key::Topic(broker, name) = key {
        consumers.extend(groups_of(*broker, name, world));
        producers.extend(surveyed::connectors_of(*broker, name, Direction::Produce, world));
        consumers.extend(surveyed::connectors_of(*broker, name, Direction::Consume, world));
    }
    (producers, consumers)
}

/// Who uses the versions of a subject.
fn users_of(
    broker: BrokerId,
    name: &str,
    world: &World,
    designs: &Designs,
    sight: &Sight,
) -> (Vec<FlowRow>, Vec<FlowRow>) {
    let Some(ObjectFacts::Subject(facts)) =
        world.seen.found.get(broker, ObjectKind::Subject, name).map(|found| &found.facts)
    else {
        return (Vec::new(), Vec::new());
    };
    let ids: HashSet<i64> = facts.versions.iter().filter_map(|version| version.id).collect();
    let names_one = |flow: &Flow| flow.schemas.iter().any(|named| ids.contains(&i64::from(named.id.get())));
    let users = Carried::of(world, designs, names_one).users(Wanted::Subject(broker, name), designs, sight);
    (users.producers, users.consumers)
}

/// A flow, with the schemas that its payloads name.
pub(in crate::app) fn flow_row(flow: &Flow, permitted: bool, schemas: Vec<FlowSchema>, world: &World) -> FlowRow {
    let href = match (flow.route, flow.principal) {
        (Some(route), _) => Some(format!("/routes/{route}")),
        (None, Some(principal)) => Some(href(&Key::Principal(principal))),
        (None, None) => None,
    };
    FlowRow {
        name: flow.principal_name.clone(),
        href,
        client_id: flow.client_id.clone(),
        protocol: flow.protocol,
        site: world.site_of(flow.agent),
        direction: flow.direction,
        address: flow.address.clone(),
        evidence: Evidence { declared: false, permitted, observed: true },
        rate: flow.rate_at(world.now_ms()),
        first_seen: flow.first_seen_ms,
        freshness: world.flow_freshness(flow),
        lag: None,
        lag_history: Vec::new(),
        schemas,
    }
}

/// Whether a group reads a topic: it is assigned partitions of it, or committed offsets in it.
fn reads(group: &GroupFacts, topic: &str) -> bool {
    group.members.iter().any(|member| member.assigned.contains_key(topic))
        || group.offsets.iter().any(|offset| offset.topic == topic)
}

/// The topics that a group [`reads`] and that are there or were.
pub(in crate::app) fn read_by<'a>(broker: BrokerId, group: &'a GroupFacts, world: &'a World) -> Vec<&'a Found> {
    let assigned = group.members.iter().flat_map(|member| member.assigned.keys());
    let committed = group.offsets.iter().map(|offset| &offset.topic);
    let names: BTreeSet<&str> = assigned.chain(committed).map(String::as_str).collect();
    names.into_iter().filter_map(|name| world.seen.found.get(broker, ObjectKind::Topic, name)).collect()
}

fn groups(broker: BrokerId, world: &World) -> impl Iterator<Item = (&Found, &GroupFacts)> {
    let here = world.seen.found.of_kind(broker, ObjectKind::Group).filter(|found| found.gone_at_ms.is_none());
    here.filter_map(|found| match &found.facts {
        ObjectFacts::Group(group) => Some((found, group)),
        _ => None,
    })
}

/// Consumer groups of the mesh's own sources begin with this; the sources themselves are seen, too.
pub(in crate::app) const OWN_GROUPS: &str = "meshport-";

/// Consumer groups that are at work at a topic; the mesh's own are not among them.
pub(in crate::app) fn readers_of(broker: BrokerId, topic: &str, world: &World) -> Vec<FlowRow> {
    let is_own = |name: &str| name.starts_with(OWN_GROUPS);
    let reading = groups(broker, world)
        .filter(|(found, group)| !group.members.is_empty() && !is_own(&found.name) && reads(group, topic));
    reading.filter_map(|(found, group)| group_row(found, group, topic, world)).collect()
}

/// Consumer groups that read a topic.
fn groups_of(broker: BrokerId, topic: &str, world: &World) -> Vec<FlowRow> {
    let reading = groups(broker, world).filter(|(_, group)| reads(group, topic));
    reading.filter_map(|(found, group)| group_row(found, group, topic, world)).collect()
}

fn group_row(found: &Found, group: &GroupFacts, topic: &str, world: &World) -> Option<FlowRow> {
    let clients: Vec<&str> = group.members.iter().map(|member| member.client_id.as_str()).collect();
    Some(FlowRow {
        name: found.name.clone(),
        href: Some(href(&Key::Group(found.broker, found.name.clone()))),
        client_id: clients.join(", "),
        protocol: Protocol::Kafka,
        site: world.broker_site(found.broker)?,
        direction: Direction::Consume,
        address: topic.to_owned(),
        evidence: Evidence { observed: true, ..Evidence::default() },
        rate: 0.0,
        first_seen: found.first_seen_ms,
        freshness: world.scan_freshness(found.broker).unwrap_or(Freshness {
            as_of: found.last_seen_ms,
            by: world.agent_name(found.agent),
            stale: true,
        }),
        lag: behind(group, topic),
        lag_history: Vec::new(),
        schemas: Vec::new(),
    })
}

/// How many records a group is behind at a topic; none = it is not known of any partition.
fn behind(group: &GroupFacts, topic: &str) -> Option<i64> {
    let lags = group.offsets.iter().filter(|offset| offset.topic == topic).filter_map(|offset| offset.lag);
    lags.map(|lag| lag.max(0)).reduce(|sum, lag| sum + lag)
}

/// What an object hangs together with.
pub(super) fn related(key: &Key, world: &World) -> Vec<Related> {
    let link = |relation: &str, name: &str, key: &Key| Related {
        relation: relation.to_owned(),
        name: name.to_owned(),
        href: href(key),
    };
    let mut related = match key {
        Key::Topic(broker, _) | Key::Group(broker, _) | Key::User(broker, _) | Key::Transaction(broker, _) => world
            .broker_name(*broker)
            .map(|name| link("in the cluster", &name, &Key::Cluster(*broker)))
            .into_iter()
            .collect(),
        Key::Principal(id) => {
            let principal = world.config.mesh.principals.iter().find(|found| found.id == *id);
            let application = principal.and_then(|found| found.application);
            let name = application.and_then(|id| Some((id, world.config.application_name(id)?)));
            name.map(|(id, name)| link("client of", &name, &Key::Application(id))).into_iter().collect()
        }
        Key::Application(id) => {
            let clients = world.config.mesh.principals.iter().filter(|found| found.application == Some(*id));
            clients.map(|found| link("has the client", &found.username, &Key::Principal(found.id))).collect()
        }
        Key::Address(address) => beyond(address, world, &link),
        _ => Vec::new(),
    };
    related.extend(surveyed::related(key, world));
    related.extend(brokered::related(key, world));
    if let (Key::Transaction(broker, _), Some(ObjectFacts::Transaction(facts))) = (key, of(key, world)) {
        let topics = facts.partitions.keys();
        related.extend(topics.map(|topic| link("is writing to", topic, &Key::Topic(*broker, topic.clone()))));
    }
    if let Key::Group(broker, name) = key {
        let group = groups(*broker, world).find(|(found, _)| found.name == *name);
        let topics = group.map(|(_, facts)| read_by(*broker, facts, world)).unwrap_or_default();
        let topics = topics.into_iter();
        related.extend(topics.map(|topic| link("reads", &topic.name, &Key::Topic(*broker, topic.name.clone()))));
    }
    related
}

/// The Kafka topics that connectors tie to an address.
fn beyond(address: &str, world: &World, link: &dyn Fn(&str, &str, &Key) -> Related) -> Vec<Related> {
    let flows = world.seen.flows.iter().filter(|flow| flow.address == address);
    let mut related: Vec<Related> = flows
        .filter_map(|flow| {
            let (broker, topic) = (flow.broker?, flow.broker_topic.as_ref()?);
            let relation = match flow.direction {
                Direction::Produce => "comes from the Kafka topic",
                Direction::Consume => "goes to the Kafka topic",
            };
            Some(link(relation, topic, &Key::Topic(broker, topic.clone())))
        })
        .collect();
    related.sort_by(|a, b| (&a.relation, &a.name).cmp(&(&b.relation, &b.name)));
    related.dedup();
    related
}
