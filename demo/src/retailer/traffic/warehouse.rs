//! The warehouse: takes new orders from its queue over HTTP, and rejects a rare one, so that a dead letter is there to
//! look at.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::http::{Login, RETRY};
use crate::retailer::ORDERS_QUEUE;

/// Orders taken at once.
const ORDERS_MAX: usize = 50;
/// How long a pull waits for a first order.
const WAIT_MS: u64 = 10_000;
/// The work on what was taken: orders come meanwhile, and are there to be looked at.
const WORK: Duration = Duration::from_secs(2);
/// One of so many orders cannot be picked...
const REJECTED_OF: u64 = 400;
/// ...the first of them soon.
const FIRST_REJECTED: u64 = 10;

/// Takes orders for ever, as the consumer of a name.
pub(super) async fn run(login: Login, consumer: &'static str) {
    let mut orders = 0;
    loop {
        if let Err(error) = turn(&login, consumer, &mut orders).await {
            tracing::info!(%consumer, error = format!("{error:#}"), "the queue gives nothing");
            sleep(RETRY).await;
        }
    }
}

/// Takes some orders and answers for them. What is not answered, because the agent began anew, comes again.
async fn turn(login: &Login, consumer: &str, orders: &mut u64) -> anyhow::Result<()> {
    let path = format!("queues/{ORDERS_QUEUE}/pull?max={ORDERS_MAX}&wait_ms={WAIT_MS}&consumer={consumer}");
    let pulled = login.post(&path, None).await?;
    let events = pulled["events"].as_array().context("find the events that were pulled")?;
    if events.is_empty() {
        return Ok(());
    }
    sleep(WORK).await;
    login.post(&format!("queues/{ORDERS_QUEUE}/answer"), Some(&answers(events, orders))).await.map(drop)
}

fn answers(events: &[Value], orders: &mut u64) -> Value {
    let (mut ack, mut reject) = (Vec::new(), Vec::new());
    for event in events {
        *orders += 1;
        if *orders % REJECTED_OF == FIRST_REJECTED {
            reject.push(json!({ "lease": event["lease"], "reason": "the article is not in stock" }));
        } else {
            ack.push(event["lease"].clone());
        }
    }
    json!({ "ack": ack, "reject": reject })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FIRST_REJECTED, REJECTED_OF, answers};

    #[test]
    fn a_rare_order_is_rejected_and_every_order_is_answered() {
        let events: Vec<_> = (0..REJECTED_OF).map(|lease| json!({ "lease": lease.to_string() })).collect();
        let mut orders = 0;
        for _ in 0..2 {
            let answer = answers(&events, &mut orders);
            assert_eq!(answer["ack"].as_array().map(Vec::len), Some(events.len() - 1));
            assert_eq!(answer["reject"][0]["lease"], (FIRST_REJECTED - 1).to_string());
        }
    }
}
