//! Whether an open stream may go on.
//!
//! A request asks once who it comes from; a stream stays open for hours, and its person may be disabled, lose their
//! role or sign out meanwhile, at this portal or another one. So it asks again whenever somebody's login may have ended
//! anywhere, and twice a minute for sessions that end by time. When the answer does not come, the stream ends: its
//! reader connects again and is asked who they are.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::error::chain;
use crate::app::permission::Right;
use crate::portal::Portal;

/// A stream asks at least this often.
const INTERVAL: Duration = Duration::from_secs(30);

/// One stream's right to go on.
#[derive(Debug)]
pub(super) struct Standing {
    portal: Portal,
    right: Right,
    logins: watch::Receiver<u64>,
    asks_at: Instant,
    is_due: bool,
}

impl Standing {
    /// Begins with a caller who has the right. Asked once more with the first event, because the login may have ended
    /// since the request came.
    pub(super) fn of(portal: Portal, right: Right) -> Self {
        let logins = portal.app().logins();
        Self { portal, right, logins, asks_at: Instant::now() + INTERVAL, is_due: true }
    }

    /// Whether the stream may go on; asks only when there is a reason. Nothing may be shown before it was asked.
    pub(super) async fn holds(&mut self) -> bool {
        let stirred = self.logins.has_changed().unwrap_or(true);
        if !self.is_due && !stirred && Instant::now() < self.asks_at {
            return true;
        }
        self.logins.mark_unchanged();
        self.is_due = true;
        let holds = match self.portal.still_has(self.right).await {
            Ok(holds) => holds,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "a stream ended because its caller could not be looked up");
                false
            }
        };
        self.is_due = false;
        self.asks_at = Instant::now() + INTERVAL;
        holds
    }

    /// Ends when there is a reason to ask again. May be dropped at any time.
    pub(super) async fn stirred(&mut self) {
        if self.is_due {
            return;
        }
        // The sender lives as long as the application; without it the stream asks by time.
        let ended = async {
            if self.logins.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = ended => {}
            () = tokio::time::sleep_until(self.asks_at) => {}
        }
        self.is_due = true;
    }
}
