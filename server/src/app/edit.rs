//! One edit: a transaction that ends with its audit entry, and with a policy revision when agents must know of it.

use frontend::api::LiveTopic;
use mesh_protocol::wire::Revision;
use serde::Serialize;

use super::clock::now_ms;
use super::permission::Permit;
use super::{App, Error, Result};
use crate::domain::audit::Entry;
use crate::domain::environment::Environment;
use crate::store::Tx;

/// An edit under way. Dropped without [`Edit::finish`], it never happened.
#[derive(Debug)]
pub struct Edit {
    app: App,
    /// The rows.
    pub(super) tx: Tx,
    /// When.
    pub(super) now_ms: i64,
    permit: Permit,
    revision: Option<Revision>,
}

/// What an edit did, for the audit trail and for those who watch.
#[derive(Debug)]
pub(super) struct Done<'a> {
    /// `rule.create`.
    pub(super) action: &'a str,
    /// Id of the object; its kind is the first part of the action.
    pub(super) object: String,
    /// One sentence, in the past tense.
    pub(super) summary: &'a str,
    /// What may look different now.
    pub(super) topic: LiveTopic,
    /// The object before and after, as JSON.
    pub(super) before: Option<String>,
    /// See `before`.
    pub(super) after: Option<String>,
}

impl App {
    /// Begins an edit. The environment's row is not locked until a policy revision is taken.
    pub(super) async fn edit(&self, permit: Permit) -> Result<Edit> {
        let tx = self.store().write().await?;
        Ok(Edit { app: self.clone(), tx, now_ms: now_ms(), permit, revision: None })
    }
}

impl Edit {
    /// As the audit trail names whoever does this.
    pub(super) fn actor(&self) -> &str {
        self.permit.actor()
    }

    /// The environment as this transaction sees it.
    pub(super) async fn environment(&mut self) -> Result<Environment> {
        self.tx.environment().await?.ok_or(Error::Internal("the environment is gone from the database"))
    }

    /// Takes the policy revision that this edit makes; every agent gets it.
    pub(super) async fn take_revision(&mut self, summary: &str) -> Result<Revision> {
        let environment = self.app.environment();
        let actor = self.permit.actor().to_owned();
        let revision = self.tx.next_policy_revision(environment, &actor, summary, self.now_ms).await?;
        self.revision = Some(revision);
        Ok(revision)
    }

    /// Writes the audit entry, commits, and wakes whoever must know.
    pub(super) async fn finish(mut self, done: Done<'_>) -> Result<()> {
        let kind = done.action.split('.').next().unwrap_or_default();
        let entry = Entry {
            at_ms: self.now_ms,
            actor: self.permit.actor().to_owned(),
            action: done.action.to_owned(),
            object_kind: kind.to_owned(),
            object_id: done.object,
            summary: done.summary.to_owned(),
            before: done.before,
            after: done.after,
            policy_revision: self.revision.map(|revision| revision.revision),
        };
        self.tx.append_audit(&entry).await?;
        self.tx.commit().await?;
        if self.revision.is_some() {
            self.app.wake_rollout();
            self.app.live().notify(LiveTopic::Rollout);
        }
        self.app.live().notify(done.topic);
        Ok(())
    }
}

/// An object as the audit trail keeps it.
pub(super) fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}
