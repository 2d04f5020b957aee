//! One attempt to bring a message to its endpoint.
//!
//! The portal stands in a network where other things answer too, and whoever makes webhooks names URLs. So names are
//! resolved here, the address that was judged is the one that is connected to (a name that answers otherwise a moment later
//! gains nothing), redirects are not followed, and of an answer only the beginning is read. Each attempt has a connection
//! of its own: messages are few, and a connection that is kept is one more thing that can hang.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use mesh_protocol::internet::is_public;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::delivery::Due;
use crate::app::clock::now_ms;
use crate::app::error::chain;
use crate::app::roots::{self, RootsError};
use crate::domain::webhook_endpoint::{Answer, Attempt};

/// Longest attempt, from the name to the end of what is read of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for one address; the next one is tried after it.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(4);
/// Most bytes of an answer that are read.
const RESPONSE_BYTES_MAX: usize = 4 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the URL names no host")]
    NoHost,
    #[error("the name {0} cannot be resolved")]
    Resolve(String, #[source] io::Error),
    #[error(
        "{0} is at an address of this machine, of a private network or of the cloud itself: if that is meant, allow \
         private addresses at the webhook"
    )]
    Private(String),
    #[error("no connection to {0}")]
    Connect(SocketAddr, #[source] io::Error),
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error(
        "no secure connection to {0}: its certificate must be valid for that name and come from an authority that \
         this machine knows"
    )]
    Secure(String, #[source] io::Error),
    #[error("the connection broke")]
    Http(#[source] hyper::Error),
    #[error("the message cannot be written as a request")]
    Request(#[source] hyper::http::Error),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Slow,
}

/// What is read and written by.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Sends a message and waits for the answer.
pub async fn call(due: &Due) -> Answer {
    let (at_ms, began) = (now_ms(), Instant::now());
    let outcome = timeout(TIMEOUT, exchange(due, at_ms)).await.unwrap_or(Err(CallError::Slow));
    let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let mut attempt = Attempt { at_ms, took_ms, ..Attempt::default() };
    let mut retry_after_ms = None;
    match outcome {
        Err(error) => attempt.trouble = chain(&error),
        Ok(told) => {
            attempt.status = Some(told.status);
            attempt.response = told.body;
            attempt.trouble = trouble(told.status);
            retry_after_ms = told.retry_after_s.map(|seconds| seconds.saturating_mul(1_000));
        }
    }
    Answer { attempt, retry_after_ms }
}

/// Why an answer is not the one that was hoped for; empty = it is.
fn trouble(status: u16) -> String {
    match status {
        200..300 => String::new(),
        300..400 => {
            format!("it answered {status}: redirects are not followed; if that is the right place, name it as the URL")
        }
        _ => format!("it answered {status}"),
    }
}

/// An answer.
struct Told {
    status: u16,
    body: String,
    retry_after_s: Option<i64>,
}

async fn exchange(due: &Due, at_ms: i64) -> Result<Told, CallError> {
    let uri: Uri = due.endpoint.spec.url.parse().map_err(|_| CallError::NoHost)?;
    let io = connect(&uri, due.endpoint.spec.private_addresses).await?;
    let request = request(due, &uri, at_ms)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.map_err(CallError::Http)?;
    let mut connection = pin!(connection);
    let mut answered = pin!(async move {
        let response = sender.send_request(request).await.map_err(CallError::Http)?;
        Ok(read(response).await)
    });
    tokio::select! {
        told = &mut answered => return told,
        // The far end may close as soon as it has answered; what it said is here already.
        _closed = &mut connection => {}
    }
    answered.await
}

fn request(due: &Due, uri: &Uri, at_ms: i64) -> Result<Request<Full<Bytes>>, CallError> {
    let (id, at_s, body) = (due.delivery.message_id(), at_ms.div_euclid(1_000), &due.delivery.body);
    let host = uri.authority().ok_or(CallError::NoHost)?.as_str();
    Request::builder()
        .method(Method::POST)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, host)
        .header(USER_AGENT, concat!("meshport/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", at_s)
        .header("webhook-signature", due.secrets.signatures(&id, at_s, body))
        .body(Full::new(Bytes::from(body.clone())))
        .map_err(CallError::Request)
}

/// A connection to the first address that answers, of those that may be called.
async fn connect(uri: &Uri, private_addresses: bool) -> Result<Box<dyn Io>, CallError> {
    let is_secure = uri.scheme_str() == Some("https");
    // An IPv6 address stands in brackets there.
    let host = uri.host().ok_or(CallError::NoHost)?.trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found = found.map_err(|error| CallError::Resolve(host.clone(), error))?;
    let mut failed = CallError::Resolve(host.clone(), io::Error::other("it has no address"));
    for address in found {
        if !private_addresses && !is_public(address.ip()) {
            failed = CallError::Private(host.clone());
            continue;
        }
        match timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return if is_secure { secure(tcp, &host).await } else { Ok(Box::new(tcp)) },
            Ok(Err(error)) => failed = CallError::Connect(address, error),
            Err(late) => failed = CallError::Connect(address, late.into()),
        }
    }
    Err(failed)
}

async fn secure(tcp: TcpStream, host: &str) -> Result<Box<dyn Io>, CallError> {
    let failed = |error| CallError::Secure(host.to_owned(), error);
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let tls = TlsConnector::from(roots::client(&[]).await?).connect(name, tcp).await.map_err(failed)?;
    Ok(Box::new(tls))
}

/// Status, the beginning of the body and what the endpoint asks for.
async fn read(response: Response<Incoming>) -> Told {
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while bytes.len() < RESPONSE_BYTES_MAX
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Some(data) = frame.data_ref() {
            let room = RESPONSE_BYTES_MAX - bytes.len();
            bytes.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    let asked = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after_s = asked.and_then(|text| text.trim().parse().ok()).filter(|seconds| *seconds >= 0);
    // PostgreSQL keeps no NUL in a text.
    let body = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
    Told { status: parts.status.as_u16(), body, retry_after_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str, private_addresses: bool) -> String {
        let uri: Uri = url.parse().expect("a URL");
        match connect(&uri, private_addresses).await {
            Ok(_) => panic!("{url} was connected to"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn addresses_inside_are_refused_before_anything_is_sent() {
        for url in ["http://127.0.0.1:1", "https://[::1]:1/in", "http://10.1.2.3", "http://169.254.169.254/latest"] {
            let why = refused(url, false).await;
            assert!(why.contains("allow private addresses"), "{url}: {why}");
        }
        let why = refused("http://127.0.0.1:1", true).await;
        assert!(why.contains("no connection to 127.0.0.1:1"), "{why}");
    }

    #[test]
    fn a_redirect_is_no_success_and_says_what_to_do() {
        assert_eq!(trouble(204), "");
        assert!(trouble(302).contains("not followed"));
        assert_eq!(trouble(500), "it answered 500");
    }
}
