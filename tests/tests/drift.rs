//! Drift in a mesh that runs: what clients were seen doing is adopted, and what is designed is pushed to policy and enforced.

use anyhow::{Context, ensure};
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::SubscribeReasonCode;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;

/// The event that the till's topics are of.
const ADDRESS: &str = "orders/{country}/created";

/// What the till sends; the number is told to nobody who only looks at the catalog.
const ORDER: &str = r#"{ "id": "o-1", "total": 73.25 }"#;

/// Does a task as it was previewed.
async fn done(mesh: &Mesh, path: &str, previewed_at: &str, task: &Value) -> anyhow::Result<Value> {
    let preview = mesh.api.post(previewed_at, task).await?;
    let conflicts = preview.get("conflicts").context("read how many lines cannot be")?;
    ensure!(conflicts == 0, "it cannot be: {preview}");
    mesh.api.post(path, &json!({ "preview": preview["preview"], "task": task })).await
}

async fn finding(mesh: &Mesh, query: &str, name: &str) -> anyhow::Result<Value> {
    until(&format!("{name} is found by {query}"), SOON, async || {
        mesh.api.find(&format!("drift?{query}"), "/name", name).await
    })
    .await
}

fn inputs(proposals: &Value, kind: &str) -> Vec<Value> {
    proposals[kind].as_array().into_iter().flatten().map(|one| one["input"].clone()).collect()
}

#[tokio::test]
async fn what_was_seen_is_adopted_and_what_is_designed_is_let_through() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    let board = mesh.client("board", &[]).await?;
    mesh.applied().await?;
    let address = mesh.listener("hq", "mqtt").await?;
    let till = MqttClient::connect(&address, &till).await?;
    let board = MqttClient::connect(&address, &board).await?;
    until("the till's topics are findings", SOON, async || {
        for country in ["fr", "de", "es"] {
            till.publish(&format!("orders/{country}/created"), ORDER).await?;
        }
        let page = mesh.api.get("drift?about=address&q=created").await?;
        Ok((page["total"] == 3).then_some(()))
    })
    .await?;
    finding(&mesh, "about=application&status=runtime_only", "till").await?;

    let page = mesh.api.get("catalog?kind=address&q=orders/fr").await?;
    let id = page["items"][0]["id"].as_str().context("the address is listed")?.to_owned();
    let shape = until("the agent tells what orders look like", SOON, async || {
        let object = mesh.api.get(&format!("catalog/{id}")).await?;
        Ok(object.get("shape").filter(|shape| !shape.is_null()).cloned())
    })
    .await?;
    let total = json!({ "path": "total", "kind": "number", "seen": shape["payloads"], "of": shape["payloads"] });
    ensure!(shape["fields"].as_array().is_some_and(|fields| fields.contains(&total)), "{shape}");
    ensure!(!shape.to_string().contains("73.25"), "values stay where they are: {shape}");

    // All of it in one task, with a board that shall read the event.
    let proposals = mesh.api.post("drift/proposals", &json!({ "matching": { "status": "runtime_only" } })).await?;
    let events = inputs(&proposals, "events");
    ensure!(events.iter().any(|event| event["address"] == ADDRESS), "three topics are one event: {proposals}");
    let mut applications = inputs(&proposals, "applications");
    let home = events[0]["domain"].clone();
    applications.push(json!({ "name": "board", "domain": home, "consumes": [ADDRESS] }));
    let task = json!({
        "kind": "adopt", "domains": inputs(&proposals, "domains"), "events": events, "applications": applications,
    });
    let made = done(&mesh, "drift", "drift/preview", &task).await.context("adopt everything")?;
    ensure!(made["sentence"].to_string().contains("1 schema"), "of what orders look like: {made}");
    finding(&mesh, "about=use&status=match", "till").await.context("the till does what it says")?;

    // The board is designed, may not read, and so was not seen reading.
    let refused = board.try_subscribe("orders/+/created").await?;
    ensure!(refused == SubscribeReasonCode::NotAuthorized, "nobody gave it the right: {refused:?}");
    let said = finding(&mesh, "about=use&status=design_only", "board").await?;
    let pushed = done(&mesh, "drift/push", "drift/push/preview", &json!({ "ids": [said["id"]] })).await?;
    ensure!(pushed["made"] == 1, "one rule for its one client: {pushed}");
    until("the board may subscribe", SOON, async || {
        Ok((board.try_subscribe("orders/+/created").await? != SubscribeReasonCode::NotAuthorized).then_some(()))
    })
    .await?;
    until("the board is seen reading what it says", SOON, async || {
        till.publish("orders/fr/created", ORDER).await?;
        mesh.api.find("drift?about=use&status=match", "/name", "board").await
    })
    .await?;
    let page = mesh.api.get("drift").await?;
    ensure!(page["counts"]["open"] == 0, "nothing is left to do: {page}");
    mesh.passed()
}
