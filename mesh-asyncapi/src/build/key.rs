//! Keys: what the parts of a document are called in it.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::pointer::Pointer;

/// Longest key, in characters.
const KEY_CHARS_MAX: usize = 100;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident $map:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(super) String);

        impl $name {
            /// As it stands in the document.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Where it stands in the document.
            #[must_use]
            pub fn pointer(&self) -> Pointer {
                Pointer::of($map).child(&self.0)
            }
        }
    )*};
}

keys! {
    /// A server of an export.
    ServerKey ["servers"];
    /// A channel of an export.
    ChannelKey ["channels"];
    /// A message of an export.
    MessageKey ["components", "messages"];
    /// An operation of an export.
    OperationKey ["operations"];
    /// A schema of an export.
    SchemaKey ["components", "schemas"];
    /// A security scheme of an export.
    SchemeKey ["components", "securitySchemes"];
}

/// A message on a channel: what operations refer to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    pub(super) channel: ChannelKey,
    pub(super) message: MessageKey,
}

impl Entry {
    /// Where it stands in the document.
    #[must_use]
    pub fn pointer(&self) -> Pointer {
        self.channel.pointer().child("messages").child(&self.message.0)
    }
}

/// Keys that are taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken(BTreeSet<String>);

impl Taken {
    /// A key for a name: letters, digits, `.`, `_` and `-`. A second name that gives the same key gets one with a piece
    /// of its own hash, which does not depend on how many others there are; the same name again gets a number.
    pub(crate) fn key(&mut self, name: &str) -> String {
        let plain = slug(name);
        let hashed = || format!("{plain}-{}", &hex::encode(Sha256::digest(name))[..6]);
        let numbered = (2..).map(|number| format!("{}-{number}", hashed()));
        let mut all = std::iter::once(plain.clone()).chain(std::iter::once_with(hashed)).chain(numbered);
        let key = all.find(|key| !self.0.contains(key)).unwrap_or_default();
        self.0.insert(key.clone());
        key
    }
}

/// A name without the signs that keys cannot have. Never empty.
fn slug(name: &str) -> String {
    let mut key = String::new();
    for c in name.trim().chars() {
        match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') => key.push(c),
            // Braces of a parameter say nothing in a key.
            '{' | '}' => {}
            _ if key.ends_with('-') => {}
            _ => key.push('-'),
        }
    }
    let key: String = key.trim_matches('-').chars().take(KEY_CHARS_MAX).collect();
    if key.is_empty() { "unnamed".into() } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_unique_and_stable() {
        let mut taken = Taken::default();
        assert_eq!(taken.key("orders/{country}/placed"), "orders-country-placed");
        assert_eq!(taken.key("Order placed"), "Order-placed");
        assert_eq!(taken.key("orders placed"), "orders-placed");
        let second = taken.key("orders/placed");
        assert!(second.starts_with("orders-placed-") && second.len() == "orders-placed-".len() + 6, "{second}");
        assert_eq!(Taken::default().key("orders/placed"), "orders-placed");
        assert_eq!(taken.key("orders/placed"), format!("{second}-2"));
        assert_eq!((taken.key("„“"), taken.key("")), ("unnamed".into(), "unnamed-e3b0c4".into()));
        assert_eq!(taken.key(&"x".repeat(300)).len(), KEY_CHARS_MAX);
    }

    #[test]
    fn entries_stand_at_their_channel() {
        let entry = Entry { channel: ChannelKey("orders".into()), message: MessageKey("placed".into()) };
        assert_eq!(entry.pointer().to_reference(), "#/channels/orders/messages/placed");
        assert_eq!(SchemaKey("Line".into()).pointer().to_reference(), "#/components/schemas/Line");
    }
}
