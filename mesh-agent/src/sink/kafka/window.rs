//! What was handed to the client library and is not acknowledged yet, in the order it was handed over.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::router::{Admitted, Hold};

use super::record::Record;

/// An event under way to the cluster.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) event: Admitted,
    pub(super) record: Record,
    pub(super) hold: Option<Hold>,
    /// Its place in the route's queue, when it came from there.
    pub(super) seq: Option<u64>,
    pub(super) since: Instant,
}

/// An entry that goes out once more.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) number: usize,
    pub(super) seq: Option<u64>,
    pub(super) event: Admitted,
    pub(super) record: Record,
}

/// Numbers stand for entries in delivery reports, so that no allocation is needed per record.
#[derive(Debug, Default)]
pub(super) struct Window {
    entries: BTreeMap<usize, Entry>,
    next: usize,
}

impl Window {
    /// Takes an entry in and returns its number.
    pub(super) fn insert(&mut self, entry: Entry) -> usize {
        self.next += 1;
        self.entries.insert(self.next, entry);
        self.next
    }

    /// Takes an entry out; none when it has been answered before (a report of an older producer).
    pub(super) fn complete(&mut self, number: usize) -> Option<Entry> {
        self.entries.remove(&number)
    }

    /// The first entry with a number above `after`, marked as redelivery: after a fatal error nobody knows which of
    /// them the cluster has.
    pub(super) fn again(&mut self, after: usize) -> Option<Again> {
        let (number, entry) = self.entries.range_mut(after + 1..).next()?;
        entry.record.mark_redelivered();
        let (event, record) = (entry.event.clone(), entry.record.clone());
        Some(Again { number: *number, seq: entry.seq, event, record })
    }

    /// Takes the duties that `given_up` tells out of their entries, which stay.
    pub(super) fn release(&mut self, given_up: impl Fn(&Hold) -> bool) {
        for entry in self.entries.values_mut() {
            drop(entry.hold.take_if(|hold| given_up(hold)));
        }
    }

    /// Events under way.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the oldest of them was handed over.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|(_, entry)| entry.since)
    }

    /// Gives everything up.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}
