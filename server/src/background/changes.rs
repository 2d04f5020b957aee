//! Hears of what other portals on the same database changed.
//!
//! Two tasks, because each heals what the other may miss: one listens to the notices, which come with each commit; one
//! looks about once a second at the audit trail, because a connection that is broken silently brings no notice at all.
//! The command line changes the database too while the portal runs, and is heard of in the second way with SQLite.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::app::App;
use crate::app::error::chain;

/// How often the audit trail is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often agents that went to another portal without an audit entry are looked for.
const SEATS_INTERVAL: Duration = Duration::from_secs(15);
/// Pause before listening again.
const RETRY: Duration = Duration::from_secs(2);

/// Listens until it is dropped; ends at once where there can be no other portal.
pub async fn listen(app: App) {
    let mut is_first = true;
    loop {
        match app.notices().await {
            Ok(None) => return,
            Ok(Some(mut notices)) => {
                if !is_first {
                    log(app.take_anything().await);
                }
                is_first = false;
                loop {
                    match notices.next().await {
                        Ok(Some(notice)) => log(app.take_notice(&notice).await),
                        Ok(None) => log(app.take_anything().await),
                        Err(error) => {
                            tracing::warn!(error = %chain(&error), "the notices of other portals do not come any more");
                            break;
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "cannot listen to other portals: their changes come late");
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Looks until it is dropped.
pub async fn look(app: App) {
    let mut timer = tokio::time::interval(INTERVAL);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seats_at = Instant::now() + SEATS_INTERVAL;
    loop {
        let now = timer.tick().await;
        log(app.look().await);
        if now >= seats_at {
            seats_at = now + SEATS_INTERVAL;
            log(app.leave_lost_seats().await);
        }
    }
}

fn log(outcome: crate::app::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(error = %chain(&error), "what another portal changed could not be looked at");
    }
}
