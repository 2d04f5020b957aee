//! Places inside a document, as JSON pointers (RFC 6901).
//!
//! They are made and taken apart here only, so that `/` and `~` in keys are escaped exactly once: a channel whose key
//! holds a `/` is the classic broken reference.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The way to a part of a document. Written as `/channels/orders/address`; the document itself is empty.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// The document itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// A way of several steps.
    #[must_use]
    pub fn of<'a>(steps: impl IntoIterator<Item = &'a str>) -> Self {
        Self(steps.into_iter().map(str::to_owned).collect())
    }

    /// Reads `/a/b~1c`. What stands before the first `/` is left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
    }

    /// The part of this document that a reference means; none = it means something else, or is no reference at all.
    #[must_use]
    pub fn from_reference(reference: &str) -> Option<Self> {
        let fragment = percent_decode(reference.strip_prefix('#')?);
        (fragment.is_empty() || fragment.starts_with('/')).then(|| Self::parse(&fragment))
    }

    /// As a `$ref` writes it: `#/channels/orders`.
    #[must_use]
    pub fn to_reference(&self) -> String {
        format!("#{self}")
    }

    /// One step further.
    #[must_use]
    pub fn child(&self, step: impl fmt::Display) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.to_string());
        Self(steps)
    }

    /// One step back; none = it is the document itself.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    /// The steps, not escaped.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The last step, not escaped.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Whether it leads to another place or into it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether it is exactly this way; `*` stands for any one step.
    #[must_use]
    pub fn is_like(&self, pattern: &[&str]) -> bool {
        self.0.len() == pattern.len() && self.0.iter().zip(pattern).all(|(step, like)| *like == "*" || step == like)
    }

    /// What stands there.
    #[must_use]
    pub fn get<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(root, |value, step| match value {
            Value::Object(map) => map.get(step),
            Value::Array(list) => list.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// What stands there, to be changed.
    pub(crate) fn get_mut<'a>(&self, root: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().try_fold(root, |value, step| match value {
            Value::Object(map) => map.get_mut(step),
            Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pointer({self})")
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

impl From<String> for Pointer {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.to_string()
    }
}

/// A fragment of a URI may hide braces and the like behind `%`. What is no such code stays as it is.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        match code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_escaped_once_and_come_back() {
        let pointer = Pointer::of(["channels", "a/b~c"]);
        assert_eq!(pointer.to_reference(), "#/channels/a~1b~0c");
        assert_eq!(Pointer::from_reference(&pointer.to_reference()), Some(pointer.clone()));
        let root = json!({"channels": {"a/b~c": [10, 20]}});
        assert_eq!(pointer.child(1).get(&root), Some(&json!(20)));
        assert_eq!(pointer.child("x").get(&root), None);
        assert_eq!(serde_json::to_value(&pointer).ok(), Some(json!("/channels/a~1b~0c")));
    }

    #[test]
    fn a_reference_may_be_written_as_a_uri() {
        assert_eq!(Pointer::from_reference("#/channels/%7Bid%7D"), Some(Pointer::of(["channels", "{id}"])));
        assert_eq!(Pointer::from_reference("#/a%2"), Some(Pointer::of(["a%2"])));
        assert_eq!(Pointer::from_reference("#"), Some(Pointer::root()));
        assert_eq!(Pointer::from_reference("other.yaml#/a"), None);
        assert_eq!(Pointer::from_reference("#anchor"), None);
    }

    #[test]
    fn patterns_stand_for_single_steps() {
        let pointer = Pointer::of(["channels", "orders", "messages", "m"]);
        assert!(pointer.is_like(&["channels", "*", "messages", "*"]));
        assert!(!pointer.is_like(&["channels", "*"]));
        assert!(pointer.is_within(&Pointer::of(["channels", "orders"])));
    }
}
