//! The agent's spool at work: the disk, the core and the committer together, as the router's keeper.
//!
//! Opening a queue and everything that names it need not wait for each other: operations take effect in the order in
//! which they are submitted, so what is acknowledged later has all of it before it on disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mesh_protocol::id::{Epoch, SpoolId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::op::Settings;
use super::{
    Addressed, Answer, Committer, Core, Disk, DiskError, Done, FjallDisk, Limits, Op, QueueNo, Queues, Recall,
    Recalled, Refusal, Row, Taken,
};
use crate::causes::chain;
use crate::counters::{Counter, Counters};
use crate::letter::{DEAD_LETTERS, DEAD_LETTERS_MAX, full_of_letters};
use crate::router::{Admission, Admitted, Claim, Failure, Hold, Keeper, Kept, Receipt, UNDIVERTED, duty};
use crate::status::now_ms;

/// The open spool of an agent.
#[derive(Debug)]
pub struct Store {
    committer: Committer,
    /// Events that others answer for and that were numbered here: one number never stands for two of an epoch.
    passed: AtomicU64,
    refused: Counter,
    undiverted: Counter,
    /// Dead letters on their way to the disk.
    diverting: Arc<AtomicU64>,
    lost: Counter,
}

/// Why the spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its storage.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The machine gives no thread.
    #[error("the spool's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

impl Store {
    /// Opens the spool in a folder, in a new epoch, and tells what had to be repaired.
    ///
    /// # Errors
    /// The folder cannot be used, or what it holds is damaged beyond repair.
    pub fn open(folder: &Path, settings: Settings, counters: &Counters) -> Result<Self, StoreError> {
        let (disk, repaired) = FjallDisk::open(folder)?;
        for repaired in repaired {
            tracing::warn!(?repaired, "the spool's journal was damaged at its end; every whole commit in it is kept");
        }
        Self::over(Arc::new(disk), settings, counters)
    }

    /// The same over a given disk.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn over(disk: Arc<dyn Disk>, settings: Settings, counters: &Counters) -> Result<Self, StoreError> {
        let core = Core::open(disk, settings, SpoolId(rand::random()), Epoch(rand::random()))?;
        let committer = Committer::start(Arc::new(core), counters).map_err(StoreError::Thread)?;
        Ok(Self::with(committer, counters))
    }

    /// The same without a thread, with the id of a new spool and the epoch, for a simulation: it says when to commit.
    #[cfg(test)]
    pub(crate) fn by_hand(
        disk: Arc<dyn Disk>,
        settings: Settings,
        (drawn, epoch): (SpoolId, Epoch),
        counters: &Counters,
    ) -> Result<Self, DiskError> {
        let core = Core::open(disk, settings, drawn, epoch)?;
        Ok(Self::with(Committer::by_hand(Arc::new(core), counters), counters))
    }

    /// Commits once what waits; false when nothing did.
    #[cfg(test)]
    pub(crate) fn turn(&self) -> bool {
        self.committer.turn()
    }

    fn with(committer: Committer, counters: &Counters) -> Self {
        let refused = counters.counter("spool_refused_events");
        Self {
            committer,
            passed: AtomicU64::new(0),
            refused,
            undiverted: counters.counter(UNDIVERTED),
            diverting: Arc::default(),
            lost: counters.counter("spool_lost_events"),
        }
    }

    /// The spool's id.
    #[must_use]
    pub fn id(&self) -> SpoolId {
        self.core().id()
    }

    /// The epoch of this opening.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.core().epoch().epoch
    }

    /// A number for an event that is on its way to other agents and kept by somebody else. It is not kept here.
    #[must_use]
    pub fn number_passing(&self) -> u64 {
        self.passed.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The newest such number; 0 when there was none in this epoch.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Ends the queues of this kind that nobody keeps any more; what is in them goes, which is told. A queue's name is its
    /// kind and whose it is.
    pub fn close_others(&self, kind: &str, is_kept: impl Fn(&str) -> bool) {
        for (name, queue) in self.core().queues() {
            if name.strip_prefix(kind).is_none_or(&is_kept) {
                continue;
            }
            let events = self.core().standing(queue).map_or(0, |standing| standing.events);
            if events > 0 {
                tracing::warn!(queue = %name, events, "a queue has nobody any more; what waited in it goes with it");
            }
            self.close_queue(queue);
        }
    }

    /// For reading.
    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        self.committer.core()
    }

    /// Cancelled when the disk has failed: nothing is taken any more, and the spool must be opened anew.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.committer.failed()
    }

    /// Opens a queue, or changes what it may hold. Its number counts at once for everything that is submitted later.
    pub fn open_queue(&self, name: &Arc<str>, limits: Limits) -> QueueNo {
        let number = self.core().reserve(name);
        self.submit(Op::Open { name: name.clone(), limits });
        number
    }

    /// Ends a queue; what is in it goes.
    pub fn close_queue(&self, queue: QueueNo) {
        self.submit(Op::Close(queue));
    }

    /// Wakes when there may be something to take out of a queue.
    ///
    /// # Errors
    /// There is no such queue.
    pub fn wake(&self, queue: QueueNo) -> Result<Arc<Notify>, Refusal> {
        self.core().wake(queue).ok_or(Refusal::NoQueue)
    }

    /// What a queue's consumer wants to know of itself after a restart; the receipt tells when that is on disk.
    pub fn note(&self, queue: QueueNo, note: Bytes) -> Receipt {
        self.submit_for_receipt(Op::Note { queue, note })
    }

    /// Hands out the next events of a queue; its only reader calls this. Events that cannot be read any more are told,
    /// counted and done with.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub async fn take(
        &self,
        queue: QueueNo,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<super::Entry>, DiskError> {
        if let Some(entries) = self.core().take_fresh(queue, events_max, bytes_max) {
            return Ok(entries);
        }
        let core = self.core().clone();
        // Whoever stops waiting is handed nothing any more: its successor begins with a rewind.
        let waiting = Arc::new(());
        let waits = Arc::downgrade(&waiting);
        let read = move || core.take_while(queue, events_max, bytes_max, &|| waits.strong_count() > 0);
        let Taken { entries, lost } = self.aside(read).await.unwrap_or(Err(DiskError::Failed))?;
        drop(waiting);
        if !lost.is_empty() {
            let events = lost.len();
            tracing::error!(events, queue = queue.0, "events of a queue are not readable any more; they are lost");
            self.lost.add(events as u64);
            self.ack(queue, lost);
        }
        Ok(entries)
    }

    /// Some of the last values that are wanted.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub async fn recall(&self, recall: Recall) -> Result<Recalled, DiskError> {
        let core = self.core().clone();
        self.aside(move || core.recall(&recall, now_ms())).await.unwrap_or(Err(DiskError::Failed))
    }

    /// Takes last values off the disk that are none any more.
    ///
    /// # Errors
    /// The disk cannot be read or written.
    pub async fn forget_values(&self) -> Result<(), DiskError> {
        let mut after = None;
        loop {
            let (core, from) = (self.core().clone(), after.take());
            let looked = self.aside(move || core.values_over(from.as_ref(), now_ms())).await;
            let (over, next) = looked.unwrap_or(Err(DiskError::Failed))?;
            if !over.is_empty() {
                self.ask(Op::Forget(over)).await.map_err(|_| DiskError::Failed)?;
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// An event that is to be the last value of its topic and goes nowhere. Nobody waits for it; its share of the byte budget
    /// is given back when it is on disk.
    pub fn keep_value(&self, event: Admitted, admission: Admission) {
        let refused = self.refused.clone();
        let answer: Answer = Box::new(move |done| {
            refused.add(u64::from(done.is_err()));
            drop(admission);
        });
        let events = vec![Addressed { event, queues: Queues::new(), redelivered: false }];
        self.committer.submit(Op::Append { events, mark: None, claim: None }, answer);
    }

    /// Waits until everything that was submitted before is on disk.
    ///
    /// # Errors
    /// It never will be: the disk failed.
    pub async fn settled(&self) -> Result<(), Refusal> {
        self.ask(Op::Append { events: Vec::new(), mark: None, claim: None }).await.map(drop)
    }

    /// Work that may wait for the disk. None when it panicked.
    pub(crate) async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        #[cfg(test)]
        if self.committer.is_by_hand() {
            return Some(work());
        }
        tokio::task::spawn_blocking(work).await.ok()
    }

    /// A queue is done with these events; they go with the next commit.
    pub fn ack(&self, queue: QueueNo, seqs: Vec<u64>) {
        if !seqs.is_empty() {
            self.committer.submit_lazily(Op::Ack { queue, seqs });
        }
    }

    /// The same for a queue whose acknowledged events another one keeps, with what that knows of them.
    pub fn hand(&self, from: QueueNo, to: QueueNo, rows: Vec<(u64, Row)>) {
        if !rows.is_empty() {
            self.committer.submit_lazily(Op::Hand { from, to, rows });
        }
    }

    /// Deliveries that failed, with what is known of the events now.
    pub fn count(&self, queue: QueueNo, rows: Vec<(u64, Row)>) {
        if !rows.is_empty() {
            self.committer.submit_lazily(Op::Count { queue, rows });
        }
    }

    /// A queue is done with these, and its owner shall know a number again; the receipt tells when that is on disk.
    #[must_use]
    pub fn claim(&self, claim: Claim, done: Vec<u64>) -> Receipt {
        self.submit_for_receipt(Op::Claim { claim, done })
    }

    /// The number need not be known any more; the receipt tells when that is on disk.
    #[must_use]
    pub fn unclaim(&self, claim: Claim) -> Receipt {
        self.submit_for_receipt(Op::Unclaim(claim))
    }

    fn submit_for_receipt(&self, op: Op) -> Receipt {
        let (hold, receipt) = duty();
        let answer: Answer = Box::new(move |done| match done {
            Ok(_) => hold.done(),
            Err(refusal) => hold.fail(failure(&refusal)),
        });
        self.committer.submit(op, answer);
        receipt
    }

    /// An operation with its answer; see [`Committer::submit`].
    pub fn submit_with(&self, op: Op, answer: Answer) {
        self.committer.submit(op, answer);
    }

    /// An operation, waiting for its answer.
    ///
    /// # Errors
    /// As [`Core::turn`] answers.
    pub async fn ask(&self, op: Op) -> Result<Done, Refusal> {
        self.committer.ask(op).await
    }

    /// An operation that fails only with the disk, of which the committer tells.
    fn submit(&self, op: Op) {
        self.committer.submit(op, Box::new(|_done| {}));
    }
}

impl Keeper for Store {
    fn keep(&self, events: Vec<Kept>, claim: Option<Claim>, hold: Option<Hold>) {
        let count = events.len() as u64;
        let destinations: usize = events.iter().map(|kept| kept.queues.len()).sum();
        let destinations = u32::try_from(destinations).unwrap_or(u32::MAX);
        let events = events
            .into_iter()
            .map(|kept| Addressed {
                event: kept.event,
                queues: kept.queues.into_iter().map(QueueNo).collect(),
                redelivered: kept.redelivered,
            })
            .collect();
        let refused = self.refused.clone();
        let answer: Answer = Box::new(move |done| {
            refused.add(if done.is_err() { count } else { 0 });
            match (hold, done) {
                (Some(hold), Ok(_)) => hold.done_for(destinations),
                (Some(hold), Err(refusal)) => hold.fail(failure(&refusal)),
                (None, _) => {}
            }
        });
        self.committer.submit(Op::Append { events, mark: None, claim }, answer);
    }

    fn divert(&self, events: Vec<Admitted>, claim: Option<Claim>, hold: Option<Hold>) {
        let count = events.len() as u64;
        let queue = self.core().queue(DEAD_LETTERS);
        let queue = queue.unwrap_or_else(|| self.open_queue(&DEAD_LETTERS.into(), Limits::NONE));
        let under_way = self.diverting.fetch_add(count, Ordering::AcqRel);
        let there = self.core().standing(queue).map_or(0, |standing| standing.events);
        if there + under_way + count > DEAD_LETTERS_MAX {
            self.diverting.fetch_sub(count, Ordering::AcqRel);
            self.undiverted.add(count);
            if let Some(hold) = hold {
                hold.fail(Failure::Full(full_of_letters(there)));
            }
            return;
        }
        let addressed = |event| Addressed { event, queues: std::iter::once(queue).collect(), redelivered: false };
        let events = events.into_iter().map(addressed).collect();
        let (diverting, undiverted) = (self.diverting.clone(), self.undiverted.clone());
        let answer: Answer = Box::new(move |done| {
            diverting.fetch_sub(count, Ordering::AcqRel);
            undiverted.add(if done.is_err() { count } else { 0 });
            match (hold, done) {
                (Some(hold), Ok(_)) => hold.done_for(u32::try_from(count).unwrap_or(u32::MAX)),
                (Some(hold), Err(refusal)) => hold.fail(failure(&refusal)),
                (None, _) => {}
            }
        });
        self.committer.submit(Op::Append { events, mark: None, claim }, answer);
    }
}

fn failure(refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::QueueFull(_) | Refusal::SpoolFull | Refusal::DiskFull | Refusal::ValuesFull => {
            Failure::Full(chain(refusal))
        }
        Refusal::NoQueue | Refusal::OutOfOrder | Refusal::Failed => Failure::Lost,
    }
}
