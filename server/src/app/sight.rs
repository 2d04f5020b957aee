//! What of the catalog somebody sees: everything, or some application domains with their parts.
//!
//! Lists, counts and single objects ask the same [`Sight`]. What is out of sight is not there: it is not found, not counted
//! and not named. Designs that are shared with every domain are seen by everybody, for others are built on them.

use std::collections::HashSet;

use mesh_protocol::id::ApplicationDomainId;

use super::Caller;
use super::snapshot::Snapshot;
use crate::domain::application_domain::DEPTH_MAX;
use crate::domain::design::{Object, Sharing};

/// What somebody sees; everything by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sight(Option<HashSet<ApplicationDomainId>>);

impl Snapshot {
    /// What a caller sees.
    pub(super) fn sight(&self, caller: &Caller) -> Sight {
        self.sight_of(caller.domains())
    }

    /// What somebody sees who was given these domains; none given = everything.
    pub(super) fn sight_of(&self, given: &[ApplicationDomainId]) -> Sight {
        if given.is_empty() {
            return Sight(None);
        }
        let is_within = |mut id: ApplicationDomainId| {
            for _ in 0..=DEPTH_MAX {
                if given.contains(&id) {
                    return true;
                }
                let domain = self.domains.iter().find(|domain| domain.id == id);
                let Some(parent) = domain.and_then(|domain| domain.spec.parent) else { return false };
                id = parent;
            }
            false
        };
        Sight(Some(self.domains.iter().map(|domain| domain.id).filter(|id| is_within(*id)).collect()))
    }
}

impl Sight {
    /// That of the portal itself.
    pub(super) fn whole() -> Self {
        Self(None)
    }

    /// Nothing is out of sight.
    pub(super) fn is_whole(&self) -> bool {
        self.0.is_none()
    }

    /// Whether what belongs to a domain, or to none, is seen.
    pub(super) fn sees(&self, domain: Option<ApplicationDomainId>) -> bool {
        let Some(seen) = &self.0 else { return true };
        domain.is_some_and(|domain| seen.contains(&domain))
    }

    /// Whether a design is seen.
    pub(super) fn sees_design(&self, object: &Object) -> bool {
        object.spec.sharing == Sharing::Shared || self.sees(Some(object.spec.domain))
    }

    /// The domains that are seen, as the search index knows them; none = everything is.
    pub(super) fn ids(&self) -> Option<Vec<String>> {
        self.0.as_ref().map(|seen| seen.iter().map(ToString::to_string).collect())
    }
}
