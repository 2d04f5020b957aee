//! The certificate that an agent's listeners show to clients, as it is now.
//!
//! Somebody else gets it and renews it; handshakes take what there is at their moment, so that a new one counts from the next
//! client on and nobody is disconnected for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use tokio::sync::watch;

use crate::identity::certificates;
use crate::status::now_ms;

/// Longest time without a look at the clock.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// A certificate chain with its key.
#[derive(Clone)]
pub struct Shown {
    key: Arc<CertifiedKey>,
    /// From when until when it counts, milliseconds since the Unix epoch.
    pub validity_ms: (i64, i64),
    complaint: Option<String>,
    is_own: bool,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("validity_ms", &self.validity_ms).finish_non_exhaustive()
    }
}

/// Why a certificate and its key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUsable {
    /// The certificate.
    #[error("the certificate is no chain of certificates in PEM, the listener's own first")]
    Certificate,
    /// The key.
    #[error("the key is no private key in PEM that can sign")]
    Key,
    /// They do not belong together.
    #[error("the key is not that of the certificate")]
    Mismatch,
}

impl Shown {
    /// Reads both.
    ///
    /// # Errors
    /// [`NotUsable`].
    pub fn read(certificate_pem: &str, key_pem: &str) -> Result<Self, NotUsable> {
        let chain = certificates(certificate_pem).filter(|chain| !chain.is_empty()).ok_or(NotUsable::Certificate)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&chain[0]).map_err(|_| NotUsable::Certificate)?;
        let validity = parsed.validity();
        let ms = |at: x509_parser::time::ASN1Time| at.timestamp().saturating_mul(1_000);
        let validity_ms = (ms(validity.not_before), ms(validity.not_after));
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| NotUsable::Key)?;
        let key = ring::sign::any_supported_type(&key).map_err(|_| NotUsable::Key)?;
        let key = CertifiedKey::new(chain, key);
        match key.keys_match() {
            // Not all kinds of keys can be compared.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(_) => return Err(NotUsable::Mismatch),
        }
        Ok(Self { key: Arc::new(key), validity_ms, complaint: None, is_own: false })
    }

    /// The same, of which its keeper has something to tell: another was to take its place and cannot.
    #[must_use]
    pub fn but(self, complaint: String) -> Self {
        Self { complaint: Some(complaint), ..self }
    }

    /// The same, which is not the mesh's: somebody gave it to this agent.
    #[must_use]
    pub fn of_its_own(self) -> Self {
        Self { is_own: true, ..self }
    }

    /// What is wrong besides.
    #[must_use]
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// The listener's own certificate, DER.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        &self.key.cert[0]
    }
}

/// What is shown now, or why nothing is. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Standing(watch::Receiver<Result<Shown, String>>);

impl Standing {
    /// A standing that somebody keeps. An error is for the listener's line and says what to do.
    #[must_use]
    pub const fn of(kept: watch::Receiver<Result<Shown, String>>) -> Self {
        Self(kept)
    }

    pub(super) fn changes(&self) -> watch::Receiver<Result<Shown, String>> {
        self.0.clone()
    }

    /// Whether what is shown is of somebody's own authority.
    pub(super) fn is_own(&self) -> bool {
        self.0.borrow().as_ref().is_ok_and(|shown| shown.is_own)
    }

    /// What is wrong with it, and when to look again at the latest.
    pub(super) fn trouble(&self) -> (Option<String>, Duration) {
        match &*self.0.borrow() {
            Err(why) => (Some(why.clone()), LOOK_INTERVAL),
            Ok(shown @ Shown { validity_ms: (from, until), .. }) => {
                let now = now_ms();
                let left = |at: i64| Duration::from_millis(u64::try_from(at - now).unwrap_or(0) + 1).min(LOOK_INTERVAL);
                if now < *from {
                    let why = "the certificate shown to clients does not count yet: set this machine's clock right";
                    (Some(why.to_owned()), left(*from))
                } else if now >= *until {
                    let why = "the certificate shown to clients has expired: see that this agent reaches the portal, \
                        which renews it, or replace the file given by --listener-cert";
                    (Some(why.to_owned()), LOOK_INTERVAL)
                } else {
                    (shown.complaint.clone(), left(*until))
                }
            }
        }
    }
}

impl ResolvesServerCert for Standing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.borrow().as_ref().ok().map(|shown| shown.key.clone())
    }
}
