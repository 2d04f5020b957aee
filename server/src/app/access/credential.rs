//! Credentials of an application that has a grant: issued, rotated with overlap, removed. The secret is shown once.
//!
//! They are clients of the mesh like others, made by whoever answers for the application instead of by an approver: what they
//! may do was approved with the grant. Without a grant they cannot log in (`domain/desired/granted`), whatever else happens.

use frontend::api::{CredentialInput, CredentialSecret, CredentialView, ListQuery, LiveTopic, Page, RotateInput};
use mesh_protocol::id::{ApplicationId, PrincipalId};
use mesh_protocol::policy::PrincipalState;
use mesh_protocol::secret::api_key;
use uuid::Uuid;

use crate::app::edit::{self, Done};
use crate::app::login::random_secret;
use crate::app::page::{Slice, page};
use crate::app::permission::Right;
use crate::app::person::{seen, shown};
use crate::app::principal::{config, new_secret};
use crate::app::snapshot::{FleetState, Snapshot};
use crate::app::{App, Caller, Error, Result};
use crate::domain::application::Application;
use crate::domain::field::FieldErrors;
use crate::domain::principal::{self, Kind, OVERLAP_MINUTES_MAX, Principal};

/// Most credentials of one application.
const CREDENTIALS_MAX: usize = 100;
/// Random digits behind the application's name in a user name that nobody chose.
const SUFFIX: usize = 6;

impl App {
    /// Credentials of an application, by user name.
    ///
    /// # Errors
    /// The caller may not, there is no such application, the cursor is wrong, or the database's.
    pub async fn credentials(
        &self,
        caller: &Caller,
        application: ApplicationId,
        query: ListQuery,
    ) -> Result<Page<CredentialView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        find(&snapshot, application)?;
        let own = issued(&snapshot, application).collect();
        let page = page(own, Slice::of_list(&query), |principal: &&Principal| principal.username.clone())?;
        Ok(page.map(|principal| view(principal, &snapshot, &fleet)))
    }

    /// Issues a credential to an application that has a grant.
    ///
    /// # Errors
    /// The caller may not, there is no such application, it has no grant, the input is wrong, or the database's.
    pub async fn issue_credential(
        &self,
        caller: &Caller,
        application: ApplicationId,
        input: CredentialInput,
    ) -> Result<CredentialSecret> {
        let permit = caller.permit(Right::AccessRequest)?;
        let snapshot = self.snapshot().await?;
        let of = find(&snapshot, application)?;
        self.answers_for(caller, of).await?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let username = self.may_be_issued(&mut edit, &snapshot, of, &input).await?;
        let (secret, key) = (random_secret(), edit.environment().await?.secret_key);
        let id = PrincipalId(Uuid::now_v7());
        let mut new = Principal::credential(id, username, application, input.expires_at, edit.now_ms);
        new.secrets.push(new_secret(&key, &secret, edit.now_ms));
        let summary = format!("issued the credential {} to {}", new.username, of.spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.insert_principal(self.environment(), &new, now_ms).await?;
        edit.finish(done("credential.issue", new.id, &summary).after(&config(&new))).await?;
        self.credential_secret(new.id, secret).await
    }

    /// Gives a credential a new secret; the old one stays valid for the overlap.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong, or the database's.
    pub async fn rotate_credential(
        &self,
        caller: &Caller,
        id: PrincipalId,
        input: RotateInput,
    ) -> Result<CredentialSecret> {
        let permit = caller.permit(Right::AccessRequest)?;
        let mut edit = self.edit(permit).await?;
        let old = self.credential(caller, &mut edit, id).await?;
        if input.overlap_minutes > OVERLAP_MINUTES_MAX {
            let message = format!("is longer than {OVERLAP_MINUTES_MAX} minutes");
            return Err(FieldErrors::one("overlap_minutes", message).into());
        }
        let (secret, key, now_ms) = (random_secret(), edit.environment().await?.secret_key, edit.now_ms);
        let new = old.rotated(new_secret(&key, &secret, now_ms), input.overlap_minutes, now_ms);
        let summary = format!("rotated the credential {}", new.username);
        edit.take_revision(&summary).await?;
        edit.tx.update_principal(&new, new.revision, now_ms).await?;
        edit.finish(done("credential.rotate", id, &summary)).await?;
        self.credential_secret(id, secret).await
    }

    /// Removes a credential: who uses it is disconnected.
    ///
    /// # Errors
    /// The caller may not, there is none, it is stale, or the database's.
    pub async fn remove_credential(&self, caller: &Caller, id: PrincipalId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::AccessRequest)?).await?;
        let old = self.credential(caller, &mut edit, id).await?;
        let summary = format!("removed the credential {}", old.username);
        edit.take_revision(&summary).await?;
        edit.tx.delete_rules_about(mesh_protocol::policy::Subject::Principal(id)).await?;
        edit.tx.delete_principal(id, seen(revision)).await?;
        edit.finish(done("credential.remove", id, &summary).before(&config(&old))).await
    }

    /// The user name of a new credential.
    ///
    /// # Errors
    /// The application has no grant, or as many credentials as it may; the input is wrong.
    pub(super) async fn may_be_issued(
        &self,
        edit: &mut edit::Edit,
        snapshot: &Snapshot,
        of: &Application,
        input: &CredentialInput,
    ) -> Result<String> {
        let application = of.id;
        let mut errors = FieldErrors::default();
        let grants = edit.tx.open_grants(self.environment()).await?;
        let has = |grant: &&crate::domain::access::grant::Grant| grant.application == application;
        if !grants.iter().filter(has).any(|grant| grant.state == crate::domain::access::grant::State::Active) {
            errors.add("application", "has no access to anything yet: ask for a product first");
        }
        if issued(snapshot, application).count() >= CREDENTIALS_MAX {
            errors.add("application", format_args!("has {CREDENTIALS_MAX} credentials: remove some first"));
        }
        let username = match input.username.trim() {
            "" => made_up(&of.spec.name),
            chosen => chosen.to_owned(),
        };
        principal::check_username(&mut errors, &username);
        if input.expires_at.is_some_and(|at| at <= edit.now_ms) {
            errors.add("expires_at", "is over: choose a time to come");
        }
        errors.check()?;
        Ok(username)
    }

    /// A credential of an application that the caller answers for.
    pub(super) async fn credential(
        &self,
        caller: &Caller,
        edit: &mut edit::Edit,
        id: PrincipalId,
    ) -> Result<Principal> {
        let found = edit.tx.principal(id).await?.filter(|found| found.kind == Kind::Credential);
        let found = found.ok_or(MISSING)?;
        let snapshot = self.snapshot().await?;
        let application = found.application.ok_or(MISSING)?;
        self.answers_for(caller, find(&snapshot, application)?).await?;
        Ok(found)
    }

    async fn credential_secret(&self, id: PrincipalId, secret: String) -> Result<CredentialSecret> {
        let credential = self.credential_view(id).await?;
        let api_key = api_key(&credential.username, &secret);
        Ok(CredentialSecret { credential, secret, api_key })
    }

    pub(super) async fn credential_view(&self, id: PrincipalId) -> Result<CredentialView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.principals.iter().find(|principal| principal.id == id).ok_or(MISSING)?;
        Ok(view(found, &snapshot, &fleet))
    }

    /// Whoever can make clients may do it for every application; others for their own, for their team's, and for what nobody
    /// answers for.
    pub(super) async fn answers_for(&self, caller: &Caller, application: &Application) -> Result<()> {
        let owner = application.spec.owner.as_str();
        if owner.is_empty() || caller.permit(Right::PrincipalWrite).is_ok() {
            return Ok(());
        }
        let permit = caller.signed_in()?;
        let teams = self.store().read().await?.teams(self.environment()).await?;
        let is_member = |team: &crate::domain::team::Team| {
            permit.person().is_some_and(|person| team.spec.members.iter().any(|member| member.person == person))
        };
        if permit.actor() == owner || teams.iter().any(|team| team.spec.name == owner && is_member(team)) {
            return Ok(());
        }
        Err(Error::Conflict(format!(
            "the application {} belongs to {owner}: ask one of them, or an approver",
            application.spec.name
        )))
    }
}

const MISSING: Error = Error::NotFound { what: "credential" };

pub(super) fn find(snapshot: &Snapshot, id: ApplicationId) -> Result<&Application> {
    let found = snapshot.applications.iter().find(|application| application.id == id);
    found.ok_or(Error::NotFound { what: "application" })
}

/// Credentials that were issued to an application.
pub(super) fn issued(snapshot: &Snapshot, application: ApplicationId) -> impl Iterator<Item = &Principal> {
    let is_its =
        move |principal: &&Principal| principal.kind == Kind::Credential && principal.application == Some(application);
    snapshot.mesh.principals.iter().filter(is_its)
}

fn made_up(application: &str) -> String {
    let digits: String = Uuid::new_v4().simple().to_string().chars().take(SUFFIX).collect();
    format!("{application}-{digits}")
}

pub(super) fn done<'a>(action: &'a str, id: PrincipalId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Access)
}

fn view(principal: &Principal, snapshot: &Snapshot, fleet: &FleetState) -> CredentialView {
    let now_ms = fleet.now_ms;
    let is_valid = |ends: Option<i64>| ends.is_none_or(|ends| ends > now_ms);
    let valid: Vec<_> = principal.secrets.iter().filter(|secret| is_valid(secret.expires_at_ms)).collect();
    let certificates = super::certificate::valid(principal.id, snapshot, now_ms);
    let has_proof = !valid.is_empty() || !certificates.is_empty();
    let has_grant = principal.application.is_some_and(|application| snapshot.mesh.has_grant(application));
    let flows = fleet.seen.flows.iter().filter(|flow| flow.principal == Some(principal.id));
    CredentialView {
        id: principal.id,
        revision: shown(principal.revision),
        username: principal.username.clone(),
        works: principal.state == PrincipalState::Enabled
            && has_grant
            && has_proof
            && is_valid(principal.expires_at_ms),
        expires_at: principal.expires_at_ms,
        secrets: valid.len() as u64,
        certificates,
        rotated_at: valid.iter().map(|secret| secret.created_at_ms).max(),
        overlap_until: valid.iter().filter_map(|secret| secret.expires_at_ms).max(),
        last_seen: flows.map(|flow| flow.last_seen_ms).max(),
        created_at: principal.created_at_ms,
    }
}
