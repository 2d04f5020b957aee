//! The lane of one partition: brings its records into the mesh, in order, one batch at a time.
//!
//! A partition has one lane for the shared read, which serves everybody in step, and one for each destination that reads
//! alone because it could not keep up. See [`Step`] for how they part and meet.

mod attempt;
mod ready;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::known::Known;
use super::record::{Place, Record};
use super::step::Step;
use crate::contract::Contracts;
use crate::policy::Session;
use crate::router::{Admission, Audience, DestinationId, Outcome, Receipt};
use attempt::Attempt;

/// Most records of one batch.
const BATCH_RECORDS_MAX: usize = 1_000;
/// Most bytes of one batch; a larger record travels alone.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// The same for one that reads alone: it may be away for long with a batch under way.
const ALONE_BYTES_MAX: usize = 256 * 1024;
/// Most deliveries of the poll thread that are joined before they are cut into batches.
const CHUNKS_MAX: usize = 256;
/// Shortest and longest pause before a batch is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// The shared read gives one that is nearly in step this long to join.
const NEAR: Duration = Duration::from_millis(20);
/// Nothing is known yet.
const UNKNOWN: i64 = -1;

/// The lane as the poll thread sees it.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) state: Arc<LaneState>,
    queue: mpsc::UnboundedSender<Vec<Record>>,
    /// No new batch is begun.
    closing: CancellationToken,
    /// The batch under way is given up; it is read again by whoever owns the partition next.
    abandon: CancellationToken,
    ended: std::sync::mpsc::Receiver<()>,
    /// The cluster sends nothing for it now.
    pub(super) paused: bool,
    /// The cluster was asked for its records.
    pub(super) assigned: bool,
}

/// What lane and poll thread share.
#[derive(Debug)]
pub(super) struct LaneState {
    pub(super) place: Place,
    pub(super) step: Arc<Step>,
    /// The destination that reads alone; none for the shared read.
    pub(super) alone: Option<DestinationId>,
    /// Everything below is taken, filtered or counted as passed over.
    floor: AtomicI64,
    /// Where it wants to be read from, once it knows.
    begins: AtomicI64,
    queued_bytes: AtomicUsize,
    /// It has met the shared read.
    over: AtomicBool,
    /// It ended while nobody knew what became of a batch.
    left_open: AtomicBool,
}

/// A destination that falls behind the shared read.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) destination: DestinationId,
    pub(super) place: Place,
    pub(super) step: Arc<Step>,
    /// It has everything below.
    pub(super) at: i64,
    /// Records below may have been given to it before.
    pub(super) doubtful_below: i64,
    /// What it still has of the batch that was too much for it.
    pub(super) under_way: Option<UnderWay>,
    /// The contracts by which the shared read let its records in; none = nobody knows.
    pub(super) judged: Option<Arc<Contracts>>,
}

/// A batch that a destination has not answered for.
#[derive(Debug)]
pub(super) struct UnderWay {
    receipt: Receipt,
    /// The offset behind it.
    end: i64,
    /// Of what may be held for the destination.
    _share: Admission,
}

impl LaneState {
    fn new(place: Place, step: Arc<Step>, alone: Option<DestinationId>, at: i64, begins: i64) -> Arc<Self> {
        let (floor, begins) = (at.into(), begins.into());
        Arc::new(Self {
            place,
            step,
            alone,
            floor,
            begins,
            queued_bytes: 0.into(),
            over: false.into(),
            left_open: false.into(),
        })
    }

    /// Everybody it reads for has what is below.
    pub(super) fn floor(&self) -> i64 {
        self.floor.load(Ordering::Acquire)
    }

    /// The offset to commit, for a shared read.
    pub(super) fn lowest(&self) -> i64 {
        self.step.lowest(self.floor())
    }

    /// Where it is to be read from, once that is known.
    pub(super) fn begins(&self) -> Option<i64> {
        Some(self.begins.load(Ordering::Acquire)).filter(|at| *at != UNKNOWN)
    }

    /// Bytes of records that wait.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Acquire)
    }

    /// Whether it has met the shared read, and is needed no more.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Lane {
    /// The lane of a shared read in which everybody has what is below `at`, and the work it does. Records below
    /// `doubtful_below` are flagged as redelivery.
    pub(super) fn shared(
        shared: Arc<Shared>,
        place: Place,
        at: i64,
        doubtful_below: i64,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let state = LaneState::new(place, Arc::new(Step::new(at)), None, at, at);
        let (mut lane, run) = Self::new(shared, state, doubtful_below, None, None);
        lane.assigned = true;
        (lane, run)
    }

    /// The lane of a destination that reads alone, and the work it does.
    pub(super) fn alone(shared: Arc<Shared>, split: Split) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let Split { destination, place, step, at, doubtful_below, under_way, judged } = split;
        let begins = if under_way.is_none() { at } else { UNKNOWN };
        let state = LaneState::new(place, step, Some(destination), at, begins);
        Self::new(shared, state, doubtful_below, under_way, judged)
    }

    fn new(
        shared: Arc<Shared>,
        state: Arc<LaneState>,
        doubtful_below: i64,
        under_way: Option<UnderWay>,
        judged: Option<Arc<Contracts>>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, records) = mpsc::unbounded_channel();
        let (ending, ended) = std::sync::mpsc::channel();
        let (closing, abandon) = (CancellationToken::new(), CancellationToken::new());
        let work = Work {
            shared,
            state: state.clone(),
            closing: closing.clone(),
            abandon: abandon.clone(),
            session: None,
            known: Known::default(),
            doubtful_below,
            judged,
            told_below: 0,
        };
        let lane = Self { state, queue, closing, abandon, ended, paused: false, assigned: false };
        let run = async move {
            work.run(records, under_way).await;
            // Told by the drop; nobody may listen any more.
            drop(ending);
        };
        (lane, run)
    }

    /// Gives records to the lane. Its caller pauses the partition when too much waits: that is the queue's bound.
    pub(super) fn push(&self, records: Vec<Record>) {
        let bytes: usize = records.iter().map(Record::size).sum();
        self.state.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
        // Fails only after the lane has ended, and then its floor says what is to be read again.
        let _ = self.queue.send(records);
    }

    /// Begins no new batch from now on.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Waits for the batch under way, then gives it up; true when it was brought to its end.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        // The lane never sends: the channel closes when it has ended.
        let ended = self.ended.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected);
        self.abandon.cancel();
        ended && !self.state.left_open.load(Ordering::Acquire)
    }
}

struct Work {
    shared: Arc<Shared>,
    state: Arc<LaneState>,
    closing: CancellationToken,
    abandon: CancellationToken,
    session: Option<Session>,
    /// Schemas of the records of the batch under way, and of those before.
    known: Known,
    doubtful_below: i64,
    /// The contracts by which it was found out what becomes of the batch under way.
    judged: Option<Arc<Contracts>>,
    /// What is below was told of, also where it had to be tried again.
    told_below: i64,
}

impl Work {
    async fn run(mut self, records: mpsc::UnboundedReceiver<Vec<Record>>, under_way: Option<UnderWay>) {
        let (abandon, name) = (self.abandon.clone(), self.name());
        let serve = async {
            if let Some(under_way) = under_way {
                self.finish(under_way).await;
            }
            self.serve(records).await;
        };
        abandon.run_until_cancelled(serve).await;
        self.shared.tally.edit(|figures| drop(figures.blocked.remove(&name)));
    }

    async fn serve(&mut self, mut records: mpsc::UnboundedReceiver<Vec<Record>>) {
        let closing = self.closing.clone();
        let mut chunks = Vec::new();
        // A batch is worth its round trip when it holds all that came meanwhile: the poll thread often finds a
        // handful of records only.
        while let Some(1..) = closing.run_until_cancelled(records.recv_many(&mut chunks, CHUNKS_MAX)).await {
            let joined: Vec<Record> = chunks.drain(..).flatten().collect();
            let mut rest = &joined[..];
            while !rest.is_empty() {
                if closing.is_cancelled() {
                    return;
                }
                let Some(batch) = self.next(rest) else {
                    self.state.over.store(true, Ordering::Release);
                    return;
                };
                let Some(batch) = self.ready(batch).await else { return };
                self.bring(batch).await;
                let bytes: usize = batch.iter().map(Record::size).sum();
                self.state.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
                rest = &rest[batch.len()..];
            }
            if let Some(destination) = self.state.alone
                && self.state.step.limit(destination, self.state.floor()).is_none()
            {
                self.state.over.store(true, Ordering::Release);
                return;
            }
        }
    }

    /// The next batch; none when its records come with the shared read.
    fn next<'a>(&self, records: &'a [Record]) -> Option<&'a [Record]> {
        let Some(destination) = self.state.alone else { return Some(first_batch(records, BATCH_BYTES_MAX)) };
        let batch = first_batch(records, ALONE_BYTES_MAX);
        let first = batch.first()?;
        let limit = self.state.step.limit(destination, first.offset)?;
        Some(&batch[..batch.partition_point(|record| record.offset < limit)])
    }

    /// What a destination had under way when it fell behind. What did not get there is read again.
    async fn finish(&mut self, under_way: UnderWay) {
        let outcome = tokio::select! {
            () = self.closing.cancelled() => return self.state.left_open.store(true, Ordering::Release),
            outcome = under_way.receipt => outcome,
        };
        if matches!(outcome, Outcome::Taken { .. } | Outcome::Unrouted) {
            self.reach(under_way.end);
        }
        self.state.begins.store(self.state.floor(), Ordering::Release);
    }

    /// Everybody it reads for has what is below.
    fn reach(&self, next: i64) {
        self.state.floor.store(next, Ordering::Release);
        if let Some(destination) = self.state.alone {
            self.state.step.advance(destination, next);
        }
    }

    fn name(&self) -> String {
        let Place { topic, partition, .. } = &self.state.place;
        match self.state.alone {
            None => format!("{topic}/{partition}"),
            Some(destination) => {
                format!("{topic}/{partition} for {}", self.shared.deps.router.describe(destination).1)
            }
        }
    }

    /// Whom the shared read leaves out from a batch.
    async fn begin(&self, batch: &[Record]) -> Vec<DestinationId> {
        let ends = batch.first().zip(batch.last());
        let (None, Some((first, last))) = (self.state.alone, ends) else { return Vec::new() };
        self.state.step.wait_for_near(NEAR).await;
        self.state.step.begin(first.offset, last.offset + 1)
    }

    /// Brings a batch in, however long it takes; who cannot keep up while others could is left behind. After a failure the
    /// records go one by one, to whom they are missing, so that as few as possible are repeated and the one that fails is
    /// known.
    async fn bring(&mut self, batch: &[Record]) {
        let without = self.begin(batch).await;
        // To whom it goes instead, after a failure.
        let mut only: Option<Vec<DestinationId>> = self.state.alone.map(|destination| vec![destination]);
        let (mut rest, mut again) = (batch, false);
        let (mut backoff, mut since) = (BACKOFF.0, Instant::now());
        while let Some(last) = rest.last() {
            let part = if again { &rest[..1] } else { rest };
            let audience = only.as_deref().map_or(Audience::Except(&without), Audience::Only);
            match self.attempt(part, again, audience, since).await {
                Attempt::Done(done, alone) => {
                    self.tell(done, again, audience.is_everybody());
                    rest = &rest[part.len()..];
                    if let (true, Some(only)) = (again, &mut only) {
                        only.retain(|destination| !alone.contains(destination));
                        if only.is_empty() {
                            // Everybody else has the whole batch.
                            rest = &[];
                        }
                    }
                    self.reach(rest.first().map_or(last.offset + 1, |next| next.offset));
                    (backoff, since) = (BACKOFF.0, Instant::now());
                    self.unblocked();
                }
                Attempt::Failed(done, to, reason) => {
                    self.tell(done, again, false);
                    again = true;
                    only = Some(to);
                    self.shared.tally.retry();
                    self.blocked(format!("offset {} cannot be delivered: {reason}", part[0].offset));
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
                Attempt::Held(reason) => {
                    self.blocked(reason);
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
                Attempt::Barred(denied) => {
                    self.blocked(format!("the route's principal is not let in: {denied}"));
                    let mut changes = self.shared.deps.enforcer.changes();
                    // Also without a change the question is asked again: an expiry may have been moved by a new login.
                    let _ = tokio::time::timeout(BACKOFF.1, changes.changed()).await;
                }
            }
        }
    }

    /// Counts what became of records, the first time they are tried.
    fn tell(&self, done: attempt::Done, again: bool, to_everybody: bool) {
        let tally = &self.shared.tally;
        match self.state.alone {
            _ if again => {}
            None => tally.batch(done.counts, done.unrouted && to_everybody),
            // Counted when the others got them.
            Some(_) => tally.caught_up(done.counts.events),
        }
        done.poison.into_iter().for_each(|what| tally.poison(what));
    }

    fn blocked(&self, reason: String) {
        let name = self.name();
        self.shared.tally.edit(|figures| drop(figures.blocked.insert(name, reason)));
    }

    fn unblocked(&self) {
        self.shared.tally.edit(|figures| {
            if !figures.blocked.is_empty() {
                figures.blocked.remove(&self.name());
            }
        });
    }
}

/// The first records, at most [`BATCH_RECORDS_MAX`] of them and so many bytes, and at least one.
fn first_batch(records: &[Record], bytes_max: usize) -> &[Record] {
    let mut bytes = 0;
    let fits = records.iter().take(BATCH_RECORDS_MAX).take_while(|record| {
        let first = bytes == 0;
        bytes += record.size();
        first || bytes <= bytes_max
    });
    &records[..fits.count()]
}

#[cfg(test)]
mod tests;
