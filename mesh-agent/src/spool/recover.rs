//! What the spool knows when it is opened: all of it comes from the tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use mesh_protocol::id::{Epoch, SpoolId};

use super::disk::{Disk, DiskError, Place, SegmentNo, Visit, Write};
use super::index::{ATTIC, EpochStart, Index, Limits, Queue, Segment, Straggler};
use super::layout::{self, Fact, MarkKey, QueueNo, Row};
use super::op::Settings;
use super::values::Values;

/// Above every key of a table whose keys are shorter.
const END: [u8; 64] = [0xff; 64];

/// Reads the tables and begins a new epoch, which is on disk when this returns.
pub(super) fn recover(disk: &dyn Disk, settings: &Settings, drawn: SpoolId, epoch: Epoch) -> Result<Index, DiskError> {
    let mut index = Index {
        id: drawn,
        next: 1,
        epochs: Vec::new(),
        segments: disk.segments().into_iter().map(|segment| (segment, Segment::default())).collect(),
        attic: BTreeMap::new(),
        queues: BTreeMap::new(),
        names: HashMap::new(),
        next_queue: 1,
        reserved: HashMap::new(),
        notes: HashMap::new(),
        marks: HashMap::new(),
        claims: BTreeSet::new(),
        trash: BTreeMap::new(),
        dropped: Vec::new(),
        fresh_bytes: 0,
        failed: false,
        values: Values::default(),
    };
    let mut writes = Vec::new();
    let mut put = |name, value| writes.push(Write::Put(Place::Meta, layout::meta_key(name), value));
    let (names, gone) = facts(disk, &mut index)?;
    drop_unborn(disk, &mut index)?;
    if index.epochs.is_empty() {
        put(layout::FORMAT_KEY, Bytes::from_static(&[layout::FORMAT]));
        put(layout::ID, Bytes::copy_from_slice(&drawn.0));
    }
    for (name, number) in names {
        index.queues.insert(number, Queue::new(name.clone(), Limits::NONE, index.last()));
        index.names.insert(name, number);
    }
    attic(disk, &mut index)?;
    count_rows(disk, &mut index)?;
    writes.extend(forget_attic(&mut index));
    read(disk, Place::Marks, "table of marks", &mut |key, value| {
        let (key, seq) = MarkKey::decode(key).zip(layout::mark_of(value))?;
        index.marks.insert(key, seq);
        Some(())
    })?;
    writes.extend(gone.into_iter().map(|segment| Write::Remove(Place::Meta, layout::size_key(segment))));
    forget_epochs(&mut index, &mut writes);
    let start = EpochStart { first: index.next, epoch, lanes: settings.lanes };
    writes.push(Write::Put(Place::Meta, layout::epoch_key(start.first), layout::epoch_value(epoch, start.lanes)));
    index.epochs.retain(|before| before.first != start.first);
    index.epochs.push(start);
    disk.commit(writes)?;
    Ok(index)
}

/// Segments made for a commit that never came: events that are written from now on belong before them.
fn drop_unborn(disk: &dyn Disk, index: &mut Index) -> Result<(), DiskError> {
    for (segment, _) in index.segments.split_off(&SegmentNo(index.next)) {
        disk.drop_segment(segment)?;
    }
    Ok(())
}

/// What is in the attic, with nobody who needs it yet.
fn attic(disk: &dyn Disk, index: &mut Index) -> Result<(), DiskError> {
    if !index.segments.contains_key(&ATTIC) {
        return Ok(());
    }
    let mut sum = 0;
    read(disk, Place::Segment(ATTIC), "old events", &mut |key, value| {
        let straggler = Straggler { bytes: value.len() as u64, ..Straggler::default() };
        index.attic.insert(layout::seq_of(key)?, straggler);
        sum += value.len() as u64;
        Some(())
    })?;
    if let Some(attic) = index.segments.get_mut(&ATTIC) {
        attic.bytes = sum;
    }
    Ok(())
}

/// What nobody needs goes from the attic.
fn forget_attic(index: &mut Index) -> Vec<Write> {
    let unneeded = index.attic.iter().filter(|(_, straggler)| straggler.queues.is_empty());
    let unneeded: Vec<u64> = unneeded.map(|(seq, _)| *seq).collect();
    unneeded.iter().for_each(|seq| drop(index.attic.remove(seq)));
    unneeded.into_iter().map(|seq| Write::Remove(Place::Segment(ATTIC), layout::seq_key(seq))).collect()
}

/// Counts what each queue has in each segment, so that a segment goes when nobody needs anything in it. How far a queue
/// has come stands nowhere else: rows that are gone are done with.
fn count_rows(disk: &dyn Disk, index: &mut Index) -> Result<(), DiskError> {
    let mut held: HashMap<QueueNo, (u64, u64, u64)> = HashMap::new();
    read(disk, Place::Rows, "table of undelivered events", &mut |key, value| {
        let (queue, seq) = (layout::queue_of(key.get(..4)?)?, layout::row_seq(key)?);
        let row = Row::decode(value)?;
        // Those of a queue that ended are on their way out.
        if !index.queues.contains_key(&queue) {
            return Some(());
        }
        index.count_in(queue, seq, row.bytes);
        // They are read in their order.
        let (events, bytes, _) = held.entry(queue).or_insert((0, 0, seq));
        *events += 1;
        *bytes += u64::from(row.bytes);
        Some(())
    })?;
    for (number, (events, bytes, oldest)) in held {
        if let Some(queue) = index.queues.remove(&number) {
            index.queues.insert(number, queue.holding(events, bytes, oldest));
        }
    }
    Ok(())
}

/// Epochs of which no queue holds an event any more.
fn forget_epochs(index: &mut Index, writes: &mut Vec<Write>) {
    let floor = index.floor();
    let ends: Vec<u64> = index.epochs.iter().skip(1).map(|next| next.first).chain([index.next]).collect();
    let over = ends.iter().take_while(|end| **end <= floor).count().min(index.epochs.len());
    let next = index.next;
    // One in which nothing was admitted is replaced by the epoch that begins now.
    for start in index.epochs.drain(..over).filter(|start| start.first != next) {
        writes.push(Write::Remove(Place::Meta, layout::epoch_key(start.first)));
    }
}

type Names = Vec<(Arc<str>, QueueNo)>;

/// Takes the meta table into the index; returns the names of queues, and segments that were dropped.
fn facts(disk: &dyn Disk, index: &mut Index) -> Result<(Names, Vec<SegmentNo>), DiskError> {
    let (mut names, mut gone) = (Vec::new(), Vec::new());
    read(disk, Place::Meta, "table of facts", &mut |key, value| {
        match Fact::decode(key, value)? {
            Fact::Format(layout::FORMAT) => {}
            // Written by a newer agent: what it means is not known here.
            Fact::Format(_) => return None,
            Fact::Id(id) => index.id = id,
            Fact::Next(next) => index.next = next,
            Fact::NextQueue(next) => index.next_queue = next,
            Fact::Epoch { first, epoch, lanes } => index.epochs.push(EpochStart { first, epoch, lanes }),
            Fact::Name(name, queue) => names.push((name.into(), queue)),
            Fact::Note(queue, note) => drop(index.notes.insert(queue, note)),
            Fact::Claim(claim) => _ = index.claims.insert((QueueNo(claim.queue), claim.number)),
            Fact::Values(totals) => index.values = Values::recovered(totals),
            Fact::Trash(queue, up_to) => drop(index.trash.insert(queue, up_to)),
            Fact::Size(number, bytes) => match index.segments.get_mut(&number) {
                Some(segment) => segment.bytes = bytes,
                None => gone.push(number),
            },
        }
        Some(())
    })?;
    Ok((names, gone))
}

/// Takes one row; none when it is not readable.
type Take<'a> = dyn FnMut(&[u8], &[u8]) -> Option<()> + 'a;

fn read(disk: &dyn Disk, place: Place, what: &str, take: &mut Take<'_>) -> Result<(), DiskError> {
    let mut damaged = false;
    let visit: &mut Visit<'_> = &mut |key, value| match take(key, value) {
        Some(()) => ControlFlow::Continue(()),
        None => {
            damaged = true;
            ControlFlow::Break(())
        }
    };
    disk.scan(place, &[], &END, visit)?;
    if damaged { Err(DiskError::Damaged { what: what.to_owned() }) } else { Ok(()) }
}
