//! Topic names: what an event is published to.
//!
//! A name is checked once, where it enters the mesh; from then on its type says that it is in bounds. Wildcard
//! characters are ordinary characters in a name. MQTT forbids `+` and `#` there, so the MQTT listener refuses them
//! itself; the mesh does not, because Kafka keys and HTTP paths may hold them.

use std::borrow::Borrow;
use std::fmt;
use std::str::{FromStr, Split};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most levels of a topic or filter (DATAPLANE.md 1).
pub const MAX_LEVELS: usize = 128;
/// Most bytes of UTF-8 of a topic or filter (DATAPLANE.md 1).
pub const MAX_BYTES: usize = 1024;

/// A valid topic name. Cloning costs a reference count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

/// Why a text is not a topic name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// No characters at all.
    #[error("the topic is empty: give it at least one character")]
    Empty,
    /// Longer than [`MAX_BYTES`].
    #[error("the topic has {0} bytes: shorten it to at most {MAX_BYTES}")]
    TooLong(usize),
    /// Deeper than [`MAX_LEVELS`].
    #[error("the topic has {0} levels: use at most {MAX_LEVELS}")]
    TooDeep(usize),
    /// Holds U+0000, which no protocol of the mesh allows.
    #[error("the topic holds a NUL character at byte {0}: remove it")]
    Nul(usize),
}

impl Topic {
    /// Checks a name and keeps it.
    ///
    /// # Errors
    /// [`TopicError`] when it is empty, too long, too deep or holds NUL.
    pub fn new(name: impl AsRef<str>) -> Result<Self, TopicError> {
        let name = name.as_ref();
        check(name)?;
        Ok(Self(name.into()))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its levels, at least one; any of them may be empty.
    pub fn levels(&self) -> Split<'_, char> {
        self.0.split('/')
    }

    /// Whether it starts with `$`: no leading wildcard matches it.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }

    /// The shared text, for keeping it without a copy.
    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.0
    }
}

/// The bounds that names and filters have in common.
pub(super) fn check(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(TopicError::TooLong(text.len()));
    }
    if let Some(at) = text.bytes().position(|byte| byte == 0) {
        return Err(TopicError::Nul(at));
    }
    let levels = text.bytes().filter(|&byte| byte == b'/').count() + 1;
    if levels > MAX_LEVELS { Err(TopicError::TooDeep(levels)) } else { Ok(()) }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({})", self.0)
    }
}

impl AsRef<str> for Topic {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Topic {
    type Err = TopicError;
    fn from_str(name: &str) -> Result<Self, TopicError> {
        Self::new(name)
    }
}

impl TryFrom<String> for Topic {
    type Error = TopicError;
    fn try_from(name: String) -> Result<Self, TopicError> {
        check(&name)?;
        Ok(Self(name.into()))
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(input)?;
        Self::new(name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_levels_and_wildcard_characters_are_legal() {
        for (name, levels) in [("a", 1), ("/", 2), ("a//b", 3), ("a/+/#", 3), ("*/>", 2), ("$SYS/x", 2), ("ä/Ω", 2)] {
            let topic = Topic::new(name).expect(name);
            assert_eq!(topic.levels().count(), levels, "{name}");
            assert_eq!(topic.is_system(), name.starts_with('$'), "{name}");
        }
    }

    #[test]
    fn bounds_are_exact() {
        assert_eq!(Topic::new(""), Err(TopicError::Empty));
        assert_eq!(Topic::new("a\0"), Err(TopicError::Nul(1)));
        assert!(Topic::new("x".repeat(MAX_BYTES)).is_ok());
        assert_eq!(Topic::new("x".repeat(MAX_BYTES + 1)), Err(TopicError::TooLong(MAX_BYTES + 1)));
        assert!(Topic::new("/".repeat(MAX_LEVELS - 1)).is_ok());
        assert_eq!(Topic::new("/".repeat(MAX_LEVELS)), Err(TopicError::TooDeep(MAX_LEVELS + 1)));
    }

    #[test]
    fn json_is_checked() {
        assert_eq!(serde_json::from_str::<Topic>(r#""a/b""#).expect("valid").as_str(), "a/b");
        assert!(serde_json::from_str::<Topic>(r#""""#).is_err());
    }
}
