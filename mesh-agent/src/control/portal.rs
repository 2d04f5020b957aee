//! Where the portal's agents' port is, and one HTTPS call to it.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls::{self, PinMismatch};

/// One whole call, name lookup to last byte.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// One attempt to connect, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// `https://HOST:PORT` of the agents' port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortalAddress {
    host: String,
    port: u16,
}

/// Why a text is not the portal's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the address of a portal's agents' port: write https://HOST:PORT as the site's page shows it")]
pub struct PortalAddressError(String);

/// Why the portal could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// No connection.
    #[error(
        "the portal at {portal} cannot be reached: check the address, that `meshport serve` runs there and that no \
         firewall is between"
    )]
    Unreachable {
        /// Which.
        portal: PortalAddress,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody answered late or not at all.
    #[error("the portal at {0} did not answer in time: check the network, and that this is the agents' port")]
    Silent(PortalAddress),
    /// Its certificate does not come from the CA that the join token names.
    #[error(
        "whoever answers at {0} is not the portal this agent trusts (its certificate comes from another authority): \
         check the address, and copy the join line anew from the site's page"
    )]
    WrongAuthority(PortalAddress),
    /// TLS failed otherwise.
    #[error(
        "no secure connection to {portal}: check that this is the portal's port for agents, not the one for browsers"
    )]
    Tls {
        /// Which.
        portal: PortalAddress,
        /// Why.
        source: std::io::Error,
    },
    /// What answers is not a portal.
    #[error("what answers at {portal} does not speak as a portal's agents' port does")]
    Protocol {
        /// Which.
        portal: PortalAddress,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The portal says no.
    #[error("the portal refused: {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The portal's own words.
        reason: String,
    },
}

impl fmt::Display for PortalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

impl FromStr for PortalAddress {
    type Err = PortalAddressError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let rest = text.trim().strip_prefix("https://")?;
            let (host, port) = rest.strip_suffix('/').unwrap_or(rest).rsplit_once(':')?;
            let port = port.parse().ok().filter(|&port| port != 0)?;
            let host = match host.strip_prefix('[') {
                Some(v6) => v6.strip_suffix(']').filter(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok())?,
                None => Some(host).filter(|host| !host.contains(':') && ServerName::try_from(*host).is_ok())?,
            };
            Some(Self { host: host.to_owned(), port })
        };
        parse().ok_or_else(|| PortalAddressError(text.to_owned()))
    }
}

impl TryFrom<String> for PortalAddress {
    type Error = PortalAddressError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PortalAddress> for String {
    fn from(address: PortalAddress) -> Self {
        address.to_string()
    }
}

impl PortalAddress {
    /// `HOST:PORT` as HTTP's Host header has it.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Opens a TLS connection to the agents' port, with a time limit.
    ///
    /// # Errors
    /// [`PortalError`], told apart so that each says what to do.
    pub async fn connect(&self, config: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, PortalError> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.connect_slowly(config)).await;
        connected.unwrap_or_else(|_| Err(PortalError::Silent(self.clone())))
    }

    async fn connect_slowly(&self, config: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, PortalError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|source| PortalError::Unreachable { portal: self.clone(), source })?;
        // Small control messages must not wait for each other's acks; a failure costs latency only.
        let _ = stream.set_nodelay(true);
        let connected = TlsConnector::from(config).connect(tls::portal_name(), stream).await;
        connected.map_err(|source| {
            let portal = self.clone();
            if PinMismatch::is_cause_of(&source) {
                PortalError::WrongAuthority(portal)
            } else {
                PortalError::Tls { portal, source }
            }
        })
    }

    /// Posts a JSON document and gives the answer's body.
    ///
    /// # Errors
    /// [`PortalError`]; a refusal carries the portal's own words.
    pub async fn post(&self, config: Arc<ClientConfig>, path: &str, body: String) -> Result<Vec<u8>, PortalError> {
        let answered = tokio::time::timeout(CALL_TIMEOUT, self.post_slowly(config, path, body)).await;
        answered.unwrap_or_else(|_| Err(PortalError::Silent(self.clone())))
    }

    async fn post_slowly(&self, config: Arc<ClientConfig>, path: &str, body: String) -> Result<Vec<u8>, PortalError> {
        let stream = self.connect(config).await?;
        let request = hyper::Request::post(path)
            .header(HOST, self.authority())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| self.protocol(error))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| self.protocol(error))?;
        let exchange = pin!(async move {
            let response = sender.send_request(request).await.map_err(|error| self.protocol(error))?;
            let status = response.status();
            Ok((status, self.read(response.into_body()).await?))
        });
        // Whatever ends the connection shows in the exchange, which may still have its answer buffered.
        let (status, body) = match select(exchange, pin!(connection)).await {
            Either::Left((answer, _)) => answer?,
            Either::Right((_, exchange)) => exchange.await?,
        };
        if status.is_success() {
            return Ok(body);
        }
        Err(PortalError::Refused { status: status.as_u16(), reason: refusal(status, &body) })
    }

    async fn read(&self, mut body: Incoming) -> Result<Vec<u8>, PortalError> {
        let mut whole = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let data = frame.map_err(|error| self.protocol(error))?.into_data().unwrap_or_default();
            if whole.len() + data.len() > ANSWER_BYTES_MAX {
                return Err(self.protocol("its answer is too large"));
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole)
    }

    fn protocol(&self, source: impl Into<Box<dyn Error + Send + Sync>>) -> PortalError {
        PortalError::Protocol { portal: self.clone(), source: source.into() }
    }
}

/// The portal's words: `detail`, else `title` of its problem document, else the HTTP status.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let words = ["detail", "title"].into_iter().find_map(|field| problem.get(field)?.as_str());
    words.map_or_else(|| format!("it answered {status}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_a_port() {
        for good in ["https://portal.example.com:8444", "https://10.0.0.1:8444", "https://[::1]:8444"] {
            assert_eq!(good.parse::<PortalAddress>().expect(good).to_string(), good);
            assert_eq!(format!(" {good}/\n").parse::<PortalAddress>().expect(good).to_string(), good);
        }
        for bad in [
            "",
            "portal:8444",
            "http://portal:8444",
            "https://portal",
            "https://:1",
            "https://a:0",
            "https://a:b",
            "https://a/b:1",
        ] {
            assert!(bad.parse::<PortalAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_speaks_the_portals_words() {
        assert_eq!(
            refusal(StatusCode::CONFLICT, br#"{"title":"used","detail":"the token was used"}"#),
            "the token was used"
        );
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, b"<html>"), "it answered 502 Bad Gateway");
    }
}
