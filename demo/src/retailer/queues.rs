//! The named queues.

use serde_json::{Value, json};

use super::{ORDERS_QUEUE, ensure};
use crate::portal::Client;

/// What the queue of the warehouse attracts, and what whoever takes from it must be allowed.
pub(super) const ORDERS: &str = "orders/*/*/created";
/// An order that waits longer than an hour is no use to the warehouse; and a queue that nobody takes from never fills up.
const TTL_MS: u64 = 3_600_000;
/// What the warehouse has taken can be replayed for a day.
const KEEP_MS: u64 = 86_400_000;

pub(super) async fn make(portal: &Client, hub: &Value, describe: bool) -> anyhow::Result<()> {
    let note = if describe { "Orders wait here for the warehouse; each till's stay in order" } else { "" };
    let queue = json!({
        "name": ORDERS_QUEUE,
        "site": hub["id"],
        "filters": [ORDERS],
        "access": "partitioned",
        "ttl_ms": TTL_MS,
        "keep_ms": KEEP_MS,
        "note": note,
    });
    ensure(portal, "queues", "/config/name", ORDERS_QUEUE, &queue).await?;
    Ok(())
}
