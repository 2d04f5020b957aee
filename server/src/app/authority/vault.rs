//! Secrets that the portal must be able to read again, such as those that sign webhooks: sealed in the database under a key
//! that lies beside the other keys. Whoever steals the database alone has nothing of them.

use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{AuthorityError, files};

/// File of the key.
const KEY: &str = "vault.key";

/// Seals and opens.
pub(super) struct Vault(LessSafeKey);

impl Vault {
    /// Reads the key; makes it when there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(KEY);
        let key = files::random_key(&path)?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| AuthorityError::Damaged(path))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret to its place: it opens nowhere else.
    pub(super) fn seal(&self, place: &str, secret: &[u8]) -> Vec<u8> {
        // Drawn at random: with a few secrets a year, two of 2^96 are never the same.
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = secret.to_vec();
        let aad = Aad::from(place.as_bytes());
        let done = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        done.expect("a secret is far shorter than what can be sealed");
        [nonce.as_slice(), &sealed].concat()
    }

    /// What was sealed to a place.
    pub(super) fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(AuthorityError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| AuthorityError::Sealed)?;
        let mut rest = rest.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest);
        opened.map(|secret| secret.to_vec()).map_err(|_| AuthorityError::Sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
