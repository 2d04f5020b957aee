//! Query strings of the REST API, from the same structs that the trait takes.

use serde::Serialize;
use serde_json::Value;

/// `path?field=value&…` with every field of `query` that says something: no nulls, no empty text, no `false`.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> String {
    let pairs = pairs(query);
    if pairs.is_empty() {
        return path.to_owned();
    }
    let pairs: Vec<String> =
        pairs.iter().map(|(field, value)| format!("{}={}", encode(field), encode(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// The fields of a flat struct that say something.
fn pairs(query: &impl Serialize) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(query) else { return Vec::new() };
    fields
        .into_iter()
        .filter_map(|(field, value)| match value {
            Value::String(text) if !text.is_empty() => Some((field, text)),
            Value::Number(number) => Some((field, number.to_string())),
            Value::Bool(true) => Some((field, "true".to_owned())),
            _ => None,
        })
        .collect()
}

/// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3).
#[must_use]
pub fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CatalogKind, CatalogQuery};

    #[test]
    fn only_what_was_asked_for_is_in_the_query() {
        assert_eq!(with_query("/catalog", &CatalogQuery::default()), "/catalog");
        let query = CatalogQuery {
            q: "orders/fr/>".into(),
            kind: Some(CatalogKind::Topic),
            gone: true,
            limit: Some(10),
            ..CatalogQuery::default()
        };
        let text = with_query("/catalog", &query);
        for pair in ["q=orders%2Ffr%2F%3E", "kind=topic", "gone=true", "limit=10"] {
            assert!(text.contains(pair), "{text}");
        }
        assert!(!text.contains("owner"), "{text}");
    }

    #[test]
    fn letters_beyond_ascii_are_encoded_as_utf_8() {
        assert_eq!(encode("é~a b"), "%C3%A9~a%20b");
    }
}
