//! TLS towards others, by the authorities that this machine knows.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Why TLS cannot be used here.
#[derive(Debug, thiserror::Error)]
pub(super) enum RootsError {
    #[error("this machine knows no certificate authorities: install its package ca-certificates")]
    None,
    #[error("TLS cannot be used")]
    Tls(#[source] rustls::Error),
}

/// How a client behaves. Authorities are read anew each time: one that was installed meanwhile is believed without a restart.
/// Besides those of the machine it believes the authorities given, PEM.
///
/// # Errors
/// [`RootsError`].
pub(super) async fn client(besides: &[&str]) -> Result<Arc<ClientConfig>, RootsError> {
    let mut roots = RootCertStore::empty();
    let known = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    roots.add_parsable_certificates(known.map(|found| found.certs).unwrap_or_default());
    let besides = besides.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok));
    roots.add_parsable_certificates(besides);
    if roots.is_empty() {
        return Err(RootsError::None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(Arc::new(config.map_err(RootsError::Tls)?.with_root_certificates(roots).with_no_client_auth()))
}
