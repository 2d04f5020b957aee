//! What this agent's own outlets want, as others are told.

use mesh_protocol::frame::{self, Interest as Message, InterestChange};
use mesh_protocol::topic::{Dialect, FilterTree, Topic};
use rustc_hash::FxHashSet;

use super::hash_of;
use crate::router::{Change, Interest, Life, Wanted};

/// Bytes of filters in one message.
const PART_BYTES: usize = 48 * 1024;

/// A copy of the router's own interest, with its hash and its tree.
#[derive(Debug, Default)]
pub struct Advertised {
    version: u64,
    /// The version that changed last what is wanted durably.
    durable: u64,
    hash: u64,
    wanted: FxHashSet<Wanted>,
    /// With the dialect: `a/*` and `a/+` are one place in a tree, but each is taken back by itself.
    tree: FilterTree<(Life, Dialect, bool)>,
}

impl Advertised {
    /// Takes over what changed; true when anything did.
    pub fn follow(&mut self, interest: &Interest) -> bool {
        match interest.since(self.version) {
            Some((version, changes)) => {
                let changed = version != self.version;
                for change in changes {
                    let (Change::Added(wanted) | Change::Removed(wanted)) = &change;
                    if wanted.life == Life::Durable {
                        self.durable = version;
                    }
                    self.apply(change);
                }
                self.version = version;
                changed
            }
            None => {
                let snapshot = interest.snapshot();
                *self = Self { version: snapshot.version, durable: snapshot.version, ..Self::default() };
                for wanted in snapshot.wanted {
                    self.apply(Change::Added(wanted));
                }
                true
            }
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Added(wanted) => {
                self.hash = self.hash.wrapping_add(hash_of(&wanted));
                self.tree.insert(&wanted.filter, place(&wanted));
                self.wanted.insert(wanted);
            }
            Change::Removed(wanted) => {
                self.hash = self.hash.wrapping_sub(hash_of(&wanted));
                self.tree.remove(&wanted.filter, &place(&wanted));
                self.wanted.remove(&wanted);
            }
        }
    }

    /// Grows with every change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The version that changed last what is wanted durably: whoever holds it holds all that is wanted durably now.
    #[must_use]
    pub fn durable_version(&self) -> u64 {
        self.durable
    }

    /// Independent of order.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether a local outlet wants the topic.
    #[must_use]
    pub fn wants(&self, topic: &Topic) -> bool {
        let mut wants = false;
        self.tree.matches(topic, &mut |_| wants = true);
        wants
    }

    /// Whether this very entry is in the set.
    #[must_use]
    pub fn contains(&self, wanted: &Wanted) -> bool {
        self.wanted.contains(wanted)
    }

    /// The messages that bring a peer from a version to this one: the delta where it is still known, else the whole.
    #[must_use]
    pub fn messages(&self, interest: &Interest, from: u64) -> Vec<Message> {
        // Up to what is told here, not to what the outlets want by now: while clients subscribe, that is always more.
        let delta = if from == 0 { None } else { interest.between(from, self.version) };
        match delta {
            // Never more than the whole would be.
            Some(changes) if changes.len() <= self.wanted.len() => {
                let changes = changes.into_iter().map(|change| match change {
                    Change::Added(wanted) => carried(&wanted, false),
                    Change::Removed(wanted) => carried(&wanted, true),
                });
                self.parts(Some(from), changes)
            }
            _ => self.parts(None, self.wanted.iter().map(|wanted| carried(wanted, false))),
        }
    }

    fn parts(&self, from: Option<u64>, changes: impl Iterator<Item = InterestChange>) -> Vec<Message> {
        let mut parts: Vec<Vec<InterestChange>> = vec![Vec::new()];
        let mut bytes = 0;
        for change in changes {
            bytes += change.filter.text().len() + 3;
            if bytes > PART_BYTES || parts.last().is_some_and(|part| part.len() == frame::INTEREST_CHANGES_MAX) {
                parts.push(Vec::new());
                bytes = 0;
            }
            parts.last_mut().expect("never empty").push(change);
        }
        let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        let message =
            |(part, changes)| Message { from, version: self.version, hash: self.hash, part, parts: count, changes };
        (0..count).zip(parts).map(message).collect()
    }
}

fn carried(wanted: &Wanted, removed: bool) -> InterestChange {
    let durable = wanted.life == Life::Durable;
    InterestChange { removed, durable, direct: wanted.direct, filter: wanted.filter.clone() }
}

/// Entries of one filter are told apart in its place of the tree.
fn place(wanted: &Wanted) -> (Life, Dialect, bool) {
    (wanted.life, wanted.filter.dialect(), wanted.direct)
}
