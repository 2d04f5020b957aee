//! One edit: a transaction that ends with its audit entry, and with a policy revision when agents must know of it.

use std::fmt::Display;

use frontend::api::LiveTopic;
use mesh_protocol::wire::Revision;
use serde::Serialize;

use super::change::Change;
use super::clock::now_ms;
use super::notification::News;
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
    /// What the entries before the last one made look different.
    topics: Vec<LiveTopic>,
}

/// What an edit did, for the audit trail and for those who watch.
///
/// The object before and after is kept as the API takes it, so that whoever reads the trail finds the words of the
/// pages. Nothing that is secret is in there: inputs are kept without passwords, clients without their secrets.
#[derive(Debug)]
pub(super) struct Done<'a> {
    action: &'a str,
    object: String,
    summary: &'a str,
    topic: LiveTopic,
    before: Option<String>,
    after: Option<String>,
}

impl<'a> Done<'a> {
    /// `action` is `rule.create`, its first part the kind of `object`; `summary` is a sentence in the past tense that
    /// names the object; `topic` is what may look different now.
    pub(super) fn new(action: &'a str, object: impl Display, summary: &'a str, topic: LiveTopic) -> Self {
        Self { action, object: object.to_string(), summary, topic, before: None, after: None }
    }

    /// What it was.
    pub(super) fn before(self, object: &impl Serialize) -> Self {
        Self { before: json(object), ..self }
    }

    /// What it is now.
    pub(super) fn after(self, object: &impl Serialize) -> Self {
        Self { after: json(object), ..self }
    }
}

impl App {
    /// Begins an edit. The environment's row is not locked until a policy revision is taken.
    pub(super) async fn edit(&self, permit: Permit) -> Result<Edit> {
        let tx = self.store().write().await?;
        Ok(Edit { app: self.clone(), tx, now_ms: now_ms(), permit, revision: None, topics: Vec::new() })
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

    /// Waits for the edits under way that did this or took a policy revision, and makes later ones wait: for an edit
    /// that is only right as long as other rows stay as they are.
    pub(super) async fn lock(&mut self) -> Result<()> {
        Ok(self.tx.lock_environment(self.app.environment()).await?)
    }

    /// Takes the policy revision that this edit makes; every agent gets it.
    pub(super) async fn take_revision(&mut self, summary: &str) -> Result<Revision> {
        let environment = self.app.environment();
        let actor = self.permit.actor().to_owned();
        let revision = self.tx.next_policy_revision(environment, &actor, summary, self.now_ms).await?;
        self.revision = Some(revision);
        Ok(revision)
    }

    /// Tells people of it, if it happens.
    pub(super) async fn notify(&mut self, news: &News<'_>) -> Result<()> {
        self.app.clone().tell_people(&mut self.tx, self.now_ms, news).await?;
        if !self.topics.contains(&LiveTopic::Notifications) {
            self.topics.push(LiveTopic::Notifications);
        }
        Ok(())
    }

    /// Writes the audit entry, commits, and wakes whoever must know.
    pub(super) async fn finish(self, done: Done<'_>) -> Result<()> {
        self.finish_numbered(done).await.map(drop)
    }

    /// The same, and gives the number of the audit entry.
    pub(super) async fn finish_numbered(mut self, done: Done<'_>) -> Result<u64> {
        let number = self.write(&done).await?;
        let policy = self.revision.is_some();
        let mut topics: Vec<LiveTopic> = policy.then_some(LiveTopic::Rollout).into_iter().collect();
        topics.append(&mut self.topics);
        let logins = done.topic == LiveTopic::People;
        self.app.commit(self.tx, &Change { entry: Some(number), topics, policy, logins }).await?;
        Ok(number)
    }

    /// Writes the audit entry of one of several things that this edit does; [`Edit::finish`] writes the last.
    pub(super) async fn also(&mut self, done: Done<'_>) -> Result<()> {
        self.write(&done).await.map(drop)
    }

    async fn write(&mut self, done: &Done<'_>) -> Result<u64> {
        let kind = done.action.split('.').next().unwrap_or_default();
        let entry = Entry {
            at_ms: self.now_ms,
            actor: self.permit.actor().to_owned(),
            action: done.action.to_owned(),
            object_kind: kind.to_owned(),
            object_id: done.object.clone(),
            summary: done.summary.to_owned(),
            before: done.before.clone(),
            after: done.after.clone(),
            policy_revision: self.revision.map(|revision| revision.revision),
        };
        if !self.topics.contains(&done.topic) {
            self.topics.push(done.topic);
        }
        Ok(self.tx.append_audit(&entry).await?)
    }
}

fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}
