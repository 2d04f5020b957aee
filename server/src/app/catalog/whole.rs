//! The whole catalog, put together once for each reading.
//!
//! Every list, page and count looks at all of it, and putting it together takes longer than any of them. So it is made
//! when the first of them asks, and shared until what it is made of is read anew.

use std::sync::{Arc, OnceLock};

use super::entry::{Entry, Key, entries};
use crate::app::observed::{Observed, World};
use crate::app::snapshot::Snapshot;

/// Everything there is.
#[derive(Debug)]
pub(in crate::app) struct Catalog {
    /// By their keys.
    entries: Vec<Entry>,
    /// Places of the entries, by their names.
    by_name: Vec<usize>,
}

impl Catalog {
    fn of(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let mut by_name: Vec<usize> = (0..entries.len()).collect();
        let order = |at: usize| (&entries[at].row.name, &entries[at].row.id);
        by_name.sort_by(|a, b| order(*a).cmp(&order(*b)));
        Self { entries, by_name }
    }

    /// All entries.
    pub(in crate::app) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The entry at a place among all of them.
    pub(in crate::app) fn at(&self, place: usize) -> &Entry {
        &self.entries[place]
    }

    /// All entries, by name.
    pub(in crate::app) fn by_name(&self) -> impl Iterator<Item = &Entry> {
        self.by_name.iter().map(|at| &self.entries[*at])
    }

    /// One of them.
    pub(in crate::app) fn get(&self, key: &Key) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
        Some(&self.entries[at])
    }
}

/// What a catalog is made of, and the catalog once somebody asked for it.
#[derive(Clone, Debug)]
pub(in crate::app) struct Reading {
    config: Arc<Snapshot>,
    seen: Arc<Observed>,
    made: Arc<OnceLock<Catalog>>,
}

impl Reading {
    /// Nobody asked yet.
    pub(in crate::app) fn new(config: Arc<Snapshot>, seen: Arc<Observed>) -> Self {
        Self { config, seen, made: Arc::default() }
    }

    /// Whether it is one of these very facts.
    pub(in crate::app) fn is_of(&self, config: &Arc<Snapshot>, seen: &Arc<Observed>) -> bool {
        Arc::ptr_eq(&self.config, config) && Arc::ptr_eq(&self.seen, seen)
    }

    /// What agents saw, as of this reading.
    pub(in crate::app) fn seen(&self) -> &Arc<Observed> {
        &self.seen
    }

    /// The catalog of a world that has this reading.
    pub(in crate::app) fn catalog(&self, world: &World) -> &Catalog {
        self.made.get_or_init(|| Catalog::of(entries(world)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::shop;
    use super::*;

    #[test]
    fn entries_are_found_by_key_and_listed_by_name() {
        let catalog = Catalog::of(shop());
        assert_eq!(catalog.iter().count(), shop().len());
        for entry in shop() {
            assert_eq!(catalog.get(&entry.key).map(|found| &found.row.name), Some(&entry.row.name));
        }
        assert!(catalog.get(&Key::Address("nothing/such".to_owned())).is_none());
        let names: Vec<&str> = catalog.by_name().map(|entry| entry.row.name.as_str()).collect();
        assert!(names.is_sorted() && names.len() == shop().len(), "{names:?}");
    }
}
