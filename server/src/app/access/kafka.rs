//! Kafka credentials of a grant: issued, rotated with overlap, removed; each is what its agent says of it.
//!
//! The portal draws a user's name and its secret, and keeps of the secret only what a cluster is told: salt, rounds and salted
//! password. Its row has them sealed to the portal's vault, the signed document to the agent that keeps the cluster's users; they
//! are open in memory for as long as that takes. An agent's new key makes a new revision, and so a document sealed to it.
//!
//! A credential works when the agent that keeps the cluster's users has said that this very user and these
//! very rights are in place, and is forgotten when that agent has said that they are gone. A cluster knows one password for a
//! user, so that a rotation makes another user with the same rights and groups, and ends the first.

mod kept;
mod shown;

use std::collections::HashMap;

use frontend::api::{
    KafkaCredentialInput, KafkaCredentialSecret, KafkaCredentialView, KafkaOffer, ListQuery, LiveTopic, Page,
    RotateInput,
};
use mesh_protocol::desired::{Password, PasswordFor, Scram};
use mesh_protocol::id::{AgentId, GrantId, KafkaCredentialId};
use serde::Serialize;
use uuid::Uuid;

use super::credential::find as find_application;
use crate::app::authority::salted;
use crate::app::edit::{Done, Edit};
use crate::app::error::chain;
use crate::app::login::random_secret;
use crate::app::page::{Slice, page};
use crate::app::permission::{Permit, Right};
use crate::app::person::seen;
use crate::app::snapshot::Snapshot;
use crate::app::{App, Caller, Error, Result};
use crate::domain::access::grant::{Grant, State};
use crate::domain::access::kafka::{CREDENTIALS_MAX, Credential, Told, Topics, user_name, user_prefix};
use crate::domain::broker::Broker;
use crate::domain::desired::Mesh;
use crate::domain::field::FieldErrors;
use crate::domain::principal::OVERLAP_MINUTES_MAX;
use crate::store::{SealedCredential, Tx};
pub(super) use shown::{SASL_SSL, unsettled, view};
use shown::{offer, why_not};

const MISSING: Error = Error::NotFound { what: "credential" };

impl App {
    /// Clusters with topics of what a grant gives, by name.
    ///
    /// # Errors
    /// The caller may not, there is no such grant, the cursor is wrong, or the database's.
    pub async fn kafka_offers(&self, caller: &Caller, id: GrantId, query: ListQuery) -> Result<Page<KafkaOffer>> {
        caller.permit(Right::MeshRead)?;
        let (grant, snapshot) = (self.find_grant(id).await?, self.snapshot().await?);
        let all: Vec<KafkaOffer> =
            tied(&grant, &snapshot).map(|(broker, topics)| offer(&grant, broker, topics, &snapshot)).collect();
        page(all, Slice::of_list(&query), |offer: &KafkaOffer| offer.broker_name.clone())
    }

    /// Kafka credentials of a grant, by user name.
    ///
    /// # Errors
    /// The caller may not, there is no such grant, the cursor is wrong, or the database's.
    pub async fn kafka_credentials(
        &self,
        caller: &Caller,
        id: GrantId,
        query: ListQuery,
    ) -> Result<Page<KafkaCredentialView>> {
        caller.permit(Right::MeshRead)?;
        let grant = self.find_grant(id).await?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let own = snapshot.mesh.kafka_credentials.iter().filter(|one| one.credential.grant == id).collect();
        let page = page(own, Slice::of_list(&query), |one: &&Told| one.credential.username.clone())?;
        Ok(page.map(|one| view(one, &grant, &snapshot, &fleet)))
    }

    /// Makes a user for a grant at a cluster. It works when the agent has said so.
    ///
    /// # Errors
    /// The caller may not, there is no such grant or it is not given, its plan has no Kafka, no cluster fits, the input is
    /// wrong, or the database's.
    pub async fn issue_kafka_credential(
        &self,
        caller: &Caller,
        id: GrantId,
        input: KafkaCredentialInput,
    ) -> Result<KafkaCredentialSecret> {
        let permit = caller.permit(Right::AccessRequest)?;
        let snapshot = self.snapshot().await?;
        let grant = self.find_grant(id).await?;
        self.answers_for(caller, find_application(&snapshot, grant.application)?).await?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let grant = open_grant(&mut edit.tx, self, id).await?.unwrap_or(grant);
        let mut errors = FieldErrors::default();
        if grant.state != State::Active {
            errors.add("grant", format_args!("is {}: there is nothing to log in for", grant.state));
        }
        if input.expires_at.is_some_and(|at| at <= edit.now_ms) {
            errors.add("expires_at", "is over: choose a time to come");
        }
        errors.check()?;
        let broker = choose(&grant, &input, &snapshot)?;
        let secret = self.add_kafka_user(&mut edit, &grant, broker, input.expires_at, &snapshot).await?;
        let summary = format!("issued the Kafka credential {} for the grant {}", secret.0.username, grant.id);
        edit.take_revision(&summary).await?;
        edit.finish(done("kafka_credential.issue", secret.0.id, &summary).after(&kept(&secret.0))).await?;
        self.kafka_secret(secret).await
    }

    /// Makes another user with the same rights; the one before works until the overlap is over.
    ///
    /// # Errors
    /// The caller may not, there is none or it ends already, the input is wrong, or the database's.
    pub async fn rotate_kafka_credential(
        &self,
        caller: &Caller,
        id: KafkaCredentialId,
        input: RotateInput,
    ) -> Result<KafkaCredentialSecret> {
        let permit = caller.permit(Right::AccessRequest)?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let (old, grant) = self.kafka_credential(caller, &mut edit, id).await?;
        if input.overlap_minutes > OVERLAP_MINUTES_MAX {
            let message = format!("is longer than {OVERLAP_MINUTES_MAX} minutes");
            return Err(FieldErrors::one("overlap_minutes", message).into());
        }
        if grant.state != State::Active {
            return Err(Error::Conflict(format!("the grant is {}: there is nothing to log in for", grant.state)));
        }
        let snapshot = self.snapshot().await?;
        let broker = snapshot.mesh.brokers.iter().find(|broker| broker.id == old.broker).ok_or(MISSING)?;
        let secret = self.add_kafka_user(&mut edit, &grant, broker, old.expires_at_ms, &snapshot).await?;
        let ends = edit.now_ms + i64::from(input.overlap_minutes) * 60_000;
        let mut ending =
            Credential { expires_at_ms: Some(old.expires_at_ms.map_or(ends, |own| own.min(ends))), ..old.clone() };
        if input.overlap_minutes == 0 {
            ending.removed_at_ms = Some(edit.now_ms);
        }
        edit.tx.update_kafka_credential(&ending, old.revision).await?;
        let summary = format!("rotated the Kafka credential {} to {}", old.username, secret.0.username);
        edit.take_revision(&summary).await?;
        edit.finish(done("kafka_credential.rotate", id, &summary).before(&kept(&old)).after(&kept(&secret.0))).await?;
        self.kafka_secret(secret).await
    }

    /// Removes a credential. It is shown until the agent has said that its user is gone.
    ///
    /// # Errors
    /// The caller may not, there is none, it is stale, or the database's.
    pub async fn remove_kafka_credential(&self, caller: &Caller, id: KafkaCredentialId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::AccessRequest)?).await?;
        edit.lock().await?;
        let (old, _) = self.kafka_credential(caller, &mut edit, id).await?;
        end(edit, &old, seen(revision), "removed").await
    }

    /// Ends Kafka credentials whose time is over, and forgets those whose users are gone.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn settle_kafka_credentials(&self, now_ms: i64) -> Result<()> {
        let snapshot = self.snapshot().await?;
        if snapshot.mesh.kafka_credentials.is_empty() {
            return Ok(());
        }
        let is_over = |one: &&Told| one.credential.expires_at_ms.is_some_and(|ends| ends <= now_ms);
        let open = snapshot.mesh.kafka_credentials.iter().filter(|one| one.credential.removed_at_ms.is_none());
        for one in open.filter(is_over) {
            let edit = self.edit(Permit::of_portal()).await?;
            settled(end(edit, &one.credential, one.credential.revision, "ended").await)?;
        }
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        for one in &snapshot.mesh.kafka_credentials {
            let grant = snapshot.mesh.grants.iter().find(|grant| grant.id == one.credential.grant);
            let is_to_go = one.credential.removed_at_ms.is_some() || grant.is_none();
            if !is_to_go || !shown::is_as_wanted(one, &snapshot, &fleet) {
                continue;
            }
            let mut edit = self.edit(Permit::of_portal()).await?;
            let summary = format!("the user of the Kafka credential {} is gone", one.credential.username);
            edit.take_revision(&summary).await?;
            match edit.tx.delete_kafka_credential(one.credential.id, one.credential.revision).await {
                Ok(()) => edit.finish(done("kafka_credential.gone", one.credential.id, &summary)).await?,
                Err(error) => settled(Err(error.into()))?,
            }
        }
        Ok(())
    }

    /// All Kafka credentials of a mesh with their passwords as their agents are told them. One that cannot be read goes on
    /// without: a user that is there stays as it is.
    pub(crate) async fn kafka_credentials_in(&self, tx: &mut Tx, mesh: &Mesh) -> Result<Vec<Told>> {
        let all = tx.kafka_credentials(self.environment()).await?;
        let before = self.kept_snapshot();
        let before: HashMap<KafkaCredentialId, &Told> =
            before.iter().flat_map(|kept| &kept.mesh.kafka_credentials).map(|one| (one.credential.id, one)).collect();
        let told = |one: SealedCredential| {
            let keeper = mesh.owner(one.credential.broker);
            let keeper = keeper.and_then(|id| mesh.agents.iter().find(|agent| agent.id == id));
            let keeper = keeper.map(|agent| (agent.id, agent.sealing_key.clone()));
            // What is sealed comes out alike each time, at some cost: it is taken from before while it is for the same agent.
            let before = before.get(&one.credential.id).filter(|told| told.keeper == keeper);
            let before = before.map(|told| told.password.clone());
            let password = before.unwrap_or_else(|| self.password_for(&one, keeper.as_ref()));
            Told { credential: one.credential, keeper, password }
        };
        Ok(all.into_iter().map(told).collect())
    }

    /// A credential's password, sealed to the agent that keeps its cluster.
    fn password_for(&self, one: &SealedCredential, keeper: Option<&(AgentId, Option<String>)>) -> Password {
        let Some((agent, Some(key))) = keeper else { return Password::NoKey };
        let credential = &one.credential;
        let scram: Scram =
            match self.authority().unseal(&place(credential.id), &one.sealed).map(|text| serde_json::from_slice(&text))
            {
                Ok(Ok(scram)) => scram,
                Ok(Err(error)) => {
                    tracing::error!(credential = %credential.id, %error, "a password is none");
                    return Password::Lost;
                }
                Err(error) => {
                    tracing::error!(credential = %credential.id, error = %chain(&error), "a password cannot be read");
                    return Password::Lost;
                }
            };
        let username = &credential.username;
        let user = PasswordFor { agent: *agent, broker: credential.broker, credential: credential.id, username };
        self.authority().seal_password(&scram, &user, key).map_or(Password::NoKey, Password::Sealed)
    }

    /// A new user, unless there are too many.
    async fn add_kafka_user(
        &self,
        edit: &mut Edit,
        grant: &Grant,
        broker: &Broker,
        expires_at_ms: Option<i64>,
        snapshot: &Snapshot,
    ) -> Result<(Credential, String)> {
        let all = edit.tx.kafka_credentials(self.environment()).await?;
        if all.iter().filter(|one| one.credential.grant == grant.id).count() >= CREDENTIALS_MAX {
            return Err(Error::Conflict(format!(
                "the grant has {CREDENTIALS_MAX} Kafka credentials: remove some first"
            )));
        }
        let prefix = user_prefix(snapshot.mesh.environment.id, broker.id);
        let new = Credential {
            id: KafkaCredentialId(Uuid::now_v7()),
            grant: grant.id,
            broker: broker.id,
            username: user_name(&prefix, Uuid::new_v4()),
            expires_at_ms,
            removed_at_ms: None,
            revision: 1,
            created_at_ms: edit.now_ms,
            created_by: edit.actor().to_owned(),
        };
        let secret = random_secret();
        let scram: Scram = salted(&secret);
        let text = serde_json::to_vec(&scram).map_err(|_| Error::Internal("a password could not be written"))?;
        let sealed = self.authority().seal(&place(new.id), &text);
        edit.tx.insert_kafka_credential(self.environment(), &new, &sealed).await?;
        Ok((new, secret))
    }

    /// A credential of a grant of an application that the caller answers for, unless it is removed already.
    async fn kafka_credential(
        &self,
        caller: &Caller,
        edit: &mut Edit,
        id: KafkaCredentialId,
    ) -> Result<(Credential, Grant)> {
        let all = edit.tx.kafka_credentials(self.environment()).await?;
        let found = all.into_iter().map(|one| one.credential).find(|one| one.id == id).ok_or(MISSING)?;
        let (grant, snapshot) = (self.find_grant(found.grant).await?, self.snapshot().await?);
        self.answers_for(caller, find_application(&snapshot, grant.application)?).await?;
        if found.removed_at_ms.is_some() {
            return Err(Error::Conflict(format!("{} is removed already, and waits for its agent", found.username)));
        }
        Ok((found, grant))
    }

    async fn kafka_secret(&self, (new, secret): (Credential, String)) -> Result<KafkaCredentialSecret> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let grant = self.find_grant(new.grant).await?;
        let found = snapshot.mesh.kafka_credentials.iter().find(|one| one.credential.id == new.id).ok_or(MISSING)?;
        Ok(KafkaCredentialSecret { credential: view(found, &grant, &snapshot, &fleet), secret })
    }
}

/// Takes a credential's access away with the next policy revision.
async fn end(mut edit: Edit, old: &Credential, revision: u64, did: &str) -> Result<()> {
    let summary = format!("{did} the Kafka credential {}", old.username);
    edit.take_revision(&summary).await?;
    let new = Credential { removed_at_ms: Some(edit.now_ms), ..old.clone() };
    edit.tx.update_kafka_credential(&new, revision).await?;
    edit.finish(done("kafka_credential.remove", old.id, &summary).before(&kept(old))).await
}

/// Another portal may have done the same.
fn settled(done: Result<()>) -> Result<()> {
    match done {
        Err(Error::Stale { .. }) => Ok(()),
        other => other,
    }
}

async fn open_grant(tx: &mut Tx, app: &App, id: GrantId) -> Result<Option<Grant>> {
    Ok(tx.open_grants(app.environment()).await?.into_iter().find(|grant| grant.id == id))
}

/// Clusters that routes tie to what is granted, with what is given there, by name.
fn tied<'a>(grant: &'a Grant, snapshot: &'a Snapshot) -> impl Iterator<Item = (&'a Broker, Topics)> {
    let mut brokers: Vec<&Broker> = snapshot.mesh.brokers.iter().filter(|broker| broker.spec.is_kafka()).collect();
    brokers.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
    let with = |broker: &'a Broker| (broker, Topics::of(&snapshot.mesh.routes, broker.id, &grant.terms));
    brokers.into_iter().map(with).filter(|(_, topics)| !topics.is_empty() || !topics.left_out.is_empty())
}

/// The cluster that was chosen, or the only one where a credential can be.
fn choose<'a>(grant: &'a Grant, input: &KafkaCredentialInput, snapshot: &'a Snapshot) -> Result<&'a Broker> {
    let all: Vec<(&Broker, String)> =
        tied(grant, snapshot).map(|(broker, topics)| (broker, why_not(grant, broker, &topics, snapshot))).collect();
    let refused = |message: String| Err(FieldErrors::one("broker", message).into());
    if let Some(id) = input.broker {
        return match all.into_iter().find(|(broker, _)| broker.id == id) {
            Some((broker, why)) if why.is_empty() => Ok(broker),
            Some((_, why)) => refused(format!("cannot be used: {why}")),
            None => refused("is no cluster with topics of what is granted".to_owned()),
        };
    }
    let fit: Vec<&Broker> = all.iter().filter(|(_, why)| why.is_empty()).map(|(broker, _)| *broker).collect();
    match (fit.as_slice(), all.first()) {
        ([one], _) => Ok(one),
        ([], None) => refused("is none: no route ties a topic of any cluster to what is granted".to_owned()),
        ([], Some((_, why))) => refused(format!("cannot be used: {why}")),
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|broker| broker.spec.name.as_str()).collect();
            refused(format!("is to be chosen: it can be {}", names.join(" or ")))
        }
    }
}

/// Where a credential's password is sealed to.
fn place(id: KafkaCredentialId) -> String {
    format!("kafka-credential/{id}")
}

fn done<'a>(action: &'a str, id: KafkaCredentialId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Access)
}

/// A credential as the audit trail keeps it.
#[derive(Serialize)]
struct Kept<'a> {
    grant: GrantId,
    broker: mesh_protocol::id::BrokerId,
    username: &'a str,
    expires_at_ms: Option<i64>,
}

fn kept(credential: &Credential) -> Kept<'_> {
    Kept {
        grant: credential.grant,
        broker: credential.broker,
        username: &credential.username,
        expires_at_ms: credential.expires_at_ms,
    }
}
