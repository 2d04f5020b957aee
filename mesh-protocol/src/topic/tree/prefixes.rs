//! A node's children by prefix.
//!
//! They are kept by text like the others; what is added is which lengths there are, so that a lookup asks once per
//! length and not once per prefix.

use std::sync::Arc;

use super::children::Children;
use super::node::Node;
use super::path::Step;

#[derive(Clone, Debug)]
pub(super) struct Prefixes<V> {
    children: Children<V>,
    /// Length in bytes and how many prefixes have it, shortest first.
    lengths: Vec<(usize, usize)>,
}

impl<V> Default for Prefixes<V> {
    fn default() -> Self {
        Self { children: Children::default(), lengths: Vec::new() }
    }
}

impl<V> Prefixes<V> {
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    pub(super) fn get(&self, prefix: &str) -> Option<&Arc<Node<V>>> {
        self.children.get(Step::of(prefix))
    }

    /// Calls `found` with the child of every prefix that `text` has, shortest first.
    pub(super) fn for_each_of(&self, text: &str, mut found: impl FnMut(&Arc<Node<V>>)) {
        for &(length, _) in &self.lengths {
            if length > text.len() {
                return;
            }
            // Within a character no prefix ends.
            if let Some(child) = text.get(..length).and_then(|prefix| self.get(prefix)) {
                found(child);
            }
        }
    }
}

impl<V: Clone> Prefixes<V> {
    pub(super) fn get_or_add(&mut self, prefix: &str) -> &mut Arc<Node<V>> {
        if self.get(prefix).is_none() {
            match self.find_length(prefix) {
                Ok(at) => self.lengths[at].1 += 1,
                Err(at) => self.lengths.insert(at, (prefix.len(), 1)),
            }
        }
        self.children.get_or_add(Step::of(prefix))
    }

    pub(super) fn get_mut(&mut self, prefix: &str) -> Option<&mut Arc<Node<V>>> {
        self.children.get_mut(Step::of(prefix))
    }

    /// Takes a prefix out. It must be there.
    pub(super) fn remove(&mut self, prefix: &str) {
        self.children.remove(Step::of(prefix));
        if let Ok(at) = self.find_length(prefix) {
            self.lengths[at].1 -= 1;
            if self.lengths[at].1 == 0 {
                self.lengths.remove(at);
            }
        }
    }

    fn find_length(&self, prefix: &str) -> Result<usize, usize> {
        self.lengths.binary_search_by_key(&prefix.len(), |(length, _)| *length)
    }
}
