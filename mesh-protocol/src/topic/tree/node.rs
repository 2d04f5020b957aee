//! One place in the tree.

use std::sync::Arc;

use crate::topic::filter::{Level, Tail};

use super::children::Children;
use super::path::{Path, Step};

/// What stands below one sequence of levels.
#[derive(Clone, Debug)]
pub(super) struct Node<V> {
    exact: Children<V>,
    any: Option<Arc<Node<V>>>,
    /// Sorted by prefix.
    prefixes: Option<Box<Prefixes<V>>>,
    /// Filters that end here, sorted by tail and value.
    ends: Vec<(Tail, V)>,
}

type Prefixes<V> = Vec<(Arc<str>, Arc<Node<V>>)>;

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { exact: Children::default(), any: None, prefixes: None, ends: Vec::new() }
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
            Level::Prefix(text) => {
                let prefixes = self.prefixes.as_deref()?;
                find(prefixes, text).ok().map(|at| &prefixes[at].1)
            }
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
            for_each_prefix(prefixes, first.text, |child| child.visit(rest, found));
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
            Level::Prefix(text) => {
                let prefixes = self.prefixes.get_or_insert_default();
                let at = find(prefixes, text).unwrap_or_else(|at| {
                    prefixes.insert(at, (text.into(), Arc::default()));
                    at
                });
                &mut prefixes[at].1
            }
        }
    }

    fn existing_child_mut(&mut self, level: Level<'_>) -> Option<&mut Arc<Self>> {
        match level {
            Level::Exact(text) => self.exact.get_mut(Step::of(text)),
            Level::Any => self.any.as_mut(),
            Level::Prefix(text) => {
                let prefixes = self.prefixes.as_deref_mut()?;
                find(prefixes, text).ok().map(|at| &mut prefixes[at].1)
            }
        }
    }

    fn drop_child(&mut self, level: Level<'_>) {
        match level {
            Level::Exact(text) => self.exact.remove(Step::of(text)),
            Level::Any => self.any = None,
            Level::Prefix(text) => {
                let Some(prefixes) = self.prefixes.as_deref_mut() else { return };
                if let Ok(at) = find(prefixes, text) {
                    prefixes.remove(at);
                }
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
        if self.ends.is_empty() {
            self.ends.reserve_exact(1);
        }
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

fn find<V>(prefixes: &[(Arc<str>, Arc<Node<V>>)], text: &str) -> Result<usize, usize> {
    prefixes.binary_search_by(|(prefix, _)| (**prefix).cmp(text))
}

/// Calls `found` for every prefix of `text`, shortest first. The list is narrowed byte by byte, so its length counts
/// only by its logarithm.
fn for_each_prefix<V>(prefixes: &Prefixes<V>, text: &str, mut found: impl FnMut(&Arc<Node<V>>)) {
    let mut range = &prefixes[..];
    for (at, byte) in text.bytes().enumerate() {
        let byte_at = |entry: &(Arc<str>, Arc<Node<V>>)| entry.0.as_bytes().get(at).copied();
        let start = range.partition_point(|entry| byte_at(entry) < Some(byte));
        let end = range.partition_point(|entry| byte_at(entry) <= Some(byte));
        range = &range[start..end];
        match range.first() {
            None => return,
            Some((prefix, child)) if prefix.len() == at + 1 => found(child),
            Some(_) => {}
        }
    }
}
