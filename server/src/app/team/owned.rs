//! What names whom as its owner, as far as one caller sees it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use frontend::api::{OwnedView, SearchKind, TeamOwns};
use mesh_protocol::id::TeamId;

use crate::app::catalog::{Entry, ObjectKey, href};
use crate::app::design::Designs;
use crate::app::observed::World;
use crate::app::sight::Sight;
use crate::app::{Error, Result};
use crate::domain::application::Application;
use crate::domain::application_domain::{ApplicationDomain, Claims};
use crate::domain::design::{Kind, Object};
use crate::domain::team::Team;

/// What a caller sees, with who owns each part of it.
pub(super) struct Holdings {
    pub(super) world: World,
    pub(super) designs: Arc<Designs>,
    pub(super) sight: Sight,
}

/// How much each owner has.
pub(super) struct Counts<'a>(HashMap<&'a str, TeamOwns>);

impl Counts<'_> {
    pub(super) fn of(&self, team: &Team) -> TeamOwns {
        self.0.get(team.spec.name.as_str()).copied().unwrap_or_default()
    }
}

impl Holdings {
    fn domains(&self) -> impl Iterator<Item = &ApplicationDomain> {
        self.world.config.domains.iter().filter(|domain| self.sight.sees(Some(domain.id)))
    }

    fn designs(&self) -> impl Iterator<Item = &Object> {
        self.designs.objects().iter().filter(|object| self.sight.sees_design(object))
    }

    /// Applications of clients are of no domain.
    fn applications(&self) -> impl Iterator<Item = &Application> {
        self.world.config.applications.iter().filter(|_| self.sight.is_whole())
    }

    /// What agents found. Applications and clients are no findings, although the catalog lists them.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        let is_found = |entry: &&Entry| !matches!(entry.key, ObjectKey::Application(_) | ObjectKey::Principal(_));
        self.world.catalog().iter().filter(is_found).filter(|entry| self.sight.sees(entry.domain))
    }

    /// Those that name an owner of their own.
    fn owned_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries().filter(|entry| !entry.row.owner_by_domain)
    }

    /// The teams that the caller sees: all, or those that answer for something that is in sight.
    pub(super) fn teams(&self) -> Vec<&Team> {
        let all = self.world.config.teams.iter();
        if self.sight.is_whole() {
            return all.collect();
        }
        let answering = self.answering();
        all.filter(|team| answering.contains(team.spec.name.as_str())).collect()
    }

    /// Whoever is named as the owner of something in sight, by itself or by its domain.
    fn answering(&self) -> HashSet<&str> {
        let claims = Claims::of(&self.world.config.domains);
        let of_domain = |object: &Object| {
            let domain = self.world.config.domains.iter().find(|domain| domain.id == object.spec.domain);
            domain.map(|domain| claims.owner(domain)).unwrap_or_default()
        };
        let mut names: HashSet<&str> = self.entries().map(|entry| entry.row.owner.as_str()).collect();
        names.extend(self.domains().map(|domain| claims.owner(domain)));
        names.extend(self.designs().map(|object| match object.spec.owner.as_str() {
            "" => of_domain(object),
            owner => owner,
        }));
        names
    }

    /// A team that is out of sight is not there.
    pub(super) fn team(&self, id: TeamId) -> Result<&Team> {
        self.teams().into_iter().find(|team| team.id == id).ok_or(Error::NotFound { what: "team" })
    }

    pub(super) fn counts(&self) -> Counts<'_> {
        let mut counts: HashMap<&str, TeamOwns> = HashMap::new();
        for domain in self.domains() {
            counts.entry(domain.spec.owner.as_str()).or_default().domains += 1;
        }
        for object in self.designs() {
            counts.entry(object.spec.owner.as_str()).or_default().designs += 1;
        }
        for application in self.applications() {
            counts.entry(application.spec.owner.as_str()).or_default().applications += 1;
        }
        for entry in self.owned_entries().filter(|entry| !entry.row.gone) {
            counts.entry(entry.row.owner.as_str()).or_default().objects += 1;
        }
        Counts(counts)
    }

    /// Everything that a team owns.
    pub(super) fn owned(&self, team: &Team) -> Vec<OwnedView> {
        let owner = team.spec.name.as_str();
        let name_of = |id| self.world.config.domains.iter().find(|domain| domain.id == id).map(|of| &of.spec.name);
        let domains = self.domains().filter(|domain| domain.spec.owner == owner).map(|domain| OwnedView {
            kind: SearchKind::Domain,
            name: domain.spec.name.clone(),
            href: format!("/catalog?domain={}", frontend::api::encoded(&domain.spec.name)),
            place: domain.spec.parent.and_then(name_of).cloned().unwrap_or_default(),
            gone: false,
        });
        let designs = self.designs().filter(|object| object.spec.owner == owner).map(|object| OwnedView {
            kind: match object.kind {
                Kind::Event => SearchKind::Event,
                Kind::Schema => SearchKind::Schema,
                Kind::Application => SearchKind::Application,
                Kind::EventApi => SearchKind::EventApi,
                Kind::Product => SearchKind::Product,
            },
            name: object.spec.name.clone(),
            href: format!("/designs/{}", object.id),
            // A design that is shared is seen by those who do not see its domain.
            place: Some(object.spec.domain)
                .filter(|id| self.sight.sees(Some(*id)))
                .and_then(name_of)
                .cloned()
                .unwrap_or_default(),
            gone: false,
        });
        let applications = self.applications().filter(|found| found.spec.owner == owner).map(|found| OwnedView {
            kind: SearchKind::Application,
            name: found.spec.name.clone(),
            href: href(&ObjectKey::Application(found.id)),
            place: "with clients".to_owned(),
            gone: false,
        });
        let objects = self.owned_entries().filter(|entry| entry.row.owner == owner).map(|entry| OwnedView {
            kind: entry.row.kind.among_all(),
            name: entry.row.name.clone(),
            href: href(&entry.key),
            place: entry.row.broker.clone().unwrap_or_else(|| entry.row.sites.join(", ")),
            gone: entry.row.gone,
        });
        domains.chain(designs).chain(applications).chain(objects).collect()
    }
}

/// The place of a kind among others: what is designed before what was found.
pub(super) const fn rank(kind: SearchKind) -> u8 {
    match kind {
        SearchKind::Domain => 0,
        SearchKind::Event => 1,
        SearchKind::Schema => 2,
        SearchKind::Application | SearchKind::EventApi | SearchKind::Product => 3,
        SearchKind::Address => 4,
        SearchKind::Topic => 5,
        // The rest in the order of the kinds.
        other => 6 + other as u8,
    }
}
