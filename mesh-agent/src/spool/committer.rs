//! The one thread that commits. Group commit needs no timer: whatever comes while the disk syncs goes into the next
//! batch together, so a lone writer waits for one sync and many writers share each.
//!
//! ```text
//!  callers --submit--> inbox --(all of it, up to a bound)--> Core::turn (one sync) --> answers, in the order of submitting
//! ```
//! What bounds the inbox is the byte budget: a publisher holds its share of it until its answer comes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::core::Core;
use super::op::{Done, Op, Refusal, Tally};
use crate::causes::chain;
use crate::counters::{Counter, Counters};

/// Operations of one commit.
const OPS_MAX: usize = 4_096;
/// Bytes of one commit; the operation that passes this bound still goes with it.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Without work, unwanted rows are looked for this often.
const IDLE: Duration = Duration::from_secs(1);
/// With work that never ends, after so many commits.
const SWEEP_TURNS: u32 = 64;
/// How long an operation that nobody waits for may wait for others to go with.
const LAZY: Duration = Duration::from_millis(50);
/// So many of them go by themselves.
const LAZY_MAX: usize = 1_024;

/// Called once, on the committer's thread: short, never waits.
pub type Answer = Box<dyn FnOnce(Result<Done, Refusal>) + Send>;

/// Operations of one commit, with their answers.
type Batch = (Vec<Op>, Vec<Answer>);

/// Takes operations and commits them. Dropping it commits what was submitted and ends the thread.
pub struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    core: Arc<Core>,
    inbox: Mutex<Inbox>,
    filled: Condvar,
    failed: CancellationToken,
    counts: Counts,
}

#[derive(Default)]
struct Inbox {
    waiting: VecDeque<(Op, Answer)>,
    /// How many of those are not in a hurry, and since when the first of them waits.
    lazy: usize,
    lazy_since: Option<Instant>,
    closed: bool,
}

#[derive(Debug)]
struct Counts {
    commits: Counter,
    appended: Counter,
    appended_bytes: Counter,
    acked: Counter,
    refused: Counter,
    dropped: Counter,
    discarded: Counter,
    unkept_values: Counter,
}

impl Counts {
    fn new(counters: &Counters) -> Self {
        Self {
            commits: counters.counter("spool_commits"),
            appended: counters.counter("spool_appended_events"),
            appended_bytes: counters.counter("spool_appended_bytes"),
            acked: counters.counter("spool_acked_events"),
            refused: counters.counter("spool_refused_operations"),
            dropped: counters.counter("spool_dropped_segments"),
            discarded: counters.counter("spool_discarded_events"),
            unkept_values: counters.counter("not_retained_events"),
        }
    }

    fn add(&self, tally: Tally) {
        self.commits.one();
        self.appended.add(tally.appended);
        self.appended_bytes.add(tally.appended_bytes);
        self.acked.add(tally.acked);
        self.refused.add(tally.refused);
        self.dropped.add(tally.dropped);
        self.discarded.add(tally.discarded);
        self.unkept_values.add(tally.unkept_values);
    }
}

impl Inbox {
    /// Whether a commit is worth its sync now.
    fn is_due(&self) -> bool {
        let in_a_hurry = self.waiting.len() > self.lazy;
        let waited = self.lazy_since.is_some_and(|since| since.elapsed() >= LAZY);
        in_a_hurry || self.lazy >= LAZY_MAX || waited || (self.closed && !self.waiting.is_empty())
    }

    /// Takes what goes into one commit.
    fn batch(&mut self) -> Batch {
        let mut bytes = 0;
        let mut count = 0;
        while count < OPS_MAX && bytes < BYTES_MAX && count < self.waiting.len() {
            bytes += self.waiting[count].0.bytes();
            count += 1;
        }
        // Whatever is left over goes at once.
        (self.lazy, self.lazy_since) = (0, None);
        self.waiting.drain(..count).unzip()
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.waiting.len()).field("closed", &self.closed).finish()
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Committer {
    /// Starts the thread.
    ///
    /// # Errors
    /// The machine gives no thread.
    pub fn start(core: Arc<Core>, counters: &Counters) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(core, counters));
        let its = shared.clone();
        let thread = std::thread::Builder::new().name("spool".to_owned()).spawn(move || its.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Without a thread: commits when it is told to.
    #[cfg(test)]
    pub(super) fn by_hand(core: Arc<Core>, counters: &Counters) -> Self {
        Self { shared: Arc::new(Shared::new(core, counters)), thread: None }
    }

    /// Whether it waits to be told.
    #[cfg(test)]
    pub(super) fn is_by_hand(&self) -> bool {
        self.thread.is_none()
    }

    /// Commits once what waits; false when nothing did.
    #[cfg(test)]
    pub(super) fn turn(&self) -> bool {
        let batch = self.shared.inbox.lock().expect("no panic while held").batch();
        let any = !batch.0.is_empty();
        if any {
            self.shared.commit(batch);
        } else if self.shared.core.has_trash() && !self.shared.core.has_failed() {
            self.shared.sweep();
        }
        any
    }

    /// The spool, for reading.
    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        &self.shared.core
    }

    /// Hands an operation over. Operations take effect in the order of these calls.
    pub fn submit(&self, op: Op, answer: Answer) {
        {
            let mut inbox = self.shared.inbox.lock().expect("no panic while held");
            inbox.waiting.push_back((op, answer));
        }
        self.shared.filled.notify_one();
    }

    /// The same for an operation that nobody waits for: it goes with the next one that somebody does, or after a moment.
    /// A sync of its own for every acknowledgement would be a waste; one that is lost with a crash is a redelivery.
    pub fn submit_lazily(&self, op: Op) {
        let mut inbox = self.shared.inbox.lock().expect("no panic while held");
        inbox.waiting.push_back((op, Box::new(|_nobody_waits| {})));
        inbox.lazy += 1;
        let first = inbox.lazy_since.is_none();
        inbox.lazy_since.get_or_insert_with(Instant::now);
        if first || inbox.lazy >= LAZY_MAX {
            drop(inbox);
            self.shared.filled.notify_one();
        }
    }

    /// The same, waiting for the answer.
    ///
    /// # Errors
    /// As [`Core::turn`] answers.
    pub async fn ask(&self, op: Op) -> Result<Done, Refusal> {
        let (answer, answered) = oneshot::channel();
        // Who asked may have stopped waiting.
        self.submit(op, Box::new(move |done| drop(answer.send(done))));
        answered.await.unwrap_or(Err(Refusal::Failed))
    }

    /// Cancelled when the disk has failed: nothing is taken any more, and the spool must be opened anew.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.shared.failed.clone()
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.shared.inbox.lock().expect("no panic while held").closed = true;
        self.shared.filled.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the spool's thread panicked; what it had not answered is lost to its callers");
        }
    }
}

impl Shared {
    fn new(core: Arc<Core>, counters: &Counters) -> Self {
        Self {
            core,
            inbox: Mutex::default(),
            filled: Condvar::new(),
            failed: CancellationToken::new(),
            counts: Counts::new(counters),
        }
    }

    fn run(&self) {
        let mut turns = 0_u32;
        while let Some(batch) = self.next() {
            if batch.0.is_empty() {
                self.sweep();
                continue;
            }
            self.commit(batch);
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(SWEEP_TURNS) && self.core.has_trash() && !self.core.has_failed() {
                self.sweep();
            }
        }
    }

    fn commit(&self, (ops, answers): Batch) {
        let (done, tally) = self.core.turn(ops);
        self.counts.add(tally);
        for (answer, done) in answers.into_iter().zip(done) {
            answer(done);
        }
        if self.core.has_failed() {
            self.failed.cancel();
        }
    }

    /// Operations for one commit; none of them when there is time to tidy up. None when the committer was dropped and
    /// everything is done.
    fn next(&self) -> Option<Batch> {
        let mut inbox = self.inbox.lock().expect("no panic while held");
        while !inbox.is_due() {
            if inbox.closed && inbox.waiting.is_empty() {
                return None;
            }
            if let Some(since) = inbox.lazy_since {
                let rest = LAZY.saturating_sub(since.elapsed());
                inbox = self.filled.wait_timeout(inbox, rest).expect("no panic while held").0;
                continue;
            }
            if self.core.has_trash() && !self.core.has_failed() {
                return Some((Vec::new(), Vec::new()));
            }
            inbox = self.filled.wait_timeout(inbox, IDLE).expect("no panic while held").0;
        }
        Some(inbox.batch())
    }

    fn sweep(&self) {
        if let Err(error) = self.core.sweep() {
            tracing::error!(error = %chain(&error), "the spool could not be tidied up; the agent opens it anew");
            self.failed.cancel();
        }
    }
}
