//! Nodes and edges while they are put together: names borrowed from what they are drawn of. A drawing has more of them than
//! anybody is shown, and only those that are shown are written out.

use std::borrow::Cow;
use std::fmt;

use frontend::api::{Evidence, FlowEdge, FlowNode, Freshness, NodeKind};
use mesh_protocol::id::{BrokerId, PrincipalId, RouteId};

use crate::app::catalog::{ObjectKey, href};

/// Names a node. Written, it is the node's id in answers and in the address of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Id<'a> {
    Address(&'a str),
    Topic(BrokerId, &'a str),
    Group(BrokerId, &'a str),
    Connector(BrokerId, &'a str),
    /// By its side, its name and its site.
    Client(NodeKind, &'a str, &'a str),
    /// By its side, its name and its site.
    Route(NodeKind, &'a str, &'a str),
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |kind: &NodeKind| if *kind == NodeKind::Producer { "p" } else { "c" };
        match self {
            Self::Address(address) => write!(f, "a:{address}"),
            Self::Topic(broker, name) => write!(f, "t:{broker}:{name}"),
            Self::Group(broker, name) => write!(f, "g:{broker}:{name}"),
            Self::Connector(broker, name) => write!(f, "k:{broker}:{name}"),
            Self::Client(kind, name, site) => write!(f, "{}:{name}@{site}", side(kind)),
            Self::Route(kind, name, site) => write!(f, "{}:route {name}@{site}", side(kind)),
        }
    }
}

/// The page of a node that its id does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Principal(PrincipalId),
    Route(RouteId),
}

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) id: Id<'a>,
    pub(super) kind: NodeKind,
    pub(super) detail: Cow<'a, str>,
    pub(super) site: &'a str,
    pub(super) page: Option<Page>,
    pub(super) rate: f64,
    pub(super) stale: bool,
}

impl<'a> Node<'a> {
    pub(super) fn label(&self) -> Cow<'a, str> {
        match self.id {
            Id::Address(name) | Id::Topic(_, name) | Id::Group(_, name) | Id::Connector(_, name) => name.into(),
            Id::Client(_, name, _) => name.into(),
            Id::Route(_, name, _) => format!("route {name}").into(),
        }
    }

    fn href(&self) -> Option<String> {
        let key = match self.id {
            Id::Address(address) => ObjectKey::Address(address.to_owned()),
            Id::Topic(broker, name) => ObjectKey::Topic(broker, name.to_owned()),
            Id::Group(broker, name) => ObjectKey::Group(broker, name.to_owned()),
            Id::Connector(broker, name) => ObjectKey::ConnectConnector(broker, name.to_owned()),
            Id::Client(..) | Id::Route(..) => match self.page? {
                Page::Principal(principal) => ObjectKey::Principal(principal),
                Page::Route(route) => return Some(format!("/routes/{route}")),
            },
        };
        Some(href(&key))
    }

    pub(super) fn shown(&self) -> FlowNode {
        FlowNode {
            id: self.id.to_string(),
            kind: self.kind,
            label: self.label().into_owned(),
            detail: self.detail.clone().into_owned(),
            site: self.site.to_owned(),
            href: self.href(),
            rate: self.rate,
            stale: self.stale,
            members: None,
        }
    }
}

/// How old facts are, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen<'a> {
    pub(super) as_of: i64,
    pub(super) by: &'a str,
    pub(super) stale: bool,
}

/// What one sighting tells of an edge, or several together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sighting<'a> {
    pub(super) evidence: Evidence,
    pub(super) rate: f64,
    /// None = only permitted.
    pub(super) seen: Option<Seen<'a>>,
    pub(super) without_rule: bool,
}

impl Sighting<'_> {
    pub(super) fn is_stale(&self) -> bool {
        self.seen.is_some_and(|seen| seen.stale)
    }

    /// Takes another of the same edge.
    pub(super) fn join(&mut self, other: Self) {
        self.evidence.declared |= other.evidence.declared;
        self.evidence.permitted |= other.evidence.permitted;
        self.evidence.observed |= other.evidence.observed;
        self.rate += other.rate;
        self.without_rule |= other.without_rule;
        if other.seen.map(|seen| seen.as_of) > self.seen.map(|seen| seen.as_of) {
            self.seen = other.seen;
        }
    }

    pub(super) fn shown(self, from: String, to: String) -> FlowEdge {
        let freshness =
            self.seen.map(|seen| Freshness { as_of: seen.as_of, by: seen.by.to_owned(), stale: seen.stale });
        let Self { evidence, rate, without_rule, .. } = self;
        FlowEdge { from, to, evidence, rate, freshness, without_rule }
    }
}

/// Nodes, and edges between their places.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) edges: Vec<(usize, usize, Sighting<'a>)>,
}

impl<'a> Graph<'a> {
    /// The nodes that are kept, with the edges between them.
    pub(super) fn part(self, kept: &[bool]) -> Self {
        let mut places = Vec::with_capacity(self.nodes.len());
        let mut nodes: Vec<Node<'a>> = Vec::new();
        for (node, kept) in self.nodes.into_iter().zip(kept) {
            places.push(kept.then_some(nodes.len()));
            if *kept {
                nodes.push(node);
            }
        }
        let edges = self.edges.into_iter();
        let edges = edges.filter_map(|(from, to, sighting)| Some((places[from]?, places[to]?, sighting))).collect();
        Self { nodes, edges }
    }
}
