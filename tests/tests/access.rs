//! An edit of access rules through the API is enforced within a second, on open connections, and hurts nobody else; and who
//! was given access connects by the lines that the portal shows.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::{PubAckReason, SubscribeReasonCode};
use serde_json::json;
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;
use tokio::process::Command;

/// "Within a second": the promise of the product for a connected agent.
const PROMISE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_denied_publisher_and_subscriber_are_cut_within_a_second_and_the_others_lose_nothing() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    let listener = mesh.client("listener", &[("subscribe", "orders/>")]).await?;
    let bystander = mesh.client("bystander", &[("publish", "prices/>"), ("subscribe", "prices/>")]).await?;
    mesh.applied().await?;
    let address = mesh.listener("hq", "mqtt").await?;
    let till_client = MqttClient::connect(&address, &till).await?;
    let listener_client = MqttClient::connect(&address, &listener).await?;
    let bystander_client = MqttClient::connect(&address, &bystander).await?;
    listener_client.subscribe("orders/fr/+").await?;
    bystander_client.subscribe("prices/+").await?;
    anyhow::ensure!(till_client.publish("orders/fr/1", "before").await? == PubAckReason::Success);
    listener_client.message("orders/fr/1").await?;

    // Block the publisher; a neighbour keeps publishing all the while.
    let blocked = Instant::now();
    let rule = mesh.rule(&till.id, "deny", "publish", "orders/>").await?;
    let mut sent = 0_u32;
    let took = until("the publisher is denied", SOON, async || {
        bystander_client.publish("prices/fr", sent.to_string()).await?;
        sent += 1;
        let reason = till_client.publish("orders/fr/2", "after").await?;
        Ok((reason == PubAckReason::NotAuthorized).then(|| blocked.elapsed()))
    })
    .await?;
    anyhow::ensure!(took < PROMISE, "the publisher was denied after {} ms", took.as_millis());

    // The denial and the rule that decided it are in the portal.
    let denial = until("the denial is reported", SOON, async || {
        mesh.api.find(&format!("denials?principal={}", till.id), "/topic", "orders/fr/2").await
    })
    .await?;
    anyhow::ensure!(denial["rule"] == rule["id"], "another rule is named: {denial}");

    // Cut the subscriber: its right is gone, so its subscription must be too.
    let cut = Instant::now();
    mesh.rule(&listener.id, "deny", "subscribe", "orders/>").await?;
    let took =
        until(
            "the subscriber is cut",
            SOON,
            async || Ok((!listener_client.losses().is_empty()).then(|| cut.elapsed())),
        )
        .await?;
    anyhow::ensure!(took < PROMISE, "the subscriber was cut after {} ms", took.as_millis());
    until("the subscriber is back", SOON, async || Ok((listener_client.connections() > 1).then_some(()))).await?;
    let again = listener_client.try_subscribe("orders/fr/+").await?;
    anyhow::ensure!(again == SubscribeReasonCode::NotAuthorized, "it could subscribe again: {again:?}");

    // The page shows applied, and the neighbour noticed nothing.
    mesh.applied().await?;
    until("every message of the neighbour arrives", SOON, async || {
        Ok((bystander_client.messages().len() == sent as usize).then_some(()))
    })
    .await?;
    anyhow::ensure!(bystander_client.connections() == 1 && bystander_client.losses().is_empty());
    anyhow::ensure!(till_client.connections() == 1, "a denied MQTT 5 publish does not end the connection");

    // Undo: the publisher goes on, on the same connection.
    let id = rule["id"].as_str().context("read the id of the rule")?;
    mesh.api.delete(&format!("rules/{id}"), &rule).await?;
    let undone = Instant::now();
    let took = until("the publisher is let through again", SOON, async || {
        let reason = till_client.publish("orders/fr/3", "again").await?;
        Ok((reason != PubAckReason::NotAuthorized).then(|| undone.elapsed()))
    })
    .await?;
    anyhow::ensure!(took < PROMISE, "the publisher was let through after {} ms", took.as_millis());
    mesh.passed()
}

#[tokio::test]
async fn block_and_unblock_a_client_by_the_api() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let till = mesh.client("till-7", &[("publish", "orders/>")]).await?;
    mesh.applied().await?;
    let client = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &till).await?;
    let allowed = |reason: PubAckReason| reason != PubAckReason::NotAuthorized;
    anyhow::ensure!(allowed(client.publish("orders/1", "x").await?));
    for (verb, expected) in [("block", false), ("unblock", true)] {
        mesh.api.post(&format!("principals/{}/{verb}", till.id), &json!({})).await?;
        until(&format!("{verb} is enforced"), SOON, async || {
            Ok((allowed(client.publish("orders/1", "x").await?) == expected).then_some(()))
        })
        .await?;
    }
    mesh.passed()
}

#[tokio::test]
async fn one_edit_of_a_role_takes_effect_for_its_clients_at_all_sites() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    mesh.site("lyon", Some("hq")).await?;
    let role = mesh.api.post("roles", &json!({ "name": "till" })).await?;
    let allow = |action: &str| json!({ "subject": { "role": role["id"] }, "action": action, "effect": "allow", "filter": "orders/>" });
    mesh.api.post("rules", &allow("connect")).await?;
    let mut clients = Vec::new();
    for site in ["hq", "lyon"] {
        let username = format!("till-{site}");
        let made = mesh
            .api
            .post("principals", &json!({ "username": username, "roles": [role["id"]], "enabled": true }))
            .await?;
        let secret = made["secret"].as_str().context("read the secret")?.to_owned();
        clients.push((site, username, secret));
    }
    mesh.applied().await?;
    let mut connected = Vec::new();
    for (site, username, secret) in &clients {
        let client = MqttClient::connect_as(&mesh.listener(site, "mqtt").await?, username, secret, username).await?;
        anyhow::ensure!(
            client.publish("orders/1", "x").await? == PubAckReason::NotAuthorized,
            "nothing is allowed yet"
        );
        connected.push(client);
    }
    mesh.api.post("rules", &allow("publish")).await?;
    for client in &connected {
        until("the role's new right is there", SOON, async || {
            Ok((client.publish("orders/1", "x").await? != PubAckReason::NotAuthorized).then_some(()))
        })
        .await?;
    }
    mesh.passed()
}

#[tokio::test]
async fn a_scope_keeps_its_topics_at_home_from_one_edit_to_the_next() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let berlin = mesh.site("berlin", Some("hq")).await?;
    let rights = [("publish", "customers/>"), ("subscribe", "customers/>")];
    let (desk, report) = (mesh.client("desk", &rights).await?, mesh.client("report", &rights).await?);
    mesh.applied().await?;
    mesh.linked(1).await?;
    let (here, there) = (mesh.listener("berlin", "mqtt").await?, mesh.listener("hq", "mqtt").await?);
    let (desk, near) = (
        MqttClient::connect(&here, &desk).await?,
        MqttClient::connect_as(&here, &desk.username, &desk.secret, "near").await?,
    );
    let far = MqttClient::connect(&there, &report).await?;
    near.subscribe("customers/+").await?;
    far.subscribe("customers/+").await?;
    let arrives = async |payload: &'static str| {
        until("what is published at Berlin arrives at headquarters", SOON, async || {
            desk.publish("customers/1", payload).await?;
            Ok(far.messages().iter().any(|message| message.payload == payload.as_bytes()).then_some(()))
        })
        .await
    };
    arrives("open").await?;

    let scope = json!({ "name": "berlin-only", "filter": "customers/>", "sites": [berlin["id"]] });
    let scope = mesh.api.post("scopes", &scope).await?;
    mesh.applied().await?;
    for number in 0..20 {
        let answer = desk.publish("customers/1", format!("kept {number}")).await?;
        anyhow::ensure!(answer == PubAckReason::Success, "somebody at Berlin wants it: {answer:?}");
    }
    until("those at home have them", SOON, async || {
        let kept = near.messages().iter().filter(|message| message.payload.starts_with(b"kept")).count();
        Ok((kept == 20).then_some(()))
    })
    .await?;

    let path = format!("scopes/{}", scope["id"].as_str().context("read the id of the scope")?);
    mesh.api.delete(&path, &scope).await?;
    arrives("open again").await?;
    anyhow::ensure!(
        !far.messages().iter().any(|message| message.payload.starts_with(b"kept")),
        "the old ones followed"
    );
    mesh.passed()
}

/// What an address's page says about connecting is run by a shell as it stands there, with the name and password of a client.
#[tokio::test]
async fn the_lines_of_an_address_page_work() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>"), ("subscribe", "orders/>")]).await?;
    mesh.applied().await?;
    let address = mesh.listener("hq", "mqtt").await?;
    mesh.listener("hq", "http").await?;
    let client = MqttClient::connect(&address, &till).await?;
    let lines = until("the page has lines for MQTT and HTTP", SOON, async || {
        client.publish("orders/fr/created", "{}").await?;
        let page = mesh.api.get("catalog?kind=address&q=orders").await?;
        let Some(id) = page["items"][0]["id"].as_str() else { return Ok(None) };
        let object = mesh.api.get(&format!("catalog/{id}")).await?;
        let lines = object["connect"].as_array().cloned().unwrap_or_default();
        Ok((lines.len() == 3).then_some(lines))
    })
    .await?;
    let line = |title: &str, more: &str| -> anyhow::Result<Command> {
        let found = lines.iter().find(|line| line["title"].as_str().is_some_and(|text| text.starts_with(title)));
        let text = found.and_then(|line| line["text"].as_str()).with_context(|| format!("{title} is there"))?;
        let text = text.replace("USER", &till.username).replace("PASSWORD", &till.secret);
        let mut command = Command::new("bash");
        command
            .args(["-c", &format!("{text} {more}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    };
    let mut subscriber = line("Subscribe over MQTT", "-C 2 -W 60")?.spawn().context("start the subscriber")?;
    until("the subscriber has two events", SOON, async || {
        for (title, more) in [("Publish over MQTT", ""), ("Publish over HTTP", "-f -sS")] {
            let done = line(title, more)?.output().await.with_context(|| format!("run: {title}"))?;
            anyhow::ensure!(done.status.success(), "{title}: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(subscriber.try_wait()?)
    })
    .await?;
    let told = subscriber.wait_with_output().await.context("read what it had")?;
    anyhow::ensure!(told.status.success() && told.stdout == b"{}\n{}\n", "{told:?}");
    mesh.passed()
}
