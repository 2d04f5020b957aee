//! Many nodes as few: nobody reads a drawing of a thousand boxes.
//!
//! Topics stand together by their application domain, or by where they are when no domain claims them; clients by their
//! protocol, consumer groups by their cluster; each at its site. What was looked for and what was opened stand for themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use frontend::api::{FlowEdge, FlowNode, GraphQuery, NodeKind};

/// Nodes of a drawing that is shown as it is.
pub(super) const NODES_WHOLE: usize = 150;
/// Members of a group that are shown when it is opened, the busiest; the rest stays together.
const OPENED_MAX: usize = 100;
/// Nodes that are shown for a text.
const FOUND_MAX: usize = 50;

/// The nodes and edges with what belongs together put together, when there are too many. `name` says by what a topic stands.
pub(super) fn grouped(
    nodes: Vec<FlowNode>,
    edges: Vec<FlowEdge>,
    query: &GraphQuery,
    name: impl Fn(&FlowNode) -> String,
) -> (Vec<FlowNode>, Vec<FlowEdge>) {
    if nodes.len() <= NODES_WHOLE {
        return (nodes, edges);
    }
    let ids: Vec<String> = nodes.iter().map(|node| group_id(node, &name(node))).collect();
    let own = own(&nodes, &ids, query);
    let mut groups: BTreeMap<&str, FlowNode> = BTreeMap::new();
    let mut stands_for: HashMap<&str, &str> = HashMap::new();
    for (node, id) in nodes.iter().zip(&ids).filter(|(node, _)| !own.contains(node.id.as_str())) {
        stands_for.insert(&node.id, id);
        let group = groups.entry(id).or_insert_with(|| FlowNode {
            id: id.clone(),
            kind: node.kind,
            label: name(node),
            detail: String::new(),
            site: node.site.clone(),
            href: None,
            rate: 0.0,
            stale: true,
            members: Some(0),
        });
        group.rate += node.rate;
        group.stale &= node.stale;
        group.members = group.members.map(|members| members + 1);
    }
    let mut all: Vec<FlowNode> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let alone = groups.get(ids[at].as_str()).is_some_and(|group| group.members == Some(1));
        if own.contains(node.id.as_str()) || alone {
            stands_for.remove(node.id.as_str());
            all.push(node.clone());
        }
    }
    all.extend(groups.into_values().filter(|group| group.members != Some(1)).map(with_detail));
    let end = |id: &str| stands_for.get(id).copied().unwrap_or(id).to_owned();
    let mut joined: BTreeMap<(String, String), FlowEdge> = BTreeMap::new();
    for edge in edges {
        let (from, to) = (end(&edge.from), end(&edge.to));
        match joined.entry((from.clone(), to.clone())) {
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(FlowEdge { from, to, ..edge })),
            std::collections::btree_map::Entry::Occupied(mut known) => join(known.get_mut(), edge),
        }
    }
    (all, joined.into_values().collect())
}

/// Nodes that stand for themselves: members of the group that is opened, and what was looked for.
fn own<'a>(nodes: &'a [FlowNode], ids: &[String], query: &GraphQuery) -> BTreeSet<&'a str> {
    let busiest = |mut chosen: Vec<&'a FlowNode>, most: usize| {
        chosen.sort_by(|a, b| b.rate.total_cmp(&a.rate).then_with(|| a.label.cmp(&b.label)));
        chosen.into_iter().take(most).map(|node| node.id.as_str()).collect::<Vec<_>>()
    };
    let open = query.open.as_deref().filter(|open| !open.is_empty());
    let opened = nodes.iter().zip(ids).filter(|(_, id)| Some(id.as_str()) == open).map(|(node, _)| node);
    let mut own: BTreeSet<&str> = busiest(opened.collect(), OPENED_MAX).into_iter().collect();
    let words: Vec<String> = query.find.split_whitespace().map(str::to_lowercase).collect();
    let holds = |node: &&FlowNode| {
        let text = format!("{} {} {}", node.label, node.detail, node.site).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    if !words.is_empty() {
        own.extend(busiest(nodes.iter().filter(holds).collect(), FOUND_MAX));
    }
    own.extend(
        query.focus.iter().filter_map(|focus| nodes.iter().find(|node| node.id == *focus)).map(|node| &*node.id),
    );
    own
}

fn group_id(node: &FlowNode, name: &str) -> String {
    let kind = match node.kind {
        NodeKind::Producer => "p",
        NodeKind::Topic => "t",
        NodeKind::Consumer => "c",
    };
    format!("group:{kind}:{}:{name}", node.site)
}

fn with_detail(group: FlowNode) -> FlowNode {
    let what = match group.kind {
        NodeKind::Producer => "producers",
        NodeKind::Topic => "topics",
        NodeKind::Consumer => "consumers",
    };
    FlowNode { detail: format!("{} {what}", group.members.unwrap_or_default()), ..group }
}

/// One edge of two between the same nodes.
fn join(known: &mut FlowEdge, other: FlowEdge) {
    known.evidence.declared |= other.evidence.declared;
    known.evidence.permitted |= other.evidence.permitted;
    known.evidence.observed |= other.evidence.observed;
    known.rate += other.rate;
    known.without_rule |= other.without_rule;
    if other.freshness.as_ref().map(|seen| seen.as_of) > known.freshness.as_ref().map(|seen| seen.as_of) {
        known.freshness = other.freshness;
    }
}

#[cfg(test)]
mod tests {
    use frontend::api::Evidence;

    use super::*;

    fn node(id: &str, kind: NodeKind, site: &str, rate: f64) -> FlowNode {
        FlowNode {
            id: id.to_owned(),
            kind,
            label: id.to_owned(),
            detail: String::new(),
            site: site.to_owned(),
            href: None,
            rate,
            stale: false,
            members: None,
        }
    }

    fn edge(from: &str, to: &str, rate: f64) -> FlowEdge {
        let evidence = Evidence { observed: true, ..Evidence::default() };
        FlowEdge { from: from.to_owned(), to: to.to_owned(), evidence, rate, freshness: None, without_rule: false }
    }

    /// 200 topics of two domains at one site, each read by one of two consumers.
    fn estate() -> (Vec<FlowNode>, Vec<FlowEdge>) {
        let mut nodes =
            vec![node("billing", NodeKind::Consumer, "hq", 0.0), node("fraud", NodeKind::Consumer, "hq", 0.0)];
        let mut edges = Vec::new();
        for number in 0..200 {
            let id = format!("{}-{number:03}", if number < 150 { "orders" } else { "prices" });
            nodes.push(node(&id, NodeKind::Topic, "hq", f64::from(number)));
            edges.push(edge(&id, if number % 2 == 0 { "billing" } else { "fraud" }, 1.0));
        }
        (nodes, edges)
    }

    fn name(node: &FlowNode) -> String {
        node.label.split('-').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_small_drawing_is_left_as_it_is() {
        let (mut nodes, edges) = estate();
        nodes.truncate(NODES_WHOLE);
        let (kept, _) = grouped(nodes.clone(), edges, &GraphQuery::default(), name);
        assert_eq!(kept, nodes);
    }

    #[test]
    fn topics_of_a_domain_are_one_node_and_their_edges_one_edge() {
        let (nodes, edges) = estate();
        let (nodes, edges) = grouped(nodes, edges, &GraphQuery::default(), name);
        let shown: Vec<(&str, Option<u64>, &str)> =
            nodes.iter().map(|node| (&*node.id, node.members, &*node.detail)).collect();
        assert_eq!(
            shown,
            [
                ("billing", None, ""),
                ("fraud", None, ""),
                ("group:t:hq:orders", Some(150), "150 topics"),
                ("group:t:hq:prices", Some(50), "50 topics"),
            ],
            "a group of one is that one"
        );
        let rates: Vec<(&str, &str, f64)> = edges.iter().map(|edge| (&*edge.from, &*edge.to, edge.rate)).collect();
        let (orders, prices) = ("group:t:hq:orders", "group:t:hq:prices");
        assert_eq!(
            rates,
            [(orders, "billing", 75.0), (orders, "fraud", 75.0), (prices, "billing", 25.0), (prices, "fraud", 25.0)]
        );
    }

    #[test]
    fn what_is_opened_and_what_is_looked_for_stands_for_itself() {
        let (nodes, edges) = estate();
        let query = GraphQuery {
            open: Some("group:t:hq:prices".to_owned()),
            find: "orders-007".to_owned(),
            ..GraphQuery::default()
        };
        let (nodes, edges) = grouped(nodes, edges, &query, name);
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
        let (nodes, edges) = estate();
        let query = GraphQuery { open: Some("group:t:hq:orders".to_owned()), ..GraphQuery::default() };
        let (nodes, _) = grouped(nodes, edges, &query, name);
        let opened = nodes.iter().filter(|node| node.label.starts_with("orders-"));
        assert_eq!(opened.clone().count(), OPENED_MAX);
        assert!(opened.clone().all(|node| node.rate >= 50.0));
        let rest = nodes.iter().find(|node| node.id == "group:t:hq:orders").expect("the rest");
        assert_eq!(rest.members, Some(50));
    }
}
