//! Schema registries: what an independent client does in an independent registry appears, and one that wants a login says
//! how to give it one.

use std::time::Duration;

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::apicurio::Registry;
use system_tests::kafka;
use system_tests::mesh::Mesh;
use system_tests::serializers::Python;

const CLIENT: &str = include_str!("registry.py");
/// A change in a registry shows within this time.
const SHOWN: Duration = Duration::from_secs(60);

/// One step of the client, which is a process of its own.
async fn step(mesh: &Mesh, python: &Python, name: &str, url: &str) -> anyhow::Result<()> {
    let script = mesh.path("registry.py");
    std::fs::write(&script, CLIENT).context("write the script")?;
    python.run(name, &script, &[name, url], &mesh.path("logs")).await.map(drop)
}

/// One object of the catalog with everything of its page, once it is as it should be.
async fn object(mesh: &Mesh, kind: &str, name: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    until(&format!("{kind} {name} is shown as it is"), SHOWN, async || {
        let Some(row) = mesh.api.find(&format!("catalog?kind={kind}"), "/name", name).await? else { return Ok(None) };
        let object = mesh.api.get(&format!("catalog/{}", row["id"].as_str().context("an id")?)).await?;
        Ok(is(&object).then_some(object))
    })
    .await
}

fn is_related(object: &Value, relation: &str, name: &str) -> bool {
    let related = object["related"].as_array().into_iter().flatten();
    related.into_iter().any(|other| other["relation"] == relation && other["name"] == name)
}

#[tokio::test]
async fn what_a_client_does_in_a_registry_appears() -> anyhow::Result<()> {
    let python = Python::fetch().await?;
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let broker = kafka::start(&mesh, "kafka-a", &[]).await?;
    broker.create_topics(&[("orders", 1)]).await?;
    let kafka = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": false, "discover": true });
    mesh.api.post("brokers", &kafka).await?;
    let registry = Registry::start(&mesh).await?;
    let input = json!({ "site": site["id"], "name": "schemas", "kind": "schema_registry", "url": registry.url(), "discover": true });
    let made = mesh.api.post("brokers", &input).await?;
    ensure!(made["config"]["url"] == registry.url() && made["config"]["kind"] == "schema_registry", "{made}");

    step(&mesh, &python, "register", registry.url()).await?;
    let subject = object(&mesh, "subject", "orders-value", |found| {
        found["facts"]["versions"][0]["id"].is_i64() && is_related(found, "describes the values of", "orders")
    })
    .await?;
    let versions = &subject["facts"]["versions"];
    ensure!(versions[0]["schema_type"] == "AVRO" && versions[1].is_null(), "{subject}");
    let whole = object(&mesh, "registry", "schemas", |found| found["facts"]["subjects"] == 2).await?;
    ensure!(whole["facts"]["compatibility"].is_string(), "{whole}");
    object(&mesh, "topic", "orders", |found| is_related(found, "values described by", "orders-value")).await?;
    until("search finds the subject", SHOWN, async || {
        let found = mesh.api.find("search?q=orders-value&kind=subject", "/name", "orders-value").await?;
        Ok(found.filter(|hit| hit["broker"] == "schemas"))
    })
    .await?;

    step(&mesh, &python, "evolve", registry.url()).await?;
    let subject = object(&mesh, "subject", "orders-value", |found| {
        found["facts"]["versions"][1]["id"].is_i64() && found["facts"]["compatibility"] == "FULL"
    })
    .await?;
    let reference = &subject["facts"]["versions"][1]["references"][0];
    ensure!(reference["subject"] == "money" && is_related(&subject, "is built on", "money"), "{subject}");
    object(&mesh, "subject", "money", |found| is_related(found, "is used by", "orders-value")).await?;
    let page = mesh.api.page("/brokers").await?;
    ensure!(page.contains("Schema registry at") && page.contains("2 subjects"), "{page}");

    step(&mesh, &python, "remove", registry.url()).await?;
    until("the subject is gone", SHOWN, async || {
        let left = mesh.api.find("catalog?kind=subject", "/name", "orders-value").await?;
        Ok(left.is_none().then_some(()))
    })
    .await?;
    mesh.passed()
}

/// What the agent says of its connection.
async fn says(mesh: &Mesh, words: &str) -> anyhow::Result<()> {
    until(&format!("the agent says {words}"), SHOWN, async || {
        let broker = mesh.api.find("brokers", "/config/name", "schemas").await?.context("the connection")?;
        let detail = broker["parts"][0]["detail"].as_str().unwrap_or_default();
        Ok(detail.contains(words).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_registry_that_wants_a_login_says_how_to_give_it_one() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let token = mesh.api.post("tokens", &json!({ "name": "discovery", "role": "viewer" })).await?;
    let token = token["secret"].as_str().context("a token has a secret")?;
    // The portal's own registry: nobody reads it without signing in.
    let url = format!("{}/registry", mesh.portal_url());
    let mut input =
        json!({ "site": site["id"], "name": "schemas", "kind": "schema_registry", "url": url, "discover": true });
    let mut broker = mesh.api.post("brokers", &input).await?;
    says(&mesh, "give the broker connection a login").await?;

    input["login"] = json!({ "username": "discovery", "secret": "schemas" });
    let path = format!("brokers/{}", broker["id"].as_str().context("an id")?);
    broker = mesh.api.put(&path, &broker, &input).await?;
    ensure!(broker["secret_command"] == "./mesh-agent secret set schemas", "{broker}");
    says(&mesh, "run `mesh-agent secret set schemas` on this machine").await?;
    mesh.set_secret("hq", "schemas", "mps_wrong")?;
    says(&mesh, "set it anew with `mesh-agent secret set schemas`").await?;
    mesh.set_secret("hq", "schemas", token)?;
    object(&mesh, "registry", "schemas", |found| found["facts"]["compatibility"] == "BACKWARD").await?;

    // A connection stays what it is, and routes lead to clusters alone.
    input["kind"] = json!("kafka_connect");
    let refused = mesh.api.put(&path, &broker, &input).await.expect_err("another kind").to_string();
    ensure!(refused.contains("\"kind\""), "{refused}");
    let route = json!({ "name": "orders", "enabled": true, "mode": "guaranteed", "note": "", "from": { "kind": "mesh", "filters": ["orders/>"] },
        "to": { "kind": "kafka", "broker": broker["id"], "topic": "orders", "key": "" } });
    let refused = mesh.api.post("routes", &route).await.expect_err("no cluster").to_string();
    ensure!(refused.contains("to.broker") && refused.contains("no Kafka cluster"), "{refused}");
    mesh.passed()
}
