//! What consumers have acknowledged, kept for a replay.
//!
//! An acknowledged event changes from its queue into another one of the spool, `kept/queue/ID`, and stays in its place in
//! the log; a replay changes it back. Nothing is copied, and it is never in both and never in none. What is kept is nobody's
//! need: it goes when its time is over, when there is more than the queue may keep, and first of all when the spool runs
//! out of room.

use std::sync::Arc;

use crate::spool::{DiskError, Op, QueueNo, Refusal, Row, Store};
use crate::status::now_ms;

/// Events looked at, and let go, in one step.
const STEP_EVENTS: usize = 1_024;

/// See the module. The service of the queue is the only one who adds and trims.
#[derive(Debug)]
pub(super) struct KeptEvents {
    spool: Arc<Store>,
    number: QueueNo,
    /// Nothing is kept at this place or before.
    before: u64,
    /// The same of what was added since the last trim began.
    added_before: u64,
}

/// How much may be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// Bytes; none at all when nothing is kept any more.
    pub(super) bytes_max: Option<u64>,
}

/// What a trim found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trimmed {
    /// Nothing is kept at this place or before.
    before: u64,
    /// Went before their time, because the spool has little room.
    pub(super) for_room: u64,
}

/// Why it could not be trimmed; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untrimmed {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl KeptEvents {
    pub(super) fn new(spool: &Arc<Store>, number: QueueNo) -> Self {
        Self { spool: spool.clone(), number, before: 0, added_before: u64::MAX }
    }

    pub(super) fn number(&self) -> QueueNo {
        self.number
    }

    /// Keeps what a consumer of `queue` is done with for so long, and no longer than its own time to live.
    pub(super) fn add(&mut self, queue: QueueNo, rows: Vec<(u64, Row)>, keep_ms: u64) {
        let until = now_ms().saturating_add_unsigned(keep_ms);
        let lowest = rows.iter().map(|(seq, _)| seq.saturating_sub(1)).min().unwrap_or(u64::MAX);
        self.before = self.before.min(lowest);
        self.added_before = self.added_before.min(lowest);
        let kept = |row: Row| Row { expires_at_ms: row.expires_at_ms.into_iter().chain([until]).min(), ..row };
        self.spool.hand(queue, self.number, rows.into_iter().map(|(seq, row)| (seq, kept(row))).collect());
    }

    /// Whether anything is kept.
    pub(super) fn any(&self) -> bool {
        self.spool.core().standing(self.number).is_some_and(|standing| standing.events > 0)
    }

    /// Lets go what may not be kept (any longer). Its result goes to [`KeptEvents::trimmed`].
    pub(super) fn trim(&mut self, bound: Bound) -> impl Future<Output = Result<Trimmed, Untrimmed>> + use<> {
        self.added_before = u64::MAX;
        trim(self.spool.clone(), self.number, self.before, bound)
    }

    pub(super) fn trimmed(&mut self, trimmed: Trimmed) {
        self.before = trimmed.before.min(self.added_before);
    }
}

async fn trim(spool: Arc<Store>, number: QueueNo, before: u64, bound: Bound) -> Result<Trimmed, Untrimmed> {
    let mut trimmed = Trimmed { before, for_room: 0 };
    loop {
        let core = spool.core().clone();
        let read = spool.aside(move || core.rows_after(number, trimmed.before, STEP_EVENTS));
        let rows = read.await.unwrap_or(Err(DiskError::Failed))?;
        let bytes = spool.core().standing(number).map_or(0, |standing| standing.bytes);
        let is_crowded = spool.core().is_crowded();
        let mut over = bound.bytes_max.map_or(u64::MAX, |most| bytes.saturating_sub(most));
        let now = now_ms();
        let mut gone = Vec::new();
        for (seq, row) in &rows {
            let its_time_is_over = over > 0 || row.expires_at_ms.is_some_and(|at| at <= now);
            if its_time_is_over || is_crowded {
                gone.push(*seq);
                over = over.saturating_sub(row.bytes.into());
                trimmed.for_room += u64::from(!its_time_is_over);
            }
        }
        let kept = rows.iter().map(|(seq, _)| *seq).find(|seq| gone.binary_search(seq).is_err());
        let all = kept.is_none();
        trimmed.before = kept.map(|seq| seq - 1).or(gone.last().copied()).unwrap_or(trimmed.before);
        if !gone.is_empty() {
            spool.ask(Op::Move { events: Vec::new(), from: number, seqs: gone }).await?;
        }
        if !all || rows.len() < STEP_EVENTS {
            return Ok(trimmed);
        }
    }
}
