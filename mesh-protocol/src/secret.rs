//! Secrets of machine principals, kept as keyed SHA-256.
//!
//! A generated secret has at least 128 bits of entropy, so a fast hash is enough and a connect flood is no attack on
//! the CPU; the key (per environment, in desired state) makes a leaked row useless elsewhere. People's passwords are
//! another matter and never come here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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

/// What API keys begin with, so that scanners of sources can find lost ones.
pub const API_KEY_PREFIX: &str = "mpk_";

/// A user name and its secret as one text, for clients that have one setting for both.
#[must_use]
pub fn api_key(username: &str, secret: &str) -> String {
    format!("{API_KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(format!("{username}:{secret}")))
}

/// The user name and the secret that an [`api_key`] holds; none = it is no such key. Neither is checked.
#[must_use]
pub fn of_api_key(key: &str) -> Option<(String, String)> {
    let decoded = URL_SAFE_NO_PAD.decode(key.trim().strip_prefix(API_KEY_PREFIX)?).ok()?;
    let (username, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((username.to_owned(), secret.to_owned()))
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
    fn an_api_key_is_a_user_name_and_a_secret() {
        let key = api_key("wall-7", "a:b/c+d");
        assert_eq!(of_api_key(&format!(" {key}\n")), Some(("wall-7".to_owned(), "a:b/c+d".to_owned())));
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{key}");
        for bad in ["", "mpk_", "mpk_?", "mpk_d2FsbA", key.trim_start_matches(API_KEY_PREFIX)] {
            assert_eq!(of_api_key(bad), None, "{bad}");
        }
    }

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
