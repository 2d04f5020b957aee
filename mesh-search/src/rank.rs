//! What comes first.
//!
//! A score is a sum of a few whole numbers, one for each word by the best place it stands in, so that it is the same
//! wherever it is worked out. What scores alike stands by name, so that a page that goes on behind another misses nothing.

use sha2::{Digest as _, Sha256};

/// The word is the whole name.
pub(crate) const SCORE_NAME: u8 = 8;
/// The name begins with it.
pub(crate) const SCORE_NAME_BEGINS: u8 = 6;
/// It is about topics that the query's filter is about.
pub(crate) const SCORE_ADDRESS: u8 = 5;
/// A word of the name begins with it.
pub(crate) const SCORE_NAME_WORD: u8 = 4;
/// It stands inside a word of the name.
pub(crate) const SCORE_INNER: u8 = 3;
/// It is about any topic, and so about these.
pub(crate) const SCORE_ANYWHERE_ADDRESS: u8 = 2;
/// A word of anything else begins with it.
pub(crate) const SCORE_TEXT: u8 = 1;

/// Where a document stands among those of the same score: the beginning of its name, then its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// The first bytes of the name in lower case, as numbers.
    pub name: [u64; 3],
    /// A hash of the key.
    pub key: u64,
}

impl Order {
    /// Of a document with this name and key.
    #[must_use]
    pub fn of(name: &str, key: &str) -> Self {
        let lower = name.to_lowercase();
        let mut bytes = lower.bytes().chain(std::iter::repeat(0));
        let mut eight = || u64::from_be_bytes(std::array::from_fn(|_| bytes.next().unwrap_or(0)));
        Self { name: [eight(), eight(), eight()], key: hash(key) }
    }
}

/// A key as a number. Not to be guessed, so that nobody makes two keys that are one.
#[must_use]
pub fn hash(key: &str) -> u64 {
    let digest = Sha256::digest(key.as_bytes());
    u64::from_be_bytes(std::array::from_fn(|i| digest[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_as_in_a_dictionary_whatever_their_case() {
        let mut names = ["orders/fr", "Orders/de", "a", "orders", ""];
        names.sort_by_key(|name| Order::of(name, "key"));
        assert_eq!(names, ["", "a", "orders", "Orders/de", "orders/fr"]);
        assert_ne!(Order::of("a", "1"), Order::of("a", "2"));
    }
}
