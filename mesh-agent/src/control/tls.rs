//! TLS towards the portal. Two ways to believe its certificate, one rule for both: it must chain to the agents' CA and
//! carry the portal's fixed name. Before enrolment the CA is known by the SHA-256 in the join token, later by itself.

use std::fmt;
use std::sync::Arc;

use mesh_protocol::enrol::PORTAL_TLS_NAME;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use crate::identity::TlsIdentity;

/// How the agents' CA is known.
#[derive(Clone, PartialEq, Eq)]
pub enum Authority {
    /// By the SHA-256 of its certificate, from a join token.
    Pinned([u8; 32]),
    /// By itself, from the enrolment's answer.
    Known(CertificateDer<'static>),
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pinned(_) => "Pinned",
            Self::Known(_) => "Known",
        })
    }
}

/// The portal's certificate does not come from the CA this agent trusts.
#[derive(Debug, thiserror::Error)]
#[error("the portal's certificate comes from another authority than the one this agent trusts")]
pub struct PinMismatch;

impl PinMismatch {
    /// Whether this is what a TLS handshake failed on.
    #[must_use]
    pub fn is_cause_of(error: &std::io::Error) -> bool {
        let tls = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause)))) => cause.is::<Self>(),
            // Authorities of all portals have the same name: one that only looks right made the wrong signature.
            Some(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => true,
            _ => false,
        }
    }
}

/// Whether a connection failed because the other side does not believe our certificate. Under TLS 1.3 its alert comes
/// after our own handshake is done, with the first read.
#[must_use]
pub fn is_refused_certificate(error: &std::io::Error) -> bool {
    use rustls::AlertDescription::{BadCertificate, CertificateUnknown, DecryptError, UnknownCA};
    let tls = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::AlertReceived(alert)) = tls else { return false };
    matches!(alert, BadCertificate | CertificateUnknown | DecryptError | UnknownCA)
}

/// The name the portal's certificate carries.
#[must_use]
pub fn portal_name() -> ServerName<'static> {
    ServerName::try_from(PORTAL_TLS_NAME).expect("a valid name")
}

/// TLS without a certificate of the agent's own: enrolment and renewal.
///
/// # Errors
/// Never with the built-in provider; [`rustls::Error`] says what it lacks.
pub fn anonymous(authority: Authority) -> Result<Arc<ClientConfig>, rustls::Error> {
    let config = builder(authority)?.with_no_client_auth();
    Ok(Arc::new(config))
}

/// TLS with the agent's certificate: the control session.
///
/// # Errors
/// [`rustls::Error`] when certificate and key do not fit each other.
pub fn mutual(identity: &TlsIdentity) -> Result<Arc<ClientConfig>, rustls::Error> {
    let authority = Authority::Known(identity.ca.clone());
    let config = builder(authority)?.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())?;
    Ok(Arc::new(config))
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(authority: Authority) -> Result<Builder, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(PortalVerifier { authority, provider: provider.clone() });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

#[derive(Debug)]
struct PortalVerifier {
    authority: Authority,
    provider: Arc<CryptoProvider>,
}

impl PortalVerifier {
    /// The CA itself: known, or the one in the chain that has the pinned hash.
    fn authority_in(&self, chain: &[CertificateDer<'_>]) -> Option<CertificateDer<'static>> {
        match &self.authority {
            Authority::Known(ca) => Some(ca.clone()),
            Authority::Pinned(pin) => chain
                .iter()
                .find(|certificate| Sha256::digest(certificate).as_slice() == pin)
                .map(|ca| ca.clone().into_owned()),
        }
    }
}

impl ServerCertVerifier for PortalVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mismatch = || CertificateError::Other(OtherError(Arc::new(PinMismatch)));
        let authority = self.authority_in(intermediates).ok_or_else(mismatch)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &roots, intermediates, now, algorithms)?;
        verify_server_name(&certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
