//! Between two sites stands a third that is not to be trusted. It sees who talks to whom, and nothing else; whatever it
//! makes up or repeats is counted and never taken.

use anyhow::{Context, ensure};
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::hub::Hub;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;
use system_tests::proxy::Proxy;

const TOPIC: &str = "salaries/board/secret";
const PAYLOAD: &str = "nobody-in-between-reads-this";
const EVENTS: usize = 50;
/// Second byte of an envelope that is no frame.
const CALL: u8 = 1;

/// Where a site's agent is reached by others.
async fn fabric_address(mesh: &Mesh, site: &str) -> anyhow::Result<String> {
    let address = until("the hub tells where it listens", SOON, async || {
        let agent = mesh.api.find("agents", "/site_name", site).await?.context("the hub has an agent")?;
        let parts = agent["parts"].as_array().cloned().unwrap_or_default();
        let fabric = parts.into_iter().find(|part| part["object"] == "fabric");
        Ok(fabric.and_then(|part| part["addresses"][0].as_str().map(str::to_owned)))
    })
    .await?;
    Ok(address.replace("0.0.0.0", "127.0.0.1"))
}

/// Berlin and Lyon behind the headquarters, with who publishes and who reads there.
async fn three_sites() -> anyhow::Result<(Mesh, Login, Login)> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    mesh.site("berlin", Some("hq")).await?;
    mesh.site("lyon", Some("hq")).await?;
    let writer = mesh.client("writer", &[("publish", "salaries/>")]).await?;
    let reader = mesh.client("reader", &[("subscribe", "salaries/>")]).await?;
    mesh.applied().await?;
    Ok((mesh, writer, reader))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

async fn publish(client: &MqttClient, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    for number in numbers {
        let answer = client.publish(TOPIC, format!("{PAYLOAD} {number:03}")).await?;
        ensure!(answer == PubAckReason::Success, "event {number}: {answer:?}");
    }
    Ok(())
}

/// What has arrived, without the probes.
fn arrived(client: &MqttClient) -> Vec<String> {
    let texts = client.messages().into_iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned());
    texts.filter(|text| text != "probe").collect()
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{PAYLOAD} {number:03}")).collect()
}

async fn all_arrive(client: &MqttClient, count: usize) -> anyhow::Result<()> {
    until("all events arrive", SOON, async || Ok((arrived(client).len() >= count).then_some(()))).await?;
    ensure!(arrived(client) == expected(count), "once each and in order: {:?}", arrived(client));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_in_between_reads_nothing_and_forges_nothing() -> anyhow::Result<()> {
    let (mut mesh, writer, reader) = three_sites().await?;
    let berlin = MqttClient::connect(&mesh.listener("berlin", "mqtt").await?, &writer).await?;
    let lyon = MqttClient::connect_lasting(&mesh.listener("lyon", "mqtt").await?, &reader).await?;
    lyon.subscribe("salaries/board/+").await?;

    // Somebody has taken the hub: its process is another, with the same certificate at the same address.
    let address = fabric_address(&mesh, "hq").await?;
    mesh.kill_agent("hq")?;
    let hub = until("the hub is in the agent's place", SOON, async || Ok(Hub::start(&mesh, "hq", &address).await.ok()))
        .await?;
    until("the sites find each other through it", SOON, async || {
        berlin.publish(TOPIC, "probe").await?;
        Ok(lyon.messages().iter().any(|message| message.payload == b"probe").then_some(()))
    })
    .await?;
    publish(&berlin, 0..EVENTS).await?;
    all_arrive(&lyon, EVENTS).await?;

    // It has carried all of it and seen nothing.
    let heard = hub.heard();
    let agents = mesh.api.list("agents").await?;
    let id = |site: &str| {
        let agent = agents.iter().find(|agent| agent["site_name"] == site);
        agent.and_then(|agent| agent["id"].as_str()).map(str::to_owned).with_context(|| format!("find {site}"))
    };
    let inbox = format!("m/a/{}", id("lyon")?);
    let carried: usize = heard.iter().filter(|(key, _)| *key == inbox).map(|(_, bytes)| bytes.len()).sum();
    ensure!(carried > EVENTS * 20, "it carried {carried} bytes to Lyon: is it in between at all?");
    for (key, bytes) in &heard {
        for secret in ["salaries", "board", "nobody-in", PAYLOAD, "writer"] {
            ensure!(!holds(bytes, secret), "{secret} is readable in a frame to {key}");
        }
    }

    // What it repeats is known, and what it alters is not genuine.
    let counter = |name: &str| mesh.agent_counter("lyon", name);
    let (replayed, forged) = (counter("fabric_replayed_frames")?, counter("fabric_forged_frames")?);
    let frames: Vec<Vec<u8>> = heard
        .iter()
        .filter(|(key, bytes)| *key == inbox && bytes.get(1) != Some(&CALL))
        .map(|(_, bytes)| bytes.clone())
        .rev()
        .take(40)
        .collect();
    ensure!(frames.len() == 40, "too few frames to play with: {}", frames.len());
    for frame in &frames {
        hub.send(&inbox, frame.clone()).await?;
        // A counter that has not come, and another content.
        let mut altered = frame.clone();
        altered[26] ^= 0x40;
        let last = altered.len() - 1;
        altered[last] ^= 1;
        hub.send(&inbox, altered).await?;
    }
    until("it counts what was repeated and altered", SOON, async || {
        let (again, wrong) = (counter("fabric_replayed_frames")? - replayed, counter("fabric_forged_frames")? - forged);
        Ok((again >= 40 && wrong >= 40).then_some(()))
    })
    .await?;

    // Nothing of that was taken, and nothing is held up.
    publish(&berlin, EVENTS..2 * EVENTS).await?;
    all_arrive(&lyon, 2 * EVENTS).await?;
    ensure!(counter("fabric_duplicate_events")? == 0, "a repeated frame got past the seal");

    // A receiver that has forgotten everything takes no old frame either.
    let before = hub.heard();
    mesh.kill_agent("lyon")?;
    mesh.run_agent("lyon")?;
    mesh.online("lyon").await?;
    for (key, bytes) in before.iter().filter(|(key, _)| *key == inbox) {
        hub.send(key, bytes.clone()).await?;
    }
    publish(&berlin, 2 * EVENTS..3 * EVENTS).await?;
    // What its client had not surely acknowledged before the crash comes again from its own queue, and from nowhere else.
    let all = expected(3 * EVENTS);
    until("all events arrive", SOON, async || {
        let arrived = arrived(&lyon);
        Ok(all.iter().all(|text| arrived.contains(text)).then_some(()))
    })
    .await?;
    ensure!(mesh.agent_counter("lyon", "fabric_duplicate_events")? == 0, "an old frame got past the seal");
    mesh.passed()
}

// Several threads, because the proxy must work while a program that this thread waits for dials through it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_reaches_a_site_that_the_portal_does_not() -> anyhow::Result<()> {
    let (mut mesh, writer, reader) = three_sites().await?;
    // Lyon reaches the portal by a way of its own, which is then cut.
    let way = Proxy::start().await?;
    way.set_target(&mesh.agents_port());
    mesh.kill_agent("lyon")?;
    let path = mesh.agent_folder("lyon")?.join("identity.json");
    let mut identity: Value = serde_json::from_slice(&std::fs::read(&path)?).context("read the identity")?;
    identity["portal"] = json!(format!("https://{}", way.address()));
    std::fs::write(&path, identity.to_string()).context("write the identity")?;
    mesh.run_agent("lyon")?;
    mesh.online("lyon").await?;
    let berlin = MqttClient::connect(&mesh.listener("berlin", "mqtt").await?, &writer).await?;
    let address = mesh.listener("lyon", "mqtt").await?;
    // The portal may take the agent that was killed for online, and nobody listens yet.
    let connect = async || Ok(MqttClient::connect(&address, &reader).await.ok());
    let lyon = until("Lyon listens again", SOON, connect).await?;
    lyon.subscribe("salaries/board/+").await?;
    until("Berlin reaches Lyon", SOON, async || {
        berlin.publish(TOPIC, "probe").await?;
        Ok((!lyon.messages().is_empty()).then_some(()))
    })
    .await?;
    way.set_cut(true);

    let agents = mesh.api.list("agents").await?;
    let revoked = agents.iter().find(|agent| agent["site_name"] == "berlin").context("find Berlin's agent")?;
    let id = revoked["id"].as_str().context("read its id")?;
    mesh.api.post(&format!("agents/{id}/revoke"), &json!({ "reason": "stolen" })).await?;
    let counter = |name: &str| mesh.agent_counter("lyon", name);
    until("Lyon has the deny list from its neighbour", SOON, async || {
        Ok((counter("fabric_deny_lists_offered")? > 0).then_some(()))
    })
    .await?;
    let refused = counter("fabric_stranger_frames")?;
    until("Lyon refuses what the revoked agent sends", SOON, async || {
        Ok((counter("fabric_stranger_frames")? > refused).then_some(()))
    })
    .await?;

    // The revoked agent, which knows of nothing, still takes events and sends them; none arrives.
    let before = lyon.messages().len();
    berlin.publish(TOPIC, "of the revoked agent").await?;
    let refused = counter("fabric_stranger_frames")?;
    until("Lyon refuses some more", SOON, async || {
        Ok((counter("fabric_stranger_frames")? > refused + 10).then_some(()))
    })
    .await?;
    ensure!(lyon.messages().len() == before, "an event of the revoked agent arrived");
    mesh.passed()
}
