//! What the committer's thread does when it has time: rows that nobody wants go, and so do segments of which little is
//! needed.
//!
//! A segment goes as a whole, so one event that waits for long, a dead letter say, would keep 64 MiB of others. Such
//! stragglers are copied into the attic, an ordinary table that they leave one by one; their numbers and rows stay.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::Core;
use crate::spool::disk::{DiskError, Place, SegmentNo, Write};
use crate::spool::index::{ATTIC, Segment, Straggler};
use crate::spool::layout::{self, QueueNo};

/// Rows that are taken off the disk in one go.
const SWEEP_ROWS: usize = 4_096;

/// The undelivered events of one segment, with their queues.
type Stragglers = BTreeMap<u64, Straggler>;

impl Core {
    /// Whether there is something for [`Core::sweep`].
    #[must_use]
    pub fn has_trash(&self) -> bool {
        let index = self.index();
        !index.trash.is_empty() || index.sparse_segment().is_some()
    }

    /// Takes some rows that nobody wants off the disk, or lets a segment go of which little is needed. Only the committer's
    /// thread calls this, between turns.
    ///
    /// # Errors
    /// The disk failed.
    pub fn sweep(&self) -> Result<(), DiskError> {
        let trash = self.index().trash.first_key_value().map(|(queue, up_to)| (*queue, *up_to));
        match trash {
            Some((queue, up_to)) => self.sweep_rows(queue, up_to),
            None => self.relocate(),
        }
    }

    fn sweep_rows(&self, queue: QueueNo, up_to: u64) -> Result<(), DiskError> {
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
            self.index().trash.remove(&queue);
        }
        Ok(())
    }

    fn relocate(&self) -> Result<(), DiskError> {
        let Some((segment, end)) = self.index().sparse_segment() else { return Ok(()) };
        let mut stragglers = self.stragglers(segment, end)?;
        let mut writes = Vec::with_capacity(stragglers.len());
        for (seq, straggler) in &mut stragglers {
            let key = layout::seq_key(*seq);
            // What is not readable stays unreadable, and is told to whoever reads it.
            if let Some(event) = self.disk.get(Place::Segment(segment), &key)? {
                straggler.bytes = event.len() as u64;
                writes.push(Write::Put(Place::Segment(ATTIC), key, event));
            }
        }
        if !self.index().segments.contains_key(&ATTIC) {
            self.disk.create_segment(ATTIC)?;
            self.index().segments.insert(ATTIC, Segment::default());
        }
        self.disk.commit(writes).inspect_err(|_| self.index().failed = true)?;
        self.moved(segment, stragglers);
        self.trim();
        Ok(())
    }

    fn stragglers(&self, segment: SegmentNo, end: u64) -> Result<Stragglers, DiskError> {
        let (queues, attic) = {
            let index = self.index();
            let has = |queue: &&QueueNo| index.queues[queue].rows.contains_key(&segment);
            let queues: Vec<QueueNo> = index.queues.keys().filter(has).copied().collect();
            let attic: Vec<u64> = index.attic.range(segment.0..end).map(|(seq, _)| *seq).collect();
            (queues, attic)
        };
        let mut stragglers = Stragglers::new();
        for queue in queues {
            let (from, to) = (layout::row_key(queue, segment.0), layout::row_key(queue, end));
            self.disk.scan(Place::Rows, &from, &to, &mut |key, _| {
                if let Some(seq) = layout::row_seq(key).filter(|seq| attic.binary_search(seq).is_err()) {
                    stragglers.entry(seq).or_default().queues.push(queue);
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(stragglers)
    }

    fn moved(&self, from: SegmentNo, stragglers: Stragglers) {
        let mut guard = self.index();
        let index = &mut *guard;
        let held = index.segments.get_mut(&from).map_or(0, |segment| {
            segment.rows = 0;
            std::mem::take(&mut segment.held)
        });
        let (mut rows, mut bytes) = (0, 0);
        for straggler in stragglers.values() {
            bytes += straggler.bytes;
            for queue in &straggler.queues {
                if let Some(queue) = index.queues.get_mut(queue) {
                    queue.rows.remove(&from);
                    *queue.rows.entry(ATTIC).or_default() += 1;
                    rows += 1;
                }
            }
        }
        if let Some(attic) = index.segments.get_mut(&ATTIC) {
            attic.rows += rows;
            attic.held += held;
            attic.bytes += bytes;
        }
        index.attic.extend(stragglers);
    }
}
