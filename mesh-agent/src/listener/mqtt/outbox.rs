//! What waits for one subscriber: the session's outlet.
//!
//! Publishers put events in on their own task and never wait; the connection's task takes them out as far as the socket
//! and the client's window allow. Two queues keep two promises, and a running number keeps their common order:
//!
//! - **direct**, for QoS 0: bounded in events and bytes. What does not fit is dropped and counted; either way the
//!   publisher's receipt is done.
//! - **guaranteed**, for QoS 1: bounded by the agent's byte budget, which the publisher holds until the PUBACK or the end
//!   of this session.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use mesh_protocol::event::DeliveryMode;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::signals::{Reasons, Signals};
use crate::listener::metrics::Metrics;
use crate::router::{Admitted, Delivery, Hold, Key, Outlet, OutletId};

/// Most direct events that wait for one subscriber.
pub(super) const DIRECT_EVENTS_MAX: usize = 5_000;
/// Most payload bytes of direct events that wait for one subscriber (one event always fits).
pub(super) const DIRECT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Queues that grew beyond this many events in a burst give the memory back once they are empty.
const KEPT_EVENTS_MAX: usize = 64;

/// How one subscription wants its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Granted QoS 1 (else 0).
    pub(super) acknowledged: bool,
    /// Not what this session itself publishes.
    pub(super) no_local: bool,
    /// RETAIN as it was published.
    pub(super) retain_as_published: bool,
    /// Comes back with every event.
    pub(super) subscription_id: Option<u32>,
}

/// One event for this subscriber.
#[derive(Debug)]
pub(super) struct Item {
    number: u64,
    pub(super) event: Admitted,
    /// Deliver at QoS 1.
    pub(super) acknowledged: bool,
    pub(super) retain: bool,
    pub(super) dup: bool,
    pub(super) subscription_ids: SmallVec<[u32; 1]>,
    /// To be done when the client has it. Only QoS 1 deliveries still have theirs here.
    pub(super) hold: Option<Hold>,
}

pub(super) struct Outbox {
    signals: Arc<Signals>,
    metrics: Arc<Metrics>,
    /// The session's own outlet id, for "no local".
    own: OnceLock<OutletId>,
    queues: Mutex<Queues>,
}

#[derive(Debug, Default)]
struct Queues {
    subscriptions: FxHashMap<Key, Options>,
    direct: VecDeque<Item>,
    direct_bytes: usize,
    guaranteed: VecDeque<Item>,
    next: u64,
    closed: bool,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Outbox {
    pub(super) fn new(signals: Arc<Signals>, metrics: Arc<Metrics>) -> Self {
        Self { signals, metrics, own: OnceLock::new(), queues: Mutex::default() }
    }

    /// Tells it who it is, once it is attached.
    pub(super) fn is(&self, own: OutletId) {
        let _ = self.own.set(own);
    }

    fn queues(&self) -> std::sync::MutexGuard<'_, Queues> {
        self.queues.lock().expect("no panic while held")
    }

    /// Says how a subscription wants its events, from the next one on.
    pub(super) fn subscribe(&self, key: Key, options: Options) {
        self.queues().subscriptions.insert(key, options);
    }

    /// Forgets a subscription; what is queued for it still goes out.
    pub(super) fn unsubscribe(&self, key: Key) {
        self.queues().subscriptions.remove(&key);
    }

    /// Moves what may go out now into `batch`, oldest first: at most `max` items, at most `window` of them acknowledged.
    pub(super) fn take(&self, max: usize, mut window: usize, batch: &mut Vec<Item>) {
        let mut queues = self.queues();
        while batch.len() < max {
            match queues.pop(window > 0) {
                Some(item) => {
                    window -= usize::from(item.acknowledged);
                    batch.push(item);
                }
                None => break,
            }
        }
        queues.give_back();
    }

    /// The session has ended: whoever waits for it waits no longer, and what comes later is not for it.
    pub(super) fn close(&self) {
        let (direct, guaranteed) = {
            let mut queues = self.queues();
            queues.closed = true;
            (std::mem::take(&mut queues.direct), std::mem::take(&mut queues.guaranteed))
        };
        self.metrics.ended_with_session.add((direct.len() + guaranteed.len()) as u64);
        for hold in guaranteed.into_iter().filter_map(|item| item.hold) {
            hold.done_for(0);
        }
    }

    fn item(&self, subscriptions: &FxHashMap<Key, Options>, delivery: &Delivery) -> Option<Item> {
        let own = delivery.from.is_some() && delivery.from.as_ref() == self.own.get();
        let wanted = delivery
            .matched
            .iter()
            .filter_map(|key| subscriptions.get(key))
            .filter(|options| !(own && options.no_local));
        let guaranteed = delivery.event.event().mode == DeliveryMode::Guaranteed;
        let mut item: Option<Item> = None;
        for options in wanted {
            let item = item.get_or_insert_with(|| Item {
                number: 0,
                event: delivery.event.clone(),
                acknowledged: false,
                retain: false,
                dup: delivery.redelivered,
                subscription_ids: SmallVec::new(),
                hold: None,
            });
            item.acknowledged |= guaranteed && options.acknowledged;
            item.retain |= options.retain_as_published && delivery.event.event().retain;
            item.subscription_ids.extend(options.subscription_id);
        }
        item
    }
}

impl Queues {
    fn pop(&mut self, may_acknowledge: bool) -> Option<Item> {
        let guaranteed = self.guaranteed.front().filter(|_| may_acknowledge).map(|item| item.number);
        let direct = self.direct.front().map(|item| item.number);
        match (guaranteed, direct) {
            (Some(one), Some(other)) if one < other => self.guaranteed.pop_front(),
            (Some(_), None) => self.guaranteed.pop_front(),
            (_, Some(_)) => {
                let item = self.direct.pop_front()?;
                self.direct_bytes -= item.event.event().payload.len();
                Some(item)
            }
            (None, None) => None,
        }
    }

    fn push(&mut self, mut item: Item) -> Result<(), Item> {
        item.number = self.next;
        let bytes = item.event.event().payload.len();
        if item.acknowledged {
            self.guaranteed.push_back(item);
        } else {
            let full = self.direct.len() >= DIRECT_EVENTS_MAX || self.direct_bytes + bytes > DIRECT_BYTES_MAX;
            if full && !self.direct.is_empty() {
                return Err(item);
            }
            self.direct_bytes += bytes;
            self.direct.push_back(item);
        }
        self.next += 1;
        Ok(())
    }

    fn give_back(&mut self) {
        for queue in [&mut self.direct, &mut self.guaranteed] {
            if queue.is_empty() && queue.capacity() > KEPT_EVENTS_MAX {
                queue.shrink_to(0);
            }
        }
    }
}

impl Outlet for Outbox {
    fn offer(&self, mut delivery: Delivery) {
        let hold = delivery.hold.take();
        let mut queues = self.queues();
        let item = if queues.closed { None } else { self.item(&queues.subscriptions, &delivery) };
        let Some(mut item) = item else {
            // Its own event, or its session is just ending: nobody here wants it.
            drop(queues);
            return hold.into_iter().for_each(|hold| hold.done_for(0));
        };
        let mut done = None;
        if item.acknowledged {
            item.hold = hold;
        } else {
            done = hold;
        }
        let dropped = queues.push(item).is_err();
        drop(queues);
        if dropped {
            self.metrics.dropped_slow.one();
        }
        if let Some(hold) = done {
            hold.done();
        }
    }

    fn flush(&self) {
        self.signals.raise(Reasons::OUTBOX);
    }
}

#[cfg(test)]
mod tests;
