//! Records of a topic are looked at through the agent: page by page, by text, by time, and as they come; as policy and
//! role let one, noted in the audit trail, and without a trace at the cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::kafka::Broker;
use demo::wait::until;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use system_tests::kafka;
use system_tests::mesh::Mesh;

const SHOWN: Duration = Duration::from_secs(60);
/// Records of the topic at first.
const RECORDS: usize = 130;

/// Writes records with these numbers.
async fn write(broker: &Broker, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let config = broker.admin_config();
    tokio::task::spawn_blocking(move || {
        let producer: BaseProducer = config.create().context("make a producer")?;
        for number in numbers {
            let (key, payload) = (format!("k{number}"), format!("{{\"order\":{number},\"city\":\"Lyon-{number}\"}}"));
            let headers = OwnedHeaders::new().insert(Header { key: "trace", value: Some(&format!("t{number}")) });
            let record = BaseRecord::to("orders").key(&key).payload(&payload).headers(headers);
            producer.send(record).map_err(|(error, _)| error).context("send")?;
        }
        producer.flush(Duration::from_secs(30)).context("flush")
    })
    .await
    .context("write")?
}

fn numbers(page: &Value) -> anyhow::Result<Vec<u64>> {
    let items = page["items"].as_array().context("records")?;
    let number = |item: &Value| {
        let payload: Value = serde_json::from_str(item["payload"]["text"].as_str().context("a text")?)?;
        payload["order"].as_u64().context("a number")
    };
    items.iter().map(number).collect()
}

#[tokio::test]
async fn records_are_looked_at_through_the_agent() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let broker = kafka::start(&mesh, "kafka-a", &[]).await?;
    broker.create_topics(&[("orders", 3)]).await?;
    let connection = |browse: bool| {
        json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": false, "discover": true,
            "browse": browse })
    };
    let made = mesh.api.post("brokers", &connection(false)).await?;
    write(&broker, 0..RECORDS).await?;
    let topic =
        until("the topic is found", SHOWN, async || mesh.api.find("catalog?kind=topic", "/name", "orders").await)
            .await?;
    let path = format!("catalog/{}/records", topic["id"].as_str().context("an id")?);

    // Nobody may until somebody lets them, and then only who has the right.
    let refused = mesh.api.post(&path, &json!({})).await.expect_err("nobody may").to_string();
    ensure!(refused.contains("nobody may look"), "{refused}");
    let id = made["id"].as_str().context("an id")?;
    mesh.api.put(&format!("brokers/{id}"), &made, &connection(true)).await?;
    let newest = until("policy has come to the agent", SHOWN, async || {
        Ok(mesh.api.post(&path, &json!({ "limit": 50 })).await.ok())
    })
    .await?;

    pages_hold_every_record_once(&mesh, &path, &newest).await?;
    a_text_a_place_and_a_time_narrow_the_look(&mesh, &path).await?;
    what_comes_is_followed(&mesh, &path, &broker, &newest).await?;
    let token = mesh.api.post("tokens", &json!({ "name": "reader", "role": "viewer" })).await?;
    let viewer = mesh.api.with_token(token["secret"].as_str().context("a secret")?)?;
    let refused = viewer.post(&path, &json!({})).await.expect_err("a viewer may not").to_string();
    ensure!(refused.contains("403"), "{refused}");
    let groups = mesh.api.get("catalog?kind=group").await?;
    ensure!(groups["total"] == 0, "a look leaves no group: {groups}");
    mesh.passed()
}

async fn pages_hold_every_record_once(mesh: &Mesh, path: &str, newest: &Value) -> anyhow::Result<()> {
    let times: Vec<i64> =
        newest["items"].as_array().context("records")?.iter().filter_map(|item| item["at"].as_i64()).collect();
    ensure!(times.len() == 50 && times.is_sorted_by(|a, b| a >= b), "the newest first: {times:?}");
    let first = &newest["items"][0];
    ensure!(first["headers"][0]["name"] == "trace" && first["key"]["form"] == "text", "{first}");
    let mut seen = numbers(newest)?;
    let mut older = newest["older"].clone();
    while !older.is_null() {
        let page = mesh.api.post(path, &json!({ "cursor": older, "limit": 50 })).await?;
        seen.extend(numbers(&page)?);
        older = page["older"].clone();
        ensure!(seen.len() <= RECORDS, "a record came twice");
    }
    let all: BTreeSet<u64> = seen.iter().copied().collect();
    ensure!(seen.len() == RECORDS && all.len() == RECORDS, "{} records, {} of them different", seen.len(), all.len());
    Ok(())
}

async fn a_text_a_place_and_a_time_narrow_the_look(mesh: &Mesh, path: &str) -> anyhow::Result<()> {
    let found = mesh.api.post(path, &json!({ "find": "lyon-77" })).await?;
    ensure!(numbers(&found)? == [77] && found["looked_at"] == RECORDS, "{found}");
    ensure!(numbers(&mesh.api.post(path, &json!({ "find": "T12" })).await?)?.contains(&12), "a header is found");
    let here = mesh.api.post(path, &json!({ "partition": 1, "offset": 4, "limit": 5 })).await?;
    let offsets: Vec<&Value> =
        here["items"].as_array().context("records")?.iter().map(|item| &item["offset"]).collect();
    ensure!(offsets == [8, 7, 6, 5, 4], "{here}");
    let ever = mesh.api.post(path, &json!({ "since": 1, "limit": 200 })).await?;
    ensure!(numbers(&ever)?.len() == RECORDS, "all of them are newer than 1970");
    let future = mesh.api.post(path, &json!({ "since": 4_000_000_000_000_i64 })).await?;
    ensure!(numbers(&future)?.is_empty(), "{future}");
    let wrong = mesh.api.post(path, &json!({ "partition": 9 })).await.expect_err("there is none").to_string();
    ensure!(wrong.contains("no partition 9"), "{wrong}");
    Ok(())
}

async fn what_comes_is_followed(mesh: &Mesh, path: &str, broker: &Broker, newest: &Value) -> anyhow::Result<()> {
    let none = mesh.api.post(path, &json!({ "cursor": newest["newer"] })).await?;
    ensure!(numbers(&none)?.is_empty(), "{none}");
    write(broker, RECORDS..RECORDS + 3).await?;
    let come = mesh.api.post(path, &json!({ "cursor": none["newer"] })).await?;
    let come: BTreeSet<u64> = numbers(&come)?.into_iter().collect();
    let expected: BTreeSet<u64> = (RECORDS..RECORDS + 3).map(|number| number as u64).collect();
    ensure!(come == expected, "{come:?}");
    Ok(())
}
