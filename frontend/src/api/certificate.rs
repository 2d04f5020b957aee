//! Certificates by which credentials log in at listeners with TLS.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CredentialInput, CredentialView, Millis};

/// A credential to issue that logs in with a certificate instead of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateInput {
    /// The credential.
    #[serde(default)]
    pub credential: CredentialInput,
    /// Its certificate.
    #[serde(default)]
    pub certificate: CertificateWish,
}

/// How a certificate is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateWish {
    /// A request (PKCS#10, PEM), of which only the key counts; none = the portal makes a key and gives it out once.
    #[serde(default)]
    pub csr_pem: Option<String>,
    /// How many days it lasts at most, up to 397; none = 90. It ends with its credential and with the last grant at the latest.
    #[serde(default)]
    pub days: Option<u32>,
    /// For how long earlier certificates of the credential still work, in minutes.
    #[serde(default)]
    pub overlap_minutes: u32,
}

/// A certificate, as it is given once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialCertificate {
    /// The credential.
    pub credential: CredentialView,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM, when the portal made it: nobody can read it again.
    pub key_pem: Option<String>,
    /// The authority of listeners, PEM: what the client must trust.
    pub authority_pem: String,
    /// SHA-256 of the certificate, 64 hex digits.
    pub fingerprint: String,
    /// When it ends.
    pub ends_at: Millis,
}

/// A certificate that a credential may log in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// SHA-256 of it, 64 hex digits.
    pub fingerprint: String,
    /// Until when it works.
    pub until: Millis,
    /// Issued when.
    pub created_at: Millis,
}

/// Who issues the certificates that listeners show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerAuthority {
    /// Its certificate, PEM.
    pub pem: String,
    /// SHA-256 of it, 64 hex digits.
    pub fingerprint: String,
}
