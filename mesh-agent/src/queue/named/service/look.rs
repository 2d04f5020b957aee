//! What a queue's service looks at once a second: its figures, and consumers that came once and stay away.

use std::time::Duration;

use mesh_protocol::desired::WhenFull;
use mesh_protocol::report::PartState;

use super::{Seat, Service, Way};
use crate::queue::dispatch::Left;
use crate::queue::item::ConsumerId;
use crate::status::now_ms;

impl Service {
    pub(super) fn look(&mut self) {
        self.forget_idle();
        self.trim();
        let kept = self.spool.core().standing(self.kept.number()).unwrap_or_default();
        let standing = self.spool.core().standing(self.number).unwrap_or_default();
        let dead = self.spool.core().standing(self.dead).unwrap_or_default();
        let oldest = self.dispatch.oldest().map_or(0, |item| now_ms() - item.event.event().admitted_at_ms);
        let (_, out, _) = self.dispatch.standing();
        for (name, value) in [
            ("queued_events", standing.events),
            ("queued_bytes", standing.bytes),
            ("oldest_ms", u64::try_from(oldest).unwrap_or(0)),
            ("consumers", self.seats.len() as u64),
            ("handed_out_events", out as u64),
            ("dead_letter_events", dead.events),
            ("delivered_events", self.done.delivered),
            ("redelivered_events", self.done.redelivered),
            ("expired_events", self.done.expired),
            ("discarded_events", standing.discarded),
            ("kept_events", kept.events),
            ("kept_bytes", kept.bytes),
            ("replayed_events", self.done.replayed),
        ] {
            self.line.figure(name, value);
        }
        let config = &self.config;
        let is_full = standing.events >= config.events_max
            || standing.bytes.saturating_mul(50) > config.bytes_max.saturating_mul(49);
        match (&self.full, is_full, config.when_full) {
            (Some(why), ..) => self.line.set(PartState::Degraded, Some(why.clone())),
            (None, true, WhenFull::Refuse) => {
                let why =
                    "it is full: publishers are refused until consumers have taken some, or its limits are raised";
                self.line.set(PartState::Degraded, Some(why.to_owned()));
            }
            (None, true, WhenFull::Discard) => {
                let why =
                    "it is full: it goes without new events until consumers have taken some, or its limits are raised";
                self.line.set(PartState::Degraded, Some(why.to_owned()));
            }
            (None, false, _) if config.paused => {
                self.line.set(
                    PartState::Running,
                    Some("paused: consumers get nothing, and it goes on attracting".to_owned()),
                );
            }
            (None, false, _) if self.is_crowded => {
                let why = "the agent's spool has little room left: what is kept for a replay goes before its time";
                self.line.set(PartState::Degraded, Some(why.to_owned()));
            }
            (None, false, _) => self.line.running(),
        }
    }

    /// Those who came and asked, and have not been heard of for as long as they may keep an event.
    fn forget_idle(&mut self) {
        let lease = Duration::from_millis(self.config.lease_ms.into());
        let idle = |(id, seat): (&ConsumerId, &Seat)| match &seat.way {
            Way::Pulls(pulls) if pulls.is_idle() && pulls.heard.elapsed() > lease => Some(*id),
            _ => None,
        };
        let idle: Vec<ConsumerId> = self.seats.iter().filter_map(idle).collect();
        for id in idle.into_iter().filter(|id| self.dispatch.has_out(*id) == 0).collect::<Vec<_>>() {
            self.leave(id, Left::Unseen);
        }
    }
}
