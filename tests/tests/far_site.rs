//! One far site wants the same topic four times: a Kafka cluster, an HTTP endpoint, a named queue and an MQTT session. One
//! copy crosses the link, and whoever of the four stalls holds up nobody else and loses nothing.

use anyhow::{Context, ensure};
use demo::kafka::Broker;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::kafka::{self, Record, read_until};
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;
use system_tests::proxy::Proxy;
use system_tests::queue::QueueClient;
use system_tests::webhook::Endpoint;
use system_tests::{SOON, noise};

/// Events of one round; each is this large, so that what crosses stands out from heartbeats.
const EVENTS: usize = 40;
const LARGE: usize = 30_000;
/// The number of events that only ask whether anybody listens.
const PROBE: usize = 99_999;

fn payload(number: usize) -> String {
    format!("{number:05}{}", noise(number, LARGE))
}

fn number(payload: &[u8]) -> usize {
    std::str::from_utf8(payload).ok().and_then(|text| text.get(..5)?.parse().ok()).unwrap_or(usize::MAX)
}

fn all(events: usize) -> Vec<usize> {
    (0..events).collect()
}

/// What is in the Kafka topic, once it is that many.
async fn in_kafka(broker: &Broker, events: usize) -> anyhow::Result<Vec<usize>> {
    let config = broker.admin_config();
    let counts = |value: &[u8]| number(value) != PROBE;
    let enough = move |records: &[Record]| records.iter().filter(|record| counts(&record.value)).count() >= events;
    let read = move || read_until(&config, "orders", SOON, enough);
    let records = tokio::task::spawn_blocking(read).await.context("read Kafka")??;
    Ok(without_probes(records.iter().map(|record| number(&record.value))))
}

async fn at_endpoint(endpoint: &Endpoint, events: usize) -> anyhow::Result<Vec<usize>> {
    let numbers = || without_probes(endpoint.calls().iter().map(|call| number(&call.body)));
    until("the endpoint has them", SOON, async || Ok((numbers().len() >= events).then(numbers))).await
}

async fn at_session(client: &MqttClient, events: usize) -> anyhow::Result<Vec<usize>> {
    until("the session has them", SOON, async || Ok((client.messages().len() >= events).then_some(()))).await?;
    Ok(client.messages().iter().map(|message| number(&message.payload)).collect())
}

async fn in_queue(queue: &QueueClient, events: usize) -> anyhow::Result<Vec<usize>> {
    let numbers = |payloads: &[String]| without_probes(payloads.iter().map(|payload| number(payload.as_bytes())));
    Ok(numbers(&queue.drain(|payloads| numbers(payloads).len() >= events).await?))
}

async fn publish(client: &MqttClient, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    for number in numbers {
        let answer = client.publish("orders/fr", payload(number)).await?;
        ensure!(answer == PubAckReason::Success, "event {number}: {answer:?}");
    }
    Ok(())
}

async fn routes(mesh: &Mesh, hq: &Value, broker: &Broker, endpoint: &Endpoint) -> anyhow::Result<()> {
    let cluster = json!({ "site": hq["id"], "name": "kafka", "bootstrap": [broker.bootstrap()], "tls": false,
        "ca_pem": null, "sasl": null, "discover": false });
    let cluster = mesh.api.post("brokers", &cluster).await?;
    let targets = [
        ("kafka", json!({ "kind": "kafka", "broker": cluster["id"], "topic": "orders", "key": "" })),
        ("endpoint", json!({ "kind": "webhook", "site": hq["id"], "url": endpoint.url(), "private_addresses": true })),
    ];
    for (name, to) in targets {
        let from = json!({ "kind": "mesh", "filters": ["orders/>"] });
        let input = json!({ "name": name, "enabled": true, "from": from, "to": to, "mode": "guaranteed" });
        mesh.api.post("routes", &input).await?;
    }
    let queue = json!({ "name": "fulfilment", "site": hq["id"], "filters": ["orders/>"] });
    mesh.api.post("queues", &queue).await?;
    mesh.applied().await?;
    until("both routes run", SOON, async || {
        let routes = mesh.api.list("routes").await?;
        let runs = |route: &Value| route["parts"][0]["state"] == "running";
        Ok((routes.len() == 2 && routes.iter().all(runs)).then_some(()))
    })
    .await
}

/// Publishes until the far site's interest has reached the till's.
async fn all_listen(till: &MqttClient, queue: &QueueClient, endpoint: &Endpoint) -> anyhow::Result<()> {
    until("the far site's interest has arrived", SOON, async || {
        till.publish("orders/probe", format!("{PROBE}")).await?;
        let probes = queue.pull(1, 200).await?;
        queue.ack(&probes).await?;
        Ok((!probes.is_empty() && !endpoint.calls().is_empty()).then_some(()))
    })
    .await
}

fn without_probes(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    numbers.filter(|number| *number != PROBE).collect()
}

#[tokio::test]
async fn four_ways_to_take_one_topic_are_one_copy_and_do_not_wait_for_each_other() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let proxy = Proxy::start().await?;
    let hq = mesh.hub_behind(&proxy, &["lyon"]).await?;
    let mut broker = kafka::start(&mesh, "kafka", &[]).await?;
    broker.create_topics(&[("orders", 1)]).await?;
    let endpoint = Endpoint::start().await?;
    routes(&mesh, &hq, &broker, &endpoint).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    let worker: Login = mesh.client("worker", &[("subscribe", "orders/>"), ("manage_queue", "orders/>")]).await?;
    mesh.applied().await?;
    let till = MqttClient::connect(&mesh.listener("lyon", "mqtt").await?, &till).await?;
    let hq_mqtt = mesh.listener("hq", "mqtt").await?;
    let session = MqttClient::connect_lasting(&hq_mqtt, &worker).await?;
    session.subscribe("orders/fr").await?;
    let queue = QueueClient::new(&mesh.listener("hq", "http").await?, "fulfilment", &worker);
    all_listen(&till, &queue, &endpoint).await?;

    // All four take it, and it crossed once.
    let (before, resent) = (proxy.bytes(), mesh.agent_counter("lyon", "fabric_resent_events")?);
    publish(&till, 0..EVENTS).await?;
    ensure!(at_session(&session, EVENTS).await? == all(EVENTS));
    let crossed = proxy.bytes() - before;
    let resent = mesh.agent_counter("lyon", "fabric_resent_events")? - resent;
    let one_copy = (EVENTS * LARGE) as u64;
    ensure!(
        crossed < one_copy * 3 / 2 + resent * (2 * LARGE) as u64,
        "{crossed} bytes crossed for {one_copy} bytes in one copy, {resent} of {EVENTS} sent again"
    );

    // The endpoint is away and the session's client too: Kafka and the queue go on.
    let stopped = endpoint.stop().await;
    drop(session);
    publish(&till, EVENTS..2 * EVENTS).await?;
    let stored = in_kafka(&broker, 2 * EVENTS).await?;
    ensure!(stored == all(2 * EVENTS), "{stored:?}");
    let taken = in_queue(&queue, 2 * EVENTS).await?;
    ensure!(taken == all(2 * EVENTS), "{taken:?}");

    // They are back, and Kafka hangs: it accepts and does not answer.
    broker.process().signal("STOP")?;
    let endpoint = Endpoint::start_again(stopped).await?;
    let session = MqttClient::connect_lasting(&hq_mqtt, &worker).await?;
    publish(&till, 2 * EVENTS..3 * EVENTS).await?;
    let called = at_endpoint(&endpoint, 3 * EVENTS).await?;
    ensure!(called == all(3 * EVENTS), "{called:?}");
    let seen = at_session(&session, 2 * EVENTS).await?;
    ensure!(seen == all(3 * EVENTS)[EVENTS..], "{seen:?}");
    let taken = in_queue(&queue, EVENTS).await?;
    ensure!(taken == all(3 * EVENTS)[2 * EVENTS..], "{taken:?}");

    broker.process().signal("CONT")?;
    let mut stored = in_kafka(&broker, 3 * EVENTS).await?;
    stored.dedup();
    ensure!(stored == all(3 * EVENTS), "{stored:?}");
    mesh.passed()
}
