//! What one other agent wants, as it was told, up to a limit.
//!
//! A set that does not fit cannot add up to its hash. It is taken at its version all the same and follows deltas, so that
//! a peer that wants too much is not asked for all of it again and again, which would never help.

use mesh_protocol::frame::Interest as Message;
use rustc_hash::FxHashSet;

use crate::mutant::{Mutant, planted};

use super::{WANTED_MAX, hash_of, wanted};
use crate::router::{Change, Life, Wanted};

/// The set of one peer.
#[derive(Debug)]
pub struct Learned {
    /// Most entries.
    limit: usize,
    version: Option<u64>,
    /// The peer's own hash at that version.
    announced: u64,
    /// Of the entries that are here.
    hash: u64,
    wanted: FxHashSet<Wanted>,
    /// Entries of the peer's set that found no room.
    cut_off: usize,
    assembling: Option<Assembling>,
}

impl Default for Learned {
    fn default() -> Self {
        Self::with_limit(WANTED_MAX)
    }
}

/// The parts of a message that came so far.
#[derive(Debug)]
struct Assembling {
    from: Option<u64>,
    version: u64,
    next: u16,
    changes: Vec<Change>,
    /// Changes beyond the limit.
    cut_off: usize,
}

/// What a message did.
#[derive(Debug, PartialEq, Eq)]
pub enum Applied {
    /// These changes are to be made; the set is now at the message's version.
    Changed(Vec<Change>),
    /// More parts follow, or it is nothing new.
    Nothing,
    /// It does not follow on what is here: the whole set is needed, what is there stays meanwhile.
    Mismatch,
}

impl Learned {
    /// A set of at most so many entries.
    pub(super) fn with_limit(limit: usize) -> Self {
        let (wanted, assembling) = (FxHashSet::default(), None);
        Self { limit, version: None, announced: 0, hash: 0, wanted, cut_off: 0, assembling }
    }

    /// The version to go on from; 0 = the whole set is needed.
    #[must_use]
    pub fn version(&self) -> u64 {
        if self.has_room_again() { 0 } else { self.version.unwrap_or(0) }
    }

    /// Whether a peer that announces this has nothing that could be taken.
    #[must_use]
    pub fn agrees(&self, version: u64, hash: u64) -> bool {
        self.version == Some(version) && self.announced == hash && !self.has_room_again()
    }

    /// How many entries of the peer's set are not here because there are too many.
    #[must_use]
    pub fn cut_off(&self) -> usize {
        self.cut_off
    }

    /// Whether all of the peer's set is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.version.is_some() && self.cut_off == 0
    }

    /// Of what is here, however it came to be.
    #[cfg(test)]
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Something was cut off for which there is room now.
    fn has_room_again(&self) -> bool {
        self.cut_off > 0 && self.wanted.len() < self.limit
    }

    /// Takes a message over.
    pub fn apply(&mut self, message: &Message) -> Applied {
        let whole = message.from.is_none();
        if whole && self.version.is_some_and(|have| have > message.version) {
            // It was overtaken on its way; taking it would undo what came after it.
            return Applied::Nothing;
        }
        if !whole && message.from != self.version && !planted(Mutant::InterestUnchecked) {
            return if self.version.is_some_and(|have| have >= message.version) {
                Applied::Nothing
            } else {
                Applied::Mismatch
            };
        }
        let Some(Assembling { changes, cut_off, .. }) = self.assemble(message) else {
            let lost = self.assembling.is_none();
            return if lost { Applied::Mismatch } else { Applied::Nothing };
        };
        if whole {
            self.cut_off = cut_off;
            let changes = self.against(changes);
            return self.take(changes, message.version, message.hash);
        }
        if cut_off > 0 {
            // Not what a peer sends: so much comes as a whole.
            return Applied::Mismatch;
        }
        self.take(changes, message.version, message.hash)
    }

    /// All parts, once the last is here.
    fn assemble(&mut self, message: &Message) -> Option<Assembling> {
        let changes = message.changes.iter().map(|change| {
            let wanted = wanted(change);
            if change.removed { Change::Removed(wanted) } else { Change::Added(wanted) }
        });
        if message.part == 0 {
            let (from, version) = (message.from, message.version);
            self.assembling = Some(Assembling { from, version, next: 0, changes: Vec::new(), cut_off: 0 });
        }
        let mut parts = self.assembling.take()?;
        let fits = parts.from == message.from && parts.version == message.version && parts.next == message.part;
        if !fits {
            return None;
        }
        let room = self.limit - parts.changes.len();
        parts.cut_off += message.changes.len().saturating_sub(room);
        parts.changes.extend(changes.take(room));
        parts.next += 1;
        if parts.next == message.parts {
            return Some(parts);
        }
        self.assembling = Some(parts);
        None
    }

    /// What leads from the set that is here to a whole one.
    fn against(&self, whole: Vec<Change>) -> Vec<Change> {
        let whole: FxHashSet<Wanted> = whole
            .into_iter()
            .filter_map(|change| match change {
                Change::Added(wanted) => Some(wanted),
                Change::Removed(_) => None,
            })
            .collect();
        let removed = self.wanted.difference(&whole).cloned().map(Change::Removed);
        let added = whole.difference(&self.wanted).cloned().map(Change::Added);
        removed.chain(added).collect()
    }

    fn take(&mut self, changes: Vec<Change>, version: u64, hash: u64) -> Applied {
        let mut made = Vec::with_capacity(changes.len());
        for change in changes {
            let real = match &change {
                Change::Added(wanted) => self.add(wanted).then(|| hash_of(wanted)),
                Change::Removed(wanted) => self.remove(wanted).then(|| hash_of(wanted).wrapping_neg()),
            };
            if let Some(difference) = real {
                self.hash = self.hash.wrapping_add(difference);
                made.push(change);
            }
        }
        self.announced = hash;
        // A set that does not add up stays in use, and is asked for again as a whole. One that is cut off never adds up.
        let adds_up = self.hash == hash || planted(Mutant::InterestUnchecked);
        self.version = (adds_up || self.cut_off > 0).then_some(version);
        Applied::Changed(made)
    }

    fn add(&mut self, wanted: &Wanted) -> bool {
        if self.wanted.len() < self.limit {
            return self.wanted.insert(wanted.clone());
        }
        self.cut_off += usize::from(!self.wanted.contains(wanted));
        false
    }

    fn remove(&mut self, wanted: &Wanted) -> bool {
        let here = self.wanted.remove(wanted);
        if !here {
            // One of those that found no room.
            self.cut_off = self.cut_off.saturating_sub(1);
        }
        here
    }

    /// The peer is gone, or its process is a new one: what lived with its heartbeat ends. What is durable stays.
    pub fn forget_live(&mut self) -> Vec<Change> {
        self.version = None;
        self.assembling = None;
        self.cut_off = 0;
        let live: Vec<Wanted> = self.wanted.iter().filter(|wanted| wanted.life == Life::Live).cloned().collect();
        for wanted in &live {
            self.wanted.remove(wanted);
            self.hash = self.hash.wrapping_sub(hash_of(wanted));
        }
        live.into_iter().map(Change::Removed).collect()
    }
}
