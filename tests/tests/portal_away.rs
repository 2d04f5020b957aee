//! The data plane goes on without its control plane, and believes only what its portal signed.

use std::fs;
use std::path::Path;

use anyhow::Context;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::Value;
use system_tests::SOON;
use system_tests::forger::Forger;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;
use system_tests::proxy::Proxy;

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
    .await?;
    mesh.passed()
}

#[tokio::test]
async fn a_corrupt_newest_copy_falls_back_to_the_previous_and_without_any_everything_is_denied() -> anyhow::Result<()> {
    let (mut mesh, till, address) = mesh_with_till().await?;
    // The edits so far may have come to the agent as one. After another one the previous copy holds all of them.
    mesh.rule(&till.id, "allow", "subscribe", "weather/>").await?;
    mesh.applied().await?;
    mesh.kill_portal()?;
    mesh.kill_agent("hq")?;
    let folder = mesh.agent_folder("hq")?;
    flip_a_byte(&folder.join(COPIES[0]))?;
    mesh.run_agent("hq")?;
    enforces_the_policy(&address, &till).await?;

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
    enforces_the_policy(&address, &till).await?;
    mesh.passed()
}

// Several threads, because the proxy must work while a program that this thread waits for dials through it.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_one_byte_changed_before_it_enters_tls_is_rejected_and_the_portal_says_why()
-> anyhow::Result<()> {
    let proxy = Proxy::start().await?;
    let mut mesh = Mesh::start_behind(&proxy.address()).await?;
    proxy.set_target(&mesh.agents_port());
    mesh.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    mesh.applied().await?;
    let client = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &till).await?;

    // From now on the agent talks with somebody who has the portal's TLS key.
    let forger = Forger::start(&mesh, "hq").await?;
    proxy.set_target(&forger.address());
    proxy.end_connections();
    mesh.rule(&till.id, "deny", "publish", "orders/>").await?;
    let refused = until("the portal shows the refusal", SOON, async || rollout(&mesh, "rejected").await).await?;
    let reason = refused["reason"].as_str().unwrap_or_default();
    anyhow::ensure!(reason.contains("the signature does not fit the document: it was altered"), "{refused}");
    anyhow::ensure!(refused["applied"] != refused["desired"], "{refused}");
    anyhow::ensure!(forger.forged() > 0, "it was refused without a forgery");
    let page = mesh.api.page("/acl").await?;
    anyhow::ensure!(page.contains("it was altered"), "the page does not say why");

    // The policy before it stays in force, on the connection that stands.
    let reason = client.publish("orders/fr", "x").await?;
    anyhow::ensure!(reason != PubAckReason::NotAuthorized, "the forged document took effect");
    let reason = client.publish("prices/fr", "x").await?;
    anyhow::ensure!(reason == PubAckReason::NotAuthorized, "the policy before it is not in force");

    // Straight to the portal again: the very same document, unaltered, is taken.
    proxy.set_target(&mesh.agents_port());
    proxy.end_connections();
    let applied = until("the genuine document is applied", SOON, async || rollout(&mesh, "applied").await).await?;
    anyhow::ensure!(applied["desired"] == refused["desired"] && applied["reason"].is_null(), "{applied}");
    let reason = client.publish("orders/fr", "x").await?;
    anyhow::ensure!(reason == PubAckReason::NotAuthorized, "the genuine document has no effect");
    anyhow::ensure!(client.connections() == 1, "the client lost its connection");
    mesh.passed()
}

/// How far the agent is with the newest policy, once it is as far as this.
async fn rollout(mesh: &Mesh, state: &str) -> anyhow::Result<Option<Value>> {
    let policy = mesh.api.get("policy").await?;
    let agents = policy["agents"].as_array().context("read the agents of the policy")?;
    Ok(agents.iter().find(|agent| agent["state"] == state).cloned())
}
