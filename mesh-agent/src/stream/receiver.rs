//! The destination's side of the streams from one epoch of one origin.
//!
//! ```text
//!              custody          arrived
//! ... done ... | pending batches | ahead: kept aside, beyond a hole ...
//! ```
//! A batch is delivered as soon as it has arrived in order; its ack waits for its receipt. A receipt that is lost (the
//! outlet ended without an answer) rewinds the lane: nothing more is delivered until all open receipts have ended, then
//! everything from the lost batch on goes again, flagged.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mesh_protocol::frame::SkipReason;
use mesh_protocol::id::{Lane, Seq};

use super::Moment;

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

/// Events to deliver together, in order; answered with [`Receiver::settle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<E> {
    /// On which lane.
    pub lane: Lane,
    /// To be given back.
    pub ticket: Ticket,
    /// The events and whether they may have been delivered before.
    pub events: Vec<(E, bool)>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Custody is taken.
    Taken,
    /// One of its events is refused for good.
    Refused(String),
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
    lanes: BTreeMap<Lane, RecvLane<E>>,
    counts: Counts,
}

#[derive(Debug)]
struct RecvLane<E> {
    arrived: Seq,
    custody: Seq,
    pending: VecDeque<Pending<E>>,
    ahead: BTreeMap<Seq, Ahead<E>>,
    ahead_bytes: u64,
    next: u64,
    owes_ack: bool,
    nacked_at: Option<Moment>,
    rewind: Option<Rewind>,
    losses: u32,
}

#[derive(Debug)]
enum Ahead<E> {
    Events(Vec<Incoming<E>>),
    Skip(Seq, SkipReason),
}

#[derive(Debug)]
struct Pending<E> {
    up_to: Seq,
    /// Events with their flag; empty when there is nothing to deliver.
    events: Vec<(Seq, E, bool)>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Arrived while the lane rewinds: not delivered yet.
    Queued,
    Waiting(Ticket),
    Done,
    Lost,
    Refused(String),
}

#[derive(Clone, Copy, Debug)]
struct Rewind {
    not_before: Moment,
}

impl<E: Clone> Receiver<E> {
    /// A receiver that gives every lane so much credit.
    #[must_use]
    pub fn new(window_bytes: u64) -> Self {
        Self { window_bytes, lanes: BTreeMap::new(), counts: Counts::default() }
    }

    /// Events came in a frame. Returns what can be delivered now, in this order.
    #[must_use]
    pub fn on_events(&mut self, lane: Lane, prev: Seq, events: Vec<Incoming<E>>) -> Vec<Batch<E>> {
        let Self { window_bytes, lanes, counts } = self;
        let state = lanes.entry(lane).or_default();
        state.owes_ack = true;
        state.take(prev, Ahead::Events(events), *window_bytes, counts);
        state.deliver(lane)
    }

    /// The origin will never send (after, up to]. Returns what can be delivered now.
    #[must_use]
    pub fn on_skip(&mut self, lane: Lane, after: Seq, up_to: Seq, reason: SkipReason) -> Vec<Batch<E>> {
        let Self { window_bytes, lanes, counts } = self;
        let state = lanes.entry(lane).or_default();
        state.owes_ack = true;
        state.take(after, Ahead::Skip(up_to, reason), *window_bytes, counts);
        state.advance();
        state.deliver(lane)
    }

    /// What became of a delivered batch. A ticket that is not known any more changes nothing.
    pub fn settle(&mut self, now: Moment, lane: Lane, ticket: Ticket, settled: Settled) {
        let Some(state) = self.lanes.get_mut(&lane) else { return };
        state.settle(now, ticket, settled);
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
        let credit_bytes = self.window_bytes;
        let owing = self.lanes.iter_mut().filter(|(_, state)| all || state.owes(now));
        owing.map(|(lane, state)| state.progress(*lane, now, credit_bytes)).collect()
    }

    /// Whether something is to be told soon: an ack, a hole, or a batch to be delivered again.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.lanes.values().any(|state| state.owes_ack || !state.ahead.is_empty() || state.rewind.is_some())
    }

    /// The counters since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }
}

impl<E> Default for RecvLane<E> {
    fn default() -> Self {
        Self {
            arrived: Seq::START,
            custody: Seq::START,
            pending: VecDeque::new(),
            ahead: BTreeMap::new(),
            ahead_bytes: 0,
            next: 0,
            owes_ack: false,
            nacked_at: None,
            rewind: None,
            losses: 0,
        }
    }
}

impl<E: Clone> RecvLane<E> {
    /// Takes what follows the mark, and whatever was kept aside and follows then; keeps aside what is beyond a hole.
    fn take(&mut self, prev: Seq, what: Ahead<E>, window_bytes: u64, counts: &mut Counts) {
        let mut next = Some((prev, what));
        while let Some((prev, what)) = next {
            if prev > self.arrived {
                self.keep_aside(prev, what, window_bytes, counts);
            } else {
                match what {
                    Ahead::Events(events) => self.take_events(prev, events, counts),
                    Ahead::Skip(up_to, reason) => self.take_skip(prev, up_to, reason, counts),
                }
            }
            next = self.next_aside();
        }
    }

    fn next_aside(&mut self) -> Option<(Seq, Ahead<E>)> {
        let first = self.ahead.first_entry().filter(|entry| *entry.key() <= self.arrived)?;
        let (prev, what) = first.remove_entry();
        self.ahead_bytes -= what.bytes();
        Some((prev, what))
    }

    fn keep_aside(&mut self, prev: Seq, what: Ahead<E>, window_bytes: u64, counts: &mut Counts) {
        if self.ahead.get(&prev).is_some_and(|kept| kept.up_to() >= what.up_to()) {
            counts.duplicates += what.events();
            return;
        }
        if self.ahead_bytes > 0 && self.ahead_bytes + what.bytes() > window_bytes {
            counts.overflow += what.events();
            return;
        }
        self.ahead_bytes += what.bytes();
        if let Some(replaced) = self.ahead.insert(prev, what) {
            self.ahead_bytes -= replaced.bytes();
        }
    }

    fn take_events(&mut self, prev: Seq, mut events: Vec<Incoming<E>>, counts: &mut Counts) {
        let known = events.partition_point(|event| event.seq <= self.arrived);
        counts.duplicates += known as u64;
        let prev = if known == 0 { prev } else { events[known - 1].seq };
        events.drain(..known);
        // A remainder that does not follow the mark contradicts what was sent before; it is asked for again.
        if events.is_empty() || prev != self.arrived {
            return;
        }
        for event in events {
            self.arrived = event.seq;
            self.append(event);
        }
    }

    fn append(&mut self, event: Incoming<E>) {
        match event.verdict {
            Verdict::Refuse(reason) => {
                self.pending.push_back(Pending { up_to: event.seq, events: Vec::new(), state: State::Refused(reason) });
            }
            Verdict::Take(payload) => {
                let item = (event.seq, payload, event.redelivered);
                match self.pending.back_mut() {
                    Some(last) if last.state == State::Queued => {
                        last.up_to = event.seq;
                        last.events.push(item);
                    }
                    _ => self.pending.push_back(Pending { up_to: event.seq, events: vec![item], state: State::Queued }),
                }
            }
        }
    }

    fn take_skip(&mut self, after: Seq, up_to: Seq, reason: SkipReason, counts: &mut Counts) {
        if up_to > self.arrived {
            if reason == SkipReason::Lost {
                counts.gaps += 1;
            }
            self.arrived = up_to;
            self.pending.push_back(Pending { up_to, events: Vec::new(), state: State::Done });
            return;
        }
        for pending in &mut self.pending {
            let inside = pending.up_to > after && pending.up_to <= up_to;
            if inside && matches!(pending.state, State::Refused(_)) {
                pending.state = State::Done;
            }
        }
    }

    /// Hands out what waits for delivery, unless the lane rewinds.
    fn deliver(&mut self, lane: Lane) -> Vec<Batch<E>> {
        if self.rewind.is_some() {
            return Vec::new();
        }
        self.advance();
        let mut batches = Vec::new();
        for pending in self.pending.iter_mut().filter(|pending| pending.state == State::Queued) {
            let ticket = Ticket(self.next);
            self.next += 1;
            pending.state = State::Waiting(ticket);
            let events = pending.events.iter().map(|(_, event, redelivered)| (event.clone(), *redelivered)).collect();
            batches.push(Batch { lane, ticket, events });
        }
        batches
    }

    fn settle(&mut self, now: Moment, ticket: Ticket, settled: Settled) {
        let Some(pending) = self.pending.iter_mut().find(|pending| pending.state == State::Waiting(ticket)) else {
            return;
        };
        let single = pending.events.len() == 1;
        let split = matches!(settled, Settled::Refused(_)) && !single;
        pending.state = match settled {
            Settled::Taken => State::Done,
            Settled::Refused(reason) if single => State::Refused(reason),
            // Which event it was shows when each is delivered alone.
            Settled::Refused(_) | Settled::Lost => State::Lost,
        };
        match pending.state {
            State::Lost if split => self.split(now),
            State::Lost => {
                let wait = REDELIVER_AFTER.saturating_mul(1 << self.losses.min(16)).min(REDELIVER_AFTER_MAX);
                self.losses += 1;
                self.rewind_from(now.after(wait));
            }
            State::Done => self.losses = 0,
            _ => {}
        }
        self.owes_ack = true;
        self.advance();
    }

    fn rewind_from(&mut self, not_before: Moment) {
        let not_before = self.rewind.map_or(not_before, |rewind| rewind.not_before.max(not_before));
        self.rewind = Some(Rewind { not_before });
    }

    /// Takes the lost batch apart, so that a refusal names its event.
    fn split(&mut self, now: Moment) {
        let pending = std::mem::take(&mut self.pending);
        for item in pending {
            if item.state == State::Lost && item.events.len() > 1 {
                let alone = item.events.into_iter().map(|event| Pending {
                    up_to: event.0,
                    events: vec![event],
                    state: State::Lost,
                });
                self.pending.extend(alone);
            } else {
                self.pending.push_back(item);
            }
        }
        self.rewind_from(now);
    }

    /// Once every open receipt has ended and the wait is over, everything from the first lost batch on is queued again.
    fn rewind_if_due(&mut self, now: Moment, ready: &impl Fn(&E) -> bool) -> bool {
        let open = self.pending.iter().any(|pending| matches!(pending.state, State::Waiting(_)));
        let Some(rewind) = self.rewind else { return false };
        if open || now < rewind.not_before {
            return false;
        }
        let lost = self.pending.iter().filter(|pending| pending.state == State::Lost);
        if !lost.flat_map(|pending| &pending.events).all(|(_, event, _)| ready(event)) {
            self.rewind = Some(Rewind { not_before: now.after(REDELIVER_AFTER) });
            return false;
        }
        self.rewind = None;
        let Some(first) = self.pending.iter().position(|pending| pending.state == State::Lost) else { return false };
        for pending in self.pending.range_mut(first..) {
            if matches!(pending.state, State::Lost | State::Done) && !pending.events.is_empty() {
                pending.state = State::Queued;
                for event in &mut pending.events {
                    event.2 = true;
                }
            }
        }
        true
    }

    fn advance(&mut self) {
        while self.pending.front().is_some_and(|pending| pending.state == State::Done) {
            let done = self.pending.pop_front().expect("it was just looked at");
            self.custody = done.up_to;
            self.owes_ack = true;
        }
        if self.pending.is_empty() && self.custody != self.arrived {
            self.custody = self.arrived;
            self.owes_ack = true;
        }
    }

    fn owes(&self, now: Moment) -> bool {
        self.owes_ack || (!self.ahead.is_empty() && self.may_nack(now))
    }

    fn may_nack(&self, now: Moment) -> bool {
        self.nacked_at.is_none_or(|at| now.since(at) >= NACK_INTERVAL)
    }

    fn progress(&mut self, lane: Lane, now: Moment, credit_bytes: u64) -> Progress {
        self.owes_ack = false;
        let refused = self.pending.iter().filter_map(|pending| match &pending.state {
            State::Refused(reason) => Some((pending.up_to, reason.clone())),
            _ => None,
        });
        let refused = refused.take(32).collect();
        let missing = if self.may_nack(now) { self.missing() } else { Vec::new() };
        if !missing.is_empty() {
            self.nacked_at = Some(now);
        }
        Progress { lane, arrived: self.arrived, up_to: self.custody, credit_bytes, refused, missing }
    }

    /// The holes before and between what is kept aside.
    fn missing(&self) -> Vec<(Seq, Seq)> {
        let mut mark = self.arrived;
        let mut missing = Vec::new();
        for (prev, what) in &self.ahead {
            if *prev > mark {
                missing.push((mark, *prev));
            }
            mark = mark.max(what.up_to());
        }
        missing.truncate(32);
        missing
    }
}

impl<E> Ahead<E> {
    fn up_to(&self) -> Seq {
        match self {
            Self::Events(events) => events.last().map_or(Seq::START, |event| event.seq),
            Self::Skip(up_to, _) => *up_to,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Events(events) => events.iter().map(|event| event.bytes as u64).sum(),
            Self::Skip(..) => 0,
        }
    }

    fn events(&self) -> u64 {
        match self {
            Self::Events(events) => events.len() as u64,
            Self::Skip(..) => 0,
        }
    }
}
