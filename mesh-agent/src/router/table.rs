//! Which outlets want a topic. Readers take a snapshot and never wait for a change.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use mesh_protocol::topic::{Dialect, Filter, FilterTree, Topic};
use smallvec::SmallVec;

use super::{DestinationId, Key, Outlet, OutletId, Reach, Takes};

/// Who takes events, with its identity.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) id: OutletId,
    pub(super) reach: Reach,
    pub(super) place: Place,
}

/// Where an event goes.
#[derive(Debug)]
pub(super) enum Place {
    Outlet(Arc<dyn Outlet>),
    /// A queue of the keeper, by its number.
    Queue(Key),
}

/// One subscription in the table; ordered by outlet and key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) attached: Arc<Attached>,
    pub(super) key: Key,
    pub(super) takes: Takes,
    /// Whom its sender waits for; it belongs to outlet and key.
    pub(super) destination: DestinationId,
    /// `a/*` and `a/+` are one place in the tree, but each is taken back by itself.
    dialect: Dialect,
}

impl Entry {
    pub(super) fn new(
        filter: &Filter,
        attached: &Arc<Attached>,
        key: Key,
        takes: Takes,
        destination: DestinationId,
    ) -> Self {
        Self { attached: attached.clone(), key, takes, destination, dialect: filter.dialect() }
    }

    /// Whose it is, and by which name.
    pub(super) fn subscription(&self) -> (OutletId, Key) {
        (self.attached.id, self.key)
    }

    fn rank(&self) -> ((OutletId, Key), Dialect, Takes) {
        (self.subscription(), self.dialect, self.takes)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// Whoever excepted the topic has not subscribed to it.
pub(super) fn leave_out_excepted(matches: &mut SmallVec<[Entry; 8]>) {
    if matches.iter().all(|entry| entry.takes != Takes::EXCEPT) {
        return;
    }
    let excepted: SmallVec<[OutletId; 8]> =
        matches.iter().filter(|entry| entry.takes == Takes::EXCEPT).map(|entry| entry.attached.id).collect();
    matches.retain(|entry| !excepted.contains(&entry.attached.id));
}

#[derive(Debug, Default)]
pub(super) struct Table {
    writer: Mutex<FilterTree<Entry>>,
    readers: ArcSwap<FilterTree<Entry>>,
}

impl Table {
    /// Readers see a client's subscription at once. What other agents want comes by the ten thousand, and each change that
    /// is shown by itself costs a copy of what is wide in the tree: those are shown together, by [`Table::show`].
    pub(super) fn insert(&self, filter: &Filter, entry: Entry) {
        let shown = entry.attached.reach == Reach::Local;
        let mut tree = self.writer.lock().expect("no panic while held");
        if tree.insert(filter, entry) && shown {
            self.readers.store(Arc::new(tree.clone()));
        }
    }

    pub(super) fn remove(&self, filter: &Filter, entry: &Entry) {
        let shown = entry.attached.reach == Reach::Local;
        let mut tree = self.writer.lock().expect("no panic while held");
        if tree.remove(filter, entry) && shown {
            self.readers.store(Arc::new(tree.clone()));
        }
    }

    /// Readers see everything that was changed until now.
    pub(super) fn show(&self) {
        let tree = self.writer.lock().expect("no panic while held");
        self.readers.store(Arc::new(tree.clone()));
    }

    pub(super) fn matches(&self, topic: &Topic) -> SmallVec<[Entry; 8]> {
        let mut found = SmallVec::new();
        self.readers.load().matches(topic, &mut |entry: &Entry| found.push(entry.clone()));
        found
    }
}
