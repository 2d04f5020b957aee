//! The consumer of the mesh's topic in Kafka.

use std::time::Duration;

use demo::kafka::ClientConfig;
use rdkafka::message::{Headers, Message};

use super::load::{Book, KAFKA, Stop};
use crate::kafka::from_beginning;

/// Longest wait for a record.
const LOOK: Duration = Duration::from_millis(100);
/// Says that a record may be a repeat.
const REDELIVERED: &str = "mesh-redelivered";

/// Reads a topic from its beginning on, whatever happens to Kafka meanwhile; blocks its thread until it shall stop.
///
/// # Errors
/// There is no such topic.
pub(super) fn read(config: &ClientConfig, topic: &str, book: &Book, stop: &Stop) -> anyhow::Result<()> {
    let consumer = from_beginning(config, topic)?;
    while !stop.is_set() {
        // An error is Kafka's being away, which is meant.
        let Some(Ok(record)) = consumer.poll(LOOK) else { continue };
        let flagged = record.headers().is_some_and(|headers| headers.iter().any(|header| header.key == REDELIVERED));
        book.open().deliver(KAFKA, record.payload().unwrap_or_default(), flagged);
    }
    Ok(())
}
