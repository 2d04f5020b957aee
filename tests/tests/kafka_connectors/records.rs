//! Records written and read by an independent client, and the account of what arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::kafka::Broker;
use futures::future::join_all;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

/// Writes `count` records in `partitions` partitions; every value names its partition and its place there.
pub(crate) async fn fill(broker: &Broker, topic: &str, partitions: i32, from: i32, count: i32) -> anyhow::Result<()> {
    let mut config = broker.admin_config();
    config.set("linger.ms", "5").set("enable.idempotence", "true").set("queue.buffering.max.messages", "500000");
    let producer: FutureProducer = config.create().context("make a producer")?;
    let mut sent = Vec::new();
    for number in from..from + count {
        let (partition, place) = (number % partitions, number / partitions);
        let level = if place % 4 == 0 { "error" } else { "info" };
        let value = format!(r#"{{"partition":{partition},"place":{place},"level":"{level}"}}"#);
        let key = format!("k{}", number % 97);
        let headers = OwnedHeaders::new().insert(Header { key: "x-kind", value: Some("test") });
        let record = FutureRecord::to(topic).partition(partition).key(&key).payload(&value).headers(headers);
        sent.push(producer.send_result(record).map_err(|(error, _)| error).context("send")?);
    }
    for answer in join_all(sent).await {
        answer.context("the producer answers")?.map_err(|(error, _)| error).context("the broker takes it")?;
    }
    Ok(())
}

/// A record of the target topic: where it came from, its place there, and whether it is flagged.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) key: String,
    pub(crate) partition: i64,
    pub(crate) place: i64,
    pub(crate) redelivered: bool,
    pub(crate) kind: Option<String>,
}

/// Reads a topic from its beginning until it holds `enough` different records and nothing more comes; repeats are told
/// too.
pub(crate) fn read(broker: &Broker, topic: &str, enough: usize) -> anyhow::Result<Vec<Arrived>> {
    let mut config = broker.admin_config();
    config.set("group.id", "reader").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    let mut list = TopicPartitionList::new();
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(20))?;
    for partition in metadata.topics()[0].partitions() {
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let (mut found, mut different, mut quiet) = (Vec::new(), BTreeSet::new(), Instant::now());
    let mut trouble = None;
    while different.len() < enough || quiet.elapsed() < Duration::from_secs(2) {
        let count = different.len();
        anyhow::ensure!(quiet.elapsed() < Duration::from_secs(60), "{topic} has {count} of {enough}: {trouble:?}");
        let message = match consumer.poll(Duration::from_millis(100)) {
            None => continue,
            // A cluster that has just hung is not all there yet, and the library goes on by itself.
            Some(Err(error)) if !matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                trouble = Some(error);
                continue;
            }
            Some(message) => message?,
        };
        quiet = Instant::now();
        let value: serde_json::Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
        let header = |name: &str| {
            let headers = message.headers()?;
            let found = headers.iter().find(|header| header.key == name)?;
            Some(String::from_utf8_lossy(found.value?).into_owned())
        };
        let record = Arrived {
            key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
            partition: value["partition"].as_i64().context("partition")?,
            place: value["place"].as_i64().context("place")?,
            redelivered: header("mesh-redelivered").is_some(),
            kind: header("x-kind"),
        };
        different.insert((record.partition, record.place));
        found.push(record);
    }
    Ok(found)
}

/// Exactly the filtered set, each key's first arrivals in order, and no repeat that is not flagged.
pub(crate) fn check(arrived: &[Arrived], partitions: i64, count: i64) {
    let mut seen = BTreeSet::new();
    let mut last: BTreeMap<(String, i64), i64> = BTreeMap::new();
    for record in arrived {
        assert_eq!(record.kind.as_deref(), Some("test"), "headers travel");
        if !seen.insert((record.partition, record.place)) {
            assert!(record.redelivered, "a repeat without a flag: {record:?}");
            continue;
        }
        let before = last.insert((record.key.clone(), record.partition), record.place);
        assert!(before.is_none_or(|before| before < record.place), "overtaken after {before:?}: {record:?}");
    }
    let wanted: BTreeSet<_> = (0..count)
        .map(|number| (number % partitions, number / partitions))
        .filter(|(_, place)| place % 4 == 0)
        .collect();
    assert!(seen == wanted, "{} arrived, {} wanted", seen.len(), wanted.len());
}
