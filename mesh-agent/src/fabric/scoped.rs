//! What scopes keep from other agents, and from which position of the log on they did.
//!
//! Every event is judged when its frame is built, resends included, so a tightened scope holds at once for what has not gone
//! yet, however old it is. What is told of it is the place in the log up to which something may have gone before.

use std::sync::Arc;

use mesh_protocol::id::AgentId;
use mesh_protocol::report::Scoped;

use super::core::Core;
use super::peer::Peer;
use crate::policy::{Denied, Enforced, Enforcer};
use crate::router::Admitted;
use crate::status::now_ms;

impl Core {
    /// Notes from where on a policy holds that was applied since the last turn. Called before anything is sent.
    pub(super) fn notice_scopes(&mut self) {
        let Some(enforced) = self.parts.enforcer.enforced() else { return };
        let known = self.judged_by.as_deref();
        let same = self.judged_by.as_ref().is_some_and(|known| Arc::ptr_eq(known, &enforced));
        for (agent, peer) in &mut self.peers {
            let anew = !same && known.is_none_or(|known| judges_anew(known, &enforced, *agent));
            // One that joined since has a beginning too.
            if anew || peer.scoped_since.is_none() {
                peer.scoped_since = Some((enforced.revision.revision, peer.kept.sent(), now_ms()));
            }
        }
        self.judged_by = Some(enforced);
    }

    /// Whether an agent is to get anything now. One that was just revoked is not, but what waits for it is not done either:
    /// the desired state that follows forgets its line, or names who takes its place.
    pub(super) fn serves(&self, agent: AgentId) -> bool {
        self.parts.enforcer.check_peer(agent).is_ok()
    }

    /// Whether the scopes let an event go there now; if not, it is counted.
    pub(super) fn in_scope(&mut self, event: &Admitted, agent: AgentId) -> bool {
        let allowed = !is_withheld(&self.parts.enforcer, event, agent);
        if !allowed {
            self.withheld(agent);
        }
        allowed
    }

    /// Policy keeps an event from an agent.
    pub(super) fn withheld(&mut self, agent: AgentId) {
        self.counts.forbidden.one();
        if let Some(peer) = self.peers.get_mut(&agent) {
            peer.traffic.withheld += 1;
        }
    }
}

/// Whether a scope keeps an event from an agent.
pub(super) fn is_withheld(enforcer: &Enforcer, event: &Admitted, agent: AgentId) -> bool {
    matches!(enforcer.check_destination(&event.event().topic, agent), Err(Denied::OutOfScope(_)))
}

/// Whether another policy may let other topics go to an agent.
fn judges_anew(known: &Enforced, now: &Enforced, agent: AgentId) -> bool {
    let place = |whole: &Enforced| whole.members.get(&agent).map(|member| (member.site, member.region.clone()));
    known.policy.scopes() != now.policy.scopes() || place(known) != place(now)
}

impl Peer {
    /// What scopes keep from it. Nothing is told of a mesh without any.
    pub(super) fn scoped(&self, has_scopes: bool) -> Option<Scoped> {
        let (revision, after_position, at_ms) = self.scoped_since?;
        let withheld_events = self.traffic.withheld;
        (has_scopes || withheld_events > 0).then_some(Scoped { revision, after_position, at_ms, withheld_events })
    }
}
