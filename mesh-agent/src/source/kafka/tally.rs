//! What happened to a source's records, for its part and for the agent's counters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::counters::{Counter, Counters};

/// Counters of all sources, and the figures of this one.
#[derive(Debug)]
pub(super) struct Tally {
    figures: Mutex<Figures>,
    taken: Counter,
    filtered: Counter,
    looped: Counter,
    poison: Counter,
    denied: Counter,
    retried: Counter,
    gap: Counter,
    left_out_headers: Counter,
    caught_up: Counter,
}

/// Figures of one source since it started.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) taken: u64,
    pub(super) unrouted: u64,
    pub(super) filtered: u64,
    pub(super) looped: u64,
    pub(super) poison: u64,
    pub(super) denied: u64,
    pub(super) gap: u64,
    /// Partitions read now.
    pub(super) partitions: u64,
    /// Records that the shared read has not brought in yet, as far as it is known.
    pub(super) lag: Option<u64>,
    /// Who reads alone, with the records that each does not have yet.
    pub(super) behind: BTreeMap<Arc<str>, u64>,
    /// The last record that could not be mapped.
    pub(super) last_poison: Option<String>,
    /// The last gap.
    pub(super) last_gap: Option<String>,
    /// What holds each partition back now.
    pub(super) blocked: BTreeMap<String, String>,
    /// What holds the whole source back now: a missing topic or right.
    pub(super) trouble: BTreeMap<String, String>,
}

/// What became of the records of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) events: u64,
    pub(super) filtered: u64,
    pub(super) looped: u64,
    pub(super) denied: u64,
    pub(super) left_out_headers: u64,
}

impl Tally {
    pub(super) fn new(counters: &Counters) -> Self {
        Self {
            figures: Mutex::default(),
            taken: counters.counter("source_events"),
            filtered: counters.counter("source_filtered_records"),
            looped: counters.counter("source_looped_records"),
            poison: counters.counter("source_poison_records"),
            denied: counters.counter("source_denied_records"),
            retried: counters.counter("source_retried_batches"),
            gap: counters.counter("source_gap_records"),
            left_out_headers: counters.counter("source_left_out_headers"),
            caught_up: counters.counter("source_caught_up_events"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().expect("no panic while held")
    }

    pub(super) fn figures(&self) -> Figures {
        self.lock().clone()
    }

    /// Changes the figures.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.lock());
    }

    /// A batch is over.
    pub(super) fn batch(&self, counts: Counts, unrouted: bool) {
        self.taken.add(counts.events);
        self.filtered.add(counts.filtered);
        self.looped.add(counts.looped);
        self.denied.add(counts.denied);
        self.left_out_headers.add(counts.left_out_headers);
        self.edit(|figures| {
            figures.taken += counts.events;
            figures.unrouted += if unrouted { counts.events } else { 0 };
            figures.filtered += counts.filtered;
            figures.looped += counts.looped;
            figures.denied += counts.denied;
        });
    }

    /// Events that went to one destination alone, after the others.
    pub(super) fn caught_up(&self, events: u64) {
        self.caught_up.add(events);
    }

    /// A record is a dead letter.
    pub(super) fn poison(&self, what: String) {
        self.poison.one();
        self.edit(|figures| {
            figures.poison += 1;
            figures.last_poison = Some(what);
        });
    }

    /// Records are missing. `records` is a lower bound when nobody knows.
    pub(super) fn gap(&self, what: String, records: u64) {
        self.gap.add(records.max(1));
        self.edit(|figures| {
            figures.gap += records.max(1);
            figures.last_gap = Some(what);
        });
    }

    /// A batch is tried again.
    pub(super) fn retry(&self) {
        self.retried.one();
    }
}
