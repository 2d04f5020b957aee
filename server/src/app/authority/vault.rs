//! Secrets that the portal must be able to read again, such as those that sign webhooks: sealed in the database under a key
//! that lies beside the other keys. Whoever steals the database alone has nothing of them.
//!
//! What has to come out alike each time, at every portal on the database, is derived from the same key.

use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use super::{AuthorityError, files};

/// File of the key.
const KEY: &str = "vault.key";

/// What the key that others are derived from is for: it is not the one that seals.
const DERIVES: &[u8] = b"meshport/vault/derive/v1";

/// Seals and opens, and derives.
pub(super) struct Vault {
    seals: LessSafeKey,
    derives: hmac::Key,
}

impl Vault {
    /// Reads the key; makes it when there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(KEY);
        let key = files::random_key(&path)?;
        let derives = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), DERIVES);
        let seals = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| AuthorityError::Damaged(path))?;
        let derives = hmac::Key::new(hmac::HMAC_SHA256, derives.as_ref());
        Ok(Self { seals: LessSafeKey::new(seals), derives })
    }

    /// 32 bytes that only who has the key can tell, and always the same ones for the same parts.
    pub(super) fn derive(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.derives);
        for part in parts {
            // With its length, so that no two lists of parts are the same bytes.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    /// Seals a secret to its place: it opens nowhere else.
    pub(super) fn seal(&self, place: &str, secret: &[u8]) -> Vec<u8> {
        // Drawn at random: with a few secrets a year, two of 2^96 are never the same.
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = secret.to_vec();
        let aad = Aad::from(place.as_bytes());
        let done = self.seals.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        done.expect("a secret is far shorter than what can be sealed");
        [nonce.as_slice(), &sealed].concat()
    }

    /// What was sealed to a place.
    pub(super) fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(AuthorityError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| AuthorityError::Sealed)?;
        let mut rest = rest.to_vec();
        let opened = self.seals.open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest);
        opened.map(|secret| secret.to_vec()).map_err(|_| AuthorityError::Sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_is_the_same_for_the_same_parts_and_key_alone() {
        let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let derived = |folder: &Path, parts: &[&[u8]]| Vault::open(folder).expect("a key").derive(parts);
        let first = derived(here.path(), &[b"ab", b"c"]);
        assert_eq!(derived(here.path(), &[b"ab", b"c"]), first, "also after a restart");
        assert_ne!(derived(here.path(), &[b"a", b"bc"]), first);
        assert_ne!(derived(there.path(), &[b"ab", b"c"]), first);
        let key = files::random_key(&here.path().join(KEY)).expect("the key");
        assert!(first != key && derived(here.path(), &[DERIVES]) != key);
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_with_its_key_and_nowhere_else() {
        let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let vault = Vault::open(here.path()).expect("a key");
        let sealed = vault.seal("webhook/1", b"secret");
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(vault.seal("webhook/1", b"secret"), sealed, "the same is never sealed alike");
        let again = Vault::open(here.path()).expect("the same key");
        assert_eq!(again.unseal("webhook/1", &sealed).expect("opened"), b"secret");
        assert!(matches!(vault.unseal("webhook/2", &sealed), Err(AuthorityError::Sealed)));
        assert!(matches!(vault.unseal("webhook/1", &sealed[..5]), Err(AuthorityError::Sealed)));
        let foreign = Vault::open(there.path()).expect("another key");
        assert!(matches!(foreign.unseal("webhook/1", &sealed), Err(AuthorityError::Sealed)));
    }
}
