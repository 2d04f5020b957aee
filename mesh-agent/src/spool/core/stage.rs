//! What a turn will do, put together before any of it is on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use mesh_protocol::event::Event;
use mesh_protocol::id::Seq;
use tokio::sync::Notify;

use crate::router::{Admitted, Claim};
use crate::spool::disk::{Disk, Place, SegmentNo, Write};
use crate::spool::index::{ATTIC, Entry, Index, Limits, Queue, Segment, WhenFull};
use crate::spool::layout::{self, MarkKey, QueueNo, Row};
use crate::spool::op::{Addressed, Done, Mark, Op, Refusal, Settings, Tally};

/// What an event takes on disk beside its bytes, in the log and for each of its queues; an estimate for quotas.
const OVERHEAD_BYTES: u64 = 64;

/// What a turn will do once its batch is on disk.
#[derive(Default)]
pub(super) struct Stage {
    /// Writes of keys that no other operation of this turn writes: events, their rows, and rows that go.
    pub(super) writes: Vec<Write>,
    /// All others; the last one counts, because a batch may name a key only once.
    last_writes: BTreeMap<(Place, Bytes), Option<Bytes>>,
    pub(super) marks: BTreeMap<MarkKey, Seq>,
    pub(super) new_segments: Vec<SegmentNo>,
    grown: BTreeSet<SegmentNo>,
    pub(super) shown: Vec<(QueueNo, Entry)>,
    /// What readers find again, or for the first time behind them, once it is on disk; ascending.
    pub(super) again: Vec<(QueueNo, Vec<u64>)>,
    pub(super) woken: Vec<(QueueNo, Arc<Notify>)>,
    pub(super) tally: Tally,
    pub(super) values_changed: bool,
}

impl Stage {
    /// Prepares one operation. `room` is how many bytes may still be written.
    pub(super) fn add(
        &mut self,
        (settings, disk): (&Settings, &dyn Disk),
        index: &mut Index,
        op: Op,
        room: u64,
    ) -> Result<Done, Refusal> {
        match op {
            Op::Append { events, mark, claim } => {
                if let Some(Mark { key, after, .. }) = mark {
                    let now = self.marks.get(&key).or_else(|| index.marks.get(&key)).copied();
                    if now.unwrap_or(Seq::START) != after {
                        return Err(Refusal::OutOfOrder);
                    }
                }
                let terms = (settings.values_max, mark.is_none());
                let mut known = self.known_values(disk, index, &events, terms)?;
                self.check_room(Some(settings), index, &events, room)?;
                let mut older = Vec::new();
                for (at, addressed) in events.into_iter().enumerate() {
                    let event = &addressed.event;
                    if !event.is_last_value() || self.remember(index, &mut known, event, terms) {
                        self.append(settings, index, addressed);
                    } else {
                        older.push(at);
                    }
                }
                if let Some(Mark { key, up_to, .. }) = mark {
                    self.put(Place::Marks, key.encode(), layout::mark_value(up_to));
                    self.marks.insert(key, up_to);
                }
                if let Some(claim) = claim {
                    self.claim(index, claim);
                }
                Ok(if older.is_empty() { Done::Durable } else { Done::Older(older) })
            }
            Op::Forget(topics) => self.forget_values(disk, index, &topics),
            Op::Move { events, from, seqs } => {
                if !index.queues.contains_key(&from) {
                    return Err(Refusal::NoQueue);
                }
                self.check_room(None, index, &events, room)?;
                let gone = self.there(disk, index, from, seqs)?;
                for addressed in events {
                    self.append(settings, index, addressed);
                }
                Ok(Done::Emptied(self.take_away(index, from, gone)))
            }
            Op::Hand { from, to, rows } => self.hand(disk, index, from, to, rows),
            Op::Return { queue, seqs } => {
                let state = index.queues.get_mut(&queue).ok_or(Refusal::NoQueue)?;
                let mut back: Vec<u64> = seqs.into_iter().filter(|seq| state.out.remove(seq).is_some()).collect();
                back.sort_unstable();
                self.again.push((queue, back));
                Ok(Done::Durable)
            }
            Op::Ack { queue, seqs } => ack(index, self, queue, &seqs),
            Op::Claim { claim, done } => {
                ack(index, self, QueueNo(claim.queue), &done)?;
                self.claim(index, claim);
                Ok(Done::Durable)
            }
            Op::Unclaim(claim) => {
                if index.claims.remove(&(QueueNo(claim.queue), claim.number)) {
                    self.remove(Place::Meta, layout::claim_key(claim));
                }
                Ok(Done::Durable)
            }
            Op::Count { queue, rows } => {
                let known = index.queues.get(&queue).ok_or(Refusal::NoQueue)?;
                for (seq, row) in rows.into_iter().filter(|(seq, _)| known.out.contains_key(seq)) {
                    self.put(Place::Rows, row_key(queue, seq), row.encode());
                }
                Ok(Done::Durable)
            }
            Op::Open { name, limits } => Ok(Done::Opened(open(index, self, name, limits))),
            Op::Rewind(queue) => {
                index.with_queue(queue, Queue::rewind).ok_or(Refusal::NoQueue)?;
                Ok(Done::Durable)
            }
            Op::Note { queue, note } => {
                if !index.queues.contains_key(&queue) {
                    return Err(Refusal::NoQueue);
                }
                self.put(Place::Meta, layout::note_key(queue), note.clone());
                index.notes.insert(queue, note);
                Ok(Done::Durable)
            }
            Op::Close(queue) => close(index, self, queue),
        }
    }

    fn claim(&mut self, index: &mut Index, claim: Claim) {
        if index.queues.contains_key(&QueueNo(claim.queue)) {
            index.claims.insert((QueueNo(claim.queue), claim.number));
            self.put(Place::Meta, layout::claim_key(claim), Bytes::new());
        }
    }

    /// Which of these a queue still has, with their sizes.
    fn there(
        &self,
        disk: &dyn Disk,
        index: &Index,
        queue: QueueNo,
        seqs: Vec<u64>,
    ) -> Result<Vec<(u64, u32)>, Refusal> {
        let mut there = Vec::new();
        let state = index.queues.get(&queue).ok_or(Refusal::NoQueue)?;
        for seq in seqs {
            let bytes = match state.out.get(&seq) {
                Some(bytes) => Some(*bytes),
                // Done with: its row may still be on its way out.
                None if seq <= state.cursor && !self.is_back(queue, seq) => None,
                None => self.row(disk, queue, seq)?.map(|row| row.bytes),
            };
            there.extend(bytes.map(|bytes| (seq, bytes)));
        }
        there.sort_unstable();
        there.dedup();
        Ok(there)
    }

    /// Whether a reader has returned it in this very turn.
    fn is_back(&self, queue: QueueNo, seq: u64) -> bool {
        self.again.iter().any(|(of, back)| *of == queue && back.binary_search(&seq).is_ok())
    }

    /// A row as it stands on disk, unless this very turn takes it away.
    fn row(&self, disk: &dyn Disk, queue: QueueNo, seq: u64) -> Result<Option<Row>, Refusal> {
        let key = row_key(queue, seq);
        let goes = |write: &Write| matches!(write, Write::Remove(Place::Rows, gone) if *gone == key);
        if self.writes.iter().any(goes) || self.last_writes.get(&(Place::Rows, key.clone())) == Some(&None) {
            return Ok(None);
        }
        let found = disk.get(Place::Rows, &key).map_err(|_| Refusal::Failed)?;
        Ok(found.and_then(|value| Row::decode(&value)))
    }

    fn take_away(&mut self, index: &mut Index, number: QueueNo, gone: Vec<(u64, u32)>) -> u64 {
        let count = gone.len() as u64;
        for (seq, bytes) in gone {
            index.with_queue(number, |queue, _| {
                if queue.done_with(seq).is_none() {
                    queue.forget(seq);
                }
            });
            let unneeded = index.count_out(number, seq, bytes);
            self.drop_row(number, seq, unneeded);
        }
        self.tally.acked += count;
        count
    }

    /// The rows are written anew under the other queue; the events are not touched.
    fn hand(
        &mut self,
        disk: &dyn Disk,
        index: &mut Index,
        from: QueueNo,
        to: QueueNo,
        rows: Vec<(u64, Row)>,
    ) -> Result<Done, Refusal> {
        if !index.queues.contains_key(&to) {
            return Err(Refusal::NoQueue);
        }
        let there = self.there(disk, index, from, rows.iter().map(|(seq, _)| *seq).collect())?;
        let rows: BTreeMap<u64, Row> = rows.into_iter().collect();
        for (seq, bytes) in &there {
            let row = Row { bytes: *bytes, ..rows[seq] };
            // In before out: the attic keeps only what somebody needs.
            index.count_in(to, *seq, row.bytes);
            if let Some(queue) = index.queues.get_mut(&to) {
                queue.depth += 1;
                queue.bytes += u64::from(row.bytes);
            }
            self.writes.push(Write::Put(Place::Rows, row_key(to, *seq), row.encode()));
        }
        self.again.push((to, there.iter().map(|(seq, _)| *seq).collect()));
        let newest = there.last().map(|(newest, _)| *newest);
        if let Some((queue, newest)) = index.queues.get_mut(&to).zip(newest) {
            queue.staged = queue.staged.max(newest);
            let wake = queue.wake.clone();
            self.wake(to, &wake);
        }
        Ok(Done::Emptied(self.take_away(index, from, there)))
    }

    /// `unneeded`: its event goes from the attic, too.
    fn drop_row(&mut self, queue: QueueNo, seq: u64, unneeded: bool) {
        if unneeded {
            self.writes.push(Write::Remove(Place::Segment(ATTIC), layout::seq_key(seq)));
        }
        let key = row_key(queue, seq);
        match self.last_writes.get_mut(&(Place::Rows, key.clone())) {
            Some(counted) => *counted = None,
            None => self.writes.push(Write::Remove(Place::Rows, key)),
        }
    }

    /// Whether all the events fit: into the spool (with settings), onto the disk, and into each of their queues.
    fn check_room(
        &self,
        settings: Option<&Settings>,
        index: &Index,
        events: &[Addressed],
        room: u64,
    ) -> Result<(), Refusal> {
        let bytes: u64 = events.iter().map(|addressed| size(&addressed.event)).sum();
        if bytes == 0 {
            return Ok(());
        }
        let staged = self.tally.appended_bytes;
        // Written twice: to the journal at once, to its table later.
        if staged.saturating_add(bytes).saturating_mul(2) > room {
            return Err(Refusal::DiskFull);
        }
        if settings.is_some_and(|settings| index.stored_bytes().saturating_add(bytes) > settings.bytes_max) {
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
            if queue.limits.when_full == WhenFull::Refuse && !queue.has_room_for(events, bytes) {
                return Err(Refusal::QueueFull(queue.name.clone()));
            }
        }
        Ok(())
    }

    fn append(&mut self, settings: &Settings, index: &mut Index, addressed: Addressed) {
        let Addressed { event, mut queues, redelivered } = addressed;
        let bytes = size(&event);
        queues.retain(|queue| {
            let Some(queue) = index.queues.get_mut(queue) else { return false };
            let has_room = queue.has_room_for(1, bytes);
            queue.discarded += u64::from(!has_room);
            self.tally.discarded += u64::from(!has_room);
            has_room
        });
        if queues.is_empty() {
            return;
        }
        let seq = index.next;
        index.next += 1;
        let bytes = event.encoded().clone();
        let segment = self.segment_for(settings, index, seq);
        let row = Row {
            bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            expires_at_ms: expiry(event.event()),
            deliveries: 0,
            redelivered,
            replayed: false,
            recalled: event.is_recalled(),
        };
        self.tally.appended += 1;
        self.tally.appended_bytes += size(&event);
        if let Some(state) = index.segments.get_mut(&segment) {
            state.bytes += size(&event);
            self.grown.insert(segment);
        }
        self.writes.push(Write::Put(Place::Segment(segment), layout::seq_key(seq), bytes));
        for number in queues {
            index.count_in(number, seq, row.bytes);
            let Some(queue) = index.queues.get_mut(&number) else { continue };
            queue.staged = seq;
            queue.depth += 1;
            queue.bytes += u64::from(row.bytes);
            self.writes.push(Write::Put(Place::Rows, row_key(number, seq), row.encode()));
            self.wake(number, &queue.wake);
            self.shown.push((number, Entry { seq, row, event: event.clone() }));
        }
    }

    /// The segment that is written to; a full one is closed, and the next begins with this event.
    fn segment_for(&mut self, settings: &Settings, index: &mut Index, seq: u64) -> SegmentNo {
        if let Some((segment, state)) = index.segments.last_key_value()
            && *segment != ATTIC
            && state.bytes < settings.segment_bytes
        {
            return *segment;
        }
        let segment = SegmentNo(seq);
        index.segments.insert(segment, Segment::default());
        self.new_segments.push(segment);
        segment
    }

    /// What this turn has made of a key so far; none inside = it goes.
    pub(super) fn last_write(&self, place: Place, key: &Bytes) -> Option<Option<Bytes>> {
        self.last_writes.get(&(place, key.clone())).cloned()
    }

    pub(super) fn put(&mut self, place: Place, key: Bytes, value: Bytes) {
        self.last_writes.insert((place, key), Some(value));
    }

    pub(super) fn remove(&mut self, place: Place, key: Bytes) {
        self.last_writes.insert((place, key), None);
    }

    fn wake(&mut self, queue: QueueNo, wake: &Arc<Notify>) {
        if self.woken.last().is_none_or(|(last, _)| *last != queue) {
            self.woken.push((queue, wake.clone()));
        }
    }

    /// Adds what every batch holds: the next number, and what segments hold.
    pub(super) fn finish(&mut self, index: &mut Index) {
        self.count_values(index);
        for segment in index.dropped.drain(..) {
            self.remove(Place::Meta, layout::size_key(segment));
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
    if !index.queues.contains_key(&number) {
        return Err(Refusal::NoQueue);
    }
    let mut acked = 0;
    for seq in seqs {
        let bytes = index.queues.get_mut(&number).and_then(|queue| queue.done_with(*seq));
        let Some(bytes) = bytes else { continue };
        let unneeded = index.count_out(number, *seq, bytes);
        stage.drop_row(number, *seq, unneeded);
        acked += 1;
    }
    stage.tally.acked += acked;
    Ok(Done::Durable)
}

fn open(index: &mut Index, stage: &mut Stage, name: Arc<str>, limits: Limits) -> QueueNo {
    if let Some(number) = index.names.get(&name).copied() {
        if let Some(queue) = index.queues.get_mut(&number) {
            queue.limits = limits;
        }
        return number;
    }
    let reserved = index.reserved.remove(&name);
    let (number, wake) = reserved.unwrap_or_else(|| (index.new_number(), Arc::default()));
    let queue = Queue { wake, ..Queue::new(name.clone(), limits, index.last()) };
    index.queues.insert(number, queue);
    stage.put(Place::Meta, layout::name_key(&name), layout::queue_key(number));
    stage.put(Place::Meta, layout::meta_key(layout::NEXT_QUEUE), layout::queue_key(QueueNo(index.next_queue)));
    index.names.insert(name, number);
    number
}

fn close(index: &mut Index, stage: &mut Stage, number: QueueNo) -> Result<Done, Refusal> {
    if !index.queues.contains_key(&number) {
        return Err(Refusal::NoQueue);
    }
    for seq in index.count_all_out(number) {
        stage.writes.push(Write::Remove(Place::Segment(ATTIC), layout::seq_key(seq)));
    }
    // With what it holds in memory.
    index.with_queue(number, |queue, _| queue.forget_fresh());
    let Some(queue) = index.queues.remove(&number) else { return Err(Refusal::NoQueue) };
    stage.shown.retain(|(queue, _)| *queue != number);
    stage.again.retain(|(queue, _)| *queue != number);
    if queue.depth > 0 {
        let last = index.last();
        index.trash.insert(number, last);
        stage.put(Place::Meta, layout::trash_key(number), layout::seq_key(last));
    }
    index.names.remove(&queue.name);
    stage.remove(Place::Meta, layout::name_key(&queue.name));
    if index.notes.remove(&number).is_some() {
        stage.remove(Place::Meta, layout::note_key(number));
    }
    for claimed in index.claims_of(number) {
        index.claims.remove(&(number, claimed));
        stage.remove(Place::Meta, layout::claim_key(Claim { queue: number.0, number: claimed }));
    }
    stage.woken.push((number, queue.wake));
    Ok(Done::Emptied(queue.depth))
}
