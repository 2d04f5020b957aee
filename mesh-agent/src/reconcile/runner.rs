//! One part's life: start, work, change, stop, and again with growing pauses when it fails.
//!
//! ```text
//! start --ok--> working --changed--> update, or stop and start
//!   |              |  +--ended by itself--> stop, pause, start
//!   |              +--retired--> stop, end
//!   +--failing--> pause --> start        +--rejected--> wait for a change
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{PartSpec, Starter};
use crate::part::{Running, StartError, Update};
use crate::status::PartHandle;
use crate::task::Tasks;

/// First pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A part that worked this long starts with the shortest pause again.
const STABLE_AFTER: Duration = Duration::from_secs(60);
/// Time for a part to stop when it is changed or no longer wanted.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// Drives one part to its target.
#[derive(Debug)]
pub(super) struct Runner {
    target: watch::Sender<Option<PartSpec>>,
    ended: CancellationToken,
    spec: PartSpec,
}

impl Runner {
    pub(super) fn start(spec: PartSpec, starter: Arc<dyn Starter>, line: Arc<PartHandle>, tasks: &Tasks) -> Self {
        let (target, targets) = watch::channel(Some(spec.clone()));
        let ended = CancellationToken::new();
        let done = ended.clone().drop_guard();
        let life = Life { targets, starter, line, failures: 0 };
        // Not tied to the group's cancellation: it ends by its target, so that a part always gets to stop cleanly.
        tasks.spawn("part", async move {
            let _done = done;
            life.run().await;
        });
        Self { target, ended, spec }
    }

    /// What the part was last told to be.
    pub(super) fn spec(&self) -> PartSpec {
        self.target.borrow().clone().unwrap_or_else(|| self.spec.clone())
    }

    /// Tells it to be otherwise.
    pub(super) fn retarget(&self, spec: PartSpec) {
        self.target.send_replace(Some(spec));
    }

    /// No longer wanted; waits until it has stopped. Dropping a runner is the same without the wait.
    pub(super) async fn stop(self, deadline: Duration) {
        self.target.send_replace(None);
        if timeout(deadline, self.ended.cancelled()).await.is_err() {
            tracing::warn!(spec = ?self.spec, "a part did not stop in time");
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.target.send_replace(None);
    }
}

struct Life {
    targets: watch::Receiver<Option<PartSpec>>,
    starter: Arc<dyn Starter>,
    line: Arc<PartHandle>,
    failures: u32,
}

impl Life {
    async fn run(mut self) {
        loop {
            let Some(spec) = self.targets.borrow_and_update().clone() else { return };
            let started = tokio::select! {
                started = self.starter.start(&spec, self.line.clone()) => started,
                () = changed(&mut self.targets) => continue,
            };
            match started {
                Ok(part) => {
                    let begun = Instant::now();
                    self.work(part).await;
                    if begun.elapsed() >= STABLE_AFTER {
                        self.failures = 0;
                    }
                }
                Err(StartError::Failing(detail)) => {
                    tracing::warn!(detail, "a part did not start; trying again");
                    self.line.failing(detail);
                    self.pause().await;
                }
                Err(StartError::Rejected(detail)) => {
                    tracing::warn!(detail, "a part cannot start until its configuration changes");
                    self.line.rejected(detail);
                    changed(&mut self.targets).await;
                }
            }
        }
    }

    /// Until the part ended by itself, was retired, or must be started anew.
    async fn work(&mut self, mut part: Box<dyn Running>) {
        let ended = part.ended();
        loop {
            tokio::select! {
                () = ended.cancelled() => {
                    self.line.failing("it ended unexpectedly and is started again; see the agent's log");
                    part.stop(STOP_DEADLINE).await;
                    return self.pause().await;
                }
                () = changed(&mut self.targets) => {}
            }
            let target = self.targets.borrow_and_update().clone();
            let update = match &target {
                Some(spec) => part.update(spec).await,
                None => Update::Restart,
            };
            if update == Update::Restart {
                self.failures = 0;
                return part.stop(STOP_DEADLINE).await;
            }
        }
    }

    /// Waits after a failure, less when the target changes.
    async fn pause(&mut self) {
        let whole = PAUSE_MIN.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX);
        self.failures += 1;
        let pause = whole.mul_f64(rand::random_range(0.5..=1.0));
        tokio::select! {
            () = sleep(pause) => {}
            () = changed(&mut self.targets) => self.failures = 0,
        }
    }
}

/// Wakes for a new target; a runner that is gone has left "none" there. The value stays unseen, for the loop to take.
async fn changed(targets: &mut watch::Receiver<Option<PartSpec>>) {
    if targets.changed().await.is_ok() {
        targets.mark_changed();
    }
}
