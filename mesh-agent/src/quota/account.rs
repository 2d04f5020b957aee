//! One grant at this agent: its buckets and its counts, in both directions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mesh_protocol::desired::Grant;
use mesh_protocol::report::Direction;
use mesh_protocol::topic::{Filter, Topic};

use super::bucket::{Bucket, Short};

/// A grant and what is left of it. A new document with the same grant goes on with the same gauge.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) grant: Grant,
    pub(super) name: Arc<str>,
    pub(super) gauge: Arc<Gauge>,
}

/// What outlives a document.
#[derive(Debug)]
pub(super) struct Gauge {
    pub(super) publish: Way,
    pub(super) subscribe: Way,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) events: Bucket,
    pub(super) bytes: Bucket,
    pub(super) used: Used,
    /// Somebody found too little since it was looked at last.
    slowed: AtomicBool,
}

/// Counts since they were taken last.
#[derive(Debug, Default)]
pub(super) struct Used {
    events: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
}

/// The same as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) refused: u64,
}

/// Which of the two limits was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Events a second.
    Events,
    /// Payload bytes a second.
    Bytes,
}

impl Account {
    pub(super) fn way(&self, direction: Direction) -> &Way {
        match direction {
            Direction::Produce => &self.gauge.publish,
            Direction::Consume => &self.gauge.subscribe,
        }
    }

    /// Whether it is for a topic in this direction.
    pub(super) fn is_for(&self, direction: Direction, topic: &Topic) -> bool {
        let filters: &[Filter] = match direction {
            Direction::Produce => &self.grant.publish,
            Direction::Consume => &self.grant.subscribe,
        };
        filters.iter().any(|filter| filter.matches(topic))
    }
}

impl Gauge {
    pub(super) fn new() -> Self {
        let way = || Way {
            events: Bucket::unlimited(),
            bytes: Bucket::unlimited(),
            used: Used::default(),
            slowed: AtomicBool::new(false),
        };
        Self { publish: way(), subscribe: way() }
    }

    /// The buckets in the order of [`Rates`](mesh_protocol::frame::Rates).
    pub(super) fn buckets(&self) -> [&Bucket; 4] {
        [&self.publish.events, &self.publish.bytes, &self.subscribe.events, &self.subscribe.bytes]
    }
}

impl Way {
    /// Takes events of so many bytes together and counts them.
    pub(super) fn take(&self, events: u64, bytes: u64, now_us: u64) -> Result<(), (Limit, Short)> {
        let single = events == 1;
        let short = match self.events.take(events, single, now_us) {
            Err(short) => Some((Limit::Events, short)),
            Ok(()) => match self.bytes.take(bytes, single, now_us) {
                Err(short) => {
                    self.events.give_back(events);
                    Some((Limit::Bytes, short))
                }
                Ok(()) => None,
            },
        };
        if let Some(short) = short {
            self.slowed.store(true, Ordering::Relaxed);
            return Err(short);
        }
        self.used.events.fetch_add(events, Ordering::Relaxed);
        self.used.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Takes back what was counted and did not happen.
    pub(super) fn give_back(&self, events: u64, bytes: u64) {
        self.events.give_back(events);
        self.bytes.give_back(bytes);
        let less = |count: &AtomicU64, by: u64| {
            let _always = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_sub(by)));
        };
        less(&self.used.events, events);
        less(&self.used.bytes, bytes);
    }

    /// Counts events that were refused or dropped.
    pub(super) fn refuse(&self, events: u64) {
        self.used.refused.fetch_add(events, Ordering::Relaxed);
    }

    /// What was counted since the last time, and whether somebody found too little.
    pub(super) fn look(&self) -> (Counted, bool) {
        let take =
            |count: &AtomicU64| if count.load(Ordering::Relaxed) == 0 { 0 } else { count.swap(0, Ordering::Relaxed) };
        let counted = Counted {
            events: take(&self.used.events),
            bytes: take(&self.used.bytes),
            refused: take(&self.used.refused),
        };
        (counted, self.slowed.swap(false, Ordering::Relaxed))
    }
}
