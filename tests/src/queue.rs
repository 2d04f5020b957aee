//! A client of a named queue over HTTP.

use anyhow::Context;
use serde_json::{Value, json};

use crate::mesh::Login;

/// Pulls from one queue of one agent and answers.
#[derive(Clone, Debug)]
pub struct QueueClient {
    client: reqwest::Client,
    base: String,
    login: Login,
}

/// An event of a queue.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// Names it in the answer.
    pub lease: String,
    /// Payload as text.
    pub payload: String,
    /// How often it came back before.
    pub deliveries: u64,
    /// Somebody may have had it before.
    pub redelivered: bool,
}

impl QueueClient {
    /// For a queue at the agent whose HTTP listener is at `address`.
    #[must_use]
    pub fn new(address: &str, queue: &str, login: &Login) -> Self {
        let base = format!("http://{address}/v1/queues/{queue}");
        Self { client: reqwest::Client::new(), base, login: login.clone() }
    }

    async fn post(&self, path: &str, body: String) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}/{path}", self.base));
        let response = request.basic_auth(&self.login.username, Some(&self.login.secret)).body(body).send().await?;
        let (status, text) = (response.status(), response.text().await.context("read the answer")?);
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).with_context(|| format!("{path}: {text}"))
    }

    /// Up to so many events, waiting for a first one as long as that.
    ///
    /// # Errors
    /// The agent refuses or cannot be reached.
    pub async fn pull(&self, max: usize, wait_ms: u64) -> anyhow::Result<Vec<Pulled>> {
        let told = self.post(&format!("pull?max={max}&wait_ms={wait_ms}&consumer=test"), String::new()).await?;
        let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let read = |event: &Value| Pulled {
            lease: text(event, "lease"),
            payload: text(event, "payload"),
            deliveries: event["deliveries"].as_u64().unwrap_or(u64::MAX),
            redelivered: event["redelivered"] == true,
        };
        Ok(told["events"].as_array().context("read the events")?.iter().map(read).collect())
    }

    /// Is done with events; tells how many of them were still its own.
    ///
    /// # Errors
    /// The agent refuses or cannot be reached.
    pub async fn ack(&self, events: &[Pulled]) -> anyhow::Result<u64> {
        let leases: Vec<&str> = events.iter().map(|event| event.lease.as_str()).collect();
        let told = self.post("answer", json!({ "ack": leases }).to_string()).await?;
        told["settled"].as_u64().context("read how many were settled")
    }

    /// Gives one up for good.
    ///
    /// # Errors
    /// The agent refuses or cannot be reached.
    pub async fn reject(&self, event: &Pulled, reason: &str) -> anyhow::Result<()> {
        let told =
            self.post("answer", json!({ "reject": [{ "lease": event.lease, "reason": reason }] }).to_string()).await?;
        anyhow::ensure!(told["settled"] == 1, "{told}");
        Ok(())
    }

    /// Takes and acknowledges events until those taken are enough; their payloads in their order, repeats left out.
    ///
    /// # Errors
    /// The agent refuses, or they do not come within [`SOON`](crate::SOON).
    pub async fn drain(&self, enough: impl Fn(&[String]) -> bool) -> anyhow::Result<Vec<String>> {
        let mut all: Vec<String> = Vec::new();
        let deadline = tokio::time::Instant::now() + crate::SOON;
        while !enough(&all) {
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "only {} events came", all.len());
            let events = self.pull(100, 2_000).await?;
            self.ack(&events).await?;
            for event in events {
                if !all.contains(&event.payload) {
                    all.push(event.payload);
                }
            }
        }
        Ok(all)
    }
}
