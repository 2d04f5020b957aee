//! A publication: where a version of a product can be had.
//!
//! That it was published is a decision; whether it can be had right now is seen. So the first is stored and the second is
//! worked out of what agents tell, site by site, and a page shows both.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::id::{DesignObjectId, DesignVersionId, PublicationId, SiteId};
use serde::{Deserialize, Serialize};

use super::super::field::FieldErrors;
use super::super::site::{LABELS_MAX, Site};

/// Most sites that a publication names.
pub const SITES_MAX: usize = 500;

/// A publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Stable id.
    pub id: PublicationId,
    /// The product.
    pub product: DesignObjectId,
    /// Its version.
    pub version: DesignVersionId,
    /// Where.
    pub places: Places,
    /// The policy revision at which it was published or last changed: who enforces an older one does not know of it yet.
    pub policy_revision: u64,
    /// When it was taken back, in milliseconds since the Unix epoch.
    pub withdrawn_at_ms: Option<i64>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// Sites, by name or by what they are labelled; neither = every site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// These.
    pub sites: BTreeSet<SiteId>,
    /// Those that have all of these labels.
    pub labels: BTreeMap<String, String>,
}

impl Places {
    /// Whether every site is among them, whichever come.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.sites.is_empty() && self.labels.is_empty()
    }

    /// Whether a site is among them.
    #[must_use]
    pub fn has(&self, site: &Site) -> bool {
        let is_labelled = || {
            let has = |(name, value): (&String, &String)| site.spec.labels.get(name) == Some(value);
            !self.labels.is_empty() && self.labels.iter().all(has)
        };
        self.is_everywhere() || self.sites.contains(&site.id) || is_labelled()
    }

    /// Checks it beside the sites there are.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, sites: &[Site]) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if self.sites.len() > SITES_MAX {
            errors.add("sites", format_args!("are more than {SITES_MAX}: choose them by a label"));
        }
        if self.sites.iter().any(|id| !sites.iter().any(|site| site.id == *id)) {
            errors.add("sites", "hold one that is not there any more: take it out");
        }
        if self.labels.len() > LABELS_MAX {
            errors.add("labels", format_args!("are more than {LABELS_MAX}"));
        }
        if errors.0.is_empty() && !sites.iter().any(|site| self.has(site)) {
            errors.add("labels", "are those of no site: nobody could have it");
        }
        errors.check()
    }
}

/// How far one site is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It can be had there.
    Live,
    /// Its agent has not taken the revision yet.
    Deploying,
    /// Its agent refused it, and says why.
    Failed(String),
    /// Nobody is there who could give it: why.
    Missing(String),
}

/// How far a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// It can be had nowhere yet.
    Pending,
    /// Agents are taking it.
    Deploying,
    /// It can be had everywhere it is meant to be.
    Live,
    /// At some of its sites it cannot be had.
    Degraded,
    /// An agent refused it.
    Failed,
    /// It was taken back.
    Withdrawn,
}

impl Publication {
    /// How far it is, given how far its sites are.
    #[must_use]
    pub fn reach(&self, stands: &[Stand]) -> Reach {
        let is_live = |stand: &Stand| *stand == Stand::Live;
        if self.withdrawn_at_ms.is_some() {
            Reach::Withdrawn
        } else if stands.iter().any(|stand| matches!(stand, Stand::Failed(_))) {
            Reach::Failed
        } else if stands.contains(&Stand::Deploying) {
            Reach::Deploying
        } else if !stands.iter().any(is_live) {
            Reach::Pending
        } else if stands.iter().all(is_live) {
            Reach::Live
        } else {
            Reach::Degraded
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::super::site;
    use super::*;

    fn site(id: u128, labels: &[(&str, &str)]) -> Site {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let spec = site::Spec { name: format!("site-{id}"), labels, ..site::Spec::default() };
        Site { id: SiteId(Uuid::from_u128(id)), spec, revision: 1, created_at_ms: 0, updated_at_ms: 0 }
    }

    fn publication(withdrawn_at_ms: Option<i64>) -> Publication {
        Publication {
            id: PublicationId(Uuid::nil()),
            product: DesignObjectId(Uuid::nil()),
            version: DesignVersionId(Uuid::nil()),
            places: Places::default(),
            policy_revision: 1,
            withdrawn_at_ms,
            revision: 1,
            created_at_ms: 0,
            updated_at_ms: 0,
            updated_by: "ada".to_owned(),
        }
    }

    #[test]
    fn sites_are_chosen_by_name_or_by_label() {
        let (paris, lyon) = (site(1, &[("kind", "store"), ("land", "fr")]), site(2, &[("kind", "hub")]));
        let labels = |all: &[(&str, &str)]| Places {
            labels: all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Places::default()
        };
        assert!(Places::default().has(&paris) && Places::default().has(&lyon));
        let stores = labels(&[("kind", "store"), ("land", "fr")]);
        assert!(stores.has(&paris) && !stores.has(&lyon));
        let both = Places { sites: [lyon.id].into(), ..stores };
        assert!(both.has(&paris) && both.has(&lyon));
        let all = [paris, lyon];
        assert!(labels(&[("kind", "ship")]).check(&all).expect_err("none").to_string().contains("of no site"));
        let gone = Places { sites: [SiteId(Uuid::from_u128(9))].into(), ..Places::default() };
        assert!(gone.check(&all).expect_err("gone").to_string().contains("take it out"));
        assert!(both.check(&all).is_ok());
    }

    #[test]
    fn a_publication_is_what_its_sites_are() {
        let (missing, failed) = (Stand::Missing("no agent".to_owned()), Stand::Failed("no".to_owned()));
        let reach = |stands: &[Stand]| publication(None).reach(stands);
        assert_eq!(reach(&[]), Reach::Pending);
        assert_eq!(reach(std::slice::from_ref(&missing)), Reach::Pending);
        assert_eq!(reach(&[Stand::Live, Stand::Deploying]), Reach::Deploying);
        assert_eq!(reach(&[Stand::Live, Stand::Live]), Reach::Live);
        assert_eq!(reach(&[Stand::Live, missing]), Reach::Degraded);
        assert_eq!(reach(&[Stand::Live, failed]), Reach::Failed);
        assert_eq!(publication(Some(5)).reach(&[Stand::Live]), Reach::Withdrawn);
    }
}
