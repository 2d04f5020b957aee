//! The lane of one partition: brings its records into the mesh, in order, one batch at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use mesh_protocol::event::{DeliveryMode, Event, Origin, Protocol};
use mesh_protocol::policy::Action;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::record::{Mapped, Place, Record};
use super::tally::Counts;
use crate::observe::Refusal;
use crate::policy::{Denied, Session};
use crate::router::{Admitted, EVENT_OVERHEAD_BYTES, Failure, Outcome};

/// Most records of one batch.
const BATCH_RECORDS_MAX: usize = 1_000;
/// Most bytes of one batch; a larger record travels alone.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Most deliveries of the poll thread that are joined before they are cut into batches.
const CHUNKS_MAX: usize = 256;
/// Shortest and longest pause before a batch is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// A batch that waits longer than this for its receipt is named in the part.
const SLOW: Duration = Duration::from_secs(8);

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
}

/// What lane and poll thread share.
#[derive(Debug)]
pub(super) struct LaneState {
    pub(super) place: Place,
    /// Everything below is taken, filtered or counted as passed over.
    floor: AtomicI64,
    queued_bytes: AtomicUsize,
}

impl LaneState {
    /// The offset to commit.
    pub(super) fn floor(&self) -> i64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Bytes of records that wait.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Acquire)
    }
}

impl Lane {
    /// A lane that has taken everything below `at`, and the work it does. Records below `doubtful_below` are flagged as
    /// redelivery.
    pub(super) fn new(
        shared: Arc<Shared>,
        place: Place,
        at: i64,
        doubtful_below: i64,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, records) = mpsc::unbounded_channel();
        let (ending, ended) = std::sync::mpsc::channel();
        let state = Arc::new(LaneState { place, floor: at.into(), queued_bytes: 0.into() });
        let (closing, abandon) = (CancellationToken::new(), CancellationToken::new());
        let work = Work {
            shared,
            state: state.clone(),
            closing: closing.clone(),
            abandon: abandon.clone(),
            session: None,
            doubtful_below,
        };
        let lane = Self { state, queue, closing, abandon, ended, paused: false };
        let run = async move {
            work.run(records).await;
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
        ended
    }
}

struct Work {
    shared: Arc<Shared>,
    state: Arc<LaneState>,
    closing: CancellationToken,
    abandon: CancellationToken,
    session: Option<Session>,
    doubtful_below: i64,
}

/// What became of records that were brought in.
#[derive(Default)]
struct Done {
    counts: Counts,
    /// What was passed over, and why.
    poison: Vec<String>,
    unrouted: bool,
}

/// One attempt to bring records in.
enum Attempt {
    /// All are dealt with.
    Done(Done),
    /// Try again, for this reason.
    Failed(String),
    /// Policy keeps the route's principal out for now.
    Barred(Denied),
}

impl Work {
    async fn run(mut self, mut records: mpsc::UnboundedReceiver<Vec<Record>>) {
        let (closing, abandon) = (self.closing.clone(), self.abandon.clone());
        let serve = async {
            let mut chunks = Vec::new();
            // A batch is worth its round trip when it holds all that came meanwhile: the poll thread often finds a
            // handful of records only.
            while let Some(1..) = closing.run_until_cancelled(records.recv_many(&mut chunks, CHUNKS_MAX)).await {
                let joined: Vec<Record> = chunks.drain(..).flatten().collect();
                for batch in batches(&joined) {
                    if closing.is_cancelled() {
                        return;
                    }
                    self.bring(batch).await;
                    let bytes: usize = batch.iter().map(Record::size).sum();
                    self.state.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
                }
            }
        };
        abandon.run_until_cancelled(serve).await;
        let name = self.name();
        self.shared.tally.edit(|figures| drop(figures.blocked.remove(&name)));
    }

    fn name(&self) -> String {
        format!("{}/{}", self.state.place.topic, self.state.place.partition)
    }

    /// Brings a batch in, however long it takes. After a failure its records go one by one, so that as few as possible
    /// are repeated and the one that fails is known.
    async fn bring(&mut self, batch: &[Record]) {
        let mut rest = batch;
        let mut alone = false;
        let mut backoff = BACKOFF.0;
        while let Some(last) = rest.last() {
            let part = if alone { &rest[..1] } else { rest };
            match self.attempt(part, alone).await {
                Attempt::Done(done) => {
                    self.shared.tally.batch(done.counts, done.unrouted);
                    done.poison.into_iter().for_each(|what| self.shared.tally.poison(what));
                    let next = part.last().unwrap_or(last).offset + 1;
                    self.state.floor.store(next, Ordering::Release);
                    rest = &rest[part.len()..];
                    backoff = BACKOFF.0;
                    self.unblocked();
                }
                Attempt::Failed(reason) => {
                    alone = true;
                    self.shared.tally.retry();
                    self.blocked(format!("offset {} cannot be delivered: {reason}", part[0].offset));
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

    async fn attempt(&mut self, records: &[Record], again: bool) -> Attempt {
        let origin = match self.origin() {
            Ok(origin) => origin,
            Err(denied) => return Attempt::Barred(denied),
        };
        let mut done = Done::default();
        let mut admitted = Vec::with_capacity(records.len());
        let mut bytes = 0;
        for record in records {
            let counts = &mut done.counts;
            counts.left_out_headers += record.headers.left_out;
            let redelivered = again || record.offset < self.doubtful_below;
            match self.shared.mapping.map(&self.state.place, record, origin.clone(), redelivered) {
                Mapped::Filtered => counts.filtered += 1,
                Mapped::Looped => counts.looped += 1,
                Mapped::Poison(reason) => done.poison.push(self.passed_over(record, &reason)),
                Mapped::Event(event) => {
                    bytes += event.payload.len() + EVENT_OVERHEAD_BYTES;
                    match self.permit(*event, again) {
                        Ok(Some(event)) => admitted.push(event),
                        Ok(None) => counts.denied += 1,
                        Err(denied) => return Attempt::Barred(denied),
                    }
                }
            }
        }
        done.counts.events = admitted.len() as u64;
        self.publish(admitted, bytes, done).await
    }

    async fn publish(&self, admitted: Vec<Admitted>, bytes: usize, mut done: Done) -> Attempt {
        if admitted.is_empty() {
            return Attempt::Done(done);
        }
        let router = &self.shared.deps.router;
        let admission = router.budget().take(bytes).await;
        if self.shared.source.mode == DeliveryMode::Direct {
            let reached: usize = admitted.into_iter().map(|event| router.publish_direct(event, None)).sum();
            done.unrouted = reached == 0;
            return Attempt::Done(done);
        }
        // The cluster keeps them: its offset is committed when everybody has them.
        let mut receipt = router.pass(admitted, admission);
        let outcome = match tokio::time::timeout(SLOW, &mut receipt).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // Not given up: whoever has it still brings it there, and a second copy would help nobody.
                self.blocked(format!("records from offset {} on wait for their destination", self.state.floor()));
                receipt.await
            }
        };
        match outcome {
            Outcome::Failed(Failure::Refused(reason) | Failure::Full(reason) | Failure::Again { reason, .. }) => {
                Attempt::Failed(reason)
            }
            Outcome::Failed(Failure::Lost) => Attempt::Failed("the destination ended before it had them".to_owned()),
            outcome => {
                done.unrouted = outcome == Outcome::Unrouted;
                Attempt::Done(done)
            }
        }
    }

    /// The event, let in; none when a rule denies its topic, which is counted and told.
    fn permit(&self, event: Event, again: bool) -> Result<Option<Admitted>, Denied> {
        let enforcer = &self.shared.deps.enforcer;
        let session = self.session.as_ref().expect("opened by `origin`, which runs first");
        if !again {
            self.shared.client.produced(&event.topic, &event.payload, Some(&self.state.place.topic));
        }
        let topic = event.topic.clone();
        match enforcer.permit(session, event) {
            Ok(permit) => Ok(Some(permit.admit())),
            Err(denied) => {
                enforcer.check_session(session)?;
                let (rule, reason) = (denied.rule(), denied.to_string());
                self.shared.client.refused(Refusal { action: Action::Publish, topic: topic.to_string(), rule, reason });
                Ok(None)
            }
        }
    }

    /// Opens the session when there is none, and says where events are admitted.
    fn origin(&mut self) -> Result<Origin, Denied> {
        let Shared { identity, deps, .. } = &*self.shared;
        let enforced = deps.enforcer.enforced().ok_or(Denied::NoPolicy)?;
        match &self.session {
            Some(session) => deps.enforcer.check_session(session)?,
            None => self.session = Some(deps.enforcer.session(identity.principal, &identity.client_id())?),
        }
        Ok(Origin { site: enforced.site.id, principal: Some(identity.principal), protocol: Protocol::Kafka })
    }

    fn passed_over(&self, record: &Record, reason: &str) -> String {
        let Place { topic, partition, .. } = &self.state.place;
        format!("{topic} partition {partition} offset {} was passed over: {reason}", record.offset)
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

/// Records in slices of at most [`BATCH_RECORDS_MAX`] and [`BATCH_BYTES_MAX`], in order, each with at least one.
fn batches(records: &[Record]) -> Vec<&[Record]> {
    let mut slices = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        let size = record.size();
        if at > start && (at - start == BATCH_RECORDS_MAX || bytes + size > BATCH_BYTES_MAX) {
            slices.push(&records[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < records.len() {
        slices.push(&records[start..]);
    }
    slices
}

#[cfg(test)]
mod tests;
