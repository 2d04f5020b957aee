//! Clients that send what is none, too much, or a filter that is not one.

use anyhow::Context;
use demo::portal::ApiFailure;
use reqwest::{Response, StatusCode};
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a listener answers to these bytes until it ends the connection.
async fn answer(address: &str, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await.context("connect")?;
    stream.write_all(bytes).await.context("send")?;
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.context("the listener ends it")?;
    Ok(answer)
}

/// An MQTT 5 CONNECT with user name and password.
fn connect(login: &Login) -> anyhow::Result<Vec<u8>> {
    let mut body = b"\0\x04MQTT\x05\xc2\0\x3c\0".to_vec();
    for text in ["rude", &login.username, &login.secret] {
        body.extend(u16::try_from(text.len())?.to_be_bytes());
        body.extend(text.as_bytes());
    }
    let mut packet = vec![0x10, u8::try_from(body.len()).ok().filter(|length| *length < 128).context("it is short")?];
    packet.extend(body);
    Ok(packet)
}

async fn problem(answer: Response) -> anyhow::Result<(StatusCode, String)> {
    let status = answer.status();
    let problem: Value = answer.json().await.context("read the problem")?;
    Ok((status, problem["detail"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn malformed_packets_oversized_payloads_and_invalid_filters_hurt_only_their_sender() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let till = mesh.client("till", &[("publish", "orders/>"), ("subscribe", "orders/>")]).await?;
    mesh.applied().await?;
    let address = mesh.listener("hq", "mqtt").await?;
    let good = MqttClient::connect(&address, &till).await?;

    for garbage in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x10, 0xff, 0xff, 0xff, 0xff], &[0; 64], &[0x30, 0x02, 0x00, 0x05]]
    {
        answer(&address, garbage).await?;
    }
    let refusal = MqttClient::refusal(&address, "till", "wrong").await?;
    anyhow::ensure!(refusal.contains("BadUserNamePassword") || refusal.contains("NotAuthorized"), "{refusal}");

    // A PUBLISH whose head announces 256 MB is refused before a byte of it: DISCONNECT 0x95, packet too large.
    let said = answer(&address, &[&connect(&till)?[..], b"\x30\xff\xff\xff\x7f"].concat()).await?;
    anyhow::ensure!(said.windows(3).any(|part| part[0] == 0xe0 && part[2] == 0x95), "{said:?}");
    // SUBSCRIBE to `a/#/b`: SUBACK with 0x8f, topic filter invalid; then a DISCONNECT of ours.
    let subscribe = b"\x82\x0b\0\x01\0\0\x05a/#/b\0\xe0\0";
    let said = answer(&address, &[&connect(&till)?[..], subscribe].concat()).await?;
    anyhow::ensure!(said.ends_with(&[0x90, 4, 0, 1, 0, 0x8f]), "{said:?}");

    let http = format!("http://{}/v1/events", mesh.listener("hq", "http").await?);
    let client = reqwest::Client::new();
    let post = |topic: &str, body: Vec<u8>| {
        client.post(format!("{http}/{topic}")).basic_auth(&till.username, Some(&till.secret)).body(body).send()
    };
    let limit = payload_limit(&mesh).await?;
    let (status, why) = problem(post("orders/1", vec![b'x'; limit + 1]).await.context("post a large event")?).await?;
    anyhow::ensure!(status == StatusCode::PAYLOAD_TOO_LARGE, "{status}: {why}");
    anyhow::ensure!(why.contains(&limit.to_string()) && why.contains("send smaller events, or raise"), "{why}");
    let (status, why) = problem(post("prices/1", b"x".to_vec()).await.context("post what is not allowed")?).await?;
    anyhow::ensure!(status == StatusCode::FORBIDDEN && why.contains("no rule allows till to publish"), "{why}");
    let invalid =
        client.get(format!("{http}?filter=a/%23/b&dialect=mqtt")).basic_auth(&till.username, Some(&till.secret));
    let (status, why) = problem(invalid.send().await.context("subscribe")?).await?;
    anyhow::ensure!(status == StatusCode::BAD_REQUEST && why.contains('#'), "{status}: {why}");

    anyhow::ensure!(good.publish("orders/1", "still here").await? != PubAckReason::NotAuthorized);
    anyhow::ensure!(good.connections() == 1 && good.losses().is_empty(), "the neighbour kept its connection");
    mesh.agent("hq")?.check()?;
    mesh.passed()
}

/// Largest payload of the HTTP listener of `hq`.
async fn payload_limit(mesh: &Mesh) -> anyhow::Result<usize> {
    let site = mesh.api.find("sites", "/name", "hq").await?.context("the site exists")?;
    let listeners = site["listeners"].as_array().context("a site has listeners")?;
    let http = listeners.iter().find(|listener| listener["config"]["protocol"] == "http");
    let limit = http.and_then(|listener| listener["config"]["payload_bytes_max"].as_u64());
    Ok(usize::try_from(limit.context("read its limit")?)?)
}

#[tokio::test]
async fn an_invalid_filter_or_template_is_an_error_of_its_field() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let broker =
        json!({ "site": site["id"], "name": "a", "bootstrap": ["127.0.0.1:9"], "tls": false, "discover": false });
    let broker = mesh.api.post("brokers", &broker).await?;
    let read = |template: &str, filter: &str| {
        json!({ "name": "r", "enabled": true, "mode": "guaranteed", "to": { "kind": "mesh" },
            "from": { "kind": "kafka", "broker": broker["id"], "topics": ["t"], "template": template,
                "filter": filter, "start": "latest" } })
    };
    let write = |topic: &str| {
        json!({ "name": "r", "enabled": true, "mode": "guaranteed", "from": { "kind": "mesh", "filters": ["a/>"] },
            "to": { "kind": "kafka", "broker": broker["id"], "topic": topic } })
    };
    let rule = json!({ "subject": "anyone", "action": "publish", "effect": "allow", "filter": "a/\u{0}/b" });
    for (path, input, field) in [
        ("rules", rule, "filter"),
        ("routes", read("a/{key}", "value ="), "from.filter"),
        ("routes", read("a/{oops", ""), "from.template"),
        ("routes", write("{"), "to.topic"),
    ] {
        let error = mesh.api.post(path, &input).await.err().with_context(|| format!("{input} was taken"))?;
        let failure = error.downcast_ref::<ApiFailure>().context("the portal answered")?;
        anyhow::ensure!(failure.status.is_client_error(), "{failure}");
        anyhow::ensure!(failure.problem["fields"][0]["field"] == field, "{failure}");
        let message = failure.problem["fields"][0]["message"].as_str().unwrap_or_default();
        anyhow::ensure!(!message.is_empty(), "{failure}");
    }
    mesh.passed()
}
