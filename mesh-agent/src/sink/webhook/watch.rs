//! Keeps a webhook's subscriptions as policy allows them, and its part on the board true.

use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::report::PartState;
use mesh_protocol::topic::Filter;

use super::Shared;
use super::tally::Figures;
use crate::policy::Session;
use crate::router::{Attachment, Life, Takes};
use crate::status::PartHandle;

/// How often the part is brought up to date.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    part: Arc<PartHandle>,
    attachment: Attachment,
    /// What is wanted, and whether it is subscribed to.
    filters: Vec<(Filter, bool)>,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, part: Arc<PartHandle>, attachment: Attachment, filters: &[Filter]) -> Self {
        let filters = filters.iter().map(|filter| (filter.clone(), false)).collect();
        Self { shared, part, attachment, filters }
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
        self.unsubscribe_all();
    }

    /// Subscribes to what is allowed now and takes the rest back; returns what is not allowed.
    pub(super) fn apply_policy(&mut self) -> Option<String> {
        let shared = self.shared.clone();
        let session = match session(&shared) {
            Ok(session) => session,
            Err(reason) => {
                self.unsubscribe_all();
                return Some(reason);
            }
        };
        let mut denied = None;
        for (key, (filter, subscribed)) in (0..).zip(&mut self.filters) {
            match shared.deps.enforcer.check_subscribe(session, filter) {
                Ok(()) if !*subscribed => {
                    // What is guaranteed comes from the route's queue.
                    self.attachment.subscribe_for(filter, key, Life::Durable, Takes::DIRECT);
                    shared.client.subscribed(filter);
                    *subscribed = true;
                }
                Ok(()) => {}
                Err(reason) => {
                    if std::mem::take(subscribed) {
                        self.attachment.unsubscribe(filter, key);
                        shared.client.unsubscribed(filter);
                    }
                    denied = Some(format!("the route may not read {filter}: {reason}"));
                }
            }
        }
        denied
    }

    fn unsubscribe_all(&mut self) {
        for (key, (filter, subscribed)) in (0..).zip(&mut self.filters) {
            if std::mem::take(subscribed) {
                self.attachment.unsubscribe(filter, key);
                self.shared.client.unsubscribed(filter);
            }
        }
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
            let some = self.filters.iter().any(|(_, subscribed)| *subscribed);
            let state = if some { PartState::Degraded } else { PartState::Rejected };
            return self.part.set(state, Some(reason.to_owned()));
        }
        let (state, detail) = self.shared.tally.state();
        self.part.set(state, detail);
    }
}

/// The session of the route's principal, opened when policy lets it in for the first time.
fn session(shared: &Shared) -> Result<&Session, String> {
    let Shared { session, identity, deps, .. } = shared;
    let barred = |reason| format!("the route's principal is not let in: {reason}");
    if session.get().is_none() {
        let opened = deps.enforcer.session(identity.principal, &identity.client_id()).map_err(barred)?;
        // Only the watch opens it.
        let _ = session.set(opened);
    }
    let session = session.get().expect("it was just set");
    deps.enforcer.check_session(session).map_err(barred)?;
    Ok(session)
}
