//! What the spool knows without asking its disk: queues with their counters, segments, epochs, marks.
//!
//! ```text
//!  one queue     floor          cursor           newest
//!  ... done ...  |  handed out  |  undelivered   |
//!                   `out`          `fresh` when it is all in memory, else read from disk
//! ```
//! Everything here can be rebuilt from the disk, and is, at every open. What a commit changes is seen by readers only
//! after the commit; counters and floors already follow while it is prepared, because the next batch builds on them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use mesh_protocol::id::{Epoch, Seq, SpoolId};
use smallvec::SmallVec;
use tokio::sync::Notify;

use super::disk::SegmentNo;
use super::layout::{MarkKey, QueueNo, Row};
use super::values::Values;
use crate::router::Admitted;

/// Most of a queue's newest events, and their bytes, that are kept in memory for a reader who is close behind.
const FRESH_EVENTS_MAX: usize = 4_096;
const FRESH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The same for all queues together. An event in several queues counts for each.
const FRESH_BYTES_TOTAL_MAX: usize = 64 * 1024 * 1024;

/// What a queue may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Undelivered events.
    pub events_max: u64,
    /// Their size in bytes. A single event may be larger.
    pub bytes_max: u64,
    /// What happens to an event for which there is no room.
    pub when_full: WhenFull,
}

/// What a full queue does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The event is refused to its sender, for all its queues.
    Refuse,
    /// This queue goes without it, and that is counted: one that nobody serves must not stop a topic for everybody.
    Discard,
}

impl Limits {
    /// As much as the spool itself takes.
    pub const NONE: Self = Self { events_max: u64::MAX, bytes_max: u64::MAX, when_full: WhenFull::Refuse };
}

/// From where on events belong to an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// First sequence number.
    pub first: u64,
    /// The epoch.
    pub epoch: Epoch,
    /// Lanes of its streams.
    pub lanes: u16,
}

/// How a queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Undelivered events, those handed out included.
    pub events: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Handed out and not acknowledged.
    pub handed_out: u64,
    /// Events it went without because it was full, since the agent began.
    pub discarded: u64,
}

/// An event handed out of a queue.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place in the log.
    pub seq: u64,
    /// What the queue knows of it.
    pub row: Row,
    /// The event.
    pub event: Admitted,
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) id: SpoolId,
    /// The next event's number.
    pub(super) next: u64,
    /// Ascending; the last one is the current.
    pub(super) epochs: Vec<EpochStart>,
    pub(super) segments: BTreeMap<SegmentNo, Segment>,
    /// What is in the attic, with the queues that need it.
    pub(super) attic: BTreeMap<u64, Straggler>,
    pub(super) queues: BTreeMap<QueueNo, Queue>,
    pub(super) names: HashMap<Arc<str>, QueueNo>,
    pub(super) next_queue: u32,
    /// Numbers given to queues that are about to be opened, with what will wake their readers.
    pub(super) reserved: HashMap<Arc<str>, (QueueNo, Arc<Notify>)>,
    /// What consumers noted about themselves.
    pub(super) notes: HashMap<QueueNo, Bytes>,
    pub(super) marks: HashMap<MarkKey, Seq>,
    /// Numbers that the owners of queues shall know again.
    pub(super) claims: BTreeSet<(QueueNo, u32)>,
    /// Rows up to a number that nobody wants any more and that are still on disk.
    pub(super) trash: BTreeMap<QueueNo, u64>,
    /// Segments that went and are still named in the meta table.
    pub(super) dropped: Vec<SegmentNo>,
    pub(super) fresh_bytes: usize,
    pub(super) failed: bool,
    /// Last values, all together.
    pub(super) values: Values,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Segment {
    pub(super) bytes: u64,
    /// Undelivered events in it, counted for each of their queues.
    pub(super) rows: u64,
    /// Their bytes, counted so too.
    pub(super) held: u64,
}

/// An event that is older than its segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Straggler {
    pub(super) bytes: u64,
    /// Who needs it.
    pub(super) queues: SmallVec<[QueueNo; 2]>,
}

/// The segment of events that are older than their segments: stragglers that would have kept a whole segment each.
/// Events leave it one by one.
pub(super) const ATTIC: SegmentNo = SegmentNo(0);
/// A segment is sparse when not even this part of it is needed any more,
const SPARSE: u64 = 8;
/// and so many newer ones are there.
const YOUNG_SEGMENTS: usize = 4;

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: Arc<str>,
    pub(super) limits: Limits,
    pub(super) depth: u64,
    pub(super) bytes: u64,
    /// Somebody takes events out of it in their order; dead letters are only looked at.
    pub(super) is_read: bool,
    /// Handed out up to here.
    pub(super) cursor: u64,
    /// Handed out and not acknowledged, with their sizes.
    pub(super) out: BTreeMap<u64, u32>,
    /// Where its undelivered events are.
    pub(super) rows: BTreeMap<SegmentNo, u64>,
    /// Done with, behind the cursor; a reader may still see their rows.
    pub(super) removed: BTreeSet<u64>,
    /// Went without these, being full.
    pub(super) discarded: u64,
    /// The newest event that readers may see.
    pub(super) newest: u64,
    /// The newest event, maybe in a commit that is under way.
    pub(super) staged: u64,
    /// Everything after the cursor, while `caught_up`.
    pub(super) fresh: VecDeque<Entry>,
    pub(super) fresh_bytes: usize,
    pub(super) caught_up: bool,
    pub(super) wake: Arc<Notify>,
}

impl Queue {
    /// A queue without events. `last` is the newest number of the whole log.
    pub(super) fn new(name: Arc<str>, limits: Limits, last: u64) -> Self {
        Self {
            name,
            limits,
            depth: 0,
            bytes: 0,
            is_read: false,
            cursor: last,
            out: BTreeMap::new(),
            rows: BTreeMap::new(),
            removed: BTreeSet::new(),
            discarded: 0,
            newest: last,
            staged: last,
            fresh: VecDeque::new(),
            fresh_bytes: 0,
            caught_up: true,
            wake: Arc::default(),
        }
    }

    /// The same with what stands on disk for it: so many events and bytes, the oldest of which is given.
    pub(super) fn holding(self, events: u64, bytes: u64, oldest: u64) -> Self {
        Self { depth: events, bytes, cursor: oldest.saturating_sub(1), caught_up: false, ..self }
    }

    /// Everything below is done with, for good.
    pub(super) fn floor(&self, next: u64) -> u64 {
        let unread = (self.cursor < self.staged).then_some(self.cursor + 1);
        let oldest = self.out.first_key_value().map(|(oldest, _)| *oldest);
        let floor = if self.depth == 0 { next } else { oldest.into_iter().chain(unread).min().unwrap_or(next) };
        // Nobody moves the cursor of a queue that is not read.
        let segment = self.rows.first_key_value().map_or(0, |(segment, _)| segment.0);
        if self.is_read { floor } else { floor.max(segment) }
    }

    /// An empty queue takes one event, however large: one that can never fit would stop whoever brings it in order.
    pub(super) fn has_room_for(&self, events: u64, bytes: u64) -> bool {
        let is_alone = self.depth == 0 && events == 1;
        self.depth.saturating_add(events) <= self.limits.events_max
            && (is_alone || self.bytes.saturating_add(bytes) <= self.limits.bytes_max)
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { events: self.depth, bytes: self.bytes, handed_out: self.out.len() as u64, discarded: self.discarded }
    }

    /// Hands the next events out of memory.
    pub(super) fn take_fresh(&mut self, events_max: usize, bytes_max: usize) -> Vec<Entry> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < events_max
            && let Some(entry) = self.fresh.front()
            && (taken.is_empty() || bytes + entry.row.bytes as usize <= bytes_max)
        {
            let entry = self.fresh.pop_front().expect("it was just looked at");
            bytes += entry.row.bytes as usize;
            self.hand_out(entry.seq, entry.row);
            taken.push(entry);
        }
        self.fresh_bytes -= bytes;
        taken
    }

    pub(super) fn hand_out(&mut self, seq: u64, row: Row) {
        self.out.insert(seq, row.bytes);
        self.pass(seq);
    }

    /// Everything up to here is handed out or gone.
    pub(super) fn pass(&mut self, seq: u64) {
        self.cursor = self.cursor.max(seq);
        if !self.removed.is_empty() {
            self.removed = self.removed.split_off(&(self.cursor + 1));
        }
    }

    /// An event is done with.
    pub(super) fn leave(&mut self, bytes: u32, segment: Option<SegmentNo>) {
        self.depth = self.depth.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(u64::from(bytes));
        if let Some(rows) = segment.and_then(|segment| self.rows.get_mut(&segment)) {
            *rows = rows.saturating_sub(1);
        }
        if let Some(segment) = segment.filter(|segment| self.rows.get(segment) == Some(&0)) {
            self.rows.remove(&segment);
        }
    }

    /// An event goes that was not handed out.
    pub(super) fn forget(&mut self, seq: u64) {
        if self.is_read && seq > self.cursor {
            self.removed.insert(seq);
        }
        if let Some(at) = self.fresh.iter().position(|entry| entry.seq == seq)
            && let Some(entry) = self.fresh.remove(at)
        {
            self.fresh_bytes -= entry.row.bytes as usize;
        }
    }

    /// The reader does not know of these events (any more), which stand on disk. They are ascending.
    pub(super) fn read_again(&mut self, seqs: &[u64]) {
        let Some(oldest) = seqs.first() else { return };
        self.cursor = self.cursor.min(oldest.saturating_sub(1));
        self.newest = self.newest.max(self.staged);
        for seq in seqs {
            self.removed.remove(seq);
        }
        self.forget_fresh();
    }

    /// An event that was handed out is done with; its size, unless it was not out.
    pub(super) fn done_with(&mut self, seq: u64) -> Option<u32> {
        let bytes = self.out.remove(&seq)?;
        if seq > self.cursor {
            // A reader that begins anew before it may have read its row.
            self.removed.insert(seq);
        }
        Some(bytes)
    }

    /// Forgets what was handed out and what is in memory: reading begins again at the floor.
    pub(super) fn rewind(&mut self, next: u64) {
        self.is_read = true;
        self.cursor = self.floor(next).saturating_sub(1);
        self.out.clear();
        self.forget_fresh();
        self.caught_up = self.depth == 0;
    }

    pub(super) fn forget_fresh(&mut self) {
        self.fresh.clear();
        self.fresh_bytes = 0;
        self.caught_up = false;
    }
}

impl Index {
    /// The number of a queue, known or to be opened.
    pub(super) fn reserve(&mut self, name: &Arc<str>) -> QueueNo {
        if let Some(number) = self.names.get(name).or_else(|| self.reserved.get(name).map(|(number, _)| number)) {
            return *number;
        }
        let number = self.new_number();
        self.reserved.insert(name.clone(), (number, Arc::default()));
        number
    }

    /// What wakes the reader of a queue that is open or about to be.
    pub(super) fn wake(&self, queue: QueueNo) -> Option<Arc<Notify>> {
        let reserved = || self.reserved.values().find(|(number, _)| *number == queue).map(|(_, wake)| wake.clone());
        self.queues.get(&queue).map(|queue| queue.wake.clone()).or_else(reserved)
    }

    /// Whoever has something to say to that queue's reader wakes this one.
    pub(super) fn set_wake(&mut self, queue: QueueNo, wake: &Arc<Notify>) {
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.wake = wake.clone();
        } else if let Some((_, its)) = self.reserved.values_mut().find(|(number, _)| *number == queue) {
            *its = wake.clone();
        }
    }

    /// A number for a queue that is being opened.
    pub(super) fn new_number(&mut self) -> QueueNo {
        let number = QueueNo(self.next_queue);
        self.next_queue += 1;
        number
    }

    /// The number of the newest event.
    pub(super) fn last(&self) -> u64 {
        self.next - 1
    }

    pub(super) fn epoch(&self) -> EpochStart {
        *self.epochs.last().expect("every open adds one")
    }

    /// The epoch in which an event was admitted.
    pub(super) fn epoch_of(&self, seq: u64) -> EpochStart {
        let after = self.epochs.partition_point(|start| start.first <= seq);
        self.epochs[after.saturating_sub(1)]
    }

    pub(super) fn is_over_for(&self, queue: QueueNo, epoch: Epoch) -> bool {
        let Some(at) = self.epochs.iter().position(|start| start.epoch == epoch) else { return true };
        let (end, queue) = (self.epochs.get(at + 1), self.queues.get(&queue));
        end.is_some_and(|end| queue.is_none_or(|queue| queue.floor(self.next) >= end.first))
    }

    pub(super) fn segment_of(&self, seq: u64) -> Option<SegmentNo> {
        if self.attic.contains_key(&seq) {
            return Some(ATTIC);
        }
        self.segments.range(..=SegmentNo(seq)).next_back().map(|(segment, _)| *segment)
    }

    pub(super) fn stored_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// The oldest event that a queue may still need.
    pub(super) fn claims_of(&self, queue: QueueNo) -> Vec<u32> {
        self.claims.range((queue, 0)..=(queue, u32::MAX)).map(|(_, number)| *number).collect()
    }

    pub(super) fn floor(&self) -> u64 {
        self.queues.values().map(|queue| queue.floor(self.next)).min().unwrap_or(self.next)
    }

    /// Segments of which nobody needs anything; the one that is written to is never among them.
    pub(super) fn useless_segments(&self) -> Vec<SegmentNo> {
        let older = self.segments.iter().rev().skip(1);
        older.filter(|(number, segment)| segment.rows == 0 && **number != ATTIC).map(|(number, _)| *number).collect()
    }

    /// A segment of which little is needed any more, with the first number behind it.
    pub(super) fn sparse_segment(&self) -> Option<(SegmentNo, u64)> {
        let old = self.segments.len().saturating_sub(YOUNG_SEGMENTS);
        let ends = self.segments.keys().skip(1).map(|next| next.0);
        let mut segments = self.segments.iter().zip(ends).take(old).filter(|((number, _), _)| **number != ATTIC);
        let sparse = |segment: &Segment| segment.rows > 0 && segment.held.saturating_mul(SPARSE) < segment.bytes;
        segments.find(|((_, segment), _)| sparse(segment)).map(|((number, _), end)| (*number, end))
    }

    /// An event is put into a queue.
    pub(super) fn count_in(&mut self, queue: QueueNo, seq: u64, bytes: u32) {
        let Some(segment) = self.segment_of(seq) else { return };
        if let Some(straggler) = self.attic.get_mut(&seq) {
            straggler.queues.push(queue);
        }
        if let (Some(queue), Some(state)) = (self.queues.get_mut(&queue), self.segments.get_mut(&segment)) {
            *queue.rows.entry(segment).or_default() += 1;
            state.rows += 1;
            state.held += u64::from(bytes);
        }
    }

    /// A queue is done with an event. True when that was in the attic, and nobody needs it there any more.
    #[must_use]
    pub(super) fn count_out(&mut self, queue: QueueNo, seq: u64, bytes: u32) -> bool {
        let segment = self.segment_of(seq);
        if let Some(state) = segment.and_then(|segment| self.segments.get_mut(&segment)) {
            state.rows = state.rows.saturating_sub(1);
            state.held = state.held.saturating_sub(bytes.into());
        }
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.leave(bytes, segment);
        }
        segment == Some(ATTIC) && self.leave_attic(queue, seq)
    }

    fn leave_attic(&mut self, queue: QueueNo, seq: u64) -> bool {
        let Some(straggler) = self.attic.get_mut(&seq) else { return false };
        straggler.queues.retain(|of| *of != queue);
        let unneeded = straggler.queues.is_empty();
        if unneeded {
            let bytes = straggler.bytes;
            self.attic.remove(&seq);
            if let Some(attic) = self.segments.get_mut(&ATTIC) {
                attic.bytes = attic.bytes.saturating_sub(bytes);
            }
        }
        unneeded
    }

    /// A queue is done with all its events, of which the attic's are given: those that nobody needs there any more are
    /// returned. How many bytes of a segment are needed is estimated from then on.
    pub(super) fn count_all_out(&mut self, number: QueueNo) -> Vec<u64> {
        let Some(queue) = self.queues.get_mut(&number) else { return Vec::new() };
        let rows = std::mem::take(&mut queue.rows);
        for (segment, rows) in &rows {
            if let Some(state) = self.segments.get_mut(segment) {
                let share = state.held.saturating_mul(*rows).checked_div(state.rows).unwrap_or(0);
                state.rows = state.rows.saturating_sub(*rows);
                state.held = if state.rows == 0 { 0 } else { state.held.saturating_sub(share) };
            }
        }
        if !rows.contains_key(&ATTIC) {
            return Vec::new();
        }
        let its: Vec<u64> = self
            .attic
            .iter()
            .filter(|(_, straggler)| straggler.queues.contains(&number))
            .map(|(seq, _)| *seq)
            .collect();
        its.into_iter().filter(|seq| self.leave_attic(number, *seq)).collect()
    }

    /// A committed event becomes visible to the reader of a queue.
    pub(super) fn show(&mut self, queue: QueueNo, entry: Entry) {
        let total = self.fresh_bytes;
        let Some(queue) = self.queues.get_mut(&queue) else { return };
        queue.newest = queue.newest.max(entry.seq);
        if !queue.caught_up {
            return;
        }
        let bytes = entry.row.bytes as usize;
        let room = queue.fresh.len() < FRESH_EVENTS_MAX
            && queue.fresh_bytes + bytes <= FRESH_BYTES_MAX
            && total + bytes <= FRESH_BYTES_TOTAL_MAX;
        if room {
            queue.fresh_bytes += bytes;
            self.fresh_bytes += bytes;
            queue.fresh.push_back(entry);
        } else {
            self.fresh_bytes -= queue.fresh_bytes;
            queue.forget_fresh();
        }
    }

    /// Works on a queue and keeps the total of what is in memory right.
    pub(super) fn with_queue<T>(&mut self, queue: QueueNo, work: impl FnOnce(&mut Queue, u64) -> T) -> Option<T> {
        let next = self.next;
        let queue = self.queues.get_mut(&queue)?;
        let before = queue.fresh_bytes;
        let done = work(queue, next);
        let after = queue.fresh_bytes;
        self.fresh_bytes = self.fresh_bytes + after - before;
        Some(done)
    }
}
