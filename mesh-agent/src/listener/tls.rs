//! TLS at listeners: what the agent shows to clients, and what it asks of them.
//!
//! A client may show a certificate of the authority of devices, and need not. One that shows another, or one whose time is
//! over, is told so by an alert and let in nowhere, not even with a secret: it was set up to be known by its certificate. Which
//! certificates let somebody in is the policy's matter ([`Certificate`]), so that a removed one is gone with the next revision.
//! Sessions of TLS may be resumed; the certificate is asked about at every login all the same.

mod shown;
mod socket;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::desired::{Fingerprint, ListenerTls};
use mesh_protocol::event::Protocol;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Common;
use crate::counters::{Counter, Counters};
use crate::identity::certificates;
use crate::policy::{Certificate, CertificateError, Denied, Session};
pub use shown::{NotUsable, Shown, Standing};
pub(super) use socket::TlsSocket;

/// How long a client may take to agree on TLS.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long the last words to one that did not may take.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// What is still read of such a client, so that the system does not cut off what it is told.
const LEFTOVER_BYTES: u64 = 64 * 1024;

/// What a listener that speaks TLS is given.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As desired state says.
    pub tls: ListenerTls,
    /// The certificate that this agent shows.
    pub shown: Standing,
}

/// One listener's side of TLS.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    /// Whom this agent believes when it carries clients to the site's owner.
    connector: TlsConnector,
    shown: Standing,
    refused: Counter,
    failed: Counter,
    silent: Counter,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// Who is at the other end, as far as TLS tells.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    /// The verified certificate, when it showed one.
    pub(super) certificate: Option<Certificate>,
}

/// Why a listener's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// An authority of the document.
    #[error("the portal gave an authority that is no certificate in PEM: update the portal, or restore its secrets")]
    Authority,
    /// The library's own.
    #[error("TLS cannot be used")]
    Rustls(#[from] rustls::Error),
}

impl Tls {
    /// Sets up one listener. HTTP says so in the handshake, for clients that speak several versions of it.
    pub(super) fn new(settings: &Settings, is_http: bool, counters: &Counters) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let clients = Arc::new(roots(&settings.tls.clients_pem)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(clients, provider.clone()).allow_unauthenticated();
        let verifier = verifier.build().map_err(|_| TlsError::Authority)?;
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let resolver = Arc::new(settings.shown.clone());
        let mut server = builder.with_client_cert_verifier(verifier).with_cert_resolver(resolver);
        if is_http {
            server.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        let mut believed = roots(&settings.tls.authority_pem)?;
        believed.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let client = builder.with_root_certificates(believed).with_no_client_auth();
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            connector: TlsConnector::from(Arc::new(client)),
            shown: settings.shown.clone(),
            refused: counters.counter("refused_certificate_connections"),
            failed: counters.counter("failed_tls_connections"),
            silent: counters.counter("silent_connections"),
        })
    }

    /// Agrees on TLS with a client; none when that was not to be, of which the client has been told.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<(TlsStream<TcpStream>, Peer)> {
        let mut accepted = self.acceptor.accept(stream).into_fallible();
        match timeout(HANDSHAKE_MAX, &mut accepted).await {
            Ok(Ok(stream)) => {
                let peer = Peer::of(stream.get_ref().1.peer_certificates());
                Some((stream, peer))
            }
            Ok(Err((error, stream))) => {
                let count = if is_about_certificate(&error) { &self.refused } else { &self.failed };
                count.one();
                tracing::debug!(%error, "a client and this listener did not agree on TLS");
                farewell(stream).await;
                None
            }
            Err(_) => {
                self.silent.one();
                None
            }
        }
    }

    /// Agrees on TLS with the site's owner, to carry a client there.
    pub(super) async fn connect(
        &self,
        address: &str,
        stream: TcpStream,
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.connector.connect(name, stream).await
    }

    /// Tells on the listener's line whether clients can believe it, for as long as it is polled.
    pub(super) async fn watch(self, part: Arc<crate::status::PartHandle>) {
        let mut shown = self.shown.changes();
        loop {
            let (detail, wait) = self.shown.trouble();
            part.own_certificate(self.shown.is_own());
            match detail {
                None => part.running(),
                Some(detail) => part.failing(detail),
            }
            tokio::select! {
                changed = shown.changed() => if changed.is_err() { return std::future::pending().await },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

impl Peer {
    /// Rustls has verified what is given here.
    fn of(chain: Option<&[CertificateDer<'_>]>) -> Self {
        let certificate = chain.and_then(<[_]>::first).and_then(|certificate| {
            let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
            let ends_at_ms = parsed.validity().not_after.timestamp().saturating_mul(1_000);
            Some(Certificate { fingerprint: Fingerprint(Sha256::digest(certificate).into()), ends_at_ms })
        });
        Self { certificate }
    }
}

impl Common {
    /// The client that logs in with its certificate, or else with user name and secret. A certificate that is not known any
    /// more does not keep a client out that has a secret.
    pub(super) fn login(
        &self,
        peer: Peer,
        username: Option<&str>,
        secret: Option<&str>,
        client_id: &str,
        by: Protocol,
    ) -> Result<(Session, Arc<str>), Denied> {
        let by_secret = username.zip(secret).filter(|(username, _)| !username.is_empty());
        if let Some(certificate) = peer.certificate {
            match self.enforcer.login_by_certificate(certificate, username, client_id, by) {
                Err(Denied::Certificate(CertificateError::Unknown | CertificateError::Expired))
                    if by_secret.is_some() => {}
                decided => return decided.map(|(session, identity)| (session, identity.username)),
            }
        }
        let no_credentials = mesh_protocol::policy::DenyReason::NoCredentials;
        let (username, secret) = by_secret.ok_or(Denied::ByPolicy(no_credentials))?;
        let (session, identity) = self.enforcer.login(username, secret, client_id, by)?;
        Ok((session, identity.username))
    }
}

fn roots(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).ok_or(TlsError::Authority)? {
        roots.add(certificate).map_err(|_| TlsError::Authority)?;
    }
    if roots.is_empty() { Err(TlsError::Authority) } else { Ok(roots) }
}

fn is_about_certificate(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

/// The alert is written already. What the client went on saying is read, or the system would answer it by a reset that may
/// overtake the alert.
async fn farewell(mut stream: TcpStream) {
    let told = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut (&mut stream).take(LEFTOVER_BYTES), &mut tokio::io::sink()).await
    };
    // One that is gone already cannot be told.
    let _ = timeout(FAREWELL_MAX, told).await;
}

#[cfg(test)]
mod tests;
