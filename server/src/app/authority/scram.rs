//! Passwords as Kafka clusters take them: salted, so that a cluster and the agent that tells it never see the secret.

use std::num::NonZeroU32;

use mesh_protocol::desired::{SCRAM_ITERATIONS, Scram};
use ring::pbkdf2::{PBKDF2_HMAC_SHA512, derive};

/// Bytes of a salt.
const SALT_BYTES: usize = 16;
/// Bytes that SHA-512 gives.
const HASH_BYTES: usize = 64;

/// A secret, salted anew (RFC 5802: `Hi`). Secrets are drawn by the portal and are ASCII, which SASLprep leaves as it is.
pub(crate) fn salted(secret: &str) -> Scram {
    let salt: [u8; SALT_BYTES] = rand::random();
    hi(secret, &salt, SCRAM_ITERATIONS)
}

fn hi(secret: &str, salt: &[u8], iterations: u32) -> Scram {
    let mut salted = [0; HASH_BYTES];
    let rounds = NonZeroU32::new(iterations).expect("a constant that is not 0");
    derive(PBKDF2_HMAC_SHA512, rounds, salt, secret.as_bytes(), &mut salted);
    Scram { iterations, salt: salt.to_vec(), salted_password: salted.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_salted_as_others_do_it() {
        // PBKDF2-HMAC-SHA-512 of `password`, `salt`, 4096 rounds, as widely published.
        let expected = "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5\
                        143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5";
        assert_eq!(hex::encode(hi("password", b"salt", 4_096).salted_password), expected);
    }

    #[test]
    fn no_two_are_salted_alike() {
        let (one, two) = (salted("secret"), salted("secret"));
        assert_ne!(one.salt, two.salt);
        assert_ne!(one.salted_password, two.salted_password);
        assert_eq!((one.salt.len(), one.salted_password.len(), one.iterations), (16, 64, SCRAM_ITERATIONS));
    }
}
