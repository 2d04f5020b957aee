//! The destination's side of the streams from one epoch of one origin.
//!
//! ```text
//!              custody          arrived
//! ... done ... | pending batches | ahead: kept aside, beyond a hole ...
//! ```
//! A batch is handed over as soon as it has arrived in order; it moves the lane's mark from the end of the one before to
//! its own, and whoever takes it makes events and mark durable together, or neither: a batch whose turn it is not is
//! refused. A batch that is lost (not taken, for now) rewinds the lane: nothing more is handed over until all open answers
//! are there, then everything from the lost batch on goes again, in smaller batches. Nothing is handed over behind an event that is refused for
//! good until the origin has answered for it.

mod lane;

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_protocol::frame::SkipReason;
use mesh_protocol::id::{Lane, Seq};

use super::Moment;
use lane::{Ahead, RecvLane};

/// Wait before a lost batch is delivered again; doubled up to the longest.
const REDELIVER_AFTER: Duration = Duration::from_millis(100);
const REDELIVER_AFTER_MAX: Duration = Duration::from_secs(5);
/// A hole is not reported more often than this.
const NACK_INTERVAL: Duration = Duration::from_millis(40);

/// Names a delivered batch of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What shall become of an event that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<E> {
    /// Deliver it.
    Take(E),
    /// It can never be taken, for this reason.
    Refuse(String),
}

/// An event as it came in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming<E> {
    /// Its place at the origin.
    pub seq: Seq,
    /// The origin says that it may have been delivered before.
    pub redelivered: bool,
    /// Its size.
    pub bytes: usize,
    /// Policy's word about it.
    pub verdict: Verdict<E>,
}

/// Events to take together, in order, with the lane's mark; answered with [`Receiver::settle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<E> {
    /// On which lane.
    pub lane: Lane,
    /// To be given back.
    pub ticket: Ticket,
    /// Where the lane's mark must be for it,
    pub after: Seq,
    /// and where it is then.
    pub up_to: Seq,
    /// The events and whether they may have been delivered before; none when only the mark moves.
    pub events: Vec<(E, bool)>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Custody is taken.
    Taken,
    /// No answer: deliver it again.
    Lost,
}

/// What must be told to the origin about one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which lane.
    pub lane: Lane,
    /// Everything up to here is there.
    pub arrived: Seq,
    /// Everything up to here is in custody.
    pub up_to: Seq,
    /// Bytes beyond `up_to` that have room.
    pub credit_bytes: u64,
    /// Events refused for good that the origin has not answered for.
    pub refused: Vec<(Seq, String)>,
    /// Holes: (after, up to].
    pub missing: Vec<(Seq, Seq)>,
}

/// Counters of a receiver, taken by [`Receiver::take_counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that had arrived already.
    pub duplicates: u64,
    /// Events dropped because too much was kept aside; they are asked for again.
    pub overflow: u64,
    /// Gaps: ranges that the origin has lost.
    pub gaps: u64,
    /// Batches delivered again because their receipt was lost.
    pub redelivered: u64,
}

/// Streams of one epoch of one origin; `E` is an event ready to be delivered.
#[derive(Debug)]
pub struct Receiver<E> {
    window_bytes: u64,
    /// That of the link to the origin while nothing queues in front of it; zero = not known.
    round_trip: Duration,
    /// Where lanes begin that were known before.
    marks: BTreeMap<Lane, Seq>,
    lanes: BTreeMap<Lane, RecvLane<E>>,
    counts: Counts,
}

impl<E: Clone> Receiver<E> {
    /// A receiver that gives every lane at least so much credit, and more over a long link; it goes on at these marks.
    #[must_use]
    pub fn new(window_bytes: u64, marks: BTreeMap<Lane, Seq>) -> Self {
        Self { window_bytes, round_trip: Duration::ZERO, marks, lanes: BTreeMap::new(), counts: Counts::default() }
    }

    /// The shortest round trip to the origin that was seen lately: what a long link has under way needs room.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }

    fn lane(&mut self, lane: Lane) -> (&mut RecvLane<E>, &mut Counts) {
        let mark = self.marks.get(&lane).copied().unwrap_or(Seq::START);
        let state = self.lanes.entry(lane).or_insert_with(|| RecvLane::new(mark, self.window_bytes));
        (state, &mut self.counts)
    }

    /// Events came in a frame. Returns what can be delivered now, in this order.
    #[must_use]
    pub fn on_events(&mut self, lane: Lane, prev: Seq, events: Vec<Incoming<E>>) -> Vec<Batch<E>> {
        let (state, counts) = self.lane(lane);
        state.owes_ack = true;
        state.take(prev, Ahead::Events(events), counts);
        state.deliver(lane)
    }

    /// The origin will never send (after, up to]. Returns what can be delivered now.
    #[must_use]
    pub fn on_skip(&mut self, lane: Lane, after: Seq, up_to: Seq, reason: SkipReason) -> Vec<Batch<E>> {
        let (state, counts) = self.lane(lane);
        state.owes_ack = true;
        state.take(after, Ahead::Skip(up_to, reason), counts);
        state.deliver(lane)
    }

    /// What became of a delivered batch. A ticket that is not known any more changes nothing.
    pub fn settle(&mut self, now: Moment, lane: Lane, ticket: Ticket, settled: Settled) {
        let Some(state) = self.lanes.get_mut(&lane) else { return };
        state.settle(now, ticket, settled, self.round_trip);
    }

    /// A lane whose mark is elsewhere by now: an earlier receiver of this process had handed something over that was only
    /// then taken. It goes on there; what was not taken comes again.
    pub fn catch_up(&mut self, lane: Lane, mark: Seq) {
        if self.lanes.get(&lane).is_some_and(|state| state.custody() < mark) {
            self.lanes.insert(lane, RecvLane::new(mark, self.window_bytes));
        }
    }

    /// The origin has given up what it sent on these lanes: what is not handed over yet will not be.
    pub fn give_up(&mut self, lanes: std::ops::Range<u16>) {
        self.lanes.retain(|lane, _| !lanes.contains(&lane.0));
    }

    /// Everything of a lane up to here is there, in order.
    #[must_use]
    pub fn arrived(&self, lane: Lane) -> Seq {
        let known = self.lanes.get(&lane).map(|state| state.arrived);
        known.or_else(|| self.marks.get(&lane).copied()).unwrap_or(Seq::START)
    }

    /// Nothing more will come on these lanes: what is missing is lost, what is refused has been dealt with. Returns what can
    /// be delivered now.
    #[must_use]
    pub fn conclude(&mut self, lanes: std::ops::Range<u16>) -> Vec<Batch<E>> {
        let its = self.lanes.iter_mut().filter(|(lane, _)| lanes.contains(&lane.0));
        let conclude = |(lane, state): (&Lane, &mut RecvLane<E>)| {
            state.conclude(&mut self.counts);
            state.deliver(*lane)
        };
        its.flat_map(conclude).collect()
    }

    /// Whether something has arrived on these lanes that is not in custody.
    #[must_use]
    pub fn is_open_on(&self, lanes: std::ops::Range<u16>) -> bool {
        self.lanes.iter().any(|(lane, state)| lanes.contains(&lane.0) && !state.pending.is_empty())
    }

    /// Delivers again what is due after a loss, as far as whoever shall take it is `ready`: the others at this site that
    /// have it already would only see it again and again.
    #[must_use]
    pub fn poll(&mut self, now: Moment, ready: impl Fn(&E) -> bool) -> Vec<Batch<E>> {
        let mut batches = Vec::new();
        for (lane, state) in &mut self.lanes {
            if state.rewind_if_due(now, &ready) {
                self.counts.redelivered += 1;
            }
            batches.append(&mut state.deliver(*lane));
        }
        batches
    }

    /// What the origin must be told: of lanes where something changed, or of `all`.
    #[must_use]
    pub fn progress(&mut self, now: Moment, all: bool) -> Vec<Progress> {
        let owing = self.lanes.iter_mut().filter(|(_, state)| all || state.owes(now));
        owing.map(|(lane, state)| state.progress(*lane, now)).collect()
    }

    /// Whether something is to be told soon: an ack, a hole, or a batch to be delivered again.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.lanes.values().any(|state| state.owes_ack || !state.ahead.is_empty() || state.rewind.is_some())
    }

    /// What is not in custody on each lane, in words.
    #[cfg(test)]
    pub(crate) fn describe(&self) -> String {
        let is_busy = |state: &RecvLane<E>| !state.pending.is_empty() || !state.ahead.is_empty() || state.owes_ack;
        let words = self.lanes.iter().filter(|(_, state)| is_busy(state)).map(|(lane, state)| {
            let RecvLane { arrived, custody, rewind, .. } = state;
            let aside: Vec<_> = state.ahead.keys().collect();
            let pending = state.pending_states();
            format!("from {}: {custody:?} {arrived:?} aside {aside:?} {rewind:?} {pending:?}", lane.0)
        });
        words.collect::<Vec<_>>().join("; ")
    }

    /// The counters since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }
}
