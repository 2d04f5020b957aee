//! What the spool does, one turn at a time: no threads, no clock, no file system of its own, so that a simulation drives
//! the very code that runs.
//!
//! ```text
//!  ops of many callers --stage--> one batch --commit (synced)--> shown to readers, answers given, segments dropped
//! ```
//! - A turn's appends, acknowledgements and marks are one atomic batch. An answer is given only after its commit.
//! - An append is taken whole or refused whole: no queue gets an event that another one had no room for.
//! - After a failed commit nothing is known about the disk: every answer is a failure, and nothing more is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use mesh_protocol::event::{self, Event};
use mesh_protocol::id::{Epoch, Seq, SpoolId};
use smallvec::SmallVec;
use tokio::sync::Notify;

use super::disk::{Disk, DiskError, Place, SegmentNo, Write};
use super::index::{Entry, EpochStart, Index, Limits, Queue, Segment, Standing};
use super::layout::{self, Cursor, MarkKey, QueueNo, Row};
use crate::causes::chain;
use crate::router::Admitted;

/// Rows of ended and purged queues that are taken off the disk in one turn.
const SWEEP_ROWS: usize = 4_096;
/// What an event takes on disk beside its bytes, in the log and for each of its queues; an estimate for quotas.
const OVERHEAD_BYTES: u64 = 64;

/// How much the spool may keep, and in which portions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most bytes of events in the log. Acknowledged events count until their segment goes.
    pub bytes_max: u64,
    /// Bytes of the file system that stay free for others.
    pub reserve_bytes: u64,
    /// A segment of this size is closed.
    pub segment_bytes: u64,
    /// Lanes of streams from this epoch.
    pub lanes: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bytes_max: 16 * 1024 * 1024 * 1024,
            reserve_bytes: 1024 * 1024 * 1024,
            segment_bytes: 64 * 1024 * 1024,
            lanes: super::LANES,
        }
    }
}

/// Queues of one event.
pub type Queues = SmallVec<[QueueNo; 4]>;

/// An event and where it goes.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// The event.
    pub event: Admitted,
    /// At least one queue; those that ended meanwhile are passed over.
    pub queues: Queues,
    /// It may have been delivered before it came here.
    pub redelivered: bool,
}

/// Something to be made durable.
#[derive(Clone, Debug)]
pub enum Op {
    /// Events in their order, with the mark of the stream they came on.
    Append {
        /// The events; none when only the mark moves.
        events: Vec<Addressed>,
        /// Custody of everything up to here.
        mark: Option<(MarkKey, Seq)>,
    },
    /// A queue is done with these.
    Ack {
        /// Which queue.
        queue: QueueNo,
        /// Events that were handed out. Others change nothing.
        seqs: Vec<u64>,
    },
    /// Deliveries that failed; the count must survive.
    Count {
        /// Which queue.
        queue: QueueNo,
        /// Events that were handed out, and what is known of them now.
        rows: Vec<(u64, Row)>,
    },
    /// A queue by its name: made, or its limits changed.
    Open {
        /// Unique within the spool.
        name: Arc<str>,
        /// What it may hold from now on.
        limits: Limits,
    },
    /// The end of a queue with all that is in it.
    Close(QueueNo),
    /// Everything that is in a queue now goes; the queue stays.
    Purge(QueueNo),
}

impl Op {
    /// Bytes of the events in it.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { events, .. } => events.iter().map(|addressed| addressed.event.encoded().len()).sum(),
            _ => 0,
        }
    }
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is on disk.
    Durable,
    /// The queue's number.
    Opened(QueueNo),
    /// The queue had so many undelivered events.
    Emptied(u64),
}

/// Why an operation was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A queue holds as much as it may.
    #[error("queue {0} is full; it takes more when its consumers have acknowledged some")]
    QueueFull(Arc<str>),
    /// The spool holds as much as it may.
    #[error("the agent's spool holds as much as it may; it takes more when consumers and other sites have caught up")]
    SpoolFull,
    /// The file system is nearly full.
    #[error("the disk of the agent's spool is nearly full; free some space there")]
    DiskFull,
    /// There is no such queue (any more).
    #[error("there is no such queue any more")]
    NoQueue,
    /// Nothing is known about it: the disk failed.
    #[error("the agent's spool cannot be written; its log says why")]
    Failed,
}

/// What one turn did, for counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events put into the log.
    pub appended: u64,
    /// Their bytes.
    pub appended_bytes: u64,
    /// Events that a queue was done with.
    pub acked: u64,
    /// Operations refused.
    pub refused: u64,
    /// Segments dropped.
    pub dropped: u64,
}

/// What was handed out of a queue.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Events, in order.
    pub entries: Vec<Entry>,
    /// Rows whose event is not readable any more: a gap that the caller must report and then acknowledge.
    pub lost: Vec<u64>,
}

/// The spool without its thread.
#[derive(Debug)]
pub struct Core {
    disk: Arc<dyn Disk>,
    settings: Settings,
    index: Mutex<Index>,
}

/// What a turn will do once its batch is on disk.
#[derive(Default)]
struct Stage {
    /// Writes of keys that no other operation of this turn writes: events, their rows, and rows that go.
    writes: Vec<Write>,
    /// All others; the last one counts, because a batch may name a key only once.
    last_writes: BTreeMap<(Place, Bytes), Option<Bytes>>,
    marks: Vec<(MarkKey, Seq)>,
    new_segments: Vec<SegmentNo>,
    grown: BTreeSet<SegmentNo>,
    shown: Vec<(QueueNo, Entry)>,
    touched: Vec<QueueNo>,
    woken: Vec<Arc<Notify>>,
    tally: Tally,
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

    /// The number of a queue.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<QueueNo> {
        self.index().names.get(name).copied()
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

    /// Wakes when there may be something to take out of the queue.
    #[must_use]
    pub fn wake(&self, queue: QueueNo) -> Option<Arc<Notify>> {
        self.index().queues.get(&queue).map(|queue| queue.wake.clone())
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
                let answer = self.stage(&mut index, &mut stage, op, room);
                stage.tally.refused += u64::from(answer.is_err());
                answers.push(answer);
            }
            for segment in index.dropped.drain(..) {
                stage.remove(Place::Meta, layout::size_key(segment));
            }
            stage.finish(&index);
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
        }
        stage.woken.iter().for_each(|wake| wake.notify_one());
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
        if writes.is_empty() { Ok(()) } else { self.disk.commit(writes) }
    }

    /// Bytes that may still be written; what the file system does not tell is taken for enough.
    fn free_room(&self) -> u64 {
        self.disk.free_bytes().map_or(u64::MAX, |free| free.saturating_sub(self.settings.reserve_bytes))
    }

    fn stage(&self, index: &mut Index, stage: &mut Stage, op: Op, room: u64) -> Result<Done, Refusal> {
        match op {
            Op::Append { events, mark } => {
                self.check_room(index, stage, &events, room)?;
                for addressed in events {
                    self.append(index, stage, addressed);
                }
                if let Some((key, seq)) = mark {
                    stage.put(Place::Marks, key.encode(), layout::mark_value(seq));
                    stage.marks.push((key, seq));
                }
                Ok(Done::Durable)
            }
            Op::Ack { queue, seqs } => ack(index, stage, queue, &seqs),
            Op::Count { queue, rows } => {
                let known = index.queues.get(&queue).ok_or(Refusal::NoQueue)?;
                for (seq, row) in rows.into_iter().filter(|(seq, _)| known.out.contains_key(seq)) {
                    stage.put(Place::Rows, row_key(queue, seq), row.encode());
                }
                Ok(Done::Durable)
            }
            Op::Open { name, limits } => Ok(Done::Opened(open(index, stage, name, limits))),
            Op::Close(queue) => close(index, stage, queue),
            Op::Purge(queue) => purge(index, stage, queue),
        }
    }

    /// Whether all the events fit: into the spool, onto the disk, and into each of their queues.
    fn check_room(&self, index: &Index, stage: &Stage, events: &[Addressed], room: u64) -> Result<(), Refusal> {
        let bytes: u64 = events.iter().map(|addressed| size(&addressed.event)).sum();
        if bytes == 0 {
            return Ok(());
        }
        let staged = stage.tally.appended_bytes;
        // Written twice: to the journal at once, to its table later.
        if staged.saturating_add(bytes).saturating_mul(2) > room {
            return Err(Refusal::DiskFull);
        }
        if index.stored_bytes().saturating_add(bytes) > self.settings.bytes_max {
            return Err(Refusal::SpoolFull);
        }
        let mut wanted: BTreeMap<QueueNo, (u64, u64)> = BTreeMap::new();
        for addressed in events {
            for queue in &addressed.queues {
                let (events, bytes) = wanted.entry(*queue).or_default();
                *events += 1;
                *bytes += size(&addressed.event);
            }
        }
        for (number, (events, bytes)) in wanted {
            let Some(queue) = index.queues.get(&number) else { continue };
            if !queue.has_room_for(events, bytes) {
                return Err(Refusal::QueueFull(queue.name.clone()));
            }
        }
        Ok(())
    }

    fn append(&self, index: &mut Index, stage: &mut Stage, addressed: Addressed) {
        let Addressed { event, mut queues, redelivered } = addressed;
        queues.retain(|queue| index.queues.contains_key(queue));
        if queues.is_empty() {
            return;
        }
        let seq = index.next;
        index.next += 1;
        let bytes = event.encoded().clone();
        let segment = self.segment_for(index, stage, seq);
        let row = Row {
            bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            expires_at_ms: expiry(event.event()),
            deliveries: 0,
            redelivered,
        };
        stage.tally.appended += 1;
        stage.tally.appended_bytes += size(&event);
        if let Some(state) = index.segments.get_mut(&segment) {
            state.bytes += size(&event);
            stage.grown.insert(segment);
        }
        stage.writes.push(Write::Put(Place::Segment(segment), layout::seq_key(seq), bytes));
        for number in queues {
            let Some(queue) = index.queues.get_mut(&number) else { continue };
            queue.staged = seq;
            queue.depth += 1;
            queue.bytes += u64::from(row.bytes);
            stage.writes.push(Write::Put(Place::Rows, row_key(number, seq), row.encode()));
            stage.touch(number, &queue.wake);
            stage.shown.push((number, Entry { seq, row, event: event.clone() }));
        }
    }

    /// The segment that is written to; a full one is closed, and the next begins with this event.
    fn segment_for(&self, index: &mut Index, stage: &mut Stage, seq: u64) -> SegmentNo {
        if let Some((segment, state)) = index.segments.last_key_value()
            && state.bytes < self.settings.segment_bytes
        {
            return *segment;
        }
        let segment = SegmentNo(seq);
        index.segments.insert(segment, Segment::default());
        stage.new_segments.push(segment);
        segment
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

    /// Whether rows of ended or purged queues are still on disk; [`Core::sweep`] takes them off.
    #[must_use]
    pub fn has_trash(&self) -> bool {
        !self.index().trash.is_empty()
    }

    /// Takes some rows that nobody wants off the disk.
    ///
    /// # Errors
    /// The disk failed.
    pub fn sweep(&self) -> Result<(), DiskError> {
        let Some((queue, up_to)) = self.index().trash.first_key_value().map(|(queue, up_to)| (*queue, *up_to)) else {
            return Ok(());
        };
        let mut writes = Vec::new();
        let (from, to) = (layout::row_key(queue, 0), layout::row_key_after(queue, up_to));
        self.disk.scan(Place::Rows, &from, &to, &mut |key, _| {
            writes.push(Write::Remove(Place::Rows, Bytes::copy_from_slice(key)));
            if writes.len() < SWEEP_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let last = writes.len() < SWEEP_ROWS;
        if last {
            writes.push(Write::Remove(Place::Meta, layout::trash_key(queue)));
        }
        self.disk.commit(writes).inspect_err(|_| self.index().failed = true)?;
        if last {
            // A purge that came meanwhile has made it larger.
            let mut index = self.index();
            if index.trash.get(&queue) == Some(&up_to) {
                index.trash.remove(&queue);
            }
        }
        Ok(())
    }

    /// Hands out the next events of a queue, in order. Who asks is the queue's only reader.
    ///
    /// # Errors
    /// The disk cannot be read; nothing was handed out.
    pub fn take(&self, queue: QueueNo, events_max: usize, bytes_max: usize) -> Result<Taken, DiskError> {
        loop {
            let fresh = self.index().with_queue(queue, |queue, _| {
                queue.caught_up.then(|| queue.take_fresh(events_max, bytes_max)).ok_or((queue.cursor, queue.newest))
            });
            let (after, newest) = match fresh {
                None => return Ok(Taken::default()),
                Some(Ok(entries)) => return Ok(Taken { entries, lost: Vec::new() }),
                Some(Err(range)) => range,
            };
            if let Some(taken) = self.take_from_disk(queue, (after, newest), events_max, bytes_max)? {
                return Ok(taken);
            }
        }
    }

    /// None when the queue was purged or rewound meanwhile.
    fn take_from_disk(
        &self,
        queue: QueueNo,
        (after, newest): (u64, u64),
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Option<Taken>, DiskError> {
        let rows = self.rows(queue, after, newest, events_max, bytes_max)?;
        let complete = rows.len() < events_max && sum(&rows) < bytes_max as u64;
        let mut taken = Taken::default();
        for (seq, row) in &rows {
            match self.event(*seq)? {
                Some(event) => taken.entries.push(Entry { seq: *seq, row: *row, event }),
                None => taken.lost.push(*seq),
            }
        }
        let unchanged = self.index().with_queue(queue, |queue, _| {
            if queue.cursor != after || queue.caught_up {
                return false;
            }
            for (seq, row) in rows {
                queue.hand_out(seq, row);
            }
            if complete {
                queue.cursor = queue.cursor.max(newest);
                // What was committed meanwhile is not in memory: then there is more to read.
                queue.caught_up = queue.newest <= queue.cursor;
            }
            true
        });
        Ok((unchanged != Some(false)).then_some(taken))
    }

    /// Undelivered events of a queue after a number, whether handed out or not; nothing changes.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn browse(&self, queue: QueueNo, after: u64, events_max: usize) -> Result<Taken, DiskError> {
        let from = {
            let index = self.index();
            let Some(state) = index.queues.get(&queue) else { return Ok(Taken::default()) };
            after.max(state.floor(index.next).saturating_sub(1))
        };
        let mut taken = Taken::default();
        for (seq, row) in self.rows(queue, from, u64::MAX, events_max, usize::MAX)? {
            match self.event(seq)? {
                Some(event) => taken.entries.push(Entry { seq, row, event }),
                None => taken.lost.push(seq),
            }
        }
        Ok(taken)
    }

    /// A new reader begins: what was handed out and not acknowledged is handed out again.
    pub fn rewind(&self, queue: QueueNo) {
        self.index().with_queue(queue, Queue::rewind);
    }

    fn rows(
        &self,
        queue: QueueNo,
        after: u64,
        up_to: u64,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<(u64, Row)>, DiskError> {
        let (mut rows, mut bytes, mut damaged) = (Vec::new(), 0_u64, false);
        if after >= up_to || events_max == 0 {
            return Ok(rows);
        }
        let (from, to) = (layout::row_key_after(queue, after), layout::row_key_after(queue, up_to));
        self.disk.scan(Place::Rows, &from, &to, &mut |key, value| {
            let Some(row) = layout::row_seq(key).zip(Row::decode(value)) else {
                damaged = true;
                return ControlFlow::Break(());
            };
            bytes += u64::from(row.1.bytes);
            rows.push(row);
            let more = rows.len() < events_max && bytes < bytes_max as u64;
            if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if damaged {
            return Err(DiskError::Damaged { what: "table of undelivered events".to_owned() });
        }
        Ok(rows)
    }

    fn event(&self, seq: u64) -> Result<Option<Admitted>, DiskError> {
        let Some(segment) = self.index().segment_of(seq) else { return Ok(None) };
        let Some(bytes) = self.disk.get(Place::Segment(segment), &layout::seq_key(seq))? else { return Ok(None) };
        Ok(event::decode(bytes.clone()).ok().map(|event| Admitted::from_encoded(event, bytes)))
    }
}

fn sum(rows: &[(u64, Row)]) -> u64 {
    rows.iter().map(|(_, row)| u64::from(row.bytes)).sum()
}

/// When the event's time to live is over, in milliseconds since 1970.
fn expiry(event: &Event) -> Option<i64> {
    event.ttl_ms.map(|ttl| event.admitted_at_ms.saturating_add_unsigned(ttl))
}

fn size(event: &Admitted) -> u64 {
    event.encoded().len() as u64 + OVERHEAD_BYTES
}

fn row_key(queue: QueueNo, seq: u64) -> Bytes {
    Bytes::copy_from_slice(&layout::row_key(queue, seq))
}

fn ack(index: &mut Index, stage: &mut Stage, number: QueueNo, seqs: &[u64]) -> Result<Done, Refusal> {
    let queue = index.queues.get_mut(&number).ok_or(Refusal::NoQueue)?;
    let mut acked = 0;
    for seq in seqs {
        let Some(bytes) = queue.out.remove(seq) else { continue };
        queue.depth = queue.depth.saturating_sub(1);
        queue.bytes = queue.bytes.saturating_sub(u64::from(bytes));
        let key = row_key(number, *seq);
        match stage.last_writes.get_mut(&(Place::Rows, key.clone())) {
            Some(counted) => *counted = None,
            None => stage.writes.push(Write::Remove(Place::Rows, key)),
        }
        acked += 1;
    }
    if acked > 0 {
        stage.tally.acked += acked;
        stage.touched.push(number);
    }
    Ok(Done::Durable)
}

fn open(index: &mut Index, stage: &mut Stage, name: Arc<str>, limits: Limits) -> QueueNo {
    if let Some(number) = index.names.get(&name).copied() {
        if let Some(queue) = index.queues.get_mut(&number) {
            queue.limits = limits;
        }
        return number;
    }
    let number = QueueNo(index.next_queue);
    index.next_queue += 1;
    let cursor = Cursor { floor: index.next, depth: 0, bytes: 0 };
    let last = index.last();
    index.queues.insert(number, Queue::new(name.clone(), limits, cursor, last));
    stage.put(Place::Meta, layout::name_key(&name), layout::cursor_key(number));
    stage.put(Place::Meta, layout::meta_key(layout::NEXT_QUEUE), layout::cursor_key(QueueNo(index.next_queue)));
    stage.touched.push(number);
    index.names.insert(name, number);
    number
}

fn close(index: &mut Index, stage: &mut Stage, number: QueueNo) -> Result<Done, Refusal> {
    let emptied = purge(index, stage, number)?;
    if let Some(queue) = index.queues.remove(&number) {
        index.names.remove(&queue.name);
        stage.remove(Place::Meta, layout::name_key(&queue.name));
        stage.remove(Place::Cursors, layout::cursor_key(number));
        stage.woken.push(queue.wake);
    }
    Ok(emptied)
}

fn purge(index: &mut Index, stage: &mut Stage, number: QueueNo) -> Result<Done, Refusal> {
    let last = index.last();
    let emptied = index.with_queue(number, |queue, _| queue.empty(last));
    let depth = emptied.ok_or(Refusal::NoQueue)?;
    stage.shown.retain(|(queue, _)| *queue != number);
    stage.touched.push(number);
    if depth > 0 {
        index.trash.insert(number, last);
        stage.put(Place::Meta, layout::trash_key(number), layout::seq_key(last));
    }
    Ok(Done::Emptied(depth))
}

impl Stage {
    fn put(&mut self, place: Place, key: Bytes, value: Bytes) {
        self.last_writes.insert((place, key), Some(value));
    }

    fn remove(&mut self, place: Place, key: Bytes) {
        self.last_writes.insert((place, key), None);
    }

    fn touch(&mut self, queue: QueueNo, wake: &Arc<Notify>) {
        if self.touched.last() != Some(&queue) {
            self.touched.push(queue);
            self.woken.push(wake.clone());
        }
    }

    /// Adds what every batch holds: how far the touched queues have come, and the next number.
    fn finish(&mut self, index: &Index) {
        self.touched.sort_unstable();
        self.touched.dedup();
        for number in &self.touched {
            if let Some(queue) = index.queues.get(number) {
                let cursor = queue.state(index.next);
                self.last_writes.insert((Place::Cursors, layout::cursor_key(*number)), Some(cursor.encode()));
            }
        }
        if self.tally.appended > 0 {
            self.put(Place::Meta, layout::meta_key(layout::NEXT), layout::seq_key(index.next));
            for segment in std::mem::take(&mut self.grown) {
                let bytes = index.segments.get(&segment).map_or(0, |state| state.bytes);
                self.put(Place::Meta, layout::size_key(segment), layout::seq_key(bytes));
            }
        }
        self.writes.extend(std::mem::take(&mut self.last_writes).into_iter().map(
            |((place, key), value)| match value {
                Some(value) => Write::Put(place, key, value),
                None => Write::Remove(place, key),
            },
        ));
    }
}
