//! Kafka Connect: connectors with their state, tasks and topics appear, nothing of their secrets does.

use std::time::Duration;

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::connect::Connect;
use system_tests::kafka;
use system_tests::mesh::Mesh;

/// A change in Kafka Connect shows within this time.
const SHOWN: Duration = Duration::from_secs(60);

async fn object(mesh: &Mesh, kind: &str, name: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    until(&format!("{kind} {name} is shown as it is"), SHOWN, async || {
        let Some(row) = mesh.api.find(&format!("catalog?kind={kind}"), "/name", name).await? else { return Ok(None) };
        let object = mesh.api.get(&format!("catalog/{}", row["id"].as_str().context("an id")?)).await?;
        Ok(is(&object).then_some(object))
    })
    .await
}

fn names(object: &Value, side: &str) -> Vec<String> {
    let rows = object[side].as_array().into_iter().flatten();
    rows.filter_map(|row| row["name"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn connectors_appear_with_what_they_do_and_nothing_of_their_secrets() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let broker = kafka::start(&mesh, "kafka-a", &[]).await?;
    broker.create_topics(&[("lines", 1), ("idle", 1)]).await?;
    let input = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": false, "discover": true });
    mesh.api.post("brokers", &input).await?;
    let connect = Connect::start(&mesh, &broker).await?;
    let input = json!({ "site": site["id"], "name": "connect", "kind": "kafka_connect", "url": connect.url(), "discover": true });
    mesh.api.post("brokers", &input).await?;

    let file = mesh.path("hunter2.txt");
    std::fs::write(&file, "one\ntwo\n").context("write the file")?;
    let class = |name: &str| format!("org.apache.kafka.connect.file.FileStream{name}Connector");
    let source = json!({ "connector.class": class("Source"), "tasks.max": "1", "topic": "lines", "file": file,
        "some.password": "hunter2" });
    connect.put("lines-in", &source).await?;
    let sink =
        json!({ "connector.class": class("Sink"), "tasks.max": "1", "topics": "lines", "file": "/nowhere/hunter2" });
    connect.put("lines-out", &sink).await?;
    // Of a topic that nobody writes to no use is seen.
    let idle =
        json!({ "connector.class": class("Sink"), "tasks.max": "1", "topics": "idle", "file": mesh.path("idle.txt") });
    connect.put("idle-out", &idle).await?;

    let lines = object(&mesh, "connect_connector", "lines-in", |found| {
        let facts = &found["facts"];
        facts["state"] == "RUNNING" && facts["topics_from"] == "use" && facts["tasks"][0]["state"] == "RUNNING"
    })
    .await?;
    let facts = &lines["facts"];
    ensure!(facts["direction"] == "source" && facts["topics"] == json!(["lines"]), "{facts}");
    let related = lines["related"].to_string();
    ensure!(related.contains("writes to") && related.contains("\"lines\""), "{related}");
    let out = object(&mesh, "connect_connector", "lines-out", |found| found["facts"]["tasks"][0]["state"] == "FAILED")
        .await?;
    let trouble = out["facts"]["tasks"][0]["trouble"].as_str().context("why it failed")?;
    ensure!(trouble.contains("ConnectException") && !trouble.contains('\n'), "{trouble}");
    object(&mesh, "connect_connector", "idle-out", |found| {
        found["facts"]["topics_from"] == "settings" && found["facts"]["topics"] == json!(["idle"])
    })
    .await?;
    let whole = object(&mesh, "connect", "connect", |found| found["facts"]["connectors"] == 3).await?;
    ensure!(whole["facts"]["version"] == "4.1.1" && whole["related"].to_string().contains("works with"), "{whole}");
    let topic =
        object(&mesh, "topic", "lines", |found| names(found, "producers").contains(&"lines-in".to_owned())).await?;
    ensure!(names(&topic, "consumers").contains(&"lines-out".to_owned()), "{topic}");
    until("search finds the connector", SHOWN, async || {
        mesh.api.find("search?q=lines-in&kind=connect_connector", "/name", "lines-in").await
    })
    .await?;
    let graph = mesh.api.get("graph").await?;
    let nodes = graph["nodes"].as_array().context("a graph has nodes")?;
    ensure!(nodes.iter().any(|node| node["label"] == "lines-in" && node["kind"] == "producer"), "{graph}");
    let page = mesh.api.page(&format!("/catalog/{}", lines["row"]["id"].as_str().context("an id")?)).await?;
    ensure!(page.contains("source: writes to Kafka") && !page.contains("hunter2"), "{page}");
    for told in [&lines["facts"]["config"], &out["facts"]["config"]] {
        ensure!(!told.to_string().contains("hunter2"), "{told}");
    }

    connect.delete("lines-out").await?;
    until("the connector is gone", SHOWN, async || {
        let left = mesh.api.find("catalog?kind=connect_connector", "/name", "lines-out").await?;
        Ok(left.is_none().then_some(()))
    })
    .await?;
    mesh.passed()
}
