//! Programs at headquarters that know only Kafka: one makes prices, the others read what came over the mesh.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;

use super::{now_ms, ticker};

/// How long a price may wait for the broker.
const DELIVERY_LIMIT: Duration = Duration::from_secs(30);
/// Between two attempts of a consumer whose broker is away.
const RETRY: Duration = Duration::from_secs(2);

/// Makes a price update once in `every`.
pub(super) fn prices(
    kafka: &ClientConfig,
    every: Duration,
) -> anyhow::Result<impl Future<Output = ()> + Send + use<> + 'static> {
    let mut config = kafka.clone();
    let producer: FutureProducer =
        config.set("client.id", "pricing").create().context("make the producer of prices")?;
    Ok(async move {
        let mut ticker = ticker(every);
        loop {
            ticker.tick().await;
            let (country, sku) =
                (["fr", "de"][rand::random_range(0..2)], format!("sku-{}", rand::random_range(100..400)));
            let body = json!({ "country": country, "sku": sku, "price_cents": rand::random_range(99..9_999), "at_ms": now_ms() });
            let body = body.to_string();
            let record = FutureRecord::to("pricing.updates").key(&sku).payload(&body);
            if let Err((error, _)) = producer.send(record, DELIVERY_LIMIT).await {
                tracing::info!(%error, "a price was not delivered");
            }
        }
    })
}

/// Reads a topic as a consumer group, so that there is a group with members and lag to see; `read` gets each value.
pub(super) fn consume(
    kafka: &ClientConfig,
    group: &str,
    topic: &str,
    read: impl Fn(&[u8]) + Send + 'static,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut config = kafka.clone();
    config.set("group.id", group).set("client.id", group).set("auto.offset.reset", "earliest");
    let consumer: StreamConsumer = config.create().with_context(|| format!("make the consumer of {group}"))?;
    consumer.subscribe(&[topic]).with_context(|| format!("subscribe {group} to {topic}"))?;
    Ok(async move {
        loop {
            match consumer.recv().await {
                Ok(record) => read(record.payload().unwrap_or_default()),
                Err(error) => {
                    tracing::debug!(%error, "a consumer waits for its broker");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    })
}
