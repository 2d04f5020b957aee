//! Clients of the mesh: made with a secret that is shown once, given roles, rotated, disabled, blocked.

use frontend::api::{
    Edit, Freshness, LiveTopic, Page, PrincipalInput, PrincipalQuery, PrincipalSecret, PrincipalView, ReasonInput,
    RoleRef, RotateInput, SecretView,
};
use mesh_protocol::id::{PrincipalId, RuleId};
use mesh_protocol::policy::{Action, Effect, PrincipalState, Rule as Policy, Subject};
use mesh_protocol::report::Direction;
use mesh_protocol::secret::{SecretHash, SecretKey};
use mesh_protocol::topic::Filter;
use uuid::Uuid;

use super::agent::freshness;
use super::edit::Done;
use super::login::random_secret;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result, edit};
use crate::domain::field::FieldErrors;
use crate::domain::flow::Flow;
use crate::domain::principal::{self, Kind, OVERLAP_MINUTES_MAX, Principal, ROLES_MAX, Secret};
use crate::domain::rule::Rule;

/// Clients on a page when nobody says how many.
const PAGE: u32 = 50;
/// Most clients on a page.
const PAGE_MAX: u32 = 500;

impl App {
    /// Clients, by user name. Identities of routes are shown too, and cannot be edited.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn principals(&self, caller: &Caller, query: PrincipalQuery) -> Result<Page<PrincipalView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let text = query.q.trim().to_lowercase();
        let matches = |principal: &&Principal| {
            (text.is_empty() || principal.username.to_lowercase().contains(&text))
                && query.application.is_none_or(|id| principal.application == Some(id))
                && query.role.is_none_or(|id| principal.roles.contains(&id))
        };
        let matching: Vec<&Principal> = snapshot.mesh.principals.iter().filter(matches).collect();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, PAGE, PAGE_MAX);
        let page = page(matching, slice, |principal: &&Principal| principal.username.clone())?;
        Ok(page.map(|principal| view(principal, &snapshot, &fleet)))
    }

    /// One client.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn principal(&self, caller: &Caller, id: PrincipalId) -> Result<PrincipalView> {
        caller.permit(Right::MeshRead)?;
        self.principal_view(id).await
    }

    /// Makes a client; its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_principal(&self, caller: &Caller, input: PrincipalInput) -> Result<PrincipalSecret> {
        let mut edit = self.edit(caller.permit(Right::PrincipalWrite)?).await?;
        let mut errors = FieldErrors::default();
        principal::check_username(&mut errors, &input.username);
        check(&mut errors, &input, &*self.snapshot().await?);
        errors.check()?;
        let secret = random_secret();
        let key = edit.environment().await?.secret_key;
        let new = Principal {
            id: PrincipalId(Uuid::now_v7()),
            username: input.username,
            kind: Kind::Client,
            person: None,
            state: state(input.enabled),
            application: input.application,
            roles: input.roles,
            secrets: vec![new_secret(&key, &secret, edit.now_ms)],
            expires_at_ms: input.expires_at,
            revision: 1,
            created_at_ms: edit.now_ms,
        };
        let summary = format!("added the client {}", new.username);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.insert_principal(self.environment(), &new, now_ms).await?;
        edit.finish(done("principal.create", new.id, &summary).after(&config(&new))).await?;
        Ok(PrincipalSecret { principal: self.principal_view(new.id).await?, secret })
    }

    /// Changes a client's application, roles, state and expiry.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, it belongs to a route, or the database's.
    pub async fn update_principal(
        &self,
        caller: &Caller,
        id: PrincipalId,
        input: Edit<PrincipalInput>,
    ) -> Result<PrincipalView> {
        let mut edit = self.edit(caller.permit(Right::PrincipalWrite)?).await?;
        let old = client(&mut edit, id).await?;
        let mut errors = FieldErrors::default();
        if input.value.username != old.username {
            errors.add("username", "cannot change: make another client");
        }
        check(&mut errors, &input.value, &*self.snapshot().await?);
        errors.check()?;
        let new = Principal {
            state: state(input.value.enabled),
            application: input.value.application,
            roles: input.value.roles,
            expires_at_ms: input.value.expires_at,
            ..old.clone()
        };
        let summary = format!("changed the client {}", new.username);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.update_principal(&new, seen(input.revision), now_ms).await?;
        edit.finish(done("principal.update", id, &summary).before(&config(&old)).after(&config(&new))).await?;
        self.principal_view(id).await
    }

    /// Gives a client a new secret; the old one stays valid for the overlap.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, it belongs to a route, or the database's.
    pub async fn rotate_principal(
        &self,
        caller: &Caller,
        id: PrincipalId,
        input: RotateInput,
    ) -> Result<PrincipalSecret> {
        let mut edit = self.edit(caller.permit(Right::PrincipalWrite)?).await?;
        if input.overlap_minutes > OVERLAP_MINUTES_MAX {
            let message = format!("is longer than {OVERLAP_MINUTES_MAX} minutes");
            return Err(FieldErrors::one("overlap_minutes", message).into());
        }
        let old = client(&mut edit, id).await?;
        let (secret, key, now_ms) = (random_secret(), edit.environment().await?.secret_key, edit.now_ms);
        let new = old.rotated(new_secret(&key, &secret, now_ms), input.overlap_minutes, now_ms);
        let summary = format!("rotated the secret of {}", new.username);
        edit.take_revision(&summary).await?;
        edit.tx.update_principal(&new, new.revision, now_ms).await?;
        let views = |principal: &Principal| principal.secrets.iter().map(secret_view).collect::<Vec<_>>();
        let done = done("principal.rotate", id, &summary);
        edit.finish(done.before(&views(&old)).after(&views(&new))).await?;
        Ok(PrincipalSecret { principal: self.principal_view(id).await?, secret })
    }

    /// Stops a client's publishing by a deny rule about it alone. Blocking twice is blocking once.
    ///
    /// # Errors
    /// The caller may not, there is none, it belongs to a route, or the database's.
    pub async fn block_principal(&self, caller: &Caller, id: PrincipalId, input: ReasonInput) -> Result<PrincipalView> {
        let mut edit = self.edit(caller.permit(Right::Block)?).await?;
        let mut errors = FieldErrors::default();
        errors.text("reason", &input.reason);
        errors.check()?;
        let client = client(&mut edit, id).await?;
        if is_blocked(id, &edit.tx.rules(self.environment()).await?) {
            return self.principal_view(id).await;
        }
        let summary = format!("blocked the client {}", client.username);
        let since = edit.take_revision(&summary).await?;
        let rule = Rule {
            policy: Policy {
                id: RuleId(Uuid::now_v7()),
                subject: Subject::Principal(id),
                action: Action::Publish,
                effect: Effect::Deny,
                filter: Filter::mesh(">").expect("a constant filter is valid"),
                sites: Vec::new(),
            },
            note: input.reason,
            is_block: true,
            since_revision: since.revision,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_rule(self.environment(), &rule).await?;
        edit.finish(done("principal.block", id, &summary).after(&super::rule::config(&rule))).await?;
        self.principal_view(id).await
    }

    /// Takes the block back.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn unblock_principal(&self, caller: &Caller, id: PrincipalId) -> Result<PrincipalView> {
        let mut edit = self.edit(caller.permit(Right::Block)?).await?;
        let client = client(&mut edit, id).await?;
        let rules = edit.tx.rules(self.environment()).await?;
        let Some(block) = rules.iter().find(|rule| is_block_of(id, rule)) else {
            return self.principal_view(id).await;
        };
        let summary = format!("unblocked the client {}", client.username);
        edit.take_revision(&summary).await?;
        edit.tx.delete_blocks(id).await?;
        edit.finish(done("principal.unblock", id, &summary).before(&super::rule::config(block))).await?;
        self.principal_view(id).await
    }

    /// Removes a client with its rules.
    ///
    /// # Errors
    /// The caller may not, it is stale, it belongs to a route, or the database's.
    pub async fn delete_principal(&self, caller: &Caller, id: PrincipalId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::PrincipalWrite)?).await?;
        let old = client(&mut edit, id).await?;
        let summary = format!("removed the client {}", old.username);
        edit.take_revision(&summary).await?;
        edit.tx.delete_rules_about(Subject::Principal(id)).await?;
        edit.tx.delete_principal(id, seen(revision)).await?;
        edit.finish(done("principal.delete", id, &summary).before(&config(&old))).await
    }

    pub(super) async fn principal_view(&self, id: PrincipalId) -> Result<PrincipalView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.principals.iter().find(|principal| principal.id == id);
        found.map(|principal| view(principal, &snapshot, &fleet)).ok_or(Error::NotFound { what: "client" })
    }
}

/// A principal that people may edit.
async fn client(edit: &mut edit::Edit, id: PrincipalId) -> Result<Principal> {
    let found = edit.tx.principal(id).await?.ok_or(Error::NotFound { what: "client" })?;
    if found.kind == Kind::Route {
        return Err(Error::Conflict("this client belongs to a route: change or pause the route".to_owned()));
    }
    Ok(found)
}

pub(super) fn new_secret(key: &SecretKey, secret: &str, now_ms: i64) -> Secret {
    Secret { hash: SecretHash::of(key, secret), created_at_ms: now_ms, expires_at_ms: None }
}

fn check(errors: &mut FieldErrors, input: &PrincipalInput, snapshot: &Snapshot) {
    if input.application.is_some_and(|id| snapshot.application_name(id).is_none()) {
        errors.add("application", "is not an application of this environment");
    }
    if input.roles.len() > ROLES_MAX {
        errors.add("roles", format_args!("are more than {ROLES_MAX}"));
    }
    let known = |id| snapshot.mesh.roles.iter().any(|role| role.id == id);
    if input.roles.iter().any(|id| !known(*id)) {
        errors.add("roles", "name a role that is not of this environment");
    }
    let mut once = input.roles.clone();
    once.sort_unstable();
    once.dedup();
    if once.len() != input.roles.len() {
        errors.add("roles", "name a role twice");
    }
}

fn is_blocked(id: PrincipalId, rules: &[Rule]) -> bool {
    rules.iter().any(|rule| is_block_of(id, rule))
}

fn is_block_of(id: PrincipalId, rule: &Rule) -> bool {
    rule.is_block && rule.policy.subject == Subject::Principal(id)
}

fn state(enabled: bool) -> PrincipalState {
    if enabled { PrincipalState::Enabled } else { PrincipalState::Disabled }
}

fn done<'a>(action: &'a str, id: PrincipalId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Access)
}

/// A client as the API takes it: without its secrets.
pub(super) fn config(principal: &Principal) -> PrincipalInput {
    PrincipalInput {
        username: principal.username.clone(),
        application: principal.application,
        roles: principal.roles.clone(),
        enabled: principal.state == PrincipalState::Enabled,
        expires_at: principal.expires_at_ms,
    }
}

/// A client as pages see it.
pub(super) fn view(principal: &Principal, snapshot: &Snapshot, fleet: &FleetState) -> PrincipalView {
    let mesh = &snapshot.mesh;
    let is_its = |flow: &Flow| flow.principal == Some(principal.id);
    let rate = |direction| fleet.seen.rate(fleet.now_ms, |flow| is_its(flow) && flow.direction == direction);
    let last = fleet.seen.flows.iter().filter(|flow| is_its(flow)).max_by_key(|flow| flow.last_seen_ms);
    let role_name = |id| mesh.roles.iter().find(|role| role.id == id).map(|role| role.name.clone());
    let of_route = mesh.routes.iter().find(|route| route.principal == principal.id);
    PrincipalView {
        id: principal.id,
        revision: shown(principal.revision),
        username: principal.username.clone(),
        application: principal.application,
        application_name: principal.application.and_then(|id| snapshot.application_name(id)),
        roles: principal.roles.iter().filter_map(|id| Some(RoleRef { id: *id, name: role_name(*id)? })).collect(),
        enabled: principal.state == PrincipalState::Enabled,
        blocked: is_blocked(principal.id, &mesh.rules),
        expires_at: principal.expires_at_ms,
        secrets: principal.secrets.iter().map(secret_view).collect(),
        of_route: of_route.map(|route| route.spec.name.clone()),
        last_seen: last.and_then(|flow| {
            let agent = fleet.agent(flow.agent)?;
            let stale = flow.is_stale(fleet.now_ms) || freshness(agent, fleet)?.stale;
            Some(Freshness { as_of: flow.last_seen_ms, by: agent.name.clone(), stale })
        }),
        produce_rate: rate(Direction::Produce),
        consume_rate: rate(Direction::Consume),
    }
}

fn secret_view(secret: &Secret) -> SecretView {
    let mut fingerprint = hex::encode(secret.hash.as_bytes());
    fingerprint.truncate(8);
    SecretView { fingerprint, created_at: secret.created_at_ms, valid_until: secret.expires_at_ms }
}
