//! Signatures as Standard Webhooks say: the endpoint knows by them who sends, and that nothing was changed or sent again
//! by somebody who only listened.
//!
//! ```text
//! webhook-id: ID    webhook-timestamp: SECONDS    webhook-signature: v1,BASE64(HMAC-SHA256(secret, "ID.SECONDS.BODY"))
//! ```

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// A secret in the form of the specification begins with this; the rest is Base64 of its bytes.
const PREFIX: &str = "whsec_";

/// The key that a route signs with.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// A secret that cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it begins with whsec_, but what follows is not Base64")]
pub(super) struct KeyError;

impl Key {
    /// From the text of a secret: `whsec_` and Base64, or the bytes as they are.
    pub(super) fn new(secret: &str) -> Result<Self, KeyError> {
        let bytes = match secret.trim_end_matches(['\r', '\n']).strip_prefix(PREFIX) {
            Some(text) => STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty()).ok_or(KeyError)?,
            None => secret.trim_end_matches(['\r', '\n']).as_bytes().to_vec(),
        };
        // HMAC takes keys of any length.
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| KeyError)
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyError};

    /// The example that the reference libraries of Standard Webhooks test with.
    #[test]
    fn the_published_example_is_signed_alike() {
        let key = Key::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn other_secrets_are_their_bytes() {
        let text = Key::new("secret\n").expect("a key").sign("a", 1, b"x");
        assert_eq!(text, Key::new("whsec_c2VjcmV0").expect("a key").sign("a", 1, b"x"));
        assert_ne!(text, Key::new("whsec_c2VjcmV0").expect("a key").sign("a", 2, b"x"));
        assert_eq!(Key::new("whsec_no base64").err(), Some(KeyError));
        assert_eq!(Key::new("whsec_").err(), Some(KeyError));
        assert_eq!(format!("{:?}", Key::new("secret").expect("a key")), "Key(..)");
    }
}
