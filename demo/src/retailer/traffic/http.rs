//! Tills that post their orders over HTTP.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;

use super::{Outgoing, ticker};

/// Longer than an agent waits for custody, so that its answer is heard.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

pub(super) fn run<N: FnMut() -> Outgoing + Send + 'static>(
    name: &str,
    secret: &str,
    address: &str,
    every: Duration,
    mut next: N,
) -> anyhow::Result<impl Future<Output = ()> + Send + use<N> + 'static> {
    let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_LIMIT).build().context("make an HTTP client")?;
    let (name, secret, base) = (name.to_owned(), secret.to_owned(), format!("http://{address}/v1/events"));
    Ok(async move {
        let mut ticker = ticker(every);
        loop {
            ticker.tick().await;
            let event = next();
            let request =
                http.post(format!("{base}/{}", event.topic)).basic_auth(&name, Some(&secret)).json(&event.body);
            match request.send().await {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => tracing::debug!(%name, status = %answer.status(), topic = event.topic, "refused"),
                Err(error) => tracing::info!(%name, %error, "could not post"),
            }
        }
    })
}
