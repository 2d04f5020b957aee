//! The running process's clock for the state machines.

use std::time::Instant;

use super::Moment;

/// Monotonic, from its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How far it has come; never zero, which means "never" in the state machines.
    #[must_use]
    pub fn now(self) -> Moment {
        #[cfg(test)]
        if let Some(now) = crate::simulation::time::monotonic() {
            return now;
        }
        Moment(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1))
    }

    /// The instant of a moment, to wait for it.
    #[must_use]
    pub fn instant(self, moment: Moment) -> Instant {
        self.0 + std::time::Duration::from_micros(moment.0)
    }
}
