//! Everything that can have an owner, as one caller sees it.

use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use frontend::api::OwnershipKind;
use mesh_protocol::id::ApplicationDomainId;

use crate::app::catalog::{Entry, ObjectKey, href};
use crate::app::design::Designs;
use crate::app::observed::World;
use crate::app::sight::Sight;
use crate::app::{App, Caller, Result};
use crate::domain::application::Application;
use crate::domain::application_domain::{ApplicationDomain, Claims};
use crate::domain::design::{Kind, Object};
use crate::store::Tx;

/// What a caller sees of everything, at one moment.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) designs: Arc<Designs>,
    pub(super) sight: Sight,
}

/// What can have an owner.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    Domain(&'a ApplicationDomain),
    Design(&'a Object),
    /// One with clients.
    Application(&'a Application),
    /// An event address or a Kafka topic.
    Entry(&'a Entry),
}

/// One of them, with who answers for it.
#[derive(Clone, Debug)]
pub(super) struct Thing<'a> {
    /// Names it for good.
    pub(super) key: String,
    pub(super) what: What<'a>,
    /// The domain it is in; of a domain, the one it is a part of.
    pub(super) domain: Option<&'a ApplicationDomain>,
    /// Who was named for it itself; empty = nobody.
    pub(super) owner: &'a str,
    /// Who answers for it where nobody was; empty = nobody.
    pub(super) by_domain: &'a str,
    /// It is there, and of interest to people who look for events: it belongs into the queue.
    pub(super) is_queued: bool,
}

impl App {
    pub(super) async fn ownership_scene(&self, caller: &Caller) -> Result<Scene> {
        let mut tx = self.store().read().await?;
        self.ownership_scene_in(caller, &mut tx).await
    }

    /// With designs as this transaction sees them; every other edit is found out by its revision.
    pub(super) async fn ownership_scene_in(&self, caller: &Caller, tx: &mut Tx) -> Result<Scene> {
        let designs = self.designs_in(tx).await?;
        let world = self.world().await?;
        let sight = world.config.sight(caller);
        Ok(Scene { world, designs, sight })
    }
}

impl Scene {
    /// Everything that the caller sees.
    pub(super) fn things(&self) -> Vec<Thing<'_>> {
        let config = &self.world.config;
        let claims = Claims::of(&config.domains);
        let domain_of = |id: ApplicationDomainId| {
            let found = config.domains.iter().find(|domain| domain.id == id);
            found.filter(|domain| self.sight.sees(Some(domain.id)))
        };
        let answering = |id: ApplicationDomainId| {
            let domain = config.domains.iter().find(|domain| domain.id == id);
            domain.map(|domain| claims.owner(domain)).unwrap_or_default()
        };
        let seen = config.domains.iter().filter(|domain| self.sight.sees(Some(domain.id)));
        let domains = seen.map(|domain| Thing {
            key: format!("domain:{}", domain.id),
            what: What::Domain(domain),
            domain: domain.spec.parent.and_then(domain_of),
            owner: &domain.spec.owner,
            by_domain: domain.spec.parent.map(answering).unwrap_or_default(),
            is_queued: true,
        });
        let seen = self.designs.objects().iter().filter(|object| self.sight.sees_design(object));
        let designs = seen.map(|object| Thing {
            key: format!("design:{}", object.id),
            what: What::Design(object),
            domain: domain_of(object.spec.domain),
            owner: &object.spec.owner,
            by_domain: answering(object.spec.domain),
            is_queued: true,
        });
        let seen = config.applications.iter().filter(|_| self.sight.is_whole());
        let applications = seen.map(|application| Thing {
            key: format!("application:{}", application.id),
            what: What::Application(application),
            domain: None,
            owner: &application.spec.owner,
            by_domain: "",
            is_queued: false,
        });
        let is_meant = |entry: &&Entry| {
            matches!(entry.key, ObjectKey::Address(_) | ObjectKey::Topic(..)) && self.sight.sees(entry.domain)
        };
        let entries = self.world.catalog().iter().filter(is_meant).map(|entry| {
            let (owner, by_domain) =
                if entry.row.owner_by_domain { ("", entry.row.owner.as_str()) } else { (entry.row.owner.as_str(), "") };
            Thing {
                key: entry.key.to_string(),
                what: What::Entry(entry),
                domain: entry.domain.and_then(domain_of),
                owner,
                by_domain,
                is_queued: !entry.row.gone && !entry.is_internal,
            }
        });
        domains.chain(designs).chain(applications).chain(entries).collect()
    }
}

impl<'a> Thing<'a> {
    pub(super) fn kind(&self) -> OwnershipKind {
        match self.what {
            What::Domain(_) => OwnershipKind::Domain,
            What::Design(object) => match object.kind {
                Kind::Event => OwnershipKind::Event,
                Kind::Schema => OwnershipKind::Schema,
                Kind::Application => OwnershipKind::Application,
                Kind::EventApi => OwnershipKind::EventApi,
                Kind::Product => OwnershipKind::Product,
            },
            What::Application(_) => OwnershipKind::Application,
            What::Entry(entry) if matches!(entry.key, ObjectKey::Address(_)) => OwnershipKind::Address,
            What::Entry(_) => OwnershipKind::Topic,
        }
    }

    pub(super) fn name(&self) -> &'a str {
        match self.what {
            What::Domain(domain) => &domain.spec.name,
            What::Design(object) => &object.spec.name,
            What::Application(application) => &application.spec.name,
            What::Entry(entry) => &entry.row.name,
        }
    }

    /// Its id in the API: its key without characters that mean something elsewhere.
    pub(super) fn id(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.key)
    }

    pub(super) fn href(&self) -> String {
        match self.what {
            What::Domain(domain) => format!("/catalog?domain={}", frontend::api::encoded(&domain.spec.name)),
            What::Design(object) => format!("/designs/{}", object.id),
            What::Application(application) => href(&ObjectKey::Application(application.id)),
            What::Entry(entry) => href(&entry.key),
        }
    }

    pub(super) fn entry(&self) -> Option<&'a Entry> {
        match self.what {
            What::Entry(entry) => Some(entry),
            _ => None,
        }
    }

    /// Whether it is this domain itself.
    pub(super) fn is_domain(&self, id: ApplicationDomainId) -> bool {
        matches!(self.what, What::Domain(domain) if domain.id == id)
    }

    /// Tags, of what was designed.
    pub(super) fn tags(&self) -> &'a [String] {
        match self.what {
            What::Design(object) => &object.spec.tags,
            _ => &[],
        }
    }

    /// Where it is, in words.
    pub(super) fn place(&self) -> String {
        let Some(entry) = self.entry() else { return String::new() };
        entry.row.broker.iter().chain(&entry.row.sites).cloned().collect::<Vec<_>>().join(" ")
    }

    /// It, so that nothing else is meant: `topic retail.orders in kafka-a`.
    pub(super) fn label(&self) -> String {
        let kind = match self.what {
            What::Domain(_) => "domain".to_owned(),
            What::Design(object) => object.kind.to_string(),
            What::Application(_) => "application with clients".to_owned(),
            What::Entry(_) if self.kind() == OwnershipKind::Address => "address".to_owned(),
            What::Entry(_) => "topic".to_owned(),
        };
        let place = match self.what {
            What::Design(_) => self.domain.map(|domain| domain.spec.name.as_str()),
            What::Entry(entry) => entry.row.broker.as_deref(),
            _ => None,
        };
        match place {
            Some(place) => format!("{kind} {} in {place}", self.name()),
            None => format!("{kind} {}", self.name()),
        }
    }
}
