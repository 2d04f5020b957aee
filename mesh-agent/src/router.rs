//! Brings each event to everybody who wants it, and nothing else.
//!
//! The router knows events that policy admitted, and two traits: an [`Outlet`] takes events now, a [`Keeper`] keeps them
//! for queues. It never waits, never retries and keeps nothing itself. Deliberately absent: protocols, sites, disks.
//!
//! ```text
//! publish(batch) --> table: which outlets, by which of their subscriptions --> offer, offer, ... flush
//!       |              '--> which queues ----------------------------------> keep(batch), once for all queues
//!       |                                                                        |
//!       +---------------------------------- Receipt <-- Hold, Hold, ... ---------+
//! ```
//! Which subscriptions an event meets depends on who answers for it ([`Custody`]): what this agent keeps goes to queues,
//! and a sink or a stream that can hold the sender's own acknowledgement takes directly what the sender keeps. Such a sender
//! gets one receipt for each destination, so that it can let one of them fall behind without the others.
//! What a contract diverts meets no subscription at all: the keeper puts it into the agent's dead letters.

mod admitted;
mod attachment;
mod budget;
mod destination;
mod interest;
mod outlet;
mod receipt;
mod round;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use mesh_protocol::event::DeliveryMode;
use mesh_protocol::topic::Topic;

pub use admitted::Admitted;
pub use attachment::Attachment;
pub use budget::{Admission, Budget, EVENT_OVERHEAD_BYTES, Overloaded};
pub use destination::{Audience, DestinationId};
pub use interest::{Change, Interest, Life, Snapshot, Wanted};
pub use outlet::{Claim, Custody, Delivery, Keeper, Kept, Key, Keys, Outlet, OutletId, Shares, Takes};
pub use receipt::{Failure, Hold, Outcome, Passed, Receipt, duty};

use crate::counters::{Counter, Counters};
use destination::Destinations;
use receipt::Roots;
use round::Round;
use table::{Attached, Place, Table};

/// Counts diverted events that had no room among the dead letters, or on the way there.
pub const UNDIVERTED: &str = "not_diverted_events";

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
    destinations: Destinations,
    budget: Budget,
    keeper: OnceLock<Weak<dyn Keeper>>,
    next: AtomicU64,
    published: Counter,
    unrouted: Counter,
    unkept: Counter,
    undiverted: Counter,
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
            destinations: Destinations::default(),
            budget,
            keeper: OnceLock::new(),
            next: AtomicU64::new(1),
            published: counters.counter("published_events"),
            unrouted: counters.counter("unrouted_events"),
            unkept: counters.counter("not_retained_events"),
            undiverted: counters.counter(UNDIVERTED),
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

    /// Who keeps events for queues, from now on and as long as it is there; the first call counts.
    pub fn set_keeper(&self, keeper: &Arc<impl Keeper + 'static>) {
        let _the_first_counts = self.0.keeper.set(Arc::downgrade(keeper) as Weak<dyn Keeper>);
    }

    /// Attaches an outlet; it gets events once it subscribes, and none after the attachment is dropped.
    #[must_use]
    pub fn attach(&self, outlet: Arc<dyn Outlet>, reach: Reach) -> Attachment {
        self.attach_at(Place::Outlet(outlet), reach)
    }

    /// The same for a queue of the keeper: it attracts what it subscribes to.
    #[must_use]
    pub fn attach_queue(&self, number: Key, reach: Reach) -> Attachment {
        self.attach_at(Place::Queue(number), reach)
    }

    /// The destination of a name, which means the same after a restart; `label` is what people are told.
    #[must_use]
    pub fn destination(&self, name: &str, label: &str) -> DestinationId {
        self.0.destinations.named(name, label)
    }

    /// Name and label of a destination.
    #[must_use]
    pub fn describe(&self, destination: DestinationId) -> (Arc<str>, Arc<str>) {
        self.0.destinations.describe(destination)
    }

    /// Destinations with a name that subscribe now to something whose sender answers for it.
    #[must_use]
    pub fn destinations(&self) -> Vec<DestinationId> {
        self.0.destinations.subscribed()
    }

    fn attach_at(&self, place: Place, reach: Reach) -> Attachment {
        let id = OutletId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let attached = Arc::new(Attached { id, reach, place });
        let destination = match attached.place {
            Place::Queue(_) => DestinationId::QUEUES,
            Place::Outlet(_) => DestinationId::UNNAMED,
        };
        Attachment { router: self.clone(), attached, destination, subscriptions: Mutex::default() }
    }

    /// Brings a batch of admitted events to all who want them. Direct events need no answer; the receipt speaks of
    /// the guaranteed ones (and is [`Outcome::Unrouted`] when nobody wanted any event of the batch): this agent answers
    /// for them once its queues have them.
    ///
    /// `from` is the outlet that publishes, when it is one (MQTT's "no local").
    #[must_use]
    pub fn publish(&self, batch: Vec<Admitted>, admission: Admission, from: Option<OutletId>) -> Receipt {
        self.publish_as(batch, admission, from, None)
    }

    /// The same for one event, with what its publisher's queue shall know it by if any queue keeps it.
    #[must_use]
    pub fn publish_claimed(
        &self,
        event: Admitted,
        admission: Admission,
        from: Option<OutletId>,
        claim: Claim,
    ) -> Receipt {
        self.publish_as(vec![event], admission, from, Some(claim))
    }

    fn publish_as(
        &self,
        batch: Vec<Admitted>,
        admission: Admission,
        from: Option<OutletId>,
        claim: Option<Claim>,
    ) -> Receipt {
        self.0.published.add(batch.len() as u64);
        let (root, receipt) = receipt::receipt(admission);
        let mut round = Round { from, claim, ..Round::new(Custody::Here, Roots::One(&root)) };
        for event in batch {
            if self.route(&mut round, event, false) == 0 {
                self.0.unrouted.one();
            }
        }
        self.finish(round);
        root.nothing();
        receipt
    }

    /// The same for somebody who answers for the events until the receipts say who has them, one for each destination;
    /// none at all when nobody of the audience wants any event of the batch. What the events take from the byte budget
    /// stays with whoever brought them.
    #[must_use]
    pub fn pass(&self, batch: Vec<Admitted>, audience: Audience<'_>) -> Passed {
        let first = !matches!(audience, Audience::Only(_));
        self.0.published.add(if first { batch.len() as u64 } else { 0 });
        let mut roots = Vec::new();
        let mut round = Round { audience, ..Round::new(Custody::Sender, Roots::Each(&mut roots)) };
        for event in batch {
            if self.route(&mut round, event, false) == 0 && audience.is_everybody() {
                self.0.unrouted.one();
            }
        }
        self.finish(round);
        receipt::passed(roots)
    }

    /// The same for one direct event, without a receipt. Returns how many outlets it was offered to.
    pub fn publish_direct(&self, event: Admitted, from: Option<OutletId>) -> usize {
        self.0.published.one();
        // One that is to be kept is held by nobody else on its way to the disk, so it takes its room here.
        let bytes = event.event().payload.len() + EVENT_OVERHEAD_BYTES;
        let kept = (event.is_last_value() || event.is_diverted()).then(|| self.0.budget.try_take(bytes).ok());
        match kept {
            Some(None) if event.is_diverted() => {
                self.0.undiverted.one();
                return 0;
            }
            Some(None) => self.0.unkept.one(),
            _ => {}
        }
        let event = if matches!(kept, Some(None)) { event.unkept() } else { event };
        let root = kept.flatten().map(receipt::receipt);
        let roots = root.as_ref().map_or(Roots::None, |(root, _)| Roots::One(root));
        let mut round = Round { from, ..Round::new(Custody::Nobody, roots) };
        let routed = self.route(&mut round, event, false);
        if routed == 0 {
            self.0.unrouted.one();
        }
        self.finish(round);
        if let Some((root, _nobody_waits)) = root {
            root.nothing();
        }
        routed
    }

    /// Whether anybody wants anything of a topic.
    #[cfg(test)]
    pub(crate) fn knows(&self, topic: &Topic) -> bool {
        let mut matches = self.0.table.matches(topic);
        table::leave_out_excepted(&mut matches);
        !matches.is_empty()
    }

    /// The queues of this agent that want an event which another one brings.
    #[must_use]
    pub fn queues(&self, event: &Admitted) -> Keys {
        let mut queues = Keys::new();
        if event.is_recalled() && event.event().mode == DeliveryMode::Direct {
            return queues;
        }
        let mut matches = self.0.table.matches(&event.event().topic);
        table::leave_out_excepted(&mut matches);
        for entry in matches {
            let its = entry.takes.has(Custody::Here) && entry.attached.reach == Reach::Local;
            let its = its && (!event.is_recalled() || entry.takes.has_recalled());
            if let (Place::Queue(number), true) = (&entry.attached.place, its) {
                queues.push(*number);
            }
        }
        queues.sort_unstable();
        queues.dedup();
        queues
    }

    /// Whether a queue wants a topic.
    #[must_use]
    pub fn is_for(&self, queue: Key, topic: &Topic) -> bool {
        let mut matches = self.0.table.matches(topic);
        table::leave_out_excepted(&mut matches);
        matches.iter().any(|entry| matches!(entry.attached.place, Place::Queue(number) if number == queue))
    }

    /// Brings events that came from another agent to the local outlets that nobody waits for; queues have them already
    /// (`kept`: so many deliveries).
    pub fn show(&self, batch: Vec<Arrival>, kept: u64) {
        self.0.arrived.add(batch.len() as u64);
        let mut round = Round { arrived: true, ..Round::new(Custody::Here, Roots::None) };
        let mut routed = 0;
        for Arrival { event, redelivered } in batch {
            routed += self.route(&mut round, event, redelivered) as u64;
        }
        self.0.remote_deliveries.add(routed + kept);
        self.finish(round);
    }

    fn route(&self, round: &mut Round<'_>, event: Admitted, redelivered: bool) -> usize {
        if event.is_diverted() {
            round.diverted.push(event);
            return 1;
        }
        let guaranteed = event.event().mode == DeliveryMode::Guaranteed;
        let custody = if guaranteed { round.custody } else { Custody::Nobody };
        let mut matches = self.0.table.matches(&event.event().topic);
        table::leave_out_excepted(&mut matches);
        matches.retain(|entry| {
            let fits = match entry.attached.place {
                Place::Outlet(_) => !round.arrived || entry.attached.reach == Reach::Local,
                // Queues are for guaranteed events, whatever they subscribed for.
                Place::Queue(_) => guaranteed && !round.arrived,
            };
            let fits = fits && (!event.is_recalled() || entry.takes.has_recalled());
            fits && entry.takes.has(custody) && (custody != Custody::Sender || round.audience.has(entry.destination))
        });
        matches.sort_unstable();
        // Several filters under one key may match: another agent, which has one key, is one destination.
        matches.dedup_by_key(|entry| entry.subscription());
        let mut routed = 0;
        let mut queues = Keys::new();
        for group in matches.chunk_by(|a, b| a.attached.id == b.attached.id) {
            let attached = &group[0].attached;
            routed += 1;
            let outlet = match &attached.place {
                Place::Outlet(outlet) => outlet,
                Place::Queue(number) => {
                    queues.push(*number);
                    continue;
                }
            };
            let (mut hold, mut shares) = (None, Shares::new());
            if custody == Custody::Sender && attached.reach == Reach::Remote {
                shares.extend(group.iter().filter_map(|entry| round.roots.split(entry.destination)));
            } else if guaranteed {
                hold = round.roots.split(group[0].destination);
            }
            let matched = group.iter().map(|entry| entry.key).collect();
            let (event, from) = (event.clone(), round.from);
            outlet.offer(Delivery { event, matched, hold, shares, redelivered, doubt: false, from, seq: None });
            if !round.touched.iter().any(|seen| seen.id == attached.id) {
                round.touched.push(attached.clone());
            }
        }
        if !queues.is_empty() || (event.is_last_value() && !round.arrived) {
            queues.sort_unstable();
            queues.dedup();
            round.kept.push(Kept { event, queues, redelivered });
        }
        routed
    }

    /// Hands over what queues shall have, and wakes the outlets.
    fn finish(&self, round: Round<'_>) {
        let Round { mut roots, touched, kept, diverted, claim, .. } = round;
        if !kept.is_empty() {
            // Nobody waits for a direct event that is to be the last value of its topic.
            let hold = roots.split(DestinationId::QUEUES);
            // Without a keeper the duty is dropped, which counts as lost: nobody is told that it is safe.
            if let Some(keeper) = self.0.keeper.get().and_then(Weak::upgrade) {
                keeper.keep(kept, claim, hold);
            }
        }
        if !diverted.is_empty() {
            let hold = roots.split(DestinationId::QUEUES);
            if let Some(keeper) = self.0.keeper.get().and_then(Weak::upgrade) {
                keeper.divert(diverted, claim, hold);
            }
        }
        for attached in &touched {
            if let Place::Outlet(outlet) = &attached.place {
                outlet.flush();
            }
        }
    }
}

#[cfg(test)]
mod tests;
