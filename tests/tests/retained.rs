//! Retained events over two sites, with real clients, through kills.

use anyhow::{Context, ensure};
use demo::wait::until;
use system_tests::SOON;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::OldClient;

/// What a new subscriber of a site is shown, until it is as it should be.
async fn shown(mesh: &Mesh, site: &str, reader: &Login, expected: &[(&str, &str)]) -> anyhow::Result<()> {
    until(&format!("a subscriber at {site} is shown {expected:?}"), SOON, async || {
        let mut client = OldClient::passing(&mesh.listener(site, "mqtt").await?, reader).await?;
        client.subscribe("state/+").await?;
        let mut seen = Vec::new();
        for _ in expected {
            let event = client.message().await?;
            ensure!(event.retain, "{} came as a new event", event.topic);
            seen.push((event.topic, String::from_utf8_lossy(&event.payload).into_owned()));
        }
        seen.sort();
        let is_so = seen.iter().map(|(topic, text)| (topic.as_str(), text.as_str())).eq(expected.iter().copied());
        Ok(is_so.then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_subscriber_anywhere_is_shown_the_last_value_of_each_topic() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    mesh.site("store", Some("hq")).await?;
    let [at_hq, at_store] = [
        mesh.client("machine-1", &[("publish", "state/>")]).await?,
        mesh.client("machine-2", &[("publish", "state/>")]).await?,
    ];
    let reader = mesh.client("reader", &[("subscribe", "state/>")]).await?;
    mesh.applied().await?;
    mesh.linked(1).await?;
    let mut publisher = OldClient::passing(&mesh.listener("hq", "mqtt").await?, &at_hq).await?;
    for (topic, text) in [("state/press", "idle"), ("state/oven", "cold"), ("state/press", "busy"), ("state/saw", "on")]
    {
        publisher.retain(topic, text).await?;
    }
    publisher.retain("state/saw", "").await?;
    // What was acknowledged is there after a crash.
    mesh.kill_agent("hq")?;
    mesh.run_agent("hq")?;
    let known = [("state/oven", "cold"), ("state/press", "busy")];
    shown(&mesh, "hq", &reader, &known).await?;
    shown(&mesh, "store", &reader, &known).await.context("published before anybody at the store wanted it")?;

    // While the store is away: the later one wins at both ends, wherever it was published.
    let mut publisher = OldClient::passing(&mesh.listener("store", "mqtt").await?, &at_store).await?;
    publisher.retain("state/oven", "warm").await?;
    mesh.kill_agent("store")?;
    let mut publisher = OldClient::passing(&mesh.listener("hq", "mqtt").await?, &at_hq).await?;
    publisher.retain("state/press", "done").await?;
    mesh.run_agent("store")?;
    mesh.linked(1).await?;
    let known = [("state/oven", "warm"), ("state/press", "done")];
    shown(&mesh, "store", &reader, &known).await?;
    shown(&mesh, "hq", &reader, &known).await?;
    mesh.passed()
}
