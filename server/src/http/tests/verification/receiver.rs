//! Whether a message of a webhook is genuine.

use base64::prelude::{BASE64_STANDARD, Engine};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Whether a message comes from whoever has the secret (`whsec_...`), and was sent in the last five minutes.
pub fn is_genuine(secret: &str, id: &str, timestamp: &str, signatures: &str, body: &[u8], now_s: i64) -> bool {
    let Some(key) = secret.strip_prefix("whsec_").and_then(|key| BASE64_STANDARD.decode(key).ok()) else {
        return false;
    };
    let is_fresh = timestamp.parse::<i64>().is_ok_and(|at_s| (now_s - at_s).abs() <= 300);
    let is_signed = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
        let Ok(signature) = BASE64_STANDARD.decode(one) else { return false };
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        // Takes the same time wherever they differ.
        mac.verify_slice(&signature).is_ok()
    });
    is_fresh && is_signed
}
