//! Agents: their sessions and what they say, revocation, and how pages see them.

use frontend::api::{AgentRollout, AgentView, Freshness, LiveTopic, PartView, Presence, ReasonInput, RolloutState};
use mesh_protocol::id::AgentId;
use mesh_protocol::report::{Part, PartRef, Status};
use mesh_protocol::wire::{Hello, Revision};

use super::clock::now_ms;
use super::edit::Done;
use super::fleet::Seat;
use super::permission::{Permit, Right};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::agent::{self, Agent, Progress, State};
use crate::domain::desired::Mesh;
use crate::domain::field::FieldErrors;

impl App {
    /// All agents.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn agents(&self, caller: &Caller) -> Result<Vec<AgentView>> {
        caller.permit(Right::Read)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        Ok(fleet.agents.iter().map(|agent| view(agent, &snapshot, &fleet)).collect())
    }

    /// One agent.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn agent(&self, caller: &Caller, id: AgentId) -> Result<AgentView> {
        caller.permit(Right::Read)?;
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
        edit.finish(Done {
            action: "agent.revoke",
            object: id.to_string(),
            summary: &summary,
            topic: LiveTopic::Topology,
            before: None,
            after: None,
        })
        .await?;
        self.fleet().end(id, "this agent was revoked");
        Ok(())
    }

    /// Whether an agent with this certificate may have a session, and its seat when it may.
    ///
    /// # Errors
    /// It is unknown or revoked; or the database's.
    pub async fn begin_session_of(&self, id: AgentId, hello: &Hello, address: &str) -> Result<Seat> {
        let mut tx = self.store().write().await?;
        let agent = tx.agent(id).await?.ok_or(Error::NotFound { what: "agent" })?;
        if agent.state == State::Revoked {
            return Err(Error::Conflict("this agent was revoked: join again with a new token".to_owned()));
        }
        let seat = self.fleet().enter(id);
        tx.begin_agent_session(id, seat.session, &hello.agent_version, address, now_ms()).await?;
        tx.commit().await?;
        self.live().notify(LiveTopic::Topology);
        self.wake_rollout();
        Ok(seat)
    }

    /// A session is over.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_session_of(&self, id: AgentId, session: uuid::Uuid) -> Result<()> {
        let noted = self.note_end(id, session).await;
        self.fleet().leave(id, session);
        self.live().notify(LiveTopic::Topology);
        noted
    }

    async fn note_end(&self, id: AgentId, session: uuid::Uuid) -> Result<()> {
        let mut tx = self.store().write().await?;
        tx.end_agent_session(id, session, now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// Keeps what an agent says of itself. Where its fabric endpoint is reached is an input of the others' desired
    /// state, so a change of that is a policy revision.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_status(&self, id: AgentId, status: &Status) -> Result<()> {
        let mut tx = self.store().write().await?;
        let Some(agent) = tx.agent(id).await? else { return Ok(()) };
        let before = tx.status(id).await?;
        tx.save_status(id, status, now_ms()).await?;
        tx.commit().await?;
        let outcome = |status: &Status| (status.applied, status.rejected.clone());
        if before.as_ref().map(outcome) != Some(outcome(status)) {
            self.live().notify(LiveTopic::Rollout);
        }
        if before.is_none_or(|before| before.parts != status.parts || before.links != status.links) {
            self.live().notify(LiveTopic::Topology);
        }
        let fabric = status.parts.iter().find(|part| part.object == PartRef::Fabric);
        if let Some(part) = fabric.filter(|part| !part.addresses.is_empty() && part.addresses != agent.fabric_addresses)
        {
            self.move_fabric(&agent, &part.addresses).await?;
        }
        self.take_rates(id, status).await
    }

    async fn move_fabric(&self, agent: &Agent, addresses: &[String]) -> Result<()> {
        let mut edit = self.edit(Permit::of_portal()).await?;
        let summary = format!("the agent {} accepts others at {}", agent.name, addresses.join(", "));
        edit.take_revision(&summary).await?;
        edit.tx.set_fabric_addresses(agent.id, addresses).await?;
        edit.finish(Done {
            action: "agent.fabric",
            object: agent.id.to_string(),
            summary: &summary,
            topic: LiveTopic::Topology,
            before: None,
            after: None,
        })
        .await
    }
}

/// How far every enrolled agent is with a policy revision.
pub(super) fn rollout(target: Revision, snapshot: &Snapshot, fleet: &FleetState) -> Vec<AgentRollout> {
    let enrolled = fleet.agents.iter().filter(|agent| agent.state == State::Enrolled);
    enrolled.map(|agent| rollout_of(agent, target, snapshot, fleet)).collect()
}

fn rollout_of(agent: &Agent, target: Revision, snapshot: &Snapshot, fleet: &FleetState) -> AgentRollout {
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
        PartRef::Broker(id) => mesh.brokers.iter().find(|found| found.id == id).map(|found| &found.spec.name),
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
        freshness: freshness(agent, fleet),
    }
}
