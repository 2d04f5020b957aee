//! Removes what has ended: sessions, short-lived clients, overlapping secrets, what agents saw and people were told long ago.

use std::time::Duration;

use crate::app::App;
use crate::app::error::chain;

/// How often it runs.
const INTERVAL: Duration = Duration::from_secs(30);

/// Runs until it is dropped.
pub async fn run(app: App) {
    let mut timer = tokio::time::interval(INTERVAL);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if let Err(error) = app.purge_sessions().await {
            tracing::warn!(error = %chain(&error), "ended sessions could not be removed");
        }
        if let Err(error) = app.expire().await {
            tracing::warn!(error = %chain(&error), "expired clients could not be removed");
        }
        if let Err(error) = app.prune_notifications().await {
            tracing::warn!(error = %chain(&error), "old notifications could not be removed");
        }
        if let Err(error) = app.prune_observed().await {
            tracing::warn!(error = %chain(&error), "old observations could not be removed");
        }
    }
}
