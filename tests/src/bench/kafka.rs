//! Kafka to Kafka through one agent, against MirrorMaker 2: the same two brokers, the same records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use demo::kafka::{Broker, Jars};
use demo::process::Process;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::json;

use super::{Entry, Measured, Meter};
use crate::kafka;
use crate::mesh::Mesh;

/// Bytes of a record and how many of them: enough that the peer's virtual machine is warm for most of the time.
pub(super) const SIZES: [(usize, usize); 2] = [(1024, 600_000), (100, 1_500_000)];
const PARTITIONS: i32 = 6;
/// Nobody needs longer for that many records.
const LIMIT: Duration = Duration::from_secs(600);
/// Between two looks at how far the target is.
const LOOK: Duration = Duration::from_millis(20);

/// Two clusters and what lies in the first.
struct Clusters {
    from: Broker,
    to: Broker,
    bytes: usize,
    records: usize,
}

pub(super) async fn cluster_to_cluster((bytes, records): (usize, usize)) -> anyhow::Result<Entry> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let from = kafka::start(&mesh, "kafka-a", &[]).await?;
    let to = kafka::start(&mesh, "kafka-b", &[]).await?;
    from.create_topics(&[("bench", PARTITIONS)]).await?;
    to.create_topics(&[("ours", PARTITIONS), ("a.bench", PARTITIONS)]).await?;
    let config = from.admin_config();
    tokio::task::spawn_blocking(move || fill(&config, bytes, records)).await.context("write records")??;
    let clusters = Clusters { from, to, bytes, records };

    let ours = clusters.ours(&mut mesh, &site["id"]).await?;
    let jars = Jars::fetch().await?;
    let mut peer = kafka::start_mirror_maker(&mesh, &jars, &clusters.from, &clusters.to)?;
    let theirs = clusters.watch("a.bench", &mut peer).await?;
    mesh.passed()?;
    Ok(Entry {
        work: format!("Kafka to Kafka, {records} records of {bytes} B in {PARTITIONS} partitions, uncompressed"),
        promise: "at least once, offsets committed after the target has them, acks=all; ours is an idempotent producer \
                  and checks rights per record, the peer is not and has none",
        ours,
        peer: "MirrorMaker 2 (4.1.1)".to_owned(),
        theirs,
        bar: Some(if bytes >= 1024 { 1.8 } else { 1.0 }),
        limit: None,
    })
}

impl Clusters {
    async fn ours(&self, mesh: &mut Mesh, site: &serde_json::Value) -> anyhow::Result<Measured> {
        let mut ids = Vec::new();
        for (name, broker) in [("a", &self.from), ("b", &self.to)] {
            let input = json!({ "site": site, "name": name, "bootstrap": [broker.bootstrap()], "tls": false, "discover": false });
            ids.push(mesh.api.post("brokers", &input).await?["id"].clone());
        }
        let route = json!({
            "name": "bench", "enabled": true, "mode": "guaranteed",
            "from": { "kind": "kafka", "broker": ids[0], "topics": ["bench"], "template": "bench/{partition}", "start": "earliest" },
            "to": { "kind": "kafka", "broker": ids[1], "topic": "ours" },
        });
        let made = mesh.api.post("routes", &route).await?;
        let measured = self.watch("ours", mesh.agent("hq")?).await?;
        let id = made["id"].as_str().context("read the id of the route")?;
        mesh.api.delete(&format!("routes/{id}"), &made).await?;
        mesh.applied().await?;
        Ok(measured)
    }

    /// Records per second from the first that is seen in a topic of the target to the last, and what it cost the program
    /// that brings them; then all of them are read and checked.
    async fn watch(&self, topic: &'static str, program: &mut Process) -> anyhow::Result<Measured> {
        let all = i64::try_from(self.records).context("few records")?;
        let (began, mut first) = (Instant::now(), None);
        let config = self.to.admin_config();
        let client: Arc<BaseConsumer> = Arc::new(config.create().context("make a consumer")?);
        let (arrived, took, meter) = loop {
            program.check()?;
            let client = client.clone();
            let now =
                tokio::task::spawn_blocking(move || end(&client, topic)).await.context("look at the target")??;
            match &first {
                None if now > 0 => first = Some((now, Instant::now(), Meter::start(program.id())?)),
                Some(_) if now >= all => {
                    let (before, since, meter) = first.take().expect("it is there");
                    break (all - before, since.elapsed(), meter);
                }
                _ => {}
            }
            ensure!(began.elapsed() < LIMIT, "{now} of {all} records arrived in {topic}");
            tokio::time::sleep(LOOK).await;
        };
        let (bytes, records) = (self.bytes, self.records);
        let (processor, peak) = meter.read(usize::try_from(arrived).context("few records")?)?;
        tokio::task::spawn_blocking(move || check(&config, topic, bytes, records))
            .await
            .context("read the target")??;
        Ok(Measured { per_second: arrived as f64 / took.as_secs_f64(), lost: 0, processor, peak, latency: None })
    }
}

fn fill(config: &ClientConfig, bytes: usize, records: usize) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.set("linger.ms", "20").set("batch.size", "1000000");
    let producer: BaseProducer = config.create().context("make a producer")?;
    let payload = vec![b'x'; bytes];
    for number in 0..records {
        let key = (number as u64).to_be_bytes();
        let mut record =
            BaseRecord::to("bench").key(&key[..]).payload(&payload).partition(source_partition(number as u64));
        while let Err((error, again)) = producer.send(record) {
            let full = rdkafka::error::RDKafkaErrorCode::QueueFull;
            ensure!(error.rdkafka_error_code() == Some(full), "write a record: {error}");
            producer.poll(Duration::from_millis(20));
            record = again;
        }
    }
    producer.flush(Duration::from_secs(60)).context("flush the producer")
}

/// Where a record lies in the first cluster.
fn source_partition(number: u64) -> i32 {
    i32::try_from(number % PARTITIONS as u64).expect("there are few partitions")
}

/// How many records a topic holds.
fn end(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<i64> {
    (0..PARTITIONS)
        .map(|partition| Ok(consumer.fetch_watermarks(topic, partition, Duration::from_secs(10))?.1))
        .sum::<Result<i64, rdkafka::error::KafkaError>>()
        .context("ask how far the target is")
}

/// Reads a topic of the target: every record once, as long as it was, and those of one partition of the source still in
/// their order.
fn check(config: &ClientConfig, topic: &str, bytes: usize, records: usize) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.set("group.id", "bench-reader").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    let mut places = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        places.add_partition_offset(topic, partition, Offset::Beginning).context("choose where to begin")?;
    }
    consumer.assign(&places).context("begin to read")?;
    let mut newest = BTreeMap::new();
    for read in 0..records {
        let record = consumer.poll(Duration::from_secs(20));
        let record = record.with_context(|| format!("only {read} of {records} records are in {topic}"))?;
        let record = record.context("read a record")?;
        let key = record.key().and_then(|key| key.try_into().ok());
        let number = u64::from_be_bytes(key.context("a record has lost its key")?);
        ensure!(record.payload().map(<[u8]>::len) == Some(bytes), "record {number} was altered");
        // A key has one partition. Numbers that only grow come once each, and so many of them are all.
        let before = newest.insert((source_partition(number), record.partition()), number);
        ensure!(before < Some(number), "record {number} came after {before:?} in {topic}");
    }
    Ok(())
}
