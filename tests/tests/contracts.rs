//! A contract of an event, from the REST API to every way into the mesh: a wrong payload is refused with its reason at MQTT
//! 5, MQTT 3.1.1, HTTP and a Kafka route, a right one is taken, and the portal tells who sent what. Once the contract diverts,
//! a wrong one is taken, is a dead letter of the agent, and goes out from there when nobody keeps it out any more.

use anyhow::{Context, ensure};
use demo::wait::until;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rumqttc::QoS;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::kafka::{self, committed};
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::{MqttClient, OldClient};

const ORDER: &str = r#"{"type":"object","required":["amount"],"properties":{"amount":{"type":"number"}}}"#;
const GOOD: &str = r#"{"amount":12.5}"#;
const BAD: &str = r#"{"amount":"4711"}"#;
const TOPIC: &str = "orders/fr/created";

fn id(object: &Value) -> anyhow::Result<String> {
    Ok(object["id"].as_str().context("read an id")?.to_owned())
}

async fn released(mesh: &Mesh, object: &Value, content: Value) -> anyhow::Result<Value> {
    let input = json!({ "number": "1.0.0", "content": content });
    let version = mesh.api.post(&format!("designs/{}/versions", id(object)?), &input).await?;
    let path = format!("design-versions/{}", id(&version)?);
    for to in ["in_review", "released"] {
        let now = mesh.api.get(&path).await?;
        let input = json!({ "revision": now["revision"], "value": { "to": to } });
        mesh.api.post(&format!("{path}/move"), &input).await?;
    }
    mesh.api.get(&path).await
}

/// An event of orders with a JSON Schema, released, whose wrong payloads are refused.
async fn order_created(mesh: &Mesh) -> anyhow::Result<String> {
    let domain = mesh.api.post("domains", &json!({ "name": "shop", "topics": ["orders/>"] })).await?;
    let object = async |kind: &str, name: &str| {
        mesh.api.post("designs", &json!({ "kind": kind, "name": name, "domain": domain["id"] })).await
    };
    let schema = object("schema", "order").await?;
    let content = json!({ "kind": "schema", "format": "JSON", "text": ORDER, "references": {} });
    let schema = released(mesh, &schema, content).await?;
    let event = object("event", "order-created").await?;
    let content = json!({ "kind": "event", "address": "orders/{country}/created", "schema": schema["id"] });
    released(mesh, &event, content).await?;
    let path = format!("designs/{}", id(&event)?);
    validated(mesh, &path, "rejected").await?;
    Ok(path)
}

/// Says what happens to wrong payloads of an event, and waits until every agent does it.
async fn validated(mesh: &Mesh, path: &str, validation: &str) -> anyhow::Result<()> {
    let event = mesh.api.get(path).await?;
    let mut config = event["config"].clone();
    config["validation"] = json!(validation);
    mesh.api.put(path, &event, &config).await?;
    mesh.applied().await
}

async fn post(address: &str, client: &Login, payload: &str) -> anyhow::Result<(u16, Value)> {
    let sent = reqwest::Client::new()
        .post(format!("http://{address}/v1/events/{TOPIC}"))
        .basic_auth(&client.username, Some(&client.secret))
        .body(payload.to_owned())
        .send();
    let response = sent.await.context("publish over HTTP")?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.unwrap_or_default()))
}

/// Writes records into a topic of one partition, in this order.
fn write(config: &ClientConfig, topic: &str, payloads: &[&str]) -> anyhow::Result<()> {
    let producer: BaseProducer = config.create().context("make a producer")?;
    for payload in payloads {
        let record = BaseRecord::<(), str>::to(topic).payload(payload);
        producer.send(record).map_err(|(error, _)| error).context("send a record")?;
    }
    producer.flush(SOON).context("write the records")
}

#[tokio::test]
async fn a_wrong_payload_is_refused_at_every_way_into_the_mesh_and_told() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    mesh.site("berlin", Some("hq")).await?;
    let event = order_created(&mesh).await?;
    let rights = [("publish", "orders/>"), ("subscribe", "orders/>")];
    let (till, old, web) = (
        mesh.client("till-7", &rights).await?,
        mesh.client("till-8", &rights).await?,
        mesh.client("shop", &rights).await?,
    );
    mesh.applied().await?;
    let mqtt = mesh.listener("berlin", "mqtt").await?;
    let http = mesh.listener("berlin", "http").await?;

    // Everybody's right payloads arrive here, at the other site, and nobody's wrong one.
    let reader = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &till).await?;
    reader.subscribe("orders/+/+").await?;
    let taken = |count: usize| {
        let reader = &reader;
        async move {
            until("the right payloads arrive", SOON, async || Ok((reader.messages().len() >= count).then_some(())))
                .await?;
            let wrong = reader.messages().iter().any(|message| message.payload.as_slice() != GOOD.as_bytes());
            ensure!(!wrong && reader.messages().len() == count, "{:?}", reader.messages());
            Ok(())
        }
    };

    // MQTT 5.
    let client = MqttClient::connect_as(&mqtt, &till.username, &till.secret, "till-7-berlin").await?;
    until("the event is taken", SOON, async || {
        Ok((client.publish(TOPIC, GOOD).await? == PubAckReason::Success).then_some(()))
    })
    .await?;
    let before = {
        until("it arrives", SOON, async || Ok((!reader.messages().is_empty()).then_some(()))).await?;
        reader.messages().len()
    };
    let refused = client.publish(TOPIC, BAD).await?;
    ensure!(refused == PubAckReason::PayloadFormatInvalid, "{refused:?}");
    ensure!(client.publish("orders/fr/paid", GOOD).await? != PubAckReason::PayloadFormatInvalid);
    taken(before + 1).await?;

    // MQTT 3.1.1 has no reasons: the connection ends.
    let mut legacy = OldClient::passing(&mqtt, &old).await?;
    legacy.client.publish(TOPIC, QoS::AtLeastOnce, false, GOOD).await?;
    legacy.wait(|packet| matches!(packet, rumqttc::Packet::PubAck(_)).then_some(())).await?;
    legacy.client.publish(TOPIC, QoS::AtLeastOnce, false, BAD).await?;
    let answered = legacy.wait(|packet| matches!(packet, rumqttc::Packet::PubAck(_)).then_some(())).await;
    ensure!(answered.is_err(), "a wrong payload was acknowledged");
    taken(before + 2).await?;

    // HTTP.
    let (status, problem) = post(&http, &web, BAD).await?;
    ensure!(status == 422, "{status}: {problem}");
    ensure!(problem["path"] == "$.amount" && problem["reason"] == "is not a number", "{problem}");
    ensure!(problem["contract"] == "order-created 1.0.0", "{problem}");
    let (status, answer) = post(&http, &web, GOOD).await?;
    ensure!(status == 202, "{status}: {answer}");
    taken(before + 3).await?;

    // A Kafka route: a dead letter, and the offset goes on.
    let kafka = kafka::start(&mesh, "kafka-a", &[]).await?;
    kafka.create_topics(&[("erp.orders", 1)]).await?;
    let input = json!({ "site": hq["id"], "name": "kafka-a", "bootstrap": [kafka.bootstrap()], "tls": false,
        "ca_pem": kafka.ca_pem(), "sasl": null, "discover": true });
    let broker = mesh.api.post("brokers", &input).await?;
    let config = kafka.admin_config();
    tokio::task::spawn_blocking(move || write(&config, "erp.orders", &[BAD, GOOD])).await.context("write")??;
    let from = json!({ "kind": "kafka", "broker": broker["id"], "topics": ["erp.orders"], "template": TOPIC,
        "filter": "", "start": "earliest" });
    let input = json!({ "name": "erp", "enabled": true, "from": from, "to": { "kind": "mesh" }, "mode": "guaranteed" });
    let route = mesh.api.post("routes", &input).await?;
    mesh.applied().await?;
    taken(before + 4).await?;
    let config = kafka.admin_config();
    let route_id = id(&route)?;
    let part = until("the dead letter is counted", SOON, async || {
        let route = mesh.api.get(&format!("routes/{route_id}")).await?;
        let parts = route["parts"].as_array().cloned().unwrap_or_default();
        Ok(parts.into_iter().find(|part| part["figures"].to_string().contains("poison")))
    })
    .await?;
    let at = until("the offset is committed", SOON, async || {
        let (config, route) = (config.clone(), route_id.clone());
        let at = tokio::task::spawn_blocking(move || committed(&config, &route, "erp.orders")).await?.unwrap_or(-1);
        Ok((at == 2).then_some(at))
    })
    .await?;
    ensure!(at == 2, "{at}: {part}");

    // And the portal tells.
    let contract = until("all of it is told", SOON, async || {
        let contract = mesh.api.get(&event).await?["contract"].clone();
        Ok((contract["invalid"].as_u64() >= Some(4)).then_some(contract))
    })
    .await?;
    ensure!(contract["invalid"] == 4, "{contract}");
    ensure!(contract["checked"].as_u64() >= Some(8), "{contract}");
    let breaches = contract["breaches"].as_array().context("read the breaches")?;
    let is = |protocol: &str, site: &str, client: &str| {
        breaches.iter().any(|breach| {
            breach["protocol"] == protocol
                && breach["site_name"] == site
                && breach["client_id"].as_str().is_some_and(|id| id.starts_with(client))
                && breach["path"] == "$.amount"
                && breach["reason"] == "is not a number"
                && breach["rejected"] == true
        })
    };
    ensure!(is("mqtt", "berlin", "till-7-berlin") && is("mqtt", "berlin", "till-8"), "{contract}");
    ensure!(is("http", "berlin", "") && is("kafka", "hq", ""), "{contract}");
    ensure!(!contract.to_string().contains("4711"), "a value of a payload is told: {contract}");

    // What is diverted is taken, and nobody gets it.
    validated(&mesh, &event, "diverted").await?;
    ensure!(client.publish(TOPIC, BAD).await? == PubAckReason::Success, "a diverted event is acknowledged");
    let (status, answer) = post(&http, &web, BAD).await?;
    ensure!(status == 202 && answer["diverted"] == 1, "{status}: {answer}");
    let agent = mesh.api.find("agents", "/name", "berlin").await?.context("the agent of berlin")?;
    let path = format!("agents/{}/dead-letters", id(&agent)?);
    let letters = mesh.api.get(&format!("{path}?shelf=dead_letters")).await?;
    let items = letters["items"].as_array().context("read the dead letters")?;
    ensure!(items.len() == 2, "{letters}");
    for letter in items {
        ensure!(letter["topic"] == TOPIC && letter["payload"] == BAD, "{letter}");
        let reason = "the payload is not valid by order-created 1.0.0: `$.amount` is not a number";
        ensure!(letter["reason"] == reason, "{letter}");
    }
    ensure!(items[0]["consumer"] == "client till-7-berlin", "who sent it: {letters}");
    taken(before + 4).await?;
    until("what was diverted is told apart", SOON, async || {
        let contract = mesh.api.get(&event).await?["contract"].clone();
        Ok((contract["diverted"] == 2 && contract["invalid"] == 6 && contract["rejected"] == 4).then_some(()))
    })
    .await?;

    // It stays for as long as it is wrong, and goes out when nobody keeps it out.
    let retry = json!({ "task": "retry", "which": "all" });
    let done = mesh.api.post(&path, &retry).await?;
    let stopped = done["stopped"].as_str().unwrap_or_default();
    ensure!(done["events"] == 0 && stopped.starts_with("2 events stay: "), "{done}");
    validated(&mesh, &event, "reported").await?;
    let done = mesh.api.post(&path, &retry).await?;
    ensure!(done["events"] == 2 && done["stopped"].is_null(), "{done}");
    until("they arrive", SOON, async || Ok((reader.messages().len() == before + 6).then_some(()))).await?;
    let late = reader.messages_after(before + 4);
    ensure!(late.iter().all(|message| message.payload.as_slice() == BAD.as_bytes()), "{late:?}");
    let letters = mesh.api.get(&format!("{path}?shelf=dead_letters")).await?;
    ensure!(letters["items"].as_array().is_some_and(Vec::is_empty), "{letters}");
    mesh.passed()
}
