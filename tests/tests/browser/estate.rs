//! The mesh that the browser looks at: Kafka at hq, a store, a till that keeps sending and a screen that keeps reading.

use std::sync::Arc;

use anyhow::Context;
use demo::kafka::Broker;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::browser::Browser;
use system_tests::kafka;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;
use tokio::task::JoinSet;

/// The topic of the till's orders.
pub(crate) const ORDERS: &str = "orders/fr/lyon/created";

/// Fields are dropped in this order: clients before the mesh.
#[derive(Debug)]
pub(crate) struct Estate {
    _traffic: JoinSet<()>,
    /// The till's second connection, for asking what it may do.
    pub(crate) till: Arc<MqttClient>,
    _screen: MqttClient,
    /// Kafka at hq.
    pub(crate) kafka: Broker,
    /// The portal and its agents.
    pub(crate) mesh: Mesh,
}

/// A browser at the portal of a mesh, with a person signed in.
pub(crate) async fn browser(mesh: &mut Mesh, login: &str) -> anyhow::Result<Browser> {
    let password = mesh.person(login).await?;
    let browser = Browser::start(&mesh.url(), &mesh.path(&format!("browser-{login}"))).await?;
    browser.sign_in(login, &password).await?;
    Ok(browser)
}

impl Estate {
    /// All of it, with everything enforced and the traffic seen. The names are those of the demo, so the overview offers
    /// what it offers there.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut mesh = Mesh::start_demo().await?;
        let hq = mesh.site("hq", None).await?;
        mesh.site("store-lyon", Some("hq")).await?;
        let kafka = kafka::start(&mesh, "kafka-a", &[]).await?;
        let broker = json!({ "site": hq["id"], "name": "kafka-a", "bootstrap": [kafka.bootstrap()], "tls": false, "discover": true,
            "browse": true });
        mesh.api.post("brokers", &broker).await?;
        let till = mesh.client("till-7", &[("publish", "orders/>")]).await?;
        let screen = mesh.client("screen-1", &[("subscribe", "orders/>")]).await?;
        mesh.applied().await?;
        let screen = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &screen).await?;
        screen.subscribe("orders/fr/#").await?;
        let till = Arc::new(MqttClient::connect(&mesh.listener("store-lyon", "mqtt").await?, &till).await?);
        let mut traffic = JoinSet::new();
        let sender = Arc::clone(&till);
        traffic.spawn(async move {
            // A denied or failed order is no matter here: tests ask with publishes of their own.
            loop {
                let _ = sender.publish(ORDERS, "{\"total\":42}").await;
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        });
        let estate = Self { _traffic: traffic, till, _screen: screen, kafka, mesh };
        until("the till's topic is in the catalog", SOON, async || estate.topic().await.map(Some)).await?;
        until("the screen is in the graph", SOON, async || {
            let graph = estate.mesh.api.get("graph").await?;
            let nodes = graph["nodes"].as_array().context("a graph has nodes")?;
            Ok(nodes.iter().any(|node| node["label"] == "screen-1").then_some(()))
        })
        .await?;
        Ok(estate)
    }

    /// The till's topic as the catalog has it.
    pub(crate) async fn topic(&self) -> anyhow::Result<Value> {
        self.mesh.api.find("catalog?kind=address&q=orders", "/name", ORDERS).await?.context("find the topic")
    }

    /// The id of a thing in a list of the API.
    pub(crate) async fn id(&self, list: &str, pointer: &str, name: &str) -> anyhow::Result<String> {
        let found = self.mesh.api.find(list, pointer, name).await?.with_context(|| format!("find {name} in {list}"))?;
        Ok(found["id"].as_str().with_context(|| format!("read the id of {name}"))?.to_owned())
    }

    /// A browser with a person signed in.
    pub(crate) async fn browser(&mut self, login: &str) -> anyhow::Result<Browser> {
        browser(&mut self.mesh, login).await
    }

    /// Waits until the till's publish is denied, or is not.
    pub(crate) async fn till_is(&self, denied: bool, topic: &str) -> anyhow::Result<()> {
        let wish = if denied { "denied" } else { "let through" };
        until(&format!("the till's publish to {topic} is {wish}"), SOON, async || {
            let reason = self.till.publish(topic, "asked").await?;
            Ok(((reason == PubAckReason::NotAuthorized) == denied).then_some(()))
        })
        .await
    }
}
