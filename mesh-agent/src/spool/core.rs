//! What the spool does, one turn at a time: no threads, no clock, no file system of its own, so that a simulation drives
//! the very code that runs.
//!
//! ```text
//!  ops of many callers --stage--> one batch --commit (synced)--> shown to readers, answers given, segments dropped
//! ```
//! - A turn's appends, acknowledgements and marks are one atomic batch. An answer is given only after its commit.
//! - An append is taken whole or refused whole: no queue gets an event that another one had no room for.
//! - After a failed commit nothing is known about the disk: every answer is a failure, and nothing more is taken.

mod read;
mod recall;
mod remember;
mod stage;
mod sweep;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};
use tokio::sync::Notify;

use super::disk::{Disk, DiskError, Place, Write};
use super::index::{EpochStart, Index, Limits, Queue, Standing};
use super::layout::{MarkKey, QueueNo};
use super::op::{Done, Op, Refusal, Settings, Tally};
use crate::causes::chain;
use crate::mutant::{Mutant, planted};
pub use recall::{Recall, Recalled, Whose};
use stage::Stage;

/// One destination may take this part of the spool.
const SHARES: u64 = 4;

/// It is crowded when more than this part of it is used,
const CROWDED_QUARTERS: u64 = 3;
/// or fewer segments than these fit on its disk.
const SPARE_SEGMENTS: u64 = 4;

/// The spool without its thread.
#[derive(Debug)]
pub struct Core {
    disk: Arc<dyn Disk>,
    settings: Settings,
    index: Mutex<Index>,
}

impl Core {
    /// Opens the spool on its disk, in a new epoch. `drawn` is the id for a spool that has none yet.
    ///
    /// # Errors
    /// The disk cannot be read or written, or what it holds is not readable.
    pub fn open(disk: Arc<dyn Disk>, settings: Settings, drawn: SpoolId, epoch: Epoch) -> Result<Self, DiskError> {
        let index = super::recover::recover(&*disk, &settings, drawn, epoch)?;
        Ok(Self { disk, settings, index: Mutex::new(index) })
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().expect("no panic while held")
    }

    /// What one destination that is away may take of the spool: enough is left for all the others. Beyond it, publishers of
    /// what that destination wants are refused.
    #[must_use]
    pub fn share(&self) -> Limits {
        Limits { bytes_max: self.settings.bytes_max / SHARES, ..Limits::NONE }
    }

    /// The spool's id.
    #[must_use]
    pub fn id(&self) -> SpoolId {
        self.index().id
    }

    /// The epoch of this opening.
    #[must_use]
    pub fn epoch(&self) -> EpochStart {
        self.index().epoch()
    }

    /// The epoch in which an event was admitted.
    #[must_use]
    pub fn epoch_of(&self, seq: u64) -> EpochStart {
        self.index().epoch_of(seq)
    }

    /// How far a stream has come; [`Seq::START`] for one that is not known.
    #[must_use]
    pub fn mark(&self, key: &MarkKey) -> Seq {
        self.index().marks.get(key).copied().unwrap_or(Seq::START)
    }

    /// Whether a queue has nothing left of an epoch and never will. So it is with one that nobody knows of: it has ended
    /// long ago, or was lost when the disk was put back to an earlier state.
    #[must_use]
    pub fn is_over_for(&self, queue: QueueNo, epoch: Epoch) -> bool {
        self.index().is_over_for(queue, epoch)
    }

    /// How far the streams from an epoch of another spool have come.
    #[must_use]
    pub fn marks_of(&self, origin: SpoolId, epoch: Epoch) -> BTreeMap<Lane, Seq> {
        let index = self.index();
        let its = index.marks.iter().filter(|(key, _)| key.origin == origin && key.epoch == epoch);
        its.map(|(key, seq)| (key.lane, *seq)).collect()
    }

    /// What shall wake the reader of a queue from now on, when several are read together.
    pub fn wake_with(&self, queue: QueueNo, wake: &Arc<Notify>) {
        self.index().set_wake(queue, wake);
    }

    /// The number of a queue.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<QueueNo> {
        self.index().names.get(name).copied()
    }

    /// The number that a queue of this name has or will have. Operations that are submitted after its opening may name it
    /// at once.
    #[must_use]
    pub fn reserve(&self, name: &Arc<str>) -> QueueNo {
        self.index().reserve(name)
    }

    /// What a queue's consumer noted about itself.
    #[must_use]
    pub fn note(&self, queue: QueueNo) -> Option<Bytes> {
        self.index().notes.get(&queue).cloned()
    }

    /// The numbers that a queue's owner shall know again, ascending.
    #[must_use]
    pub fn claims(&self, queue: QueueNo) -> Vec<u32> {
        self.index().claims_of(queue)
    }

    /// What consumers noted about themselves, by queue.
    #[must_use]
    pub fn notes(&self) -> Vec<(Arc<str>, QueueNo, Bytes)> {
        let index = self.index();
        let note =
            |(name, number): (&Arc<str>, &QueueNo)| Some((name.clone(), *number, index.notes.get(number)?.clone()));
        index.names.iter().filter_map(note).collect()
    }

    /// All queues.
    #[must_use]
    pub fn queues(&self) -> Vec<(Arc<str>, QueueNo)> {
        self.index().names.iter().map(|(name, number)| (name.clone(), *number)).collect()
    }

    /// The newest event's number in the log, committed or about to be.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.index().last()
    }

    /// How a queue stands; none when it has ended.
    #[must_use]
    pub fn standing(&self, queue: QueueNo) -> Option<Standing> {
        self.index().queues.get(&queue).map(Queue::standing)
    }

    /// Bytes of events in the log.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.index().stored_bytes()
    }

    /// Whether so little room is left that what is kept without need should go.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        let stored = self.stored_bytes();
        stored > self.settings.bytes_max / 4 * CROWDED_QUARTERS
            || self.free_room() < self.settings.segment_bytes.saturating_mul(SPARE_SEGMENTS)
    }

    /// Wakes when there may be something to take out of the queue.
    #[must_use]
    pub fn wake(&self, queue: QueueNo) -> Option<Arc<Notify>> {
        self.index().wake(queue)
    }

    /// Does all of it in one commit. The answers are in the order of the operations.
    pub fn turn(&self, ops: Vec<Op>) -> (Vec<Result<Done, Refusal>>, Tally) {
        let count = ops.len();
        let room = self.free_room();
        let mut stage = Stage::default();
        let mut answers = Vec::with_capacity(count);
        {
            let mut index = self.index();
            if index.failed {
                return (vec![Err(Refusal::Failed); count], Tally::default());
            }
            for op in ops {
                let answer = stage.add((&self.settings, &*self.disk), &mut index, op, room);
                stage.tally.refused += u64::from(answer.is_err());
                answers.push(answer);
            }
            stage.finish(&mut index);
        }
        if let Err(error) = self.commit(&mut stage) {
            tracing::error!(error = %chain(&error), "the spool cannot be written; nothing is acknowledged until it is opened anew");
            self.index().failed = true;
            return (vec![Err(Refusal::Failed); count], Tally::default());
        }
        {
            let mut index = self.index();
            index.marks.extend(stage.marks);
            for (queue, entry) in stage.shown {
                index.show(queue, entry);
            }
            for (queue, seqs) in stage.again {
                index.with_queue(queue, |queue, _| queue.read_again(&seqs));
            }
        }
        stage.woken.iter().for_each(|(_, wake)| wake.notify_one());
        stage.tally.dropped = self.trim();
        (answers, stage.tally)
    }

    /// Whether a commit has failed: the spool must be opened anew.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.index().failed
    }

    fn commit(&self, stage: &mut Stage) -> Result<(), DiskError> {
        for segment in &stage.new_segments {
            self.disk.create_segment(*segment)?;
        }
        let writes = std::mem::take(&mut stage.writes);
        if writes.is_empty() { Ok(()) } else { self.write(writes) }
    }

    fn write(&self, writes: Vec<Write>) -> Result<(), DiskError> {
        #[cfg(test)]
        if planted(Mutant::AckBeforeSync) {
            return self.disk.commit_unsynced(writes);
        }
        if planted(Mutant::MarkOutsideBatch) {
            return self.write_apart(writes, |write| matches!(write, Write::Put(Place::Marks, ..)));
        }
        if planted(Mutant::DeadLetterOutsideCommit) {
            return self.write_apart(writes, |write| matches!(write, Write::Remove(..)));
        }
        self.disk.commit(writes)
    }

    /// In two commits, as a planted fault has it.
    fn write_apart(&self, writes: Vec<Write>, goes_first: impl Fn(&Write) -> bool) -> Result<(), DiskError> {
        let (first, second): (Vec<Write>, Vec<Write>) = writes.into_iter().partition(goes_first);
        let mut parts = [first, second].into_iter().filter(|part| !part.is_empty());
        parts.try_for_each(|part| self.disk.commit(part))
    }

    /// Bytes that may still be written; what the file system does not tell is taken for enough.
    fn free_room(&self) -> u64 {
        self.disk.free_bytes().map_or(u64::MAX, |free| free.saturating_sub(self.settings.reserve_bytes))
    }

    /// Drops the segments that nobody needs and takes some unwanted rows off the disk. Returns how many segments went.
    fn trim(&self) -> u64 {
        let useless = self.index().useless_segments();
        let mut dropped = 0;
        for segment in useless {
            match self.disk.drop_segment(segment) {
                Ok(()) => {
                    let mut index = self.index();
                    index.segments.remove(&segment);
                    index.dropped.push(segment);
                    dropped += 1;
                }
                // Nothing is lost by it, only space; the next turn tries again.
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "a segment of the spool could not be dropped");
                    break;
                }
            }
        }
        dropped
    }
}
