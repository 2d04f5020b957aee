//! Tasks somebody owns.
//!
//! A task that nobody owns outlives what it serves, so `tokio::spawn` is banned everywhere else: tasks start here with
//! a name, end when the token is cancelled, and a stop waits for them with a deadline and says who is left.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// A group of tasks that stop together. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    token: CancellationToken,
    tracker: TaskTracker,
    running: Arc<Mutex<Vec<&'static str>>>,
}

impl Tasks {
    /// The token that ends this group's tasks.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Starts a task that ends by itself or watches [`Tasks::token`]; on a stop it may finish what it is doing.
    #[expect(clippy::disallowed_methods, reason = "the one place where tasks start: the tracker owns them")]
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.list().push(name);
        let running = self.running.clone();
        let work = async move {
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a task broke an invariant and ended; what it did is not done any more");
            }
            let mut names = running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(index) = names.iter().position(|running| *running == name) {
                names.swap_remove(index);
            }
        };
        tokio::spawn(self.tracker.track_future(work).instrument(tracing::info_span!("task", name)));
    }

    /// Starts a task that may be cut anywhere once the group stops.
    pub fn spawn_until_stop(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let token = self.token.clone();
        self.spawn(name, async move {
            token.run_until_cancelled_owned(work).await;
        });
    }

    /// Asks all tasks to end and waits for them; returns the names of those that did not in time.
    pub async fn stop(&self, deadline: Duration) -> Vec<&'static str> {
        self.token.cancel();
        self.tracker.close();
        match tokio::time::timeout(deadline, self.tracker.wait()).await {
            Ok(()) => Vec::new(),
            Err(_) => self.list().clone(),
        }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
