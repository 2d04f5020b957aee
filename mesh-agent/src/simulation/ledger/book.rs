//! What one site's disk was given, and what its consumers had.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::id::Seq;
use mesh_protocol::topic::{Filter, Topic};

use crate::simulation::plan::{Plan, PlannedQueue, agent, attracts};
use crate::spool::{MarkKey, QueueNo};

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) enum Kind {
    /// One of the plan.
    Named(usize),
    /// What another agent is to get.
    Agent(usize),
    /// What one of the plan keeps of what its consumers have acknowledged.
    KeptOf(usize),
    /// Dead letters of one of the plan.
    DeadOf(usize),
    /// What other agents refused.
    DeadLetters,
}

/// See the module. A copy of it goes with a copy of the disk.
#[derive(Clone, Debug, Default)]
pub(in crate::simulation) struct Book {
    pub(super) kinds: BTreeMap<QueueNo, Kind>,
    /// Events by their number in the log.
    pub(super) log: BTreeMap<u64, u64>,
    /// What is in queues: events by queue and number.
    pub(super) rows: BTreeMap<(Kind, u64), u64>,
    /// The same of named queues, by key.
    pub(super) keyed: BTreeMap<(usize, String), BTreeMap<u64, u64>>,
    /// Events that ever came into a queue.
    pub(super) had: BTreeSet<(Kind, u64)>,
    /// The newest event of each key in each queue.
    pub(super) newest: BTreeMap<(Kind, String), u64>,
    pub(super) marks: BTreeMap<MarkKey, Seq>,
    /// What another agent wants, once it is noted.
    pub(super) noted: BTreeMap<usize, BTreeSet<String>>,
    /// Consumers are done with these.
    pub(super) acked: BTreeSet<(usize, u64)>,
    /// Consumers had these, how often.
    pub(super) delivered: BTreeMap<(usize, u64), u32>,
    /// The newest first delivery of each key.
    pub(super) firsts: BTreeMap<(usize, String), u64>,
}

impl Kind {
    /// None for a queue that is not of this simulation.
    pub(super) fn of(name: &str, plan: &Plan) -> Option<Self> {
        let planned = |id: &str| plan.queues.iter().position(|queue| queue.config.id.to_string() == id);
        if let Some(id) = name.strip_prefix("queue/") {
            planned(id).map(Self::Named)
        } else if let Some(id) = name.strip_prefix("dead/queue/") {
            planned(id).map(Self::DeadOf)
        } else if let Some(id) = name.strip_prefix("kept/queue/") {
            planned(id).map(Self::KeptOf)
        } else if let Some(of) = name.strip_prefix("spool/") {
            (0..plan.sites).find(|site| agent(*site).to_string() == of).map(Self::Agent)
        } else {
            (name == "dead-letters").then_some(Self::DeadLetters)
        }
    }
}

impl Book {
    pub(in crate::simulation) fn had(&self, kind: Kind, id: u64) -> bool {
        self.had.contains(&(kind, id))
    }

    /// What came into queues since a copy was made.
    pub(super) fn had_unlike(&self, then: &Self) -> Vec<(Kind, u64)> {
        self.had.difference(&then.had).copied().collect()
    }

    /// Whether it is noted here that a queue wants a topic.
    pub(super) fn knows(&self, queue: &PlannedQueue, topic: &Topic) -> bool {
        let matching = queue.config.filters.iter().filter(|filter| attracts(filter.text(), topic.as_str()));
        let noted = self.noted.get(&queue.owner);
        matching.map(Filter::text).any(|text| noted.is_some_and(|noted| noted.contains(text)))
    }

    /// What is in queues and is to leave them.
    pub(super) fn undone(&self) -> impl Iterator<Item = (&(Kind, u64), &u64)> {
        self.rows.iter().filter(|((kind, _), _)| matches!(kind, Kind::Named(_) | Kind::Agent(_)))
    }
}
