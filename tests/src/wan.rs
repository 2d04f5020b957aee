//! How much of a long link guaranteed events fill: measured here, shown by the benchmarks, judged with a generous floor by a
//! test.
//!
//! What waits at one site is sent to another over a proxy with a round trip and a rate. The rate that counts is that of
//! custody: events that the far agent has on disk and has acknowledged, from the first tenth to the last twentieth, so that
//! neither dialling nor the last acknowledgement is part of it. Then every event is taken out of the far queue and checked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use demo::wait::until;
use futures::StreamExt;
use rand::RngCore;
use serde_json::json;
use tokio::time::sleep;

use crate::SOON;
use crate::mesh::{Login, Mesh};
use crate::proxy::{Distance, Proxy};
use crate::queue::QueueClient;

/// Between two looks at what still waits.
const LOOK: Duration = Duration::from_millis(100);
/// Publishes on their way at once.
const PUBLISHES: usize = 32;
/// Longest that the transfer may take.
const LIMIT: Duration = Duration::from_secs(180);

/// What is to cross.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How far and how wide.
    pub distance: Distance,
    /// Events.
    pub events: usize,
    /// Bytes of a payload; nothing in it repeats.
    pub bytes: usize,
    /// Ordering keys among which they are shared out.
    pub keys: usize,
}

/// How it crossed.
#[derive(Clone, Copy, Debug)]
pub struct Crossed {
    /// Payload bits per second in custody of the far site.
    pub goodput: f64,
    /// Bits per second on the wire, both directions.
    pub wire: f64,
    /// Events that were sent more than once.
    pub resent: u64,
}

/// Sends a backlog over a long link.
///
/// # Errors
/// The mesh does not come up, it takes too long, or an event is missing, doubled or out of order at the far side.
pub async fn drain_backlog(load: Load) -> anyhow::Result<Crossed> {
    let mut mesh = Mesh::start().await?;
    let proxy = Proxy::start_far(load.distance).await?;
    let hq = mesh.hub_behind(&proxy, &["berlin"]).await?;
    let line = mesh.client("line", &[("publish", "bulk/>")]).await?;
    let worker = mesh.client("worker", &[("subscribe", "bulk/>"), ("manage_queue", "bulk/>")]).await?;
    let queue = json!({ "name": "bulk", "site": hq["id"], "filters": ["bulk/>"] });
    mesh.api.post("queues", &queue).await?;
    mesh.applied().await?;
    mesh.linked(1).await?;

    proxy.set_cut(true);
    until("the link is gone", SOON, async || Ok((!link(&mesh)?.up).then_some(()))).await?;
    publish(&mesh, &line, load).await?;
    until("all of it waits for the link", SOON, async || {
        let waiting = link(&mesh)?.waiting;
        ensure!(waiting == load.events as u64, "{waiting} events wait");
        Ok(Some(()))
    })
    .await?;
    let resent = mesh.agent_counter("berlin", "fabric_resent_events")?;
    proxy.set_cut(false);
    let (goodput, wire) = watch(&mesh, &proxy, load).await?;
    let resent = mesh.agent_counter("berlin", "fabric_resent_events")? - resent;
    let queue = QueueClient::new(&mesh.listener("hq", "http").await?, "bulk", &worker);
    check(&queue, load).await?;
    mesh.passed()?;
    Ok(Crossed { goodput, wire, resent })
}

/// The link as the origin sees it.
struct Link {
    up: bool,
    waiting: u64,
}

fn link(mesh: &Mesh) -> anyhow::Result<Link> {
    let status = mesh.agent_status_json("berlin")?;
    let link = status.pointer("/status/links/0").context("the agent tells of a link")?;
    let waiting = link["backlog_events"].as_u64().context("the link tells what waits")?;
    Ok(Link { up: link["up"] == true, waiting })
}

/// A payload that tells its key and its number and cannot be compressed.
fn payload(key: usize, number: usize, bytes: usize) -> String {
    let head = format!("{key} {number} ");
    let mut noise = vec![0; bytes.saturating_sub(head.len()) * 3 / 4];
    rand::rng().fill_bytes(&mut noise);
    head + STANDARD_NO_PAD.encode(noise).as_str()
}

fn key_and_number(payload: &str) -> Option<(usize, usize)> {
    let mut words = payload.splitn(3, ' ').map(str::parse);
    Some((words.next()?.ok()?, words.next()?.ok()?))
}

/// One publisher for each key, so that the order of a key is known.
async fn publish(mesh: &Mesh, login: &Login, load: Load) -> anyhow::Result<()> {
    let base = format!("http://{}/v1/events/bulk", mesh.listener("berlin", "http").await?);
    let client = reqwest::Client::builder().no_proxy().build().context("make an HTTP client")?;
    let Load { events, bytes, keys, .. } = load;
    let one = |key: usize, number: usize| {
        let request = client.post(format!("{base}/{key}")).basic_auth(&login.username, Some(&login.secret));
        let request = request.body(payload(key, number, bytes));
        async move {
            let status = request.send().await.context("publish")?.status();
            ensure!(status.is_success(), "event {number} of {key} was answered with {status}");
            anyhow::Ok(())
        }
    };
    if keys == 1 {
        // One key is one order: its publisher waits for each answer.
        for number in 0..events {
            one(0, number).await?;
        }
        return Ok(());
    }
    let lines = (0..keys).map(|key| async move {
        for number in 0..events / keys {
            one(key, number).await?;
        }
        anyhow::Ok(())
    });
    let mut lines = futures::stream::iter(lines).buffer_unordered(PUBLISHES);
    while let Some(line) = lines.next().await {
        line?;
    }
    Ok(())
}

/// Payload bits and wire bits per second.
async fn watch(mesh: &Mesh, proxy: &Proxy, load: Load) -> anyhow::Result<(f64, f64)> {
    let total = load.events as u64;
    let (first, last) = (total - total / 10, total / 20);
    let (began, mut since) = (Instant::now(), None);
    loop {
        ensure!(began.elapsed() < LIMIT, "{} of {total} events still wait", link(mesh)?.waiting);
        let (waiting, at, bytes) = (link(mesh)?.waiting, Instant::now(), proxy.bytes());
        match since {
            None if waiting <= first => since = Some((waiting, at, bytes)),
            Some((before, then, bytes_then)) if waiting <= last => {
                let took = at.duration_since(then).as_secs_f64();
                let events = (before - waiting) as f64;
                return Ok((events * load.bytes as f64 * 8.0 / took, (bytes - bytes_then) as f64 * 8.0 / took));
            }
            _ => {}
        }
        sleep(LOOK).await;
    }
}

/// Every event once, those of a key in their order.
async fn check(queue: &QueueClient, load: Load) -> anyhow::Result<()> {
    let mut next = BTreeMap::<usize, usize>::new();
    let mut taken = 0;
    while taken < load.events {
        let events = queue.pull(500, 10_000).await?;
        ensure!(!events.is_empty(), "only {taken} of {} events came", load.events);
        queue.ack(&events).await?;
        for event in &events {
            let (key, number) = key_and_number(&event.payload).context("a payload was altered")?;
            let expected = next.entry(key).or_default();
            ensure!(
                number == *expected && event.payload.len().abs_diff(load.bytes) < 8,
                "{number} of {key} came as {expected}"
            );
            *expected += 1;
        }
        taken += events.len();
    }
    let more = queue.pull(1, 300).await?;
    ensure!(more.is_empty(), "something came twice");
    Ok(())
}
