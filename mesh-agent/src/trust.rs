//! Whom the agent believes when it calls something with TLS that is not the mesh's own: the authority that was named for
//! it, or those of the system.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Why there is nobody to believe. What to do about it is said by who knows where the authority was named.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The authority that was named.
    #[error("the given authority is no certificate in PEM")]
    Pem,
    /// None was named.
    #[error("this machine knows no certificate authorities")]
    NoRoots,
    /// The library's own.
    #[error("TLS cannot be used")]
    Rustls(#[from] rustls::Error),
}

/// A client's side of TLS that believes the given authority, or those of the system.
///
/// # Errors
/// [`TrustError`].
pub fn client(ca_pem: Option<&str>) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore::empty();
    match ca_pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.add(certificate.map_err(|_| TrustError::Pem)?).map_err(|_| TrustError::Pem)?;
            }
            if roots.is_empty() {
                return Err(TrustError::Pem);
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(TrustError::NoRoots);
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth())
}
