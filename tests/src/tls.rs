//! Listeners that speak TLS, made over REST.

use anyhow::Context;
use demo::site::address_of;
use demo::wait::until;
use serde_json::{Value, json};

use crate::SOON;
use crate::mesh::Mesh;

/// Makes a listener with TLS at a site, known by these names beside its address, and waits until it runs with its certificate.
/// Gives its port.
///
/// # Errors
/// The portal refuses, or the agent does not open it.
pub async fn listener(mesh: &Mesh, site: &str, protocol: &str, names: &[&str]) -> anyhow::Result<u16> {
    let find = async || mesh.api.find("sites", "/name", site).await?.with_context(|| format!("{site} is a site"));
    let input = json!({
        "site": find().await?["id"], "name": format!("{protocol}-tls"), "protocol": protocol, "bind": "127.0.0.1:0",
        "payload_bytes_max": 1_048_576, "connections_max": 100, "custody_timeout_ms": 5_000,
        "tls": true, "server_names": names,
    });
    let made = mesh.api.post("listeners", &input).await?;
    until(&format!("{site} speaks {protocol} over TLS"), SOON, async || {
        let site = find().await?;
        let agents = site["agents"].as_array().into_iter().flatten();
        Ok(agents.filter(|agent| is_running(agent, &made["id"])).find_map(|agent| {
            let address = address_of(agent, &made["id"])?;
            address.rsplit_once(':')?.1.parse().ok()
        }))
    })
    .await
}

fn is_running(agent: &Value, listener: &Value) -> bool {
    let mut parts = agent["parts"].as_array().into_iter().flatten();
    parts.any(|part| part["state"] == "running" && part["object"].to_string().contains(&listener.to_string()))
}
