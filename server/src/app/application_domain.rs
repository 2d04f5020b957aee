//! Application domains: what belongs together, who answers for it, and what nobody has claimed yet.

use std::collections::HashMap;

use frontend::api::{
    ApplicationDomainInput, ApplicationDomainView, CatalogKind, DomainSuggestion, Edit, ListQuery, LiveTopic, Page,
};
use mesh_protocol::id::ApplicationDomainId;
use uuid::Uuid;

use super::catalog::Entry;
use super::edit::Done;
use super::observed::World;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::Snapshot;
use super::{App, Caller, Error, Result};
use crate::domain::application_domain::{ApplicationDomain, Spec, Unclaimed, owner, suggest};

/// What is in a domain itself, without its parts.
#[derive(Clone, Copy, Debug, Default)]
struct Content {
    addresses: u64,
    kafka_topics: u64,
    rate: f64,
    findings: u64,
}

impl App {
    /// Domains, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn domains(&self, caller: &Caller, query: ListQuery) -> Result<Page<ApplicationDomainView>> {
        caller.permit(Right::Read)?;
        let world = self.world().await?;
        let content = self.content(caller, &world).await?;
        let all = &world.config.domains;
        let sight = world.config.sight(caller);
        let seen = all.iter().filter(|domain| sight.sees(Some(domain.id))).collect();
        let page = page(seen, Slice::of_list(&query), |domain: &&ApplicationDomain| domain.spec.name.clone())?;
        Ok(page.map(|domain| view(domain, &world.config, &content)))
    }

    /// Domains that could be made of what no domain claims, the largest first.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn domain_suggestions(&self, caller: &Caller) -> Result<Page<DomainSuggestion>> {
        caller.permit(Right::MeshRead)?;
        let world = self.world().await?;
        let names: Vec<&str> = world.config.domains.iter().map(|domain| domain.spec.name.as_str()).collect();
        let found = suggest(world.catalog().iter().filter(|entry| entry.row.domain.is_none()).filter_map(unclaimed));
        let suggestions = found.into_iter().map(|found| DomainSuggestion {
            is_there: names.contains(&found.name.as_str()),
            name: found.name,
            topics: found.topics,
            kafka_topics: found.kafka_topics,
            addresses: found.addresses,
            kafka_found: found.kafka_found,
            rate: found.rate,
        });
        let items: Vec<DomainSuggestion> = suggestions.collect();
        Ok(Page { total: items.len() as u64, next: None, items })
    }

    /// Makes a domain.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_domain(&self, caller: &Caller, input: ApplicationDomainInput) -> Result<ApplicationDomainView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        let spec = spec(input).tidied();
        spec.check(None, &edit.tx.application_domains(self.environment()).await?)?;
        let domain = ApplicationDomain {
            id: ApplicationDomainId(Uuid::now_v7()),
            spec,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_application_domain(self.environment(), &domain).await?;
        let summary = format!("added the domain {}", domain.spec.name);
        edit.finish(done("domain.create", &domain, &summary).after(&config(&domain.spec))).await?;
        self.domain_view(caller, domain.id).await
    }

    /// Changes a domain.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong or stale, or the database's.
    pub async fn update_domain(
        &self,
        caller: &Caller,
        id: ApplicationDomainId,
        input: Edit<ApplicationDomainInput>,
    ) -> Result<ApplicationDomainView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        let all = edit.tx.application_domains(self.environment()).await?;
        let old = find(&all, id)?;
        let spec = spec(input.value).tidied();
        spec.check(Some(id), &all)?;
        let by = edit.actor().to_owned();
        let domain = ApplicationDomain { spec, updated_at_ms: edit.now_ms, updated_by: by, ..old.clone() };
        edit.tx.update_application_domain(&domain, seen(input.revision)).await?;
        let summary = format!("changed the domain {}", domain.spec.name);
        let done = done("domain.update", &domain, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&domain.spec))).await?;
        self.domain_view(caller, id).await
    }

    /// Removes a domain. What it claimed belongs to the next wider claim, or to none.
    ///
    /// # Errors
    /// The caller may not, there is none, it has parts or is stale, or the database's.
    pub async fn delete_domain(&self, caller: &Caller, id: ApplicationDomainId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        let all = edit.tx.application_domains(self.environment()).await?;
        let old = find(&all, id)?;
        let parts = all.iter().filter(|domain| domain.spec.parent == Some(id));
        let parts: Vec<&str> = parts.map(|domain| domain.spec.name.as_str()).collect();
        if !parts.is_empty() {
            let parts = parts.join(", ");
            return Err(Error::Conflict(format!("other domains are parts of it: {parts}; move or remove them first")));
        }
        edit.tx.delete_application_domain(id, seen(revision)).await?;
        let summary = format!("removed the domain {}", old.spec.name);
        edit.finish(done("domain.delete", old, &summary).before(&config(&old.spec))).await
    }

    async fn domain_view(&self, caller: &Caller, id: ApplicationDomainId) -> Result<ApplicationDomainView> {
        let world = self.world().await?;
        let domain = find(&world.config.domains, id)?;
        Ok(view(domain, &world.config, &self.content(caller, &world).await?))
    }

    async fn content(&self, caller: &Caller, world: &World) -> Result<HashMap<ApplicationDomainId, Content>> {
        let mut content = content(world);
        for (domain, findings) in &self.open_drift(caller).await?.by_domain {
            content.entry(*domain).or_default().findings = *findings;
        }
        Ok(content)
    }
}

fn find(all: &[ApplicationDomain], id: ApplicationDomainId) -> Result<&ApplicationDomain> {
    all.iter().find(|domain| domain.id == id).ok_or(Error::NotFound { what: "domain" })
}

fn done<'a>(action: &'a str, domain: &ApplicationDomain, summary: &'a str) -> Done<'a> {
    Done::new(action, domain.id, summary, LiveTopic::Catalog)
}

fn unclaimed(entry: &Entry) -> Option<Unclaimed<'_>> {
    let row = &entry.row;
    match row.kind {
        CatalogKind::Address => Some(Unclaimed::Address(&row.name, row.rate)),
        CatalogKind::Topic if !row.gone && !entry.is_internal => Some(Unclaimed::Kafka(&row.name)),
        _ => None,
    }
}

fn content(world: &World) -> HashMap<ApplicationDomainId, Content> {
    let mut all: HashMap<ApplicationDomainId, Content> = HashMap::new();
    for entry in world.catalog().iter().filter(|entry| !entry.row.gone) {
        let Some(domain) = entry.domain else { continue };
        let content = all.entry(domain).or_default();
        match entry.row.kind {
            CatalogKind::Address => {
                content.addresses += 1;
                content.rate += entry.row.rate;
            }
            _ => content.kafka_topics += 1,
        }
    }
    all
}

/// What the API takes, not checked yet.
pub(super) fn spec(input: ApplicationDomainInput) -> Spec {
    Spec {
        name: input.name,
        parent: input.parent,
        topics: input.topics,
        kafka_topics: input.kafka_topics,
        owner: input.owner,
        description: input.description,
    }
}

/// A domain as the API takes it.
pub(super) fn config(spec: &Spec) -> ApplicationDomainInput {
    ApplicationDomainInput {
        name: spec.name.clone(),
        parent: spec.parent,
        topics: spec.topics.clone(),
        kafka_topics: spec.kafka_topics.clone(),
        owner: spec.owner.clone(),
        description: spec.description.clone(),
    }
}

fn view(
    domain: &ApplicationDomain,
    config: &Snapshot,
    content: &HashMap<ApplicationDomainId, Content>,
) -> ApplicationDomainView {
    let all = &config.domains;
    let parent = domain.spec.parent.and_then(|parent| all.iter().find(|other| other.id == parent));
    let own = content.get(&domain.id).copied().unwrap_or_default();
    ApplicationDomainView {
        id: domain.id,
        revision: shown(domain.revision),
        config: self::config(&domain.spec),
        parent_name: parent.map(|parent| parent.spec.name.clone()),
        owner: owner(domain, all).to_owned(),
        team: config.team_named(owner(domain, all)),
        addresses: own.addresses,
        kafka_topics: own.kafka_topics,
        rate: own.rate,
        findings: own.findings,
        updated_at: domain.updated_at_ms,
        updated_by: domain.updated_by.clone(),
    }
}
