//! Kafka to Kafka through one agent, against MirrorMaker 2: the same two brokers, the same records.

use std::time::{Duration, Instant};

use anyhow::Context;
use demo::kafka::{Broker, Jars};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::json;

use super::Line;
use crate::kafka;
use crate::mesh::Mesh;

const RECORDS: usize = 300_000;
const RECORD_BYTES: usize = 1024;
const PARTITIONS: i32 = 6;
/// Nobody needs longer for that many records.
const LIMIT: Duration = Duration::from_secs(600);

pub(super) async fn cluster_to_cluster() -> anyhow::Result<Line> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let a = kafka::start(&mesh, "kafka-a", &[]).await?;
    let b = kafka::start(&mesh, "kafka-b", &[]).await?;
    a.create_topics(&[("bench", PARTITIONS)]).await?;
    b.create_topics(&[("ours", PARTITIONS), ("a.bench", PARTITIONS)]).await?;
    let config = a.admin_config();
    tokio::task::spawn_blocking(move || fill(&config)).await.context("write records")??;

    let mut ids = Vec::new();
    for (name, broker) in [("a", &a), ("b", &b)] {
        let input = json!({ "site": site["id"], "name": name, "bootstrap": [broker.bootstrap()], "tls": false, "discover": false });
        ids.push(mesh.api.post("brokers", &input).await?["id"].clone());
    }
    let route = json!({
        "name": "bench", "enabled": true, "mode": "guaranteed",
        "from": { "kind": "kafka", "broker": ids[0], "topics": ["bench"], "template": "bench/{partition}", "start": "earliest" },
        "to": { "kind": "kafka", "broker": ids[1], "topic": "ours" },
    });
    let made = mesh.api.post("routes", &route).await?;
    let ours = arrival_rate(&b, "ours").await?;
    let id = made["id"].as_str().context("read the id of the route")?;
    mesh.api.delete(&format!("routes/{id}"), &made).await?;

    let mut peer = kafka::start_mirror_maker(&mesh, &Jars::fetch()?, &a, &b)?;
    let theirs = arrival_rate(&b, "a.bench").await?;
    peer.check()?;
    mesh.passed()?;
    Ok(Line {
        work: format!("Kafka to Kafka, one agent, {RECORD_BYTES} B"),
        ours,
        peer: "MirrorMaker 2",
        theirs,
        bar: 1.8,
    })
}

fn fill(config: &ClientConfig) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.set("linger.ms", "20").set("batch.size", "1000000");
    let producer: BaseProducer = config.create().context("make a producer")?;
    let payload = vec![b'x'; RECORD_BYTES];
    for number in 0..RECORDS {
        let key = number.to_be_bytes();
        let mut record = BaseRecord::to("bench").key(&key[..]).payload(&payload);
        while let Err((error, again)) = producer.send(record) {
            let full = rdkafka::error::RDKafkaErrorCode::QueueFull;
            anyhow::ensure!(error.rdkafka_error_code() == Some(full), "write a record: {error}");
            producer.poll(Duration::from_millis(20));
            record = again;
        }
    }
    producer.flush(Duration::from_secs(60)).context("flush the producer")
}

/// Records per second from the first that is seen at the target to the last.
async fn arrival_rate(broker: &Broker, topic: &'static str) -> anyhow::Result<f64> {
    let config = broker.admin_config();
    tokio::task::spawn_blocking(move || {
        let mut config = config.clone();
        config.set("group.id", "bench-reader").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().context("make a consumer")?;
        let end = || -> anyhow::Result<i64> {
            (0..PARTITIONS)
                .map(|partition| Ok(consumer.fetch_watermarks(topic, partition, Duration::from_secs(10))?.1))
                .sum::<Result<i64, rdkafka::error::KafkaError>>()
                .context("ask how far the target is")
        };
        let all = i64::try_from(RECORDS).context("few records")?;
        let began = Instant::now();
        let (mut first, mut at_first) = (None, 0);
        loop {
            let now = end()?;
            if now > 0 && first.is_none() {
                (first, at_first) = (Some(Instant::now()), now);
            }
            if let (Some(first), true) = (first, now >= all) {
                return Ok((all - at_first) as f64 / first.elapsed().as_secs_f64());
            }
            anyhow::ensure!(began.elapsed() < LIMIT, "{now} of {all} records arrived in {topic}");
            std::thread::sleep(Duration::from_millis(20));
        }
    })
    .await
    .context("watch the target")?
}
