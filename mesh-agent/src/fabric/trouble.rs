//! What is wrong with the links of this agent, in words of its status line: the first thing that a person can mend.

use mesh_protocol::report::PartState;

use super::core::{Core, SILENT_AFTER, sealing_key};
use crate::interest::WANTED_MAX;
use crate::stream::Moment;

impl Core {
    /// Whether the right agents are at the other ends.
    pub(super) fn tell_line(&self, now: Moment) {
        let line = &self.parts.line;
        line.figure("neighbours", self.neighbours.len() as u64);
        let dead = self.parts.spool.core().standing(self.dead_letters);
        line.figure("dead_letter_events", dead.map_or(0, |dead| dead.events));
        let trouble = self.wrong_link().or_else(|| self.missing_link(now)).or_else(|| self.without_key());
        match trouble.or_else(|| self.cut_off()) {
            Some(detail) => line.set(PartState::Degraded, Some(detail)),
            None => line.running(),
        }
    }

    fn wrong_link(&self) -> Option<String> {
        let strange = self.neighbours.iter().find(|neighbour| {
            neighbour.agent.is_none_or(|agent| agent != self.parts.agent && !self.peers.contains_key(&agent))
        })?;
        Some(format!(
            "{} at {} is linked and is no member of this mesh: nothing it sends is taken; revoke its certificate",
            strange.name, strange.address
        ))
    }

    fn missing_link(&self, now: Moment) -> Option<String> {
        if self.session_since.is_none_or(|since| now.since(since) < SILENT_AFTER) {
            return None;
        }
        let linked = |agent| self.neighbours.iter().any(|neighbour| neighbour.agent == Some(agent));
        let dial = self.target.section.dial.iter().find(|dial| !linked(dial.agent))?;
        let site = self.peers.get(&dial.agent).map_or("a site that is not known yet", |peer| &peer.member.site_name);
        Some(format!(
            "no link to {site} at {}; it is tried again. Check that the agent there runs, that the address is reachable \
             from here, and that it is this mesh's agent",
            dial.addresses.join(", ")
        ))
    }

    fn without_key(&self) -> Option<String> {
        let peer = self.peers.values().find(|peer| sealing_key(&peer.member).is_none())?;
        Some(format!(
            "the portal knows no good sealing key of the agent at {}, so nothing is exchanged with it: update that agent, and let \
             it reach the portal once",
            peer.member.site_name
        ))
    }

    fn cut_off(&self) -> Option<String> {
        let peer = self.peers.values().find(|peer| peer.learned.cut_off() > 0)?;
        Some(format!(
            "{} wants {WANTED_MAX} filters and {} more, which is more than is kept here: events that only those match do \
             not go there. Let its clients subscribe with fewer, wider filters",
            peer.member.site_name,
            peer.learned.cut_off()
        ))
    }
}
