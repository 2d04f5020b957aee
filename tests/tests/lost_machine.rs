//! A machine is lost with its disk, and another one takes the place of its agent.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::json;
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::parts::{Http, MACHINES};

/// Parts of each machine before, while and after the agent is gone.
const PARTS: u64 = 40;

#[tokio::test]
async fn what_waits_for_a_lost_machine_goes_to_the_one_that_takes_its_place() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let berlin = mesh.site("berlin", Some("hq")).await?;
    let line = mesh.client("line", &[("publish", "parts/>")]).await?;
    let planning = mesh.client("planning", &[("subscribe", "parts/>"), ("manage_queue", "parts/>")]).await?;
    mesh.api.post("queues", &json!({ "name": "parts", "site": berlin["id"], "filters": ["parts/>"] })).await?;
    mesh.applied().await?;
    let line = Http::at(&mesh, "hq", line).await?;
    let mut taken = BTreeMap::new();
    line.make(0, PARTS).await?;
    let at_first = Http::at(&mesh, "berlin", planning.clone()).await?;
    at_first.take_all(&mut taken, PARTS).await.context("before the machine is lost")?;

    let lost = mesh.api.find("agents", "/name", "berlin").await?.context("berlin has an agent")?;
    mesh.kill_agent("berlin")?;
    line.make(PARTS, 3 * PARTS).await.context("publishers are not held up")?;
    let waiting = 2 * PARTS * MACHINES.len() as u64;
    until("the portal shows what waits", SOON, async || {
        let links = mesh.api.list("links").await?;
        Ok((links[0]["backlog_events"] == waiting).then_some(()))
    })
    .await?;

    mesh.replace_agent("berlin").await?;
    let planning = Http::at(&mesh, "berlin", planning).await?;
    planning.take_all(&mut taken, 3 * PARTS).await.context("what had waited")?;
    line.make(3 * PARTS, 4 * PARTS).await?;
    planning.take_all(&mut taken, 4 * PARTS).await.context("and what came later")?;
    ensure!(planning.take(&mut taken).await? == 0, "something arrived twice");
    until("nothing waits any more", SOON, async || {
        let links = mesh.api.list("links").await?;
        Ok((links[0]["backlog_events"] == 0 && links[0]["up"] == true).then_some(()))
    })
    .await?;
    let next = mesh.api.find("agents", "/name", "berlin").await?.context("it has another one")?;
    ensure!(next["replaces"]["id"] == lost["id"], "whose place it took is not told: {next}");
    let path = format!("agents/{}", lost["id"].as_str().context("read the id of the agent")?);
    let lost = mesh.api.get(&path).await?;
    ensure!(lost["presence"] == "revoked" && lost["replaced_by"]["id"] == next["id"], "the lost one is {lost}");
    mesh.passed()
}
