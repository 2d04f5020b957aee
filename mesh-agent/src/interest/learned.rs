//! What one other agent wants, as it was told.

use mesh_protocol::frame::Interest as Message;
use rustc_hash::FxHashSet;

use super::{WANTED_MAX, hash_of, wanted};
use crate::router::{Change, Life, Wanted};

/// The set of one peer.
#[derive(Debug, Default)]
pub struct Learned {
    version: Option<u64>,
    hash: u64,
    wanted: FxHashSet<Wanted>,
    assembling: Option<Assembling>,
}

/// The parts of a message that came so far.
#[derive(Debug)]
struct Assembling {
    from: Option<u64>,
    version: u64,
    next: u16,
    changes: Vec<Change>,
}

/// What a message did.
#[derive(Debug, PartialEq, Eq)]
pub enum Applied {
    /// These changes are to be made; the set is now at the message's version.
    Changed(Vec<Change>),
    /// More parts follow, or it is nothing new.
    Nothing,
    /// It does not fit: the whole set is needed, what is there stays meanwhile.
    Mismatch,
}

impl Learned {
    /// The version that is here; 0 = none.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.unwrap_or(0)
    }

    /// Whether a peer that announces this has nothing new.
    #[must_use]
    pub fn agrees(&self, version: u64, hash: u64) -> bool {
        self.version == Some(version) && self.hash == hash
    }

    /// Takes a message over.
    pub fn apply(&mut self, message: &Message) -> Applied {
        let whole = message.from.is_none();
        if !whole && message.from != self.version {
            return if self.version.is_some_and(|have| have >= message.version) {
                Applied::Nothing
            } else {
                Applied::Mismatch
            };
        }
        let Some(changes) = self.assemble(message) else {
            let lost = self.assembling.is_none();
            return if lost { Applied::Mismatch } else { Applied::Nothing };
        };
        let changes = if whole { self.against(changes) } else { changes };
        self.take(changes, message.version, message.hash)
    }

    /// The changes of all parts, once the last is here.
    fn assemble(&mut self, message: &Message) -> Option<Vec<Change>> {
        let changes = message.changes.iter().map(|change| {
            let wanted = wanted(change.filter.clone(), change.durable);
            if change.removed { Change::Removed(wanted) } else { Change::Added(wanted) }
        });
        if message.part == 0 {
            let (from, version) = (message.from, message.version);
            self.assembling = Some(Assembling { from, version, next: 0, changes: Vec::new() });
        }
        let mut parts = self.assembling.take()?;
        let fits = parts.from == message.from && parts.version == message.version && parts.next == message.part;
        if !fits || parts.changes.len() + message.changes.len() > WANTED_MAX {
            return None;
        }
        parts.changes.extend(changes);
        parts.next += 1;
        if parts.next == message.parts {
            return Some(parts.changes);
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
                Change::Added(wanted) => self.wanted.insert(wanted.clone()).then(|| hash_of(wanted)),
                Change::Removed(wanted) => self.wanted.remove(wanted).then(|| hash_of(wanted).wrapping_neg()),
            };
            if let Some(difference) = real {
                self.hash = self.hash.wrapping_add(difference);
                made.push(change);
            }
        }
        // A set that does not add up stays in use, and is asked for again as a whole.
        self.version = (self.hash == hash).then_some(version);
        Applied::Changed(made)
    }

    /// The peer is gone, or its process is a new one: what lived with its heartbeat ends. What is durable stays.
    pub fn forget_live(&mut self) -> Vec<Change> {
        self.version = None;
        self.assembling = None;
        let live: Vec<Wanted> = self.wanted.iter().filter(|wanted| wanted.life == Life::Live).cloned().collect();
        for wanted in &live {
            self.wanted.remove(wanted);
            self.hash = self.hash.wrapping_sub(hash_of(wanted));
        }
        live.into_iter().map(Change::Removed).collect()
    }
}
