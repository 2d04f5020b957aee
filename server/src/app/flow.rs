//! The flow graph: who sends to what and who takes from it, in columns from left to right, in a band per site.
//!
//! An address lives at the site where most of it is produced, a Kafka topic at its cluster's. A route stands on both
//! sides: as a consumer of what it takes and as a producer of what it gives, so that every edge goes from left to right.

mod groups;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use frontend::api::{Evidence, FlowEdge, FlowGraph, FlowNode, Freshness, GraphQuery, NodeKind};
use mesh_protocol::id::BrokerId;
use mesh_protocol::policy::Action;
use mesh_protocol::report::{Direction, ObjectFacts};

use super::catalog::{ObjectKey, href, read_by, uses};
use super::observed::World;
use super::permission::Right;
use super::rights::{Rights, granted};
use super::{App, Caller, Result};
use crate::domain::address;
use crate::domain::flow::Flow;
use crate::domain::runtime_object::Found;

/// Most nodes in one answer, groups among them.
const NODES_MAX: usize = 500;
/// Steps around the focus when the query does not say.
const HOPS_DEFAULT: u32 = 2;
/// Consumer groups of the mesh's own sources begin with this; the source itself is in the graph already.
const OWN_GROUPS: &str = "meshport-";

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
        Ok(drawing.finish(&query))
    }
}

struct Drawing<'a> {
    world: &'a World,
    with_stale: bool,
    homes: HashMap<&'a str, String>,
    nodes: BTreeMap<String, FlowNode>,
    edges: BTreeMap<(String, String), FlowEdge>,
}

/// What a node says.
#[derive(Clone, Copy)]
struct Face<'a> {
    kind: NodeKind,
    label: &'a str,
    detail: &'a str,
}

impl<'a> Face<'a> {
    fn new(kind: NodeKind, label: &'a str, detail: &'a str) -> Self {
        Self { kind, label, detail }
    }
}

/// One sighting of an edge, to be joined with others of the same edge.
struct Sighting {
    evidence: Evidence,
    rate: f64,
    freshness: Option<Freshness>,
    without_rule: bool,
}

impl<'a> Drawing<'a> {
    fn new(world: &'a World, query: &GraphQuery) -> Self {
        Self { world, with_stale: query.stale, homes: homes(world), nodes: BTreeMap::new(), edges: BTreeMap::new() }
    }

    fn flows(&mut self) {
        let mut rights = Rights::new(self.world);
        for flow in &self.world.seen.flows {
            let freshness = self.world.flow_freshness(flow);
            if freshness.stale && !self.with_stale {
                continue;
            }
            let permitted = rights.permits(flow);
            let sighting = || Sighting {
                evidence: Evidence { declared: false, permitted, observed: true },
                rate: flow.rate_at(self.world.now_ms()),
                freshness: Some(freshness.clone()),
                without_rule: !permitted,
            };
            let address = self.address(&flow.address);
            match flow.direction {
                Direction::Produce => {
                    let producer = self.client(flow, NodeKind::Producer);
                    self.edge(&producer, &address, sighting());
                    if let Some(topic) = self.broker_topic(flow) {
                        let taker = self.client(flow, NodeKind::Consumer);
                        self.edge(&topic, &taker, sighting());
                    }
                }
                Direction::Consume => {
                    let consumer = self.client(flow, NodeKind::Consumer);
                    self.edge(&address, &consumer, sighting());
                    if let Some(topic) = self.broker_topic(flow) {
                        let giver = self.client(flow, NodeKind::Producer);
                        self.edge(&giver, &topic, sighting());
                    }
                }
            }
        }
    }

    /// Consumer groups of the clusters, at the topics they read. How much they read is not seen.
    fn groups(&mut self) {
        for found in &self.world.seen.found {
            let ObjectFacts::Group(group) = &found.facts else { continue };
            if found.gone_at_ms.is_some() || found.name.starts_with(OWN_GROUPS) {
                continue;
            }
            let freshness = self.world.scan_freshness(found.broker);
            let stale = group.members.is_empty() || freshness.as_ref().is_none_or(|freshness| freshness.stale);
            if stale && !self.with_stale {
                continue;
            }
            let topics = read_by(found.broker, group, self.world).into_iter();
            for topic in topics.filter(|topic| topic.gone_at_ms.is_none()) {
                let from = self.kafka_topic(found.broker, &topic.name);
                let to = self.group(found.broker, &found.name);
                let evidence = Evidence { observed: true, ..Evidence::default() };
                let sighting = Sighting { evidence, rate: 0.0, freshness: freshness.clone(), without_rule: false };
                self.edge(&from, &to, sighting);
            }
        }
    }

    /// Connectors of Kafka Connect, at the topics they write or read. How much that is is not seen.
    fn connectors(&mut self) {
        for used in uses(self.world) {
            let freshness = self.world.scan_freshness(used.connector.broker);
            if freshness.as_ref().is_none_or(|freshness| freshness.stale) && !self.with_stale {
                continue;
            }
            let topic = self.kafka_topic(used.cluster, used.topic);
            let sighting = Sighting { evidence: used.evidence, rate: 0.0, freshness, without_rule: false };
            match used.direction {
                Direction::Produce => {
                    let connector = self.connector(used.connector, NodeKind::Producer);
                    self.edge(&connector, &topic, sighting);
                }
                Direction::Consume => {
                    let connector = self.connector(used.connector, NodeKind::Consumer);
                    self.edge(&topic, &connector, sighting);
                }
            }
        }
    }

    fn connector(&mut self, found: &Found, kind: NodeKind) -> String {
        let (broker, name) = (found.broker, found.name.as_str());
        let site = self.world.broker_site(broker).unwrap_or_default();
        let link = Some(href(&ObjectKey::ConnectConnector(broker, name.to_owned())));
        self.node(format!("k:{broker}:{name}"), Face::new(kind, name, "Connect connector"), &site, link)
    }

    /// What policy would let clients do at the addresses that are drawn.
    fn permitted(&mut self) {
        let drawn: Vec<String> = self.homes.keys().map(|address| (*address).to_owned()).collect();
        for text in drawn {
            let Ok(pattern) = address::filter(&text) else { continue };
            let node = format!("a:{text}");
            if !self.nodes.contains_key(&node) {
                continue;
            }
            for (kind, action) in [(NodeKind::Producer, Action::Publish), (NodeKind::Consumer, Action::Subscribe)] {
                for (principal, name) in granted(&pattern, action, self.world) {
                    let site = self.site_of_client(&name).unwrap_or_else(|| self.homes[text.as_str()].clone());
                    let link = Some(href(&ObjectKey::Principal(principal)));
                    let client =
                        self.node(client_id(kind, &name, &site), Face::new(kind, &name, "client"), &site, link);
                    let evidence = Evidence { permitted: true, ..Evidence::default() };
                    let sighting = Sighting { evidence, rate: 0.0, freshness: None, without_rule: false };
                    match kind {
                        NodeKind::Consumer => self.edge(&node, &client, sighting),
                        _ => self.edge(&client, &node, sighting),
                    }
                }
            }
        }
    }

    fn site_of_client(&self, name: &str) -> Option<String> {
        let flow = self.world.seen.flows.iter().find(|flow| flow.principal_name == name)?;
        Some(self.world.site_of(flow.agent))
    }

    fn address(&mut self, text: &str) -> String {
        let site = self.homes.get(text).cloned().unwrap_or_default();
        let link = Some(href(&ObjectKey::Address(text.to_owned())));
        self.node(format!("a:{text}"), Face::new(NodeKind::Topic, text, "event address"), &site, link)
    }

    fn broker_topic(&mut self, flow: &Flow) -> Option<String> {
        Some(self.kafka_topic(flow.broker?, flow.broker_topic.as_deref()?))
    }

    fn kafka_topic(&mut self, broker: BrokerId, name: &str) -> String {
        let site = self.world.broker_site(broker).unwrap_or_default();
        let cluster = self.world.broker_name(broker).unwrap_or_else(|| "a removed cluster".to_owned());
        let link = Some(href(&ObjectKey::Topic(broker, name.to_owned())));
        self.node(format!("t:{broker}:{name}"), Face::new(NodeKind::Topic, name, &cluster), &site, link)
    }

    fn group(&mut self, broker: BrokerId, name: &str) -> String {
        let site = self.world.broker_site(broker).unwrap_or_default();
        let link = Some(href(&ObjectKey::Group(broker, name.to_owned())));
        self.node(format!("g:{broker}:{name}"), Face::new(NodeKind::Consumer, name, "consumer group"), &site, link)
    }

    fn client(&mut self, flow: &Flow, kind: NodeKind) -> String {
        let site = self.world.site_of(flow.agent);
        if let Some(route) = flow.route {
            let label = format!("route {}", flow.principal_name);
            let link = Some(format!("/routes/{route}"));
            return self.node(client_id(kind, &label, &site), Face::new(kind, &label, "route"), &site, link);
        }
        let detail = format!("{:?}", flow.protocol).to_uppercase();
        let link = flow.principal.map(|principal| href(&ObjectKey::Principal(principal)));
        self.node(
            client_id(kind, &flow.principal_name, &site),
            Face::new(kind, &flow.principal_name, &detail),
            &site,
            link,
        )
    }

    fn node(&mut self, id: String, face: Face<'_>, site: &str, href: Option<String>) -> String {
        self.nodes.entry(id.clone()).or_insert_with(|| FlowNode {
            id: id.clone(),
            kind: face.kind,
            label: face.label.to_owned(),
            detail: face.detail.to_owned(),
            site: site.to_owned(),
            href,
            rate: 0.0,
            stale: true,
            members: None,
        });
        id
    }

    fn edge(&mut self, from: &str, to: &str, sighting: Sighting) {
        let stale = sighting.freshness.as_ref().is_some_and(|freshness| freshness.stale);
        for end in [from, to] {
            if let Some(node) = self.nodes.get_mut(end) {
                node.stale &= stale;
                node.rate += sighting.rate;
            }
        }
        let edge = self.edges.entry((from.to_owned(), to.to_owned())).or_insert_with(|| FlowEdge {
            from: from.to_owned(),
            to: to.to_owned(),
            evidence: Evidence::default(),
            rate: 0.0,
            freshness: None,
            without_rule: false,
        });
        edge.evidence.declared |= sighting.evidence.declared;
        edge.evidence.permitted |= sighting.evidence.permitted;
        edge.evidence.observed |= sighting.evidence.observed;
        edge.rate += sighting.rate;
        edge.without_rule |= sighting.without_rule && !stale;
        if sighting.freshness.as_ref().map(|new| new.as_of) > edge.freshness.as_ref().map(|old| old.as_of) {
            edge.freshness = sighting.freshness;
        }
    }

    fn finish(self, query: &GraphQuery) -> FlowGraph {
        let (kept, world) = (self.kept(query), self.world);
        let nodes: Vec<FlowNode> = self.nodes.into_values().filter(|node| kept.contains(&node.id)).collect();
        let has_ends = |edge: &FlowEdge| kept.contains(&edge.from) && kept.contains(&edge.to);
        let edges: Vec<FlowEdge> = self.edges.into_values().filter(has_ends).collect();
        let (mut nodes, edges) = groups::grouped(nodes, edges, query, |node| stands_by(node, world));
        nodes.sort_by(|a, b| (&a.site, a.kind, &a.label, &a.id).cmp(&(&b.site, b.kind, &b.label, &b.id)));
        let left_out = nodes.len().saturating_sub(NODES_MAX) as u64;
        if left_out > 0 {
            nodes.sort_by(|a, b| b.rate.total_cmp(&a.rate));
            nodes.truncate(NODES_MAX);
            nodes.sort_by(|a, b| (&a.site, a.kind, &a.label, &a.id).cmp(&(&b.site, b.kind, &b.label, &b.id)));
        }
        let drawn: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
        let has_ends = |edge: &FlowEdge| drawn.contains(edge.from.as_str()) && drawn.contains(edge.to.as_str());
        let edges = edges.into_iter().filter(has_ends).collect();
        FlowGraph { nodes, edges, left_out, as_of: world.now_ms() }
    }

    /// The nodes the query asks for: around its focus, at its site with their direct neighbours, or all.
    fn kept(&self, query: &GraphQuery) -> BTreeSet<String> {
        if let Some(focus) = query.focus.as_ref().filter(|focus| self.nodes.contains_key(*focus)) {
            return self.around(BTreeSet::from([focus.clone()]), query.hops.unwrap_or(HOPS_DEFAULT));
        }
        match &query.site {
            Some(site) => {
                let here = self.nodes.values().filter(|node| node.site == *site).map(|node| node.id.clone());
                self.around(here.collect(), 1)
            }
            None => self.nodes.keys().cloned().collect(),
        }
    }

    fn around(&self, start: BTreeSet<String>, hops: u32) -> BTreeSet<String> {
        let mut reached = start;
        for _ in 0..hops.min(16) {
            let next: Vec<String> = self
                .edges
                .keys()
                .flat_map(|(from, to)| [(from, to), (to, from)])
                .filter(|(near, far)| reached.contains(*near) && !reached.contains(*far))
                .map(|(_, far)| far.clone())
                .collect();
            if next.is_empty() {
                break;
            }
            reached.extend(next);
        }
        reached
    }
}

/// By what a node stands together with others: topics by their domain, else by what they are; clients by how they come.
fn stands_by(node: &FlowNode, world: &World) -> String {
    let key = match (node.id.strip_prefix("a:"), node.id.strip_prefix("t:")) {
        (Some(address), _) => Some(ObjectKey::Address(address.to_owned())),
        (_, Some(topic)) => topic
            .split_once(':')
            .and_then(|(broker, name)| Some(ObjectKey::Topic(broker.parse().ok()?, name.to_owned()))),
        _ => None,
    };
    let domain = key.and_then(|key| world.catalog().get(&key)?.row.domain.clone());
    let cluster = || {
        let (broker, _) = node.id.strip_prefix("g:")?.split_once(':')?;
        world.broker_name(broker.parse().ok()?)
    };
    match (node.kind, domain) {
        (_, Some(domain)) => domain,
        (NodeKind::Topic, None) => format!("{}, no domain", node.detail),
        (_, None) => cluster().map_or_else(|| node.detail.clone(), |cluster| format!("groups of {cluster}")),
    }
}

fn client_id(kind: NodeKind, name: &str, site: &str) -> String {
    let side = if kind == NodeKind::Producer { "p" } else { "c" };
    format!("{side}:{name}@{site}")
}

/// The site of each address: where most of it is produced, else where it is taken.
fn homes(world: &World) -> HashMap<&str, String> {
    let mut by_site: BTreeMap<&str, BTreeMap<String, (bool, u64)>> = BTreeMap::new();
    for flow in &world.seen.flows {
        let sites = by_site.entry(&flow.address).or_default();
        let entry = sites.entry(world.site_of(flow.agent)).or_default();
        let produced = flow.direction == Direction::Produce;
        entry.0 |= produced;
        entry.1 += if produced { flow.events } else { 0 };
    }
    let home = |sites: BTreeMap<String, (bool, u64)>| {
        sites.into_iter().max_by_key(|(_, weight)| *weight).map(|(site, _)| site)
    };
    by_site.into_iter().filter_map(|(address, sites)| Some((address, home(sites)?))).collect()
}
