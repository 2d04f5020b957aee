//! Secrets of machine principals, kept as keyed SHA-256.
//!
//! A generated secret has at least 128 bits of entropy, so a fast hash is enough and a connect flood is no attack on
//! the CPU; the key (per environment, in desired state) makes a leaked row useless elsewhere. People's passwords are
//! another matter and never come here.

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::signed::base64_bytes;

/// HMAC-SHA-256 of a secret under the environment's key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(#[serde(with = "base64_bytes")] Vec<u8>);

/// The key of one environment under which secrets are hashed: 32 random bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretKey(#[serde(with = "base64_bytes")] Vec<u8>);

impl SecretKey {
    /// Wraps random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// The raw bytes, for storage.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Vec<u8>> for SecretKey {
    type Error = Vec<u8>;
    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        if bytes.len() == 32 { Ok(Self(bytes)) } else { Err(bytes) }
    }
}

impl SecretHash {
    /// Hashes a secret.
    #[must_use]
    pub fn of(key: &SecretKey, secret: &str) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
        mac.update(secret.as_bytes());
        Self(mac.finalize().into_bytes().to_vec())
    }

    /// Whether the secret is the one that was hashed; takes the same time either way.
    #[must_use]
    pub fn matches(&self, key: &SecretKey, secret: &str) -> bool {
        Self::of(key, secret).0.ct_eq(&self.0).into()
    }

    /// The raw bytes, for storage.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From storage.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_under_the_same_key_matches() {
        let (one, two) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let hash = SecretHash::of(&one, "correct horse");
        assert!(hash.matches(&one, "correct horse"));
        assert!(!hash.matches(&one, "correct horsf"));
        assert!(!hash.matches(&two, "correct horse"));
        assert!(!format!("{hash:?}{one:?}").contains("AQEB"));
    }
}
