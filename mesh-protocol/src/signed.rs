//! Signed documents: exact bytes, an Ed25519 signature and the id of the key that made it.
//!
//! The signature covers the bytes as they were sent, never a re-serialisation, so that two JSON writers can differ
//! without breaking it. A domain label is signed in front of the bytes: a deny list can never pass as a desired state.

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What kind of document a signature speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A [`DesiredState`](crate::desired::DesiredState).
    DesiredState,
    /// A [`DenyList`](crate::deny_list::DenyList).
    DenyList,
    /// An [`EnrolRequest`](crate::enrol::EnrolRequest), signed by the agent's own key.
    Enrol,
    /// A [`ListenerRequest`](crate::enrol::ListenerRequest), signed by the agent's own key.
    Listener,
}

impl Domain {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::DesiredState => b"meshport/desired-state/v1\0",
            Self::DenyList => b"meshport/deny-list/v1\0",
            Self::Enrol => b"meshport/enrol/v1\0",
            Self::Listener => b"meshport/listener/v1\0",
        }
    }
}

/// A document with its signature. JSON on the wire and in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The exact bytes that were signed, base64.
    #[serde(with = "base64_bytes")]
    pub body: Vec<u8>,
    /// Ed25519 over the domain's label and the body, base64.
    #[serde(with = "base64_bytes")]
    pub signature: Vec<u8>,
    /// Which key signed; see [`key_id`].
    pub key_id: String,
}

/// Why a signed document is not believed.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    /// None of the trusted keys has this id.
    #[error("the document is signed by key {0}, which is not trusted here")]
    UnknownKey(String),
    /// The bytes were changed, or another key signed.
    #[error("the signature does not fit the document: it was altered or signed for another purpose")]
    BadSignature,
    /// The bytes are genuine but not a document of this version.
    #[error("the signed document cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl Signed {
    /// Signs exact bytes for one purpose.
    #[must_use]
    pub fn sign(domain: Domain, body: Vec<u8>, key: &SigningKey) -> Self {
        let signature = key.sign(&message(domain, &body)).to_bytes().to_vec();
        Self { body, signature, key_id: key_id(&key.verifying_key()) }
    }

    /// The document, if one of the trusted keys signed these exact bytes for this purpose.
    ///
    /// # Errors
    /// [`SignedError`], each variant a different reason that the portal shows.
    pub fn open<T: DeserializeOwned>(&self, domain: Domain, trusted: &[VerifyingKey]) -> Result<T, SignedError> {
        self.verify(domain, trusted)?;
        serde_json::from_slice(&self.body).map_err(SignedError::Unreadable)
    }

    /// Checks the signature alone.
    ///
    /// # Errors
    /// [`SignedError::UnknownKey`] or [`SignedError::BadSignature`].
    pub fn verify(&self, domain: Domain, trusted: &[VerifyingKey]) -> Result<(), SignedError> {
        let key = trusted
            .iter()
            .find(|key| key_id(key) == self.key_id)
            .ok_or_else(|| SignedError::UnknownKey(self.key_id.clone()))?;
        let signature = Signature::from_slice(&self.signature).map_err(|_| SignedError::BadSignature)?;
        key.verify_strict(&message(domain, &self.body), &signature).map_err(|_| SignedError::BadSignature)
    }
}

/// The name of a key: the first 8 bytes of SHA-256 of its public part, in hex.
#[must_use]
pub fn key_id(key: &VerifyingKey) -> String {
    use sha2::Digest;
    hex::encode(&sha2::Sha256::digest(key.as_bytes())[..8])
}

fn message(domain: Domain, body: &[u8]) -> Vec<u8> {
    [domain.label(), body].concat()
}

/// Serde for byte vectors as base64 text.
pub mod base64_bytes {
    use super::{BASE64_STANDARD, Engine};
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes standard base64.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    /// Reads standard base64.
    ///
    /// # Errors
    /// Text that is not base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        BASE64_STANDARD.decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let signed = Signed::sign(Domain::DesiredState, br#"{"revision":1}"#.to_vec(), &key(1));
        let trusted = [key(1).verifying_key()];
        assert!(signed.verify(Domain::DesiredState, &trusted).is_ok());
        for index in 0..signed.body.len() {
            let mut altered = signed.clone();
            altered.body[index] ^= 1;
            assert!(matches!(altered.verify(Domain::DesiredState, &trusted), Err(SignedError::BadSignature)));
        }
    }

    #[test]
    fn a_signature_holds_for_one_purpose_and_one_key() {
        let signed = Signed::sign(Domain::DenyList, b"{}".to_vec(), &key(1));
        let trusted = [key(1).verifying_key()];
        assert!(matches!(signed.verify(Domain::DesiredState, &trusted), Err(SignedError::BadSignature)));
        let other = [key(2).verifying_key()];
        assert!(matches!(signed.verify(Domain::DenyList, &other), Err(SignedError::UnknownKey(_))));
    }
}
