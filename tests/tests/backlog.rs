//! A site that does not come back costs its neighbours disk, and memory within a limit; when it is back the disk is too.

use anyhow::{Context, ensure};
use demo::wait::until;
use futures::stream::{self, StreamExt};
use serde_json::json;
use system_tests::SOON;
use system_tests::mesh::{Login, Mesh};
use system_tests::proxy::Proxy;
use system_tests::queue::QueueClient;
use system_tests::usage;

/// What waits: more than twice of what an agent may keep in memory of it.
const EVENTS: usize = 12_000;
const BYTES: usize = 64 * 1024;
/// Publishes on their way at once.
const AT_ONCE: usize = 8;
/// What an agent may hold in memory however much waits: what the tables have not written out, which is no more than the
/// journal holds, the newest of a queue, the tables' cache, and what is being published.
const MEMORY_BYTES: u64 = 350_000_000;
/// What lies on the disk besides: the journal holds the newest events once more, and the newest part of the log stays.
const JOURNAL_BYTES: u64 = 400_000_000;

async fn publish(mesh: &Mesh, login: &Login, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let url = format!("http://{}/v1/events/scans/line", mesh.listener("berlin", "http").await?);
    let client = reqwest::Client::builder().no_proxy().build().context("make an HTTP client")?;
    let one = |number: usize| {
        let request = client.post(&url).basic_auth(&login.username, Some(&login.secret));
        let request = request.body(format!("{number:06}{}", "x".repeat(BYTES)));
        async move {
            let status = request.send().await.context("publish")?.status();
            ensure!(status.is_success(), "event {number} was answered with {status}");
            anyhow::Ok(())
        }
    };
    let mut answers = stream::iter(numbers.map(one)).buffer_unordered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}

/// Bytes of the files below a folder, as they lie on the disk.
fn on_disk(folder: &std::path::Path) -> anyhow::Result<u64> {
    let output = std::process::Command::new("du").args(["-s", "-B1"]).arg(folder).output().context("start du")?;
    let told = String::from_utf8_lossy(&output.stdout);
    told.split_whitespace().next().and_then(|bytes| bytes.parse().ok()).with_context(|| format!("read {told}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_site_that_is_gone_lies_on_disk_and_the_disk_comes_back() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let proxy = Proxy::start().await?;
    let hq = mesh.hub_behind(&proxy, &["berlin"]).await?;
    let line = mesh.client("line", &[("publish", "scans/>")]).await?;
    let worker = mesh.client("worker", &[("subscribe", "scans/>"), ("manage_queue", "scans/>")]).await?;
    mesh.api.post("queues", &json!({ "name": "scans", "site": hq["id"], "filters": ["scans/>"] })).await?;
    mesh.applied().await?;
    mesh.linked(1).await?;
    proxy.set_cut(true);

    let process = mesh.agent("berlin")?.id();
    let folder = mesh.agent_folder("berlin")?.join("spool");
    let (before, empty) = (usage::memory(process)?, on_disk(&folder)?);
    publish(&mesh, &line, 0..EVENTS).await?;
    let (after, full) = (usage::memory(process)?, on_disk(&folder)? - empty);
    let payloads = (EVENTS * BYTES) as u64;
    println!("{payloads} bytes wait: {full} bytes on disk; {before}, then {after}");
    let grown = after.anonymous.saturating_sub(before.anonymous);
    ensure!(grown < MEMORY_BYTES, "{grown} bytes of memory for {payloads} bytes that wait");
    ensure!(full < payloads * 5 / 4 + JOURNAL_BYTES, "{full} bytes on disk for {payloads} bytes that wait");

    // A restart costs no more: what waits is not read into memory.
    mesh.kill_agent("berlin")?;
    mesh.run_agent("berlin")?;
    let waits = async || {
        let status = mesh.agent_status_json("berlin")?;
        status.pointer("/status/links/0/backlog_events").and_then(|events| events.as_u64()).context("read what waits")
    };
    until("the agent tells what waits", SOON, async || Ok((waits().await? == EVENTS as u64).then_some(()))).await?;

    proxy.set_cut(false);
    // Nearly 800 MB, each event committed to disk at both ends; what is tested is that they arrive.
    until("the other site has all of it", SOON * 8, async || {
        let waiting = waits().await?;
        ensure!(waiting == 0, "{waiting} events wait");
        Ok(Some(()))
    })
    .await?;
    let process = mesh.agent("berlin")?.id();
    let peak = usage::memory(process)?;
    println!("after the restart and the way to hq: {peak}");
    ensure!(peak.anonymous < before.anonymous + MEMORY_BYTES, "after its restart the agent has {peak}");
    until("the disk is free again", SOON, async || {
        let left = on_disk(&folder)?;
        ensure!(left < empty + full - payloads / 2, "{left} bytes are left");
        Ok(Some(()))
    })
    .await?;
    let queue = QueueClient::new(&mesh.listener("hq", "http").await?, "scans", &worker);
    let mut taken = 0;
    while taken < EVENTS {
        let events = queue.pull(200, 10_000).await?;
        ensure!(!events.is_empty(), "only {taken} of {EVENTS} events came");
        ensure!(events.iter().all(|event| event.payload.len() == BYTES + 6), "a payload was altered");
        taken += usize::try_from(queue.ack(&events).await?).context("few events")?;
    }
    ensure!(taken == EVENTS, "{taken} events came, {EVENTS} were published");
    mesh.passed()
}
