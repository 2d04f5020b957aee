//! The origin's side of the streams to one destination.

mod lane;

use std::time::Duration;

use mesh_protocol::frame::SkipReason;
use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};

use super::Moment;
use lane::{Content, SendLane, Unsent, backoff};

/// Until an event is sent again: its way, its answer's, and what both may wait for meanwhile.
const ROUND_TRIPS_PER_ATTEMPT: u32 = 3;

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
        Self { settings, peer: None, reachable: false, round_trip: Duration::ZERO, lanes }
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

    /// How long a word and its answer take now: what is far away is not sent again before its answer can be here.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }

    fn resume(&mut self) {
        for lane in &mut self.lanes {
            // What had only arrived there may be gone.
            lane.arrived = lane.floor;
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

    /// Takes an event over. When it may go at once, its `prev` is returned and the caller sends it; else it waits for
    /// [`Sender::poll`]. Sequence numbers ascend per lane.
    pub fn offer(&mut self, now: Moment, lane: Lane, event: RunEvent<P>, bytes: usize, hold: H) -> Option<Seq> {
        let ready = self.reachable && self.peer.is_some();
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
        let resend_after = resend_after.max(self.round_trip * ROUND_TRIPS_PER_ATTEMPT).min(resend_after_max);
        let settings = Settings { resend_after, ..self.settings };
        let mut resend = settings.resend_bytes_max;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let name = Lane(u16::try_from(index).expect("lanes are numbered by u16"));
            if now < lane.paused_until {
                continue;
            }
            lane.expire(now, &settings);
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
        let last = lane.tail.max(lane.horizon);
        if up_to > last || arrived > last {
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
        self.lanes.iter().map(SendLane::backlog).fold((0, 0), add)
    }

    /// The same for some lanes.
    #[must_use]
    pub fn backlog_on(&self, lanes: std::ops::Range<u16>) -> (u64, u64) {
        self.lanes[usize::from(lanes.start)..usize::from(lanes.end)].iter().map(SendLane::backlog).fold((0, 0), add)
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
