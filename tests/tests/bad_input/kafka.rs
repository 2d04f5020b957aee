//! A Kafka that cannot be reached or refuses the login: told at the broker connection and at the route over it, and
//! mended without a restart; what was acknowledged meanwhile is there then, in its order.

use std::time::Duration;

use anyhow::Context;
use demo::kafka::{BrokerPorts, Login};
use demo::ports::free_port;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::kafka;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;

use crate::{text, told};

/// A route's own line, as its page shows it.
async fn route_told(mesh: &Mesh, route: &Value, wanted: impl Fn(&str, &str) -> bool) -> anyhow::Result<()> {
    until("the route says what is wrong", SOON, async || {
        let route = mesh.api.get(&format!("routes/{}", text(route, "id")?)).await?;
        let parts = route["parts"].as_array().context("a route has parts")?;
        let is = |part: &Value| {
            wanted(part["state"].as_str().unwrap_or_default(), part["detail"].as_str().unwrap_or_default())
        };
        anyhow::ensure!(parts.iter().any(is), "it says: {}", route["parts"]);
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn an_unreachable_kafka_and_a_wrong_password_are_told_and_heal() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let login = |user: &str| Login { user: user.to_owned(), password: format!("{user}-password") };
    let users = [login("admin"), login("meshport")];
    let ports = BrokerPorts { clients: free_port()?, controller: free_port()? };
    let address = format!("127.0.0.1:{}", ports.clients);
    mesh.set_secret("hq", "kafka-a", "not the password")?;
    let input = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [address], "tls": true, "discover": true,
        "sasl": { "mechanism": "SCRAM-SHA-512", "username": "meshport", "secret": "kafka-a" } });
    let mut connection = mesh.api.post("brokers", &input).await?;
    let route = json!({ "name": "orders", "enabled": true, "mode": "guaranteed",
        "from": { "kind": "mesh", "filters": ["orders/>"] },
        "to": { "kind": "kafka", "broker": connection["id"], "topic": "orders" } });
    let route = mesh.api.post("routes", &route).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    mesh.applied().await?;
    let client = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &till).await?;

    // Nobody listens there.
    let is_broker = |part: &Value| part["object"]["broker"].is_string() && part["state"] == "failing";
    let detail = told(&mesh, "the connection says that nobody answers", is_broker).await?;
    let advice = format!("does not answer at {address}; check that it runs");
    anyhow::ensure!(detail.contains(&advice), "{detail}");
    route_told(&mesh, &route, |state, detail| state == "failing" && detail.contains(&advice)).await?;

    // It runs now, and its certificate's authority is told; the password is still wrong.
    let broker = kafka::start_at(&mesh, "kafka-a", &users, ports).await?;
    broker.create_topics(&[("orders", 1)]).await?;
    let mut value = input.clone();
    value["ca_pem"] = json!(broker.ca_pem());
    connection = mesh.api.put(&format!("brokers/{}", text(&connection, "id")?), &connection, &value).await?;
    let refused = |detail: &str| {
        detail.contains("refuses the login of meshport") && detail.contains("mesh-agent secret set kafka-a")
    };
    let is_refused = |part: &Value| {
        part["object"]["broker"] == connection["id"] && refused(part["detail"].as_str().unwrap_or_default())
    };
    told(&mesh, "the connection says that the login is refused", is_refused).await?;
    route_told(&mesh, &route, |state, detail| state == "failing" && refused(detail)).await?;
    // The agent has it on disk, and answers for it until Kafka has it.
    let answer = client.publish("orders/1", "while it was wrong").await?;
    anyhow::ensure!(answer == PubAckReason::Success, "the agent does not keep an event for a Kafka that is away");

    // Setting the right password is all: the same agent goes on.
    let agent = mesh.agent("hq")?.id();
    mesh.set_secret("hq", "kafka-a", &users[1].password)?;
    route_told(&mesh, &route, |state, _| state == "running").await?;
    let runs = |part: &Value| part["object"]["broker"] == connection["id"] && part["state"] == "running";
    told(&mesh, "the connection works", runs).await?;
    until("an event is acknowledged", SOON, async || {
        Ok((client.publish("orders/2", "now").await? == PubAckReason::Success).then_some(()))
    })
    .await?;
    let config = broker.admin_config();
    let records = tokio::task::spawn_blocking(move || {
        kafka::read_until(&config, "orders", Duration::from_secs(60), |records| {
            records.iter().any(|record| record.value == b"now")
        })
    });
    let records = records.await.context("read Kafka")??;
    let kept = records.iter().position(|record| record.value == b"while it was wrong");
    let now = records.iter().position(|record| record.value == b"now");
    anyhow::ensure!(
        kept.is_some() && kept < now,
        "what was acknowledged meanwhile is not there, or after what came later"
    );
    anyhow::ensure!(mesh.agent("hq")?.id() == agent && client.connections() == 1, "somebody was restarted");
    mesh.agent("hq")?.check()?;
    mesh.passed()
}
