//! A queue's events as a stream. One that is beyond its quota is held until there is room, and its lease renewed meanwhile:
//! a consumer that is slowed loses nothing and is not taken for one that does not answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event as Sent;
use mesh_protocol::report::Direction;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::Gate;
use super::super::auth::Caller;
use super::super::tail::json;
use crate::queue::named::{Consumer, Named, Offer, Verdict};

/// While an event waits for the quota it is looked again at least this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One open stream.
pub(super) struct Flow {
    gate: Arc<Gate>,
    caller: Caller,
    queue: Arc<Named>,
    consumer: Consumer,
    changes: watch::Receiver<u64>,
    stopping: CancellationToken,
    /// Offered and not sent yet.
    held: VecDeque<Offer>,
    /// The quota is used up until then.
    slowed_until: Instant,
    renew_at: Instant,
    ended: bool,
}

impl Flow {
    pub(super) fn new(
        (gate, caller): (Arc<Gate>, Caller),
        queue: Arc<Named>,
        consumer: Consumer,
        changes: watch::Receiver<u64>,
    ) -> Self {
        let (stopping, now) = (gate.common.tasks.token(), Instant::now());
        let held = VecDeque::new();
        Self { gate, caller, queue, consumer, changes, stopping, held, slowed_until: now, renew_at: now, ended: false }
    }

    pub(super) async fn next(&mut self) -> Option<Sent> {
        while !self.ended {
            let waits = !self.held.is_empty();
            if waits && self.slowed_until <= Instant::now() {
                match self.send() {
                    Some(sent) => return Some(sent),
                    None => continue,
                }
            }
            tokio::select! {
                () = self.stopping.cancelled() => return self.end("this listener stops"),
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return self.end("this listener stops");
                    }
                    let may = self.gate.may_consume(&self.caller, &self.queue);
                    if let Err(unqueued) = may {
                        return self.end(&unqueued.denied.to_string());
                    }
                }
                offer = self.consumer.next() => {
                    let Some(offer) = offer else { return self.end("the queue was deleted") };
                    self.held.push_back(offer);
                }
                () = tokio::time::sleep_until(self.slowed_until), if waits => self.renew(),
            }
        }
        None
    }

    /// Sends the oldest that is held, unless it must wait.
    fn send(&mut self) -> Option<Sent> {
        let offer = self.held.pop_front()?;
        let event = offer.event.event();
        if let Err(over) = self.caller.metered.charge(Direction::Consume, &event.topic, event.payload.len()) {
            self.slowed_until = Instant::now() + over.wait().unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
            self.held.push_front(offer);
            return None;
        }
        match self.gate.leased(&self.caller, &offer) {
            Ok(leased) => {
                let id = leased.lease.clone();
                json(Sent::default().id(id), &leased)
            }
            Err(verdict) => {
                self.consumer.settle(offer.seq, verdict);
                None
            }
        }
    }

    /// What is held is held by us, not by the client.
    fn renew(&mut self) {
        let now = Instant::now();
        if self.renew_at <= now {
            self.renew_at = now + Duration::from_millis(u64::from(self.queue.config().lease_ms) / 4);
            for offer in &self.held {
                self.consumer.settle(offer.seq, Verdict::Renew);
            }
        }
    }

    fn end(&mut self, reason: &str) -> Option<Sent> {
        self.ended = true;
        json(Sent::default().event("end"), &BTreeMap::from([("reason", reason)]))
    }
}
