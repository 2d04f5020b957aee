//! A machine is lost for good: another one takes the place of its agent.
//!
//! The new agent is an agent of its own, with its own key, certificate and spool, and the old one is revoked the moment the
//! new one joins. What stays is its *line*: other agents keep what the site is to get under that, so what waits for the lost
//! agent goes to the new one, in its order. What lay on the lost disk alone is lost; the audit trail keeps how much that was
//! by the agent's last word.

use frontend::api::{Holds, JoinLine, JoinTokenInput, LiveTopic, Named};
use mesh_protocol::id::AgentId;
use mesh_protocol::report::{PartRef, Status};

use super::edit::{Done, Edit};
use super::enrol::Refused;
use super::permission::Right;
use super::snapshot::FleetState;
use super::{App, Caller, Error, Result};
use crate::domain::agent::{Agent, State};

impl App {
    /// Makes a join token for a machine that takes the place of an agent, and the line that uses it.
    ///
    /// # Errors
    /// The caller may not, there is no such agent, it was revoked, the input is wrong, or the database's.
    pub async fn create_replacement(&self, caller: &Caller, id: AgentId, input: JoinTokenInput) -> Result<JoinLine> {
        let mut edit = self.edit(caller.permit(Right::AgentWrite)?).await?;
        let agent = edit.tx.agent(id).await?.ok_or(Error::NotFound { what: "agent" })?;
        if agent.state == State::Revoked {
            return Err(Error::Conflict(
                "this agent was revoked: nothing is kept for it any more; add a new agent at its site instead"
                    .to_owned(),
            ));
        }
        let (token, row) = self.join_token(&edit, agent.site, Some(id), &input)?;
        edit.tx.insert_join_token(&token.hash(), &row).await?;
        let summary = format!("made a join token for a machine that takes the place of the agent {}", agent.name);
        let done = Done::new("agent.replacement", id, &summary, LiveTopic::Topology);
        edit.finish(done.after(&super::site::kept_token(&row))).await?;
        Ok(self.join_line(&token.text, row.expires_at_ms, Some(&agent.name)))
    }

    /// The agent that goes because another one takes its place now, revoked and without its name, and the line they share.
    pub(super) async fn make_way(&self, edit: &mut Edit, id: AgentId) -> std::result::Result<Agent, Refused> {
        let old = edit.tx.agent(id).await?.filter(|agent| agent.state == State::Enrolled).ok_or(Refused::NoPlace)?;
        let all = edit.tx.agents(self.environment()).await?;
        let before = all.iter().filter(|agent| agent.line() == old.line()).count();
        let (actor, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        edit.tx.rename_agent(id, &format!("{} (replaced {before})", old.name), now_ms).await?;
        edit.tx.set_agent_state(id, State::Revoked, now_ms).await?;
        edit.tx.deny_agent(id, &actor, now_ms).await?;
        Ok(old)
    }
}

/// What the audit trail says of it.
pub(super) fn told(new: &Agent, old: &Agent, last: Option<&Status>) -> String {
    let lost = match last.map(holds) {
        None => "which never said what it held".to_owned(),
        Some(Holds { queued_events: 0, for_others_events: 0 }) => "which held nothing by its last word".to_owned(),
        Some(Holds { queued_events, for_others_events }) => format!(
            "which by its last word held {queued_events} events in its queues and sinks and {for_others_events} for other agents"
        ),
    };
    let same = if new.name == old.name { String::new() } else { format!(" {}", new.name) };
    format!("a new agent{same} takes the place of {}, {lost}", old.name)
}

/// What lies on an agent's disk, by its last word.
pub(super) fn holds(status: &Status) -> Holds {
    let durable = |object| matches!(object, PartRef::Queue(_) | PartRef::Sink(_));
    let parts = status.parts.iter().filter(|part| durable(part.object));
    Holds {
        queued_events: parts.filter_map(|part| part.figures.get("queued_events")).sum(),
        for_others_events: status.links.iter().map(|link| link.backlog_events).sum(),
    }
}

/// Who had an agent's place before it, and who has it after it.
pub(super) fn neighbours(agent: &Agent, fleet: &FleetState) -> [Option<Named>; 2] {
    let named = |found: &Agent| Named { id: found.id, name: found.name.clone() };
    let line = fleet.agents.iter().filter(|other| other.line() == agent.line());
    [
        line.clone().filter(|other| other.id < agent.id).max_by_key(|other| other.id).map(named),
        line.filter(|other| other.id > agent.id).min_by_key(|other| other.id).map(named),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mesh_protocol::id::{ListenerId, QueueId, RouteId};
    use mesh_protocol::report::{LinkState, Part, PartState};
    use uuid::Uuid;

    use super::*;

    fn part(object: PartRef, events: u64) -> Part {
        let figures = BTreeMap::from([("queued_events".to_owned(), events), ("connections".to_owned(), 9)]);
        Part {
            object,
            state: PartState::Running,
            detail: None,
            since_ms: 0,
            addresses: Vec::new(),
            own_certificate: false,
            figures,
        }
    }

    fn link(backlog_events: u64) -> LinkState {
        LinkState {
            agent: AgentId(Uuid::nil()),
            site: Uuid::nil().into(),
            up: true,
            direct: true,
            since_ms: 0,
            round_trip_us: None,
            events_sent: 0,
            events_received: 0,
            bytes_sent: 0,
            bytes_received: 0,
            backlog_events,
            backlog_bytes: 0,
            scoped: None,
            behind: None,
            interest: None,
        }
    }

    #[test]
    fn what_a_disk_holds_is_what_its_queues_and_links_said() {
        let id = Uuid::nil();
        let status = Status {
            at_ms: 0,
            applied: None,
            rejected: None,
            deny_list: 0,
            parts: vec![
                part(PartRef::Queue(QueueId(id)), 3),
                part(PartRef::Sink(RouteId(id)), 4),
                part(PartRef::Listener(ListenerId(id)), 100),
            ],
            links: vec![link(5), link(6)],
            counters: BTreeMap::new(),
            memory_bytes: 0,
            started_at_ms: 0,
            certificate_ends_at_ms: 0,
        };
        assert_eq!(holds(&status), Holds { queued_events: 7, for_others_events: 11 });
    }
}
