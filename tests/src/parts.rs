//! A production line: numbered parts of some machines, published over HTTP and taken out of the named queue `parts`.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::{Value, json};

use crate::SOON;
use crate::mesh::{Login, Mesh};

/// Ordering keys.
pub const MACHINES: [&str; 3] = ["press-1", "press-2", "oven-1"];

/// A client of the HTTP listener of a site.
#[derive(Debug)]
pub struct Http {
    base: String,
    login: Login,
    client: reqwest::Client,
}

impl Http {
    /// As this client.
    ///
    /// # Errors
    /// No such listener opens.
    pub async fn at(mesh: &Mesh, site: &str, login: Login) -> anyhow::Result<Self> {
        let base = format!("http://{}/v1", mesh.listener(site, "http").await?);
        let client = reqwest::Client::builder().no_proxy().build().context("make an HTTP client")?;
        Ok(Self { base, login, client })
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}/{path}", self.base));
        let request = request.basic_auth(&self.login.username, Some(&self.login.secret)).json(body);
        let answer = request.send().await.with_context(|| format!("post to {path}"))?;
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        ensure!(status.is_success(), "{path} was answered with {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("read the answer of {path}"))
    }

    /// Publishes parts `from..to` of each machine; each is acknowledged.
    ///
    /// # Errors
    /// One is not.
    pub async fn make(&self, from: u64, to: u64) -> anyhow::Result<()> {
        for number in from..to {
            for machine in MACHINES {
                self.post(&format!("events/parts/{machine}"), &json!({ "number": number })).await?;
            }
        }
        Ok(())
    }

    /// Takes what the queue has now into `taken`, by machine.
    ///
    /// # Errors
    /// The queue cannot be consumed.
    pub async fn take(&self, taken: &mut BTreeMap<String, Vec<u64>>) -> anyhow::Result<usize> {
        let pulled = self.post("queues/parts/pull?max=500&wait_ms=300", &Value::Null).await?;
        let events = pulled["events"].as_array().context("a pull brings events")?;
        let mut leases = Vec::new();
        for event in events {
            let topic = event["topic"].as_str().context("an event has a topic")?;
            let payload = event["payload"].as_str().map(serde_json::from_str::<Value>);
            let payload = payload.transpose().context("read a payload")?.unwrap_or_else(|| event["payload"].clone());
            let number = payload["number"].as_u64().with_context(|| format!("find the number in {event}"))?;
            taken.entry(topic.to_owned()).or_default().push(number);
            leases.push(event["lease"].clone());
        }
        if !leases.is_empty() {
            self.post("queues/parts/answer", &json!({ "ack": leases })).await?;
        }
        Ok(events.len())
    }

    /// Takes until each machine's first `parts` parts are there: once each, in their order.
    ///
    /// # Errors
    /// They do not come, twice, or in another order.
    pub async fn take_all(&self, taken: &mut BTreeMap<String, Vec<u64>>, parts: u64) -> anyhow::Result<()> {
        let whole = parts * MACHINES.len() as u64;
        let count =
            |taken: &BTreeMap<String, Vec<u64>>| taken.values().map(|numbers| numbers.len() as u64).sum::<u64>();
        until(&format!("{whole} parts have arrived"), SOON, async || {
            self.take(taken).await?;
            Ok((count(taken) >= whole).then_some(()))
        })
        .await?;
        for (topic, numbers) in taken.iter() {
            ensure!(numbers.iter().copied().eq(0..parts), "{topic}: not once each in order: {numbers:?}");
        }
        Ok(())
    }
}
