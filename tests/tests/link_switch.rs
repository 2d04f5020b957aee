//! A link that is switched off by policy: it ends on both sides, what is guaranteed waits and is counted, and when the link
//! is on again everything arrives once and in the order of its key.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::parts::{Http, MACHINES};

/// Parts of each machine before, while and after the link is off.
const PARTS: u64 = 40;
/// How long both ends may take to see that the link is gone: a heartbeat is missed after 2.5 s.
const CLOSED: Duration = Duration::from_secs(4);

async fn link(mesh: &Mesh) -> anyhow::Result<Value> {
    let links = mesh.api.list("links").await?;
    links.into_iter().next().context("there is one link")
}

/// Switches the link and says when.
async fn switch(mesh: &Mesh, enabled: bool) -> anyhow::Result<Instant> {
    let seen = link(mesh).await?;
    let path = format!("links/{}", seen["id"].as_str().context("read the id of the link")?);
    let value = json!({ "from": seen["from"], "to": seen["to"], "enabled": enabled });
    let switched = mesh.api.put(&path, &seen, &value).await?;
    ensure!(switched["enabled"] == enabled, "it is not switched: {switched}");
    Ok(Instant::now())
}

/// Waits until the agents at both ends say so themselves.
async fn both_ends(mesh: &Mesh, state: &str) -> anyhow::Result<()> {
    for site in ["berlin", "hq"] {
        until(&format!("the link is {state} at {site}"), SOON, async || {
            let status = mesh.agent_status(site)?;
            let line =
                status.lines().find(|line| line.trim_start().starts_with("link")).context("it tells of a link")?;
            Ok(line.split_whitespace().any(|word| word == state).then_some(()))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_waits_for_a_link_that_is_off_is_seen_and_arrives_once_in_order_when_it_is_on() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    mesh.site("berlin", Some("hq")).await?;
    let line = mesh.client("line", &[("publish", "parts/>")]).await?;
    let planning = mesh.client("planning", &[("subscribe", "parts/>"), ("manage_queue", "parts/>")]).await?;
    let queue = json!({ "name": "parts", "site": hq["id"], "filters": ["parts/>"] });
    mesh.api.post("queues", &queue).await?;
    mesh.applied().await?;
    let line = Http::at(&mesh, "berlin", line).await?;
    let planning = Http::at(&mesh, "hq", planning).await?;
    both_ends(&mesh, "up").await?;
    let mut taken = BTreeMap::new();
    line.make(0, PARTS).await?;
    planning.take_all(&mut taken, PARTS).await.context("while the link is up")?;

    let at = switch(&mesh, false).await?;
    both_ends(&mesh, "down").await?;
    ensure!(at.elapsed() < CLOSED, "the link was up for {} ms after it was switched off", at.elapsed().as_millis());
    line.make(PARTS, 3 * PARTS).await.context("publishers are not held up")?;
    let waiting = 2 * PARTS * MACHINES.len() as u64;
    let seen = until("the portal shows what waits", SOON, async || {
        let link = link(&mesh).await?;
        Ok((link["backlog_events"] == waiting && link["up"] == false).then_some(link))
    })
    .await?;
    ensure!(seen["backlog_bytes"].as_u64().is_some_and(|bytes| bytes > waiting), "it shows no bytes: {seen}");
    ensure!(planning.take(&mut taken).await? == 0, "something crossed a link that is off");
    both_ends(&mesh, "down").await.context("nobody dials it anew")?;
    let overview = mesh.api.get("overview").await?;
    let flow = &overview["links"][0];
    ensure!(flow["enabled"] == false && flow["backlog_events"] == waiting, "the overview shows {flow}");
    let attention = overview["attention"].to_string();
    ensure!(!attention.contains("no frames pass"), "it raises the attention of a failure: {attention}");
    ensure!(attention.contains(&format!("{waiting} guaranteed events wait")), "what waits is not told: {attention}");

    let at = switch(&mesh, true).await?;
    both_ends(&mesh, "up").await?;
    println!("up after {} ms", at.elapsed().as_millis());
    planning.take_all(&mut taken, 3 * PARTS).await.context("after the link was off")?;
    line.make(3 * PARTS, 4 * PARTS).await?;
    planning.take_all(&mut taken, 4 * PARTS).await.context("and after that")?;
    ensure!(planning.take(&mut taken).await? == 0, "something arrived twice");
    until("nothing waits any more", SOON, async || {
        let link = link(&mesh).await?;
        Ok((link["backlog_events"] == 0 && link["up"] == true).then_some(()))
    })
    .await?;
    mesh.passed()
}
