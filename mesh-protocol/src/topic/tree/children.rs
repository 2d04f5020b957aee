//! A node's children by text: one short sorted list, or many of them chosen by the top bits of the hash.
//!
//! Most nodes have one child, some have a hundred thousand. A change copies one list, not all children, so a wide node
//! costs a published change little. Lists are sorted by hash and then by text: texts made to collide cost a longer
//! list, never a wrong answer and never more than a binary search.

use std::cmp::Ordering;
use std::sync::Arc;

use super::node::Node;
use super::path::Step;
use super::text::Text;

/// Children per list, on average, above which the number of lists grows.
const LIST_MAX: usize = 32;
/// The number of lists grows by this many bits of the hash at a time.
const GROWTH_BITS: u32 = 2;
/// How far a search walks from where the hash says an entry should be, before it searches by halves.
const WALK_MAX: usize = 8;

#[derive(Clone, Debug)]
pub(super) enum Children<V> {
    /// In no list of their own: the node is copied anyway.
    Few(Vec<Child<V>>),
    /// The lists, a power of two of them, and how many children they hold.
    Many(Vec<Arc<[Child<V>]>>, usize),
}

#[derive(Clone, Debug)]
pub(super) struct Child<V> {
    hash: u64,
    text: Text,
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
            Self::Many(_, count) => *count == 0,
        }
    }

    pub(super) fn get(&self, step: Step<'_>) -> Option<&Arc<Node<V>>> {
        let (list, bits) = match self {
            Self::Few(list) => (&**list, 0),
            Self::Many(lists, _) => (&*lists[index(lists, step.hash)], bits(lists)),
        };
        find(list, bits, step).ok().map(|at| &list[at].node)
    }
}

impl<V: Clone> Children<V> {
    /// The child, made when it is missing.
    pub(super) fn get_or_add(&mut self, step: Step<'_>) -> &mut Arc<Node<V>> {
        self.grow();
        match self {
            Self::Few(list) => {
                let at = find(list, 0, step).unwrap_or_else(|at| {
                    if list.is_empty() {
                        list.reserve_exact(1);
                    }
                    list.insert(at, Child::new(step));
                    at
                });
                &mut list[at].node
            }
            Self::Many(lists, count) => {
                let (index, bits) = (index(lists, step.hash), bits(lists));
                let list = &mut lists[index];
                let at = find(list, bits, step).unwrap_or_else(|at| {
                    let (before, after) = list.split_at(at);
                    *list = before.iter().cloned().chain([Child::new(step)]).chain(after.iter().cloned()).collect();
                    *count += 1;
                    at
                });
                &mut Arc::make_mut(list)[at].node
            }
        }
    }

    pub(super) fn get_mut(&mut self, step: Step<'_>) -> Option<&mut Arc<Node<V>>> {
        let (list, bits) = match self {
            Self::Few(list) => (&mut **list, 0),
            Self::Many(lists, _) => {
                let (index, bits) = (index(lists, step.hash), bits(lists));
                (Arc::make_mut(&mut lists[index]), bits)
            }
        };
        find(list, bits, step).ok().map(|at| &mut list[at].node)
    }

    pub(super) fn remove(&mut self, step: Step<'_>) {
        match self {
            Self::Few(list) => {
                if let Ok(at) = find(list, 0, step) {
                    list.remove(at);
                }
            }
            Self::Many(lists, count) => {
                let (index, bits) = (index(lists, step.hash), bits(lists));
                let list = &mut lists[index];
                if let Ok(at) = find(list, bits, step) {
                    *list = list[..at].iter().chain(&list[at + 1..]).cloned().collect();
                    *count -= 1;
                }
            }
        }
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Spreads the children over more lists once they are too long. The lists never become fewer until all children
    /// are gone: a node that was wide is likely to be so again.
    fn grow(&mut self) {
        let bits = match self {
            Self::Few(list) if list.len() >= LIST_MAX => GROWTH_BITS,
            Self::Many(lists, count) if *count >= lists.len() * LIST_MAX => bits(lists) + GROWTH_BITS,
            Self::Few(_) | Self::Many(..) => return,
        };
        let children = match std::mem::take(self) {
            Self::Few(list) => list,
            Self::Many(lists, _) => lists.iter().flat_map(|list| list.iter().cloned()).collect(),
        };
        let count = children.len();
        // Sorted by hash, the children of one list stand together, and the lists in the order of their index.
        let mut rest = &children[..];
        let lists = (0..1_u64 << bits).map(|index| {
            let end = rest.partition_point(|child| child.hash >> (u64::BITS - bits) <= index);
            let (list, others) = rest.split_at(end);
            rest = others;
            list.into()
        });
        *self = Self::Many(lists.collect(), count);
    }
}

impl<V> Child<V> {
    fn new(step: Step<'_>) -> Self {
        Self { hash: step.hash, text: step.text.into(), node: Arc::default() }
    }

    fn order(&self, step: Step<'_>) -> Ordering {
        self.hash.cmp(&step.hash).then_with(|| self.text.as_bytes().cmp(step.text.as_bytes()))
    }
}

/// How many bits of the hash choose among so many lists; at least [`GROWTH_BITS`].
const fn bits<T>(lists: &[T]) -> u32 {
    lists.len().trailing_zeros()
}

fn index<T>(lists: &[T], hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - bits(lists))).expect("below the number of lists")
}

/// Where the child is, or where it belongs. The first `bits` of all hashes in the list are equal; the others spread
/// evenly, so the place is nearly known.
fn find<V>(list: &[Child<V>], bits: u32, step: Step<'_>) -> Result<usize, usize> {
    if list.is_empty() {
        return Err(0);
    }
    let mut at = guess(list.len(), step.hash << bits);
    let direction = match list[at].order(step) {
        Ordering::Equal => return Ok(at),
        direction => direction,
    };
    for _ in 0..WALK_MAX {
        let next = if direction == Ordering::Less { Some(at + 1) } else { at.checked_sub(1) };
        let ordering = next.and_then(|next| list.get(next)).map(|child| child.order(step));
        match (ordering, next) {
            (Some(Ordering::Equal), Some(next)) => return Ok(next),
            (Some(ordering), Some(next)) if ordering == direction => at = next,
            // One side of the place is known to be less and the other to be greater or the list's end.
            _ => return Err(if direction == Ordering::Less { at + 1 } else { at }),
        }
    }
    list.binary_search_by(|child| child.order(step))
}

fn guess(length: usize, hash: u64) -> usize {
    let place = (u128::from(hash) * length as u128) >> u64::BITS;
    usize::try_from(place).expect("below the list's length")
}
