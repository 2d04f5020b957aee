//! The browser's transport. The session cookie travels by itself and says who asks.

use gloo_net::http::{Method, RequestBuilder};
use send_wrapper::SendWrapper;

use super::rest::{Exchange, Request, Transport, Verb};

/// `fetch`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fetch;

impl Transport for Fetch {
    fn exchange(&self, request: Request) -> Exchange {
        // A wasm page has one thread, which is what the wrapper asserts.
        Box::pin(SendWrapper::new(async move { exchange(request).await.map_err(drop) }))
    }
}

async fn exchange(request: Request) -> Result<(u16, String), gloo_net::Error> {
    let method = match request.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Delete => Method::DELETE,
    };
    let builder = RequestBuilder::new(&request.path).method(method).header("accept", "application/json");
    let response = match request.body {
        Some(body) => builder.header("content-type", "application/json").body(body)?.send().await?,
        None => builder.send().await?,
    };
    Ok((response.status(), response.text().await?))
}
