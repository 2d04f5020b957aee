//! The last value of each topic that has one: MQTT's retained events.
//!
//! Every agent that a retained event comes by keeps it, the last writer's by (time of admission, site, content): whatever
//! the order in which two agents see two of them, both end with the same. An event without payload ends the value; it
//! stays for a while as a tombstone, so that an agent that was away learns of it.
//!
//! The time of admission is a hybrid clock for each topic: the wall clock, but later than all that was seen. It is kept
//! for a share of all topics together, by hash, so that it costs a fixed amount of memory.

use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault};

use bytes::Bytes;
use mesh_protocol::event::{self, Event};
use mesh_protocol::topic::Topic;
use rustc_hash::FxHasher;

use crate::router::Admitted;

/// Most bytes of them together.
pub(super) const BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// How long the end of a value is remembered, in milliseconds.
pub(super) const TOMBSTONE_MS: i64 = 30 * 24 * 3600 * 1000;
/// Topics share so many clocks.
const CLOCKS: usize = 1_024;

/// What is known of all of them together.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) topics: u64,
    pub(super) bytes: u64,
    /// The latest time of admission ever seen, in milliseconds since 1970.
    pub(super) newest_ms: i64,
    clocks: Box<[i64]>,
}

impl Default for Values {
    fn default() -> Self {
        Self::recovered(0, 0, i64::MIN)
    }
}

impl Values {
    pub(super) fn recovered(topics: u64, bytes: u64, newest_ms: i64) -> Self {
        Self { topics, bytes, newest_ms, clocks: vec![newest_ms; CLOCKS].into() }
    }

    fn clock(&mut self, topic: &Topic) -> &mut i64 {
        let hash = BuildHasherDefault::<FxHasher>::default().hash_one(topic.as_str());
        let count = self.clocks.len() as u64;
        // Below the number of clocks, which fits.
        &mut self.clocks[usize::try_from(hash % count).unwrap_or_default()]
    }

    /// The time of admission of a topic's next value.
    pub(super) fn stamp(&mut self, topic: &Topic, now_ms: i64) -> i64 {
        let clock = self.clock(topic);
        *clock = now_ms.max(clock.saturating_add(1));
        *clock
    }

    pub(super) fn saw(&mut self, event: &Event) {
        self.newest_ms = self.newest_ms.max(event.admitted_at_ms);
        let clock = self.clock(&event.topic);
        *clock = (*clock).max(event.admitted_at_ms);
    }

    /// A value came to be, or took the place of one with so many bytes.
    pub(super) fn count(&mut self, before: Option<usize>, after: Option<usize>) {
        self.topics = self.topics + u64::from(after.is_some()) - u64::from(before.is_some()).min(self.topics);
        self.bytes = (self.bytes + after.unwrap_or(0) as u64).saturating_sub(before.unwrap_or(0) as u64);
    }

    pub(super) const fn is_full(&self, topics_max: u64) -> bool {
        self.topics >= topics_max || self.bytes >= BYTES_MAX
    }
}

/// Which of two values of a topic is the later one. What is not readable is earlier than all.
pub(super) fn order(new: &Admitted, stored: &Bytes) -> Ordering {
    let Ok(old) = event::decode(stored.clone()) else { return Ordering::Greater };
    let rank = |event: &Event| (event.admitted_at_ms, event.origin.site);
    rank(new.event()).cmp(&rank(&old)).then_with(|| new.encoded().cmp(stored))
}

/// Whether what is stored for a topic says that it has no value.
pub(super) fn is_end(stored: &Bytes) -> bool {
    event::decode(stored.clone()).is_ok_and(|event| event.payload.is_empty())
}

/// Whether a value is none any more: its time to live is over, or its end has been remembered for long enough.
pub(super) fn is_over(event: &Event, now_ms: i64) -> bool {
    let is_old = event.admitted_at_ms.saturating_add(TOMBSTONE_MS) < now_ms;
    event.is_expired(now_ms) || (event.payload.is_empty() && is_old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topics_clock_is_later_than_all_it_has_seen() {
        let (a, b) = (Topic::new("a").expect("valid"), Topic::new("b").expect("valid"));
        let mut values = Values::default();
        assert_eq!((values.stamp(&a, 1_000), values.stamp(&a, 1_000), values.stamp(&a, 900)), (1_000, 1_001, 1_002));
        assert_eq!(values.stamp(&b, 1_000), 1_000, "another topic has a clock of its own");
        let mut after = Values::recovered(1, 10, 5_000);
        assert_eq!(after.stamp(&a, 1_000), 5_001, "also after a restart with a wall clock that was set back");
    }

    #[test]
    fn what_is_counted_never_falls_below_nothing() {
        let mut values = Values::default();
        values.count(None, Some(10));
        values.count(Some(10), Some(4));
        assert_eq!((values.topics, values.bytes), (1, 4));
        values.count(Some(9), None);
        values.count(Some(9), None);
        assert_eq!((values.topics, values.bytes), (0, 0));
    }
}
