//! Parts that Berlin's machines make, and what of those that arrive in the Kafka of headquarters is counted.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::http::{Login, RETRY};
use super::{now_ms, ticker};
use crate::retailer::tally::{Figures, Tally};

/// Where the figures are published.
const TALLY: &str = "tally/parts";
const TALLY_INTERVAL: Duration = Duration::from_secs(1);

/// Makes a part once in `every`. One that was not acknowledged is sent again under its number.
pub(super) async fn make(login: Login, every: Duration, tally: Tally) {
    let mut ticker = ticker(every);
    let machine = login.name();
    loop {
        ticker.tick().await;
        let number = tally.number(machine);
        let part =
            json!({ "plant": "berlin", "machine": machine, "run": tally.run(), "number": number, "at_ms": now_ms() });
        match login.post(&format!("events/parts/berlin/{machine}/made"), Some(&part)).await {
            Ok(_) => tally.published(machine),
            Err(error) => {
                tracing::info!(%machine, error = format!("{error:#}"), "a part was not acknowledged");
                sleep(RETRY).await;
            }
        }
    }
}

/// Counts the value of a record; what is no part is nobody's.
pub(super) fn count(tally: &Tally, payload: &[u8]) {
    let part: Value = serde_json::from_slice(payload).unwrap_or_default();
    if let (Some(run), Some(machine), Some(number)) =
        (part["run"].as_u64(), part["machine"].as_str(), part["number"].as_u64())
    {
        tally.arrived(run, machine, number);
    }
}

/// Publishes the figures, whenever they have changed, for whoever watches in the portal.
pub(super) async fn tell(login: Login, tally: Tally) {
    let mut ticker = ticker(TALLY_INTERVAL);
    let mut told = Figures::default();
    loop {
        ticker.tick().await;
        let figures = tally.figures();
        if figures == told {
            continue;
        }
        let body = json!({ "published": figures.published, "arrived": figures.arrived,
            "on_the_way": figures.on_the_way(), "lost": figures.lost });
        match login.post_direct(&format!("events/{TALLY}"), &body).await {
            Ok(_) => told = figures,
            Err(error) => tracing::debug!(error = format!("{error:#}"), "the tally was not published"),
        }
    }
}
