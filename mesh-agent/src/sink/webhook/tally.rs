//! What happened to this sink's events: figures for its part, and whether the endpoint fails for some keys or for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mesh_protocol::event::Event;
use mesh_protocol::policy::Action;
use mesh_protocol::report::PartState;
use xxhash_rust::xxh3::xxh3_64;

use crate::counters::{Counter, Counters};
use crate::observe::{ClientObserver, Refusal};

/// A refusal is shown for this long.
const REFUSAL_SHOWN: Duration = Duration::from_secs(120);
/// Nothing taken for this long while requests fail: the endpoint fails for everybody.
const FAILS_FOR_ALL: Duration = Duration::from_secs(10);
/// A key of which nothing more is heard after its pause fails no more: its event expired or is a dead letter.
const FORGOTTEN: Duration = Duration::from_secs(180);

/// Counts, and knows how it goes.
#[derive(Debug)]
pub(super) struct Tally {
    client: Arc<dyn ClientObserver>,
    standing: Mutex<Standing>,
    taken: Counter,
    taken_bytes: Counter,
    failed: Counter,
    refused: Counter,
    denied: Counter,
    expired: Counter,
    dropped: Counter,
    left_out: Counter,
}

#[derive(Debug, Default)]
struct Standing {
    figures: Figures,
    /// Keys whose last request failed, by hash: until when that is remembered.
    failing: HashMap<u64, Instant>,
    failing_since: Option<Instant>,
    last_taken: Option<Instant>,
    last_failure: Option<String>,
    last_refusal: Option<(Instant, String)>,
    /// Nothing may be sent at all.
    barred: Option<String>,
}

/// Since the sink started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Events that the endpoint took.
    pub(super) events: u64,
    /// Requests that failed and are made again.
    pub(super) failed_requests: u64,
    /// Events that the endpoint refused for good.
    pub(super) refused_events: u64,
    /// Events that policy does not let the route have.
    pub(super) denied_events: u64,
    /// Best effort events whose time to live was over.
    pub(super) expired_events: u64,
    /// Best effort events without room, or whose one request failed.
    pub(super) dropped_events: u64,
}

impl Tally {
    pub(super) fn new(client: Arc<dyn ClientObserver>, counters: &Counters) -> Self {
        Self {
            client,
            standing: Mutex::default(),
            taken: counters.counter("sink_events"),
            taken_bytes: counters.counter("sink_bytes"),
            failed: counters.counter("webhook_failed_requests"),
            refused: counters.counter("sink_refused_events"),
            denied: counters.counter("sink_denied_events"),
            expired: counters.counter("sink_expired_events"),
            dropped: counters.counter("sink_dropped_events"),
            left_out: counters.counter("webhook_left_out_properties"),
        }
    }

    fn edit(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.standing.lock().expect("no panic while held"));
    }

    pub(super) fn taken(&self, event: &Event, left_out: u64) {
        self.taken.one();
        self.taken_bytes.add(event.payload.len() as u64);
        self.left_out.add(left_out);
        self.client.consumed(&event.topic, &event.payload, None);
        self.edit(|standing| {
            standing.figures.events += 1;
            standing.last_taken = Some(Instant::now());
            standing.barred = None;
            standing.works(&event.key);
        });
    }

    /// It is tried again, not earlier than after the pause (`pause`: the longest that may be).
    pub(super) fn failed(&self, event: &Event, reason: &str, pause: Duration) {
        self.failed.one();
        self.edit(|standing| {
            let now = Instant::now();
            standing.figures.failed_requests += 1;
            standing.barred = None;
            standing.last_failure = Some(reason.to_owned());
            standing.failing_since.get_or_insert(now);
            standing.failing.insert(xxh3_64(&event.key), now + pause + FORGOTTEN);
        });
    }

    pub(super) fn refused(&self, event: &Event, reason: &str) {
        self.refused.one();
        self.edit(|standing| {
            standing.figures.refused_events += 1;
            standing.barred = None;
            standing.last_refusal = Some((Instant::now(), reason.to_owned()));
            standing.works(&event.key);
        });
    }

    pub(super) fn barred(&self, reason: &str) {
        self.edit(|standing| standing.barred = Some(reason.to_owned()));
    }

    pub(super) fn denied(&self, event: &Event) {
        self.denied.one();
        self.edit(|standing| standing.figures.denied_events += 1);
        let reason = "a rule denies this topic to the route's principal".to_owned();
        self.client.refused(Refusal { action: Action::Subscribe, topic: event.topic.to_string(), rule: None, reason });
    }

    pub(super) fn expired(&self) {
        self.expired.one();
        self.edit(|standing| standing.figures.expired_events += 1);
    }

    pub(super) fn dropped(&self) {
        self.dropped.one();
        self.edit(|standing| standing.figures.dropped_events += 1);
    }

    pub(super) fn figures(&self) -> Figures {
        self.standing.lock().expect("no panic while held").figures
    }

    /// How it goes, as the part's line says it.
    pub(super) fn state(&self) -> (PartState, Option<String>) {
        let mut standing = self.standing.lock().expect("no panic while held");
        standing.judge(Instant::now())
    }
}

impl Standing {
    /// A request of this key came through.
    fn works(&mut self, key: &[u8]) {
        self.failing.remove(&xxh3_64(key));
        if self.failing.is_empty() {
            self.failing_since = None;
        }
    }

    fn judge(&mut self, now: Instant) -> (PartState, Option<String>) {
        self.failing.retain(|_, until| *until > now);
        if self.failing.is_empty() {
            self.failing_since = None;
        }
        if let Some(reason) = &self.barred {
            return (PartState::Failing, Some(format!("nothing is sent: {reason}")));
        }
        let reason = self.last_failure.clone().unwrap_or_default();
        if let Some(since) = self.failing_since {
            let taken_lately = |at: Instant| at > since && now.duration_since(at) < FAILS_FOR_ALL;
            return if self.last_taken.is_some_and(taken_lately) {
                let detail = format!("{} ordering keys wait, the others go on: {reason}", self.failing.len());
                (PartState::Degraded, Some(detail))
            } else {
                let detail = format!("every request fails and is made again: {reason}");
                (PartState::Failing, Some(detail))
            };
        }
        match &self.last_refusal {
            Some((at, reason)) if now.duration_since(*at) < REFUSAL_SHOWN => {
                let detail = format!("{} events refused: {reason}", self.figures.refused_events);
                (PartState::Degraded, Some(detail))
            }
            _ => (PartState::Running, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Unobserved;
    use mesh_protocol::event::{Origin, Protocol};
    use mesh_protocol::topic::Topic;

    fn event(key: &'static str) -> Event {
        let origin = Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Mesh };
        let mut event = Event::guaranteed(Topic::new("orders").expect("valid"), "x", origin);
        event.key = key.into();
        event
    }

    #[test]
    fn it_fails_for_some_or_for_all() {
        let tally = Tally::new(Arc::new(Unobserved), &Counters::default());
        let state = || tally.state().0;
        assert_eq!(state(), PartState::Running);
        tally.failed(&event("a"), "503", Duration::ZERO);
        assert_eq!(state(), PartState::Failing, "nothing was ever taken");
        tally.taken(&event("b"), 0);
        assert_eq!(state(), PartState::Degraded);
        tally.taken(&event("a"), 0);
        assert_eq!(state(), PartState::Running);
        tally.refused(&event("a"), "404");
        assert_eq!(state(), PartState::Degraded);
        tally.barred("a private address");
        assert_eq!(state(), PartState::Failing);
        tally.taken(&event("a"), 0);
        let figures = tally.figures();
        assert_eq!((figures.events, figures.failed_requests, figures.refused_events), (3, 1, 1));
    }

    #[test]
    fn time_makes_some_to_all_and_forgets_keys() {
        let now = Instant::now();
        let mut standing = Standing { last_failure: Some("503".to_owned()), ..Standing::default() };
        standing.failing_since = Some(now);
        standing.failing.insert(1, now + FORGOTTEN);
        standing.last_taken = Some(now + Duration::from_secs(1));
        let state = |standing: &mut Standing, seconds| standing.judge(now + Duration::from_secs(seconds)).0;
        assert_eq!(state(&mut standing, 2), PartState::Degraded);
        assert_eq!(state(&mut standing, 30), PartState::Failing);
        assert_eq!(state(&mut standing, 181), PartState::Running);
    }
}
