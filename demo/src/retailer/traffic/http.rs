//! Clients that speak HTTP, and tills that post their orders so.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::{Outgoing, ticker};

/// Longer than an agent waits for custody, and than a pull waits for events, so that the answer is heard.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Before what failed is tried again: an agent may be starting anew.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// A client with its login at an agent's HTTP listener.
#[derive(Clone)]
pub(super) struct Login {
    http: reqwest::Client,
    base: String,
    name: String,
    secret: String,
}

impl Login {
    /// A client that logs in as `name` at `address` (`host:port`).
    pub(super) fn new(name: &str, secret: &str, address: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_LIMIT).build();
        let http = http.context("make an HTTP client")?;
        Ok(Self { http, base: format!("http://{address}/v1"), name: name.to_owned(), secret: secret.to_owned() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `POST /v1/<path>`; what is published so is guaranteed.
    pub(super) async fn post(&self, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let request = self.request(path);
        self.send(path, if let Some(body) = body { request.json(body) } else { request }).await
    }

    /// Publishes for whoever listens now.
    pub(super) async fn post_direct(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(path, self.request(path).header("meshport-delivery", "direct").json(body)).await
    }

    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}/{path}", self.base)).basic_auth(&self.name, Some(&self.secret))
    }

    async fn send(&self, path: &str, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let answer = request.send().await.with_context(|| format!("post to {path}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("read the answer of {path}"))?;
        anyhow::ensure!(status.is_success(), "{path} was answered with {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("read the answer of {path}"))
    }
}

/// Posts what `next` makes, once in `every`.
pub(super) async fn run(login: Login, every: Duration, mut next: impl FnMut() -> Outgoing) {
    let mut ticker = ticker(every);
    loop {
        ticker.tick().await;
        let event = next();
        if let Err(error) = login.post(&format!("events/{}", event.topic), Some(&event.body)).await {
            tracing::debug!(name = login.name(), error = format!("{error:#}"), "an order was not taken");
        }
    }
}
