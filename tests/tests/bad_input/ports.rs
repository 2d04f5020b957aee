//! A port that somebody else holds.

use anyhow::Context;
use serde_json::{Value, json};
use system_tests::mesh::Mesh;
use tokio::net::TcpStream;

use crate::told;

#[tokio::test]
async fn a_port_in_use_is_told_at_its_listener_and_taken_once_it_is_free() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").context("take a port")?;
    let address = taken.local_addr().context("take a port")?.to_string();
    let listener = json!({ "site": site["id"], "name": "second", "protocol": "mqtt", "bind": address,
        "payload_bytes_max": 1_048_576, "connections_max": 100, "custody_timeout_ms": 5_000 });
    let listener = mesh.api.post("listeners", &listener).await?;
    let is = |part: &Value, state: &str| part["object"]["listener"] == listener["id"] && part["state"] == state;
    let detail = told(&mesh, "the listener says what is wrong", |part| is(part, "failing")).await?;
    let port = taken.local_addr().context("take a port")?.port();
    anyhow::ensure!(detail.contains(&format!("port {port} of listener second is in use")), "{detail}");
    anyhow::ensure!(detail.contains("stop it") && detail.contains("or change"), "no advice: {detail}");
    // The site's other listeners never waited for it.
    mesh.listener("hq", "http").await?;

    drop(taken);
    told(&mesh, "the listener has its port", |part| is(part, "running")).await?;
    TcpStream::connect(&address).await.context("connect to the freed port")?;
    mesh.passed()
}
