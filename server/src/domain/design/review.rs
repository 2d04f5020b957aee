//! Who may release what is offered to others: somebody who reads it with other eyes than those who wrote it.
//!
//! Event APIs and products are what strangers get access to, so no one hand is enough for them ("four eyes"). Events,
//! schemas and applications are released by whoever may write them: their consumers are protected by what a release may
//! change.

use super::{Kind, Version};

/// Who would release a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewer<'a> {
    /// As versions name their authors.
    pub name: &'a str,
    /// A person, not a script: scripts act for people who may have written it.
    pub is_person: bool,
    /// Has the right to review.
    pub may_review: bool,
}

impl Kind {
    /// Whether its versions are released by a reviewer alone.
    #[must_use]
    pub const fn is_reviewed(self) -> bool {
        matches!(self, Self::EventApi | Self::Product)
    }
}

impl Reviewer<'_> {
    /// Whether they may let others have what these people wrote.
    ///
    /// # Errors
    /// Why not, and who can.
    pub fn check(self, authors: &[String]) -> Result<(), String> {
        if authors.iter().any(|author| author == self.name) {
            return Err("is released by somebody who did not write it: ask another reviewer".to_owned());
        }
        if !self.may_review {
            return Err("is released by a reviewer: ask an approver or an administrator".to_owned());
        }
        if !self.is_person {
            return Err("is released by a person, and this is a token: sign in to review it".to_owned());
        }
        Ok(())
    }
}

impl Version {
    /// Whether somebody may release it.
    ///
    /// # Errors
    /// Why not, and who can.
    pub fn check_reviewer(&self, reviewer: Reviewer<'_>) -> Result<(), String> {
        if !self.spec.content.kind().is_reviewed() {
            return Ok(());
        }
        reviewer.check(&self.authors)
    }

    /// The authors after one more has written at it; the order in which they came stays.
    #[must_use]
    pub fn authors_with(&self, author: &str) -> Vec<String> {
        let mut authors = self.authors.clone();
        if !authors.iter().any(|known| known == author) {
            authors.push(author.to_owned());
        }
        authors
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Catalog, event, event_api};
    use super::*;

    #[test]
    fn who_wrote_it_does_not_release_it() {
        let mut catalog = Catalog::default();
        let (_, created) = catalog.both("created", event("orders/created", None));
        let (_, api) = catalog.both("orders", event_api(&[], &[created]));
        let asked = |catalog: &mut Catalog, id, name: &str, is_person, may_review| {
            let version = catalog.at(id);
            version.authors = vec!["ada".to_owned(), "bob".to_owned()];
            version.check_reviewer(Reviewer { name, is_person, may_review }).err().unwrap_or_default()
        };
        assert_eq!(asked(&mut catalog, api, "cleo", true, true), "");
        for author in ["ada", "bob"] {
            assert!(asked(&mut catalog, api, author, true, true).contains("did not write it"), "{author}");
        }
        assert!(asked(&mut catalog, api, "cleo", true, false).contains("ask an approver"));
        assert!(asked(&mut catalog, api, "token ci", false, true).contains("by a person"));
        assert_eq!(asked(&mut catalog, created, "ada", true, false), "", "events need no other eyes");
    }

    #[test]
    fn an_author_is_kept_once() {
        let mut catalog = Catalog::default();
        let (_, created) = catalog.both("created", event("orders/created", None));
        assert_eq!(catalog.at(created).authors_with("bob"), ["ada", "bob"]);
        assert_eq!(catalog.at(created).authors_with("ada"), ["ada"]);
    }
}
