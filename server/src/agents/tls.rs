//! TLS of the agents' port.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use mesh_protocol::id::AgentId;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::app::App;
use crate::app::authority::AuthorityError;
use crate::app::error::chain;
use crate::task::Tasks;

/// How often the port gets a new certificate; they live far longer.
const FRESH_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the agents' port cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate.
    #[error("cannot make the certificate of the agents' port")]
    Authority(#[from] AuthorityError),
    /// The TLS library refused.
    #[error("cannot configure TLS for the agents' port")]
    Tls(#[from] rustls::Error),
    /// The authority cannot verify clients.
    #[error("cannot use the agents' authority to verify agents")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// The certificate in use, replaced while connections stand.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// The port's TLS.
#[derive(Debug)]
pub(super) struct Tls {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

impl Tls {
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }
}

/// Asks for a client certificate of the agents' authority; none is allowed, a foreign one is not.
pub(super) fn server_config(app: &App) -> Result<Tls, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(app.authority().agents_ca().clone())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()?;
    let current = Arc::new(Current(ArcSwap::from_pointee(certified_key(app)?)));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(current.clone());
    Ok(Tls { config: Arc::new(config), current })
}

/// Replaces the certificate long before it ends.
pub(super) fn keep_fresh(app: &App, tls: &Tls, tasks: &Tasks) {
    let (app, current) = (app.clone(), tls.current.clone());
    tasks.spawn_until_stop("agents port certificate", async move {
        loop {
            tokio::time::sleep(FRESH_INTERVAL).await;
            match certified_key(&app) {
                Ok(key) => current.0.store(Arc::new(key)),
                Err(error) => tracing::error!(error = %chain(&error), "the agents' port keeps its old certificate"),
            }
        }
    });
}

fn certified_key(app: &App) -> Result<CertifiedKey, TlsError> {
    let identity = app.authority().server_identity()?;
    Ok(CertifiedKey::new(identity.chain, ring::sign::any_supported_type(&identity.key)?))
}

/// Whether a handshake failed on the other side's certificate.
pub(super) fn is_foreign_certificate(error: &std::io::Error) -> bool {
    let tls = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

/// The agent a certificate names. Only certificates of the agents' authority come this far.
pub(super) fn agent_of(certificate: &CertificateDer<'_>) -> Option<AgentId> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    name.parse().ok()
}
