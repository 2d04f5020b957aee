//! Looks for agents that are away for long, and for those that are back.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::App;
use crate::app::clock::now_ms;
use crate::app::error::chain;
use crate::domain::notification::ABSENCE_MS;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(15);

/// Runs until it is dropped.
pub async fn run(app: App) {
    let settled_at = Instant::now() + Duration::from_millis(ABSENCE_MS.unsigned_abs());
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = app.tell_absences(now_ms(), Instant::now() >= settled_at).await {
            tracing::warn!(error = %chain(&error), "nobody was told which agents are away");
        }
    }
}
