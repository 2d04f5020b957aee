//! Ends grants and requests whose time is over, reminds people of those that wait and of what will end, and sees when every agent does what was decided about a grant.
//!
//! Grants are settled when something changed that they depend on, and when the next of them ends; else there is nothing to
//! ask the database. What no notice told of, a look every few seconds makes up for.

use std::time::Duration;

use frontend::api::LiveTopic;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};

use crate::app::App;
use crate::app::clock::now_ms;
use crate::app::error::chain;
use crate::app::live::Watch;

/// Grants are settled no more often: agents tell of themselves in bursts, and somebody may wait for the word "live".
const PAUSE: Duration = Duration::from_secs(1);
/// How often grants are settled when nothing is told and nothing ends.
const IDLE: Duration = Duration::from_secs(10);
/// Requests wait for days.
const REQUESTS_INTERVAL: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub async fn run(app: App) {
    tokio::join!(grants(&app), requests(&app));
}

async fn grants(app: &App) {
    // Before the first look: what changes meanwhile is told.
    let mut watch = app.live().watch();
    loop {
        let began = Instant::now();
        let next_ms = match app.settle_grants().await {
            Ok(next_ms) => next_ms,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "grants could not be settled");
                Some(now_ms())
            }
        };
        sleep_until(began + PAUSE).await;
        let until_ms = next_ms.map(|next_ms| u64::try_from(next_ms.saturating_sub(now_ms())).unwrap_or_default());
        let at_most = until_ms.map_or(IDLE, |ms| Duration::from_millis(ms).min(IDLE));
        concerned(&mut watch, Instant::now() + at_most).await;
    }
}

/// Waits until something changed that grants depend on, but no longer than until a moment; whether something did.
async fn concerned(watch: &mut Watch, until: Instant) -> bool {
    let heard = async {
        loop {
            match watch.next().await {
                // Grants themselves; what agents run, and what their parts say of clusters; which agents there are.
                Some(LiveTopic::Access | LiveTopic::Rollout | LiveTopic::Topology | LiveTopic::All) => return,
                Some(_) => {}
                // The portal stops: whoever runs this drops it.
                None => std::future::pending().await,
            }
        }
    };
    timeout_at(until, heard).await.is_ok()
}

async fn requests(app: &App) {
    let mut timer = interval(REQUESTS_INTERVAL);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if let Err(error) = app.expire_requests().await {
            tracing::warn!(error = %chain(&error), "late requests for access could not be ended");
        }
        if let Err(error) = app.remind(now_ms()).await {
            tracing::warn!(error = %chain(&error), "people could not be reminded of requests and of what ends");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::live::Live;

    #[tokio::test]
    async fn what_agents_do_wakes_it_and_what_they_see_does_not() {
        let live = Live::default();
        let mut watch = live.watch();
        let (soon, late) = (Duration::from_millis(20), Duration::from_secs(60));
        live.notify(LiveTopic::Graph);
        live.notify(LiveTopic::Notifications);
        assert!(!concerned(&mut watch, Instant::now() + soon).await, "nothing of it is about grants");
        for topic in [LiveTopic::Access, LiveTopic::Rollout, LiveTopic::Topology, LiveTopic::All] {
            live.notify(LiveTopic::Graph);
            live.notify(topic);
            assert!(concerned(&mut watch, Instant::now() + late).await, "{topic:?}");
        }
    }
}
