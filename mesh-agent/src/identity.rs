//! Who this agent is: its Ed25519 key for ever, its certificate for 90 days at a time.
//!
//! The Ed25519 key is made and saved *before* the first enrolment. The portal binds a join token to the key that used
//! it, so an enrolment whose answer was lost can simply be repeated. Everything the portal answered lies in one file
//! (certificate, its key, the CA, the sealing keys that came with it), because a crash between two files would leave a certificate without its key.

pub mod sealing;

use std::fmt;
use std::io::BufReader;
use std::sync::Arc;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{SigningKey, VerifyingKey};
use mesh_protocol::enrol::EnrolResponse;
use mesh_protocol::id::{AgentId, EnvironmentId, SiteId};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use self::sealing::SealingKeys;
use crate::control::portal::PortalAddress;
use crate::home::{Home, HomeError, read, replace};

/// What the agent knows of itself. Saved as `identity.json`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Its id, also the common name of its certificate.
    pub agent: AgentId,
    /// The name it gave itself.
    pub name: String,
    /// Which mesh.
    pub environment: EnvironmentId,
    /// Where it stands.
    pub site: SiteId,
    /// Name of that site at enrolment.
    pub site_name: String,
    /// Where the portal's agents' port is.
    pub portal: PortalAddress,
    /// Private key of the certificate, PEM.
    pub tls_key_pem: String,
    /// Its certificate, PEM.
    pub certificate_pem: String,
    /// The agents' CA, PEM.
    pub ca_pem: String,
    /// Keys by which it is known on the fabric.
    #[serde(default)]
    pub sealing: SealingKeys,
    /// Policy keys told at enrolment, hex. What is trusted later is the ledger's matter.
    pub policy_keys: Vec<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("agent", &self.agent).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why the agent has no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Never enrolled.
    #[error(
        "this agent has not joined a mesh yet (no identity in {0}): create it on its site's page in the portal and run the line shown \
         there, or name another folder with --state"
    )]
    NotJoined(String),
    /// The file is damaged.
    #[error("{0} is damaged: restore it from a backup, or move the state folder away and join again with a new token")]
    Damaged(String),
    /// The folder.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// A certificate's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Issued.
    pub from: OffsetDateTime,
    /// Ends.
    pub until: OffsetDateTime,
}

impl Validity {
    /// A third of the way: 30 days of 90.
    #[must_use]
    pub fn renew_at(self) -> OffsetDateTime {
        self.from + (self.until - self.from) / 3
    }
}

impl Identity {
    /// What the portal answered, together with what the agent made itself.
    #[must_use]
    pub fn enrolled(
        portal: PortalAddress,
        name: String,
        (tls_key_pem, sealing): (String, SealingKeys),
        answer: EnrolResponse,
    ) -> Self {
        Self {
            agent: answer.agent,
            name,
            environment: answer.environment,
            site: answer.site,
            site_name: answer.site_name,
            portal,
            tls_key_pem,
            certificate_pem: answer.certificate_pem,
            ca_pem: answer.ca_pem,
            sealing,
            policy_keys: answer.policy_keys,
        }
    }

    /// The identity in this folder. One from before there were sealing keys gets its first, and is saved with it.
    ///
    /// # Errors
    /// [`IdentityError::NotJoined`] when there is none.
    pub fn load(home: &Home) -> Result<Self, IdentityError> {
        let path = home.identity();
        let text = read(&path)?.ok_or_else(|| IdentityError::NotJoined(home.dir().display().to_string()))?;
        let damaged = || IdentityError::Damaged(path.display().to_string());
        let mut identity: Self = serde_json::from_slice(&text).map_err(|_| damaged())?;
        identity.tls().ok_or_else(damaged)?;
        identity.validity().ok_or_else(damaged)?;
        if identity.sealing.is_empty() {
            identity.sealing = SealingKeys::random();
            identity.save(home)?;
        }
        Ok(identity)
    }

    /// Writes it to the folder, replacing an older one atomically.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn save(&self, home: &Home) -> Result<(), HomeError> {
        let text = serde_json::to_vec_pretty(self).expect("an identity serializes");
        replace(&home.identity(), &text)
    }

    /// The certificates and key as rustls wants them; none when a PEM is damaged.
    #[must_use]
    pub fn tls(&self) -> Option<TlsIdentity> {
        let chain: Vec<_> = certificates(&self.certificate_pem)?;
        let ca = certificates(&self.ca_pem)?.into_iter().next()?;
        let key = PrivateKeyDer::from_pem_slice(self.tls_key_pem.as_bytes()).ok()?;
        (!chain.is_empty()).then(|| TlsIdentity { chain, key: Arc::new(key), ca })
    }

    /// From when until when the certificate counts; none when it cannot be read.
    #[must_use]
    pub fn validity(&self) -> Option<Validity> {
        let certificate = certificates(&self.certificate_pem)?.into_iter().next()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate).ok()?;
        let validity = parsed.validity();
        Some(Validity { from: validity.not_before.to_datetime(), until: validity.not_after.to_datetime() })
    }

    /// The policy keys told at enrolment; unreadable ones are left out.
    #[must_use]
    pub fn enrolled_policy_keys(&self) -> Vec<VerifyingKey> {
        self.policy_keys.iter().filter_map(|key| public_key(key)).collect()
    }
}

/// What TLS needs of an identity.
#[derive(Clone)]
pub struct TlsIdentity {
    /// The agent's certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key.
    pub key: Arc<PrivateKeyDer<'static>>,
    /// The agents' CA.
    pub ca: CertificateDer<'static>,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsIdentity(..)")
    }
}

/// All certificates of a PEM text; none when one is damaged.
#[must_use]
pub fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_reader_iter(BufReader::new(pem.as_bytes())).collect::<Result<_, _>>().ok()
}

/// An Ed25519 public key from 64 hex digits.
#[must_use]
pub fn public_key(hex_text: &str) -> Option<VerifyingKey> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex_text, &mut bytes).ok()?;
    VerifyingKey::from_bytes(&bytes).ok()
}

/// The agent's own key, made and saved when new.
///
/// # Errors
/// [`IdentityError`] for a damaged file or a folder that cannot be written.
pub fn agent_key(home: &Home) -> Result<SigningKey, IdentityError> {
    let path = home.agent_key();
    if let Some(pem) = read(&path)? {
        let damaged = || IdentityError::Damaged(path.display().to_string());
        let pem = std::str::from_utf8(&pem).map_err(|_| damaged())?;
        return SigningKey::from_pkcs8_pem(pem).map_err(|_| damaged());
    }
    let key = SigningKey::from_bytes(&rand::random());
    let pem = key.to_pkcs8_pem(LineEnding::LF).expect("an Ed25519 key encodes");
    replace(&path, pem.as_bytes())?;
    Ok(key)
}

/// A new P-256 key (PEM) and the request for a certificate on it (PEM).
///
/// # Errors
/// [`rcgen::Error`], when the system has no randomness.
pub fn certificate_request() -> Result<(String, String), rcgen::Error> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let request = rcgen::CertificateParams::new(Vec::new())?.serialize_request(&key)?;
    Ok((key.serialize_pem(), request.pem()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_key_is_made_once() {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::at(dir.path()).expect("made");
        let key = agent_key(&home).expect("made");
        assert_eq!(agent_key(&home).expect("kept").to_bytes(), key.to_bytes());
        replace(&home.agent_key(), b"garbage").expect("written");
        assert!(matches!(agent_key(&home), Err(IdentityError::Damaged(_))));
    }

    #[test]
    fn a_folder_without_identity_says_how_to_join() {
        let dir = tempfile::tempdir().expect("temp dir");
        let error = Identity::load(&Home::at(dir.path()).expect("made")).expect_err("not joined");
        assert!(error.to_string().contains("not joined"), "{error}");
    }

    #[test]
    fn a_certificate_is_renewed_after_a_third_of_its_life() {
        let from = OffsetDateTime::UNIX_EPOCH;
        let validity = Validity { from, until: from + time::Duration::days(90) };
        assert_eq!(validity.renew_at(), from + time::Duration::days(30));
    }
}
