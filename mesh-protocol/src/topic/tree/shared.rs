//! One writer, many readers.
//!
//! ```text
//! writer:  insert, insert, remove ──publish──▶ newest ◀──load── reader, reader, reader
//! ```
//! A reader holds what it loaded for as long as it likes; the writer then copies what it changes.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::FilterTree;
use crate::topic::{Filter, Topic};

/// The only one who changes a shared tree. Its changes show to readers with [`TreeWriter::publish`], all at once.
#[derive(Debug)]
pub struct TreeWriter<V> {
    tree: FilterTree<V>,
    newest: Arc<ArcSwap<FilterTree<V>>>,
}

/// Looks up topics in the newest published tree. Cloning costs a reference count; nothing here ever waits.
#[derive(Debug)]
pub struct TreeReader<V> {
    newest: Arc<ArcSwap<FilterTree<V>>>,
}

impl<V> Clone for TreeReader<V> {
    fn clone(&self) -> Self {
        Self { newest: Arc::clone(&self.newest) }
    }
}

impl<V: Clone + Ord> TreeWriter<V> {
    /// A writer of an empty tree; [`TreeWriter::reader`] gives its readers.
    #[must_use]
    pub fn new() -> Self {
        Self { tree: FilterTree::new(), newest: Arc::default() }
    }

    /// One more reader.
    #[must_use]
    pub fn reader(&self) -> TreeReader<V> {
        TreeReader { newest: Arc::clone(&self.newest) }
    }

    /// As [`FilterTree::insert`], not yet seen by readers.
    pub fn insert(&mut self, filter: &Filter, value: V) -> bool {
        self.tree.insert(filter, value)
    }

    /// As [`FilterTree::remove`], not yet seen by readers.
    pub fn remove(&mut self, filter: &Filter, value: &V) -> bool {
        self.tree.remove(filter, value)
    }

    /// The tree with all changes, published or not.
    #[must_use]
    pub const fn tree(&self) -> &FilterTree<V> {
        &self.tree
    }

    /// Shows all changes to readers at once.
    pub fn publish(&mut self) {
        self.newest.store(Arc::new(self.tree.clone()));
    }
}

impl<V: Clone + Ord> Default for TreeWriter<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Clone + Ord> TreeReader<V> {
    /// The newest published tree, for one or a few lookups. Do not hold it across an await; use
    /// [`TreeReader::snapshot`] for that.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<FilterTree<V>>> {
        self.newest.load()
    }

    /// The newest published tree, to keep.
    #[must_use]
    pub fn snapshot(&self) -> Arc<FilterTree<V>> {
        self.newest.load_full()
    }

    /// As [`FilterTree::matches`] on the newest published tree.
    pub fn matches(&self, topic: &Topic, found: &mut impl FnMut(&V)) {
        self.load().matches(topic, found);
    }
}
