//! Certificates of another portal's authority, at both ports that ask for one.

use std::fs;

use anyhow::Context;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::Value;
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;

/// Changes what an agent that does not run knows of itself.
fn edit_identity(mesh: &Mesh, site: &str, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
    let file = mesh.agent_folder(site)?.join("identity.json");
    let mut identity = serde_json::from_slice(&fs::read(&file)?).context("read an identity")?;
    change(&mut identity);
    fs::write(&file, serde_json::to_vec(&identity)?).context("write an identity")
}

/// Waits until `mesh-agent status` at a site says all of this.
async fn status_says(mesh: &Mesh, site: &str, words: &[&str]) -> anyhow::Result<()> {
    until(&format!("the status of {site} says {words:?}"), SOON, async || {
        let told = mesh.agent_status(site)?;
        anyhow::ensure!(words.iter().all(|word| told.contains(word)), "it says: {told}");
        Ok(Some(()))
    })
    .await
}

async fn link_is(mesh: &Mesh, up: bool) -> anyhow::Result<()> {
    until(&format!("the link's up is {up}"), SOON, async || {
        let links = mesh.api.list("links").await?;
        Ok(links.iter().all(|link| link["up"] == up).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_foreign_certificate_opens_neither_the_portal_nor_the_fabric() -> anyhow::Result<()> {
    let (mut mesh, mut other) = (Mesh::start().await?, Mesh::start().await?);
    mesh.site("hq", None).await?;
    mesh.site("lyon", Some("hq")).await?;
    other.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    mesh.applied().await?;
    let client = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &till).await?;
    link_is(&mesh, true).await?;

    // The agent of Lyon keeps everything but its certificate, which is now one of another portal's authority.
    mesh.kill_agent("lyon")?;
    let genuine: Value = serde_json::from_slice(&fs::read(mesh.agent_folder("lyon")?.join("identity.json"))?)?;
    let foreign: Value = serde_json::from_slice(&fs::read(other.agent_folder("hq")?.join("identity.json"))?)?;
    edit_identity(&mesh, "lyon", |identity| {
        for field in ["certificate_pem", "tls_key_pem"] {
            identity[field] = foreign[field].clone();
        }
    })?;
    mesh.run_agent("lyon")?;
    let advice = ["does not accept this agent's certificate", "join again with a new token"];
    status_says(&mesh, "lyon", &advice).await?;
    let log = mesh.portal_log()?;
    anyhow::ensure!(log.contains("an agent whose certificate another authority made was turned away"), "{log}");
    link_is(&mesh, false).await?;
    status_says(&mesh, "lyon", &["link        down"]).await?;
    let lyon = mesh.api.find("agents", "/site_name", "lyon").await?.context("lyon has an agent")?;
    anyhow::ensure!(lyon["presence"] == "offline", "{lyon}");

    // Nobody else noticed, and with its own certificate all is as it was.
    let reason = client.publish("orders/1", "x").await?;
    anyhow::ensure!(reason != PubAckReason::NotAuthorized && client.connections() == 1, "{reason:?}");
    mesh.agent("hq")?.check()?;
    mesh.kill_agent("lyon")?;
    edit_identity(&mesh, "lyon", |identity| *identity = genuine)?;
    mesh.run_agent("lyon")?;
    mesh.online("lyon").await?;
    link_is(&mesh, true).await?;
    other.passed()?;
    mesh.passed()
}

#[tokio::test]
async fn an_agent_that_finds_another_portal_at_its_address_does_not_trust_it() -> anyhow::Result<()> {
    let (mut mesh, mut other) = (Mesh::start().await?, Mesh::start().await?);
    mesh.site("hq", None).await?;
    mesh.kill_agent("hq")?;
    let elsewhere = format!("https://{}", other.agents_port());
    edit_identity(&mesh, "hq", |identity| identity["portal"] = elsewhere.into())?;
    mesh.run_agent("hq")?;
    status_says(&mesh, "hq", &["not the portal this agent trusts", "check the address"]).await?;
    mesh.agent("hq")?.check()?;
    anyhow::ensure!(other.api.list("agents").await?.is_empty(), "the other portal knows it");
    other.passed()?;
    mesh.passed()
}
