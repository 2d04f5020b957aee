//! Wakes one connection for a reason that is remembered until it looks.
//!
//! One word instead of one channel per reason: an idle connection costs no memory for them, and a burst of events wakes
//! its writer once.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// Reasons to wake; several may come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reasons(u8);

impl Reasons {
    /// There is something to send.
    pub(super) const OUTBOX: Self = Self(1);
    /// Rights may have changed.
    pub(super) const POLICY: Self = Self(2);
    /// The listener stops.
    pub(super) const STOP: Self = Self(4);
    /// The same client connected again.
    pub(super) const TAKEN_OVER: Self = Self(8);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[derive(Debug, Default)]
pub(super) struct Signals {
    raised: AtomicU8,
    notify: Notify,
}

impl Signals {
    /// Wakes the connection, unless it was already woken for this reason.
    pub(super) fn raise(&self, reason: Reasons) {
        if self.raised.fetch_or(reason.0, Ordering::AcqRel) & reason.0 == 0 {
            self.notify.notify_one();
        }
    }

    /// Waits for a reason and forgets it. Cancel-safe: what was raised stays until it is returned.
    pub(super) async fn wait(&self) -> Reasons {
        // A subscriber that always has more to send must let others of its thread in between.
        tokio::task::consume_budget().await;
        loop {
            let raised = self.raised.swap(0, Ordering::AcqRel);
            if raised != 0 {
                return Reasons(raised);
            }
            self.notify.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn reasons_raised_before_the_wait_come_together() {
        let signals = Signals::default();
        signals.raise(Reasons::OUTBOX);
        signals.raise(Reasons::OUTBOX);
        signals.raise(Reasons::STOP);
        let reasons = signals.wait().await;
        assert!(reasons.has(Reasons::OUTBOX) && reasons.has(Reasons::STOP) && !reasons.has(Reasons::POLICY));
        assert!(signals.wait().now_or_never().is_none());
    }
}
