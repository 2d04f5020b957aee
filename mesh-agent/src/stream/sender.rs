//! The origin's side of the streams to one destination.

mod answers;
mod flight;
mod lane;

use std::time::Duration;

use mesh_protocol::frame::SkipReason;
use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};

use super::Moment;
use crate::mutant::{Mutant, planted};
use answers::Answers;
use flight::Flight;
use lane::{Content, SendLane, Sent, Unsent, backoff};

/// Until an event is sent again: its way, its answer's, and what both may wait for meanwhile.
const ROUND_TRIPS_PER_ATTEMPT: u32 = 3;

/// A refusal that was not dealt with by then is one again.
const REFUSAL_AGAIN: Duration = Duration::from_secs(5);

/// What the sender may use.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Credit of a lane before the destination has said anything, in bytes.
    pub initial_credit_bytes: u64,
    /// Wait before an event that did not arrive is sent again; doubled with every attempt up to `resend_after_max`.
    pub resend_after: Duration,
    /// Longest wait between attempts.
    pub resend_after_max: Duration,
    /// Most bytes sent again in one poll: a returning destination is not flooded.
    pub resend_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            initial_credit_bytes: 64 * 1024,
            resend_after: Duration::from_millis(300),
            resend_after_max: Duration::from_secs(5),
            resend_bytes_max: 256 * 1024,
        }
    }
}

/// Guaranteed events on their way to one destination: `P` is what is sent, `H` the duty to tell what became of it.
#[derive(Debug)]
pub struct Sender<P, H> {
    settings: Settings,
    peer: Option<(SpoolId, Epoch)>,
    reachable: bool,
    round_trip: Duration,
    /// The same while nothing queues on the way; zero = not known.
    shortest: Duration,
    flight: Flight,
    answers: Answers,
    /// The lane whose turn is first in the next poll.
    turn: usize,
    lanes: Vec<SendLane<P, H>>,
}

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out<P> {
    /// Events.
    Run(Run<P>),
    /// A range that will never be sent.
    Skip {
        /// On which lane.
        lane: Lane,
        /// From this mark,
        after: Seq,
        /// to this one.
        up_to: Seq,
        /// Why.
        reason: SkipReason,
    },
}

/// Events that follow each other on one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<P> {
    /// The lane.
    pub lane: Lane,
    /// What was sent on it before the first of them.
    pub prev: Seq,
    /// At least one.
    pub events: Vec<RunEvent<P>>,
    /// Sent before, and missing there.
    pub again: bool,
}

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent<P> {
    /// Its place at the origin.
    pub seq: Seq,
    /// The destination may have delivered it in an earlier epoch.
    pub redelivered: bool,
    /// What to send.
    pub payload: P,
}

/// What a poll gave.
#[derive(Debug)]
pub struct Polled<P, H> {
    /// To be sent now, in this order.
    pub out: Vec<Out<P>>,
    /// Events that policy forbids meanwhile.
    pub withdrawn: Vec<H>,
    /// Duties that turned out to be fulfilled: an earlier process has sent these.
    pub done: Vec<H>,
}

/// An ack that cannot be: one of the two has lost its memory. To be counted and alarmed; the stream goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError<H> {
    /// It speaks of events that this process does not know of: its disk was put back to an earlier state, say. What it does
    /// know on this lane is in custody; these are its duties.
    #[error("the destination's mark is above the last event sent")]
    Ahead(Vec<H>),
    /// The destination came back without what it had custody of, which is not here any more. It is told of the gap.
    #[error("the destination's mark is below what it had custody of")]
    Fallen,
}

impl<P: Clone, H> Sender<P, H> {
    /// Streams to a destination that is not known yet.
    #[must_use]
    pub fn new(lanes: u16, settings: Settings) -> Self {
        let lanes = (0..lanes).map(|_| SendLane::new(settings.initial_credit_bytes)).collect();
        Self {
            settings,
            peer: None,
            reachable: false,
            round_trip: Duration::ZERO,
            shortest: Duration::ZERO,
            flight: Flight::default(),
            answers: Answers::default(),
            turn: 0,
            lanes,
        }
    }

    /// The destination's spool and epoch, once it has been heard.
    #[must_use]
    pub fn peer(&self) -> Option<(SpoolId, Epoch)> {
        self.peer
    }

    /// The destination was heard. `keeps_marks`: its spool is durable, so a new epoch knows what the old one had.
    pub fn meet(&mut self, spool: SpoolId, epoch: Epoch, keeps_marks: bool) {
        let known = self.peer.replace((spool, epoch));
        match known {
            Some(before) if before == (spool, epoch) => {}
            Some((before, _)) if before == spool && keeps_marks => {
                self.lanes.iter_mut().for_each(|lane| lane.promised = lane.acked);
                self.resume();
            }
            Some(_) => self.start_over(),
            None => {}
        }
    }

    /// Whether the destination can be reached now. When it comes back, what did not arrive is sent again.
    pub fn set_reachable(&mut self, reachable: bool) {
        if reachable && !self.reachable {
            self.resume();
        }
        self.reachable = reachable;
    }

    /// How long a word and its answer take now: what is far away is not sent again before its answer can be here. And the
    /// shortest of late, for how much may be under way.
    pub fn set_round_trip(&mut self, round_trip: Duration, shortest: Duration) {
        (self.round_trip, self.shortest) = (round_trip, shortest);
    }

    fn resume(&mut self) {
        for lane in &mut self.lanes {
            // What had only arrived there may be gone.
            lane.arrived = lane.floor;
            if planted(Mutant::CreditResetOnReconnect) {
                lane.credit_bytes += lane.sent_bytes;
            }
            lane.due_from_arrived();
            lane.paused_until = Moment::default();
        }
    }

    fn start_over(&mut self) {
        for lane in &mut self.lanes {
            lane.start_over(self.settings.initial_credit_bytes);
        }
    }

    /// The streams of another epoch begin on these lanes, on which nothing is under way. An earlier process may have sent
    /// events of it up to `horizon`.
    pub fn begin_anew(&mut self, lanes: std::ops::Range<u16>, horizon: Seq) {
        for lane in &mut self.lanes[usize::from(lanes.start)..usize::from(lanes.end)] {
            *lane = SendLane { horizon, ..SendLane::new(lane.credit_bytes) };
        }
    }

    /// On a lane that an earlier process may have used, everything up to `floor` is done with. Before its first event.
    pub fn resume_lane(&mut self, lane: Lane, floor: Seq) {
        let Some(lane) = self.lanes.get_mut(usize::from(lane.0)).filter(|lane| lane.floor < floor) else { return };
        (lane.floor, lane.arrived, lane.tail) = (floor, floor, floor);
        lane.skip_from = Some(Seq::START);
    }

    /// Whether nothing is under way on these lanes.
    #[must_use]
    pub fn is_idle_on(&self, lanes: std::ops::Range<u16>) -> bool {
        self.lanes[usize::from(lanes.start)..usize::from(lanes.end)].iter().all(SendLane::is_idle)
    }

    /// Bytes that were taken over and wait for credit.
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.unsent_bytes).sum()
    }

    /// Bytes that were sent and are not in custody.
    fn under_way(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.sent_bytes).sum()
    }

    /// Takes an event over. When it may go at once, its `prev` is returned and the caller sends it; else it waits for
    /// [`Sender::poll`]. Sequence numbers ascend per lane.
    pub fn offer(&mut self, now: Moment, lane: Lane, event: RunEvent<P>, bytes: usize, hold: H) -> Option<Seq> {
        let ready = self.reachable && self.peer.is_some() && self.flight.allows(self.under_way(), bytes as u64);
        let lane = self.lanes.get_mut(usize::from(lane.0))?;
        let bytes = bytes as u64;
        if event.seq <= lane.floor {
            lane.fulfilled.push(hold);
            return None;
        }
        let item = Unsent { seq: event.seq, bytes, redelivered: event.redelivered, payload: event.payload, hold };
        if ready
            && lane.skip_from.is_none()
            && lane.unsent.is_empty()
            && now >= lane.paused_until
            && lane.has_room(bytes)
        {
            return Some(lane.send(now, item));
        }
        lane.unsent_bytes += bytes;
        lane.unsent.push_back(item);
        None
    }

    /// Everything that must be sent now: what is missing there first, then new events within the credit. `permit` is
    /// asked for each event, resends included.
    pub fn poll(&mut self, now: Moment, mut permit: impl FnMut(&P) -> bool) -> Polled<P, H> {
        let mut polled = Polled { out: Vec::new(), withdrawn: Vec::new(), done: Vec::new() };
        polled.done.extend(self.lanes.iter_mut().flat_map(|lane| std::mem::take(&mut lane.fulfilled)));
        if !self.reachable || self.peer.is_none() {
            return polled;
        }
        let Settings { resend_after, resend_after_max, .. } = self.settings;
        let answer = self.answers.longest().max(self.round_trip * ROUND_TRIPS_PER_ATTEMPT);
        let resend_after = resend_after.max(answer).min(resend_after_max);
        let settings = Settings { resend_after, ..self.settings };
        let mut resend = settings.resend_bytes_max;
        let mut under_way = self.under_way();
        let (count, first) = (self.lanes.len(), self.turn);
        self.turn = (first + 1) % count.max(1);
        for index in (first..count).chain(0..first) {
            let lane = &mut self.lanes[index];
            let name = Lane(u16::try_from(index).expect("lanes are numbered by u16"));
            if now < lane.paused_until {
                continue;
            }
            if lane.expire(now, &settings) {
                self.flight.lost(now, self.round_trip);
            }
            lane.poll_due(now, name, &mut resend, &mut permit, &mut polled);
            let before = lane.sent_bytes;
            lane.poll_new(now, name, (&mut self.flight, under_way), &mut permit, &mut polled);
            under_way += lane.sent_bytes - before;
        }
        polled
    }

    /// Custody, arrival and credit of a lane. Returns the duties that are fulfilled, in order.
    ///
    /// # Errors
    /// The marks of the two do not fit.
    pub fn on_ack(
        &mut self,
        now: Moment,
        lane: Lane,
        (arrived, up_to): (Seq, Seq),
        credit_bytes: u64,
    ) -> Result<Vec<H>, AckError<H>> {
        let Some(lane) = self.lanes.get_mut(usize::from(lane.0)) else { return Ok(Vec::new()) };
        if up_to < lane.promised && !planted(Mutant::LossUntold) {
            lane.fall_back(up_to);
            return Err(AckError::Fallen);
        }
        let last = lane.tail.max(lane.horizon);
        let is_ahead = up_to > last || arrived > last;
        if is_ahead && planted(Mutant::AheadForEver) {
            return Err(AckError::Ahead(Vec::new()));
        }
        let before = lane.sent_bytes;
        let done = lane.on_ack(now, arrived.min(last), up_to.min(last), credit_bytes);
        if let Some(sample) = lane.sampled {
            self.answers.add(sample);
        }
        self.flight.landed(now, before - lane.sent_bytes, self.shortest);
        if is_ahead { Err(AckError::Ahead(done)) } else { Ok(done) }
    }

    /// Ranges (after, up to] that did not arrive. What was sent again a moment ago cannot have been missed yet.
    pub fn on_nack(&mut self, now: Moment, lane: Lane, ranges: &[(Seq, Seq)]) {
        let Some(lane) = self.lanes.get_mut(usize::from(lane.0)) else { return };
        let mut is_lost = false;
        let is_on_its_way = |sent: &Sent<P, H>| sent.tries > 0 && now.since(sent.sent_at) < self.round_trip;
        for &(after, up_to) in ranges {
            if after < lane.floor {
                lane.skip_from = Some(after);
            }
            for sent in lane.sent.iter_mut().filter(|sent| sent.seq > after && sent.seq <= up_to) {
                let is_missing = !is_on_its_way(sent);
                sent.due |= is_missing;
                is_lost |= is_missing;
            }
        }
        if is_lost {
            self.flight.lost(now, self.round_trip);
        }
    }

    /// The destination refuses one event for good. Its duty is returned to be dealt with, at once and whenever that has
    /// brought no answer; the lane waits for [`Sender::answer_refusal`].
    pub fn on_refused(&mut self, now: Moment, lane: Lane, seq: Seq) -> Option<&H> {
        let lane = self.lanes.get_mut(usize::from(lane.0))?;
        let index = match lane.sent.binary_search_by(|sent| sent.seq.cmp(&seq)) {
            Ok(index) => index,
            Err(index) => {
                lane.pass(index, seq);
                return None;
            }
        };
        let sent = &mut lane.sent[index];
        if matches!(sent.content, Content::Gone(_)) {
            // The skip that says so was lost.
            sent.due = true;
            return None;
        }
        if sent.is_refused(now) {
            return None;
        }
        sent.refused_until = Some(now.after(REFUSAL_AGAIN));
        sent.hold.as_ref()
    }

    /// A refusal has been dealt with for good: the destination may go on. Returns the duty.
    pub fn answer_refusal(&mut self, lane: Lane, seq: Seq) -> Option<H> {
        let lane = self.lanes.get_mut(usize::from(lane.0))?;
        let index = lane.sent.binary_search_by(|sent| sent.seq.cmp(&seq)).ok()?;
        let sent = &mut lane.sent[index];
        sent.content = Content::Gone(SkipReason::Refused);
        sent.refused_until = None;
        sent.due = true;
        lane.sent_bytes -= std::mem::take(&mut sent.bytes);
        sent.hold.take()
    }

    /// The destination takes nothing of this lane now; what did not arrive is tried again after a growing pause.
    pub fn on_behind(&mut self, now: Moment, lane: Lane) {
        let (first, longest) = (self.settings.resend_after, self.settings.resend_after_max);
        let Some(lane) = self.lanes.get_mut(usize::from(lane.0)) else { return };
        if now < lane.paused_until {
            return;
        }
        lane.paused_until = now.after(backoff(first, longest, lane.pauses));
        lane.pauses += 1;
        lane.due_from_arrived();
    }

    /// Forgets waiting events that were never sent and whose publisher has given up. Looks at the oldest only.
    pub fn prune(&mut self, mut given_up: impl FnMut(&H) -> bool) -> usize {
        const LOOK_AT: usize = 1_024;
        let mut pruned = 0;
        for lane in &mut self.lanes {
            let mut left = LOOK_AT;
            while left > 0 && lane.unsent.front().is_some_and(|item| given_up(&item.hold)) {
                lane.unsent_bytes -= lane.unsent.pop_front().map_or(0, |item| item.bytes);
                left -= 1;
                pruned += 1;
            }
        }
        pruned
    }

    /// Events and bytes whose custody is still here.
    #[must_use]
    pub fn backlog(&self) -> (u64, u64) {
        self.lanes.iter().map(SendLane::backlog).fold((0, 0), add)
    }

    /// The same for some lanes.
    #[must_use]
    pub fn backlog_on(&self, lanes: std::ops::Range<u16>) -> (u64, u64) {
        self.lanes[usize::from(lanes.start)..usize::from(lanes.end)].iter().map(SendLane::backlog).fold((0, 0), add)
    }

    /// Most bytes that are under way on one lane, and how many events these are.
    #[cfg(test)]
    pub(crate) fn under_way_max(&self) -> (u64, usize) {
        let of_lane = |lane: &SendLane<P, H>| (lane.sent_bytes, lane.sent.iter().filter(|sent| sent.bytes > 0).count());
        self.lanes.iter().map(of_lane).max().unwrap_or_default()
    }

    /// What is under way on each lane, in words.
    #[cfg(test)]
    pub(crate) fn describe(&self) -> String {
        let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.is_idle());
        let words = lanes.map(|(index, lane)| {
            let SendLane { floor, arrived, tail, credit_bytes, skip_from, horizon, paused_until, .. } = lane;
            let first = lane.sent.front().map(|sent| (sent.seq, sent.prev, sent.due, sent.tries));
            let (sent, unsent) = (lane.sent.len(), lane.unsent.len());
            format!(
                "to {index}: {floor:?} {arrived:?} {tail:?} horizon {horizon:?} credit {credit_bytes} skip {skip_from:?} paused \
                 {paused_until:?}, {sent} sent from {first:?}, {unsent} not"
            )
        });
        words.collect::<Vec<_>>().join("; ")
    }

    /// Nothing waits and nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lanes.iter().all(SendLane::is_idle)
    }
}

fn add((events, bytes): (u64, u64), (more_events, more_bytes): (u64, u64)) -> (u64, u64) {
    (events + more_events, bytes + more_bytes)
}
