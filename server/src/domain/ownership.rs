//! Who could answer for what nobody answers for, and what speaks for it.
//!
//! A suggestion is never more than its evidence: each of its sentences names something that is there and whom it belongs
//! to. The strongest names the owner, the others are told where they agree. Nothing is suggested out of names alone.

mod import;

use std::collections::HashMap;

pub use import::{BYTES_MAX, Kind, LINES_MAX, Read, Wanted, read};

/// One thing that speaks for an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Whom it belongs to.
    pub owner: String,
    /// What it is, as a sentence.
    pub sentence: String,
}

/// Who could answer for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Who.
    pub owner: String,
    /// What speaks for them, the strongest first.
    pub evidence: Vec<String>,
}

/// What comes of hints, the strongest of which is first; none without any.
#[must_use]
pub fn best(hints: Vec<Hint>) -> Option<Suggestion> {
    let owner = hints.iter().find(|hint| !hint.owner.is_empty())?.owner.clone();
    let agreeing = hints.into_iter().filter(|hint| hint.owner == owner);
    Some(Suggestion { evidence: agreeing.map(|hint| hint.sentence).collect(), owner })
}

/// What names are made of: those of addresses have levels, those of Kafka topics have parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Naming {
    /// `orders/fr/created`.
    Address,
    /// `retail.orders-created`.
    Kafka,
}

impl Naming {
    fn is_cut(self, letter: char) -> bool {
        match self {
            Self::Address => letter == '/',
            Self::Kafka => matches!(letter, '.' | '-' | '_'),
        }
    }

    /// The beginnings that a name shares with those beside it, the longest first: `orders/fr/`, `orders/`.
    fn prefixes(self, name: &str) -> impl Iterator<Item = &str> {
        let cuts = name.char_indices().filter(move |(_, letter)| self.is_cut(*letter));
        cuts.rev().map(|(at, letter)| &name[..at + letter.len_utf8()]).filter(|prefix| prefix.len() > 1)
    }
}

/// Who owns what has the same beginning.
#[derive(Debug, Default)]
pub struct Siblings<'a>(HashMap<(Naming, &'a str), HashMap<&'a str, usize>>);

/// The owner of most of what has the same beginning as something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Majority<'a> {
    /// The beginning.
    pub prefix: &'a str,
    /// Who owns most of it.
    pub owner: &'a str,
    /// How many of those.
    pub count: usize,
    /// How many there are that have an owner.
    pub of: usize,
}

impl<'a> Siblings<'a> {
    /// Notes who owns something; what nobody owns says nothing.
    pub fn note(&mut self, naming: Naming, name: &'a str, owner: &'a str) {
        if owner.is_empty() {
            return;
        }
        for prefix in naming.prefixes(name) {
            *self.0.entry((naming, prefix)).or_default().entry(owner).or_default() += 1;
        }
    }

    /// Who owns most of what lies nearest to a name that nobody owns. Where several own as much, wider beginnings decide.
    #[must_use]
    pub fn of(&self, naming: Naming, name: &'a str) -> Option<Majority<'a>> {
        naming.prefixes(name).find_map(|prefix| {
            let owners = self.0.get(&(naming, prefix))?;
            let (owner, count) = most(owners.iter().map(|(owner, count)| (*owner, *count)))?;
            Some(Majority { prefix, owner, count, of: owners.values().sum() })
        })
    }
}

/// The owner of more than any other; none where there is no such one.
#[must_use]
pub fn most<'a>(owners: impl Iterator<Item = (&'a str, usize)>) -> Option<(&'a str, usize)> {
    let mut all: Vec<(&str, usize)> = owners.collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    match all.as_slice() {
        [(_, first), (_, second), ..] if first == second => None,
        [first, ..] => Some(*first),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(owner: &str, sentence: &str) -> Hint {
        Hint { owner: owner.to_owned(), sentence: sentence.to_owned() }
    }

    #[test]
    fn the_strongest_hint_names_the_owner_and_only_those_that_agree_are_told() {
        let hints = vec![hint("", "nobody"), hint("tills", "a"), hint("shops", "b"), hint("tills", "c")];
        let evidence = ["a", "c"].map(str::to_owned).to_vec();
        assert_eq!(best(hints), Some(Suggestion { owner: "tills".to_owned(), evidence }));
        assert_eq!(best(Vec::new()), None);
        assert_eq!(best(vec![hint("", "nobody")]), None);
    }

    #[test]
    fn beginnings_end_where_levels_and_parts_do() {
        let of = |naming: Naming, name| naming.prefixes(name).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of(Naming::Address, "orders/{country}/created"), ["orders/{country}/", "orders/"]);
        assert_eq!(
            of(Naming::Kafka, "retail.orders-created_v1"),
            ["retail.orders-created_", "retail.orders-", "retail."]
        );
        assert_eq!(of(Naming::Kafka, "logs"), Vec::<String>::new());
        assert_eq!(of(Naming::Kafka, "_schemas"), Vec::<String>::new(), "a sign alone is no beginning");
        assert_eq!(of(Naming::Address, "a.b/é/c"), ["a.b/é/", "a.b/"]);
    }

    #[test]
    fn the_nearest_beginning_with_one_owner_of_most_decides() {
        let mut siblings = Siblings::default();
        for (name, owner) in [
            ("orders/fr/created", "tills"),
            ("orders/fr/paid", "tills"),
            ("orders/fr/sent", "stock"),
            ("orders/de/created", "shops"),
            ("orders/de/paid", "tills"),
            ("orders/es/created", ""),
        ] {
            siblings.note(Naming::Address, name, owner);
        }
        let of = |name| siblings.of(Naming::Address, name);
        let near = Majority { prefix: "orders/fr/", owner: "tills", count: 2, of: 3 };
        assert_eq!(of("orders/fr/returned"), Some(near));
        let wide = Majority { prefix: "orders/", owner: "tills", count: 3, of: 5 };
        assert_eq!(of("orders/de/returned"), Some(wide), "two own one each there");
        assert_eq!(of("orders/es/returned"), Some(wide), "nobody owns anything there");
        assert_eq!(of("prices/fr"), None);
        assert_eq!(siblings.of(Naming::Kafka, "orders/fr/returned"), None, "a Kafka topic lies elsewhere");
    }
}
