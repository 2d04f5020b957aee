//! The keys by which an agent is known on the fabric: X25519, made at enrolment and anew with each certificate.
//!
//! The public part goes to the portal, which names it in every member's signed desired state. Until all have that, others
//! still believe the key before, so one older key is kept. They are part of the identity's file, saved together with the
//! certificate they came with. A stolen key lets the thief play this agent until it is replaced
//! or the agent is revoked; it opens nothing that was sent before (see [`seal`](crate::seal)), but the passwords of Kafka users in
//! documents that are sealed to it (`kafka_access`).

use std::fmt;

use curve25519_dalek::montgomery::MontgomeryPoint;
use mesh_protocol::frame::envelope::KeyId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Keys kept: the newest, and the one before.
const KEYS_MAX: usize = 2;

/// A public key of another agent.
pub type Public = [u8; 32];

/// An X25519 private key. Overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey {
    secret: [u8; 32],
    public: Public,
}

/// An agent's sealing keys, newest first. Empty only in an identity from before there were any, until that is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealingKeys(Vec<SealingKey>);

impl Serialize for SealingKey {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&Zeroizing::new(hex::encode(self.secret)))
    }
}

impl<'de> Deserialize<'de> for SealingKey {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(input)?);
        let secret = bytes(&text).ok_or_else(|| serde::de::Error::custom("a sealing key is 64 hex digits"))?;
        Ok(Self::from_secret(secret))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Drop for SealingKey {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl SealingKey {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self::from_secret(rand::random())
    }

    /// The key with these secret bytes.
    #[must_use]
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self { secret, public: MontgomeryPoint::mul_base_clamped(secret).to_bytes() }
    }

    /// Its public part.
    #[must_use]
    pub fn public(&self) -> &Public {
        &self.public
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        key_id(&self.public)
    }

    /// Its secret bytes, for the library that agrees on sessions.
    #[must_use]
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

/// Whether this is no key but a trick: what is agreed on with it does not depend on the other side's key (RFC 7748, 6.1).
#[must_use]
pub fn is_trick(public: &Public) -> bool {
    MontgomeryPoint(*public).mul_clamped([1; 32]).to_bytes() == [0; 32]
}

/// The name of a public key.
#[must_use]
pub fn key_id(public: &Public) -> KeyId {
    let digest: [u8; 32] = Sha256::digest(public).into();
    KeyId(u64::from_be_bytes(digest[..8].try_into().expect("eight of them")))
}

/// A public key from 64 hex digits; none when it is none, or a trick ([`is_trick`]).
#[must_use]
pub fn public(hex_text: &str) -> Option<Public> {
    bytes(hex_text).filter(|key| !is_trick(key))
}

fn bytes(hex_text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex_text, &mut bytes).ok()?;
    Some(bytes)
}

impl From<SealingKey> for SealingKeys {
    fn from(key: SealingKey) -> Self {
        Self(vec![key])
    }
}

impl SealingKeys {
    /// A new key, and the one before it; older ones go.
    #[must_use]
    pub fn rotated(&self) -> Self {
        let kept = self.0.iter().take(KEYS_MAX - 1).cloned();
        Self(std::iter::once(SealingKey::random()).chain(kept).collect())
    }

    /// One new key.
    #[must_use]
    pub fn random() -> Self {
        SealingKey::random().into()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest key.
    ///
    /// # Panics
    /// There are none: an identity is loaded with one at least.
    #[must_use]
    pub fn newest(&self) -> &SealingKey {
        self.0.first().expect("an identity is loaded with one at least")
    }

    /// The newest key's public part, for the portal.
    #[must_use]
    pub fn public_hex(&self) -> String {
        hex::encode(self.newest().public())
    }

    /// The key that a box in a document names ([`key_name`](mesh_protocol::sealed::key_name)).
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&SealingKey> {
        self.0.iter().find(|key| mesh_protocol::sealed::key_name(key.public()) == name)
    }

    /// The key of this name.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&SealingKey> {
        self.0.iter().find(|key| key.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748, section 5.2: the first of the iterations that begin with 9.
    #[test]
    fn public_keys_are_as_the_standard_says() {
        let mut nine = [0; 32];
        nine[0] = 9;
        let expected = public("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
        assert_eq!(Some(*SealingKey::from_secret(nine).public()), expected);
    }

    #[test]
    fn a_trick_is_no_key() {
        let mut one = [0; 32];
        one[0] = 1;
        assert!(is_trick(&[0; 32]) && is_trick(&one), "two points of small order that are easy to write");
        assert_eq!(public(&"00".repeat(32)), None);
        assert!(!is_trick(SealingKey::random().public()));
    }

    #[test]
    fn the_key_before_is_kept_and_no_other() {
        let first = SealingKeys::random();
        let second = first.rotated();
        let third = second.rotated();
        assert!(second.find(first.newest().id()).is_some());
        assert!(third.find(second.newest().id()).is_some() && third.find(first.newest().id()).is_none());
        assert_eq!(SealingKeys::default().rotated().0.len(), 1);
    }

    #[test]
    fn keys_survive_their_file_and_are_not_shown() {
        let keys = SealingKeys::random().rotated();
        let text = serde_json::to_string(&keys).expect("serializes");
        assert_eq!(serde_json::from_str::<SealingKeys>(&text).expect("reads"), keys);
        assert!(serde_json::from_str::<SealingKeys>(r#"["zz"]"#).is_err());
        assert!(!format!("{keys:?}").contains(&hex::encode(keys.newest().secret)));
    }
}
