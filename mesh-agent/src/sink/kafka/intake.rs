//! The sink's outlet: keeps events until the writer takes them, and the window of those under way.
//!
//! Events of the route's queue are bounded by who brings them. What a Kafka source answers for is bounded by the agent's
//! byte budget, which is everybody's: a cluster that is away must not keep what nobody waits for, see [`Intake::prune`].
//! Direct events are bounded here, and dropped and counted above it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::window::{Entry, Window};
use crate::counters::{Counter, Counters};
use crate::router::{Delivery, EVENT_OVERHEAD_BYTES, Hold, Outlet};

/// Most bytes of direct events that wait.
const DIRECT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most events the writer takes at once.
const TAKE_MAX: usize = 512;
/// Most payload bytes the writer takes at once (one event always goes): what it has in hand cannot be pruned.
const TAKE_BYTES_MAX: usize = 1024 * 1024;

/// Events on their way to the writer and to the cluster.
#[derive(Debug)]
pub(super) struct Intake {
    state: Mutex<State>,
    wake: Condvar,
    emptied: Notify,
    dropped: Counter,
    given_up: Counter,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Delivery>,
    direct_bytes: usize,
    window: Window,
    /// Taken by the writer and not in the window yet.
    in_hand: usize,
    /// The writer waits for the library's queue to have room.
    room_wanted: bool,
    closed: bool,
}

/// What the writer finds.
#[derive(Debug)]
pub(super) enum Next {
    /// Events to send, in order.
    Events(Vec<Delivery>),
    /// Nothing for now.
    Idle,
    /// The sink ends.
    Closed,
}

/// What waits and what is under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backlog {
    pub(super) events: usize,
    /// Age of the oldest event under way.
    pub(super) oldest: Option<Duration>,
}

impl Intake {
    pub(super) fn new(counters: &Counters) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            emptied: Notify::new(),
            dropped: counters.counter("sink_dropped_events"),
            given_up: counters.counter("sink_given_up_events"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// Waits for events.
    pub(super) fn next(&self, wait: Duration) -> Next {
        let state = self.lock();
        let (mut state, _) = self
            .wake
            .wait_timeout_while(state, wait, |state| state.waiting.is_empty() && !state.closed)
            .expect("no panic while held");
        if state.closed {
            return Next::Closed;
        }
        let count = take_count(&state.waiting);
        let events: Vec<_> = state.waiting.drain(..count).collect();
        let direct: usize = events.iter().filter(|event| event.hold.is_none()).map(size).sum();
        state.direct_bytes -= direct;
        state.in_hand = events.len();
        if events.is_empty() { Next::Idle } else { Next::Events(events) }
    }

    /// Lets go of events whose publishers have given up: they were answered with an error, and the byte budget they hold
    /// is needed by others. What waits is dropped and counted; what is under way may be in the cluster already, so it stays,
    /// bounded by the client library's own queue, and only its share of the budget goes back.
    pub(super) fn prune(&self) {
        let mut state = self.lock();
        let before = state.waiting.len();
        state.waiting.retain(|delivery| delivery.hold.as_ref().is_none_or(Hold::is_awaited));
        let dropped = before - state.waiting.len();
        state.window.release(|hold| !hold.is_awaited());
        if dropped > 0 {
            self.given_up.add(dropped as u64);
            self.tell_when_empty(&state);
        }
    }

    /// The writer has dealt with everything it took.
    pub(super) fn hand_empty(&self) {
        let mut state = self.lock();
        state.in_hand = 0;
        self.tell_when_empty(&state);
    }

    /// Notes an event as under way.
    pub(super) fn enter(&self, entry: Entry) -> usize {
        self.lock().window.insert(entry)
    }

    /// Takes an answered event out.
    pub(super) fn complete(&self, number: usize) -> Option<Entry> {
        let mut state = self.lock();
        let entry = state.window.complete(number);
        self.tell_when_empty(&state);
        let room_wanted = state.room_wanted;
        drop(state);
        if room_wanted {
            self.wake.notify_all();
        }
        entry
    }

    /// Looks into the window.
    pub(super) fn with_window<T>(&self, look: impl FnOnce(&mut Window) -> T) -> T {
        look(&mut self.lock().window)
    }

    /// Waits a moment for the cluster to take something; false when the sink ends.
    pub(super) fn wait_for_room(&self) -> bool {
        let mut state = self.lock();
        state.room_wanted = true;
        let (mut state, _) = self.wake.wait_timeout(state, Duration::from_millis(20)).expect("no panic while held");
        state.room_wanted = false;
        !state.closed
    }

    /// Whether the sink ends.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How much is not acknowledged.
    pub(super) fn backlog(&self) -> Backlog {
        let state = self.lock();
        let oldest = state.window.oldest().map(|since| Instant::now().saturating_duration_since(since));
        Backlog { events: state.waiting.len() + state.in_hand + state.window.len(), oldest }
    }

    /// Waits until everything taken is acknowledged, at most so long.
    pub(super) async fn drain(&self, limit: Duration) {
        let empty = async {
            loop {
                let told = self.emptied.notified();
                if self.backlog().events == 0 {
                    return;
                }
                told.await;
            }
        };
        // At the limit the rest fails its holds; see `close`.
        let _ = tokio::time::timeout(limit, empty).await;
    }

    /// Ends the sink: what is not acknowledged now fails its hold.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        state.window.clear();
        drop(state);
        drop(waiting);
        self.wake.notify_all();
    }

    fn tell_when_empty(&self, state: &State) {
        if state.in_hand == 0 && state.waiting.is_empty() && state.window.len() == 0 {
            self.emptied.notify_waiters();
        }
    }
}

/// How many of the first the writer takes.
fn take_count(waiting: &VecDeque<Delivery>) -> usize {
    let mut bytes = 0;
    let fits = waiting.iter().take(TAKE_MAX).take_while(|delivery| {
        let first = bytes == 0;
        bytes += size(delivery);
        first || bytes <= TAKE_BYTES_MAX
    });
    fits.count()
}

fn size(delivery: &Delivery) -> usize {
    delivery.event.event().payload.len() + EVENT_OVERHEAD_BYTES
}

impl Outlet for Intake {
    fn offer(&self, delivery: Delivery) {
        let mut state = self.lock();
        if state.closed {
            // A guaranteed event's hold is dropped with it, and so counts as lost to its sender.
            return;
        }
        if delivery.hold.is_none() {
            let bytes = state.direct_bytes + size(&delivery);
            if bytes > DIRECT_BYTES_MAX {
                self.dropped.one();
                return;
            }
            state.direct_bytes = bytes;
        }
        state.waiting.push_back(delivery);
    }

    fn flush(&self) {
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
