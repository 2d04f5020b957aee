//! Scopes: topics that stay inside sites or regions.

use frontend::api::{Edit, ListQuery, LiveTopic, Page, ScopeInput, ScopeView, WithheldView};
use mesh_protocol::id::{ScopeId, SiteId};
use uuid::Uuid;

use super::agent::{freshness, rollout};
use super::edit::Done;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::agent::State;
use crate::domain::field::FieldErrors;
use crate::domain::scope::{Scope, Spec};

impl App {
    /// Scopes, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn scopes(&self, caller: &Caller, query: ListQuery) -> Result<Page<ScopeView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let all = snapshot.mesh.scopes.iter().collect();
        let page = page(all, Slice::of_list(&query), |scope: &&Scope| scope.policy.name.clone())?;
        Ok(page.map(|scope| view(scope, &snapshot, &fleet)))
    }

    /// What scopes keep back, as the agents tell it.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn withheld(&self, caller: &Caller, query: ListQuery) -> Result<Page<WithheldView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let key = |row: &WithheldView| (row.agent_name.clone(), row.to_site.clone(), row.agent, row.to);
        page(kept_back(&snapshot, &fleet), Slice::of_list(&query), key)
    }

    /// Makes a scope.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_scope(&self, caller: &Caller, input: ScopeInput) -> Result<ScopeView> {
        let mut edit = self.edit(caller.permit(Right::RuleWrite)?).await?;
        let spec = spec(input);
        let policy = spec.check()?;
        let snapshot = self.snapshot().await?;
        check_references(&spec, &snapshot)?;
        let summary = format!("added a scope: {}", sentence(&spec, &snapshot));
        let since = edit.take_revision(&summary).await?;
        let scope = Scope {
            id: ScopeId(Uuid::now_v7()),
            policy,
            note: spec.note,
            since_revision: since.revision,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_scope(self.environment(), &scope).await?;
        edit.finish(done("scope.create", &scope, &summary).after(&config(&scope))).await?;
        self.scope_view(scope.id).await
    }

    /// Changes a scope. What waits for a site where it may not be any more does not go there.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_scope(&self, caller: &Caller, id: ScopeId, input: Edit<ScopeInput>) -> Result<ScopeView> {
        let mut edit = self.edit(caller.permit(Right::RuleWrite)?).await?;
        let old = edit.tx.scope(id).await?.ok_or(Error::NotFound { what: "scope" })?;
        let spec = spec(input.value);
        let policy = spec.check()?;
        let snapshot = self.snapshot().await?;
        check_references(&spec, &snapshot)?;
        let summary = format!("changed a scope: {}", sentence(&spec, &snapshot));
        let since = edit.take_revision(&summary).await?;
        let scope = Scope {
            policy,
            note: spec.note,
            since_revision: since.revision,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
            ..old.clone()
        };
        edit.tx.update_scope(&scope, seen(input.revision)).await?;
        let done = done("scope.update", &scope, &summary);
        edit.finish(done.before(&config(&old)).after(&config(&scope))).await?;
        self.scope_view(id).await
    }

    /// Removes a scope: its topics go wherever somebody wants them.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_scope(&self, caller: &Caller, id: ScopeId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::RuleWrite)?).await?;
        let old = edit.tx.scope(id).await?.ok_or(Error::NotFound { what: "scope" })?;
        let snapshot = self.snapshot().await?;
        let summary = format!("removed a scope: {}", sentence(&spec_of(&old), &snapshot));
        edit.take_revision(&summary).await?;
        edit.tx.delete_scope(id, seen(revision)).await?;
        edit.finish(done("scope.delete", &old, &summary).before(&config(&old))).await
    }

    async fn scope_view(&self, id: ScopeId) -> Result<ScopeView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.scopes.iter().find(|scope| scope.id == id);
        found.map(|scope| view(scope, &snapshot, &fleet)).ok_or(Error::NotFound { what: "scope" })
    }
}

/// A site that goes must not leave a scope behind that allows nothing any more.
///
/// # Errors
/// Scopes that name the site.
pub(super) fn none_names(site: SiteId, scopes: &[Scope]) -> Result<()> {
    let naming = scopes.iter().filter(|scope| scope.policy.sites.contains(&site));
    let names: Vec<&str> = naming.map(|scope| scope.policy.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(format!("scopes name this site: {}; take it out of them first", names.join(", "))))
}

fn check_references(spec: &Spec, snapshot: &Snapshot) -> Result<()> {
    let mut errors = FieldErrors::default();
    if spec.sites.iter().any(|id| snapshot.site(*id).is_none()) {
        errors.add("sites", "name a site that is not of this environment");
    }
    let known = |region: &String| snapshot.mesh.sites.iter().any(|site| site.spec.region == region.trim());
    if let Some(region) = spec.regions.iter().find(|region| !known(region)) {
        errors.add("regions", format_args!("name {region}, where no site is"));
    }
    Ok(errors.check()?)
}

fn sentence(spec: &Spec, snapshot: &Snapshot) -> String {
    let sites = spec.sites.iter().map(|site| snapshot.site_name(*site));
    let regions = spec.regions.iter().map(|region| format!("region {}", region.trim()));
    let places: Vec<String> = sites.chain(regions).collect();
    format!("{}: {} stays in {}", spec.name, spec.filter, places.join(", "))
}

fn done<'a>(action: &'a str, scope: &Scope, summary: &'a str) -> Done<'a> {
    Done::new(action, scope.id, summary, LiveTopic::Access)
}

fn spec(input: ScopeInput) -> Spec {
    Spec {
        name: input.name,
        dialect: input.dialect,
        filter: input.filter,
        sites: input.sites,
        regions: input.regions,
        note: input.note,
    }
}

fn spec_of(scope: &Scope) -> Spec {
    spec(config(scope))
}

/// A scope as the API takes it.
fn config(scope: &Scope) -> ScopeInput {
    ScopeInput {
        name: scope.policy.name.clone(),
        filter: scope.policy.filter.text().to_owned(),
        dialect: scope.policy.filter.dialect(),
        sites: scope.policy.sites.clone(),
        regions: scope.policy.regions.clone(),
        note: scope.note.clone(),
    }
}

fn kept_back(snapshot: &Snapshot, fleet: &FleetState) -> Vec<WithheldView> {
    let enrolled = fleet.agents.iter().filter(|agent| agent.state == State::Enrolled);
    enrolled
        .flat_map(|agent| {
            let links = fleet.status(agent.id).map(|status| status.links.as_slice()).unwrap_or_default();
            links.iter().filter_map(|link| {
                let scoped = link.scoped.as_ref()?;
                Some(WithheldView {
                    agent: agent.id,
                    agent_name: agent.name.clone(),
                    to: link.agent,
                    to_site: snapshot.site_name(link.site),
                    events: scoped.withheld_events,
                    since_revision: scoped.revision,
                    after_position: scoped.after_position,
                    since: scoped.at_ms,
                    freshness: freshness(agent, fleet),
                })
            })
        })
        .collect()
}

fn view(scope: &Scope, snapshot: &Snapshot, fleet: &FleetState) -> ScopeView {
    let config = config(scope);
    ScopeView {
        id: scope.id,
        revision: shown(scope.revision),
        site_names: config.sites.iter().map(|site| snapshot.site_name(*site)).collect(),
        since_revision: scope.since_revision,
        updated_at: scope.updated_at_ms,
        updated_by: scope.updated_by.clone(),
        rollout: rollout(snapshot.revision_at(scope.since_revision), snapshot, fleet),
        config,
    }
}
