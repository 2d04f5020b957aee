//! One part's life: start, work, change, stop, and again with growing pauses when it fails.
//!
//! ```text
//! start --ok--> working --changed--> update, or stop and start
//!   |              |  +--ended by itself--> stop, pause, start
//!   |              |  +--its secret was set anew--> stop, start
//!   |              +--retired--> stop, end
//!   +--failing--> pause --> start        +--rejected--> wait for a change
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Fingerprint, PartSpec, Starter};
use crate::part::{Running, StartError, Update};
use crate::status::PartHandle;
use crate::task::Tasks;

/// First pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A part that worked this long starts with the shortest pause again.
const STABLE_AFTER: Duration = Duration::from_secs(60);
/// How often it is looked whether a part's secret was set anew.
const SECRET_INTERVAL: Duration = Duration::from_secs(2);
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
            // Read before the start reads it: what is set between is noticed.
            let secret = self.starter.secret(&spec);
            let started = tokio::select! {
                started = self.starter.start(&spec, self.line.clone()) => started,
                () = changed(&mut self.targets) => continue,
            };
            match started {
                Ok(part) => {
                    let begun = Instant::now();
                    self.work(part, &spec, secret).await;
                    if begun.elapsed() >= STABLE_AFTER {
                        self.failures = 0;
                    }
                }
                Err(StartError::Failing(detail)) => {
                    tracing::warn!(detail, "a part did not start; trying again");
                    self.line.failing(detail);
                    self.pause(&spec, secret).await;
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
    async fn work(&mut self, mut part: Box<dyn Running>, spec: &PartSpec, secret: Option<Fingerprint>) {
        let ended = part.ended();
        loop {
            tokio::select! {
                () = ended.cancelled() => {
                    self.line.failing("it ended unexpectedly and is started again; see the agent's log");
                    part.stop(STOP_DEADLINE).await;
                    return self.pause(spec, secret).await;
                }
                () = other_secret(&*self.starter, spec, secret) => {
                    tracing::info!("a part's secret was set anew: it is started with it");
                    self.failures = 0;
                    return part.stop(STOP_DEADLINE).await;
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

    /// Waits after a failure, less when the target changes or the secret is set.
    async fn pause(&mut self, spec: &PartSpec, secret: Option<Fingerprint>) {
        let whole = PAUSE_MIN.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX);
        self.failures += 1;
        let pause = whole.mul_f64(rand::random_range(0.5..=1.0));
        tokio::select! {
            () = sleep(pause) => {}
            () = other_secret(&*self.starter, spec, secret) => self.failures = 0,
            () = changed(&mut self.targets) => self.failures = 0,
        }
    }
}

/// Waits until a part would be started with another secret than it was.
async fn other_secret(starter: &dyn Starter, spec: &PartSpec, secret: Option<Fingerprint>) {
    while starter.secret(spec) == secret {
        sleep(SECRET_INTERVAL).await;
    }
}

/// Wakes for a new target; a runner that is gone has left "none" there. The value stays unseen, for the loop to take.
async fn changed(targets: &mut watch::Receiver<Option<PartSpec>>) {
    if targets.changed().await.is_ok() {
        targets.mark_changed();
    }
}
