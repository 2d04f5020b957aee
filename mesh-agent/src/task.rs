//! The only place where tasks are spawned: each has a name, an owner that can stop it, and a stated answer to failure.
//!
//! A part owns one [`Tasks`]; stopping the part cancels them, waits until a deadline and reports who is left. A task
//! that panics cancels its siblings, so that a part is never half alive; its owner sees it stop and starts it anew.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// A group of tasks that live and die together.
#[derive(Clone, Debug)]
pub struct Tasks {
    name: Arc<str>,
    tracker: TaskTracker,
    token: CancellationToken,
    alive: Arc<Mutex<BTreeMap<u64, &'static str>>>,
    next: Arc<std::sync::atomic::AtomicU64>,
}

impl Tasks {
    /// A new, independent group.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::with_token(name, CancellationToken::new())
    }

    /// A group that is cancelled with this one, and can be stopped alone.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self::with_token(name, self.token.child_token())
    }

    fn with_token(name: &str, token: CancellationToken) -> Self {
        Self { name: name.into(), tracker: TaskTracker::new(), token, alive: Arc::default(), next: Arc::default() }
    }

    /// Cancelled when the group must stop. Tasks watch it and end by themselves.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Spawns a task that watches [`Tasks::token`] itself, to stop cleanly.
    #[expect(clippy::disallowed_methods, reason = "the one place that may spawn")]
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let (alive, token, group) = (self.alive.clone(), self.token.clone(), self.name.clone());
        let id = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        alive.lock().expect("no panic while held").insert(id, name);
        let span = tracing::info_span!("task", group = %self.name, name);
        let guarded = async move {
            if std::panic::AssertUnwindSafe(work).catch_unwind().await.is_err() {
                tracing::error!(%group, name, "task panicked; its part stops and is started anew");
                token.cancel();
            }
            alive.lock().expect("no panic while held").remove(&id);
        };
        tokio::spawn(self.tracker.track_future(guarded.instrument(span)));
    }

    /// Spawns a task that is simply dropped at its next await when the group stops.
    pub fn spawn_until_stopped(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let token = self.token.clone();
        self.spawn(name, async move {
            token.run_until_cancelled(work).await;
        });
    }

    /// Cancels all and waits; the names of those still running at the deadline are returned and logged.
    pub async fn stop(&self, deadline: Duration) -> Vec<&'static str> {
        self.token.cancel();
        self.tracker.close();
        if tokio::time::timeout(deadline, self.tracker.wait()).await.is_ok() {
            return Vec::new();
        }
        let left: Vec<_> = self.alive.lock().expect("no panic while held").values().copied().collect();
        tracing::warn!(group = %self.name, ?left, "tasks did not stop in time");
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_reports_who_is_left() {
        let tasks = Tasks::new("test");
        tasks.spawn_until_stopped("polite", std::future::pending());
        tasks.spawn("deaf", std::future::pending());
        assert_eq!(tasks.stop(Duration::from_millis(50)).await, ["deaf"]);
    }

    #[tokio::test]
    async fn a_panic_stops_the_siblings() {
        let tasks = Tasks::new("test");
        tasks.spawn("fragile", async { panic!("on purpose") });
        tasks.token().cancelled().await;
        assert!(tasks.stop(Duration::from_secs(5)).await.is_empty());
    }
}
