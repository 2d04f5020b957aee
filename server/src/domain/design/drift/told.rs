//! Findings in words: one plain sentence each that says what differs.

use super::super::{Fit, Kind};
use super::{Bound, Finding, Side, Status, Subject};

/// Designs that a sentence names; the others are counted.
const NAMED: usize = 3;

impl Finding<'_> {
    /// What differs, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        match (self.subject, self.status) {
            (Subject::Address(_), Status::Match) => {
                format!("It is an address of {}.", self.names(Kind::Event, Some(Fit::Whole)))
            }
            (Subject::Address(_), Status::Partial) => {
                format!("Only some of its topics are those of {}.", self.names(Kind::Event, None))
            }
            (Subject::Address(_), _) => "No event says what is published here.".to_owned(),
            (Subject::Topic(..), Status::Match) => {
                format!("Its records are described by {}.", self.names(Kind::Schema, None))
            }
            (Subject::Topic(..), Status::Partial) if self.has(Kind::Schema) => {
                format!("Only its keys have a schema: {}. No schema has its subject.", self.names(Kind::Schema, None))
            }
            (Subject::Topic(..), Status::Partial) => {
                format!("Routes make {} of its records, and no schema has its subject.", self.names(Kind::Event, None))
            }
            (Subject::Topic(..), _) => "No schema has its subject, and no event is made of its records.".to_owned(),
            (Subject::Event(_), _) => format!("Nothing was seen at {}.", self.meant),
            (Subject::Schema(_), _) => format!("No Kafka topic is called {}, which its subject is of.", self.meant),
            (Subject::Application(object), _) => {
                format!("No application with clients is called {}: nobody can be seen as it.", object.spec.name)
            }
            (Subject::Client(_), _) => "Its clients were seen, and no designed application has its name.".to_owned(),
            (Subject::Says(_, side, event), Status::Match) => {
                format!("It {} {}, as it says.", does(side), event.spec.name)
            }
            (Subject::Says(_, side, event), _) => {
                format!("It says that it {} {}, and was not seen doing so.", does(side), event.spec.name)
            }
            (Subject::Does(_, side, address), Status::Partial) => format!(
                "It was seen {} {address}; what it says covers only a part of that: {}.",
                doing(side),
                self.names(Kind::Event, None)
            ),
            (Subject::Does(_, side, address), _) => {
                format!("It was seen {} {address}, which it does not say.", doing(side))
            }
        }
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Bound<'_>> {
        self.designs.iter().filter(move |bound| bound.object.kind == kind)
    }

    fn has(&self, kind: Kind) -> bool {
        self.of_kind(kind).next().is_some()
    }

    /// `the event order-created`, `the events a, b and 2 more`.
    fn names(&self, kind: Kind, fit: Option<Fit>) -> String {
        let meant = self.of_kind(kind).filter(|bound| fit.is_none_or(|fit| bound.fit == fit));
        let names: Vec<&str> = meant.map(|bound| bound.object.spec.name.as_str()).collect();
        let more = names.len().saturating_sub(NAMED);
        let (plural, shown) = (if names.len() == 1 { "" } else { "s" }, names[..names.len().min(NAMED)].join(", "));
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("the {kind}{plural} {shown}{more}")
    }
}

const fn does(side: Side) -> &'static str {
    match side {
        Side::Publish => "publishes",
        Side::Consume => "consumes",
    }
}

const fn doing(side: Side) -> &'static str {
    match side {
        Side::Publish => "publishing to",
        Side::Consume => "consuming from",
    }
}
