//! Events that nobody has, in the order of the log, and the first of each key: where nothing of a key may overtake, the
//! others of it need not be looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use crate::queue::item::Item;
use crate::stream::Moment;

/// One of them.
#[derive(Debug)]
pub(super) struct Waiting<E> {
    pub(super) item: Item<E>,
    pub(super) not_before: Moment,
}

/// See the module.
#[derive(Debug)]
pub(super) struct WaitingRoom<E> {
    all: BTreeMap<u64, Waiting<E>>,
    keys: HashMap<Bytes, BTreeSet<u64>>,
    firsts: BTreeSet<u64>,
}

impl<E> Default for WaitingRoom<E> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), keys: HashMap::new(), firsts: BTreeSet::new() }
    }
}

impl<E> WaitingRoom<E> {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn insert(&mut self, waiting: Waiting<E>) {
        let seq = waiting.item.seq;
        let of_key = self.keys.entry(waiting.item.key.clone()).or_default();
        match of_key.first().copied() {
            Some(first) if first <= seq => {}
            Some(first) => {
                self.firsts.remove(&first);
                self.firsts.insert(seq);
            }
            None => drop(self.firsts.insert(seq)),
        }
        of_key.insert(seq);
        self.all.insert(seq, waiting);
    }

    pub(super) fn remove(&mut self, seq: u64) -> Option<Waiting<E>> {
        let waiting = self.all.remove(&seq)?;
        let key = &waiting.item.key;
        if let Some(of_key) = self.keys.get_mut(key) {
            of_key.remove(&seq);
            if self.firsts.remove(&seq) {
                self.firsts.extend(of_key.first());
            }
            if of_key.is_empty() {
                self.keys.remove(key);
            }
        }
        Some(waiting)
    }

    /// The next one from a place on; of each key only the first that is there, if `firsts`.
    pub(super) fn next(&self, from: u64, firsts: bool) -> Option<&Waiting<E>> {
        if firsts {
            return self.firsts.range(from..).next().and_then(|seq| self.all.get(seq));
        }
        self.all.range(from..).next().map(|(_, waiting)| waiting)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting<E>> {
        self.all.values()
    }
}
