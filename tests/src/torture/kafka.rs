//! The consumer of the mesh's topic in Kafka.

use std::time::Duration;

use anyhow::Context;
use demo::kafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::load::{Book, KAFKA, Stop};

/// Longest wait for a record.
const LOOK: Duration = Duration::from_millis(100);
/// Says that a record may be a repeat.
const REDELIVERED: &str = "mesh-redelivered";

/// Reads a topic from its beginning on, whatever happens to Kafka meanwhile; blocks its thread until it shall stop.
///
/// # Errors
/// There is no such topic.
pub(super) fn read(config: &ClientConfig, topic: &str, book: &Book, stop: &Stop) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.set("group.id", "meshport-torture").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(20)).context("ask for the topic")?;
    let mut places = TopicPartitionList::new();
    for partition in metadata.topics().first().context("the topic exists")?.partitions() {
        places.add_partition_offset(topic, partition.id(), Offset::Beginning).context("choose where to begin")?;
    }
    consumer.assign(&places).context("begin to read")?;
    while !stop.is_set() {
        // An error is Kafka's being away, which is meant.
        let Some(Ok(record)) = consumer.poll(LOOK) else { continue };
        let flagged = record.headers().is_some_and(|headers| headers.iter().any(|header| header.key == REDELIVERED));
        book.open().deliver(KAFKA, record.payload().unwrap_or_default(), flagged);
    }
    Ok(())
}
