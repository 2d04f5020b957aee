//! One place in the tree.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::topic::filter::{Level, Tail};

use super::children::Children;
use super::path::{Path, Step};
use super::prefixes::Prefixes;

/// What stands below one sequence of levels.
#[derive(Clone, Debug)]
pub(super) struct Node<V> {
    exact: Children<V>,
    any: Option<Arc<Node<V>>>,
    prefixes: Option<Box<Prefixes<V>>>,
    /// Filters that end here, sorted by tail and value.
    ends: SmallVec<[(Tail, V); 1]>,
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { exact: Children::default(), any: None, prefixes: None, ends: SmallVec::new() }
    }
}

impl<V> Node<V> {
    fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.any.is_none() && self.prefixes.is_none() && self.exact.is_empty()
    }

    pub(super) fn child(&self, level: Level<'_>) -> Option<&Arc<Self>> {
        match level {
            Level::Exact(text) => self.exact.get(Step::of(text)),
            Level::Any => self.any.as_ref(),
            Level::Prefix(text) => self.prefixes.as_deref()?.get(text),
        }
    }

    /// The first step of a topic: wildcards do not see a topic that starts with `$`.
    pub(super) fn visit_first(&self, path: &Path<'_>, found: &mut impl FnMut(&V)) {
        if !path.system {
            return self.visit(path.steps(), found);
        }
        let Some((first, rest)) = path.steps().split_first() else { return };
        self.visit_named(*first, rest, found);
    }

    fn visit(&self, steps: &[Step<'_>], found: &mut impl FnMut(&V)) {
        let Some((first, rest)) = steps.split_first() else {
            return self.report(Tail::Some, found);
        };
        self.report(Tail::End, found);
        if let Some(any) = &self.any {
            any.visit(rest, found);
        }
        self.visit_named(*first, rest, found);
    }

    fn visit_named(&self, first: Step<'_>, rest: &[Step<'_>], found: &mut impl FnMut(&V)) {
        if let Some(child) = self.exact.get(first) {
            child.visit(rest, found);
        }
        if let Some(prefixes) = self.prefixes.as_deref() {
            prefixes.for_each_of(first.text, |child| child.visit(rest, found));
        }
    }

    /// The values that end here with any tail but the one that does not fit.
    fn report(&self, unfit: Tail, found: &mut impl FnMut(&V)) {
        for (tail, value) in &self.ends {
            if *tail != unfit {
                found(value);
            }
        }
    }
}

impl<V: Clone> Node<V> {
    pub(super) fn child_mut(&mut self, level: Level<'_>) -> &mut Arc<Self> {
        match level {
            Level::Exact(text) => self.exact.get_or_add(Step::of(text)),
            Level::Any => self.any.get_or_insert_default(),
            Level::Prefix(text) => self.prefixes.get_or_insert_default().get_or_add(text),
        }
    }

    fn existing_child_mut(&mut self, level: Level<'_>) -> Option<&mut Arc<Self>> {
        match level {
            Level::Exact(text) => self.exact.get_mut(Step::of(text)),
            Level::Any => self.any.as_mut(),
            Level::Prefix(text) => self.prefixes.as_deref_mut()?.get_mut(text),
        }
    }

    fn drop_child(&mut self, level: Level<'_>) {
        match level {
            Level::Exact(text) => self.exact.remove(Step::of(text)),
            Level::Any => self.any = None,
            Level::Prefix(text) => {
                let Some(prefixes) = self.prefixes.as_deref_mut() else { return };
                prefixes.remove(text);
                if prefixes.is_empty() {
                    self.prefixes = None;
                }
            }
        }
    }
}

impl<V: Clone + Ord> Node<V> {
    pub(super) fn has(&self, tail: Tail, value: &V) -> bool {
        self.find_end(tail, value).is_ok()
    }

    pub(super) fn add(&mut self, tail: Tail, value: V) -> bool {
        let Err(at) = self.find_end(tail, &value) else { return false };
        self.ends.insert(at, (tail, value));
        true
    }

    fn find_end(&self, tail: Tail, value: &V) -> Result<usize, usize> {
        self.ends.binary_search_by(|(t, v)| t.cmp(&tail).then_with(|| v.cmp(value)))
    }
}

/// Takes a value out and, on the way back, every node that became empty. The value must be there.
pub(super) fn remove<'f, V: Clone + Ord>(
    node: &mut Arc<Node<V>>,
    levels: &mut impl Iterator<Item = Level<'f>>,
    tail: Tail,
    value: &V,
) {
    let node = Arc::make_mut(node);
    let Some(level) = levels.next() else {
        if let Ok(at) = node.find_end(tail, value) {
            node.ends.remove(at);
        }
        return;
    };
    let Some(child) = node.existing_child_mut(level) else { return };
    remove(child, levels, tail, value);
    if child.is_empty() {
        node.drop_child(level);
    }
}
