//! Where a site's clients connect: asked from the portal, as a person would look it up.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::portal::Client;
use crate::wait::until;

/// How long an agent may take to open its listeners after its site came to be.
const OPEN_LIMIT: Duration = Duration::from_secs(60);

/// `host:port` of the listener of a protocol (`mqtt` or `http`) at a site, once an agent has opened it.
///
/// # Errors
/// No agent opens it in time.
pub async fn listener_address(portal: &Client, site: &str, protocol: &str) -> anyhow::Result<String> {
    until(&format!("the {protocol} listener at {site} is open"), OPEN_LIMIT, async || {
        let site = portal.find("sites", "/name", site).await?.context("the site exists")?;
        Ok(address_in(&site, protocol))
    })
    .await
}

fn address_in(site: &Value, protocol: &str) -> Option<String> {
    let listeners = site["listeners"].as_array()?;
    let listener = listeners.iter().find(|listener| listener["config"]["protocol"] == protocol)?;
    let mut agents = site["agents"].as_array()?.iter().filter(|agent| agent["presence"] != "revoked");
    agents.find_map(|agent| address_of(agent, &listener["id"]))
}

/// Where an agent, as the portal tells of it, has opened a listener.
#[must_use]
pub fn address_of(agent: &Value, listener: &Value) -> Option<String> {
    let part = agent["parts"].as_array()?.iter().find(|part| mentions(&part["object"], listener))?;
    // What an agent bound on all interfaces is reached on this machine by the loopback address.
    Some(part["addresses"].get(0)?.as_str()?.replace("0.0.0.0", "127.0.0.1"))
}

/// A part's reference holds the id of what it serves somewhere inside, whatever kind it is.
fn mentions(reference: &Value, id: &Value) -> bool {
    match reference {
        Value::Object(fields) => fields.values().any(|field| mentions(field, id)),
        other => other == id,
    }
}
