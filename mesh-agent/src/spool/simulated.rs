//! Tables in memory that behave like a disk at a crash: a commit that was under way is there as a whole or not at all,
//! and nobody knows which before it is opened again.
//!
//! That is what the real disk can do: fjall keeps a batch of its journal only when it is complete, what lies behind a torn
//! one was never acknowledged, and a commit that returned was synced. What was written and not synced (no code of ours
//! does that; a planted fault may) goes with the crash, the newest first. A segment is made before the commit that needs
//! it, and may be there without it; one that was dropped may be back.

mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::disk::{Disk, DiskError, Place, SegmentNo, Visit, Write};

pub(crate) use history::Change;

/// What happens at the next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The process dies before anything of it reached the disk.
    Before,
    /// The process dies after the disk has it, before anybody is told.
    After,
}

/// A disk. Cloning it means the same disk; [`SimulatedDisk::restarted`] is a copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    tables: Tables,
    segments: BTreeSet<SegmentNo>,
    crash: Option<Crash>,
    dead: bool,
    free_bytes: Option<u64>,
    commits: u64,
    /// What was there before each commit that is not synced, oldest first.
    unsynced: Vec<Undo>,
    /// Segments that were dropped since the last commit, with what was in them.
    dropped: BTreeMap<SegmentNo, Vec<(Bytes, Bytes)>>,
    /// Every commit since it was asked for, if anybody wants to know.
    history: Option<Vec<Vec<Write>>>,
}

type Tables = BTreeMap<(Place, Bytes), Bytes>;
type Undo = Vec<((Place, Bytes), Option<Bytes>)>;

impl SimulatedDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while held")
    }

    /// The process that uses it dies at its next commit.
    pub(crate) fn crash_at_next_commit(&self, crash: Crash) {
        self.state().crash = Some(crash);
    }

    /// Takes back a crash that has not happened yet.
    pub(crate) fn disarm(&self) {
        self.state().crash = None;
    }

    /// The machine is up again: what was committed is there.
    #[must_use]
    pub(crate) fn restarted(&self) -> Self {
        self.restarted_after(usize::MAX, false)
    }

    /// The same when the machine itself went down: up to so many of the newest commits that were not synced are gone, and
    /// segments that were just dropped may be back.
    #[must_use]
    pub(crate) fn restarted_after(&self, lost_max: usize, undropped: bool) -> Self {
        let mut state = self.state().clone();
        (state.crash, state.dead) = (None, false);
        let lost = state.unsynced.len().min(lost_max);
        for undo in state.unsynced.split_off(state.unsynced.len() - lost).into_iter().rev() {
            state.undo(undo);
        }
        state.unsynced.clear();
        for (segment, content) in std::mem::take(&mut state.dropped) {
            if undropped && state.segments.insert(segment) {
                let rows = content.into_iter().map(|(key, value)| ((Place::Segment(segment), key), value));
                state.tables.extend(rows);
            }
        }
        state.history = state.history.map(|_| Vec::new());
        Self(Arc::new(Mutex::new(state)))
    }

    /// Bytes that the file system says are free from now on.
    pub(crate) fn set_free_bytes(&self, bytes: u64) {
        self.state().free_bytes = Some(bytes);
    }

    /// Commits so far, over all restarts.
    #[must_use]
    pub(crate) fn commits(&self) -> u64 {
        self.state().commits
    }

    /// Rows of a table, as it is on disk.
    #[must_use]
    pub(crate) fn rows(&self, place: Place) -> usize {
        self.state().tables.keys().filter(|(of, _)| *of == place).count()
    }
}

impl State {
    fn apply(&mut self, writes: Vec<Write>, synced: bool) {
        let mut named = BTreeSet::new();
        let mut undo = Undo::new();
        if let Some(history) = &mut self.history {
            history.push(writes.clone());
        }
        for write in writes {
            let (place, key, value) = match write {
                Write::Put(place, key, value) => (place, key, Some(value)),
                Write::Remove(place, key) => (place, key, None),
            };
            // A real batch gives all its changes one number: which of two would count is not said.
            assert!(named.insert((place, key.clone())), "a batch names {place:?} {key:?} twice");
            let at = (place, key);
            let before = match value {
                Some(value) => self.tables.insert(at.clone(), value),
                None => self.tables.remove(&at),
            };
            undo.push((at, before));
        }
        // The journal is one file: what is synced brings all that was written before it.
        if synced {
            self.unsynced.clear();
            self.dropped.clear();
        } else {
            self.unsynced.push(undo);
        }
    }

    fn undo(&mut self, undo: Undo) {
        for (at, before) in undo.into_iter().rev() {
            match before {
                Some(value) => self.tables.insert(at, value),
                None => self.tables.remove(&at),
            };
        }
    }
}

impl SimulatedDisk {
    fn write(&self, writes: Vec<Write>, synced: bool) -> Result<(), DiskError> {
        let mut state = self.state();
        if state.dead {
            return Err(DiskError::Failed);
        }
        state.commits += 1;
        let crash = state.crash.take();
        if crash != Some(Crash::Before) {
            state.apply(writes, synced);
        }
        if crash.is_some() {
            state.dead = true;
            return Err(DiskError::Failed);
        }
        Ok(())
    }
}

impl Disk for SimulatedDisk {
    fn commit(&self, writes: Vec<Write>) -> Result<(), DiskError> {
        self.write(writes, true)
    }

    fn commit_unsynced(&self, writes: Vec<Write>) -> Result<(), DiskError> {
        self.write(writes, false)
    }

    fn get(&self, place: Place, key: &[u8]) -> Result<Option<Bytes>, DiskError> {
        Ok(self.state().tables.get(&(place, Bytes::copy_from_slice(key))).cloned())
    }

    fn scan(&self, place: Place, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), DiskError> {
        let range = (
            Bound::Included((place, Bytes::copy_from_slice(from))),
            Bound::Excluded((place, Bytes::copy_from_slice(to))),
        );
        for ((_, key), value) in self.state().tables.range(range) {
            if let ControlFlow::Break(()) = visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn segments(&self) -> Vec<SegmentNo> {
        self.state().segments.iter().copied().collect()
    }

    fn create_segment(&self, segment: SegmentNo) -> Result<(), DiskError> {
        self.state().segments.insert(segment);
        Ok(())
    }

    fn drop_segment(&self, segment: SegmentNo) -> Result<(), DiskError> {
        let mut state = self.state();
        state.segments.remove(&segment);
        let place = Place::Segment(segment);
        let range = (place, Bytes::new())..=(place, Bytes::from_static(&[0xff; 9]));
        let keys: Vec<Bytes> = state.tables.range(range).map(|((_, key), _)| key.clone()).collect();
        let taken = |key: Bytes| {
            let value = state.tables.remove(&(place, key.clone()))?;
            Some((key, value))
        };
        let content = keys.into_iter().filter_map(taken).collect();
        state.dropped.insert(segment, content);
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        Ok(self.state().free_bytes.unwrap_or(u64::MAX))
    }
}
