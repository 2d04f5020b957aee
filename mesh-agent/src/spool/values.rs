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
    pub(super) totals: Totals,
    clocks: Box<[i64]>,
}

/// What is on disk of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Totals {
    /// Topics that have a value.
    pub(super) topics: u64,
    /// Topics of which the end of the value is remembered.
    pub(super) ends: u64,
    /// Bytes of both.
    pub(super) bytes: u64,
    /// The latest time of admission ever seen, in milliseconds since 1970.
    pub(super) newest_ms: i64,
}

/// What is stored for a topic, or shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) bytes: u64,
    pub(super) is_end: bool,
}

impl Stored {
    pub(super) fn of(bytes: &Bytes) -> Self {
        Self { bytes: bytes.len() as u64, is_end: is_end(bytes) }
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self { topics: 0, ends: 0, bytes: 0, newest_ms: i64::MIN }
    }
}

impl Default for Values {
    fn default() -> Self {
        Self::recovered(Totals::default())
    }
}

impl Values {
    pub(super) fn recovered(totals: Totals) -> Self {
        Self { totals, clocks: vec![totals.newest_ms; CLOCKS].into() }
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
        self.totals.newest_ms = self.totals.newest_ms.max(event.admitted_at_ms);
        let clock = self.clock(&event.topic);
        *clock = (*clock).max(event.admitted_at_ms);
    }

    /// Something takes the place of what was stored for a topic.
    pub(super) fn count(&mut self, before: Option<Stored>, after: Option<Stored>) {
        let count = |is_end: bool| {
            let one = |stored: Option<Stored>| u64::from(stored.is_some_and(|stored| stored.is_end == is_end));
            (one(before), one(after))
        };
        let bytes = |stored: Option<Stored>| stored.map_or(0, |stored| stored.bytes);
        let moved = |total: u64, (before, after): (u64, u64)| (total + after).saturating_sub(before);
        let Totals { topics, ends, bytes: all, newest_ms } = self.totals;
        self.totals = Totals {
            topics: moved(topics, count(false)),
            ends: moved(ends, count(true)),
            bytes: moved(all, (bytes(before), bytes(after))),
            newest_ms,
        };
    }

    /// Whether there is room for it. What takes no more than was there before always has.
    pub(super) fn has_room(&self, topics_max: u64, before: Option<Stored>, after: Stored) -> bool {
        let mut then = self.clone_totals();
        then.count(before, Some(after));
        let grows = |then: u64, now: u64, max: u64| then > now && then > max;
        let (then, now) = (then.totals, self.totals);
        !grows(then.topics, now.topics, topics_max)
            && !grows(then.ends, now.ends, topics_max)
            && !grows(then.bytes, now.bytes, BYTES_MAX)
    }

    /// Without the clocks.
    fn clone_totals(&self) -> Self {
        Self { totals: self.totals, clocks: Box::default() }
    }
}

/// Which of two values of a topic is the later one: by time of admission, site, and content, of which the end of a value is
/// later than all. What is not readable is earlier than all.
pub(super) fn order(new: &Admitted, stored: &Bytes) -> Ordering {
    let Ok(old) = event::decode(stored.clone()) else { return Ordering::Greater };
    let rank = |event: &Event| (event.admitted_at_ms, event.origin.site, event.payload.is_empty());
    rank(new.event()).cmp(&rank(&old)).then_with(|| new.encoded().cmp(stored))
}

/// Whether what is stored for a topic says that it has no value.
pub(super) fn is_end(stored: &Bytes) -> bool {
    event::decode(stored.clone()).is_ok_and(|event| event.payload.is_empty())
}

/// The end of a value whose time to live is over, for agents that may know an earlier one.
pub(crate) fn end_of(event: &Admitted) -> Admitted {
    Admitted::new(Event { payload: Bytes::new(), ttl_ms: None, ..event.event().clone() }).recalled(true)
}

/// Whether a value need not be remembered any more: its end, by itself or because its time to live was over, has been known
/// for long enough.
pub(super) fn is_forgotten(event: &Event, now_ms: i64) -> bool {
    let lived = event.ttl_ms.and_then(|ttl| i64::try_from(ttl).ok());
    let ended = if event.payload.is_empty() { Some(0) } else { lived };
    let forgotten = |lived: i64| event.admitted_at_ms.saturating_add(lived).saturating_add(TOMBSTONE_MS) < now_ms;
    ended.is_some_and(forgotten)
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
        let mut after = Values::recovered(Totals { newest_ms: 5_000, ..Totals::default() });
        assert_eq!(after.stamp(&a, 1_000), 5_001, "also after a restart with a wall clock that was set back");
    }

    #[test]
    fn what_is_counted_never_falls_below_nothing_and_ends_have_room_of_their_own() {
        let value = |bytes| Some(Stored { bytes, is_end: false });
        let end = Stored { bytes: 2, is_end: true };
        let mut values = Values::default();
        values.count(None, value(10));
        values.count(value(10), value(4));
        assert_eq!((values.totals.topics, values.totals.bytes), (1, 4));
        assert!(!values.has_room(1, None, Stored { bytes: 1, is_end: false }) && values.has_room(1, None, end));
        assert!(values.has_room(1, value(4), Stored { bytes: 9, is_end: false }), "a topic that has one");
        assert!(!values.has_room(1, value(4), Stored { bytes: BYTES_MAX + 1, is_end: false }), "but not of any size");
        values.count(value(4), Some(end));
        assert_eq!((values.totals.topics, values.totals.ends), (0, 1), "its end makes room");
        values.count(value(9), None);
        values.count(Some(end), None);
        assert_eq!((values.totals.topics, values.totals.ends, values.totals.bytes), (0, 0, 0));
    }
}
