//! Keeps a sink's subscriptions as policy allows them, and its part on the board true.

use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::report::PartState;
use mesh_protocol::topic::Filter;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::intake::Intake;
use super::writer::Refusals;
use crate::observe::ClientObserver;
use crate::policy::Session;
use crate::router::{Attachment, Life, Takes};
use crate::status::PartHandle;

/// How often the part is brought up to date.
const INTERVAL: Duration = Duration::from_secs(1);
/// A cluster that took nothing for this long is in trouble.
const STALLED: Duration = Duration::from_secs(8);
/// A refusal is shown for this long.
const REFUSAL_SHOWN: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    intake: Arc<Intake>,
    part: Arc<PartHandle>,
    client: Arc<dyn ClientObserver>,
    attachment: Attachment,
    filters: Vec<(Filter, bool)>,
    refusals: Refusals,
}

impl Watch {
    #[expect(clippy::too_many_arguments, reason = "made in one place; the parts have nothing else in common")]
    pub(super) fn new(
        shared: Arc<Shared>,
        intake: Arc<Intake>,
        part: Arc<PartHandle>,
        client: Arc<dyn ClientObserver>,
        attachment: Attachment,
        filters: Vec<Filter>,
        refusals: Refusals,
    ) -> Self {
        let filters = filters.into_iter().map(|filter| (filter, false)).collect();
        Self { shared, intake, part, client, attachment, filters, refusals }
    }

    /// Until the sink stops; the outlet is detached at the end.
    pub(super) async fn run(mut self, token: CancellationToken) {
        let mut changes = self.shared.deps.enforcer.changes();
        let mut timer = tokio::time::interval(INTERVAL);
        let mut denied = self.apply_policy();
        loop {
            tokio::select! {
                () = token.cancelled() => return self.leave(),
                changed = changes.changed() => {
                    if changed.is_err() {
                        return self.leave();
                    }
                    denied = self.apply_policy();
                }
                _ = timer.tick() => {}
            }
            self.intake.prune();
            self.tell(denied.as_deref());
        }
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
        let enforcer = &shared.deps.enforcer;
        let mut denied = None;
        for (key, (filter, subscribed)) in (0..).zip(&mut self.filters) {
            match enforcer.check_subscribe(session, filter) {
                Ok(()) if !*subscribed => {
                    // What this agent answers for comes from the route's queue.
                    self.attachment.subscribe_for(filter, key, Life::Durable, Takes::UNKEPT);
                    self.client.subscribed(filter);
                    *subscribed = true;
                }
                Ok(()) => {}
                Err(reason) => {
                    if std::mem::take(subscribed) {
                        self.attachment.unsubscribe(filter, key);
                        self.client.unsubscribed(filter);
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
                self.client.unsubscribed(filter);
            }
        }
    }

    fn tell(&self, denied: Option<&str>) {
        let figures = self.refusals.figures();
        let backlog = self.intake.backlog();
        self.part.figure("events", figures.taken);
        self.part.figure("refused_events", figures.refused);
        self.part.figure("looped_events", figures.looped);
        self.part.figure("denied_events", figures.denied);
        self.part.figure("expired_events", figures.expired);
        self.part.figure("backlog_events", backlog.events as u64);
        let trouble = || self.shared.complaints.newest(&self.shared.target);
        let stalled = backlog.oldest.filter(|age| *age > STALLED);
        let refusal = figures.last.filter(|(at, _)| at.elapsed() < REFUSAL_SHOWN);
        if let Some(reason) = denied {
            let some = self.filters.iter().any(|(_, subscribed)| *subscribed);
            let state = if some { PartState::Degraded } else { PartState::Rejected };
            return self.part.set(state, Some(reason.to_owned()));
        }
        if let Some((state, detail)) = self.shared.contact.missing(&self.shared.complaints, &self.shared.target) {
            return self.part.set(state, detail);
        }
        match (stalled, refusal) {
            (Some(age), _) => {
                let cause = trouble().unwrap_or_else(|| format!("{} does not answer", self.shared.target.name()));
                let detail = format!("{} events wait, the oldest for {} s: {cause}", backlog.events, age.as_secs());
                self.part.failing(detail);
            }
            (None, Some((_, reason))) => {
                self.part.set(PartState::Degraded, Some(format!("{} events refused: {reason}", figures.refused)));
            }
            (None, None) => self.part.running(),
        }
    }

    fn leave(mut self) {
        self.unsubscribe_all();
    }
}

/// The session of the route's principal, opened when policy lets it in for the first time.
fn session(shared: &Shared) -> Result<&Session, String> {
    let Shared { session, identity, deps, .. } = shared;
    let barred = |reason| format!("the route's principal is not let in: {reason}");
    if session.get().is_none() {
        let opened = deps.enforcer.session(identity.principal, &identity.client_id()).map_err(barred)?;
        // Only this task opens it.
        let _ = session.set(opened);
    }
    let session = session.get().expect("it was just set");
    deps.enforcer.check_session(session).map_err(barred)?;
    Ok(session)
}
