//! A filter's levels, read from its text.

use super::{Dialect, Filter};

/// One level of a filter before its tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level<'a> {
    /// This text and no other.
    Exact(&'a str),
    /// Any text that starts so; never the empty text, which would be [`Level::Any`].
    Prefix(&'a str),
    /// Any text. In first place: any that does not start with `$`.
    Any,
}

/// What may follow a filter's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tail {
    /// Nothing.
    End,
    /// One level or more (`>`).
    Some,
    /// Any number of levels, also none (`#`).
    Any,
}

impl Filter {
    /// The levels before the tail.
    pub(crate) fn levels(&self) -> impl Iterator<Item = Level<'_>> + Clone {
        let dialect = self.dialect;
        let head = self.split().0;
        head.into_iter().flat_map(|head| head.split('/')).map(move |text| Level::read(text, dialect))
    }

    /// What may follow them. A filter with no levels before it never has [`Tail::Any`]: a topic has at least one.
    pub(crate) fn tail(&self) -> Tail {
        self.split().1
    }

    /// Whether it matches exactly one topic, its own text.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.tail() == Tail::End && self.levels().all(|level| matches!(level, Level::Exact(_)))
    }

    /// How many levels are exact texts: of two filters, the one with more says more.
    pub(crate) fn exact_levels(&self) -> usize {
        self.levels().filter(|level| matches!(level, Level::Exact(_))).count()
    }

    /// The text before the tail, if any level stands there, and the tail.
    fn split(&self) -> (Option<&str>, Tail) {
        let (sign, tail) = match self.dialect {
            Dialect::Mesh => (">", Tail::Some),
            Dialect::Mqtt => ("#", Tail::Any),
        };
        match self.text.strip_suffix(sign) {
            Some("") => (None, Tail::Some),
            Some(rest) => match rest.strip_suffix('/') {
                Some(head) => (Some(head), tail),
                None => (Some(&self.text), Tail::End),
            },
            None => (Some(&self.text), Tail::End),
        }
    }
}

impl<'a> Level<'a> {
    fn read(text: &'a str, dialect: Dialect) -> Self {
        match dialect {
            Dialect::Mqtt if text == "+" => Self::Any,
            Dialect::Mqtt => Self::Exact(text),
            Dialect::Mesh => match text.strip_suffix('*') {
                Some("") => Self::Any,
                Some(prefix) => Self::Prefix(prefix),
                None => Self::Exact(text),
            },
        }
    }

    /// Whether the text of one topic level fits.
    pub(super) fn matches(self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Any => true,
        }
    }

    /// Whether every text that fits `other` fits this.
    pub(super) fn includes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Exact(one), Self::Exact(two)) => one == two,
            (Self::Prefix(prefix), Self::Exact(text) | Self::Prefix(text)) => text.starts_with(prefix),
            (Self::Exact(_) | Self::Prefix(_), _) => false,
        }
    }

    /// Whether some text fits both.
    pub(super) fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Exact(one), Self::Exact(two)) => one == two,
            (Self::Prefix(prefix), Self::Exact(text)) | (Self::Exact(text), Self::Prefix(prefix)) => {
                text.starts_with(prefix)
            }
            (Self::Prefix(one), Self::Prefix(two)) => one.starts_with(two) || two.starts_with(one),
        }
    }

    /// Whether only texts that start with `$` fit.
    pub(super) fn is_system(self) -> bool {
        matches!(self, Self::Exact(text) | Self::Prefix(text) if text.starts_with('$'))
    }
}
