//! The flow graph: who sends to what and who takes from it, in columns from left to right, in a band per site.
//!
//! An address lives at the site where most of it is produced, a Kafka topic at its cluster's. A route stands on both
//! sides: as a consumer of what it takes and as a producer of what it gives, so that every edge goes from left to right.

mod groups;
mod node;
mod places;

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use frontend::api::{Evidence, FlowEdge, FlowGraph, FlowNode, GraphQuery, NodeKind};
use mesh_protocol::event::Protocol;
use mesh_protocol::id::BrokerId;
use mesh_protocol::policy::Action;
use mesh_protocol::report::{Direction, ObjectFacts};

use super::catalog::{OWN_GROUPS, ObjectKey, read_by, uses};
use super::observed::World;
use super::permission::Right;
use super::rights::{Rights, granted};
use super::{App, Caller, Result};
use crate::domain::address;
use crate::domain::flow::Flow;
use crate::domain::runtime_object::Found;
use groups::Stand;
use node::{Graph, Id, Node, Page, Sighting};
use places::Places;

/// Most nodes in one answer, groups among them.
const NODES_MAX: usize = 500;
/// Steps around the focus when the query does not say.
const HOPS_DEFAULT: u32 = 2;

impl App {
    /// The graph, or the part around one node.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn graph(&self, caller: &Caller, query: GraphQuery) -> Result<FlowGraph> {
        caller.permit(Right::MeshRead)?;
        let world = self.world().await?;
        let mut drawing = Drawing::new(&world, &query);
        drawing.flows();
        drawing.groups();
        drawing.connectors();
        if query.permitted {
            drawing.permitted();
        }
        Ok(shown(drawing.graph(), &query, &world))
    }
}

struct Drawing<'a> {
    world: &'a World,
    places: Places<'a>,
    with_stale: bool,
    at: HashMap<Id<'a>, usize>,
    nodes: Vec<Node<'a>>,
    edges: HashMap<(usize, usize), Sighting<'a>>,
}

/// What a node says beside its name.
struct Face<'a> {
    kind: NodeKind,
    detail: Cow<'a, str>,
    site: &'a str,
    page: Option<Page>,
}

impl<'a> Drawing<'a> {
    fn new(world: &'a World, query: &GraphQuery) -> Self {
        Self {
            world,
            places: Places::of(world),
            with_stale: query.stale,
            at: HashMap::new(),
            nodes: Vec::new(),
            edges: HashMap::new(),
        }
    }

    fn flows(&mut self) {
        let world = self.world;
        let mut rights = Rights::new(world);
        for flow in &world.seen.flows {
            let seen = self.places.seen(flow);
            if seen.stale && !self.with_stale {
                continue;
            }
            let permitted = rights.permits(flow);
            let sighting = Sighting {
                evidence: Evidence { declared: false, permitted, observed: true },
                rate: flow.rate_at(world.now_ms()),
                seen: Some(seen),
                without_rule: !permitted && !seen.stale,
            };
            let address = self.address(&flow.address);
            match flow.direction {
                Direction::Produce => {
                    let producer = self.client(flow, NodeKind::Producer);
                    self.edge(producer, address, sighting);
                    if let Some(topic) = self.broker_topic(flow) {
                        let taker = self.client(flow, NodeKind::Consumer);
                        self.edge(topic, taker, sighting);
                    }
                }
                Direction::Consume => {
                    let consumer = self.client(flow, NodeKind::Consumer);
                    self.edge(address, consumer, sighting);
                    if let Some(topic) = self.broker_topic(flow) {
                        let giver = self.client(flow, NodeKind::Producer);
                        self.edge(giver, topic, sighting);
                    }
                }
            }
        }
    }

    /// Consumer groups of the clusters, at the topics they read. How much they read is not seen.
    fn groups(&mut self) {
        let world = self.world;
        for found in &world.seen.found {
            let ObjectFacts::Group(group) = &found.facts else { continue };
            if found.gone_at_ms.is_some() || found.name.starts_with(OWN_GROUPS) {
                continue;
            }
            let seen = self.places.scan(found.broker);
            let stale = group.members.is_empty() || seen.is_none_or(|seen| seen.stale);
            if stale && !self.with_stale {
                continue;
            }
            let topics = read_by(found.broker, group, world).into_iter();
            for topic in topics.filter(|topic| topic.gone_at_ms.is_none()) {
                let from = self.kafka_topic(found.broker, &topic.name);
                let to = self.group(found.broker, &found.name);
                let evidence = Evidence { observed: true, ..Evidence::default() };
                self.edge(from, to, Sighting { evidence, seen, ..Sighting::default() });
            }
        }
    }

    /// Connectors of Kafka Connect, at the topics they write or read. How much that is is not seen.
    fn connectors(&mut self) {
        for used in uses(self.world) {
            let seen = self.places.scan(used.connector.broker);
            if seen.is_none_or(|seen| seen.stale) && !self.with_stale {
                continue;
            }
            let topic = self.kafka_topic(used.cluster, used.topic);
            let sighting = Sighting { evidence: used.evidence, seen, ..Sighting::default() };
            match used.direction {
                Direction::Produce => {
                    let connector = self.connector(used.connector, NodeKind::Producer);
                    self.edge(connector, topic, sighting);
                }
                Direction::Consume => {
                    let connector = self.connector(used.connector, NodeKind::Consumer);
                    self.edge(topic, connector, sighting);
                }
            }
        }
    }

    /// What policy would let clients do at the addresses that are drawn.
    fn permitted(&mut self) {
        let drawn = self.nodes.iter().enumerate().filter_map(|(at, node)| match node.id {
            Id::Address(text) => Some((at, text)),
            _ => None,
        });
        for (at, text) in drawn.collect::<Vec<_>>() {
            let Ok(pattern) = address::filter(text) else { continue };
            for (kind, action) in [(NodeKind::Producer, Action::Publish), (NodeKind::Consumer, Action::Subscribe)] {
                for principal in granted(&pattern, action, self.world) {
                    let name = principal.username.as_str();
                    let site = self.site_of_client(name).unwrap_or_else(|| self.places.home(text));
                    let page = Some(Page::Principal(principal.id));
                    let client =
                        self.node(Id::Client(kind, name, site), || Face { kind, detail: "client".into(), site, page });
                    let evidence = Evidence { permitted: true, ..Evidence::default() };
                    let sighting = Sighting { evidence, ..Sighting::default() };
                    match kind {
                        NodeKind::Consumer => self.edge(at, client, sighting),
                        _ => self.edge(client, at, sighting),
                    }
                }
            }
        }
    }

    fn site_of_client(&self, name: &str) -> Option<&'a str> {
        let flow = self.world.seen.flows.iter().find(|flow| flow.principal_name == name)?;
        Some(self.places.site_of(flow.agent))
    }

    fn address(&mut self, text: &'a str) -> usize {
        let site = self.places.home(text);
        let kind = NodeKind::Topic;
        self.node(Id::Address(text), || Face { kind, detail: "event address".into(), site, page: None })
    }

    fn broker_topic(&mut self, flow: &'a Flow) -> Option<usize> {
        Some(self.kafka_topic(flow.broker?, flow.broker_topic.as_deref()?))
    }

    fn kafka_topic(&mut self, broker: BrokerId, name: &'a str) -> usize {
        let (cluster, site) = self.places.broker(broker);
        let kind = NodeKind::Topic;
        self.node(Id::Topic(broker, name), || Face { kind, detail: cluster.into(), site, page: None })
    }

    fn group(&mut self, broker: BrokerId, name: &'a str) -> usize {
        let (_, site) = self.places.broker(broker);
        let kind = NodeKind::Consumer;
        self.node(Id::Group(broker, name), || Face { kind, detail: "consumer group".into(), site, page: None })
    }

    fn connector(&mut self, found: &'a Found, kind: NodeKind) -> usize {
        let (_, site) = self.places.broker(found.broker);
        let id = Id::Connector(found.broker, &found.name);
        self.node(id, || Face { kind, detail: "Connect connector".into(), site, page: None })
    }

    fn client(&mut self, flow: &'a Flow, kind: NodeKind) -> usize {
        let (name, site) = (flow.principal_name.as_str(), self.places.site_of(flow.agent));
        if let Some(route) = flow.route {
            let page = Some(Page::Route(route));
            return self.node(Id::Route(kind, name, site), || Face { kind, detail: "route".into(), site, page });
        }
        let page = flow.principal.map(Page::Principal);
        let face = || Face { kind, detail: protocol(flow.protocol).into(), site, page };
        self.node(Id::Client(kind, name, site), face)
    }

    fn node(&mut self, id: Id<'a>, face: impl FnOnce() -> Face<'a>) -> usize {
        match self.at.entry(id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let Face { kind, detail, site, page } = face();
                self.nodes.push(Node { id, kind, detail, site, page, rate: 0.0, stale: true });
                *place.insert(self.nodes.len() - 1)
            }
        }
    }

    fn edge(&mut self, from: usize, to: usize, sighting: Sighting<'a>) {
        for end in [from, to] {
            let node = &mut self.nodes[end];
            node.stale &= sighting.is_stale();
            node.rate += sighting.rate;
        }
        match self.edges.entry((from, to)) {
            Entry::Occupied(mut known) => known.get_mut().join(sighting),
            Entry::Vacant(place) => drop(place.insert(sighting)),
        }
    }

    fn graph(self) -> Graph<'a> {
        let edges = self.edges.into_iter().map(|((from, to), sighting)| (from, to, sighting)).collect();
        Graph { nodes: self.nodes, edges }
    }
}

/// What the query asks for, with what belongs together put together when it is much.
fn shown(graph: Graph<'_>, query: &GraphQuery, world: &World) -> FlowGraph {
    let kept = kept(&graph, query);
    let graph = graph.part(&kept);
    let domains = if graph.nodes.len() > groups::NODES_WHOLE { domains(world) } else { HashMap::new() };
    let (mut nodes, edges) = groups::grouped(graph, query, |node| stands_by(node, &domains, world));
    let place =
        |a: &FlowNode, b: &FlowNode| (&a.site, a.kind, &a.label, &a.id).cmp(&(&b.site, b.kind, &b.label, &b.id));
    nodes.sort_by(place);
    let left_out = nodes.len().saturating_sub(NODES_MAX) as u64;
    if left_out > 0 {
        nodes.sort_by(|a, b| b.rate.total_cmp(&a.rate));
        nodes.truncate(NODES_MAX);
        nodes.sort_by(place);
    }
    let drawn: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let has_ends = |edge: &FlowEdge| drawn.contains(edge.from.as_str()) && drawn.contains(edge.to.as_str());
    let edges = edges.into_iter().filter(has_ends).collect();
    FlowGraph { nodes, edges, left_out, as_of: world.now_ms() }
}

/// The nodes the query asks for: around its focus, at its site with their direct neighbours, or all.
fn kept(graph: &Graph<'_>, query: &GraphQuery) -> Vec<bool> {
    let is = |wanted: &dyn Fn(&Node<'_>) -> bool| graph.nodes.iter().map(wanted).collect::<Vec<bool>>();
    if let Some(focus) = &query.focus {
        let start = is(&|node| node.id.to_string() == *focus);
        if start.contains(&true) {
            return around(start, graph, query.hops.unwrap_or(HOPS_DEFAULT));
        }
    }
    match &query.site {
        Some(site) => around(is(&|node| node.site == site), graph, 1),
        None => vec![true; graph.nodes.len()],
    }
}

fn around(start: Vec<bool>, graph: &Graph<'_>, hops: u32) -> Vec<bool> {
    let mut reached = start;
    for _ in 0..hops.min(16) {
        let before = reached.clone();
        for (from, to, _) in &graph.edges {
            reached[*to] |= before[*from];
            reached[*from] |= before[*to];
        }
        if reached == before {
            break;
        }
    }
    reached
}

/// The application domains of addresses and Kafka topics.
fn domains(world: &World) -> HashMap<Id<'_>, &str> {
    let claimed = world.catalog().iter().filter_map(|entry| {
        let id = match &entry.key {
            ObjectKey::Address(address) => Id::Address(address),
            ObjectKey::Topic(broker, name) => Id::Topic(*broker, name),
            _ => return None,
        };
        Some((id, entry.row.domain.as_deref()?))
    });
    claimed.collect()
}

/// By what a node stands together with others: topics by their domain, else by what they are; clients by how they come.
fn stands_by<'a>(node: &Node<'a>, domains: &HashMap<Id<'a>, &'a str>, world: &'a World) -> Stand<'a> {
    if let Some(domain) = domains.get(&node.id) {
        return Stand::Domain(domain);
    }
    match node.id {
        Id::Address(_) | Id::Topic(..) => Stand::NoDomain(node.detail.clone()),
        Id::Group(broker, _) => {
            let cluster = world.config.mesh.brokers.iter().find(|found| found.id == broker);
            Stand::GroupsOf(cluster.map_or("a removed cluster", |found| found.spec.name.as_str()))
        }
        _ => Stand::Alike(node.detail.clone()),
    }
}

/// A protocol as people write it.
const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Mqtt => "MQTT",
        Protocol::Http => "HTTP",
        Protocol::Kafka => "KAFKA",
        Protocol::Amqp => "AMQP",
        Protocol::Mesh => "MESH",
    }
}
