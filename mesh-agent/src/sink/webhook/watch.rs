//! Keeps a webhook's subscriptions as policy allows them, and its part on the board true.

use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::report::PartState;
use mesh_protocol::topic::Filter;

use super::Shared;
use super::tally::Figures;
use crate::router::{Attachment, Takes};
use crate::sink::subscriptions::{self, Subscriptions};
use crate::status::PartHandle;

/// How often the part is brought up to date.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    part: Arc<PartHandle>,
    subscriptions: Subscriptions,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, part: Arc<PartHandle>, attachment: Attachment, filters: &[Filter]) -> Self {
        // What is guaranteed comes from the route's queue.
        let subscriptions = Subscriptions::new(attachment, shared.client.clone(), filters, Takes::DIRECT);
        Self { shared, part, subscriptions }
    }

    /// Until the sink stops; the outlet is detached at the end.
    pub(super) async fn run(mut self) {
        let mut changes = self.shared.deps.enforcer.changes();
        let mut timer = tokio::time::interval(INTERVAL);
        let mut denied = self.apply_policy();
        let (closing, token) = (self.shared.closing.clone(), self.shared.tasks.token());
        loop {
            tokio::select! {
                () = closing.cancelled() => break,
                () = token.cancelled() => break,
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    denied = self.apply_policy();
                }
                _ = timer.tick() => {}
            }
            self.tell(denied.as_deref());
        }
        self.subscriptions.unsubscribe_all();
    }

    /// Subscribes to what is allowed now and takes the rest back; returns what is not allowed.
    pub(super) fn apply_policy(&mut self) -> Option<String> {
        let Shared { session, identity, deps, .. } = &*self.shared;
        self.subscriptions.apply(&deps.enforcer, subscriptions::session(session, &deps.enforcer, identity))
    }

    fn tell(&self, denied: Option<&str>) {
        let Figures { events, failed_requests, refused_events, denied_events, expired_events, dropped_events } =
            self.shared.tally.figures();
        let under_way = u64::from(self.shared.concurrency).saturating_sub(self.shared.slots.available_permits() as u64);
        let figures = [
            ("events", events),
            ("failed_requests", failed_requests),
            ("refused_events", refused_events),
            ("denied_events", denied_events),
            ("expired_events", expired_events),
            ("dropped_events", dropped_events),
            ("requests_under_way", under_way),
        ];
        figures.iter().for_each(|(name, value)| self.part.figure(name, *value));
        if let Some(reason) = denied {
            let some = self.subscriptions.has_any();
            let state = if some { PartState::Degraded } else { PartState::Rejected };
            return self.part.set(state, Some(reason.to_owned()));
        }
        let (state, detail) = self.shared.tally.state();
        self.part.set(state, detail);
    }
}
