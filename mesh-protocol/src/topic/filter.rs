//! Topic filters: which topics a subscription, a rule or a scope speaks of.
//!
//! Two dialects say the same things in other signs, and one type holds both, so that a grant written in one can be
//! compared with a subscription written in the other:
//!
//! | meaning | mesh | MQTT |
//! | --- | --- | --- |
//! | one level, also an empty one | `*` | `+` |
//! | one level that starts with `pre` | `pre*` | - |
//! | one or more further levels, last only | `>` | - |
//! | zero or more further levels, last only | - | `#` |
//!
//! In the mesh dialect only a trailing `*` is a wildcard: `*bro` and `br*wn` are literal, and so is `>` anywhere but as
//! the whole last level. A wildcard that stands first never matches a topic that starts with `$`; a prefix such as
//! `$S*` does, because it names the `$`. `#` alone means what `>` means, since a topic has at least one level.
//!
//! A filter keeps its text and reads its levels from it each time: that is as fast as a parsed form for one comparison,
//! and needs a third of the memory. Many filters at once are the business of [`FilterTree`](super::FilterTree).
//!
//! Rules may hold variables such as `${username}` inside a level. Until [`Filter::substitute`] has replaced them they
//! are literal text.
//!
//! In JSON a filter of the mesh dialect is a string and one of MQTT is `{"mqtt": "a/#"}`; on reading,
//! `{"mesh": "a/>"}` and `{"dialect": "mqtt", "text": "a/#"}` are taken as well.

mod level;
mod relation;
mod serial;
mod variable;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::name::{TopicError, check};

pub(crate) use level::{Level, Tail};

/// Whose signs a filter is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `*`, `pre*` and `>`.
    Mesh,
    /// `+` and `#`.
    Mqtt,
}

/// A valid filter. Cloning costs a reference count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    text: Arc<str>,
    dialect: Dialect,
}

/// Why a text is not a filter, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Empty, too long, too deep or with NUL.
    #[error("invalid filter: {0}")]
    Bounds(TopicError),
    /// MQTT: `#` must be a whole level.
    #[error(
        "`#` at byte {at} of the filter is not a whole level: write `{level}` as `/#` at the end, or leave `#` out"
    )]
    HashInsideLevel {
        /// Byte offset of the sign.
        at: usize,
        /// The level it stands in.
        level: String,
    },
    /// MQTT: `#` must be last.
    #[error("`#` at byte {at} of the filter is not the last level: use `+` for one level, or end the filter there")]
    HashNotLast {
        /// Byte offset of the sign.
        at: usize,
    },
    /// MQTT: `+` must be a whole level.
    #[error("`+` at byte {at} of the filter is not a whole level: replace the level `{level}` by `+`")]
    PlusInsideLevel {
        /// Byte offset of the sign.
        at: usize,
        /// The level it stands in.
        level: String,
    },
    /// `$share/...` names a group of subscribers, it is not a filter.
    #[error(
        "`$share/` at byte 0 asks for a shared subscription, which is not offered: subscribe to the filter behind the group name"
    )]
    Shared,
    /// `${` without `}`, or an empty or odd name.
    #[error("the variable at byte {at} of the filter is not complete: write it as `${{name}}` with letters and `_`")]
    Variable {
        /// Byte offset of `${`.
        at: usize,
    },
}

impl Filter {
    /// A filter in the mesh dialect.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn mesh(text: impl AsRef<str>) -> Result<Self, FilterError> {
        Self::parse(text.as_ref(), Dialect::Mesh)
    }

    /// A filter in the MQTT dialect.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn mqtt(text: impl AsRef<str>) -> Result<Self, FilterError> {
        Self::parse(text.as_ref(), Dialect::Mqtt)
    }

    /// A filter in the given dialect.
    ///
    /// # Errors
    /// [`FilterError`], which names the place and what to write instead.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, FilterError> {
        check(text).map_err(FilterError::Bounds)?;
        if text == "$share" || text.starts_with("$share/") {
            return Err(FilterError::Shared);
        }
        if dialect == Dialect::Mqtt {
            check_mqtt(text)?;
        }
        Ok(Self { text: text.into(), dialect })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose signs it is written in.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The text that every topic begins with which it matches, and whether that is the one topic it matches.
    #[must_use]
    pub fn literal(&self) -> (&str, bool) {
        let mut start = 0;
        for level in self.text.split('/') {
            let end = start + level.len();
            let wild = match self.dialect {
                Dialect::Mesh if level == ">" && end == self.text.len() => Some(start),
                Dialect::Mesh => level.ends_with('*').then(|| end - 1),
                // `a/#` matches `a`, too.
                Dialect::Mqtt if level == "#" => Some(start.saturating_sub(1)),
                Dialect::Mqtt => (level == "+").then_some(start),
            };
            if let Some(at) = wild {
                return (&self.text[..at], false);
            }
            start = end + 1;
        }
        (&self.text, true)
    }

    /// The shared text, for keeping it without a copy.
    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.text
    }
}

/// MQTT 5, 4.7.1: `+` and `#` stand alone in their level, and `#` is last.
fn check_mqtt(text: &str) -> Result<(), FilterError> {
    let mut start = 0;
    for level in text.split('/') {
        let end = start + level.len();
        if let Some(inside) = level.find(['+', '#']) {
            let at = start + inside;
            if level.len() > 1 {
                let level = level.to_owned();
                let hash = level.as_bytes()[inside] == b'#';
                return Err(if hash {
                    FilterError::HashInsideLevel { at, level }
                } else {
                    FilterError::PlusInsideLevel { at, level }
                });
            }
            if level == "#" && end != text.len() {
                return Err(FilterError::HashNotLast { at });
            }
        }
        start = end + 1;
    }
    Ok(())
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter::{:?}({})", self.dialect, self.text)
    }
}

#[cfg(test)]
mod tests;
