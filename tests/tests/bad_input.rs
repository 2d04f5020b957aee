//! Bad input gets a clear message at the right place and harms nobody.

use anyhow::Context;
use demo::agent::Agent;
use demo::portal::ApiFailure;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_join_token_works_once_and_only_whole() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let path = format!("sites/{}/join-tokens", site["id"].as_str().context("read the site's id")?);
    let line = mesh.api.post(&path, &json!({})).await?;
    let (portal, token) = (text(&line, "portal")?, text(&line, "token")?);
    let join = |name: &str, token: &str| Agent::unjoined(name, &mesh.path(name)).join_with(portal, token);

    let mangled = join("mangled", &token[..token.len() - 3]).expect_err("a token must be whole").to_string();
    anyhow::ensure!(mangled.contains("join token"), "{mangled}");
    join("first", token)?;
    let used = join("second", token).expect_err("a token works once").to_string();
    anyhow::ensure!(used.contains("token"), "{used}");
    Ok(())
}

#[tokio::test]
async fn malformed_packets_and_oversized_payloads_hurt_only_their_sender() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>"), ("subscribe", "orders/>")]).await?;
    mesh.applied().await?;
    let address = mesh.listener("hq", "mqtt").await?;
    let good = MqttClient::connect(&address, &till).await?;

    for garbage in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x10, 0xff, 0xff, 0xff, 0xff], &[0; 64], &[0x30, 0x02, 0x00, 0x05]]
    {
        let mut stream = TcpStream::connect(&address).await.context("connect")?;
        stream.write_all(garbage).await.context("send garbage")?;
        let mut answer = Vec::new();
        tokio::time::timeout(SOON, stream.read_to_end(&mut answer))
            .await
            .context("the listener ends the connection")?
            .ok();
    }
    let refusal = MqttClient::refusal(&address, "till", "wrong").await?;
    anyhow::ensure!(refusal.contains("BadUserNamePassword") || refusal.contains("NotAuthorized"), "{refusal}");

    let http = mesh.listener("hq", "http").await?;
    let post = |topic: &str, body: Vec<u8>| {
        let request = reqwest::Client::new().post(format!("http://{http}/v1/events/{topic}"));
        request.basic_auth(&till.username, Some(&till.secret)).body(body).send()
    };
    let site = mesh.api.find("sites", "/name", "hq").await?.context("the site exists")?;
    let listeners = site["listeners"].as_array().context("a site has listeners")?;
    let limit = listeners.iter().find(|listener| listener["config"]["protocol"] == "http");
    let limit =
        limit.and_then(|listener| listener["config"]["payload_bytes_max"].as_u64()).context("read its limit")?;
    let large = post("orders/1", vec![b'x'; usize::try_from(limit)? + 1]).await.context("post a large event")?;
    anyhow::ensure!(large.status().as_u16() == 413, "an oversized payload: {}", large.status());
    let denied = post("prices/1", b"x".to_vec()).await.context("post what is not allowed")?;
    anyhow::ensure!(denied.status().as_u16() == 403, "a denied publish: {}", denied.status());

    anyhow::ensure!(good.publish("orders/1", "still here").await? != PubAckReason::NotAuthorized);
    anyhow::ensure!(good.connections() == 1 && good.losses().is_empty(), "the neighbour kept its connection");
    mesh.agent("hq")?.check()
}

#[tokio::test]
async fn a_port_in_use_and_an_unreachable_kafka_are_told_where_they_were_configured() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").context("take a port")?;
    let port = taken.local_addr().context("take a port")?.port().to_string();
    mesh.api.post("listeners", &listener(&site, "second", &format!("127.0.0.1:{port}"))).await?;
    let part = until("the listener says what is wrong", SOON, async || {
        part_of_hub(&mesh, |part| part["object"]["listener"].is_string() && part["detail"].is_string()).await
    })
    .await?;
    let detail = text(&part, "detail")?;
    anyhow::ensure!(detail.contains(&port), "the message names the port: {detail}");

    let broker =
        json!({ "site": site["id"], "name": "gone", "bootstrap": ["127.0.0.1:9"], "tls": false, "discover": true });
    mesh.api.post("brokers", &broker).await?;
    let part = until("the broker connection says what is wrong", SOON, async || {
        part_of_hub(&mesh, |part| part["object"]["broker"].is_string() && part["detail"].is_string()).await
    })
    .await?;
    let detail = text(&part, "detail")?;
    anyhow::ensure!(detail.contains("127.0.0.1:9"), "the message names the address: {detail}");
    Ok(())
}

#[tokio::test]
async fn an_invalid_filter_is_an_error_of_its_field() -> anyhow::Result<()> {
    let mesh = Mesh::start().await?;
    let rule = json!({ "subject": "anyone", "action": "publish", "effect": "allow", "filter": "a/\u{0}/b" });
    let error = mesh.api.post("rules", &rule).await.expect_err("a filter has no NUL");
    let failure = error.downcast_ref::<ApiFailure>().context("the portal answered")?;
    anyhow::ensure!((400..500).contains(&failure.status.as_u16()), "{failure}");
    anyhow::ensure!(failure.problem["fields"][0]["field"] == "filter", "{failure}");
    Ok(())
}

fn listener(site: &Value, name: &str, bind: &str) -> Value {
    json!({ "site": site["id"], "name": name, "protocol": "mqtt", "bind": bind, "payload_bytes_max": 1_048_576,
        "connections_max": 100, "custody_timeout_ms": 5_000 })
}

/// The first part of the hub's agent that is as wanted.
async fn part_of_hub(mesh: &Mesh, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Option<Value>> {
    let agent = mesh.api.find("agents", "/site_name", "hq").await?.context("the hub has an agent")?;
    Ok(agent["parts"].as_array().and_then(|parts| parts.iter().find(|part| wanted(part)).cloned()))
}

fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value[field].as_str().with_context(|| format!("read {field} of {value}"))
}
