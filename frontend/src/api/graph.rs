//! The flow graph.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Evidence, Freshness, Millis, Rate};

/// Which part of the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GraphQuery {
    /// Only around this node.
    #[serde(default)]
    pub focus: Option<String>,
    /// How many steps around it; default 2.
    #[serde(default)]
    pub hops: Option<u32>,
    /// Only this site.
    #[serde(default)]
    pub site: Option<String>,
    /// Also edges that policy permits and nobody uses.
    #[serde(default)]
    pub permitted: bool,
    /// Also what was not seen lately.
    #[serde(default)]
    pub stale: bool,
    /// Where many nodes stand together: those with these words stand for themselves.
    #[serde(default)]
    pub find: String,
    /// Where many nodes stand together: the members of this group stand for themselves.
    #[serde(default)]
    pub open: Option<String>,
}

/// Who sends to what and who takes from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowGraph {
    /// Nodes, ordered by site, kind, name.
    pub nodes: Vec<FlowNode>,
    /// Edges between them.
    pub edges: Vec<FlowEdge>,
    /// Nodes left out because there were more than 500, groups among them.
    pub left_out: u64,
    /// When this was so.
    pub as_of: Millis,
}

/// What a node is, which is its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A client that sends.
    Producer,
    /// An event address or Kafka topic.
    Topic,
    /// A client, sink or group that takes.
    Consumer,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowNode {
    /// Stable id within the graph.
    pub id: String,
    /// Its column.
    pub kind: NodeKind,
    /// What it says.
    pub label: String,
    /// More: protocol, client id, cluster.
    pub detail: String,
    /// Which band.
    pub site: String,
    /// Link to its page.
    pub href: Option<String>,
    /// Events per second through it.
    pub rate: Rate,
    /// Not seen lately.
    pub stale: bool,
    /// How many it stands for; none = for itself.
    #[serde(default)]
    pub members: Option<u64>,
}

/// An edge from left to right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowEdge {
    /// Node id.
    pub from: String,
    /// Node id.
    pub to: String,
    /// How we know.
    pub evidence: Evidence,
    /// Events per second.
    pub rate: Rate,
    /// Seen last; none = only permitted.
    pub freshness: Option<Freshness>,
    /// Traffic without a rule that allows it now.
    pub without_rule: bool,
}
