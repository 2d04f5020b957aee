//! Keeps a sink's subscriptions as policy allows them, and its part on the board true.

use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::report::PartState;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::intake::Intake;
use super::writer::Refusals;
use crate::sink::subscriptions::{self, Subscriptions};
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
    subscriptions: Subscriptions,
    refusals: Refusals,
}

impl Watch {
    pub(super) fn new(
        shared: Arc<Shared>,
        intake: Arc<Intake>,
        part: Arc<PartHandle>,
        subscriptions: Subscriptions,
        refusals: Refusals,
    ) -> Self {
        Self { shared, intake, part, subscriptions, refusals }
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
        let Shared { session, identity, deps, .. } = &*self.shared;
        self.subscriptions.apply(&deps.enforcer, subscriptions::session(session, &deps.enforcer, identity))
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
            let some = self.subscriptions.has_any();
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
        self.subscriptions.unsubscribe_all();
    }
}
