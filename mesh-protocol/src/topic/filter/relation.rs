//! Match, includes and overlaps.
//!
//! A filter is a product of level sets followed by "anything, this long". So one filter includes another when it allows
//! at least its lengths and at every place at least its texts; and two overlap when they do at the shortest length both
//! allow, because longer topics only add levels that are free in both.
//!
//! The bounds on bytes and levels are left out of account: a filter that fills them may be said to overlap another with
//! which no topic in bounds is shared. That is the safe side.

use super::{Filter, Level, Tail};

impl Filter {
    /// Whether a topic fits.
    #[must_use]
    pub fn matches(&self, topic: impl AsRef<str>) -> bool {
        let topic = topic.as_ref();
        let mut levels = self.levels();
        let mut texts = topic.split('/');
        if topic.starts_with('$') && levels.clone().next().unwrap_or(Level::Any) == Level::Any {
            return false;
        }
        loop {
            match (levels.next(), texts.next()) {
                (Some(level), Some(text)) if level.matches(text) => {}
                (Some(_), _) => return false,
                (None, Some(_)) => return self.tail() != Tail::End,
                (None, None) => return self.tail() != Tail::Some,
            }
        }
    }

    /// Whether every topic that fits `other` fits this: "is this subscription inside this grant?"
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let (mine, theirs) = (Lengths::of(self), Lengths::of(other));
        mine.includes(theirs)
            && self.first_allows(other)
            && self.levels().zip(other.levels_padded()).all(|(mine, theirs)| mine.includes(theirs))
    }

    /// Whether some topic fits both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (one, two) = (Lengths::of(self), Lengths::of(other));
        let Some(length) = one.shortest_common(two) else { return false };
        // The topic of one empty level would be the empty text, which is no topic.
        let empty = |filter: &Self| filter.first() == Level::Exact("");
        if length == 1 && !(one.open && two.open) && (empty(self) || empty(other)) {
            return false;
        }
        self.first_allows(other)
            && other.first_allows(self)
            && self.levels_padded().zip(other.levels_padded()).take(length).all(|(one, two)| one.overlaps(two))
    }

    /// The rule of the leading `$`: where this starts with a wildcard, `other` must not start with `$`.
    fn first_allows(&self, other: &Self) -> bool {
        self.first() != Level::Any || !other.first().is_system()
    }

    fn first(&self) -> Level<'_> {
        self.levels().next().unwrap_or(Level::Any)
    }

    /// The levels, then free ones without end. Callers bound it by a length both filters allow.
    fn levels_padded(&self) -> impl Iterator<Item = Level<'_>> {
        self.levels().chain(std::iter::repeat(Level::Any))
    }
}

/// How many levels a fitting topic has.
#[derive(Clone, Copy)]
struct Lengths {
    least: usize,
    open: bool,
}

impl Lengths {
    fn of(filter: &Filter) -> Self {
        let levels = filter.levels().count();
        match filter.tail() {
            Tail::End => Self { least: levels, open: false },
            Tail::Some => Self { least: levels + 1, open: true },
            // `/#`: one empty level would be the empty text, which is no topic.
            Tail::Any if levels == 1 && filter.first() == Level::Exact("") => Self { least: 2, open: true },
            Tail::Any => Self { least: levels, open: true },
        }
    }

    fn includes(self, other: Self) -> bool {
        if self.open { other.least >= self.least } else { !other.open && other.least == self.least }
    }

    fn shortest_common(self, other: Self) -> Option<usize> {
        let least = self.least.max(other.least);
        let allowed = |lengths: Self| lengths.open || lengths.least == least;
        (allowed(self) && allowed(other)).then_some(least)
    }
}
