//! Ends grants and requests whose time is over, reminds people of those that wait and of what will end, and sees when every agent does what was decided about a grant.

use std::time::Duration;

use crate::app::App;
use crate::app::clock::now_ms;
use crate::app::error::chain;

/// How often it looks: somebody may wait for the word "live".
const INTERVAL: Duration = Duration::from_secs(1);
/// Requests wait for days, so they are looked at once in so many rounds.
const ROUNDS: u32 = 60;

/// Runs until it is dropped.
pub async fn run(app: App) {
    let mut timer = tokio::time::interval(INTERVAL);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in (0..ROUNDS).cycle() {
        timer.tick().await;
        if let Err(error) = app.settle_grants().await {
            tracing::warn!(error = %chain(&error), "grants could not be settled");
        }
        if round == 0 {
            if let Err(error) = app.expire_requests().await {
                tracing::warn!(error = %chain(&error), "late requests for access could not be ended");
            }
            if let Err(error) = app.remind(now_ms()).await {
                tracing::warn!(error = %chain(&error), "people could not be reminded of requests and of what ends");
            }
        }
    }
}
