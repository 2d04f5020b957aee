//! What waits for one subscriber at QoS 0, and how its subscriptions want their events: the session's outlet.
//!
//! Publishers put events in on their own task and never wait; the connection's task takes them out as far as the socket
//! allows. The queue is bounded in events and bytes: what does not fit is dropped and counted, and either way the
//! publisher's receipt is done. Deliveries at QoS 1 and 2 come from the session's queue in the spool, see
//! [`feed`](super::feed); an event that comes from there is left out here, so that overlapping subscriptions are one copy.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use mesh_protocol::event::DeliveryMode;
use mesh_protocol::topic::{Filter, FilterTree, Topic};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::signals::{Reasons, Signals};
use crate::listener::metrics::Metrics;
use crate::router::{Admitted, Delivery, Key, Outlet, OutletId};

/// Most events that wait for one subscriber.
pub(super) const DIRECT_EVENTS_MAX: usize = 5_000;
/// Most payload bytes of events that wait for one subscriber (one event always fits).
pub(super) const DIRECT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Last values are fetched while fewer events than this wait.
const RECALLED_MAX: usize = 256;
/// Topics that are remembered while last values are fetched; of others an earlier value may come late.
const NEWS_MAX: usize = 10_000;
/// A queue that grew beyond this many events in a burst gives the memory back once it is empty.
const KEPT_EVENTS_MAX: usize = 64;

/// How one subscription wants its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Options {
    /// Granted QoS 1 or 2 (else 0).
    pub(super) acknowledged: bool,
    /// Granted QoS 2.
    #[serde(default)]
    pub(super) twice: bool,
    /// Not what this session itself publishes.
    pub(super) no_local: bool,
    /// RETAIN as it was published.
    pub(super) retain_as_published: bool,
    /// No last values when it is made (MQTT 5, 3.8.3.1: Retain Handling 2).
    #[serde(default)]
    pub(super) only_new: bool,
    /// Comes back with every event.
    pub(super) subscription_id: Option<u32>,
}

/// What all subscriptions that an event matches want together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// At least one was granted QoS 1 or 2.
    pub(super) acknowledged: bool,
    /// At least one was granted QoS 2.
    pub(super) twice: bool,
    /// RETAIN as it was published.
    pub(super) retain: bool,
    /// Their ids.
    pub(super) subscription_ids: SmallVec<[u32; 1]>,
}

/// One event for this subscriber, at QoS 0.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) event: Admitted,
    pub(super) wish: Wish,
}

pub(super) struct Outbox {
    signals: Arc<Signals>,
    metrics: Arc<Metrics>,
    /// The session's own outlet id, for "no local".
    own: OnceLock<OutletId>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: FxHashMap<Key, Options>,
    filters: FilterTree<Key>,
    waiting: VecDeque<Item>,
    bytes: usize,
    closed: bool,
    /// While last values are fetched: those that came as new meanwhile, with their times of admission.
    news: Option<FxHashMap<Topic, i64>>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Outbox {
    pub(super) fn new(signals: Arc<Signals>, metrics: Arc<Metrics>) -> Self {
        Self { signals, metrics, own: OnceLock::new(), state: Mutex::default() }
    }

    /// Tells it who it is, once it is attached.
    pub(super) fn is(&self, own: OutletId) {
        let _ = self.own.set(own);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// Says how a subscription wants its events, from the next one on.
    pub(super) fn subscribe(&self, filter: &Filter, key: Key, options: Options) {
        let mut state = self.state();
        state.subscriptions.insert(key, options);
        state.filters.insert(filter, key);
    }

    /// Forgets a subscription; what is queued for it still goes out.
    pub(super) fn unsubscribe(&self, filter: &Filter, key: Key) {
        let mut state = self.state();
        state.subscriptions.remove(&key);
        state.filters.remove(filter, &key);
    }

    /// What the subscriptions want of an event on this topic; none when none of them matches (any more). `own`: this very
    /// session published it.
    pub(super) fn wish(&self, topic: &Topic, own: bool) -> Option<Wish> {
        self.state().wish(topic, own)
    }

    /// Moves what may go out now into `batch`, oldest first, at most `max`.
    pub(super) fn take(&self, max: usize, batch: &mut Vec<Item>) {
        let mut state = self.state();
        let count = state.waiting.len().min(max);
        batch.extend(state.waiting.drain(..count));
        state.bytes -= batch[batch.len() - count..].iter().map(|item| item.event.event().payload.len()).sum::<usize>();
        if state.waiting.is_empty() && state.waiting.capacity() > KEPT_EVENTS_MAX {
            state.waiting.shrink_to(0);
        }
    }

    /// Whether little enough waits for last values to be fetched.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state();
        state.waiting.len() < RECALLED_MAX && state.bytes < DIRECT_BYTES_MAX / 2
    }

    /// Last values are being fetched, or (false) are no more.
    pub(super) fn recalling(&self, is_so: bool) {
        let mut state = self.state();
        if is_so {
            state.news.get_or_insert_default();
        } else {
            state.news = None;
        }
    }

    /// An event of the session's queue is sent as new.
    pub(super) fn note(&self, event: &Admitted) {
        if event.is_last_value() {
            self.state().note(event);
        }
    }

    /// Whether nothing as new or newer was sent of its topic while last values were fetched.
    pub(super) fn is_last(&self, event: &Admitted) -> bool {
        self.state().is_last(event)
    }

    /// Last values for one subscription, at QoS 0. One that is not the last any more is left out.
    pub(super) fn recall(&self, events: Vec<Admitted>, options: &Options) {
        let mut dropped = 0;
        let mut state = self.state();
        for event in events {
            if state.is_last(&event) && !state.closed {
                let subscription_ids = options.subscription_id.into_iter().collect();
                let wish = Wish { retain: true, subscription_ids, ..Wish::default() };
                dropped += u64::from(!state.push(Item { event, wish }));
            }
        }
        drop(state);
        self.metrics.dropped_slow.add(dropped);
        self.signals.raise(Reasons::OUTBOX);
    }

    /// The session has ended: what comes later is not for it.
    pub(super) fn close(&self) {
        let waiting = {
            let mut state = self.state();
            state.closed = true;
            state.bytes = 0;
            std::mem::take(&mut state.waiting)
        };
        self.metrics.ended_with_session.add(waiting.len() as u64);
    }
}

impl State {
    fn wish(&self, topic: &Topic, own: bool) -> Option<Wish> {
        let mut keys: SmallVec<[Key; 4]> = SmallVec::new();
        self.filters.matches(topic, &mut |key| keys.push(*key));
        keys.sort_unstable();
        let mut wish: Option<Wish> = None;
        let options = keys.iter().filter_map(|key| self.subscriptions.get(key));
        for options in options.filter(|options| !(own && options.no_local)) {
            let wish = wish.get_or_insert_with(Wish::default);
            wish.acknowledged |= options.acknowledged;
            wish.twice |= options.twice;
            wish.retain |= options.retain_as_published;
            wish.subscription_ids.extend(options.subscription_id);
        }
        wish
    }

    /// What is to be queued; none when nobody here wants it from here.
    fn item(&self, delivery: &Delivery, own: bool) -> Option<Item> {
        let event = delivery.event.event();
        let wish = self.wish(&event.topic, own).filter(|_| !self.closed)?;
        let comes_from_the_queue = wish.acknowledged && event.mode == DeliveryMode::Guaranteed;
        (!comes_from_the_queue).then(|| Item { event: delivery.event.clone(), wish })
    }

    fn is_last(&self, event: &Admitted) -> bool {
        let event = event.event();
        let is_end = event.payload.is_empty();
        let is_later = |seen: &i64| *seen < event.admitted_at_ms || (*seen == event.admitted_at_ms && is_end);
        self.news.as_ref().and_then(|news| news.get(&event.topic)).is_none_or(is_later)
    }

    fn note(&mut self, event: &Admitted) {
        let Some(news) = self.news.as_mut().filter(|news| event.is_last_value() && news.len() < NEWS_MAX) else {
            return;
        };
        let at_ms = news.entry(event.event().topic.clone()).or_insert(i64::MIN);
        *at_ms = event.event().admitted_at_ms.max(*at_ms);
    }

    fn push(&mut self, item: Item) -> bool {
        let bytes = item.event.event().payload.len();
        let full = self.waiting.len() >= DIRECT_EVENTS_MAX || self.bytes + bytes > DIRECT_BYTES_MAX;
        if full && !self.waiting.is_empty() {
            return false;
        }
        self.bytes += bytes;
        self.waiting.push_back(item);
        true
    }
}

impl Outlet for Outbox {
    fn offer(&self, mut delivery: Delivery) {
        let hold = delivery.hold.take();
        let own = delivery.from.is_some() && delivery.from.as_ref() == self.own.get();
        let mut state = self.state();
        state.note(&delivery.event);
        let Some(item) = state.item(&delivery, own) else {
            // Its own event, one that comes from its queue, or its session is just ending.
            drop(state);
            return hold.into_iter().for_each(|hold| hold.done_for(0));
        };
        let taken = state.push(item);
        drop(state);
        if !taken {
            self.metrics.dropped_slow.one();
        }
        if let Some(hold) = hold {
            hold.done();
        }
    }

    fn flush(&self) {
        self.signals.raise(Reasons::OUTBOX);
    }
}

#[cfg(test)]
mod tests;
