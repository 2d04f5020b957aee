//! Brings each event to everybody who wants it, and nothing else.
//!
//! The router knows events that policy admitted, and one trait, [`Outlet`]. It never waits, never retries and keeps
//! nothing: what must last is an outlet's own matter (a session, a sink, the streams to other agents). Deliberately
//! absent: protocols, sites, disks.
//!
//! ```text
//! publish(batch) --> table: which outlets, by which of their subscriptions --> offer, offer, ... flush
//!       |                                                                        |
//!       +---------------------------------- Receipt <-- Hold, Hold, ... ---------+
//! ```

mod admitted;
mod budget;
mod interest;
mod outlet;
mod receipt;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use mesh_protocol::event::DeliveryMode;
use mesh_protocol::topic::Filter;
use rustc_hash::FxHashMap;

pub use admitted::Admitted;
pub use budget::{Admission, Budget, EVENT_OVERHEAD_BYTES, Overloaded};
pub use interest::{Change, Interest, Life, Snapshot, Wanted};
pub use outlet::{Delivery, Key, Keys, Outlet, OutletId};
pub use receipt::{Failure, Hold, Outcome, Receipt};

use crate::counters::{Counter, Counters};
use table::{Attached, Table};

/// Which side of the agent an outlet stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// A client or connector of this agent: its filters are told to other agents.
    Local,
    /// Other agents: gets what was admitted here, never what came from another agent.
    Remote,
}

/// An event that came from another agent.
#[derive(Debug)]
pub struct Arrival {
    /// The event, permitted for its sender.
    pub event: Admitted,
    /// It may have been delivered before.
    pub redelivered: bool,
}

/// The routing table and the byte budget. Cloning is cheap and means the same router.
#[derive(Clone)]
pub struct Router(Arc<Inner>);

struct Inner {
    table: Table,
    interest: Interest,
    budget: Budget,
    next: AtomicU64,
    published: Counter,
    unrouted: Counter,
    arrived: Counter,
    remote_deliveries: Counter,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("in_flight_bytes", &self.0.budget.in_use()).finish_non_exhaustive()
    }
}

impl Router {
    /// A router without outlets.
    #[must_use]
    pub fn new(budget: Budget, counters: &Counters) -> Self {
        Self(Arc::new(Inner {
            table: Table::default(),
            interest: Interest::default(),
            budget,
            next: AtomicU64::new(1),
            published: counters.counter("published_events"),
            unrouted: counters.counter("unrouted_events"),
            arrived: counters.counter("arrived_events"),
            remote_deliveries: counters.counter("remote_deliveries_events"),
        }))
    }

    /// The byte budget, to be asked before [`Router::publish`].
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// What local outlets want, for other agents.
    #[must_use]
    pub fn interest(&self) -> &Interest {
        &self.0.interest
    }

    /// Attaches an outlet; it gets events once it subscribes, and none after the attachment is dropped.
    #[must_use]
    pub fn attach(&self, outlet: Arc<dyn Outlet>, reach: Reach) -> Attachment {
        let id = OutletId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let attached = Arc::new(Attached { id, reach, outlet });
        Attachment { router: self.clone(), attached, subscriptions: Mutex::default() }
    }

    /// Brings a batch of admitted events to all who want them. Direct events need no answer; the receipt speaks of
    /// the guaranteed ones (and is [`Outcome::Unrouted`] when nobody wanted any event of the batch).
    ///
    /// `from` is the outlet that publishes, when it is one (MQTT's "no local").
    #[must_use]
    pub fn publish(&self, batch: Vec<Admitted>, admission: Admission, from: Option<OutletId>) -> Receipt {
        self.0.published.add(batch.len() as u64);
        let (root, receipt) = receipt::receipt(admission);
        let mut touched = Vec::new();
        for event in batch {
            let routed =
                self.route(&Target { event, redelivered: false, from, local_only: false }, Some(&root), &mut touched);
            if routed == 0 {
                self.0.unrouted.one();
            }
        }
        flush(&touched);
        root.nothing();
        receipt
    }

    /// The same for one direct event, without a receipt. Returns how many outlets it was offered to.
    pub fn publish_direct(&self, event: Admitted, from: Option<OutletId>) -> usize {
        self.0.published.one();
        let mut touched = Vec::new();
        let routed = self.route(&Target { event, redelivered: false, from, local_only: false }, None, &mut touched);
        if routed == 0 {
            self.0.unrouted.one();
        }
        flush(&touched);
        routed
    }

    /// Brings events that came from another agent to the local outlets.
    #[must_use]
    pub fn deliver(&self, batch: Vec<Arrival>, admission: Admission) -> Receipt {
        self.0.arrived.add(batch.len() as u64);
        let (root, receipt) = receipt::receipt(admission);
        let mut touched = Vec::new();
        for Arrival { event, redelivered } in batch {
            let routed =
                self.route(&Target { event, redelivered, from: None, local_only: true }, Some(&root), &mut touched);
            self.0.remote_deliveries.add(routed as u64);
        }
        flush(&touched);
        root.nothing();
        receipt
    }

    fn route(&self, target: &Target, root: Option<&Hold>, touched: &mut Vec<Arc<Attached>>) -> usize {
        let guaranteed = target.event.event().mode == DeliveryMode::Guaranteed;
        let mut matches = self.0.table.matches(&target.event.event().topic);
        if target.local_only {
            matches.retain(|entry| entry.attached.reach == Reach::Local);
        }
        matches.sort_unstable();
        // Several filters under one key may match: another agent, which has one key, is one destination.
        matches.dedup_by_key(|entry| entry.subscription());
        let mut routed = 0;
        for group in matches.chunk_by(|a, b| a.attached.id == b.attached.id) {
            let attached = &group[0].attached;
            let hold = if guaranteed { root.map(Hold::split) } else { None };
            attached.outlet.offer(Delivery {
                event: target.event.clone(),
                matched: group.iter().map(|entry| entry.key).collect(),
                hold,
                redelivered: target.redelivered,
                from: target.from,
            });
            routed += 1;
            if !touched.iter().any(|seen| seen.id == attached.id) {
                touched.push(attached.clone());
            }
        }
        routed
    }
}

struct Target {
    event: Admitted,
    redelivered: bool,
    from: Option<OutletId>,
    local_only: bool,
}

fn flush(touched: &[Arc<Attached>]) {
    for attached in touched {
        attached.outlet.flush();
    }
}

/// An outlet's place in the table. Dropping it takes all its subscriptions back.
#[derive(Debug)]
pub struct Attachment {
    router: Router,
    attached: Arc<Attached>,
    subscriptions: Mutex<FxHashMap<(Filter, Key), Life>>,
}

impl Attachment {
    /// The outlet's id, for [`Router::publish`].
    #[must_use]
    pub fn id(&self) -> OutletId {
        self.attached.id
    }

    /// Registers a filter under the outlet's own key. A repeat with the same filter and key changes nothing.
    pub fn subscribe(&self, filter: &Filter, key: Key, life: Life) {
        let mut subscriptions = self.subscriptions.lock().expect("no panic while held");
        if subscriptions.insert((filter.clone(), key), life).is_none() {
            self.router.0.table.insert(filter, &self.attached, key);
            if self.attached.reach == Reach::Local {
                self.router.0.interest.add(Wanted { filter: filter.clone(), life });
            }
        }
    }

    /// Takes a filter back; nothing happens when it was not registered.
    pub fn unsubscribe(&self, filter: &Filter, key: Key) {
        let mut subscriptions = self.subscriptions.lock().expect("no panic while held");
        if let Some(life) = subscriptions.remove(&(filter.clone(), key)) {
            self.forget(filter, key, life);
        }
    }

    fn forget(&self, filter: &Filter, key: Key, life: Life) {
        self.router.0.table.remove(filter, &self.attached, key);
        if self.attached.reach == Reach::Local {
            self.router.0.interest.remove(Wanted { filter: filter.clone(), life });
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let subscriptions = std::mem::take(&mut *self.subscriptions.lock().expect("no panic while held"));
        for ((filter, key), life) in subscriptions {
            self.forget(&filter, key, life);
        }
    }
}

#[cfg(test)]
mod tests;
