//! Secrets in documents, for one agent's eyes.
//!
//! A signed document lies in the portal's database and on the agent's disk, and in every backup of both. What is secret in it
//! is sealed to the agent's X25519 key, so that neither helps anybody without that key. The box is that of HPKE (RFC 9180) in
//! base mode with X25519, HKDF-SHA256 and ChaCha20-Poly1305, each with a context of its own; who sealed it is what the
//! document's signature says.
//!
//! Nothing is drawn here, because the same revision must always say the same: the other half of the agreement of keys is
//! made from `entropy`, which the sealer derives from a key of its own **and all that is sealed, to whom and for what**. So the
//! same is sealed alike, and two different things never with the same key.

use std::fmt;

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use curve25519_dalek::montgomery::MontgomeryPoint;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::signed::base64_bytes;

/// An X25519 key, either half.
pub type Key = [u8; 32];

const VERSION: &[u8] = b"HPKE-v1";
/// DHKEM(X25519, HKDF-SHA256).
const KEM: &[u8] = b"KEM\x00\x20";
/// The same with HKDF-SHA256 and ChaCha20-Poly1305.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
const BASE_MODE: u8 = 0;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Something that one key opens.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// [`key_name`] of the key that opens it.
    pub to: String,
    /// The sealer's half of the agreement of keys: 32 bytes.
    #[serde(with = "base64_bytes")]
    pub agreement: Vec<u8>,
    /// What is sealed, with its tag.
    #[serde(with = "base64_bytes")]
    pub sealed: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(to {})", self.to)
    }
}

/// What a public key is called: the first 8 bytes of its SHA-256, 16 hex digits.
#[must_use]
pub fn key_name(public: &Key) -> String {
    hex::encode(&Sha256::digest(public)[..8])
}

/// A public key from 64 hex digits; none when it is none.
#[must_use]
pub fn public_key(text: &str) -> Option<Key> {
    let mut key = [0; KEY_BYTES];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}

/// Seals a secret to a public key. It opens only with the same `purpose` and `bound`. None = that is no key but a trick: what
/// is agreed on with it does not depend on the other half (RFC 7748, 6.1).
///
/// # Panics
/// The secret is longer than what ChaCha20 seals, which is 256 GiB.
#[must_use]
pub fn seal(to: &Key, entropy: &[u8; 32], purpose: &[u8], bound: &[u8], secret: &[u8]) -> Option<Sealed> {
    let half = expand(&extract(&[], KEM, b"dkp_prk", entropy), KEM, b"sk", &[]);
    let agreement = public_of(&half);
    let (cipher, nonce) = context(&agree(&half, to)?, &agreement, to, purpose);
    let mut sealed = secret.to_vec();
    let tag = cipher.encrypt_in_place_detached(&nonce.into(), bound, &mut sealed);
    sealed.extend(tag.expect("a secret is far shorter than what can be sealed"));
    Some(Sealed { to: key_name(to), agreement: agreement.to_vec(), sealed })
}

/// Opens what was sealed to the public half of this key. None = it was sealed to another, for something else, or altered.
#[must_use]
pub fn open(sealed: &Sealed, key: &Key, purpose: &[u8], bound: &[u8]) -> Option<Vec<u8>> {
    let agreement: Key = sealed.agreement.as_slice().try_into().ok()?;
    let (cipher, nonce) = context(&agree(key, &agreement)?, &agreement, &public_of(key), purpose);
    let (text, tag) = sealed.sealed.split_at_checked(sealed.sealed.len().checked_sub(TAG_BYTES)?)?;
    let tag: [u8; TAG_BYTES] = tag.try_into().ok()?;
    let mut text = text.to_vec();
    cipher.decrypt_in_place_detached(&nonce.into(), bound, &mut text, &tag.into()).ok()?;
    Some(text)
}

/// The public half of a private key.
#[must_use]
pub fn public_of(key: &Key) -> Key {
    MontgomeryPoint::mul_base_clamped(*key).to_bytes()
}

fn agree(mine: &Key, theirs: &Key) -> Option<Key> {
    let agreed = MontgomeryPoint(*theirs).mul_clamped(*mine).to_bytes();
    (agreed != [0; KEY_BYTES]).then_some(agreed)
}

/// RFC 9180, 4.1 (`ExtractAndExpand`) and 5.1 (`KeySchedule`).
fn context(agreed: &Key, agreement: &Key, to: &Key, purpose: &[u8]) -> (ChaCha20Poly1305, [u8; NONCE_BYTES]) {
    let shared: Key =
        expand(&extract(&[], KEM, b"eae_prk", agreed), KEM, b"shared_secret", &[*agreement, *to].concat());
    let no_psk = extract(&[], SUITE, b"psk_id_hash", &[]);
    let info = extract(&[], SUITE, b"info_hash", purpose);
    let schedule = [&[BASE_MODE][..], &no_psk, &info].concat();
    let secret = extract(&shared, SUITE, b"secret", &[]);
    let key: [u8; KEY_BYTES] = expand(&secret, SUITE, b"key", &schedule);
    (ChaCha20Poly1305::new(&key.into()), expand(&secret, SUITE, b"base_nonce", &schedule))
}

/// RFC 9180, 4: `LabeledExtract`.
fn extract(salt: &[u8], suite: &[u8], label: &[u8], from: &[u8]) -> [u8; 32] {
    mac(salt, &[VERSION, suite, label, from])
}

/// RFC 9180, 4: `LabeledExpand`, of at most one block.
fn expand<const BYTES: usize>(secret: &[u8; 32], suite: &[u8], label: &[u8], info: &[u8]) -> [u8; BYTES] {
    const { assert!(BYTES <= 32, "one block of HKDF-SHA256") };
    let length = [0, BYTES.to_le_bytes()[0]];
    let block = mac(secret, &[&length, VERSION, suite, label, info, &[1]]);
    let mut out = [0; BYTES];
    out.copy_from_slice(&block[..BYTES]);
    out
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        public_key(text).expect("64 hex digits")
    }

    fn mine() -> Key {
        [7; 32]
    }

    fn boxed() -> Sealed {
        seal(&public_of(&mine()), &[1; 32], b"purpose", b"till-7", b"secret").expect("a key")
    }

    /// RFC 9180, A.2.1: base mode, the first message.
    #[test]
    fn it_is_sealed_as_the_standard_says() {
        let info = hex::decode("4f6465206f6e2061204772656369616e2055726e").expect("hex");
        let entropy = key("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b");
        let to = key("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        let text = b"Beauty is truth, truth beauty";
        let sealed = seal(&to, &entropy, &info, b"Count-0", text).expect("a key");
        let agreement = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
        assert_eq!(hex::encode(&sealed.agreement), agreement);
        let expected = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db\
                        21993c62ce81883d2dd1b51a28";
        assert_eq!(hex::encode(&sealed.sealed), expected);
        let secret = key("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        assert_eq!(open(&sealed, &secret, &info, b"Count-0").expect("opened"), text);
    }

    #[test]
    fn it_opens_with_its_key_for_its_purpose_and_for_what_it_is_bound_to() {
        let sealed = boxed();
        assert_eq!(open(&sealed, &mine(), b"purpose", b"till-7").as_deref(), Some(&b"secret"[..]));
        assert_eq!(open(&sealed, &[8; 32], b"purpose", b"till-7"), None);
        assert_eq!(open(&sealed, &mine(), b"another", b"till-7"), None);
        assert_eq!(open(&sealed, &mine(), b"purpose", b"till-8"), None);
        assert_eq!(sealed.to, key_name(&public_of(&mine())));
    }

    #[test]
    fn what_was_altered_or_cut_does_not_open() {
        let good = boxed();
        for at in 0..good.sealed.len() {
            let mut bad = good.clone();
            bad.sealed[at] ^= 1;
            assert_eq!(open(&bad, &mine(), b"purpose", b"till-7"), None);
            bad.sealed.truncate(at);
            assert_eq!(open(&bad, &mine(), b"purpose", b"till-7"), None);
        }
        for agreement in [Vec::new(), vec![0; 32], vec![9; 31], vec![9; 32]] {
            assert_eq!(open(&Sealed { agreement, ..good.clone() }, &mine(), b"purpose", b"till-7"), None);
        }
    }

    #[test]
    fn the_same_is_sealed_alike_and_other_entropy_gives_another_box() {
        assert_eq!(boxed(), boxed());
        let other = seal(&public_of(&mine()), &[2; 32], b"purpose", b"till-7", b"secret").expect("a key");
        assert!(other.agreement != boxed().agreement && other.sealed != boxed().sealed);
    }

    #[test]
    fn nothing_is_sealed_to_a_trick_and_nothing_is_shown() {
        let mut one = [0; 32];
        one[0] = 1;
        assert!([[0; 32], one].iter().all(|trick| seal(trick, &[1; 32], b"", b"", b"secret").is_none()));
        assert_eq!((public_key("zz"), public_key(&"ab".repeat(31))), (None, None));
        assert_eq!(format!("{:?}", boxed()), format!("Sealed(to {})", boxed().to));
        let text = serde_json::to_string(&boxed()).expect("JSON");
        assert_eq!(serde_json::from_str::<Sealed>(&text).expect("a box"), boxed());
    }
}
