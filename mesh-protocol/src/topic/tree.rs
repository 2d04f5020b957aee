//! Finds every filter that a topic matches, among very many.
//!
//! A trie over levels; both dialects meet in it, because they differ only in how they write what a node can hold: exact
//! texts, prefixes, any text, and filters that end here with nothing, with `>` or with `#`.
//!
//! Readers must never wait for a writer, and a writer must not copy 100,000 filters for one subscription. So nodes are
//! shared: cloning a tree is one reference count, and changing a tree copies only those nodes on the way to the change
//! that a clone still sees. [`TreeWriter`] and [`TreeReader`] put that to use: the writer changes its own tree and
//! publishes a clone, a reader takes the newest published one.
//!
//! One pattern is one place: `a/*` and `a/+` are the same, and a value counts there once.

mod children;
mod node;
mod path;
mod prefixes;
mod shared;
mod text;

use std::sync::Arc;

use super::{Filter, Topic};
use node::Node;

pub(crate) use path::Path;
pub use shared::{TreeReader, TreeWriter};

/// A set of (filter, value) pairs. Cloning costs a reference count; see the module for how changes are kept apart.
#[derive(Clone, Debug)]
pub struct FilterTree<V> {
    root: Arc<Node<V>>,
    len: usize,
}

impl<V> Default for FilterTree<V> {
    fn default() -> Self {
        Self { root: Arc::default(), len: 0 }
    }
}

impl<V: Clone + Ord> FilterTree<V> {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many pairs it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a pair; false when it was there.
    pub fn insert(&mut self, filter: &Filter, value: V) -> bool {
        let mut node = &mut self.root;
        for level in filter.levels() {
            node = Arc::make_mut(node).child_mut(level);
        }
        let added = Arc::make_mut(node).add(filter.tail(), value);
        self.len += usize::from(added);
        added
    }

    /// Takes a pair out; false when it was not there.
    pub fn remove(&mut self, filter: &Filter, value: &V) -> bool {
        if !self.contains(filter, value) {
            return false;
        }
        node::remove(&mut self.root, &mut filter.levels(), filter.tail(), value);
        self.len -= 1;
        true
    }

    /// Whether the pair is there.
    #[must_use]
    pub fn contains(&self, filter: &Filter, value: &V) -> bool {
        let mut node = &self.root;
        for level in filter.levels() {
            match node.child(level) {
                Some(child) => node = child,
                None => return false,
            }
        }
        node.has(filter.tail(), value)
    }

    /// Calls `found` with the value of every pair whose filter the topic matches: a value that stands under several such
    /// filters comes several times. In no particular order.
    pub fn matches(&self, topic: &Topic, found: &mut impl FnMut(&V)) {
        if !self.is_empty() {
            self.matches_path(&Path::of(topic.as_str()), found);
        }
    }

    /// As [`FilterTree::matches`], for a topic that is looked up in several trees.
    pub(crate) fn matches_path(&self, path: &Path<'_>, found: &mut impl FnMut(&V)) {
        self.root.visit_first(path, found);
    }
}

#[cfg(test)]
mod tests;
