//! A level's text, kept in place when it is short: a lookup then reads no further memory to compare it.

use std::sync::Arc;

/// Longest text kept in place, in bytes.
const SHORT_MAX: usize = 22;

#[derive(Clone, Debug)]
pub(super) enum Text {
    Short(u8, [u8; SHORT_MAX]),
    Long(Arc<[u8]>),
}

impl Text {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        match u8::try_from(text.len()) {
            Ok(length) if text.len() <= SHORT_MAX => {
                let mut bytes = [0; SHORT_MAX];
                bytes[..text.len()].copy_from_slice(text.as_bytes());
                Self::Short(length, bytes)
            }
            _ => Self::Long(text.as_bytes().into()),
        }
    }
}
