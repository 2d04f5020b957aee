//! A site with two agents: clients come to either and find what one of them has.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use demo::wait::until;
use rumqttc::{ConnectReturnCode, Packet, QoS};
use serde_json::json;
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::mqtt::{MqttClient, OldClient};
use system_tests::parts::{Http, MACHINES};

const PARTS: u64 = 5;

#[tokio::test]
async fn clients_of_either_agent_find_their_sessions_and_queues() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    mesh.site("store", Some("hq")).await?;
    let line = mesh.client("line", &[("publish", "parts/>")]).await?;
    let planning = mesh.client("planning", &[("subscribe", "parts/>"), ("manage_queue", "parts/>")]).await?;
    mesh.api.post("queues", &json!({ "name": "parts", "site": hq["id"], "filters": ["parts/>"] })).await?;
    let other = mesh.agent_beside("hq", "hq-2").await?;
    mesh.applied().await?;
    let (mqtt, http) = (&other["mqtt"], &other["http"]);

    // The queue over HTTP: the answer says where it is, as soon as its agent has told that.
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let pull = async || {
        let request = client.post(format!("http://{http}/v1/queues/parts/pull?max=1"));
        request.basic_auth(&planning.username, Some(&planning.secret)).send().await
    };
    let location = until("the other agent knows the way to the queue", SOON, async || {
        let answer = pull().await?;
        match answer.status().as_u16() {
            503 => Ok(None),
            307 => Ok(answer.headers().get("location").and_then(|at| at.to_str().ok()).map(str::to_owned)),
            status => bail!("it was answered with {status}: {}", answer.text().await?),
        }
    })
    .await?;
    let owner = mesh.listener("hq", "http").await?;
    ensure!(location == format!("http://{owner}/v1/queues/parts/pull?max=1"), "{location} is not at {owner}");
    let at_store = Http::at(&mesh, "store", line.clone()).await?;
    at_store.make(0, PARTS).await?;
    let planner = Http::at(&mesh, "hq", planning.clone()).await?;
    let mut taken = BTreeMap::new();
    planner.take_all(&mut taken, PARTS).await?;

    // A lasting session: MQTT 5 is told, 3.1.1 is carried there, and misses nothing while it is away.
    let told = MqttClient::connect_lasting(mqtt, &planning).await.err().context("it is let in")?;
    ensure!(format!("{told:#}").contains("UseAnotherServer"), "it was told {told:#}");
    let (mut old, present) = OldClient::lasting(mqtt, &planning).await?;
    ensure!(!present, "nobody has been here before");
    old.client.subscribe(format!("parts/{}", MACHINES[0]), QoS::AtLeastOnce).await?;
    old.wait(|packet| matches!(packet, Packet::SubAck(_)).then_some(())).await?;
    old.leave().await?;
    let publisher = MqttClient::connect(mqtt, &line).await?;
    let publish = async |payload: &str| {
        let done = publisher.publish(&format!("parts/{}", MACHINES[0]), payload.as_bytes()).await?;
        ensure!(format!("{done:?}") == "Success", "{payload} was answered with {done:?}");
        Ok(())
    };
    publish("{\"number\":5}").await.context("publish at the agent that has no sessions")?;
    let (mut old, present) = OldClient::lasting(mqtt, &planning).await?;
    ensure!(present, "its session is gone");
    ensure!(old.message().await?.payload.as_ref() == b"{\"number\":5}", "it missed something");
    old.leave().await?;
    ensure!(mesh.agent_counter("hq-2", "carried_connections")? == 2, "it was not carried");

    // Without its owner the site still takes events; who wants what the owner has is told to come later.
    mesh.kill_agent("hq")?;
    until("what the owner has is unavailable", SOON, async || match OldClient::lasting(mqtt, &planning).await {
        Ok(_) => bail!("somebody else has its session"),
        Err(error) => {
            let refused = error.downcast_ref::<rumqttc::ConnectionError>();
            let later = rumqttc::ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable);
            Ok(refused.is_some_and(|refused| format!("{refused:?}") == format!("{later:?}")).then_some(()))
        }
    })
    .await?;
    publish("{\"number\":6}").await.context("publish without the owner")?;
    mesh.run_agent("hq")?;
    let again = async || {
        let (mut old, present) = OldClient::lasting(mqtt, &planning).await?;
        ensure!(present, "its session is gone");
        ensure!(old.message().await?.payload.as_ref() == b"{\"number\":6}", "it missed something");
        Ok(())
    };
    until("the owner is back", SOON, async || match tokio::time::timeout(Duration::from_secs(10), again()).await {
        Ok(Err(error)) if error.downcast_ref::<rumqttc::ConnectionError>().is_some() => Ok(None),
        Ok(done) => done.map(Some),
        Err(_) => Ok(None),
    })
    .await?;
    mesh.passed()
}
