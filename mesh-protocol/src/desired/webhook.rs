//! Webhooks: events become HTTP requests to an endpoint, signed as Standard Webhooks say.

use serde::{Deserialize, Serialize};

use crate::topic::Filter;

/// Events become requests to an HTTP endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSink {
    /// Which events it attracts.
    pub filters: Vec<Filter>,
    /// Where requests go: `http://` or `https://`.
    pub url: String,
    /// How an event stands in a request.
    pub format: WebhookFormat,
    /// Name of the signing secret in the agent's own store (`mesh-agent secret set NAME`); none = not signed.
    #[serde(default)]
    pub secret: Option<String>,
    /// PEM of the authority that signed the endpoint's certificate; none = the system's.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// How long the endpoint may take to answer, in milliseconds.
    pub timeout_ms: u32,
    /// Requests at once, each for another ordering key.
    pub concurrency: u16,
    /// An event that failed so often is a dead letter; none = it is tried for ever.
    pub deliveries_max: Option<u16>,
    /// Addresses of the agent's own machine and of private networks may be called too.
    #[serde(default)]
    pub private_addresses: bool,
}

/// How an event stands in a request (the CloudEvents HTTP binding).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// CloudEvents binary mode: the payload is the body, attributes are `ce-` headers.
    #[default]
    Binary,
    /// CloudEvents structured mode: one JSON document.
    Structured,
}
