//! MQTT brokers: a user who may nothing is told the lines that grant it, then the addresses appear that the broker keeps a
//! message for, without the messages, and go when these are cleared.

use std::time::Duration;

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::mesh::Mesh;
use system_tests::mosquitto::Mosquitto;

/// A change in the broker shows within this time: while something is missing, the agent asks again after up to a minute.
const SHOWN: Duration = Duration::from_secs(180);

async fn object(mesh: &Mesh, kind: &str, name: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    until(&format!("{kind} {name} is shown as it is"), SHOWN, async || {
        let Some(row) = mesh.api.find(&format!("catalog?kind={kind}"), "/name", name).await? else { return Ok(None) };
        let object = mesh.api.get(&format!("catalog/{}", row["id"].as_str().context("an id")?)).await?;
        Ok(is(&object).then_some(object))
    })
    .await
}

#[tokio::test]
async fn addresses_appear_once_the_rights_are_granted_that_the_portal_names() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let mosquitto = Mosquitto::start(&mesh, "meshport", "s3cret").await?;
    for topic in ["orders/eu/created", "orders/us/created", "sensors/1/temp"] {
        mosquitto.publish(topic, "hunter2", true).await?;
    }
    mosquitto.publish("orders/live", "hunter2", false).await?;
    mesh.set_secret("hq", "mqtt", "s3cret")?;
    let login = json!({ "username": "meshport", "secret": "mqtt" });
    let mut input = json!({ "site": site["id"], "name": "mqtt", "kind": "mqtt", "url": "https://127.0.0.1", "login": login, "discover": true });
    let refused = mesh.api.post("brokers", &input).await.expect_err("another scheme").to_string();
    ensure!(refused.contains("\"url\"") && refused.contains("mqtts://"), "{refused}");
    input["url"] = json!(mosquitto.url());
    let broker = mesh.api.post("brokers", &input).await?;

    let lines = until("the rights are named", SHOWN, async || {
        let broker = mesh.api.find("brokers", "/config/name", "mqtt").await?.context("the connection")?;
        let missing = broker["missing_rights"].as_array().into_iter().flatten();
        let lines: Vec<String> = missing.filter_map(|right| right["command"].as_str().map(str::to_owned)).collect();
        Ok((lines.len() == 2).then_some(lines))
    })
    .await?;
    ensure!(lines == ["user meshport\ntopic read $SYS/#", "user meshport\ntopic read #"], "{lines:?}");
    for line in &lines {
        mosquitto.grant(line)?;
    }

    let address = object(&mesh, "mqtt_address", "orders/eu/created", |found| found["facts"]["bytes"] == 7).await?;
    ensure!(
        address["row"]["broker"] == "mqtt" && address["related"].to_string().contains("at the broker"),
        "{address}"
    );
    object(&mesh, "mqtt_address", "sensors/1/temp", |_| true).await?;
    let whole = object(&mesh, "mqtt", "mqtt", |found| {
        found["facts"]["version"].as_str().is_some_and(|version| version.starts_with("mosquitto"))
    })
    .await?;
    ensure!(whole["facts"]["addresses"] == 3 && whole["facts"]["clients_connected"].is_u64(), "{whole}");
    let live = mesh.api.find("catalog?kind=mqtt_address", "/name", "orders/live").await?;
    ensure!(live.is_none(), "a message that is not kept is nobody's business");
    let found = mesh.api.find("catalog?q=orders/*/created&kind=mqtt_address", "/name", "orders/us/created").await?;
    ensure!(found.is_some(), "a filter finds it");
    until("search finds the address", SHOWN, async || {
        mesh.api.find("search?q=sensors&kind=mqtt_address", "/name", "sensors/1/temp").await
    })
    .await?;
    let id = address["row"]["id"].as_str().context("an id")?;
    let page = mesh.api.page(&format!("/catalog/{id}")).await?;
    ensure!(page.contains("MQTT address") && page.contains("Retained message") && !page.contains("hunter2"), "{page}");
    until("nothing is missing", SHOWN, async || {
        let broker = mesh.api.find("brokers", "/config/name", "mqtt").await?.context("the connection")?;
        Ok(broker["missing_rights"].as_array().is_some_and(Vec::is_empty).then_some(()))
    })
    .await?;

    // What it keeps is asked for every five minutes, and at once when the connection changes.
    mosquitto.publish("orders/eu/created", "", true).await?;
    input["name"] = json!("mqtt-hq");
    let path = format!("brokers/{}", broker["id"].as_str().context("an id")?);
    mesh.api.put(&path, &broker, &input).await?;
    until("the address is gone", SHOWN, async || {
        let left = mesh.api.find("catalog?kind=mqtt_address", "/name", "orders/eu/created").await?;
        Ok(left.is_none().then_some(()))
    })
    .await?;
    ensure!(
        mesh.api.find("catalog?kind=mqtt_address", "/name", "orders/us/created").await?.is_some(),
        "the others stay"
    );
    mesh.passed()
}
