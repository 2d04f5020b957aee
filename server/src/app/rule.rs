//! ACL rules.

use std::cmp::Reverse;

use frontend::api::{Edit, LiveTopic, Page, RuleInput, RuleQuery, RuleView};
use mesh_protocol::id::RuleId;
use mesh_protocol::policy::{Action, Effect, Rule as Policy, Subject};
use mesh_protocol::topic::Topic;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::agent::rollout;
use super::edit::{Done, Edit as Transaction};
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::rule::{Rule, Spec};

/// Rules on a page when nobody says how many.
const PAGE: u32 = 100;
/// Most rules on a page.
const PAGE_MAX: u32 = 500;

impl App {
    /// Rules, newest first.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn rules(&self, caller: &Caller, query: RuleQuery) -> Result<Page<RuleView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let matching = snapshot.mesh.rules.iter().filter(|rule| matches(rule, &query, &snapshot)).collect();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, PAGE, PAGE_MAX);
        let page = page(matching, slice, |rule: &&Rule| Reverse(rule.policy.id))?;
        Ok(page.map(|rule| view(rule, &snapshot, &fleet)))
    }

    /// Makes a rule.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_rule(&self, caller: &Caller, input: RuleInput) -> Result<RuleView> {
        let mut edit = self.edit(caller.permit(Right::RuleWrite)?).await?;
        let spec = spec(input);
        let policy = spec.check(RuleId(Uuid::now_v7()))?;
        let snapshot = self.snapshot().await?;
        check_references(&spec, &snapshot)?;
        let summary = format!("added a rule: {}", sentence(&spec, &snapshot));
        let since = edit.take_revision(&summary).await?;
        let rule = self.make_rule(&mut edit, policy, spec.note, since).await?;
        edit.finish(done("rule.create", &rule, &summary).after(&config(&rule))).await?;
        self.rule_view(rule.policy.id).await
    }

    /// Changes a rule.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_rule(&self, caller: &Caller, id: RuleId, input: Edit<RuleInput>) -> Result<RuleView> {
        let mut edit = self.edit(caller.permit(Right::RuleWrite)?).await?;
        let spec = spec(input.value);
        let policy = spec.check(id)?;
        let snapshot = self.snapshot().await?;
        check_references(&spec, &snapshot)?;
        let old = edit.tx.rule(id).await?.ok_or(Error::NotFound { what: "rule" })?;
        must_be_editable(&old)?;
        let summary = format!("changed a rule: {}", sentence(&spec, &snapshot));
        let since = edit.take_revision(&summary).await?;
        let rule = Rule {
            policy,
            note: spec.note,
            since_revision: since.revision,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
            ..old.clone()
        };
        edit.tx.update_rule(&rule, seen(input.revision)).await?;
        let done = done("rule.update", &rule, &summary);
        edit.finish(done.before(&config(&old)).after(&config(&rule))).await?;
        self.rule_view(id).await
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_rule(&self, caller: &Caller, id: RuleId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::RuleWrite)?).await?;
        let old = edit.tx.rule(id).await?.ok_or(Error::NotFound { what: "rule" })?;
        must_be_editable(&old)?;
        let snapshot = self.snapshot().await?;
        let summary = format!("removed a rule: {}", sentence(&spec_of(&old), &snapshot));
        edit.take_revision(&summary).await?;
        edit.tx.delete_rule(id, seen(revision)).await?;
        edit.finish(done("rule.delete", &old, &summary).before(&config(&old))).await
    }

    /// Makes a rule as a part of an edit, which tells of it in its audit entries.
    pub(super) async fn make_rule(
        &self,
        edit: &mut Transaction,
        policy: Policy,
        note: String,
        since: Revision,
    ) -> Result<Rule> {
        let rule = Rule {
            policy,
            note,
            is_block: false,
            since_revision: since.revision,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_rule(self.environment(), &rule).await?;
        Ok(rule)
    }

    async fn rule_view(&self, id: RuleId) -> Result<RuleView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.rules.iter().find(|rule| rule.policy.id == id);
        found.map(|rule| view(rule, &snapshot, &fleet)).ok_or(Error::NotFound { what: "rule" })
    }
}

fn must_be_editable(rule: &Rule) -> Result<()> {
    if rule.is_block {
        return Err(Error::Conflict("this rule blocks a client: unblock the client to remove it".to_owned()));
    }
    Ok(())
}

fn check_references(spec: &Spec, snapshot: &Snapshot) -> Result<()> {
    let mesh = &snapshot.mesh;
    let mut errors = FieldErrors::default();
    match spec.subject {
        Subject::Principal(id) if !mesh.principals.iter().any(|principal| principal.id == id) => {
            errors.add("subject", "is not a client of this environment");
        }
        Subject::Role(id) if !mesh.roles.iter().any(|role| role.id == id) => {
            errors.add("subject", "is not a role of this environment");
        }
        _ => {}
    }
    if spec.sites.iter().any(|id| snapshot.site(*id).is_none()) {
        errors.add("sites", "name a site that is not of this environment");
    }
    Ok(errors.check()?)
}

fn matches(rule: &Rule, query: &RuleQuery, snapshot: &Snapshot) -> bool {
    let of_role = |id| rule.policy.subject == Subject::Role(id);
    if query.role.is_some_and(|id| !of_role(id)) {
        return false;
    }
    if let Some(id) = query.principal {
        let roles = snapshot.mesh.principals.iter().find(|principal| principal.id == id).map(|found| &found.roles);
        let applies = rule.policy.subject == Subject::Principal(id)
            || rule.policy.subject == Subject::Anyone
            || roles.is_some_and(|roles| roles.iter().any(|role| of_role(*role)));
        if !applies {
            return false;
        }
    }
    let text = query.q.trim();
    if text.is_empty() {
        return true;
    }
    let is_topic = text.contains('/') && !text.contains(['*', '>', '+', '#']);
    if is_topic && Topic::new(text).is_ok_and(|topic| rule.policy.filter.matches(&topic)) {
        return true;
    }
    let text = text.to_lowercase();
    let hay = [rule.policy.filter.text(), &rule.note, &subject_name(rule.policy.subject, snapshot)].join("\n");
    hay.to_lowercase().contains(&text)
}

/// What a rule says, in a sentence.
pub(super) fn sentence(spec: &Spec, snapshot: &Snapshot) -> String {
    let effect = match spec.effect {
        Effect::Allow => "may",
        Effect::Deny => "may not",
    };
    let action = match spec.action {
        Action::Connect => "connect".to_owned(),
        Action::Publish => format!("publish {}", spec.filter),
        Action::Subscribe => format!("subscribe {}", spec.filter),
        Action::ManageQueue => format!("manage queues of {}", spec.filter),
    };
    format!("{} {effect} {action}", subject_name(spec.subject, snapshot))
}

/// Whom a rule is about, by name.
pub(super) fn subject_name(subject: Subject, snapshot: &Snapshot) -> String {
    let mesh = &snapshot.mesh;
    let found = match subject {
        Subject::Anyone => return "anyone".to_owned(),
        Subject::Principal(id) => mesh.principals.iter().find(|found| found.id == id).map(|found| &found.username),
        Subject::Role(id) => mesh.roles.iter().find(|found| found.id == id).map(|found| &found.name),
    };
    found.cloned().unwrap_or_else(|| "removed".to_owned())
}

pub(super) fn done<'a>(action: &'a str, rule: &Rule, summary: &'a str) -> Done<'a> {
    Done::new(action, rule.policy.id, summary, LiveTopic::Access)
}

fn spec(input: RuleInput) -> Spec {
    Spec {
        subject: input.subject,
        action: input.action,
        effect: input.effect,
        dialect: input.dialect,
        filter: input.filter,
        sites: input.sites,
        note: input.note,
    }
}

fn spec_of(rule: &Rule) -> Spec {
    Spec {
        subject: rule.policy.subject,
        action: rule.policy.action,
        effect: rule.policy.effect,
        dialect: rule.policy.filter.dialect(),
        filter: rule.policy.filter.text().to_owned(),
        sites: rule.policy.sites.clone(),
        note: rule.note.clone(),
    }
}

/// A rule as the API takes it.
pub(super) fn config(rule: &Rule) -> RuleInput {
    input(&spec_of(rule))
}

/// What somebody chooses about a rule, as the API takes it.
pub(super) fn input(spec: &Spec) -> RuleInput {
    RuleInput {
        subject: spec.subject,
        action: spec.action,
        effect: spec.effect,
        filter: spec.filter.clone(),
        dialect: spec.dialect,
        sites: spec.sites.clone(),
        note: spec.note.clone(),
    }
}

fn view(rule: &Rule, snapshot: &Snapshot, fleet: &FleetState) -> RuleView {
    let config = config(rule);
    RuleView {
        id: rule.policy.id,
        revision: shown(rule.revision),
        subject_name: subject_name(config.subject, snapshot),
        site_names: config.sites.iter().map(|site| snapshot.site_name(*site)).collect(),
        managed_by: rule.is_block.then(|| "block".to_owned()),
        since_revision: rule.since_revision,
        updated_at: rule.updated_at_ms,
        updated_by: rule.updated_by.clone(),
        rollout: rollout(snapshot.revision_at(rule.since_revision), snapshot, fleet),
        config,
    }
}
