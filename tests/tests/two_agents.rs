//! A site with two agents: clients come to either and find what one of them has.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use demo::wait::until;
use rumqttc::{AsyncClient, ConnectReturnCode, Event, EventLoop, MqttOptions, Packet, Publish, QoS};
use serde_json::json;
use system_tests::SOON;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;
use system_tests::parts::{Http, MACHINES};

const PARTS: u64 = 5;

/// A client of MQTT 3.1.1 whose session lasts.
struct Old {
    client: AsyncClient,
    events: EventLoop,
}

impl Old {
    /// Connects; says whether its session was there.
    async fn come(address: &str, login: &Login) -> anyhow::Result<(Self, bool)> {
        let (host, port) = address.rsplit_once(':').context("an address has a port")?;
        let mut options = MqttOptions::new(&login.username, host, port.parse().context("a port is a number")?);
        options.set_credentials(&login.username, &login.secret).set_clean_session(false);
        let (client, events) = AsyncClient::new(options, 10);
        let mut old = Self { client, events };
        let present = old
            .wait(|packet| match packet {
                Packet::ConnAck(connack) => Some(connack.session_present),
                _ => None,
            })
            .await?;
        Ok((old, present))
    }

    async fn wait<T>(&mut self, wanted: impl Fn(&Packet) -> Option<T>) -> anyhow::Result<T> {
        let found = async {
            loop {
                if let Event::Incoming(packet) = self.events.poll().await?
                    && let Some(found) = wanted(&packet)
                {
                    return Ok(found);
                }
            }
        };
        tokio::time::timeout(SOON, found).await.context("wait for the listener")?
    }

    async fn message(&mut self) -> anyhow::Result<Publish> {
        self.wait(|packet| match packet {
            Packet::Publish(publish) => Some(publish.clone()),
            _ => None,
        })
        .await
    }

    async fn leave(mut self) -> anyhow::Result<()> {
        self.client.disconnect().await?;
        while self.events.poll().await.is_ok() {}
        Ok(())
    }
}

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
    let (mut old, present) = Old::come(mqtt, &planning).await?;
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
    let (mut old, present) = Old::come(mqtt, &planning).await?;
    ensure!(present, "its session is gone");
    ensure!(old.message().await?.payload.as_ref() == b"{\"number\":5}", "it missed something");
    old.leave().await?;
    ensure!(mesh.agent_counter("hq-2", "carried_connections")? == 2, "it was not carried");

    // Without its owner the site still takes events; who wants what the owner has is told to come later.
    mesh.kill_agent("hq")?;
    until("what the owner has is unavailable", SOON, async || match Old::come(mqtt, &planning).await {
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
        let (mut old, present) = Old::come(mqtt, &planning).await?;
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
