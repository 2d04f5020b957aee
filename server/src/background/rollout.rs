//! Gives connected agents the newest policy.

use std::time::Duration;

use crate::app::App;
use crate::app::error::chain;

/// How often it runs when nobody wakes it.
const INTERVAL: Duration = Duration::from_secs(5);
/// Pause after a failed run.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until it is dropped.
pub async fn run(app: App) {
    loop {
        if let Err(error) = app.roll_out().await {
            tracing::warn!(error = %chain(&error), "the rollout failed and runs again");
            tokio::time::sleep(RETRY).await;
            continue;
        }
        let _woken_or_time = tokio::time::timeout(INTERVAL, app.rollout_woken()).await;
    }
}
