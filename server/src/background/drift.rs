//! Counts findings once an hour, for the trend.

use std::time::Duration;

use crate::app::App;
use crate::app::clock::now_ms;
use crate::app::error::chain;

/// How often it looks whether an hour has begun. The first look waits for agents to come back after a start: what is seen
/// of them then is what findings are about.
const INTERVAL: Duration = Duration::from_secs(120);

/// Runs until it is dropped.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = app.count_drift(now_ms()).await {
            tracing::warn!(error = %chain(&error), "the findings of this hour could not be counted");
        }
    }
}
