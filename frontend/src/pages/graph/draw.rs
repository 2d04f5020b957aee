//! The picture of a graph: what its layout needs, and what is drawn of each node and edge. Rates change every few
//! seconds, the structure seldom; only the structure is laid out again.

use std::collections::{HashMap, HashSet};

use crate::api::{FlowEdge, FlowGraph, FlowNode, NodeKind};
use crate::format;
use crate::graph::layout::{Layout, Structure};
use crate::graph::path;

/// The column of a kind.
pub(super) const fn column(kind: NodeKind) -> usize {
    match kind {
        NodeKind::Producer => 0,
        NodeKind::Topic => 1,
        NodeKind::Consumer => 2,
    }
}

/// What a kind is called.
pub(super) const fn kind_word(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Producer => "producer",
        NodeKind::Topic => "topic",
        NodeKind::Consumer => "consumer",
    }
}

/// Both ends of each edge by position; none when an end is missing or the edge does not run from left to right.
fn ends(graph: &FlowGraph) -> Vec<Option<(usize, usize)>> {
    let at: HashMap<&str, usize> = graph.nodes.iter().enumerate().map(|(i, node)| (node.id.as_str(), i)).collect();
    let ends = |edge: &FlowEdge| {
        let (from, to) = (*at.get(edge.from.as_str())?, *at.get(edge.to.as_str())?);
        (column(graph.nodes[from].kind) < column(graph.nodes[to].kind)).then_some((from, to))
    };
    graph.edges.iter().map(ends).collect()
}

/// What the layout needs of a graph.
pub(super) fn structure(graph: &FlowGraph) -> Structure {
    Structure {
        nodes: graph.nodes.iter().map(|node| (column(node.kind), node.site.clone())).collect(),
        edges: ends(graph).into_iter().flatten().collect(),
    }
}

/// An edge as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawn {
    /// Its position in the graph's list.
    pub(super) index: usize,
    /// The curve.
    pub(super) d: String,
    /// Its width.
    pub(super) width: String,
    /// `observed`, `permitted`, `declared` or `stale`.
    pub(super) evidence: &'static str,
    /// Traffic that no rule allows.
    pub(super) alarm: bool,
    /// Events flow now.
    pub(super) moving: bool,
}

/// How an edge looks: what was seen before what is allowed before what was said.
pub(super) fn evidence(edge: &FlowEdge) -> &'static str {
    let stale = edge.freshness.as_ref().is_some_and(|seen| seen.stale);
    match (edge.evidence.observed, stale) {
        (true, true) => "stale",
        (true, false) => "observed",
        _ if edge.evidence.permitted => "permitted",
        _ => "declared",
    }
}

fn width(edge: &FlowEdge) -> f64 {
    match evidence(edge) {
        "observed" => path::width(edge.rate),
        "stale" => 1.6,
        _ => 1.2,
    }
}

/// The edges in the order in which they are drawn: quiet ones below, loud ones above.
pub(super) fn edges(graph: &FlowGraph, layout: &Layout) -> Vec<Drawn> {
    // A layout that is one change older than the graph has fewer places; the next one follows at once.
    let there = |end: &(usize, usize)| end.0 < layout.places.len() && end.1 < layout.places.len();
    let known: Vec<(usize, usize, usize)> = ends(graph)
        .into_iter()
        .enumerate()
        .filter_map(|(i, end)| end.filter(there).map(|(from, to)| (i, from, to)))
        .collect();
    let wide: Vec<(usize, usize, f64)> =
        known.iter().map(|(i, from, to)| (*from, *to, width(&graph.edges[*i]))).collect();
    let mut drawn: Vec<Drawn> = path::edges(layout, &wide)
        .into_iter()
        .zip(known)
        .map(|(d, (index, ..))| {
            let edge = &graph.edges[index];
            Drawn {
                index,
                d,
                width: format!("{:.1}", width(edge)),
                evidence: evidence(edge),
                alarm: edge.without_rule,
                moving: evidence(edge) == "observed" && edge.rate > 0.0,
            }
        })
        .collect();
    drawn.sort_by_key(|edge| (edge.alarm, edge.evidence == "observed", edge.index));
    drawn
}

/// What the edges say of their nodes.
#[derive(Debug, Default)]
pub(super) struct Standing<'a> {
    /// Nodes with traffic that no rule allows.
    foreign: HashSet<&'a str>,
    /// Nodes with any edge.
    linked: HashSet<&'a str>,
    /// Nodes with an edge that was seen.
    used: HashSet<&'a str>,
}

impl<'a> Standing<'a> {
    pub(super) fn of(graph: &'a FlowGraph) -> Self {
        let mut standing = Self::default();
        for edge in &graph.edges {
            for end in [edge.from.as_str(), edge.to.as_str()] {
                standing.linked.insert(end);
                if edge.without_rule {
                    standing.foreign.insert(end);
                }
                if edge.evidence.observed {
                    standing.used.insert(end);
                }
            }
        }
        standing
    }

    /// State of a node for its look: `foreign` when it sends or takes without a rule, `offline` when it was not seen
    /// lately, `planned` when nothing was ever seen of its edges.
    pub(super) fn state(&self, node: &FlowNode) -> Option<&'static str> {
        let id = node.id.as_str();
        if node.kind != NodeKind::Topic && self.foreign.contains(id) {
            Some("foreign")
        } else if node.stale {
            Some("offline")
        } else if self.linked.contains(id) && !self.used.contains(id) {
            Some("planned")
        } else {
            None
        }
    }
}

/// The figure at the end of a node.
pub(super) fn figure(node: &FlowNode, state: Option<&str>) -> String {
    match state {
        Some("foreign") => "no rule".to_owned(),
        Some("offline") => "last known".to_owned(),
        Some("planned") => "unused".to_owned(),
        _ => {
            let rate = format!("{}/s", format::rate(node.rate));
            node.members.map_or_else(|| rate.clone(), |members| format!("×{} {rate}", format::count(members)))
        }
    }
}

/// A topic's path and its last level; other names are all tail.
pub(super) fn split(label: &str, topic: bool) -> (String, String) {
    match label.rfind('/').filter(|_| topic) {
        Some(at) => (label[..=at].to_owned(), label[at + 1..].to_owned()),
        None => (String::new(), label.to_owned()),
    }
}

/// Where an arrow key leads: up and down within the column, left and right along an edge, else to the nearest node.
pub(super) fn neighbour(graph: &FlowGraph, picture: &Layout, id: &str, key: &str) -> Option<String> {
    let here = graph.nodes.iter().position(|node| node.id == id)?;
    let place = *picture.places.get(here)?;
    let own = column(graph.nodes[here].kind);
    let wanted = match key {
        "ArrowUp" | "ArrowDown" => own,
        "ArrowLeft" => own.checked_sub(1)?,
        "ArrowRight" => own + 1,
        _ => return None,
    };
    let linked: HashSet<&str> = graph
        .edges
        .iter()
        .filter_map(|edge| match (edge.from == id, edge.to == id) {
            (true, _) => Some(edge.to.as_str()),
            (_, true) => Some(edge.from.as_str()),
            _ => None,
        })
        .collect();
    let far = |i: usize| (picture.places[i].y - place.y).abs();
    graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(i, node)| {
            let beyond = picture.places.get(*i).is_some_and(|there| match key {
                "ArrowUp" => there.y < place.y,
                "ArrowDown" => there.y > place.y,
                _ => true,
            });
            beyond && column(node.kind) == wanted
        })
        .min_by(|(a, node_a), (b, node_b)| {
            let apart = |node: &FlowNode| wanted != own && !linked.contains(node.id.as_str());
            apart(node_a).cmp(&apart(node_b)).then(far(*a).total_cmp(&far(*b)))
        })
        .map(|(_, node)| node.id.clone())
}
