//! Stands in for whoever is wanted durably and is not there: a sink that is being started, changed or cannot start, the
//! fabric before it knows the other agents.
//!
//! Without it an event that somebody else answers for would find nobody while a sink is down, and "nobody wants it" is an
//! acknowledgement. With it the sender gets an error and tries again. What this agent answers for goes into the sink's
//! queue instead.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use mesh_protocol::topic::Filter;

use crate::counters::{Counter, Counters};
use crate::router::{Attachment, Delivery, DestinationId, Failure, Life, Outlet, Reach, Router, Takes};

/// One stand-in. What it registers is live, never durable: to the fabric a durable destination is ready only when the
/// real one has subscribed, and until then nothing that comes from other agents is tried on it. It stands from the beginning.
#[derive(Debug)]
pub(super) struct StandIn {
    attachment: Attachment,
    takes: Takes,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    standing: bool,
    filters: HashSet<Filter>,
}

impl StandIn {
    /// Stands in for a sink of this agent, or for other agents ([`Reach::Remote`]).
    ///
    /// It is this destination to senders that answer for their events themselves. Other agents are unnamed as long as
    /// nobody knows which of them an event is for.
    pub(super) fn new(
        router: &Router,
        reach: Reach,
        takes: Takes,
        destination: DestinationId,
        counters: &Counters,
    ) -> Arc<Self> {
        let dropped = counters.counter("absent_destination_dropped_events");
        let failed = counters.counter("absent_destination_failed_events");
        let attachment = router.attach(Arc::new(Nobody { dropped, failed }), reach).for_destination(destination);
        Arc::new(Self { attachment, takes, state: Mutex::new(State { standing: true, filters: HashSet::new() }) })
    }

    /// What is wanted from now on.
    pub(super) fn want(&self, filters: impl IntoIterator<Item = Filter>) {
        let mut state = self.state.lock().expect("no panic while held");
        let filters: HashSet<_> = filters.into_iter().collect();
        if state.standing {
            filters.difference(&state.filters).for_each(|filter| self.subscribe(filter));
            state.filters.difference(&filters).for_each(|filter| self.attachment.unsubscribe(filter, 0));
        }
        state.filters = filters;
        self.attachment.show();
    }

    fn subscribe(&self, filter: &Filter) {
        self.attachment.subscribe_for(filter, 0, Life::Live, self.takes);
    }

    /// Whoever it stands in for is about to go.
    pub(super) fn stand(&self) {
        let mut state = self.state.lock().expect("no panic while held");
        if !std::mem::replace(&mut state.standing, true) {
            state.filters.iter().for_each(|filter| self.subscribe(filter));
            self.attachment.show();
        }
    }

    /// Whoever it stands in for has subscribed.
    pub(super) fn step_aside(&self) {
        let mut state = self.state.lock().expect("no panic while held");
        if std::mem::replace(&mut state.standing, false) {
            state.filters.iter().for_each(|filter| self.attachment.unsubscribe(filter, 0));
            self.attachment.show();
        }
    }
}

/// Takes nothing, and says so.
#[derive(Debug)]
struct Nobody {
    dropped: Counter,
    failed: Counter,
}

impl Outlet for Nobody {
    fn offer(&self, delivery: Delivery) {
        if delivery.hold.is_none() && delivery.shares.is_empty() {
            return self.dropped.one();
        }
        self.failed.one();
        for hold in delivery.hold.into_iter().chain(delivery.shares) {
            hold.fail(Failure::Lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::{Admitted, Budget, Outcome};
    use crate::wiring::tests::event;

    async fn publish(router: &Router) -> Outcome {
        let admission = router.budget().try_take(1).expect("room");
        router.publish(vec![Admitted::new(event("orders/fr"))], admission, None).await
    }

    #[tokio::test]
    async fn what_is_wanted_by_an_absent_destination_is_never_unrouted() {
        let router = Router::new(Budget::new(1_000), &Counters::default());
        let stand_in = StandIn::new(&router, Reach::Local, Takes::ALL, DestinationId::UNNAMED, &Counters::default());
        assert_eq!(publish(&router).await, Outcome::Unrouted);
        stand_in.want([Filter::mesh("orders/>").expect("valid")]);
        assert_eq!(publish(&router).await, Outcome::Failed(Failure::Lost));
        assert_eq!(router.interest().snapshot().wanted.len(), 1);
        stand_in.step_aside();
        assert_eq!(publish(&router).await, Outcome::Unrouted);
        stand_in.want([Filter::mesh("orders/fr").expect("valid")]);
        assert_eq!(publish(&router).await, Outcome::Unrouted);
        stand_in.stand();
        assert_eq!(publish(&router).await, Outcome::Failed(Failure::Lost));
        stand_in.want([]);
        assert_eq!(publish(&router).await, Outcome::Unrouted);
    }
}
