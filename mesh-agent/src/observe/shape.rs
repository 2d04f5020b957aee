//! The shape of a JSON payload, as a fingerprint: which fields it has and of which kind, whatever their values.
//!
//! Looked at for a sample only, so its cost does not follow the traffic.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Larger payloads are not looked at, in bytes.
pub(super) const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// Deeper levels count as one kind.
const DEPTH_MAX: usize = 6;
/// Elements of an array that are looked at.
const ELEMENTS_MAX: usize = 3;

/// A payload as JSON; none when it is no object or array, or too large.
pub(super) fn read(payload: &[u8]) -> Option<Value> {
    let first = payload.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if payload.len() > PAYLOAD_BYTES_MAX || !matches!(first, b'{' | b'[') {
        return None;
    }
    serde_json::from_slice(payload).ok()
}

/// Sixteen hex digits that stand for a payload's shape.
pub(super) fn fingerprint(value: &Value) -> String {
    let mut shape = String::new();
    describe(value, 0, &mut shape);
    hex::encode(&Sha256::digest(shape.as_bytes())[..8])
}

fn describe(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push('n'),
        Value::Bool(_) => out.push('b'),
        Value::Number(_) => out.push('d'),
        Value::String(_) => out.push('s'),
        _ if depth == DEPTH_MAX => out.push('.'),
        Value::Array(elements) => {
            let mut kinds: Vec<String> =
                elements.iter().take(ELEMENTS_MAX).map(|element| described(element, depth)).collect();
            kinds.sort_unstable();
            kinds.dedup();
            write!(out, "[{}]", kinds.join("|")).expect("a string takes any text");
        }
        Value::Object(fields) => {
            let mut pairs: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name:?}:{}", described(value, depth))).collect();
            pairs.sort_unstable();
            write!(out, "{{{}}}", pairs.join(",")).expect("a string takes any text");
        }
    }
}

fn described(value: &Value, depth: usize) -> String {
    let mut out = String::new();
    describe(value, depth + 1, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(payload: &[u8]) -> Option<String> {
        read(payload).map(|value| super::fingerprint(&value))
    }

    #[test]
    fn values_and_order_of_fields_do_not_matter_and_kinds_do() {
        let base = fingerprint(br#"{"id":1,"at":"x","items":[{"n":1},{"n":2}]}"#);
        assert!(base.is_some());
        assert_eq!(fingerprint(br#" {"items":[{"n":9}],"at":"","id":-2.5}"#), base);
        assert_ne!(fingerprint(br#"{"id":"1","at":"x","items":[]}"#), base);
    }

    #[test]
    fn what_is_no_json_has_no_shape() {
        for payload in [&b""[..], b"21.5", b"{oops", b"\xff\x00", b"   "] {
            assert_eq!(fingerprint(payload), None, "{payload:?}");
        }
        let large = format!("[{}1]", "1,".repeat(PAYLOAD_BYTES_MAX / 2));
        assert_eq!(fingerprint(large.as_bytes()), None);
    }
}
