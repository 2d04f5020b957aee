//! Many nodes as few: nobody reads a drawing of a thousand boxes.
//!
//! Topics stand together by their application domain, or by where they are when no domain claims them; clients by their
//! protocol, consumer groups by their cluster; each at its site. What was looked for and what was opened stand for themselves.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use frontend::api::{FlowEdge, FlowNode, GraphQuery, NodeKind};

use super::node::{Graph, Node, Sighting};

/// Nodes of a drawing that is shown as it is.
pub(super) const NODES_WHOLE: usize = 150;
/// Members of a group that are shown when it is opened, the busiest; the rest stays together.
const OPENED_MAX: usize = 100;
/// Nodes that are shown for a text.
const FOUND_MAX: usize = 50;

/// By what a node stands together with others. Written, it is what tells the groups of a side and site apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stand<'a> {
    /// Topics of an application domain.
    Domain(&'a str),
    /// Topics of no domain, by what or where they are.
    NoDomain(Cow<'a, str>),
    /// Consumer groups of a cluster.
    GroupsOf(&'a str),
    /// What is the same to people.
    Alike(Cow<'a, str>),
}

impl fmt::Display for Stand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(name),
            Self::NoDomain(detail) => write!(f, "{detail}, no domain"),
            Self::GroupsOf(cluster) => write!(f, "groups of {cluster}"),
            Self::Alike(detail) => f.write_str(detail),
        }
    }
}

impl Stand<'_> {
    /// The group's name, short enough for its box.
    fn label(&self) -> &str {
        match self {
            Self::Domain(name) | Self::GroupsOf(name) => name,
            Self::NoDomain(_) => "no domain",
            Self::Alike(detail) => detail,
        }
    }

    /// What so many of them are.
    fn detail(&self, kind: NodeKind, members: u64) -> String {
        match (self, kind) {
            (Self::GroupsOf(_), _) => format!("{members} consumer groups"),
            (Self::NoDomain(place), _) => format!("{members} topics, {place}"),
            (_, NodeKind::Producer) => format!("{members} producers"),
            (_, NodeKind::Topic) => format!("{members} topics"),
            (_, NodeKind::Consumer) => format!("{members} consumers"),
        }
    }
}

/// Nodes that stand together.
struct Group<'a> {
    id: String,
    stand: Stand<'a>,
    kind: NodeKind,
    site: &'a str,
    rate: f64,
    stale: bool,
    /// Those that do not stand for themselves.
    members: u64,
}

/// The groups, and the group of each node.
struct Groups<'a> {
    all: Vec<Group<'a>>,
    of: Vec<usize>,
}

impl<'a> Groups<'a> {
    fn of(nodes: &[Node<'a>], stands_by: impl Fn(&Node<'a>) -> Stand<'a>) -> Self {
        let mut known: HashMap<(NodeKind, &'a str, Stand<'a>), usize> = HashMap::new();
        let mut all = Vec::new();
        let of = nodes.iter().map(|node| {
            let stand = stands_by(node);
            *known.entry((node.kind, node.site, stand)).or_insert_with_key(|(kind, site, stand)| {
                let (kind, site, stand) = (*kind, *site, stand.clone());
                let id = format!("group:{}:{site}:{stand}", letter(kind));
                all.push(Group { id, stand, kind, site, rate: 0.0, stale: true, members: 0 });
                all.len() - 1
            })
        });
        let of = of.collect();
        Self { all, of }
    }
}

/// The nodes and edges with what belongs together put together, when there are too many.
pub(super) fn grouped<'a>(
    graph: Graph<'a>,
    query: &GraphQuery,
    stands_by: impl Fn(&Node<'a>) -> Stand<'a>,
) -> (Vec<FlowNode>, Vec<FlowEdge>) {
    let Graph { nodes, edges } = graph;
    if nodes.len() <= NODES_WHOLE {
        let id = |at: usize| nodes[at].id.to_string();
        let edges = edges.into_iter().map(|(from, to, edge)| edge.shown(id(from), id(to)));
        return (nodes.iter().map(Node::shown).collect(), sorted(edges));
    }
    let mut groups = Groups::of(&nodes, stands_by);
    let mut alone = own(&nodes, &groups, query);
    for (at, node) in nodes.iter().enumerate().filter(|(at, _)| !alone[*at]) {
        let group = &mut groups.all[groups.of[at]];
        group.members += 1;
        group.rate += node.rate;
        group.stale &= node.stale;
    }
    for (at, alone) in alone.iter_mut().enumerate() {
        // A group of one is that one.
        *alone |= groups.all[groups.of[at]].members == 1;
    }
    // Groups have their places behind all nodes.
    let place = |at: usize| if alone[at] { at } else { nodes.len() + groups.of[at] };
    let mut joined: HashMap<(usize, usize), Sighting<'a>> = HashMap::new();
    for (from, to, edge) in edges {
        let known = joined.entry((place(from), place(to)));
        known.and_modify(|known| known.join(edge)).or_insert(edge);
    }
    let id = |place: usize| match nodes.get(place) {
        Some(node) => node.id.to_string(),
        None => groups.all[place - nodes.len()].id.clone(),
    };
    let edges = sorted(joined.into_iter().map(|((from, to), edge)| edge.shown(id(from), id(to))));
    let mut all: Vec<FlowNode> =
        nodes.iter().zip(&alone).filter(|(_, alone)| **alone).map(|(node, _)| node.shown()).collect();
    all.extend(groups.all.into_iter().filter(|group| group.members > 1).map(Group::shown));
    (all, edges)
}

fn sorted(edges: impl Iterator<Item = FlowEdge>) -> Vec<FlowEdge> {
    let mut edges: Vec<FlowEdge> = edges.collect();
    edges.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    edges
}

/// Which nodes stand for themselves: members of the group that is opened, and what was looked for.
fn own(nodes: &[Node<'_>], groups: &Groups<'_>, query: &GraphQuery) -> Vec<bool> {
    let mut own = vec![false; nodes.len()];
    let mut choose = |mut chosen: Vec<usize>, most: usize| {
        chosen.sort_by(|a, b| {
            let (a, b) = (&nodes[*a], &nodes[*b]);
            b.rate.total_cmp(&a.rate).then_with(|| a.label().cmp(&b.label()))
        });
        chosen.into_iter().take(most).for_each(|at| own[at] = true);
    };
    if let Some(open) = query.open.as_deref().filter(|open| !open.is_empty()) {
        let opened = (0..nodes.len()).filter(|at| groups.all[groups.of[*at]].id == open);
        choose(opened.collect(), OPENED_MAX);
    }
    let words: Vec<String> = query.find.split_whitespace().map(str::to_lowercase).collect();
    if !words.is_empty() {
        let holds = |at: &usize| {
            let node = &nodes[*at];
            let text = format!("{} {} {}", node.label(), node.detail, node.site).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        };
        choose((0..nodes.len()).filter(holds).collect(), FOUND_MAX);
    }
    if let Some(focus) = &query.focus {
        choose((0..nodes.len()).filter(|at| nodes[*at].id.to_string() == *focus).collect(), 1);
    }
    own
}

const fn letter(kind: NodeKind) -> char {
    match kind {
        NodeKind::Producer => 'p',
        NodeKind::Topic => 't',
        NodeKind::Consumer => 'c',
    }
}

impl Group<'_> {
    fn shown(self) -> FlowNode {
        FlowNode {
            kind: self.kind,
            label: self.stand.label().to_owned(),
            detail: self.stand.detail(self.kind, self.members),
            site: self.site.to_owned(),
            href: None,
            rate: self.rate,
            stale: self.stale,
            members: Some(self.members),
            id: self.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use frontend::api::Evidence;

    use super::super::node::Id;
    use super::*;

    fn node<'a>(id: Id<'a>, kind: NodeKind, rate: f64) -> Node<'a> {
        Node { id, kind, detail: "".into(), site: "hq", page: None, rate, stale: false }
    }

    /// Names of 200 topics of two domains.
    fn names() -> Vec<String> {
        (0..200).map(|number| format!("{}-{number:03}", if number < 150 { "orders" } else { "prices" })).collect()
    }

    /// 200 topics of two domains at one site, each read by one of two consumers.
    fn estate(names: &[String]) -> Graph<'_> {
        let consumer = |name| node(Id::Client(NodeKind::Consumer, name, "hq"), NodeKind::Consumer, 0.0);
        let mut graph = Graph { nodes: vec![consumer("billing"), consumer("fraud")], edges: Vec::new() };
        for (number, name) in (0_u32..).zip(names) {
            let evidence = Evidence { observed: true, ..Evidence::default() };
            let sighting = Sighting { evidence, rate: 1.0, ..Sighting::default() };
            graph.edges.push((graph.nodes.len(), usize::from(number % 2 == 1), sighting));
            graph.nodes.push(node(Id::Address(name), NodeKind::Topic, f64::from(number)));
        }
        graph
    }

    fn domain<'a>(node: &Node<'a>) -> Stand<'a> {
        match node.id {
            Id::Address(name) => Stand::Domain(name.split('-').next().unwrap_or_default()),
            Id::Client(_, name, _) => Stand::Alike(name.into()),
            _ => Stand::Alike("".into()),
        }
    }

    #[test]
    fn a_small_drawing_is_left_as_it_is() {
        let names = names();
        let whole = estate(&names);
        let kept: Vec<bool> = (0..whole.nodes.len()).map(|at| at < NODES_WHOLE).collect();
        let (nodes, edges) = grouped(whole.part(&kept), &GraphQuery::default(), domain);
        assert_eq!((nodes.len(), edges.len()), (NODES_WHOLE, NODES_WHOLE - 2));
        assert!(nodes.iter().all(|node| node.members.is_none()));
    }

    #[test]
    fn topics_of_a_domain_are_one_node_and_their_edges_one_edge() {
        let names = names();
        let (nodes, edges) = grouped(estate(&names), &GraphQuery::default(), domain);
        let shown: Vec<(&str, Option<u64>, &str)> =
            nodes.iter().map(|node| (&*node.id, node.members, &*node.detail)).collect();
        let (billing, fraud) = ("c:billing@hq", "c:fraud@hq");
        let (orders, prices) = ("group:t:hq:orders", "group:t:hq:prices");
        assert_eq!(
            shown,
            [
                (billing, None, ""),
                (fraud, None, ""),
                (orders, Some(150), "150 topics"),
                (prices, Some(50), "50 topics"),
            ],
            "a group of one is that one"
        );
        let rates: Vec<(&str, &str, f64)> = edges.iter().map(|edge| (&*edge.from, &*edge.to, edge.rate)).collect();
        assert_eq!(
            rates,
            [(orders, billing, 75.0), (orders, fraud, 75.0), (prices, billing, 25.0), (prices, fraud, 25.0)]
        );
    }

    #[test]
    fn what_is_opened_and_what_is_looked_for_stands_for_itself() {
        let names = names();
        let query = GraphQuery {
            open: Some("group:t:hq:prices".to_owned()),
            find: "orders-007".to_owned(),
            ..GraphQuery::default()
        };
        let (nodes, edges) = grouped(estate(&names), &query, domain);
        let alone = nodes.iter().filter(|node| node.members.is_none()).count();
        assert_eq!(alone, 2 + 50 + 1);
        let group = nodes.iter().find(|node| node.members.is_some()).expect("the rest of the orders");
        assert_eq!(group.members, Some(149));
        let ids: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
        assert!(edges.iter().all(|edge| ids.contains(edge.from.as_str()) && ids.contains(edge.to.as_str())));
        assert_eq!(edges.len(), 50 + 1 + 2);
    }

    #[test]
    fn of_a_large_group_the_busiest_are_opened() {
        let names = names();
        let query = GraphQuery { open: Some("group:t:hq:orders".to_owned()), ..GraphQuery::default() };
        let (nodes, _) = grouped(estate(&names), &query, domain);
        let opened = nodes.iter().filter(|node| node.label.starts_with("orders-"));
        assert_eq!(opened.clone().count(), OPENED_MAX);
        assert!(opened.clone().all(|node| node.rate >= 50.0));
        let rest = nodes.iter().find(|node| node.id == "group:t:hq:orders").expect("the rest");
        assert_eq!(rest.members, Some(50));
    }

    #[test]
    fn groups_are_told_apart_and_have_short_names() {
        let stands = [Stand::NoDomain("kafka-a".into()), Stand::GroupsOf("kafka-a"), Stand::Alike("kafka-a".into())];
        let ids: BTreeSet<String> = stands.iter().map(ToString::to_string).collect();
        assert_eq!(ids.len(), stands.len());
        let shown = stands.map(|stand| format!("{}: {}", stand.label(), stand.detail(NodeKind::Consumer, 3)));
        assert_eq!(shown, ["no domain: 3 topics, kafka-a", "kafka-a: 3 consumer groups", "kafka-a: 3 consumers"]);
    }

    #[test]
    fn a_part_keeps_the_edges_between_its_own() {
        let names = names();
        let whole = estate(&names);
        let kept: Vec<bool> = (0..whole.nodes.len()).map(|at| at == 0 || at == 2 || at == 3).collect();
        let part = whole.part(&kept);
        let ids: Vec<String> = part.nodes.iter().map(|node| node.id.to_string()).collect();
        assert_eq!(ids, ["c:billing@hq", "a:orders-000", "a:orders-001"]);
        let edges: Vec<(usize, usize)> = part.edges.iter().map(|(from, to, _)| (*from, *to)).collect();
        assert_eq!(edges, [(1, 0)], "the second is read by the consumer that is left out");
    }
}
