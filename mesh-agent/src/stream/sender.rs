//! The origin's side of the streams to one destination.

use std::collections::VecDeque;
use std::time::Duration;

use mesh_protocol::frame::{self, SkipReason};
use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};

use super::Moment;

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
    lanes: Vec<SendLane<P, H>>,
}

#[derive(Debug)]
struct SendLane<P, H> {
    /// The destination has custody up to here.
    floor: Seq,
    /// The destination has everything up to here, custody maybe pending.
    arrived: Seq,
    /// What was sent last: the `prev` of the next new event.
    tail: Seq,
    credit_bytes: u64,
    sent: VecDeque<Sent<P, H>>,
    sent_bytes: u64,
    unsent: VecDeque<Unsent<P, H>>,
    unsent_bytes: u64,
    /// The destination's mark is below the floor: it must be told to skip from there.
    skip_from: Option<Seq>,
    paused_until: Moment,
    pauses: u32,
}

#[derive(Debug)]
struct Sent<P, H> {
    seq: Seq,
    prev: Seq,
    bytes: u64,
    content: Content<P>,
    hold: Option<H>,
    sent_at: Moment,
    tries: u32,
    due: bool,
    redelivered: bool,
}

#[derive(Debug)]
enum Content<P> {
    Event(P),
    Gone(SkipReason),
}

#[derive(Debug)]
struct Unsent<P, H> {
    seq: Seq,
    bytes: u64,
    redelivered: bool,
    payload: P,
    hold: H,
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
}

/// An ack that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// It speaks of events that were never sent: one of the two has lost its memory. To be counted and alarmed.
    #[error("the destination's mark is above the last event sent")]
    Ahead,
}

impl<P: Clone, H> Sender<P, H> {
    /// Streams to a destination that is not known yet.
    #[must_use]
    pub fn new(lanes: u16, settings: Settings) -> Self {
        let lanes = (0..lanes).map(|_| SendLane::new(settings.initial_credit_bytes)).collect();
        Self { settings, peer: None, reachable: false, lanes }
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
            Some((before, _)) if before == spool && keeps_marks => self.resume(),
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

    fn resume(&mut self) {
        for lane in &mut self.lanes {
            lane.due_from_arrived();
            lane.paused_until = Moment::default();
        }
    }

    fn start_over(&mut self) {
        for lane in &mut self.lanes {
            lane.start_over(self.settings.initial_credit_bytes);
        }
    }

    /// Takes an event over. When it may go at once, its `prev` is returned and the caller sends it; else it waits for
    /// [`Sender::poll`]. Sequence numbers ascend per lane.
    pub fn offer(&mut self, now: Moment, lane: Lane, event: RunEvent<P>, bytes: usize, hold: H) -> Option<Seq> {
        let ready = self.reachable && self.peer.is_some();
        let lane = self.lanes.get_mut(usize::from(lane.0))?;
        let bytes = bytes as u64;
        let item = Unsent { seq: event.seq, bytes, redelivered: event.redelivered, payload: event.payload, hold };
        if ready && lane.unsent.is_empty() && now >= lane.paused_until && lane.has_room(bytes) {
            return Some(lane.send(now, item));
        }
        lane.unsent_bytes += bytes;
        lane.unsent.push_back(item);
        None
    }

    /// Everything that must be sent now: what is missing there first, then new events within the credit. `permit` is
    /// asked for each event, resends included.
    pub fn poll(&mut self, now: Moment, mut permit: impl FnMut(&P) -> bool) -> Polled<P, H> {
        let mut polled = Polled { out: Vec::new(), withdrawn: Vec::new() };
        if !self.reachable || self.peer.is_none() {
            return polled;
        }
        let mut resend = self.settings.resend_bytes_max;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let name = Lane(u16::try_from(index).expect("lanes are numbered by u16"));
            if now < lane.paused_until {
                continue;
            }
            lane.expire(now, &self.settings);
            lane.poll_due(now, name, &mut resend, &mut permit, &mut polled);
            lane.poll_new(now, name, &mut permit, &mut polled);
        }
        polled
    }

    /// Custody, arrival and credit of a lane. Returns the duties that are fulfilled, in order.
    ///
    /// # Errors
    /// The ack speaks of what was never sent; nothing is changed.
    pub fn on_ack(&mut self, lane: Lane, arrived: Seq, up_to: Seq, credit_bytes: u64) -> Result<Vec<H>, AckError> {
        let Some(lane) = self.lanes.get_mut(usize::from(lane.0)) else { return Ok(Vec::new()) };
        if up_to > lane.tail || arrived > lane.tail {
            return Err(AckError::Ahead);
        }
        Ok(lane.on_ack(arrived, up_to, credit_bytes))
    }

    /// Ranges (after, up to] that did not arrive.
    pub fn on_nack(&mut self, lane: Lane, ranges: &[(Seq, Seq)]) {
        let Some(lane) = self.lanes.get_mut(usize::from(lane.0)) else { return };
        for &(after, up_to) in ranges {
            if after < lane.floor {
                lane.skip_from = Some(after);
            }
            for sent in lane.sent.iter_mut().filter(|sent| sent.seq > after && sent.seq <= up_to) {
                sent.due = true;
            }
        }
    }

    /// The destination refuses one event for good. Its duty is returned the first time; the stream goes on after it.
    pub fn on_refused(&mut self, lane: Lane, seq: Seq) -> Option<H> {
        let lane = self.lanes.get_mut(usize::from(lane.0))?;
        let index = lane.sent.binary_search_by(|sent| sent.seq.cmp(&seq)).ok()?;
        let sent = &mut lane.sent[index];
        sent.content = Content::Gone(SkipReason::Refused);
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
        self.lanes.iter().fold((0, 0), |(events, bytes), lane| {
            let held = lane.sent.iter().filter(|sent| sent.hold.is_some()).count() + lane.unsent.len();
            (events + held as u64, bytes + lane.sent_bytes + lane.unsent_bytes)
        })
    }

    /// Nothing waits and nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.sent.is_empty() && lane.unsent.is_empty() && lane.skip_from.is_none())
    }
}

fn backoff(first: Duration, longest: Duration, tries: u32) -> Duration {
    first.saturating_mul(1 << tries.min(16)).min(longest)
}

impl<P: Clone, H> SendLane<P, H> {
    fn new(credit_bytes: u64) -> Self {
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
            paused_until: Moment::default(),
            pauses: 0,
        }
    }

    fn has_room(&self, bytes: u64) -> bool {
        self.sent_bytes == 0 || self.sent_bytes + bytes <= self.credit_bytes
    }

    /// The destination has forgotten its marks: it learns the floor, and everything that was sent goes again, flagged.
    fn start_over(&mut self, credit_bytes: u64) {
        self.arrived = self.floor;
        self.credit_bytes = credit_bytes;
        self.paused_until = Moment::default();
        self.skip_from = (self.floor != Seq::START).then_some(Seq::START);
        for sent in &mut self.sent {
            sent.due = true;
            sent.redelivered = true;
            sent.tries = 0;
        }
    }

    fn due_from_arrived(&mut self) {
        let arrived = self.arrived;
        for sent in self.sent.iter_mut().filter(|sent| sent.seq > arrived) {
            sent.due = true;
        }
    }

    fn send(&mut self, now: Moment, item: Unsent<P, H>) -> Seq {
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
        });
        prev
    }

    /// The oldest events that did not arrive in time are due again: a frame's worth, as a probe.
    fn expire(&mut self, now: Moment, settings: &Settings) {
        let arrived = self.arrived;
        let Some(oldest) = self.sent.iter().position(|sent| sent.seq > arrived) else { return };
        let wait = backoff(settings.resend_after, settings.resend_after_max, self.sent[oldest].tries);
        if self.sent[oldest].due || now.since(self.sent[oldest].sent_at) < wait {
            return;
        }
        let mut bytes = 0;
        for sent in self.sent.range_mut(oldest..) {
            if bytes > frame::TARGET_BYTES as u64 {
                break;
            }
            bytes += sent.bytes;
            sent.due = true;
        }
    }

    fn poll_due(
        &mut self,
        now: Moment,
        lane: Lane,
        left: &mut usize,
        permit: &mut impl FnMut(&P) -> bool,
        polled: &mut Polled<P, H>,
    ) {
        if let Some(after) = self.skip_from.take() {
            polled.out.push(Out::Skip { lane, after, up_to: self.floor, reason: SkipReason::Custody });
        }
        let mut runs = Runs::new(lane, true);
        for sent in self.sent.iter_mut().filter(|sent| sent.due) {
            if *left == 0 {
                break;
            }
            sent.due = false;
            sent.sent_at = now;
            sent.tries = sent.tries.saturating_add(1);
            if let Content::Event(payload) = &sent.content {
                if permit(payload) {
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

    fn poll_new(&mut self, now: Moment, lane: Lane, permit: &mut impl FnMut(&P) -> bool, polled: &mut Polled<P, H>) {
        let mut runs = Runs::new(lane, false);
        while let Some(next) = self.unsent.front() {
            if !self.has_room(next.bytes) {
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

    fn on_ack(&mut self, arrived: Seq, up_to: Seq, credit_bytes: u64) -> Vec<H> {
        self.credit_bytes = credit_bytes;
        if arrived > self.arrived {
            self.arrived = arrived;
            self.pauses = 0;
            for sent in self.sent.iter_mut().take_while(|sent| sent.seq <= arrived) {
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
