//! What the cluster is filled with.

use std::time::Duration;

use anyhow::Context;
use demo::kafka::Broker;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;

use super::{PARTITIONS, PATIENCE, TOPICS};

/// Topics made at once.
const CHUNK: usize = 100;

/// Name of a topic of the estate.
pub(super) fn name(number: usize) -> String {
    format!("estate.{number:05}")
}

/// All topics, with a record in each partition.
pub(super) async fn fill(broker: &Broker) -> anyhow::Result<()> {
    let admin: AdminClient<_> = broker.admin_config().create().context("make a Kafka client")?;
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(60)));
    for first in (0..TOPICS).step_by(CHUNK) {
        let names: Vec<String> = (first..first + CHUNK).map(name).collect();
        let one = || TopicReplication::Fixed(1);
        let topics = names.iter().map(|name| NewTopic::new(name, PARTITIONS, one()));
        let topics: Vec<_> = topics.collect();
        for answer in admin.create_topics(&topics, &options).await.context("create topics")? {
            match answer {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => anyhow::bail!("create topic {topic}: {code}"),
            }
        }
    }
    let mut config = broker.admin_config();
    config.set("message.timeout.ms", "300000").set("queue.buffering.max.messages", "200000");
    tokio::task::spawn_blocking(move || {
        let producer: BaseProducer = config.create().context("make a producer")?;
        for topic in (0..TOPICS).map(name) {
            for partition in 0..PARTITIONS {
                let record = BaseRecord::<(), str>::to(&topic).partition(partition).payload("a record");
                producer.send(record).map_err(|(error, _)| error).context("hand a record over")?;
            }
            producer.poll(Duration::ZERO);
        }
        producer.flush(PATIENCE).context("wait until all are written")
    })
    .await?
}
