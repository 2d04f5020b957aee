//! What only Kafka's own protocol tells: access lists, quotas, users, transactions, quorum, sizes, producers.
//!
//! ```text
//! scan (every 10 s) -> Survey::add -> is it time? -> look: one question after the other, one connection to each broker
//!                           |                             | refused  -> the right is named, what was known of it goes
//!                           |                             | no answer -> the trouble is named, what was known stays
//!                           +-- what is known goes to the scan's objects
//! ```
//! Every answer stands alone: one that fails leaves the others as they are.

mod producers;
mod quorum;
mod rights;
mod sizes;
mod transactions;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use kafka_protocol::ResponseError;
use mesh_protocol::desired::BrokerConnection;
use mesh_protocol::report::{
    BrokerNode, ClusterFacts, LogDirFacts, MissingRight, ObjectFacts, QuorumFacts, RuntimeObject, TopicFacts,
    TransactionFacts,
};
use tokio::time::{Instant, timeout};

use super::scan::{Depth, Found};
use crate::causes::chain;
use crate::kafka::secret::Secrets;
use crate::kafka::trouble::{Operation, Resource, Right, Target};
use crate::kafka::wire::{Access, Ask, AskError, Connection};
use crate::part::StartError;
use producers::Producers;
use sizes::Sizes;

/// A look follows the one before after this time at the earliest, so that a change shows within a minute.
const INTERVAL: Duration = Duration::from_secs(30);
/// Longest look; what was not asked by then is asked with the next one.
const LOOK: Duration = Duration::from_secs(60);
/// Brokers that are tried for a question that any of them can answer.
const TRIED_MAX: usize = 3;

/// Looks at one cluster, again and again.
#[derive(Debug)]
pub(super) struct Survey {
    access: Access,
    target: Target,
    looked_at: Option<Instant>,
    known: Known,
}

/// What was learnt, each part as of the last time it was told.
#[derive(Debug, Default)]
struct Known {
    acls: Vec<RuntimeObject>,
    quotas: Vec<RuntimeObject>,
    users: Vec<RuntimeObject>,
    quorum: Option<QuorumFacts>,
    transactions: BTreeMap<String, TransactionFacts>,
    log_dirs: BTreeMap<i32, Vec<LogDirFacts>>,
    sizes: Sizes,
    producers: Producers,
    notes: Notes,
}

/// What the last look could not learn.
#[derive(Clone, Debug, Default)]
struct Notes {
    missing: Vec<MissingRight>,
    /// Rights that one may have reasons not to give.
    optional: Vec<MissingRight>,
    trouble: Vec<String>,
    untold: Vec<String>,
}

/// What became of a question.
#[derive(Debug)]
enum Told<T> {
    Is(T),
    Refused(Right),
    /// It is not told to anybody; a sentence says why.
    Untold(String),
    Failed(String),
}

/// Why a question had no answer at all.
#[derive(Clone, Debug)]
enum Unanswered {
    Untold(String),
    Failed(String),
}

impl From<&AskError> for Unanswered {
    fn from(error: &AskError) -> Self {
        match error {
            AskError::Unknown => Self::Untold(error.to_string()),
            _ => Self::Failed(chain(error)),
        }
    }
}

impl<T> From<Unanswered> for Told<T> {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Untold(reason) => Self::Untold(reason),
            Unanswered::Failed(reason) => Self::Failed(reason),
        }
    }
}

impl<T> Told<T> {
    /// Of an answer that is an error.
    fn from_error(error: ResponseError, right: Right) -> Self {
        match error {
            ResponseError::ClusterAuthorizationFailed => Self::Refused(right),
            ResponseError::UnsupportedVersion => Self::Untold(AskError::Unknown.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Connections of one look.
struct Lines<'a> {
    access: &'a Access,
    nodes: &'a [BrokerNode],
    /// By node. One that could not be reached is not tried again in the same look.
    open: BTreeMap<i32, Result<Connection, Unanswered>>,
}

impl Lines<'_> {
    /// The connection to one broker, which is made when there is none yet.
    async fn to(&mut self, node: &BrokerNode) -> Result<&mut Connection, Unanswered> {
        let line = match self.open.entry(node.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let opened = Connection::open(self.access, node).await;
                new.insert(opened.map_err(|error| Unanswered::from(&error)))
            }
        };
        line.as_mut().map_err(|why| why.clone())
    }

    /// Asks one broker.
    async fn ask<A: Ask>(&mut self, node: &BrokerNode, request: &A) -> Result<A::Response, Unanswered> {
        let answer = self.to(node).await?.ask(request).await;
        answer.map_err(|error| {
            // The next question has a connection of its own: this broker may have an answer to that.
            if !matches!(error, AskError::Unknown) {
                self.open.remove(&node.id);
            }
            Unanswered::from(&error)
        })
    }

    /// Asks any broker.
    async fn ask_any<A: Ask>(&mut self, request: &A) -> Result<A::Response, Unanswered> {
        let mut failed = Unanswered::Failed("the cluster names no broker".to_owned());
        for node in self.nodes.iter().take(TRIED_MAX) {
            match self.ask(node, request).await {
                Err(why @ Unanswered::Failed(_)) => failed = why,
                answer => return answer,
            }
        }
        Err(failed)
    }

    /// Whether any of those that would be asked is there.
    async fn is_there(&mut self) -> Result<(), Unanswered> {
        let mut failed = Unanswered::Failed("the cluster names no broker".to_owned());
        for node in self.nodes.iter().take(TRIED_MAX) {
            match self.to(node).await {
                Ok(_) => return Ok(()),
                Err(why) => failed = why,
            }
        }
        Err(failed)
    }
}

impl Survey {
    pub(super) fn new(broker: &BrokerConnection, secrets: &dyn Secrets) -> Result<Self, StartError> {
        let access = Access::new(broker, secrets)?;
        Ok(Self { access, target: Target::from(broker), looked_at: None, known: Known::default() })
    }

    /// Adds what is known to what a scan found, after a look when it is time for one.
    pub(super) async fn add(&mut self, found: &mut Found, depth: Depth) {
        let due = self.looked_at.is_none_or(|at| at.elapsed() >= INTERVAL);
        if depth == Depth::All || due {
            self.look(found, depth).await;
            self.looked_at = Some(Instant::now());
        }
        self.known.tell(found);
    }

    async fn look(&mut self, found: &Found, depth: Depth) {
        let nodes = cluster(found).map(|cluster| cluster.brokers.clone()).unwrap_or_default();
        let mut lines = Lines { access: &self.access, nodes: &nodes, open: BTreeMap::new() };
        if let Err(Unanswered::Failed(reason) | Unanswered::Untold(reason)) = lines.is_there().await {
            let what = "access lists, quotas, users, transactions, sizes and producers cannot be read";
            self.known.notes.trouble = vec![format!("{what}: {reason}")];
            return;
        }
        self.known.notes = Notes::default();
        let looked = timeout(LOOK, self.known.learn(&mut lines, &self.target, found, depth)).await;
        if looked.is_err() {
            let seconds = LOOK.as_secs();
            let trouble = format!("access lists, sizes and producers could not all be read within {seconds} s");
            self.known.notes.trouble.push(trouble);
        }
    }
}

impl Known {
    async fn learn(&mut self, lines: &mut Lines<'_>, target: &Target, found: &Found, depth: Depth) {
        let told = rights::acls(lines, &mut self.notes).await;
        keep(&mut self.acls, "access lists", told, target, &mut self.notes);
        let told = rights::quotas(lines, &mut self.notes).await;
        keep(&mut self.quotas, "quotas", told, target, &mut self.notes);
        let told = rights::users(lines, &mut self.notes).await;
        keep(&mut self.users, "users with SCRAM credentials", told, target, &mut self.notes);
        let told = quorum::quorum(lines).await;
        keep(&mut self.quorum, "the metadata quorum", told, target, &mut self.notes);
        let told = transactions::transactions(lines, &self.transactions, &mut self.notes).await;
        keep(&mut self.transactions, "transactions", told, target, &mut self.notes);
        let told = transactions::may_see_all(lines).await;
        keep(&mut (), "transactions, but for those that may be seen one by one", told, target, &mut self.notes);
        let told = sizes::sizes(lines, &mut self.notes).await;
        let mut both = (std::mem::take(&mut self.log_dirs), std::mem::take(&mut self.sizes));
        keep(&mut both, "sizes on disk", told, target, &mut self.notes);
        (self.log_dirs, self.sizes) = both;
        self.producers.learn(lines, target, found, depth, &mut self.notes).await;
        self.notes.trouble.dedup();
        self.notes.untold.dedup();
    }

    /// Puts everything where a page looks for it.
    fn tell(&self, found: &mut Found) {
        found.missing.extend(self.notes.missing.iter().cloned());
        found.optional.extend(self.notes.optional.iter().cloned());
        found.trouble.extend(self.notes.trouble.iter().cloned());
        let ids: BTreeMap<i64, &str> =
            self.transactions.iter().map(|(id, facts)| (facts.producer_id, id.as_str())).collect();
        for object in &mut found.objects {
            match &mut object.facts {
                ObjectFacts::Cluster(cluster) => self.tell_cluster(cluster),
                ObjectFacts::Topic(topic) => self.tell_topic(&object.name, topic, &ids),
                _ => {}
            }
        }
        found.objects.extend([&self.acls, &self.quotas, &self.users].into_iter().flatten().cloned());
        let transactions = self.transactions.iter();
        found.objects.extend(
            transactions
                .map(|(id, facts)| RuntimeObject { name: id.clone(), facts: ObjectFacts::Transaction(facts.clone()) }),
        );
    }

    fn tell_cluster(&self, cluster: &mut ClusterFacts) {
        cluster.quorum.clone_from(&self.quorum);
        cluster.untold.clone_from(&self.notes.untold);
        for broker in &mut cluster.brokers {
            broker.log_dirs = self.log_dirs.get(&broker.id).cloned().unwrap_or_default();
        }
    }

    fn tell_topic(&self, name: &str, topic: &mut TopicFacts, ids: &BTreeMap<i64, &str>) {
        self.sizes.tell(name, topic);
        self.producers.tell(name, topic, ids);
    }
}

/// Takes an answer over, or says why there is none.
fn keep<T: Default>(slot: &mut T, what: &str, told: Told<T>, target: &Target, notes: &mut Notes) {
    match told {
        Told::Is(value) => *slot = value,
        Told::Refused(right) => {
            *slot = T::default();
            notes.missing.push(target.missing(what, &right));
        }
        Told::Untold(reason) => {
            *slot = T::default();
            notes.untold.push(format!("{what}: {reason}"));
        }
        Told::Failed(reason) => notes.trouble.push(format!("{what}: {reason}")),
    }
}

fn cluster(found: &Found) -> Option<&ClusterFacts> {
    found.objects.iter().find_map(|object| match &object.facts {
        ObjectFacts::Cluster(cluster) => Some(cluster),
        _ => None,
    })
}

/// DESCRIBE on the cluster, which most of this needs.
const fn describe_cluster() -> Right {
    Right { operation: Operation::Describe, resource: Resource::Cluster }
}

/// Keeps the first `most`; the others are counted as left out.
fn bounded<T>(mut all: Vec<T>, most: usize, what: &str, notes: &mut Notes) -> Vec<T> {
    if all.len() > most {
        notes.trouble.push(format!("{} {what} are left out: more than {most}", all.len() - most));
        all.truncate(most);
    }
    all
}

#[cfg(test)]
mod tests;
