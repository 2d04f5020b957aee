//! Handing events out: from memory for a reader who is close behind, else from disk.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mesh_protocol::event;

use super::Core;
use crate::router::Admitted;
use crate::spool::disk::{DiskError, Place};
use crate::spool::index::{Entry, Queue};
use crate::spool::layout::{self, QueueNo, Row};
use crate::spool::op::Taken;

impl Core {
    /// Hands out the next events of a queue, in order. Who asks is the queue's only reader.
    ///
    /// # Errors
    /// The disk cannot be read; nothing was handed out.
    pub fn take(&self, queue: QueueNo, events_max: usize, bytes_max: usize) -> Result<Taken, DiskError> {
        self.take_while(queue, events_max, bytes_max, &|| true)
    }

    /// The same for a reader who may go while the disk is read: then nothing is handed out.
    ///
    /// # Errors
    /// As [`Core::take`].
    pub fn take_while(
        &self,
        queue: QueueNo,
        events_max: usize,
        bytes_max: usize,
        waits: &dyn Fn() -> bool,
    ) -> Result<Taken, DiskError> {
        loop {
            let fresh = self.index().with_queue(queue, |queue, _| {
                if !waits() {
                    return Ok(Vec::new());
                }
                queue.is_read = true;
                queue.caught_up.then(|| queue.take_fresh(events_max, bytes_max)).ok_or((queue.cursor, queue.newest))
            });
            let (after, newest) = match fresh {
                None => return Ok(Taken::default()),
                Some(Ok(entries)) => return Ok(Taken { entries, lost: Vec::new() }),
                Some(Err(range)) => range,
            };
            if let Some(taken) = self.take_from_disk(queue, (after, newest), events_max, bytes_max, waits)? {
                return Ok(taken);
            }
        }
    }

    /// The same without asking the disk; none when that must be asked.
    #[must_use]
    pub fn take_fresh(&self, queue: QueueNo, events_max: usize, bytes_max: usize) -> Option<Vec<Entry>> {
        let take = |queue: &mut Queue, _| {
            queue.is_read = true;
            queue.caught_up.then(|| queue.take_fresh(events_max, bytes_max))
        };
        self.index().with_queue(queue, take).unwrap_or_else(|| Some(Vec::new()))
    }

    /// None when the queue ended or was rewound meanwhile, or all that was read is gone.
    fn take_from_disk(
        &self,
        queue: QueueNo,
        (after, newest): (u64, u64),
        events_max: usize,
        bytes_max: usize,
        waits: &dyn Fn() -> bool,
    ) -> Result<Option<Taken>, DiskError> {
        let rows = self.rows(queue, after, newest, events_max, bytes_max)?;
        let complete = rows.len() < events_max && sum(&rows) < bytes_max as u64;
        let (mut taken, mut removed) = (Taken::default(), BTreeSet::new());
        for (seq, row) in &rows {
            match self.event(*seq)? {
                Some(event) => {
                    let event = event.recalled(row.recalled);
                    taken.entries.push(Entry { seq: *seq, row: *row, event });
                }
                None => taken.lost.push(*seq),
            }
        }
        let unchanged = self.index().with_queue(queue, |queue, _| {
            if queue.cursor != after || queue.caught_up || !waits() {
                return false;
            }
            // Taken away while the disk was read, or with the reader from before it began anew further back.
            removed.clone_from(&queue.removed);
            removed.extend(rows.iter().map(|(seq, _)| *seq).filter(|seq| queue.out.contains_key(seq)));
            for (seq, row) in rows {
                if removed.contains(&seq) {
                    queue.pass(seq);
                } else {
                    queue.hand_out(seq, row);
                }
            }
            if complete {
                queue.pass(newest);
                // What was committed meanwhile is not in memory: then there is more to read.
                queue.caught_up = queue.newest <= queue.cursor;
            }
            true
        });
        taken.entries.retain(|entry| !removed.contains(&entry.seq));
        taken.lost.retain(|seq| !removed.contains(seq));
        // Nothing is left of what was read, and there may be more.
        let in_vain = !complete && taken.entries.is_empty() && taken.lost.is_empty();
        Ok((unchanged != Some(false) && !in_vain).then_some(taken))
    }

    /// Undelivered events of a queue after a number, whether handed out or not; nothing changes.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn browse(&self, queue: QueueNo, after: u64, events_max: usize) -> Result<Taken, DiskError> {
        let mut taken = Taken::default();
        for (seq, row) in self.rows_after(queue, after, events_max)? {
            match self.event(seq)? {
                Some(event) => taken.entries.push(Entry { seq, row, event: event.recalled(row.recalled) }),
                None => taken.lost.push(seq),
            }
        }
        Ok(taken)
    }

    /// What is known of the undelivered events of a queue after a number, the oldest first; nothing changes.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn rows_after(&self, queue: QueueNo, after: u64, events_max: usize) -> Result<Vec<(u64, Row)>, DiskError> {
        let from = {
            let index = self.index();
            let Some(state) = index.queues.get(&queue) else { return Ok(Vec::new()) };
            after.max(state.floor(index.next).saturating_sub(1))
        };
        self.rows(queue, from, u64::MAX, events_max, usize::MAX)
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

    /// An event of the log; none when it is not there (any more) or not readable.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn event(&self, seq: u64) -> Result<Option<Admitted>, DiskError> {
        let mut tried = None;
        loop {
            let segment = self.index().segment_of(seq);
            // It may have gone to the attic in between.
            let Some(segment) = segment.filter(|segment| tried != Some(*segment)) else { return Ok(None) };
            if let Some(bytes) = self.disk.get(Place::Segment(segment), &layout::seq_key(seq))? {
                return Ok(event::decode(bytes.clone()).ok().map(|event| Admitted::from_encoded(event, bytes)));
            }
            tried = Some(segment);
        }
    }
}

fn sum(rows: &[(u64, Row)]) -> u64 {
    rows.iter().map(|(_, row)| u64::from(row.bytes)).sum()
}
