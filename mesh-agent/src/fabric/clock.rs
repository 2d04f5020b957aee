//! The running process's clock for the state machines.

use std::time::Instant;

use crate::stream::Moment;

/// Monotonic, from the fabric's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Moment {
        // Not zero: a moment of zero means "never" in the state machines.
        Moment(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1))
    }
}
