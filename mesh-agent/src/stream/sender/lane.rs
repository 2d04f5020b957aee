//! One lane of a sender: what was sent and is not in custody, and what waits.

use std::collections::VecDeque;
use std::time::Duration;

use mesh_protocol::frame::{self, SkipReason};
use mesh_protocol::id::{Lane, Seq};

use crate::mutant::{Mutant, planted};

use super::flight::Flight;
use super::{Moment, Out, Polled, Run, RunEvent, Settings};

/// What has arrived and is not in custody after this goes again: its destination may have forgotten that it arrived.
const PROBE_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct SendLane<P, H> {
    /// The destination has custody up to here.
    pub(super) floor: Seq,
    /// The destination has everything up to here, custody maybe pending.
    pub(super) arrived: Seq,
    /// What was sent last: the `prev` of the next new event.
    pub(super) tail: Seq,
    pub(super) credit_bytes: u64,
    pub(super) sent: VecDeque<Sent<P, H>>,
    pub(super) sent_bytes: u64,
    pub(super) unsent: VecDeque<Unsent<P, H>>,
    pub(super) unsent_bytes: u64,
    /// The destination's mark is below the floor: it must be told to skip from there.
    pub(super) skip_from: Option<Seq>,
    /// How long the last event that arrived at its first attempt took until that was told.
    pub(super) sampled: Option<Duration>,
    /// Refused there and not in this chain, with the event before each.
    pub(super) passed: Vec<(Seq, Seq)>,
    /// Up to here the destination's spool has said that it has custody.
    pub(super) acked: Seq,
    /// The same at the end of its last epoch: it cannot be less in this one.
    pub(super) promised: Seq,
    /// Up to here the destination has lost what it had.
    pub(super) lost_up_to: Seq,
    /// Up to here an earlier process may have sent more than this one knows of.
    pub(super) horizon: Seq,
    /// Duties that turned out to be fulfilled.
    pub(super) fulfilled: Vec<H>,
    pub(super) paused_until: Moment,
    pub(super) pauses: u32,
}

#[derive(Debug)]
pub(super) struct Sent<P, H> {
    pub(super) seq: Seq,
    pub(super) prev: Seq,
    pub(super) bytes: u64,
    pub(super) content: Content<P>,
    pub(super) hold: Option<H>,
    pub(super) sent_at: Moment,
    pub(super) tries: u32,
    pub(super) due: bool,
    pub(super) redelivered: bool,
    /// The destination refuses it, and that is being dealt with until then: it is not sent meanwhile.
    pub(super) refused_until: Option<Moment>,
}

impl<P, H> Sent<P, H> {
    pub(super) fn is_refused(&self, now: Moment) -> bool {
        self.refused_until.is_some_and(|until| now < until)
    }
}

#[derive(Debug)]
pub(super) enum Content<P> {
    Event(P),
    Gone(SkipReason),
}

#[derive(Debug)]
pub(super) struct Unsent<P, H> {
    pub(super) seq: Seq,
    pub(super) bytes: u64,
    pub(super) redelivered: bool,
    pub(super) payload: P,
    pub(super) hold: H,
}

pub(super) fn backoff(first: Duration, longest: Duration, tries: u32) -> Duration {
    first.saturating_mul(1 << tries.min(16)).min(longest)
}

impl<P: Clone, H> SendLane<P, H> {
    pub(super) fn new(credit_bytes: u64) -> Self {
        Self {
            floor: Seq::START,
            arrived: Seq::START,
            tail: Seq::START,
            credit_bytes,
            sent: VecDeque::new(),
            sent_bytes: 0,
            unsent: VecDeque::new(),
            unsent_bytes: 0,
            skip_from: None,
            sampled: None,
            passed: Vec::new(),
            acked: Seq::START,
            promised: Seq::START,
            lost_up_to: Seq::START,
            horizon: Seq::START,
            fulfilled: Vec::new(),
            paused_until: Moment::default(),
            pauses: 0,
        }
    }

    pub(super) fn backlog(&self) -> (u64, u64) {
        let held = self.sent.iter().filter(|sent| sent.hold.is_some()).count() + self.unsent.len();
        (held as u64, self.sent_bytes + self.unsent_bytes)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.sent.is_empty() && self.unsent.is_empty() && self.fulfilled.is_empty()
    }

    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.sent_bytes == 0 || self.sent_bytes + bytes <= self.credit_bytes
    }

    /// The destination has forgotten its marks: it learns the floor, and everything that was sent goes again, flagged.
    pub(super) fn start_over(&mut self, credit_bytes: u64) {
        self.arrived = self.floor;
        self.credit_bytes = credit_bytes;
        self.paused_until = Moment::default();
        self.skip_from = (self.floor != Seq::START).then_some(Seq::START);
        (self.acked, self.promised, self.lost_up_to) = (Seq::START, Seq::START, Seq::START);
        for sent in &mut self.sent {
            sent.due = true;
            sent.redelivered = true;
            sent.tries = 0;
        }
    }

    /// The destination has forgotten what it had beyond a mark: it is told that this never comes.
    pub(super) fn fall_back(&mut self, mark: Seq) {
        self.lost_up_to = std::mem::replace(&mut self.promised, Seq::START);
        self.acked = mark;
        self.skip_from = Some(mark);
    }

    /// The destination refuses what would be at this index and is not there: an earlier process has dealt with it, or it has
    /// expired since. The lane waits there for a word.
    pub(super) fn pass(&mut self, index: usize, seq: Seq) {
        // What comes after all that was offered may still be offered.
        let is_dealt_with = seq < self.tail && self.unsent.iter().all(|item| item.seq != seq);
        if planted(Mutant::RefusalUnanswered) {
            return;
        }
        if seq <= self.floor {
            self.skip_from = Some(Seq::START);
        } else if is_dealt_with {
            let before = index.checked_sub(1).map_or(self.floor, |before| self.sent[before].seq);
            self.passed.retain(|(_, its)| *its != seq);
            self.passed.push((before, seq));
        }
    }

    pub(super) fn due_from_arrived(&mut self) {
        let arrived = self.arrived;
        for sent in self.sent.iter_mut().filter(|sent| sent.seq > arrived) {
            sent.due = true;
        }
    }

    pub(super) fn send(&mut self, now: Moment, item: Unsent<P, H>) -> Seq {
        let prev = std::mem::replace(&mut self.tail, item.seq);
        self.sent_bytes += item.bytes;
        self.sent.push_back(Sent {
            seq: item.seq,
            prev,
            bytes: item.bytes,
            content: Content::Event(item.payload),
            hold: Some(item.hold),
            sent_at: now,
            tries: 0,
            due: false,
            redelivered: item.redelivered,
            refused_until: None,
        });
        prev
    }

    /// The oldest events that did not arrive in time are due again: a frame's worth, as a probe. Whether there were any.
    pub(super) fn expire(&mut self, now: Moment, settings: &Settings) -> bool {
        let arrived = self.arrived;
        if let Some(first) = self.sent.front_mut()
            && first.seq <= arrived
            && now.since(first.sent_at) >= PROBE_AFTER
        {
            first.due = true;
        }
        let Some(oldest) = self.sent.iter().position(|sent| sent.seq > arrived) else { return false };
        let wait = backoff(settings.resend_after, settings.resend_after_max, self.sent[oldest].tries);
        if self.sent[oldest].due || now.since(self.sent[oldest].sent_at) < wait {
            return false;
        }
        let mut bytes = 0;
        for sent in self.sent.range_mut(oldest..) {
            if bytes > frame::TARGET_BYTES as u64 {
                break;
            }
            bytes += sent.bytes;
            sent.due = true;
        }
        true
    }

    pub(super) fn poll_due(
        &mut self,
        now: Moment,
        lane: Lane,
        left: &mut usize,
        permit: &mut impl FnMut(&P) -> bool,
        polled: &mut Polled<P, H>,
    ) {
        if let Some(after) = self.skip_from.take() {
            let reason = if after < self.lost_up_to { SkipReason::Lost } else { SkipReason::Custody };
            polled.out.push(Out::Skip { lane, after, up_to: self.floor, reason });
        }
        let passed = std::mem::take(&mut self.passed).into_iter();
        let reason = SkipReason::Refused;
        polled.out.extend(passed.map(|(after, up_to)| Out::Skip { lane, after, up_to, reason }));
        let mut runs = Runs::new(lane, true);
        for sent in self.sent.iter_mut().filter(|sent| sent.due && !sent.is_refused(now)) {
            if *left == 0 {
                break;
            }
            sent.due = false;
            sent.sent_at = now;
            sent.tries = sent.tries.saturating_add(1);
            if let Content::Event(payload) = &sent.content {
                if permit(payload) || planted(Mutant::ResendIgnoresScope) {
                    *left = left.saturating_sub(usize::try_from(sent.bytes).unwrap_or(usize::MAX));
                    let event = RunEvent { seq: sent.seq, redelivered: sent.redelivered, payload: payload.clone() };
                    runs.push(sent.prev, event, sent.bytes);
                    continue;
                }
                sent.content = Content::Gone(SkipReason::Withdrawn);
                self.sent_bytes -= std::mem::take(&mut sent.bytes);
                polled.withdrawn.extend(sent.hold.take());
            }
            if let Content::Gone(reason) = sent.content {
                runs.out.push(Out::Skip { lane, after: sent.prev, up_to: sent.seq, reason });
            }
        }
        polled.out.append(&mut runs.out);
    }

    pub(super) fn poll_new(
        &mut self,
        now: Moment,
        lane: Lane,
        (flight, others): (&mut Flight, u64),
        permit: &mut impl FnMut(&P) -> bool,
        polled: &mut Polled<P, H>,
    ) {
        let mut runs = Runs::new(lane, false);
        let before = self.sent_bytes;
        while let Some(next) = self.unsent.front() {
            let under_way = others + self.sent_bytes - before;
            if !self.has_room(next.bytes) || !flight.allows(under_way, next.bytes) {
                break;
            }
            let item = self.unsent.pop_front().expect("it was just looked at");
            self.unsent_bytes -= item.bytes;
            if !permit(&item.payload) {
                polled.withdrawn.push(item.hold);
                continue;
            }
            let (bytes, event) =
                (item.bytes, RunEvent { seq: item.seq, redelivered: item.redelivered, payload: item.payload.clone() });
            let prev = self.send(now, item);
            runs.push(prev, event, bytes);
        }
        polled.out.append(&mut runs.out);
    }

    pub(super) fn on_ack(&mut self, now: Moment, arrived: Seq, up_to: Seq, credit_bytes: u64) -> Vec<H> {
        self.credit_bytes = credit_bytes;
        self.acked = self.acked.max(up_to);
        self.sampled = None;
        if arrived < self.arrived {
            // It has forgotten what it had no custody of, or this came late.
            self.arrived = arrived;
        } else if arrived > self.arrived {
            let before = std::mem::replace(&mut self.arrived, arrived);
            self.pauses = 0;
            for sent in self.sent.iter_mut().take_while(|sent| sent.seq <= arrived) {
                if sent.seq > before && sent.tries == 0 {
                    self.sampled = Some(now.since(sent.sent_at));
                }
                // What is gone stays due until the destination has passed it.
                sent.due &= matches!(sent.content, Content::Gone(_));
            }
        }
        let mut done = Vec::new();
        while self.sent.front().is_some_and(|sent| sent.seq <= up_to) {
            let sent = self.sent.pop_front().expect("it was just looked at");
            self.sent_bytes -= sent.bytes;
            done.extend(sent.hold);
        }
        self.floor = self.floor.max(up_to);
        self.arrived = self.arrived.max(self.floor);
        if self.floor > self.tail {
            // An earlier process had sent more: nothing of that goes again.
            self.tail = self.floor;
            self.skip_from = None;
            while self.unsent.front().is_some_and(|item| item.seq <= self.floor) {
                let item = self.unsent.pop_front().expect("it was just looked at");
                self.unsent_bytes -= item.bytes;
                done.push(item.hold);
            }
        }
        done
    }
}

/// Collects events into runs that are unbroken and small enough for one frame.
struct Runs<P> {
    lane: Lane,
    again: bool,
    bytes: u64,
    out: Vec<Out<P>>,
}

impl<P> Runs<P> {
    fn new(lane: Lane, again: bool) -> Self {
        Self { lane, again, bytes: 0, out: Vec::new() }
    }

    fn push(&mut self, prev: Seq, event: RunEvent<P>, bytes: u64) {
        let room = self.bytes + bytes <= frame::TARGET_BYTES as u64;
        if let Some(Out::Run(run)) = self.out.last_mut()
            && room
            && run.events.len() < frame::EVENTS_MAX
            && run.events.last().is_some_and(|last| last.seq == prev)
        {
            run.events.push(event);
            self.bytes += bytes;
            return;
        }
        self.bytes = bytes;
        self.out.push(Out::Run(Run { lane: self.lane, prev, events: vec![event], again: self.again }));
    }
}
