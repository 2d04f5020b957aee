//! One lane of a receiver: what has arrived and is not in custody, and what is kept aside.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mesh_protocol::frame::SkipReason;
use mesh_protocol::id::{Lane, Seq};

use crate::mutant::{Mutant, planted};

use super::super::window::Window;
use super::{
    Batch, Counts, Incoming, Moment, NACK_INTERVAL, Progress, REDELIVER_AFTER, REDELIVER_AFTER_MAX, Settled, Ticket,
    Verdict,
};

/// The largest window of a lane, in bytes: some Gbit/s at short distances, 200 Mbit/s around the world.
const WINDOW_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct RecvLane<E> {
    pub(super) arrived: Seq,
    pub(super) custody: Seq,
    pub(super) pending: VecDeque<Pending<E>>,
    pub(super) ahead: BTreeMap<Seq, Ahead<E>>,
    pub(super) ahead_bytes: u64,
    pub(super) next: u64,
    pub(super) owes_ack: bool,
    pub(super) nacked_at: Option<Moment>,
    pub(super) rewind: Option<Rewind>,
    pub(super) losses: u32,
    window: Window,
}

#[derive(Debug)]
pub(super) enum Ahead<E> {
    Events(Vec<Incoming<E>>),
    Skip(Seq, SkipReason),
}

#[derive(Debug)]
pub(super) struct Pending<E> {
    up_to: Seq,
    bytes: u64,
    /// Events with their flag; empty when there is nothing to deliver.
    events: Vec<(Seq, E, bool)>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Arrived while the lane rewinds: not delivered yet.
    Queued,
    Waiting(Ticket),
    Done,
    Lost,
    Refused(String),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rewind {
    not_before: Moment,
}

impl<E> RecvLane<E> {
    pub(super) fn new(mark: Seq, window_bytes: u64) -> Self {
        Self {
            arrived: mark,
            custody: mark,
            pending: VecDeque::new(),
            ahead: BTreeMap::new(),
            ahead_bytes: 0,
            next: 0,
            owes_ack: false,
            nacked_at: None,
            rewind: None,
            losses: 0,
            window: Window::new(window_bytes, WINDOW_BYTES_MAX),
        }
    }
}

impl<E: Clone> RecvLane<E> {
    /// Takes what follows the mark, and whatever was kept aside and follows then; keeps aside what is beyond a hole.
    pub(super) fn take(&mut self, prev: Seq, what: Ahead<E>, counts: &mut Counts) {
        let mut next = Some((prev, what));
        while let Some((prev, what)) = next {
            if prev > self.arrived {
                self.keep_aside(prev, what, counts);
            } else {
                match what {
                    Ahead::Events(events) => self.take_events(events, counts),
                    Ahead::Skip(up_to, reason) => self.take_skip(prev, up_to, reason, counts),
                }
            }
            next = self.next_aside();
        }
    }

    /// Nothing more will come: holes are gaps, and nobody answers for what is refused.
    pub(super) fn conclude(&mut self, counts: &mut Counts) {
        while let Some((&prev, _)) = self.ahead.first_key_value() {
            self.take(self.arrived, Ahead::Skip(prev, SkipReason::Lost), counts);
        }
        for pending in &mut self.pending {
            if matches!(pending.state, State::Refused(_)) {
                pending.state = State::Queued;
            }
        }
        self.owes_ack = true;
    }

    fn next_aside(&mut self) -> Option<(Seq, Ahead<E>)> {
        let first = self.ahead.first_entry().filter(|entry| *entry.key() <= self.arrived)?;
        let (prev, what) = first.remove_entry();
        self.ahead_bytes -= what.bytes();
        Some((prev, what))
    }

    fn keep_aside(&mut self, prev: Seq, what: Ahead<E>, counts: &mut Counts) {
        if self.ahead.get(&prev).is_some_and(|kept| kept.up_to() >= what.up_to()) {
            counts.duplicates += what.events();
            return;
        }
        if self.ahead_bytes > 0 && self.ahead_bytes + what.bytes() > self.window.bytes() {
            counts.overflow += what.events();
            return;
        }
        self.ahead_bytes += what.bytes();
        if let Some(replaced) = self.ahead.insert(prev, what) {
            self.ahead_bytes -= replaced.bytes();
        }
    }

    /// Takes what follows on something at or below the mark. The mark may be in between: an earlier process of the origin had
    /// sent what has expired or is forbidden by now, and is not in this one's chain.
    fn take_events(&mut self, mut events: Vec<Incoming<E>>, counts: &mut Counts) {
        let known = events.partition_point(|event| event.seq <= self.arrived);
        counts.duplicates += known as u64;
        for event in events.drain(known..) {
            self.arrived = event.seq;
            self.append(event);
        }
    }

    fn append(&mut self, event: Incoming<E>) {
        let bytes = event.bytes as u64;
        match event.verdict {
            Verdict::Refuse(reason) => {
                self.pending.push_back(Pending {
                    up_to: event.seq,
                    bytes,
                    events: Vec::new(),
                    state: State::Refused(reason),
                });
            }
            Verdict::Take(payload) => {
                let item = (event.seq, payload, event.redelivered);
                match self.pending.back_mut() {
                    Some(last) if last.state == State::Queued => {
                        last.up_to = event.seq;
                        last.bytes += bytes;
                        last.events.push(item);
                    }
                    _ => self.pending.push_back(Pending {
                        up_to: event.seq,
                        bytes,
                        events: vec![item],
                        state: State::Queued,
                    }),
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
            match self.pending.back_mut() {
                Some(last) if last.state == State::Queued => last.up_to = up_to,
                _ => self.pending.push_back(Pending { up_to, bytes: 0, events: Vec::new(), state: State::Queued }),
            }
            return;
        }
        for pending in &mut self.pending {
            let inside = pending.up_to > after && pending.up_to <= up_to;
            if inside && matches!(pending.state, State::Refused(_)) {
                pending.events.clear();
                pending.state = State::Queued;
            }
        }
    }

    /// Hands out what waits for delivery, unless the lane rewinds.
    pub(super) fn deliver(&mut self, lane: Lane) -> Vec<Batch<E>> {
        if self.rewind.is_some() {
            return Vec::new();
        }
        self.advance();
        let mut batches = Vec::new();
        let mut after = self.custody;
        for pending in &mut self.pending {
            match pending.state {
                State::Queued => {
                    let ticket = Ticket(self.next);
                    self.next += 1;
                    pending.state = State::Waiting(ticket);
                    let events = pending.events.iter().map(|(_, event, flag)| (event.clone(), *flag)).collect();
                    batches.push(Batch { lane, ticket, after, up_to: pending.up_to, events });
                }
                State::Refused(_) => break,
                State::Waiting(_) | State::Done | State::Lost => {}
            }
            after = pending.up_to;
        }
        batches
    }

    pub(super) fn settle(&mut self, now: Moment, ticket: Ticket, settled: Settled, round_trip: Duration) {
        let Some(pending) = self.pending.iter_mut().find(|pending| pending.state == State::Waiting(ticket)) else {
            return;
        };
        match settled {
            Settled::Taken => {
                pending.state = State::Done;
                self.losses = 0;
                self.window.took(now, pending.bytes, round_trip);
            }
            Settled::Lost => {
                pending.state = State::Lost;
                let wait = REDELIVER_AFTER.saturating_mul(1 << self.losses.min(16)).min(REDELIVER_AFTER_MAX);
                self.losses += 1;
                let not_before = now.after(wait);
                let not_before = self.rewind.map_or(not_before, |rewind| rewind.not_before.max(not_before));
                self.rewind = Some(Rewind { not_before });
            }
        }
        self.owes_ack = true;
        self.advance();
    }

    /// Where custody is.
    pub(super) fn custody(&self) -> Seq {
        self.custody
    }

    /// Once every open answer is there and the wait is over, everything from the first lost batch on is queued again, in
    /// halves: a queue with little room, or a small one, may never have room for all of it at once. None of it was taken,
    /// so none of it is flagged.
    pub(super) fn rewind_if_due(&mut self, now: Moment, ready: &impl Fn(&E) -> bool) -> bool {
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
        for pending in self.pending.split_off(first) {
            if pending.state == State::Lost {
                self.pending.extend(pending.halves());
            } else {
                self.pending.push_back(pending);
            }
        }
        true
    }

    fn advance(&mut self) {
        let is_over = |state: &State| *state == State::Done || (planted(Mutant::AckOverHole) && *state == State::Lost);
        while self.pending.front().is_some_and(|pending| is_over(&pending.state)) {
            let done = self.pending.pop_front().expect("it was just looked at");
            self.custody = done.up_to;
            self.owes_ack = true;
        }
    }

    pub(super) fn owes(&self, now: Moment) -> bool {
        self.owes_ack || (!self.ahead.is_empty() && self.may_nack(now))
    }

    fn may_nack(&self, now: Moment) -> bool {
        self.nacked_at.is_none_or(|at| now.since(at) >= NACK_INTERVAL)
    }

    pub(super) fn progress(&mut self, lane: Lane, now: Moment) -> Progress {
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
        let credit_bytes = self.window.bytes();
        let up_to = if planted(Mutant::AckOnArrival) { self.arrived } else { self.custody };
        Progress { lane, arrived: self.arrived, up_to, credit_bytes, refused, missing }
    }

    #[cfg(test)]
    pub(super) fn pending_states(&self) -> Vec<(Seq, usize, State)> {
        self.pending.iter().map(|pending| (pending.up_to, pending.events.len(), pending.state.clone())).collect()
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

impl<E> Pending<E> {
    /// The same as two batches to be delivered, or as one when it cannot be less.
    fn halves(mut self) -> impl Iterator<Item = Self> {
        let second = if planted(Mutant::BatchNeverSplit) {
            Vec::new()
        } else {
            self.events.split_off(self.events.len().div_ceil(2))
        };
        let (up_to, middle) = (self.up_to, self.events.last().map(|(seq, ..)| *seq));
        // What each half weighs only tells the window how fast the spool takes; by count is close enough.
        let all = (self.events.len() + second.len()).max(1) as u64;
        let weight = self.bytes;
        let of = |up_to, events: Vec<_>| {
            let bytes = weight * events.len() as u64 / all;
            Self { up_to, bytes, events, state: State::Queued }
        };
        match middle.filter(|_| !second.is_empty()) {
            Some(middle) => [Some(of(middle, self.events)), Some(of(up_to, second))],
            None => [Some(of(up_to, self.events)), None],
        }
        .into_iter()
        .flatten()
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
