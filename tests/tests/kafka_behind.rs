//! A destination of a Kafka route that is away or dies: it holds up nobody else, and it gets what it missed in order and
//! once, or flagged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::kafka::Broker;
use demo::wait::until;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::kafka::{self, Record, committed, end_of, read_until};
use system_tests::mesh::Mesh;

/// Reading back takes as long as the load, on a busy machine.
const READ_LIMIT: Duration = Duration::from_secs(240);
const PARTITIONS: i32 = 3;
/// What a sink may have under way, in events, and so the most that may be repeated after it was killed.
const UNDER_WAY_MAX: usize = 8_192;

async fn connection(mesh: &Mesh, site: &Value, name: &str, broker: &Broker) -> anyhow::Result<Value> {
    let input = json!({ "site": site["id"], "name": name, "bootstrap": [broker.bootstrap()], "tls": false,
        "ca_pem": null, "sasl": null, "discover": false });
    mesh.api.post("brokers", &input).await
}

/// Makes a route and waits until its parts run; its id.
async fn route(mesh: &Mesh, name: &str, from: Value, to: Value) -> anyhow::Result<String> {
    let input = json!({ "name": name, "enabled": true, "from": from, "to": to, "mode": "guaranteed" });
    let made = mesh.api.post("routes", &input).await?;
    let id = made["id"].as_str().context("read the id of the route")?.to_owned();
    mesh.applied().await?;
    until(&format!("the route {name} runs"), SOON, async || {
        let parts = parts(mesh, &id).await?;
        Ok((!parts.is_empty() && parts.iter().all(|part| part["state"] == "running")).then_some(()))
    })
    .await?;
    Ok(id)
}

async fn parts(mesh: &Mesh, route: &str) -> anyhow::Result<Vec<Value>> {
    let route = mesh.api.get(&format!("routes/{route}")).await?;
    Ok(route["parts"].as_array().cloned().unwrap_or_default())
}

/// Records of one machine for each partition; each a kilobyte, so that they take several frames.
fn write(config: &ClientConfig, topic: &str, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.set("linger.ms", "20").set("enable.idempotence", "true");
    let producer: BaseProducer = config.create().context("make a producer")?;
    for n in numbers {
        let partition = i32::try_from(n)? % PARTITIONS;
        let key = format!("m{partition}");
        let value = json!({ "n": n, "filling": "x".repeat(1_000) }).to_string();
        let mut record = BaseRecord::to(topic).partition(partition).key(&key).payload(&value);
        while let Err((error, again)) = producer.send(record) {
            let full = rdkafka::error::RDKafkaErrorCode::QueueFull;
            ensure!(error.rdkafka_error_code() == Some(full), "write a record: {error}");
            producer.poll(Duration::from_millis(50));
            record = again;
        }
    }
    producer.flush(SOON).context("flush the producer")
}

async fn fill(broker: &Broker, topic: &'static str, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let config = broker.admin_config();
    tokio::task::spawn_blocking(move || write(&config, topic, numbers)).await.context("write")?
}

fn number(record: &Record) -> usize {
    let value: Value = serde_json::from_slice(&record.value).unwrap_or_default();
    value["n"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
}

/// Everything in a topic, once all numbers are there.
async fn all(broker: &Broker, topic: &'static str, count: usize) -> anyhow::Result<Vec<Record>> {
    let config = broker.admin_config();
    let (mut seen, mut read) = (BTreeSet::new(), 0);
    let enough = move |records: &[Record]| {
        seen.extend(records[read..].iter().map(number));
        read = records.len();
        seen.len() >= count
    };
    tokio::task::spawn_blocking(move || read_until(&config, topic, READ_LIMIT, enough)).await.context("read")?
}

/// Each machine's first deliveries are all its numbers in order, and every repeat says that it is one. Returns how many
/// repeats there are.
fn check(records: &[Record], count: usize) -> anyhow::Result<usize> {
    let mut machines: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    let (mut seen, mut repeats) = (BTreeSet::new(), 0);
    for record in records {
        let number = number(record);
        if seen.insert(number) {
            machines.entry(record.key.clone()).or_default().push(number);
        } else {
            ensure!(record.redelivered, "{number} is there twice, and the second does not say so");
            repeats += 1;
        }
    }
    for (machine, numbers) in machines {
        let machine = String::from_utf8_lossy(&machine).into_owned();
        ensure!(numbers.is_sorted(), "the records of {machine} are out of order");
    }
    ensure!(seen == (0..count).collect(), "{} numbers instead of {count}", seen.len());
    Ok(repeats)
}

async fn figure(mesh: &Mesh, route: &str, name: &str) -> anyhow::Result<Option<u64>> {
    Ok(parts(mesh, route).await?.iter().find_map(|part| part["figures"][name].as_u64()))
}

async fn committed_of(broker: &Broker, route: &str, topic: &'static str) -> anyhow::Result<i64> {
    let (config, route) = (broker.admin_config(), route.to_owned());
    tokio::task::spawn_blocking(move || committed(&config, &route, topic)).await.context("ask")?
}

#[tokio::test]
async fn a_site_that_is_away_holds_up_only_itself_and_gets_what_it_missed() -> anyhow::Result<()> {
    const BEFORE: usize = 900;
    const AWAY: usize = 12_000;
    const ALL: usize = 15_000;
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    let lyon = mesh.site("lyon", Some("hq")).await?;
    let berlin = mesh.site("berlin", Some("hq")).await?;
    let source = kafka::start(&mesh, "kafka-a", &[]).await?;
    let target = kafka::start(&mesh, "kafka-b", &[]).await?;
    source.create_topics(&[("sensors", PARTITIONS)]).await?;
    target.create_topics(&[("at-lyon", PARTITIONS), ("at-berlin", PARTITIONS)]).await?;
    let a = connection(&mesh, &hq, "kafka-a", &source).await?;
    for (site, name, topic) in [(&lyon, "b-lyon", "at-lyon"), (&berlin, "b-berlin", "at-berlin")] {
        let b = connection(&mesh, site, name, &target).await?;
        let to = json!({ "kind": "kafka", "broker": b["id"], "topic": topic, "key": "" });
        route(&mesh, name, json!({ "kind": "mesh", "filters": ["sensors/>"] }), to).await?;
    }
    let from = json!({ "kind": "kafka", "broker": a["id"], "topics": ["sensors"], "template": "sensors/{key}",
        "filter": "", "start": "earliest" });
    let sensors = route(&mesh, "sensors", from, json!({ "kind": "mesh" })).await?;
    fill(&source, "sensors", 0..BEFORE).await?;
    for topic in ["at-lyon", "at-berlin"] {
        all(&target, topic, BEFORE).await.with_context(|| format!("read {topic}"))?;
    }

    // One site hangs, which is worse than being gone: its links stay open.
    mesh.agent("lyon")?.signal("STOP")?;
    fill(&source, "sensors", BEFORE..AWAY).await?;
    all(&target, "at-berlin", AWAY).await.context("berlin gets everything while lyon is away")?;
    until("the portal tells who is behind", SOON, async || {
        Ok((figure(&mesh, &sensors, "destinations_behind").await? == Some(1)).then_some(()))
    })
    .await?;
    let committed = committed_of(&source, &sensors, "sensors").await?;
    ensure!(usize::try_from(committed)? < AWAY, "{committed} is committed, which lyon does not have");

    // The source's agent dies meanwhile, and knows afterwards what berlin has and lyon has not.
    mesh.kill_agent("hq")?;
    mesh.run_agent("hq")?;
    fill(&source, "sensors", AWAY..ALL).await?;
    let at_berlin = all(&target, "at-berlin", ALL).await.context("berlin gets the rest while lyon is away")?;
    mesh.agent("lyon")?.signal("CONT")?;
    let at_lyon = all(&target, "at-lyon", ALL).await.context("lyon gets what it missed")?;
    let repeats = (check(&at_berlin, ALL).context("at berlin")?, check(&at_lyon, ALL).context("at lyon")?);
    println!("repeats, all flagged: {} at berlin, {} at lyon", repeats.0, repeats.1);

    until("everybody is in step, and all is committed", SOON, async || {
        let behind = figure(&mesh, &sensors, "destinations_behind").await?;
        let committed = committed_of(&source, &sensors, "sensors").await?;
        Ok((behind == Some(0) && usize::try_from(committed)? == ALL).then_some(()))
    })
    .await?;
    mesh.passed()
}

#[tokio::test]
async fn a_sink_that_is_killed_while_it_writes_repeats_nothing_unflagged() -> anyhow::Result<()> {
    const ALL: usize = 30_000;
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    let berlin = mesh.site("berlin", Some("hq")).await?;
    let source = kafka::start(&mesh, "kafka-a", &[]).await?;
    let target = kafka::start(&mesh, "kafka-b", &[]).await?;
    source.create_topics(&[("sensors", PARTITIONS)]).await?;
    target.create_topics(&[("copies", PARTITIONS)]).await?;
    let a = connection(&mesh, &berlin, "kafka-a", &source).await?;
    let b = connection(&mesh, &hq, "kafka-b", &target).await?;
    fill(&source, "sensors", 0..ALL).await?;
    let from = json!({ "kind": "kafka", "broker": a["id"], "topics": ["sensors"], "template": "sensors/{key}",
        "filter": "", "start": "earliest" });
    let to = json!({ "kind": "kafka", "broker": b["id"], "topic": "copies", "key": "" });
    route(&mesh, "copies", from, to).await?;

    let (mut found, mut killed_at) = (0, 0);
    for _ in 0..3 {
        let config = target.admin_config();
        killed_at = until("the sink is in the middle of writing", SOON, async || {
            let config = config.clone();
            let end = tokio::task::spawn_blocking(move || end_of(&config, "copies")).await.context("ask")??;
            Ok((end > killed_at + 1_000).then_some(end))
        })
        .await?;
        mesh.kill_agent("hq")?;
        mesh.run_agent("hq")?;
        mesh.online("hq").await?;
    }
    let records = all(&target, "copies", ALL).await.context("everything is written")?;
    found += mesh.agent_counter("hq", "sink_found_events")?;
    let repeats = check(&records, ALL)?;
    println!("{repeats} repeats, all flagged; {found} records were found by the last process and not written again");
    ensure!(repeats <= 3 * UNDER_WAY_MAX, "{repeats} repeats are more than three crashes can leave uncertain");
    mesh.passed()
}
