//! Tables in memory that behave like a disk at a crash: a commit that was under way is there as a whole or not at all,
//! and nobody knows which before it is opened again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::disk::{Disk, DiskError, Place, SegmentNo, Visit, Write};

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
    tables: BTreeMap<(Place, Bytes), Bytes>,
    segments: BTreeSet<SegmentNo>,
    crash: Option<Crash>,
    dead: bool,
    free_bytes: Option<u64>,
    commits: u64,
}

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
        let mut state = self.state().clone();
        (state.crash, state.dead) = (None, false);
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
    fn apply(&mut self, writes: Vec<Write>) {
        let mut named = BTreeSet::new();
        for write in writes {
            let (place, key, value) = match write {
                Write::Put(place, key, value) => (place, key, Some(value)),
                Write::Remove(place, key) => (place, key, None),
            };
            // A real batch gives all its changes one number: which of two would count is not said.
            assert!(named.insert((place, key.clone())), "a batch names {place:?} {key:?} twice");
            match value {
                Some(value) => self.tables.insert((place, key), value),
                None => self.tables.remove(&(place, key)),
            };
        }
    }
}

impl Disk for SimulatedDisk {
    fn commit(&self, writes: Vec<Write>) -> Result<(), DiskError> {
        let mut state = self.state();
        if state.dead {
            return Err(DiskError::Failed);
        }
        state.commits += 1;
        let crash = state.crash.take();
        if crash != Some(Crash::Before) {
            state.apply(writes);
        }
        if crash.is_some() {
            state.dead = true;
            return Err(DiskError::Failed);
        }
        Ok(())
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
        state.tables.retain(|(place, _), _| *place != Place::Segment(segment));
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        Ok(self.state().free_bytes.unwrap_or(u64::MAX))
    }
}
