//! Bad input through a whole mesh: a clear message at the right place that says what to do, nothing lost, nothing
//! crashed, and the mended thing works without a restart.

mod certificates;
mod clients;
mod joining;
mod kafka;
mod ports;

use anyhow::Context;
use demo::wait::until;
use serde_json::Value;
use system_tests::SOON;
use system_tests::mesh::Mesh;

/// Waits until a part of the agent of `hq` is as wanted, and returns what it tells.
async fn told(mesh: &Mesh, what: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<String> {
    let part = until(what, SOON, async || {
        let agent = mesh.api.find("agents", "/site_name", "hq").await?.context("hq has an agent")?;
        let parts = agent["parts"].as_array().cloned().unwrap_or_default();
        let found = parts.iter().find(|part| wanted(part)).cloned();
        if found.is_none() {
            anyhow::bail!("its parts: {}", Value::Array(parts));
        }
        Ok(found)
    })
    .await?;
    Ok(part["detail"].as_str().unwrap_or_default().to_owned())
}

fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value[field].as_str().with_context(|| format!("read {field} of {value}"))
}
