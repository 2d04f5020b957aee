//! Webhooks: events become HTTP requests to an endpoint, signed as Standard Webhooks say.

// The type alone: `core` has no sockets.
use core::net::Ipv6Addr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::topic::Filter;

/// How long an endpoint may be given to answer, in milliseconds.
pub const WEBHOOK_TIMEOUT_MS: RangeInclusive<u32> = 100..=120_000;
/// How many requests may be under way at once.
pub const WEBHOOK_CONCURRENCY: RangeInclusive<u16> = 1..=256;
/// Longest URL of an endpoint, in bytes.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;

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

/// What is wrong with the URL of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("must begin with `https://` or `http://`")]
    Scheme,
    /// Too long, or characters that a URL cannot hold.
    #[error("may hold 2,048 printable ASCII characters without spaces, quotes and backslashes; write others as %XX")]
    Characters,
    /// A login in the URL would stand in every log.
    #[error("may not hold a user name or password: the endpoint knows its sender by the signature")]
    Login,
    /// A fragment is for browsers.
    #[error("may not hold a fragment (`#...`): it is never sent")]
    Fragment,
    /// No host, or none that can be one.
    #[error("names no host: write it as https://host/path")]
    Host,
    /// The port is none.
    #[error("names a port that is none: use 1 to 65535")]
    Port,
}

/// Whether a URL can be that of an endpoint: what is asked where it is typed, where it is saved and where it is used.
///
/// # Errors
/// [`UrlError`], in words that follow the name of the field.
pub fn check_webhook_url(url: &str) -> Result<(), UrlError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or(UrlError::Scheme)?;
    let legal =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{'..=b'}');
    if url.len() > WEBHOOK_URL_BYTES_MAX || !url.bytes().all(legal) {
        return Err(UrlError::Characters);
    }
    if rest.contains('#') {
        return Err(UrlError::Fragment);
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(UrlError::Login);
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port == 0) || port.parse::<u16>().is_err()) {
        return Err(UrlError::Port);
    }
    let named =
        |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let sound = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => !host.is_empty() && host.len() <= 253 && named(host),
    };
    if sound { Ok(()) } else { Err(UrlError::Host) }
}

#[cfg(test)]
mod tests {
    use super::{UrlError, check_webhook_url};

    #[test]
    fn a_url_is_one_of_an_endpoint_or_says_why_not() {
        let good = [
            "https://erp.example/hooks/orders?from=mesh",
            "http://127.0.0.1:8080",
            "https://[2001:db8::1]:8443/in",
            "https://[2001:db8::1]",
            "http://erp",
        ];
        for url in good {
            assert_eq!(check_webhook_url(url), Ok(()), "{url}");
        }
        let bad = [
            ("ftp://erp.example", UrlError::Scheme),
            ("erp.example/hooks", UrlError::Scheme),
            ("https://erp.example/a b", UrlError::Characters),
            ("https://erp.example/é", UrlError::Characters),
            ("https://erp.example/a\r\nX: y", UrlError::Characters),
            ("https://me:secret@erp.example", UrlError::Login),
            ("https://erp.example/#top", UrlError::Fragment),
            ("https:///hooks", UrlError::Host),
            ("https://[::1/hooks", UrlError::Host),
            ("https://[1.2.3.4]", UrlError::Host),
            ("https://a%41.example", UrlError::Host),
            ("https://erp.example:0", UrlError::Port),
            ("https://erp.example:70000", UrlError::Port),
            ("https://erp.example:", UrlError::Port),
        ];
        for (url, why) in bad {
            assert_eq!(check_webhook_url(url), Err(why), "{url}");
        }
        let long = format!("https://erp.example/{}", "x".repeat(2_048));
        assert_eq!(check_webhook_url(&long), Err(UrlError::Characters));
    }
}
