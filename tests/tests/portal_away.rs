//! The data plane goes on without its control plane, and believes only what is signed.

use std::fs;
use std::path::Path;

use anyhow::Context;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use system_tests::SOON;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;

/// A mesh of one site whose client may publish orders and nothing else.
async fn mesh_with_till() -> anyhow::Result<(Mesh, Login, String)> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    mesh.applied().await?;
    let address = mesh.listener("hq", "mqtt").await?;
    Ok((mesh, till, address))
}

/// Connects once the restarted agent has opened its listener again.
async fn connect(address: &str, login: &Login) -> anyhow::Result<MqttClient> {
    until("the client gets in", SOON, async || MqttClient::connect(address, login).await.map(Some)).await
}

async fn enforces_the_policy(address: &str, till: &Login) -> anyhow::Result<()> {
    let client = connect(address, till).await?;
    let allowed = client.publish("orders/fr", "x").await?;
    anyhow::ensure!(allowed != PubAckReason::NotAuthorized, "what was allowed is allowed: {allowed:?}");
    let denied = client.publish("prices/fr", "x").await?;
    anyhow::ensure!(denied == PubAckReason::NotAuthorized, "what was not allowed is denied: {denied:?}");
    Ok(())
}

/// The two last good copies, the newer one first.
const COPIES: [&str; 2] = ["ledger/current.json", "ledger/previous.json"];

fn flip_a_byte(file: &Path) -> anyhow::Result<()> {
    let mut bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).with_context(|| format!("write {}", file.display()))
}

#[tokio::test]
async fn an_agent_restarted_without_its_portal_enforces_the_last_policy() -> anyhow::Result<()> {
    let (mut mesh, till, address) = mesh_with_till().await?;
    mesh.kill_portal()?;
    mesh.kill_agent("hq")?;
    mesh.run_agent("hq")?;
    enforces_the_policy(&address, &till).await?;

    // With the portal back an edit arrives again.
    mesh.start_portal().await?;
    mesh.online("hq").await?;
    mesh.rule(&till.id, "deny", "publish", "orders/>").await?;
    let client = connect(&address, &till).await?;
    until("the new rule arrives", SOON, async || {
        Ok((client.publish("orders/fr", "x").await? == PubAckReason::NotAuthorized).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_corrupt_newest_copy_falls_back_to_the_previous_and_without_any_everything_is_denied() -> anyhow::Result<()> {
    let (mut mesh, till, address) = mesh_with_till().await?;
    mesh.kill_portal()?;
    mesh.kill_agent("hq")?;
    let folder = mesh.agent_folder("hq")?;
    flip_a_byte(&folder.join(COPIES[0]))?;
    mesh.run_agent("hq")?;
    // The previous revision lacks the last rule of the client, but the client and its right to connect are there.
    connect(&address, &till).await?;

    mesh.kill_agent("hq")?;
    flip_a_byte(&folder.join(COPIES[1]))?;
    mesh.run_agent("hq")?;
    until("nobody gets in", SOON, async || {
        mesh.agent("hq")?.check()?;
        Ok(MqttClient::refusal(&address, &till.username, &till.secret).await.ok())
    })
    .await?;

    // The portal heals it.
    mesh.start_portal().await?;
    mesh.online("hq").await?;
    enforces_the_policy(&address, &till).await
}
