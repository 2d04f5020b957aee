//! The acknowledgement rides with the event.
//!
//! ```text
//! publish(batch) -> Receipt            listener awaits it, later, batched
//!        |
//!        +-- Hold -> outlet A: done    (its queue, a PUBACK, a delivery report, a far agent's ack)
//!        +-- Hold -> outlet B: done
//!                       last one      -> Receipt = Taken { outlets: 2 }
//! ```
//! A receipt completes once, when the last holder is finished. A hold that is dropped unfinished counts as lost, so a
//! crash or a bug can withhold an ack but never invent one. What the batch took from the byte budget is given back
//! at the same moment.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use super::DestinationId;
use super::budget::Admission;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every outlet that wanted it has it, each according to its promise.
    Taken {
        /// Deliveries, local and remote, counted over the batch.
        outlets: u32,
    },
    /// Nobody wants it: accepted and counted.
    Unrouted,
    /// At least one outlet could not take it; the sender must not be told that it is safe.
    Failed(Failure),
}

/// Why an outlet could not take an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Refused for good, with the reason (too large for the target, undecodable...).
    Refused(String),
    /// There is no room for it now, with the place that is full; a later attempt may succeed.
    Full(String),
    /// It did not work this time, with the reason; worth another try, not earlier than `after`.
    Again {
        /// What went wrong.
        reason: String,
        /// What the other side asked for; zero when it asked for nothing.
        after: Duration,
    },
    /// The holder ended without an answer.
    Lost,
}

#[derive(Debug)]
struct Inner {
    pending: AtomicU32,
    taken: AtomicU32,
    failure: OnceLock<Failure>,
    done: Mutex<Option<(oneshot::Sender<Outcome>, Admission)>>,
}

impl Inner {
    fn release(&self) {
        if self.pending.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let Some((answer, admission)) = self.done.lock().expect("no panic while held").take() else { return };
        drop(admission);
        let outcome = match (self.failure.get(), self.taken.load(Ordering::Acquire)) {
            (Some(failure), _) => Outcome::Failed(failure.clone()),
            (None, 0) => Outcome::Unrouted,
            (None, outlets) => Outcome::Taken { outlets },
        };
        // The publisher may have given up waiting; the event is still where it was taken.
        let _ = answer.send(outcome);
    }
}

/// One outlet's duty to say what became of one event.
#[derive(Debug)]
pub struct Hold {
    inner: Option<Arc<Inner>>,
}

impl Hold {
    /// The event is where the outlet promised to bring it.
    pub fn done(self) {
        self.done_for(1);
    }

    /// The same for an outlet that stands for several destinations.
    pub fn done_for(mut self, destinations: u32) {
        if let Some(inner) = self.inner.take() {
            inner.taken.fetch_add(destinations, Ordering::AcqRel);
            inner.release();
        }
    }

    /// The event could not be brought there.
    pub fn fail(mut self, failure: Failure) {
        if let Some(inner) = self.inner.take() {
            let _ = inner.failure.set(failure);
            inner.release();
        }
    }

    /// Whether anybody still waits for the answer. What nobody waits for was answered with an error and need not be sent.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        let Some(inner) = &self.inner else { return false };
        inner.done.lock().expect("no panic while held").as_ref().is_some_and(|(answer, _)| !answer.is_closed())
    }

    /// Another duty for the same batch.
    #[must_use]
    pub fn split(&self) -> Self {
        let inner = self.inner.clone();
        if let Some(inner) = &inner {
            inner.pending.fetch_add(1, Ordering::AcqRel);
        }
        Self { inner }
    }

    /// Ends a duty that turned out to be none (nothing was routed).
    pub(super) fn nothing(mut self) {
        if let Some(inner) = self.inner.take() {
            inner.release();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            let _ = inner.failure.set(Failure::Lost);
            inner.release();
        }
    }
}

/// Completes once, with what became of the whole batch.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Outcome>);

impl Future for Receipt {
    type Output = Outcome;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Outcome::Failed(Failure::Lost)))
    }
}

/// What a sender that answers for its events itself waits for: one receipt for each destination that wants any of them.
#[derive(Debug)]
pub struct Passed(pub Vec<(DestinationId, Receipt)>);

impl Passed {
    /// Waits for all of them together.
    #[cfg(test)]
    pub(crate) async fn outcome(self) -> Outcome {
        let mut together = Outcome::Unrouted;
        for (_, receipt) in self.0 {
            together = match (together, receipt.await) {
                (Outcome::Failed(failure), _) => Outcome::Failed(failure),
                (Outcome::Taken { outlets }, Outcome::Taken { outlets: more }) => {
                    Outcome::Taken { outlets: outlets + more }
                }
                (taken, Outcome::Unrouted) => taken,
                (_, other) => other,
            };
        }
        together
    }
}

/// Where the duties of a batch come from.
#[derive(Debug)]
pub(super) enum Roots<'a> {
    /// Nobody waits.
    None,
    /// One receipt for all.
    One(&'a Hold),
    /// One for each destination.
    Each(&'a mut Vec<(DestinationId, Hold, Receipt)>),
}

impl Roots<'_> {
    /// A duty towards a destination.
    pub(super) fn split(&mut self, destination: DestinationId) -> Option<Hold> {
        match self {
            Self::None => None,
            Self::One(root) => Some(root.split()),
            Self::Each(roots) => {
                let known = roots.iter().position(|(of, ..)| *of == destination);
                let at = known.unwrap_or_else(|| {
                    let (root, receipt) = duty();
                    roots.push((destination, root, receipt));
                    roots.len() - 1
                });
                Some(roots[at].1.split())
            }
        }
    }
}

/// All duties are given out.
pub(super) fn passed(roots: Vec<(DestinationId, Hold, Receipt)>) -> Passed {
    let begun = |(destination, root, receipt): (DestinationId, Hold, Receipt)| {
        root.nothing();
        (destination, receipt)
    };
    Passed(roots.into_iter().map(begun).collect())
}

/// A duty outside of any publish, for somebody who gives events to an outlet by himself.
#[must_use]
pub fn duty() -> (Hold, Receipt) {
    receipt(Admission::free())
}

/// A receipt and the router's own first hold on it.
pub(super) fn receipt(admission: Admission) -> (Hold, Receipt) {
    let (answer, receipt) = oneshot::channel();
    let inner = Inner {
        pending: AtomicU32::new(1),
        taken: AtomicU32::new(0),
        failure: OnceLock::new(),
        done: Mutex::new(Some((answer, admission))),
    };
    (Hold { inner: Some(Arc::new(inner)) }, Receipt(receipt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::budget::Budget;
    use futures::FutureExt;

    fn fresh() -> (Budget, Hold, Receipt) {
        let budget = Budget::new(1000);
        let (hold, receipt) = receipt(budget.try_take(100).expect("room"));
        (budget, hold, receipt)
    }

    #[test]
    fn completes_with_the_last_holder_and_gives_the_bytes_back() {
        let (budget, root, mut receipt) = fresh();
        let (one, two) = (root.split(), root.split());
        root.nothing();
        one.done();
        assert_eq!((&mut receipt).now_or_never(), None);
        assert_eq!(budget.in_use(), 100);
        two.done_for(3);
        assert_eq!(receipt.now_or_never(), Some(Outcome::Taken { outlets: 4 }));
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn a_dropped_hold_is_a_loss_never_an_ack() {
        let (_budget, root, receipt) = fresh();
        let (one, two) = (root.split(), root.split());
        root.nothing();
        drop(one);
        two.done();
        assert_eq!(receipt.now_or_never(), Some(Outcome::Failed(Failure::Lost)));
    }

    #[test]
    fn nothing_routed_is_unrouted() {
        let (_budget, root, receipt) = fresh();
        root.nothing();
        assert_eq!(receipt.now_or_never(), Some(Outcome::Unrouted));
    }
}
