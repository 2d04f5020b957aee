//! Confluent's own client works against the portal as against a schema registry: its serializers register and find what
//! they need, its consumers read by the ids in the records, and what hurts somebody is refused.

use std::time::Duration;

use anyhow::{Context, ensure};
use demo::kafka::Broker;
use demo::wait::until;
use mesh_protocol::schema_id;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use system_tests::kafka::{self, read_until};
use system_tests::mesh::Mesh;
use system_tests::serializers::Python;

const CLIENT: &str = include_str!("client.py");
const READ_LIMIT: Duration = Duration::from_secs(60);
/// What is in a cluster is in the catalog within this time.
const SHOWN: Duration = Duration::from_secs(60);

/// The answer of one step, which is a process of its own.
async fn step(mesh: &Mesh, python: &Python, name: &str, token: &str, bootstrap: &str) -> anyhow::Result<Value> {
    let script = mesh.path("client.py");
    std::fs::write(&script, CLIENT).context("write the script")?;
    let url = format!("{}/registry", mesh.portal_url());
    let told = python.run(name, &script, &[name, &url, token, bootstrap], &mesh.path("logs")).await?;
    let line = told.lines().rfind(|line| line.starts_with('{')).with_context(|| format!("{name} said {told}"))?;
    serde_json::from_str(line).with_context(|| format!("read what {name} said: {line}"))
}

async fn token(mesh: &Mesh, name: &str, role: &str) -> anyhow::Result<String> {
    let made = mesh.api.post("tokens", &json!({ "name": name, "role": role })).await?;
    Ok(made["secret"].as_str().context("a token has a secret")?.to_owned())
}

#[tokio::test]
async fn the_official_client_serializes_and_deserializes_through_the_portal() -> anyhow::Result<()> {
    let python = Python::fetch().await?;
    let mut mesh = Mesh::start().await?;
    let broker = kafka::start(&mesh, "kafka-a", &[]).await?;
    let site = mesh.site("hq", None).await?;
    let connection = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": false,
        "discover": true, "browse": true });
    mesh.api.post("brokers", &connection).await?;
    broker.create_topics(&[("orders", 1), ("carts", 1), ("payments", 1)]).await?;
    let bootstrap = broker.bootstrap();
    let shop = json!({ "name": "shop", "owner": "Store Systems", "kafka_topics": ["orders*", "shop.*"] });
    mesh.api.post("domains", &shop).await?;
    let (service, viewer) = (token(&mesh, "service", "developer").await?, token(&mesh, "reader", "viewer").await?);

    let ids = step(&mesh, &python, "write", &service, &bootstrap).await?;
    let subjects: Vec<&String> = ids.as_object().context("subjects with their ids")?.keys().collect();
    let all = ["carts-value", "orders-value", "payments-value", "shop money", "shop.Line", "shop/money.proto"];
    ensure!(subjects == all, "{ids}");
    let evolved = step(&mesh, &python, "evolve", &service, &bootstrap).await?;
    ensure!(evolved["code"] == 409, "{evolved}");
    // It may only read.
    let read = step(&mesh, &python, "read", &viewer, &bootstrap).await?;
    ensure!(read == json!({ "orders": 22, "carts": 20, "payments": 21 }), "{read}");
    let stranger = step(&mesh, &python, "stranger", "mps_nobody", &bootstrap).await?;
    ensure!(stranger["code"] == 40101, "{stranger}");

    // The ids are in the records, where agents will find them.
    for (topic, count) in [("orders", 22), ("carts", 20), ("payments", 21)] {
        let config = broker.admin_config();
        let records = tokio::task::spawn_blocking(move || {
            read_until(&config, topic, READ_LIMIT, |records| records.len() >= count)
        })
        .await
        .context("read")??;
        let expected = ids[format!("{topic}-value")].as_u64();
        let (id, payload) = schema_id::split(&records[0].value).context("a record names its schema")?;
        ensure!(Some(u64::from(id.get())) == expected, "{topic}: {id} instead of {expected:?}");
        if topic == "payments" {
            let (indexes, _) = schema_id::message_indexes(payload).context("a record names its message")?;
            ensure!(indexes == [1], "the second message of its file: {indexes:?}");
        }
    }
    // One catalog: what was registered is released there.
    let order = mesh.api.find("designs", "/subject/name", "orders-value").await?.context("the schema is there")?;
    let numbers: Vec<&Value> = order["versions"].as_array().into_iter().flatten().map(|row| &row["number"]).collect();
    ensure!(numbers == ["1.1.0", "1.0.0"] && order["domain_name"] == "shop", "{order}");
    ensure!(order["versions"][0]["registered"] == json!({ "version": 2, "id": evolved["wider"] }), "{order}");
    let payment = mesh.api.find("designs", "/subject/name", "payments-value").await?.context("the schema is there")?;
    ensure!(payment["domain_name"] == "unclaimed", "{payment}");
    records_are_read_with_their_schemas(&mesh).await?;
    values_are_masked_by_tag_and_role(&mesh, &order, &service).await?;
    a_delicate_schema_is_masked_wherever_it_is_named(&mesh, &broker, &service).await?;
    the_lines_of_a_topics_page_work(&mesh, &python).await?;
    mesh.passed()
}

/// The newest records of a topic, as `token` sees them; none = as an admin does.
async fn records(mesh: &Mesh, topic: &str, token: Option<&str>) -> anyhow::Result<Value> {
    let found =
        until("the topic is in the catalog", SHOWN, async || mesh.api.find("catalog?kind=topic", "/name", topic).await)
            .await?;
    let path = format!("catalog/{}/records", found["id"].as_str().context("an id")?);
    let api = match token {
        Some(token) => mesh.api.with_token(token)?,
        None => mesh.api.clone(),
    };
    api.post(&path, &json!({ "limit": 3 })).await
}

fn payloads(page: &Value) -> anyhow::Result<Vec<Value>> {
    let items = page["items"].as_array().context("records")?;
    let payload = |item: &Value| {
        let payload = &item["payload"];
        ensure!(payload["form"] == "json" && payload["schema"]["problem"].is_null(), "{payload}");
        serde_json::from_str(payload["text"].as_str().context("a text")?).context("JSON")
    };
    items.iter().map(payload).collect()
}

/// What the official client wrote in three formats is read by the ids in the records.
async fn records_are_read_with_their_schemas(mesh: &Mesh) -> anyhow::Result<()> {
    let orders = records(mesh, "orders", None).await?;
    let told = payloads(&orders)?;
    let newest = json!({ "id": "o21", "lines": [{ "sku": "tea", "count": 21 }], "note": "new" });
    let before = json!({ "id": "o20", "lines": [{ "sku": "tea", "count": 20 }] });
    ensure!(told[..2] == [newest, before], "{orders}");
    let names: Vec<&Value> = (0..2).map(|at| &orders["items"][at]["payload"]["schema"]["name"]).collect();
    ensure!(names == ["orders-value version 2", "orders-value version 1"], "{orders}");
    let carts = payloads(&records(mesh, "carts", None).await?)?;
    ensure!(carts[0] == json!({ "id": 19, "total": { "amount": 19.5, "currency": "EUR" } }), "{carts:?}");
    let payments = payloads(&records(mesh, "payments", None).await?)?;
    let newest = json!({ "id": "p20", "amount": { "units": "20", "currencyCode": "EUR" }, "at": "2023-11-14T22:13:40Z",
        "note": "paid" });
    ensure!(payments[0] == newest, "{payments:?}");
    Ok(())
}

/// No subject of the topic says so: the records themselves name the schema that is tagged.
async fn a_delicate_schema_is_masked_wherever_it_is_named(
    mesh: &Mesh,
    broker: &Broker,
    developer: &str,
) -> anyhow::Result<()> {
    broker.create_topics(&[("copies", 1)]).await?;
    let config = broker.admin_config();
    let copied = tokio::task::spawn_blocking(move || {
        let orders = read_until(&config, "orders", READ_LIMIT, |records| !records.is_empty())?;
        let producer: BaseProducer = config.create().context("make a producer")?;
        let record = BaseRecord::<[u8], [u8]>::to("copies").payload(&orders[0].value);
        producer.send(record).map_err(|(error, _)| error).context("send")?;
        producer.flush(READ_LIMIT).context("flush")
    });
    copied.await.context("copy a record")??;
    let masked = records(mesh, "copies", Some(developer)).await?;
    ensure!(payloads(&masked)?[0]["id"] == "•••", "{masked}");
    ensure!(payloads(&records(mesh, "copies", None).await?)?[0]["id"] != "•••", "an admin sees it");
    Ok(())
}

/// What the page says about connecting is run as it stands there, but for its having an end.
async fn the_lines_of_a_topics_page_work(mesh: &Mesh, python: &Python) -> anyhow::Result<()> {
    let carts = mesh.api.find("catalog?kind=topic", "/name", "carts").await?.context("the topic is there")?;
    let object = mesh.api.get(&format!("catalog/{}", carts["id"].as_str().context("an id")?)).await?;
    let snippets = object["connect"].as_array().context("lines")?;
    let text = snippets.iter().find(|lines| lines["title"].as_str().is_some_and(|title| title.contains("Python")));
    let text = text.and_then(|lines| lines["text"].as_str()).context("lines of Python")?;
    let script = mesh.path("connect.py");
    std::fs::write(&script, text.replace("while True:", "for _ in range(20):")).context("write the lines")?;
    let told = python.run("connect", &script, &[], &mesh.path("logs")).await?;
    ensure!(told.contains("b'k'") && told.contains("EUR"), "{told}");
    Ok(())
}

/// What is tagged keeps its shape for a developer, and its values for an admin.
async fn values_are_masked_by_tag_and_role(mesh: &Mesh, order: &Value, developer: &str) -> anyhow::Result<()> {
    let mut config = order["config"].clone();
    config["tags"] = json!(["PII"]);
    let id = order["id"].as_str().context("an id")?;
    mesh.api.put(&format!("designs/{id}"), order, &config).await?;
    let masked = records(mesh, "orders", Some(developer)).await?;
    ensure!(masked["masked"].as_str().is_some_and(|why| why.contains("PII")), "{masked}");
    let shape = json!({ "id": "•••", "lines": [{ "sku": "•••", "count": "•••" }], "note": "•••" });
    ensure!(payloads(&masked)?[0] == shape, "{masked}");
    ensure!(masked["items"][0]["key"]["form"] == "masked", "{masked}");
    let whole = records(mesh, "orders", None).await?;
    ensure!(whole["masked"].is_null() && payloads(&whole)?[0]["id"] == "o21", "{whole}");
    Ok(())
}
