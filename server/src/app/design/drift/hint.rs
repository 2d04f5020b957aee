//! What can be done about a finding, and why something cannot where one would expect it.

use frontend::api::DriftAction;

use super::scene::{Row, Study};
use crate::domain::design::Kind;
use crate::domain::design::drift::{Status, Subject};

impl Study<'_> {
    /// What can be done about a finding.
    pub(super) fn actions(&self, row: &Row<'_>) -> Vec<DriftAction> {
        if row.finding.status == Status::Match {
            return Vec::new();
        }
        let mut actions = Vec::new();
        if self.is_adoptable(row) {
            actions.push(DriftAction::Adopt);
        }
        if self.is_pushable(row) {
            actions.push(DriftAction::Push);
        }
        actions.push(if row.ignored.is_some() { DriftAction::Reopen } else { DriftAction::Ignore });
        actions
    }

    /// Whether a design can be made of it.
    pub(super) fn is_adoptable(&self, row: &Row<'_>) -> bool {
        match (row.finding.subject, row.finding.status) {
            (Subject::Address(_), Status::Partial | Status::RuntimeOnly) | (Subject::Client(_), _) => true,
            (Subject::Topic(broker, name), Status::Partial | Status::RuntimeOnly) => {
                !has_event(row) && !self.addresses_of(broker, name).is_empty()
            }
            _ => false,
        }
    }

    /// Whether rules can be made for it.
    fn is_pushable(&self, row: &Row<'_>) -> bool {
        let uses = self.pushed(row);
        uses.iter().any(|pushed| !self.clients_of(&pushed.application.spec.name).is_empty())
    }

    /// Why nothing can be made of it where one would expect that; empty = something can, or nobody would.
    pub(super) fn hint(&self, row: &Row<'_>) -> String {
        let hint = match (row.finding.subject, row.finding.status) {
            (_, Status::Match) => "",
            (Subject::Topic(..), _) if has_event(row) => {
                "Register a schema under the topic's name, or give a schema that subject."
            }
            (Subject::Topic(..), _) if !self.is_adoptable(row) => {
                "No route brings its records into the mesh: make one from it, then it can be adopted as an event."
            }
            (Subject::Schema(_), _) => "Make the topic, or retire the schema.",
            (Subject::Event(_), _) if self.pushed(row).is_empty() => {
                "No application says that it uses this event, so nobody can be given the right to."
            }
            (Subject::Event(_) | Subject::Says(..), _) if !self.is_pushable(row) => {
                "No application with clients has the name of one that uses it: give it clients first."
            }
            (Subject::Application(_), _) => "Give an application of this name clients, or rename one of the two.",
            (Subject::Does(..), _) => "Say it in the next version of the application, or take the right away.",
            _ => "",
        };
        hint.to_owned()
    }
}

/// Whether an event is made of a topic's records already.
fn has_event(row: &Row<'_>) -> bool {
    row.finding.designs.iter().any(|bound| bound.object.kind == Kind::Event)
}
