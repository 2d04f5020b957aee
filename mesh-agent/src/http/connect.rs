//! Connections to an HTTP endpoint. Names are resolved here and nowhere else, so that the address that was judged is the address
//! that is connected to: a name that answers otherwise a moment later (DNS rebinding) gains nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use mesh_protocol::internet::is_public;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use crate::trust::{self, TrustError};

/// Longest wait for one address; the next one is tried after it.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a connection as a whole (told in [`ConnectError::Slow`]): it may be waited for by nobody any more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Connector {
    /// None for an endpoint without TLS.
    tls: Option<TlsConnector>,
    private_addresses: bool,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("private_addresses", &self.private_addresses).finish_non_exhaustive()
    }
}

/// Where a host is; one that was written as an address is there.
fn place(host: &str, address: IpAddr) -> String {
    if host.trim_matches(['[', ']']) == address.to_string() {
        format!("{host} is")
    } else {
        format!("{host} is at {address},")
    }
}

/// Why there is no connection. What to do is said where it is shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the name {0} cannot be resolved")]
    Resolve(String, #[source] io::Error),
    #[error(
        "{} an address of this machine, of a private network or of the cloud itself: if that is meant, allow private \
         addresses at the route",
        place(host, *address)
    )]
    Private { host: String, address: IpAddr },
    #[error("no connection to {0}")]
    Connect(SocketAddr, #[source] io::Error),
    #[error(
        "no secure connection to {0}: its certificate must be valid for that name and come from an authority that \
             this machine knows or that was named for it"
    )]
    Tls(String, #[source] io::Error),
    #[error("{0} does not let anybody connect within 20 s")]
    Slow(String),
    #[error("the URL names no host")]
    NoHost,
}

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the authority of the endpoint is no certificate in PEM")]
    Pem,
    #[error(
        "this machine knows no certificate authorities: install its package ca-certificates, or name the authority of the endpoint"
    )]
    NoRoots,
    #[error("TLS cannot be used")]
    Rustls(#[source] rustls::Error),
}

/// Trust in the given authority, or in those of the system.
pub(crate) fn tls(ca_pem: Option<&str>) -> Result<ClientConfig, TlsError> {
    let mut config = trust::client(ca_pem).map_err(|error| match error {
        TrustError::Pem => TlsError::Pem,
        TrustError::NoRoots => TlsError::NoRoots,
        TrustError::Rustls(error) => TlsError::Rustls(error),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

impl Connector {
    pub(crate) fn new(tls: Option<ClientConfig>, private_addresses: bool) -> Self {
        Self { tls: tls.map(|tls| TlsConnector::from(Arc::new(tls))), private_addresses }
    }

    async fn connect(self, uri: Uri) -> Result<Stream, ConnectError> {
        // An IPv6 address stands in brackets there.
        let host = uri.host().ok_or(ConnectError::NoHost)?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let tcp = self.reach(&host, port).await?;
        // A request is written at once; nothing is gained by waiting for more.
        let _best_effort = tcp.set_nodelay(true);
        let Some(tls) = &self.tls else { return Ok(Stream::Plain(TokioIo::new(tcp))) };
        let failed = |error| ConnectError::Tls(host.clone(), error);
        let name = ServerName::try_from(host.clone()).map_err(|error| failed(io::Error::other(error)))?;
        let tls = tls.connect(name, tcp).await.map_err(failed)?;
        Ok(Stream::Secure(Box::new(TokioIo::new(tls))))
    }

    /// A connection to the first address that answers, of those that may be called.
    async fn reach(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found.map_err(|error| ConnectError::Resolve(host.to_owned(), error))?;
        let nothing = io::Error::other("it has no address");
        let mut failed = ConnectError::Resolve(host.to_owned(), nothing);
        for address in found {
            if !self.private_addresses && !is_public(address.ip()) {
                failed = ConnectError::Private { host: host.to_owned(), address: address.ip() };
                continue;
            }
            match timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = ConnectError::Connect(address, error),
                Err(late) => failed = ConnectError::Connect(address, late.into()),
            }
        }
        Err(failed)
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Stream, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connector, host) = (self.clone(), uri.host().unwrap_or_default().to_owned());
        let connected = timeout(CONNECT_TIMEOUT, connector.connect(uri));
        Box::pin(async move { connected.await.unwrap_or_else(|_| Err(ConnectError::Slow(host))) })
    }
}

/// A connection, with or without TLS.
pub(crate) enum Stream {
    Plain(TokioIo<TcpStream>),
    Secure(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let negotiated = match self {
            Self::Plain(_) => None,
            Self::Secure(stream) => stream.inner().get_ref().1.alpn_protocol(),
        };
        if negotiated == Some(b"h2") { Connected::new().negotiated_h2() } else { Connected::new() }
    }
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, to),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_read(cx, to),
        }
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// Runs what a connection needs beside its requests, until who calls has ended.
#[derive(Clone, Debug)]
pub(crate) struct OnTasks(pub(crate) crate::task::Tasks);

impl<F> hyper::rt::Executor<F> for OnTasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, work: F) {
        self.0.spawn_until_stopped("connection", work);
    }
}
