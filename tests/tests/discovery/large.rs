//! A cluster of some size is known within seconds.

use std::time::{Duration, Instant};

use anyhow::Context;
use demo::wait::until;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::json;
use system_tests::SOON;
use system_tests::kafka;
use system_tests::mesh::Mesh;

const TOPICS: usize = 1_000;
const PARTITIONS: i32 = 4;
/// From the connection's creation until the portal shows all of it.
const FIRST: Duration = Duration::from_secs(10);

#[tokio::test]
async fn four_thousand_partitions_are_known_within_ten_seconds() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let broker = kafka::start(&mesh, "kafka-a", &[]).await?;
    let names: Vec<String> = (0..TOPICS).map(|number| format!("estate.{number:04}")).collect();
    for some in names.chunks(100) {
        let topics: Vec<(&str, i32)> = some.iter().map(|name| (name.as_str(), PARTITIONS)).collect();
        broker.create_topics(&topics).await?;
    }
    let mut config = broker.admin_config();
    config.set("enable.idempotence", "true");
    tokio::task::spawn_blocking(move || fill(&config, &names)).await.context("write a record to each partition")??;

    let input = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": false, "discover": true });
    let began = Instant::now();
    mesh.api.post("brokers", &input).await?;
    let last = until("the last topic is known", SOON, async || {
        mesh.api.find("catalog?kind=topic&q=estate.0999", "/name", "estate.0999").await
    })
    .await?;
    let took = began.elapsed();
    let page = mesh.api.get("catalog?kind=topic&limit=1").await?;
    anyhow::ensure!(page["total"].as_u64() >= Some(TOPICS as u64), "{}", page["total"]);
    let topic = mesh.api.get(&format!("catalog/{}", last["id"].as_str().context("an id")?)).await?;
    let partitions = topic["facts"]["partitions"].as_array().context("partitions")?;
    anyhow::ensure!(partitions.len() == PARTITIONS as usize, "{topic}");
    anyhow::ensure!(
        partitions.iter().all(|partition| partition["high"] == 1 && partition["bytes"].is_u64()),
        "{topic}"
    );
    anyhow::ensure!(topic["facts"]["producers"].as_array().is_some_and(|all| all.len() == 1), "{topic}");
    eprintln!("first discovery of {TOPICS} topics took {} ms", took.as_millis());
    anyhow::ensure!(took < FIRST, "it took {} s", took.as_secs_f64());
    mesh.passed()
}

/// One record into each partition.
fn fill(config: &rdkafka::ClientConfig, names: &[String]) -> anyhow::Result<()> {
    let producer: BaseProducer = config.create().context("make a producer")?;
    for name in names {
        for partition in 0..PARTITIONS {
            let record = BaseRecord::<(), str>::to(name).partition(partition).payload("a record");
            producer.send(record).map_err(|(error, _)| error).context("hand a record over")?;
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(SOON).context("wait until all are written")
}
