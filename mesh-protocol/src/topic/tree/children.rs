//! A node's children by exact text: one short sorted list, or many of them chosen by the top bits of the hash.
//!
//! Most nodes have one child, some have a hundred thousand. A change copies one list, not all children, so a wide node
//! costs a published change little. Order is by hash and then by text: texts made to collide cost a longer list, never
//! a wrong answer.

use std::cmp::Ordering;
use std::sync::Arc;

use super::node::Node;
use super::path::Step;

/// Children per list, on average, above which the number of lists grows.
const LIST_MAX: usize = 32;
/// The number of lists grows by this many bits of the hash at a time.
const GROWTH_BITS: u32 = 2;

#[derive(Clone, Debug)]
pub(super) enum Children<V> {
    Few(List<V>),
    Many(Box<Many<V>>),
}

type List<V> = Vec<Child<V>>;

#[derive(Clone, Debug)]
pub(super) struct Many<V> {
    bits: u32,
    count: usize,
    lists: Vec<Arc<List<V>>>,
}

#[derive(Clone, Debug)]
pub(super) struct Child<V> {
    hash: u64,
    text: Arc<str>,
    node: Arc<Node<V>>,
}

impl<V> Default for Children<V> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<V> Children<V> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(many) => many.count == 0,
        }
    }

    pub(super) fn get(&self, step: Step<'_>) -> Option<&Arc<Node<V>>> {
        let list = match self {
            Self::Few(list) => list,
            Self::Many(many) => &many.lists[many.index(step.hash)],
        };
        find(list, step).ok().map(|at| &list[at].node)
    }
}

impl<V: Clone> Children<V> {
    /// The child, made when it is missing.
    pub(super) fn get_or_add(&mut self, step: Step<'_>) -> &mut Arc<Node<V>> {
        self.grow();
        let (list, count) = match self {
            Self::Few(list) => (list, None),
            Self::Many(many) => {
                let index = many.index(step.hash);
                (Arc::make_mut(&mut many.lists[index]), Some(&mut many.count))
            }
        };
        let at = match find(list, step) {
            Ok(at) => at,
            Err(at) => {
                if list.is_empty() {
                    list.reserve_exact(1);
                }
                list.insert(at, Child { hash: step.hash, text: step.text.into(), node: Arc::default() });
                count.into_iter().for_each(|count| *count += 1);
                at
            }
        };
        &mut list[at].node
    }

    pub(super) fn get_mut(&mut self, step: Step<'_>) -> Option<&mut Arc<Node<V>>> {
        let list = match self {
            Self::Few(list) => list,
            Self::Many(many) => {
                let index = many.index(step.hash);
                Arc::make_mut(&mut many.lists[index])
            }
        };
        find(list, step).ok().map(|at| &mut list[at].node)
    }

    pub(super) fn remove(&mut self, step: Step<'_>) {
        let (list, count) = match self {
            Self::Few(list) => (list, None),
            Self::Many(many) => {
                let index = many.index(step.hash);
                (Arc::make_mut(&mut many.lists[index]), Some(&mut many.count))
            }
        };
        if let Ok(at) = find(list, step) {
            list.remove(at);
            count.into_iter().for_each(|count| *count -= 1);
        }
        if matches!(self, Self::Many(many) if many.count == 0) {
            *self = Self::default();
        }
    }

    /// Spreads the children over more lists once they are too long. The lists never become fewer until all children
    /// are gone: a node that was wide is likely to be so again.
    fn grow(&mut self) {
        let bits = match self {
            Self::Few(list) if list.len() >= LIST_MAX => GROWTH_BITS,
            Self::Many(many) if many.count >= many.lists.len() * LIST_MAX => many.bits + GROWTH_BITS,
            Self::Few(_) | Self::Many(_) => return,
        };
        let children: List<V> = match std::mem::take(self) {
            Self::Few(list) => list,
            Self::Many(many) => many.lists.into_iter().flat_map(Arc::unwrap_or_clone).collect(),
        };
        let count = children.len();
        let mut lists: Vec<List<V>> = (0..1_usize << bits).map(|_| Vec::new()).collect();
        for child in children {
            lists[top_bits(child.hash, bits)].push(child);
        }
        *self = Self::Many(Box::new(Many { bits, count, lists: lists.into_iter().map(Arc::new).collect() }));
    }
}

impl<V> Many<V> {
    fn index(&self, hash: u64) -> usize {
        top_bits(hash, self.bits)
    }
}

fn top_bits(hash: u64, bits: u32) -> usize {
    usize::try_from(hash >> (u64::BITS - bits)).expect("a list's index is far below 2^32")
}

fn find<V>(list: &[Child<V>], step: Step<'_>) -> Result<usize, usize> {
    list.binary_search_by(|child| match child.hash.cmp(&step.hash) {
        Ordering::Equal => (*child.text).cmp(step.text),
        unequal => unequal,
    })
}
