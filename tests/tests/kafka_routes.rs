//! Events between devices and Kafka clusters, with an account of every acknowledged one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use demo::kafka::{Broker, Login};
use demo::wait::until;
use futures::future::join_all;
use rdkafka::ClientConfig;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::kafka::{self, by_partition, read_until};
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;

/// Reading back takes as long as the load, on a busy machine.
const READ_LIMIT: Duration = Duration::from_secs(300);

async fn broker_connection(
    mesh: &Mesh,
    site: &Value,
    name: &str,
    broker: &Broker,
    user: Option<&str>,
) -> anyhow::Result<Value> {
    let login = user.map(|user| json!({ "mechanism": "SCRAM-SHA-512", "username": user, "secret": name }));
    let input = json!({ "site": site["id"], "name": name, "bootstrap": [broker.bootstrap()], "tls": login.is_some(),
        "ca_pem": broker.ca_pem(), "sasl": login, "discover": true });
    mesh.api.post("brokers", &input).await
}

async fn route(mesh: &Mesh, name: &str, from: Value, to: Value) -> anyhow::Result<Value> {
    let input = json!({ "name": name, "enabled": true, "from": from, "to": to, "mode": "guaranteed" });
    let made = mesh.api.post("routes", &input).await?;
    mesh.applied().await?;
    let id = made["id"].as_str().context("read the id of the route")?.to_owned();
    until(&format!("the route {name} runs"), SOON, async || {
        let route = mesh.api.get(&format!("routes/{id}")).await?;
        let parts = route["parts"].as_array().cloned().unwrap_or_default();
        if let Some(failed) = parts.iter().find(|part| part["state"] == "failed") {
            anyhow::bail!("{failed}");
        }
        Ok((!parts.is_empty() && parts.iter().all(|part| part["state"] == "running")).then_some(()))
    })
    .await?;
    Ok(made)
}

/// Number of the events of one till, as they stand in Kafka.
fn number(value: &[u8]) -> u64 {
    serde_json::from_slice::<Value>(value).ok().and_then(|value| value["n"].as_u64()).unwrap_or(u64::MAX)
}

/// First deliveries of each key strictly increase; more than one is a redelivery.
fn first_deliveries(values: &[&[u8]]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    values.iter().map(|value| number(value)).filter(|number| seen.insert(*number)).collect()
}

#[tokio::test]
async fn every_acknowledged_event_reaches_kafka_in_order_also_when_the_hub_is_killed() -> anyhow::Result<()> {
    const TILLS: usize = 4;
    const EVENTS: u64 = 1_500;
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    mesh.site("lyon", Some("hq")).await?;
    let login = |user: &str| Login { user: user.to_owned(), password: format!("{user}-password") };
    let users = [login("admin"), login("meshport")];
    let broker = kafka::start(&mesh, "kafka-a", &users).await?;
    broker.create_topics(&[("retail.orders", 4)]).await?;
    mesh.set_secret("hq", "kafka-a", &users[1].password)?;
    let connection = broker_connection(&mesh, &hq, "kafka-a", &broker, Some("meshport")).await?;
    let to = json!({ "kind": "kafka", "broker": connection["id"], "topic": "retail.orders", "key": "{3}" });
    route(&mesh, "orders", json!({ "kind": "mesh", "filters": ["orders/>"] }), to).await?;

    let address = mesh.listener("lyon", "mqtt").await?;
    let mut tills = Vec::new();
    for till in 0..TILLS {
        let login = mesh.client(&format!("till-{till}"), &[("publish", "orders/>")]).await?;
        mesh.applied().await?;
        tills.push(MqttClient::connect(&address, &login).await?);
    }
    // Interest has reached the store once a first event was taken.
    let ready = tills.first().context("there are tills")?;
    until("the sink takes events", SOON, async || {
        Ok((ready.publish("orders/fr/probe/created", "{}").await? == PubAckReason::Success).then_some(()))
    })
    .await?;

    // A killer beside the publishers: the hub dies in the middle of the load and comes back.
    let load = join_all(tills.iter().enumerate().map(|(till, client)| publish(till, client, EVENTS)));
    let trouble = async {
        until("a part of the load is through", SOON, async || {
            let published = tills.iter().map(MqttClient::acknowledged).sum::<usize>();
            Ok((published > TILLS * 200).then_some(()))
        })
        .await?;
        mesh.kill_agent("hq")?;
        // Long enough that publishers meet the outage, not only the restart.
        tokio::time::sleep(Duration::from_secs(2)).await;
        mesh.run_agent("hq")
    };
    let (acknowledged, trouble) = tokio::join!(load, trouble);
    trouble?;
    let acknowledged: Vec<BTreeSet<u64>> = acknowledged.into_iter().collect::<anyhow::Result<_>>()?;
    let total: usize = acknowledged.iter().map(BTreeSet::len).sum();
    anyhow::ensure!(total > TILLS * 400, "only {total} events were acknowledged at all");

    let config = broker.admin_config();
    let expected = acknowledged.clone();
    let records = tokio::task::spawn_blocking(move || {
        read_until(&config, "retail.orders", READ_LIMIT, |records| {
            if records.len() % 100 != 0 && records.len() < total {
                return false;
            }
            let stored = by_till(records);
            (0..TILLS)
                .all(|till| expected[till].iter().all(|n| stored.get(&till).is_some_and(|stored| stored.contains(n))))
        })
    })
    .await
    .context("read Kafka A")??;
    for (partition, values) in by_partition(&records) {
        let mut tills: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
        for value in values {
            let till = serde_json::from_slice::<Value>(value).unwrap_or_default()["till"].to_string();
            tills.entry(till).or_default().push(value);
        }
        for (till, values) in tills {
            let numbers = first_deliveries(&values);
            anyhow::ensure!(numbers.is_sorted(), "till {till} in partition {partition} is out of order: {numbers:?}");
        }
    }
    mesh.passed()
}

/// Publishes all events with a window and returns the numbers of those that were acknowledged.
async fn publish(till: usize, client: &MqttClient, events: u64) -> anyhow::Result<BTreeSet<u64>> {
    const WINDOW: usize = 20;
    let mut acknowledged = BTreeSet::new();
    let mut open = std::collections::VecDeque::new();
    for n in 0..events {
        let payload = json!({ "till": till, "n": n }).to_string();
        open.push_back((n, client.send(&format!("orders/fr/till-{till}/created"), payload).await?));
        if open.len() == WINDOW {
            settle(open.pop_front(), &mut acknowledged).await?;
        }
    }
    while !open.is_empty() {
        settle(open.pop_front(), &mut acknowledged).await?;
    }
    Ok(acknowledged)
}

async fn settle(
    open: Option<(u64, tokio::sync::oneshot::Receiver<PubAckReason>)>,
    acknowledged: &mut BTreeSet<u64>,
) -> anyhow::Result<()> {
    let Some((n, answer)) = open else { return Ok(()) };
    let answer =
        tokio::time::timeout(SOON, answer).await.with_context(|| format!("event {n} is neither taken nor refused"))?;
    if answer.is_ok_and(|reason| reason == PubAckReason::Success) {
        acknowledged.insert(n);
    }
    Ok(())
}

fn by_till(records: &[kafka::Record]) -> BTreeMap<usize, BTreeSet<u64>> {
    let mut tills: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for record in records {
        let value: Value = serde_json::from_slice(&record.value).unwrap_or_default();
        if let (Some(till), Some(n)) = (value["till"].as_u64(), value["n"].as_u64()) {
            tills.entry(usize::try_from(till).unwrap_or(usize::MAX)).or_default().insert(n);
        }
    }
    tills
}

#[tokio::test]
async fn a_filtered_route_between_clusters_moves_exactly_the_filtered_set_in_order() -> anyhow::Result<()> {
    const RECORDS: u64 = 100_000;
    const PARTITIONS: i32 = 8;
    const HOT: u64 = 90;
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    let berlin = mesh.site("berlin", Some("hq")).await?;
    let target = kafka::start(&mesh, "kafka-a", &[]).await?;
    let source = kafka::start(&mesh, "kafka-b", &[]).await?;
    target.create_topics(&[("plant.alerts", PARTITIONS)]).await?;
    source.create_topics(&[("plant.sensors", PARTITIONS)]).await?;
    let a = broker_connection(&mesh, &hq, "kafka-a", &target, None).await?;
    let b = broker_connection(&mesh, &berlin, "kafka-b", &source, None).await?;

    // Written first: the route must start at the oldest record.
    let config = source.admin_config();
    tokio::task::spawn_blocking(move || write_measurements(&config, RECORDS, PARTITIONS)).await.context("write")??;
    let from = json!({ "kind": "kafka", "broker": b["id"], "topics": ["plant.sensors"],
        "template": "alerts/berlin/{value.machine}/temperature", "filter": format!("value.value >= {HOT}"), "start": "earliest" });
    let to = json!({ "kind": "kafka", "broker": a["id"], "topic": "plant.alerts", "key": "{3}" });
    route(&mesh, "hot-machines", from, to).await?;

    let expected: usize = (0..RECORDS).filter(|n| temperature(*n) >= HOT).count();
    let config = target.admin_config();
    let records = tokio::task::spawn_blocking(move || {
        read_until(&config, "plant.alerts", READ_LIMIT, |records| {
            records.len() >= expected && distinct(records) >= expected
        })
    })
    .await
    .context("read Kafka A")??;

    // Exactly the filtered set, and the order of each source partition, which is that of each machine.
    let mut machines: BTreeMap<Vec<u8>, Vec<&[u8]>> = BTreeMap::new();
    for record in &records {
        anyhow::ensure!(
            temperature(number(&record.value)) >= HOT,
            "a record that the filter does not let through arrived"
        );
        machines.entry(record.key.clone()).or_default().push(&record.value);
    }
    anyhow::ensure!(distinct(&records) == expected, "{} records instead of {expected}", distinct(&records));
    for (machine, values) in machines {
        let machine = String::from_utf8_lossy(&machine).into_owned();
        anyhow::ensure!(first_deliveries(&values).is_sorted(), "the records of {machine} are out of order");
    }
    mesh.passed()
}

fn distinct(records: &[kafka::Record]) -> usize {
    records.iter().map(|record| number(&record.value)).collect::<BTreeSet<_>>().len()
}

fn temperature(n: u64) -> u64 {
    n.wrapping_mul(2_654_435_761) % 100
}

/// One machine per partition, so that the order of a machine is that of its partition.
fn write_measurements(config: &ClientConfig, records: u64, partitions: i32) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.set("linger.ms", "20").set("enable.idempotence", "true");
    let producer: BaseProducer = config.create().context("make a producer")?;
    for n in 0..records {
        let partition = i32::try_from(n % u64::from(partitions.unsigned_abs())).context("a partition is small")?;
        let value = json!({ "machine": format!("m{partition}"), "n": n, "value": temperature(n) }).to_string();
        let key = format!("m{partition}");
        let mut record = BaseRecord::to("plant.sensors").partition(partition).key(&key).payload(&value);
        record = record.headers(OwnedHeaders::new());
        while let Err((error, again)) = producer.send(record) {
            let full = rdkafka::error::RDKafkaErrorCode::QueueFull;
            anyhow::ensure!(error.rdkafka_error_code() == Some(full), "write a record: {error}");
            producer.poll(Duration::from_millis(50));
            record = again;
        }
    }
    producer.flush(Duration::from_secs(60)).context("flush the producer")
}
