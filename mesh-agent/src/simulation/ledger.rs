//! What was promised, and whether it is kept: a second book about everything, written from what the disks were given, what
//! publishers were told and what consumers got, never from what the agents believe.
//!
//! Every check bears the name of its invariant:
//! - **I1** nothing leaves a queue without a reason (acknowledged by a consumer, a dead letter in the same commit, in
//!   custody elsewhere, forbidden meanwhile), and in the end every acknowledged event is in every queue that wants it;
//! - **I2** in the log of every queue, and in first deliveries, the events of a key are in the order of their publishing;
//! - **I3** no queue gets an event twice, and what a consumer may have had is flagged;
//! - **I4** marks never fall within an epoch;
//! - **I8** what is acknowledged is on disk, and is there after every crash;
//! - **I9** what a queue holds can be read.

mod book;
mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use mesh_protocol::topic::Topic;

use super::plan::{Allowed, Plan};

pub(super) use book::{Book, Kind};
pub(super) use check::{Got, id_of};

/// Everything that is known of one mesh.
#[derive(Debug)]
pub(super) struct Ledger {
    plan: Rc<Plan>,
    events: BTreeMap<u64, Published>,
    books: Vec<Book>,
    /// What each site has enforced, one after the other.
    policies: Vec<Vec<Allowed>>,
    /// The latest that each site's wall clock ever was, in milliseconds since 1970.
    walls_ms: Vec<i64>,
    /// What a restored disk has forgotten: queue of the plan and event.
    forgotten: BTreeSet<(usize, u64)>,
    broken: Option<String>,
}

/// One event.
#[derive(Debug)]
struct Published {
    origin: usize,
    topic: Topic,
    key: String,
    /// Its sender answers for it.
    is_passing: bool,
    /// Queues that must get it.
    wants: Vec<usize>,
    /// How many policies its origin had enforced before it.
    policies_before: usize,
    /// When its time to live is over, in milliseconds since 1970.
    expires_at_ms: Option<i64>,
    is_acked: bool,
}

impl Ledger {
    pub(super) fn new(plan: &Rc<Plan>) -> Self {
        Self {
            plan: plan.clone(),
            events: BTreeMap::new(),
            books: (0..plan.sites).map(|_| Book::default()).collect(),
            policies: vec![vec![Allowed::default()]; plan.sites],
            walls_ms: vec![i64::MIN; plan.sites],
            forgotten: BTreeSet::new(),
            broken: None,
        }
    }

    /// The first promise that was broken.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    pub(super) fn break_with(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    /// A site enforces this from now on.
    pub(super) fn enforces(&mut self, site: usize, allowed: Allowed) {
        self.policies[site].push(allowed);
    }

    /// Whether a site's policy lets a topic go to another now.
    pub(super) fn may_go(&self, from: usize, to: usize, topic: &Topic) -> bool {
        self.policies[from].last().is_some_and(|allowed| allowed.allows(topic, to))
    }

    /// A site's wall clock shows this.
    pub(super) fn sees(&mut self, site: usize, wall_ms: i64) {
        self.walls_ms[site] = self.walls_ms[site].max(wall_ms);
    }

    /// A client publishes. Returns the event's number.
    pub(super) fn publish(&mut self, origin: usize, topic: &Topic, key: &str, style: (bool, Option<i64>)) -> u64 {
        let (is_passing, expires_at_ms) = style;
        let id = self.events.last_key_value().map_or(1, |(last, _)| last + 1);
        let knows = |queue: usize| {
            let planned = &self.plan.queues[queue];
            planned.owner == origin || planned.is_declared || self.books[origin].knows(planned, topic)
        };
        let owners = 0..self.plan.sites;
        let attracting = owners.flat_map(|owner| self.plan.attracting(owner, topic).collect::<Vec<_>>());
        let wants = attracting.filter(|queue| knows(*queue)).collect();
        let policies_before = self.policies[origin].len() - 1;
        let published = Published {
            origin,
            topic: topic.clone(),
            key: key.to_owned(),
            is_passing,
            wants,
            policies_before,
            expires_at_ms,
            is_acked: false,
        };
        self.events.insert(id, published);
        id
    }

    /// Whether its origin's policy has kept an event from a site at any time since it was published.
    fn was_forbidden(&self, published: &Published, to: usize) -> bool {
        let since = &self.policies[published.origin][published.policies_before..];
        since.iter().any(|allowed| !allowed.allows(&published.topic, to))
    }

    /// Whether its time was over by the clock of a site, ever.
    fn was_over(&self, published: &Published, site: usize) -> bool {
        published.expires_at_ms.is_some_and(|at| at <= self.walls_ms[site])
    }

    /// Whether anybody's policy has.
    fn may_be_refused(&self, published: &Published, to: usize) -> bool {
        let anybody = [published.origin, to].into_iter().flat_map(|site| &self.policies[site]);
        anybody.into_iter().any(|allowed| !allowed.allows(&published.topic, to))
    }

    /// A copy of what is known of a site's disk, for when the disk is put back to this state.
    pub(super) fn book(&self, site: usize) -> Book {
        self.books[site].clone()
    }

    /// A site's disk is what it was when that copy was made.
    pub(super) fn restore(&mut self, site: usize, then: Book) {
        let now = std::mem::replace(&mut self.books[site], then);
        let then = &self.books[site];
        for (kind, id) in now.had_unlike(then) {
            match kind {
                Kind::Named(queue) => drop(self.forgotten.insert((queue, id))),
                Kind::Agent(owner) => {
                    let queues = self.plan.queues.iter().enumerate();
                    let its = queues.filter(|(_, queue)| queue.owner == owner).map(|(queue, _)| (queue, id));
                    self.forgotten.extend(its);
                }
                Kind::KeptOf(_) | Kind::DeadOf(_) | Kind::DeadLetters => {}
            }
        }
    }

    /// What was in a queue and is not there any more since its disk was restored.
    pub(super) fn lost_with_disks(&self) -> Vec<(usize, u64)> {
        let lost = |(queue, id): &&(usize, u64)| {
            let owner = self.plan.queues[*queue].owner;
            let published = &self.events[id];
            published.is_acked && published.wants.contains(queue) && !self.books[owner].had(Kind::Named(*queue), *id)
        };
        self.forgotten.iter().filter(lost).copied().collect()
    }

    /// Where an event was published.
    pub(super) fn origin_of(&self, id: u64) -> usize {
        self.events[&id].origin
    }

    /// Whether two events must keep their order.
    pub(super) fn are_of_one_key(&self, one: u64, other: u64) -> bool {
        self.events[&one].key == self.events[&other].key
    }
}
