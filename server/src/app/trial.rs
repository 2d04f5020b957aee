//! "Try it": a short-lived client for a person, publishing and watching on its rights through an agent's session.
//!
//! The client may publish and subscribe everything, for an hour, and only people who may try get one. It is a
//! principal like any other, so what it does is decided, counted and shown as for any other; when its time is over it
//! is removed with its rules.

use std::time::Instant;

use frontend::api::{LiveTopic, PublishInput, PublishResult, TryClient, TryInput};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::id::{AgentId, PrincipalId, RuleId, SiteId};
use mesh_protocol::policy::{Action, Effect, PrincipalState, Rule as Policy, Subject};
use mesh_protocol::topic::{Dialect, Filter, Topic};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::clock::now_ms;
use super::door::{Door, door};
use super::edit::{Done, Edit};
use super::fleet::TailMessage;
use super::login::random_secret;
use super::permission::{Permit, Right};
use super::principal::{config, new_secret};
use super::{App, Caller, Error, Mask, Result};
use crate::domain::agent::{Agent, Presence, State};
use crate::domain::field::FieldErrors;
use crate::domain::person;
use crate::domain::principal::{Kind, Principal, TRIAL_MS};
use crate::domain::rule::Rule;

/// A client with less time left than this is replaced, so that nobody copies a line that is about to end.
const REPLACE_BEFORE_MS: i64 = 5 * 60 * 1000;
/// Payloads of a tail are cut to this many bytes.
const TAIL_PAYLOAD_BYTES_MAX: u32 = 4 * 1024;
/// Largest payload a person types.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

impl App {
    /// The caller's own short-lived client, made when there is none, with command lines for a site.
    ///
    /// # Errors
    /// The caller may not, there is no such site, or the database's.
    pub async fn try_client(&self, caller: &Caller, input: TryInput) -> Result<TryClient> {
        let permit = caller.permit(Right::Try)?;
        if self.snapshot().await?.site(input.site).is_none() {
            return Err(FieldErrors::one("site", "is not a site of this environment").into());
        }
        let (principal, secret) = self.trial(permit).await?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let shown = secret.clone().unwrap_or_else(|| "SECRET".to_owned());
        let at = |protocol| door(input.site, protocol, &snapshot, &fleet);
        let portal_url = &self.config().portal_url;
        let line = |door: &Door, line: String| {
            let trust = door.trust_lines(portal_url).map(|lines| format!("{lines}\n"));
            trust.unwrap_or_default() + &line
        };
        let user = &principal.username;
        Ok(TryClient {
            principal: principal.id,
            username: user.clone(),
            expires_at: principal.expires_at_ms.unwrap_or_default(),
            mqtt_line: at(ListenerProtocol::Mqtt).map(|door| {
                let (host, port, tls) = (&door.host, door.port, door.mosquitto_option());
                let tool = format!("mosquitto_pub -V 5 -h {host} -p {port}{tls} -u {user} -P {shown}");
                line(&door, format!("{tool} -q 1 -t orders/fr/lyon/created -m '{{\"total\":42}}'"))
            }),
            http_line: at(ListenerProtocol::Http).map(|door| {
                let (scheme, address) = (door.http_scheme(), door.address());
                let url = format!("{scheme}://{address}/v1/events/orders/fr/lyon/created");
                let tool = format!("curl -u {user}:{shown} -X POST {url}");
                line(&door, format!("{tool} -H 'content-type: application/json' -d '{{\"total\":42}}'"))
            }),
            secret,
        })
    }

    /// Publishes one event through an agent of a site, on the rights of the caller's own client.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, no agent answers, or the database's.
    pub async fn publish(&self, caller: &Caller, input: PublishInput) -> Result<PublishResult> {
        let permit = caller.permit(Right::Try)?;
        let mut errors = FieldErrors::default();
        let topic = errors.take("topic", Topic::new(&input.topic));
        if input.payload.len() > PAYLOAD_BYTES_MAX {
            errors.add("payload", format_args!("is longer than {PAYLOAD_BYTES_MAX} bytes"));
        }
        errors.check()?;
        let topic = topic.ok_or(Error::Internal("a topic that did not parse is an error"))?;
        let agent = self.agent_at(input.site).await?;
        let (principal, _) = self.trial(permit).await?;
        let began = Instant::now();
        let outcome = self.fleet().publish(agent, principal.id, topic, input.payload, input.mode).await?;
        let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(PublishResult { outcome, took_us })
    }

    /// Watches what a filter matches at a site, on the rights of the caller's own client. Dropping the receiver ends
    /// the tail. What comes is to be told through the mask.
    ///
    /// # Errors
    /// The caller may not, the filter is wrong, no agent answers, or the database's.
    pub async fn tail(
        &self,
        caller: &Caller,
        site: SiteId,
        filter: &str,
    ) -> Result<(mpsc::Receiver<TailMessage>, Mask)> {
        let permit = caller.permit(Right::Try)?;
        let filter = Filter::parse(filter, Dialect::Mesh).map_err(|error| FieldErrors::one("filter", error))?;
        let agent = self.agent_at(site).await?;
        let (principal, _) = self.trial(permit).await?;
        let mask = self.mask(caller).await?;
        Ok((self.fleet().tail(agent, principal.id, filter, TAIL_PAYLOAD_BYTES_MAX)?, mask))
    }

    /// Removes short-lived clients and overlapping secrets whose time is over. Several portals on one database do
    /// this at once: what another one has removed meanwhile is left out.
    ///
    /// # Errors
    /// The database's; the next run makes up for it.
    pub async fn expire(&self) -> Result<()> {
        let now_ms = now_ms();
        let over = |ends: Option<i64>| ends.is_some_and(|ends| ends <= now_ms);
        let snapshot = self.snapshot().await?;
        let principals = snapshot.mesh.principals.iter();
        let trials: Vec<_> =
            principals.clone().filter(|found| found.kind == Kind::Trial && over(found.expires_at_ms)).collect();
        let rotated: Vec<_> =
            principals.filter(|found| found.secrets.iter().any(|secret| over(secret.expires_at_ms))).collect();
        let ended: Vec<_> = snapshot.mesh.certificates.iter().filter(|found| found.is_over(now_ms)).collect();
        if trials.is_empty() && rotated.is_empty() && ended.is_empty() {
            return Ok(());
        }
        let mut edit = self.edit(Permit::of_portal()).await?;
        edit.lock().await?;
        let mut parts = Vec::new();
        for principal in rotated.iter().filter(|principal| !trials.contains(principal)) {
            let Some(mut new) = edit.tx.principal(principal.id).await? else { continue };
            let before = new.secrets.len();
            new.secrets.retain(|secret| !over(secret.expires_at_ms));
            if new.secrets.len() < before {
                edit.tx.update_principal(&new, new.revision, now_ms).await?;
                parts.push(format!("secrets of {}", new.username));
            }
        }
        for certificate in &ended {
            if edit.tx.delete_certificate(certificate.fingerprint).await? {
                let whose = snapshot.mesh.principals.iter().find(|found| found.id == certificate.principal);
                parts.push(format!("a certificate of {}", whose.map_or("a client", |found| found.username.as_str())));
            }
        }
        for principal in &trials {
            let Some(found) = edit.tx.principal(principal.id).await? else { continue };
            end_trial(&mut edit, &found).await?;
            parts.push(format!("the client {}", found.username));
        }
        if parts.is_empty() {
            return Ok(());
        }
        let summary = format!("removed what had expired: {}", parts.join(", "));
        edit.take_revision(&summary).await?;
        edit.finish(done("environment.expire", self.environment(), &summary).before(&parts)).await
    }

    /// The caller's own client; its secret only when it was made just now.
    async fn trial(&self, permit: Permit) -> Result<(Principal, Option<String>)> {
        let mine = |principal: &&Principal| {
            principal.kind == Kind::Trial
                && principal.state == PrincipalState::Enabled
                && permit.person().is_some()
                && principal.person == permit.person()
                && principal.expires_at_ms.is_some_and(|ends| ends - now_ms() > REPLACE_BEFORE_MS)
        };
        if let Some(found) = self.snapshot().await?.mesh.principals.iter().find(mine) {
            return Ok((found.clone(), None));
        }
        let person = permit.person();
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        // Whoever lost their login since they asked must not get a client that outlives it.
        if let Some(id) = person {
            let person = edit.tx.person(id).await?.filter(|person| person.state == person::State::Enabled);
            person.ok_or(Error::Unauthenticated)?;
        }
        let (id, secret, now_ms) = (Uuid::now_v7(), random_secret(), edit.now_ms);
        let mut short = id.simple().to_string();
        short.drain(..24);
        let key = edit.environment().await?.secret_key;
        let principal = Principal {
            id: PrincipalId(id),
            username: format!("try-{short}"),
            kind: Kind::Trial,
            person,
            state: PrincipalState::Enabled,
            application: None,
            roles: Vec::new(),
            secrets: vec![new_secret(&key, &secret, now_ms)],
            expires_at_ms: Some(now_ms + TRIAL_MS),
            revision: 1,
            created_at_ms: now_ms,
        };
        let summary = format!("made the short-lived client {}", principal.username);
        let since = edit.take_revision(&summary).await?;
        edit.tx.insert_principal(self.environment(), &principal, now_ms).await?;
        for action in [Action::Connect, Action::Publish, Action::Subscribe] {
            let rule = Rule {
                policy: Policy {
                    id: RuleId(Uuid::now_v7()),
                    subject: Subject::Principal(principal.id),
                    action,
                    effect: Effect::Allow,
                    filter: Filter::mesh(">").expect("a constant filter is valid"),
                    sites: Vec::new(),
                },
                note: "for trying; removed with the client".to_owned(),
                is_block: false,
                since_revision: since.revision,
                revision: 1,
                updated_at_ms: now_ms,
                updated_by: edit.actor().to_owned(),
            };
            edit.tx.insert_rule(self.environment(), &rule).await?;
        }
        edit.finish(done("principal.try", principal.id, &summary).after(&config(&principal))).await?;
        Ok((principal, Some(secret)))
    }

    /// An agent of a site that is connected to this process. Only the portal that holds an agent's session can ask it.
    pub(super) async fn agent_at(&self, site: SiteId) -> Result<AgentId> {
        let (connected, fleet) = (self.fleet().connected(), self.fleet_state().await?);
        let enrolled = |agent: &&Agent| agent.site == site && agent.state == State::Enrolled;
        let here: Vec<&Agent> = fleet.agents.iter().filter(enrolled).collect();
        if let Some(found) = here.iter().find(|agent| connected.contains(&agent.id)) {
            return Ok(found.id);
        }
        let online = |agent: &&&Agent| matches!(agent.presence(fleet.now_ms), Presence::Online(_));
        Err(match here.iter().find(online) {
            Some(agent) => elsewhere(&agent.name),
            None => Error::Unavailable("no agent of this site is connected now: start one there".to_owned()),
        })
    }

    /// This one agent, when it is connected to this process; none = no agent owns what is asked for.
    pub(super) async fn here(&self, owner: Option<AgentId>) -> Result<AgentId> {
        let unowned = || Error::Unavailable("no agent is enrolled at its site yet: start one there".to_owned());
        let owner = owner.ok_or_else(unowned)?;
        if self.fleet().connected().contains(&owner) {
            return Ok(owner);
        }
        let fleet = self.fleet_state().await?;
        let agent = fleet.agent(owner).ok_or_else(unowned)?;
        Err(match agent.presence(fleet.now_ms) {
            Presence::Online(_) => elsewhere(&agent.name),
            _ => Error::Unavailable(format!(
                "the agent {} is not connected now, and only it knows what is there: look whether it runs",
                agent.name
            )),
        })
    }
}

/// An agent that is connected to another portal on the same database.
fn elsewhere(agent: &str) -> Error {
    Error::Unavailable(format!(
        "the agent {agent} is not connected to this portal, but to another one on the same database or just on its way \
         back: try again, or open that portal"
    ))
}

/// Removes a short-lived client with its rules; its sessions end with the revision that the edit takes.
pub(super) async fn end_trial(edit: &mut Edit, trial: &Principal) -> Result<()> {
    edit.tx.delete_rules_about(Subject::Principal(trial.id)).await?;
    Ok(edit.tx.delete_principal(trial.id, trial.revision).await?)
}

fn done<'a>(action: &'a str, object: impl std::fmt::Display, summary: &'a str) -> Done<'a> {
    Done::new(action, object, summary, LiveTopic::Access)
}
