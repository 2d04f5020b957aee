//! What an independent client does appears, and goes stale when it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::wait::until;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};
use system_tests::kafka;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;

/// A change in a cluster shows within this time.
const FOUND: Duration = Duration::from_secs(60);
/// Traffic of an undeclared client shows within this time.
const OBSERVED: Duration = Duration::from_secs(15);
/// What stopped is called stale within this time.
const STALE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn topics_and_groups_of_an_independent_client_appear() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let broker = kafka::start(&mesh, "kafka-a", &[]).await?;
    let input = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": false, "discover": true });
    mesh.api.post("brokers", &input).await?;
    until("the cluster is found", FOUND, async || mesh.api.find("catalog?kind=cluster", "/broker", "kafka-a").await)
        .await?;

    let made = Instant::now();
    broker.create_topics(&[("made.later", 3)]).await?;
    let mut config = broker.admin_config();
    config.set("group.id", "independent").set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    consumer.subscribe(&["made.later"]).context("subscribe")?;
    // A member of the group as long as the test needs one.
    let done = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&done);
    let polling = tokio::task::spawn_blocking(move || {
        while !stop.load(Ordering::Relaxed) && made.elapsed() < FOUND {
            let _ = consumer.poll(Duration::from_millis(200));
        }
    });
    let topic =
        until("the topic appears", FOUND, async || mesh.api.find("catalog?kind=topic", "/name", "made.later").await)
            .await?;
    anyhow::ensure!(topic["partitions"] == 3 && topic["broker"] == "kafka-a", "{topic}");
    until("the group appears", FOUND, async || mesh.api.find("catalog?kind=group", "/name", "independent").await)
        .await?;
    anyhow::ensure!(made.elapsed() < FOUND, "it took {} s", made.elapsed().as_secs());
    done.store(true, Ordering::Relaxed);
    polling.await.context("end the member of the group")?;
    mesh.passed()
}

#[tokio::test]
async fn an_undeclared_client_is_observed_and_goes_stale() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let sensor = mesh.client("sensor-1", &[("publish", "sensors/>"), ("subscribe", "sensors/>")]).await?;
    mesh.applied().await?;
    let client = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &sensor).await?;
    client.subscribe("sensors/+/+").await?;
    let began = Instant::now();
    let edge = until("the client's edge is observed", OBSERVED, async || {
        client.publish("sensors/berlin/temp", "21").await?;
        let graph = mesh.api.get("graph").await?;
        Ok(edge_of(&graph, "sensor-1").filter(|edge| edge["evidence"]["observed"] == true).cloned())
    })
    .await?;
    anyhow::ensure!(began.elapsed() < OBSERVED, "it took {} s", began.elapsed().as_secs());
    anyhow::ensure!(edge["evidence"]["declared"] == false, "nobody declared it: {edge}");
    drop(client);
    until("the client's node is stale", STALE, async || {
        let graph = mesh.api.get("graph?stale=true").await?;
        let nodes = graph["nodes"].as_array().context("a graph has nodes")?;
        let node = nodes.iter().find(|node| node["label"] == "sensor-1");
        Ok(node.filter(|node| node["stale"] == true).map(drop))
    })
    .await?;
    mesh.passed()
}

/// The edge that leaves the node with this label.
fn edge_of<'a>(graph: &'a Value, label: &str) -> Option<&'a Value> {
    let node = graph["nodes"].as_array()?.iter().find(|node| node["label"] == label)?;
    graph["edges"].as_array()?.iter().find(|edge| edge["from"] == node["id"])
}
