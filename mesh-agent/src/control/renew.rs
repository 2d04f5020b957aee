//! A new certificate in time: after a third of its life, 30 days of 90.
//!
//! An expired certificate renews too, because the request is signed by the agent's own key. The wall clock is asked at
//! least every hour, so that a machine that slept or whose clock jumped is late by an hour at most.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::sleep;

use super::enrol;
use crate::causes::chain;
use crate::home::Home;
use crate::identity::Identity;
use crate::task::Tasks;

/// Longest time without a look at the clock.
const LOOK_INTERVAL: Duration = Duration::from_secs(3600);
/// Longest pause after a failed attempt.
const RETRY_MAX: Duration = Duration::from_secs(3600);
/// First pause after a failed attempt; also the longest while the certificate is expired, because without a session
/// nothing new reaches the agent.
const RETRY_MIN: Duration = Duration::from_secs(5);

/// Renews for ever and tells everybody who uses the identity.
pub fn start(home: Home, identity: watch::Sender<Arc<Identity>>, tasks: &Tasks) {
    tasks.spawn_until_stopped("renew", async move {
        let mut failures = 0;
        loop {
            let current = identity.borrow().clone();
            let Some(validity) = current.validity() else { return };
            let now = OffsetDateTime::now_utc();
            let left = Duration::try_from(validity.renew_at() - now).unwrap_or_default();
            if !left.is_zero() {
                sleep(left.min(LOOK_INTERVAL)).await;
                continue;
            }
            match Box::pin(enrol::renew(&home, &current)).await {
                Ok(renewed) => {
                    failures = 0;
                    tracing::info!("certificate renewed");
                    identity.send_replace(Arc::new(renewed));
                }
                Err(error) => {
                    let pause = retry(failures, now >= validity.until);
                    failures += 1;
                    tracing::warn!(error = chain(&error), until = %validity.until, "certificate not renewed; trying again");
                    sleep(pause).await;
                }
            }
        }
    });
}

fn retry(failures: u32, expired: bool) -> Duration {
    let longest = if expired { RETRY_MIN } else { RETRY_MAX };
    let whole = RETRY_MIN.saturating_mul(1 << failures.min(12)).min(longest);
    whole.mul_f64(rand::random_range(0.5..=1.0))
}
