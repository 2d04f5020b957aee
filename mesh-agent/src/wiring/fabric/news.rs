//! When the portal hears of links before it is time for the regular status.
//!
//! Figures of a link change all the time and are no news. That a link came or went is, at once; and so is what piles up
//! for an agent that is out of reach, and how it drains afterwards, because that is what people then watch.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::id::AgentId;
use mesh_protocol::report::LinkState;

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Whether frames passed, and directly, and how many events waited.
    told: BTreeMap<AgentId, ((bool, bool), u64)>,
    /// Agents for whom events piled up, until those are gone.
    piled: BTreeSet<AgentId>,
}

impl News {
    /// Whether this is worth telling now; `is_time` = what waits may be told again.
    pub(super) fn take(&mut self, links: &[LinkState], is_time: bool) -> bool {
        let away = links.iter().filter(|link| !link.up && link.backlog_events > 0);
        self.piled.extend(away.map(|link| link.agent));
        let told = |link: &LinkState| self.told.get(&link.agent).copied();
        let moved = |link: &LinkState| told(link).is_none_or(|(way, _)| way != (link.up, link.direct));
        let waits = |link: &LinkState| told(link).is_none_or(|(_, events)| events != link.backlog_events);
        let is_news = links.len() != self.told.len()
            || links.iter().any(moved)
            || (is_time && links.iter().any(|link| self.piled.contains(&link.agent) && waits(link)));
        if is_news {
            // A link that is up again drains as long as less waits than before; what then is left is just on its way.
            let drains =
                |link: &LinkState| told(link).is_some_and(|((up, _), events)| !up || link.backlog_events < events);
            let piled = links.iter().filter(|link| self.piled.contains(&link.agent) && link.backlog_events > 0);
            let piled = piled.filter(|link| !link.up || drains(link)).map(|link| link.agent).collect();
            self.piled = piled;
            self.told = links.iter().map(|link| (link.agent, ((link.up, link.direct), link.backlog_events))).collect();
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use mesh_protocol::id::SiteId;
    use uuid::Uuid;

    use super::*;

    fn link(up: bool, backlog_events: u64) -> Vec<LinkState> {
        vec![LinkState {
            agent: AgentId(Uuid::from_u128(1)),
            site: SiteId(Uuid::from_u128(2)),
            up,
            direct: up,
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
        }]
    }

    #[test]
    fn what_piles_up_is_told_at_its_pace_until_it_is_gone() {
        let mut news = News::default();
        let steps = [
            (true, 3, true, true),
            (true, 7, true, false),
            (false, 7, false, true),
            (false, 40, false, false),
            (false, 40, true, true),
            (false, 40, true, false),
            (true, 40, false, true),
            (true, 12, false, false),
            (true, 12, true, true),
            (true, 0, true, true),
            (true, 5, true, false),
        ];
        for (at, (up, events, is_time, wanted)) in steps.into_iter().enumerate() {
            assert_eq!(news.take(&link(up, events), is_time), wanted, "step {at}");
        }
        assert!(news.take(&[], false), "an agent left the mesh");
    }

    #[test]
    fn a_busy_link_that_does_not_drain_further_is_left_to_the_regular_status() {
        let mut news = News::default();
        assert!(news.take(&link(false, 100), true));
        assert!(news.take(&link(true, 20), true));
        assert!(news.take(&link(true, 25), true));
        assert!(!news.take(&link(true, 19), true));
    }
}
