//! One entry of the catalog for everything there is, made from configuration and from what agents saw.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use frontend::api::{CatalogKind, CatalogRow, Evidence, Freshness};
use mesh_protocol::id::{ApplicationDomainId, ApplicationId, BrokerId, PrincipalId};
use mesh_protocol::report::{Direction, ObjectFacts, ObjectKind};
use mesh_protocol::topic::Filter;

use super::kafka::{self, User};
use super::{brokered, surveyed};
use crate::app::observed::World;
use crate::app::rights::Rights;
use crate::domain::address;
use crate::domain::application_domain::Claims;
use crate::domain::flow::Flow;
use crate::domain::flow::total;
use crate::domain::principal::Kind;
use crate::domain::runtime_object::Found;

/// Names an object for good.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::app) enum Key {
    Address(String),
    Topic(BrokerId, String),
    Group(BrokerId, String),
    Cluster(BrokerId),
    User(BrokerId, String),
    Transaction(BrokerId, String),
    Registry(BrokerId),
    Subject(BrokerId, String),
    Connect(BrokerId),
    ConnectConnector(BrokerId, String),
    Rabbit(BrokerId),
    RabbitExchange(BrokerId, String),
    RabbitQueue(BrokerId, String),
    RabbitUser(BrokerId, String),
    Mqtt(BrokerId),
    MqttAddress(BrokerId, String),
    Application(ApplicationId),
    Principal(PrincipalId),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address:{address}"),
            Self::Topic(broker, name) => write!(f, "topic:{broker}:{name}"),
            Self::Group(broker, name) => write!(f, "group:{broker}:{name}"),
            Self::Cluster(broker) => write!(f, "cluster:{broker}"),
            Self::User(broker, name) => write!(f, "user:{broker}:{name}"),
            Self::Transaction(broker, id) => write!(f, "transaction:{broker}:{id}"),
            Self::Registry(broker) => write!(f, "registry:{broker}"),
            Self::Subject(broker, name) => write!(f, "subject:{broker}:{name}"),
            Self::Connect(broker) => write!(f, "connect:{broker}"),
            Self::ConnectConnector(broker, name) => write!(f, "connect_connector:{broker}:{name}"),
            Self::Rabbit(broker) => write!(f, "rabbit:{broker}"),
            Self::RabbitExchange(broker, name) => write!(f, "rabbit_exchange:{broker}:{name}"),
            Self::RabbitQueue(broker, name) => write!(f, "rabbit_queue:{broker}:{name}"),
            Self::RabbitUser(broker, name) => write!(f, "rabbit_user:{broker}:{name}"),
            Self::Mqtt(broker) => write!(f, "mqtt:{broker}"),
            Self::MqttAddress(broker, name) => write!(f, "mqtt_address:{broker}:{name}"),
            Self::Application(id) => write!(f, "application:{id}"),
            Self::Principal(id) => write!(f, "principal:{id}"),
        }
    }
}

impl Key {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let of_broker = |rest: &str| {
            let (broker, name) = rest.split_once(':')?;
            Some((broker.parse().ok()?, name.to_owned()))
        };
        match kind {
            "address" => Some(Self::Address(rest.to_owned())),
            "topic" => of_broker(rest).map(|(broker, name)| Self::Topic(broker, name)),
            "group" => of_broker(rest).map(|(broker, name)| Self::Group(broker, name)),
            "user" => of_broker(rest).map(|(broker, name)| Self::User(broker, name)),
            "transaction" => of_broker(rest).map(|(broker, id)| Self::Transaction(broker, id)),
            "subject" => of_broker(rest).map(|(broker, name)| Self::Subject(broker, name)),
            "connect_connector" => of_broker(rest).map(|(broker, name)| Self::ConnectConnector(broker, name)),
            "rabbit_exchange" => of_broker(rest).map(|(broker, name)| Self::RabbitExchange(broker, name)),
            "rabbit_queue" => of_broker(rest).map(|(broker, name)| Self::RabbitQueue(broker, name)),
            "rabbit_user" => of_broker(rest).map(|(broker, name)| Self::RabbitUser(broker, name)),
            "mqtt_address" => of_broker(rest).map(|(broker, name)| Self::MqttAddress(broker, name)),
            "rabbit" => rest.parse().ok().map(Self::Rabbit),
            "mqtt" => rest.parse().ok().map(Self::Mqtt),
            "registry" => rest.parse().ok().map(Self::Registry),
            "connect" => rest.parse().ok().map(Self::Connect),
            "cluster" => rest.parse().ok().map(Self::Cluster),
            "application" => rest.parse().ok().map(Self::Application),
            "principal" => rest.parse().ok().map(Self::Principal),
            _ => None,
        }
    }
}

/// An object as the list shows it, with what it can be found by.
#[derive(Clone, Debug)]
pub(in crate::app) struct Entry {
    pub(in crate::app) key: Key,
    pub(in crate::app) row: CatalogRow,
    /// The application domain that claims it.
    pub(in crate::app) domain: Option<ApplicationDomainId>,
    pub(in crate::app) first_seen: Option<i64>,
    /// What topics it stands for, when it stands for topics.
    pub(in crate::app) pattern: Option<Filter>,
    /// A broker's own, of no interest to people who look for events.
    pub(in crate::app) is_internal: bool,
}

/// Everything there is.
pub(super) fn entries(world: &World) -> Vec<Entry> {
    let mut all = addresses(world);
    let rates = connector_rates(world);
    all.extend(world.seen.found.iter().filter_map(|found| discovered(found, world, &rates)));
    all.extend(kafka::users(world).iter().map(|user| kafka_user(user, world)));
    all.extend(applications(world));
    all.extend(principals(world));
    for entry in &mut all {
        if let Some(note) = world.seen.notes.get(&entry.key.to_string()) {
            entry.row.owner.clone_from(&note.owner);
            if !note.description.is_empty() {
                entry.row.description.clone_from(&note.description);
            }
        }
    }
    assign(&mut all, world);
    all
}

/// Says to which domain each belongs, and who answers for it when nobody was named for it itself.
fn assign(all: &mut [Entry], world: &World) {
    let claims = Claims::of(&world.config.domains);
    for entry in all {
        let domain = match &entry.key {
            Key::Address(_) => entry.pattern.as_ref().and_then(|pattern| claims.of_address(pattern)),
            Key::Topic(_, name) => claims.of_kafka(name),
            _ => None,
        };
        if let Some(domain) = domain {
            entry.row.domain = Some(domain.spec.name.clone());
            entry.domain = Some(domain.id);
            if entry.row.owner.is_empty() {
                claims.owner(domain).clone_into(&mut entry.row.owner);
                entry.row.owner_by_domain = !entry.row.owner.is_empty();
            }
        }
        entry.row.team = world.config.team_named(&entry.row.owner);
    }
}

fn row(key: &Key, kind: CatalogKind, name: &str) -> CatalogRow {
    CatalogRow {
        id: super::write_id(key),
        kind,
        name: name.to_owned(),
        description: String::new(),
        owner: String::new(),
        owner_by_domain: false,
        team: None,
        domain: None,
        sites: Vec::new(),
        broker: None,
        evidence: Evidence::default(),
        rate: 0.0,
        lag: None,
        partitions: None,
        gone: false,
        freshness: None,
    }
}

fn addresses(world: &World) -> Vec<Entry> {
    let mut by_address: BTreeMap<&str, Vec<&Flow>> = BTreeMap::new();
    for flow in &world.seen.flows {
        by_address.entry(&flow.address).or_default().push(flow);
    }
    let mut rights = Rights::new(world);
    by_address.into_iter().map(|(address, flows)| of_address(address, &flows, world, &mut rights)).collect()
}

fn of_address(address: &str, flows: &[&Flow], world: &World, rights: &mut Rights<'_>) -> Entry {
    let key = Key::Address(address.to_owned());
    let pattern = address::filter(address).ok();
    let sites: BTreeSet<String> = flows.iter().map(|flow| world.site_of(flow.agent)).collect();
    let produced = flows.iter().filter(|flow| flow.direction == Direction::Produce);
    let row = CatalogRow {
        sites: sites.into_iter().collect(),
        evidence: Evidence {
            declared: false,
            // Somebody may still be seen doing what no rule allows any more: then it is not permitted.
            permitted: flows.iter().all(|flow| rights.permits(flow)),
            observed: true,
        },
        rate: total(produced.map(|flow| flow.rate_at(world.now_ms()))),
        freshness: newest(flows, world),
        ..row(&key, CatalogKind::Address, address)
    };
    Entry {
        key,
        row,
        domain: None,
        first_seen: flows.iter().map(|flow| flow.first_seen_ms).min(),
        pattern,
        is_internal: false,
    }
}

fn newest(flows: &[&Flow], world: &World) -> Option<Freshness> {
    flows.iter().max_by_key(|flow| flow.last_seen_ms).map(|flow| world.flow_freshness(flow))
}

fn discovered(found: &Found, world: &World, rates: &HashMap<(BrokerId, &str), f64>) -> Option<Entry> {
    let (key, kind, name) = match found.kind {
        ObjectKind::Topic => (Key::Topic(found.broker, found.name.clone()), CatalogKind::Topic, found.name.clone()),
        ObjectKind::Group => (Key::Group(found.broker, found.name.clone()), CatalogKind::Group, found.name.clone()),
        ObjectKind::Cluster => (Key::Cluster(found.broker), CatalogKind::Cluster, world.broker_name(found.broker)?),
        ObjectKind::Transaction => {
            (Key::Transaction(found.broker, found.name.clone()), CatalogKind::Transaction, found.name.clone())
        }
        ObjectKind::Registry => (Key::Registry(found.broker), CatalogKind::Registry, world.broker_name(found.broker)?),
        ObjectKind::Subject => {
            (Key::Subject(found.broker, found.name.clone()), CatalogKind::Subject, found.name.clone())
        }
        ObjectKind::Connect => (Key::Connect(found.broker), CatalogKind::Connect, world.broker_name(found.broker)?),
        ObjectKind::ConnectConnector => {
            (Key::ConnectConnector(found.broker, found.name.clone()), CatalogKind::ConnectConnector, found.name.clone())
        }
        ObjectKind::Rabbit => (Key::Rabbit(found.broker), CatalogKind::Rabbit, world.broker_name(found.broker)?),
        ObjectKind::RabbitExchange => {
            let key = Key::RabbitExchange(found.broker, found.name.clone());
            (key, CatalogKind::RabbitExchange, brokered::name(found))
        }
        ObjectKind::RabbitQueue => {
            (Key::RabbitQueue(found.broker, found.name.clone()), CatalogKind::RabbitQueue, brokered::name(found))
        }
        ObjectKind::RabbitUser => {
            (Key::RabbitUser(found.broker, found.name.clone()), CatalogKind::RabbitUser, found.name.clone())
        }
        ObjectKind::Mqtt => (Key::Mqtt(found.broker), CatalogKind::Mqtt, world.broker_name(found.broker)?),
        ObjectKind::MqttAddress => {
            (Key::MqttAddress(found.broker, found.name.clone()), CatalogKind::MqttAddress, found.name.clone())
        }
        // Facts on the pages of others; users are put together of all of these.
        ObjectKind::Acl | ObjectKind::Quota | ObjectKind::ScramUser | ObjectKind::Unknown => return None,
    };
    let mut row = CatalogRow {
        sites: world.broker_site(found.broker).into_iter().collect(),
        broker: world.broker_name(found.broker),
        evidence: Evidence { observed: true, ..Evidence::default() },
        gone: found.gone_at_ms.is_some(),
        freshness: freshness(found, found.gone_at_ms.is_some(), world),
        ..row(&key, kind, &name)
    };
    match &found.facts {
        ObjectFacts::Topic(topic) => {
            row.partitions = u32::try_from(topic.partitions.len()).ok();
            row.rate = rates.get(&(found.broker, found.name.as_str())).copied().unwrap_or_default();
            if topic.internal {
                "internal to Kafka".clone_into(&mut row.description);
            }
        }
        ObjectFacts::Group(group) => {
            row.lag = Some(group.offsets.iter().filter_map(|offset| offset.lag).sum());
            row.description = match group.members.len() {
                0 => format!("{}, no members", group.state),
                1 => format!("{}, 1 member", group.state),
                members => format!("{}, {members} members", group.state),
            };
        }
        ObjectFacts::Cluster(cluster) => {
            row.description = match cluster.brokers.len() {
                1 => "1 broker".to_owned(),
                brokers => format!("{brokers} brokers"),
            };
        }
        ObjectFacts::Transaction(transaction) => row.description.clone_from(&transaction.state),
        other => {
            row.rate = brokered::rate(other).unwrap_or_default();
            row.lag = brokered::waiting(other);
            row.description = surveyed::description(other);
        }
    }
    let is_internal = match &found.facts {
        ObjectFacts::Topic(topic) => topic.internal,
        other => brokered::is_built_in(other),
    };
    // An address is found by the filters that it fits.
    let pattern = (kind == CatalogKind::MqttAddress).then(|| Filter::mqtt(&found.name).ok()).flatten();
    Some(Entry { key, row, domain: None, first_seen: Some(found.first_seen_ms), pattern, is_internal })
}

fn freshness(found: &Found, gone: bool, world: &World) -> Option<Freshness> {
    if gone {
        Some(Freshness { as_of: found.last_seen_ms, by: world.agent_name(found.agent), stale: true })
    } else {
        world.scan_freshness(found.broker)
    }
}

fn kafka_user(user: &User<'_>, world: &World) -> Entry {
    let key = Key::User(user.broker, user.name.to_owned());
    let row = CatalogRow {
        description: user.mechanisms.join(", "),
        sites: world.broker_site(user.broker).into_iter().collect(),
        broker: world.broker_name(user.broker),
        evidence: Evidence { observed: true, ..Evidence::default() },
        gone: user.gone,
        freshness: freshness(user.from, user.gone, world),
        ..row(&key, CatalogKind::User, user.name)
    };
    Entry { key, row, domain: None, first_seen: Some(user.first_seen_ms), pattern: None, is_internal: false }
}

/// What the mesh carries to and from Kafka topics; other clients of the clusters are not seen by agents.
fn connector_rates(world: &World) -> HashMap<(BrokerId, &str), f64> {
    let mut rates = HashMap::new();
    for flow in &world.seen.flows {
        if let (Some(broker), Some(topic)) = (flow.broker, &flow.broker_topic) {
            *rates.entry((broker, topic.as_str())).or_default() += flow.rate_at(world.now_ms());
        }
    }
    rates
}

fn applications(world: &World) -> Vec<Entry> {
    let entry = |application: &crate::domain::application::Application| {
        let key = Key::Application(application.id);
        let row = CatalogRow {
            description: application.spec.description.clone(),
            owner: application.spec.owner.clone(),
            evidence: Evidence { declared: true, ..Evidence::default() },
            ..row(&key, CatalogKind::Application, &application.spec.name)
        };
        Entry { key, row, domain: None, first_seen: None, pattern: None, is_internal: false }
    };
    world.config.applications.iter().map(entry).collect()
}

fn principals(world: &World) -> Vec<Entry> {
    let mut flows_of: HashMap<PrincipalId, Vec<&Flow>> = HashMap::new();
    for flow in &world.seen.flows {
        if let Some(principal) = flow.principal {
            flows_of.entry(principal).or_default().push(flow);
        }
    }
    let clients = world.config.mesh.principals.iter().filter(|principal| principal.kind == Kind::Client);
    clients
        .map(|principal| {
            let key = Key::Principal(principal.id);
            let flows = flows_of.remove(&principal.id).unwrap_or_default();
            let sites: BTreeSet<String> = flows.iter().map(|flow| world.site_of(flow.agent)).collect();
            let application = world.config.applications.iter().find(|found| Some(found.id) == principal.application);
            let row = CatalogRow {
                description: application.map(|found| format!("client of {}", found.spec.name)).unwrap_or_default(),
                owner: application.map(|found| found.spec.owner.clone()).unwrap_or_default(),
                sites: sites.into_iter().collect(),
                evidence: Evidence {
                    declared: true,
                    permitted: !principal.roles.is_empty(),
                    observed: !flows.is_empty(),
                },
                rate: total(flows.iter().map(|flow| flow.rate_at(world.now_ms()))),
                freshness: newest(&flows, world),
                ..row(&key, CatalogKind::Principal, &principal.username)
            };
            let first_seen = flows.iter().map(|flow| flow.first_seen_ms).min();
            Entry { key, row, domain: None, first_seen, pattern: None, is_internal: false }
        })
        .collect()
}
