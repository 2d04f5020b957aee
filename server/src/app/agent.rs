//! Agents: their sessions and what they say, revocation, and how pages see them.

use std::collections::BTreeMap;

use frontend::api::{
    AgentRollout, AgentView, Freshness, ListQuery, LiveTopic, Page, PartView, Presence, ReasonInput, RolloutState,
};
use mesh_protocol::id::{AgentId, ListenerId, SiteId};
use mesh_protocol::report::{Part, PartRef, Status};
use mesh_protocol::wire::{Hello, Revision};
use serde::Serialize;
use uuid::Uuid;

use super::change::Change;
use super::clock::now_ms;
use super::edit::Done;
use super::fleet::Seat;
use super::page::{Slice, page};
use super::permission::{Permit, Right};
use super::reach::reached_at;
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result, replacement};
use crate::domain::agent::{self, Agent, Progress, State, is_sealing_key};
use crate::domain::desired::Mesh;
use crate::domain::field::FieldErrors;

/// Told to an agent that was revoked while it was connected.
pub(super) const REVOKED: &str = "this agent was revoked";

/// An agent as the audit trail keeps it.
#[derive(Debug, Serialize)]
pub(super) struct Kept<'a> {
    name: &'a str,
    site: SiteId,
    state: State,
    fabric_addresses: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    listener_addresses: &'a BTreeMap<ListenerId, String>,
    sealing_key: Option<&'a str>,
}

impl App {
    /// Agents, oldest first.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn agents(&self, caller: &Caller, query: ListQuery) -> Result<Page<AgentView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let page = page(fleet.agents.iter().collect(), Slice::of_list(&query), |agent: &&Agent| agent.id)?;
        Ok(page.map(|agent| view(agent, &snapshot, &fleet)))
    }

    /// One agent.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn agent(&self, caller: &Caller, id: AgentId) -> Result<AgentView> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let agent = fleet.agent(id).ok_or(Error::NotFound { what: "agent" })?;
        Ok(view(agent, &snapshot, &fleet))
    }

    /// Revokes an agent for good: nobody in the mesh believes its certificate any more.
    ///
    /// # Errors
    /// The caller may not, there is none, no reason was given, or the database's.
    pub async fn revoke_agent(&self, caller: &Caller, id: AgentId, input: ReasonInput) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::AgentWrite)?).await?;
        let mut errors = FieldErrors::default();
        errors.text("reason", &input.reason);
        errors.check()?;
        let agent = edit.tx.agent(id).await?.ok_or(Error::NotFound { what: "agent" })?;
        if agent.state == State::Revoked {
            return Ok(());
        }
        let summary = match input.reason.trim() {
            "" => format!("revoked the agent {}", agent.name),
            reason => format!("revoked the agent {}: {reason}", agent.name),
        };
        edit.take_revision(&summary).await?;
        let (actor, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        edit.tx.set_agent_state(id, State::Revoked, now_ms).await?;
        edit.tx.deny_agent(id, &actor, now_ms).await?;
        let revoked = Agent { state: State::Revoked, ..agent.clone() };
        let done = Done::new("agent.revoke", id, &summary, LiveTopic::Topology);
        edit.finish(done.before(&kept(&agent)).after(&kept(&revoked))).await?;
        self.fleet().end(id, REVOKED);
        Ok(())
    }

    /// Whether an agent with this certificate may have a session, and its seat when it may.
    ///
    /// # Errors
    /// It is unknown or revoked, its sealing key is none; or the database's.
    pub async fn begin_session_of(&self, id: AgentId, hello: &Hello, address: &str) -> Result<Seat> {
        let mut tx = self.store().write().await?;
        let agent = tx.agent(id).await?.ok_or(Error::NotFound { what: "agent" })?;
        if agent.state == State::Revoked {
            return Err(Error::Conflict("this agent was revoked: join again with a new token".to_owned()));
        }
        if hello.sealing_key.as_deref().is_some_and(|key| !is_sealing_key(key)) {
            return Err(Error::Conflict("the agent's sealing key is not 64 hex digits: update the agent".to_owned()));
        }
        // Noted first: a seat whose session is not the one that is noted has lost it to a newer one elsewhere.
        let session = Uuid::now_v7();
        tx.begin_agent_session(id, session, &hello.agent_version, address, now_ms()).await?;
        self.commit(tx, &Change::of(&[LiveTopic::Topology])).await?;
        if let Some(key) = &hello.sealing_key {
            self.take_sealing_key(&agent, key).await?;
        }
        let seat = self.fleet().enter(id, session);
        // It may have been revoked, or gone to another portal, between the two.
        if let Err(error) = self.leave_lost_seats().await {
            self.fleet().leave(id, session);
            return Err(error);
        }
        self.wake_rollout();
        Ok(seat)
    }

    /// A session is over.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_session_of(&self, id: AgentId, session: Uuid) -> Result<()> {
        let noted = self.note_end(id, session).await;
        self.fleet().leave(id, session);
        noted
    }

    async fn note_end(&self, id: AgentId, session: Uuid) -> Result<()> {
        let mut tx = self.store().write().await?;
        tx.end_agent_session(id, session, now_ms()).await?;
        self.commit(tx, &Change::of(&[LiveTopic::Topology])).await
    }

    /// Keeps what an agent says of itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_status(&self, id: AgentId, status: &Status) -> Result<()> {
        let mut tx = self.store().write().await?;
        let Some(agent) = tx.agent(id).await? else { return Ok(()) };
        let before = tx.status(id).await?;
        tx.save_status(id, status, now_ms()).await?;
        let mut topics = news(before.as_ref(), status);
        if self.tell_refusal(&mut tx, &agent, before.as_ref(), status, now_ms()).await? {
            topics.push(LiveTopic::Notifications);
        }
        match topics {
            topics if topics.is_empty() => tx.commit().await?,
            topics => self.commit(tx, &Change::of(&topics)).await?,
        }
        self.take_addresses(&agent, status).await?;
        self.take_rates(id, status).await
    }

    /// Keeps an agent's sealing key. All others must know it before they can open what it sends: a new one is a policy
    /// revision.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn take_sealing_key(&self, agent: &Agent, key: &str) -> Result<()> {
        if agent.sealing_key.as_deref() == Some(key) {
            return Ok(());
        }
        let mut edit = self.edit(Permit::of_portal()).await?;
        let summary = format!("the agent {} has a new sealing key", agent.name);
        edit.take_revision(&summary).await?;
        edit.tx.set_sealing_key(agent.id, key).await?;
        let renewed = Agent { sealing_key: Some(key.to_owned()), ..agent.clone() };
        let done = Done::new("agent.sealing_key", agent.id, &summary, LiveTopic::Topology);
        edit.finish(done.before(&kept(agent)).after(&kept(&renewed))).await
    }

    /// Where an agent is reached is an input of the others' desired state, so a change of that is a policy revision: where its
    /// fabric endpoint is, and, of the owner at a site with several agents, where its listeners are.
    async fn take_addresses(&self, agent: &Agent, status: &Status) -> Result<()> {
        let seen_at = agent.address.as_deref();
        let (mut moved, mut listeners) = (agent.clone(), agent.listener_addresses.clone());
        for part in &status.parts {
            match (part.object, part.addresses.first()) {
                (PartRef::Fabric, Some(_)) => {
                    moved.fabric_addresses = part.addresses.iter().map(|told| reached_at(told, seen_at)).collect();
                }
                (PartRef::Listener(id), Some(told)) => _ = listeners.insert(id, reached_at(told, seen_at)),
                _ => {}
            }
        }
        if listeners != agent.listener_addresses && self.snapshot().await?.mesh.has_others_ask(agent.id) {
            moved.listener_addresses = listeners;
        }
        let new_fabric = moved.fabric_addresses != agent.fabric_addresses;
        let new_listeners = moved.listener_addresses != agent.listener_addresses;
        if !new_fabric && !new_listeners {
            return Ok(());
        }
        let mut edit = self.edit(Permit::of_portal()).await?;
        let (action, summary) = if new_fabric {
            let at = moved.fabric_addresses.join(", ");
            ("agent.fabric", format!("the agent {} accepts others at {at}", agent.name))
        } else {
            let at: Vec<&str> = moved.listener_addresses.values().map(String::as_str).collect();
            ("agent.listeners", format!("the agent {} takes clients of its site at {}", agent.name, at.join(", ")))
        };
        edit.take_revision(&summary).await?;
        edit.tx.set_fabric_addresses(agent.id, &moved.fabric_addresses).await?;
        edit.tx.set_listener_addresses(agent.id, &moved.listener_addresses).await?;
        let done = Done::new(action, agent.id, &summary, LiveTopic::Topology);
        edit.finish(done.before(&kept(agent)).after(&kept(&moved))).await
    }
}

/// An agent for the audit trail.
pub(super) fn kept(agent: &Agent) -> Kept<'_> {
    Kept {
        name: &agent.name,
        site: agent.site,
        state: agent.state,
        fabric_addresses: &agent.fabric_addresses,
        listener_addresses: &agent.listener_addresses,
        sealing_key: agent.sealing_key.as_deref(),
    }
}

/// What looks different with a new status.
fn news(before: Option<&Status>, now: &Status) -> Vec<LiveTopic> {
    let outcome = |status: &Status| (status.applied, status.rejected.clone());
    let rolled = before.map(outcome) != Some(outcome(now));
    let moved = before.is_none_or(|before| before.parts != now.parts || before.links != now.links);
    [(rolled, LiveTopic::Rollout), (moved, LiveTopic::Topology)]
        .into_iter()
        .filter_map(|(is_news, topic)| is_news.then_some(topic))
        .collect()
}

/// How far every enrolled agent is with a policy revision.
pub(super) fn rollout(target: Revision, snapshot: &Snapshot, fleet: &FleetState) -> Vec<AgentRollout> {
    let enrolled = fleet.agents.iter().filter(|agent| agent.state == State::Enrolled);
    enrolled.map(|agent| rollout_of(agent, target, snapshot, fleet)).collect()
}

pub(super) fn rollout_of(agent: &Agent, target: Revision, snapshot: &Snapshot, fleet: &FleetState) -> AgentRollout {
    let last = fleet.last(agent.id);
    let online = matches!(agent.presence(fleet.now_ms), agent::Presence::Online(_));
    let (state, reason) = match agent::progress(target, last.map(|last| &last.status)) {
        Progress::Applied => (RolloutState::Applied, None),
        Progress::Rejected(reason) => (RolloutState::Rejected, Some(reason)),
        Progress::Pending if online => (RolloutState::Pending, None),
        Progress::Pending => (RolloutState::Offline, None),
    };
    AgentRollout {
        agent: agent.id,
        agent_name: agent.name.clone(),
        site_name: snapshot.site_name(agent.site),
        state,
        applied: last.and_then(|last| last.status.applied),
        desired: target,
        reason,
        since: last.map_or(agent.created_at_ms, |last| last.at_ms),
    }
}

/// How old an agent's word is.
pub(super) fn freshness(agent: &Agent, fleet: &FleetState) -> Option<Freshness> {
    let last = fleet.last(agent.id)?;
    let stale = !matches!(agent.presence(fleet.now_ms), agent::Presence::Online(_));
    Some(Freshness { as_of: last.at_ms, by: agent.name.clone(), stale })
}

/// The parts of all agents that serve an object.
pub(super) fn parts_of(serves: impl Fn(PartRef) -> bool, snapshot: &Snapshot, fleet: &FleetState) -> Vec<PartView> {
    let enrolled = fleet.agents.iter().filter(|agent| agent.state == State::Enrolled);
    enrolled
        .flat_map(|agent| {
            let parts = fleet.status(agent.id).map(|status| status.parts.as_slice()).unwrap_or_default();
            parts.iter().filter(|part| serves(part.object)).filter_map(|part| part_view(part, agent, snapshot, fleet))
        })
        .collect()
}

fn part_view(part: &Part, agent: &Agent, snapshot: &Snapshot, fleet: &FleetState) -> Option<PartView> {
    Some(PartView {
        agent: agent.id,
        agent_name: agent.name.clone(),
        object: part.object,
        name: part_name(part.object, &snapshot.mesh),
        state: part.state,
        detail: part.detail.clone(),
        since: part.since_ms,
        addresses: part.addresses.clone(),
        figures: part.figures.clone(),
        freshness: freshness(agent, fleet)?,
    })
}

fn part_name(object: PartRef, mesh: &Mesh) -> String {
    let found = match object {
        PartRef::Listener(id) => mesh.listeners.iter().find(|found| found.id == id).map(|found| &found.spec.name),
        PartRef::Source(id) | PartRef::Sink(id) => {
            mesh.routes.iter().find(|found| found.id == id).map(|found| &found.spec.name)
        }
        PartRef::KafkaUser(user) => {
            let found = mesh.kafka_credentials.iter().find(|found| found.credential.id == user.id);
            found.map(|found| &found.credential.username)
        }
        PartRef::Broker(id) | PartRef::KafkaAccess(id) => {
            mesh.brokers.iter().find(|found| found.id == id).map(|found| &found.spec.name)
        }
        PartRef::Queue(id) => mesh.queues.iter().find(|found| found.id == id).map(|found| &found.spec.name),
        PartRef::Fabric => return "fabric".to_owned(),
    };
    found.cloned().unwrap_or_else(|| "removed".to_owned())
}

/// An agent as pages see it.
pub(super) fn view(agent: &Agent, snapshot: &Snapshot, fleet: &FleetState) -> AgentView {
    let status = fleet.status(agent.id);
    let (presence, since) = match (agent.state, agent.presence(fleet.now_ms)) {
        (State::Revoked, _) => (Presence::Revoked, agent.presence_since_ms),
        (_, agent::Presence::Online(since)) => (Presence::Online, since),
        (_, agent::Presence::Offline(since)) => (Presence::Offline, since),
        (_, agent::Presence::Never) => (Presence::NeverSeen, agent.created_at_ms),
    };
    let parts = status.map(|status| status.parts.as_slice()).unwrap_or_default();
    let [replaces, replaced_by] = replacement::neighbours(agent, fleet);
    AgentView {
        id: agent.id,
        name: agent.name.clone(),
        site: agent.site,
        site_name: snapshot.site_name(agent.site),
        version: agent.version.clone(),
        presence,
        since,
        applied: status.and_then(|status| status.applied),
        rollout: rollout_of(agent, snapshot.revision(), snapshot, fleet),
        parts: parts.iter().filter_map(|part| part_view(part, agent, snapshot, fleet)).collect(),
        counters: status.map(|status| status.counters.clone()).unwrap_or_default(),
        memory_bytes: status.map_or(0, |status| status.memory_bytes),
        started_at: status.map(|status| status.started_at_ms),
        certificate_ends_at: Some(agent.certificate_ends_at_ms),
        holds: status.map(replacement::holds),
        replaces,
        replaced_by,
        is_owner: snapshot.mesh.has_others_ask(agent.id),
        freshness: freshness(agent, fleet),
    }
}
