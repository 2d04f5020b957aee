//! Time as a simulation has it, for everything that the thread runs.

use std::cell::Cell;

use crate::stream::Moment;

thread_local! {
    static NOW: Cell<Option<(Moment, i64)>> = const { Cell::new(None) };
}

/// Real time again when this is dropped.
#[derive(Debug)]
pub(crate) struct Simulated(());

impl Simulated {
    /// Time stands still until it is [`set`].
    pub(crate) fn begin() -> Self {
        set(Moment(1), 0);
        Self(())
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        NOW.set(None);
    }
}

/// It is now so late, by the monotonic and by the wall clock of whoever is looked at.
pub(crate) fn set(now: Moment, wall_ms: i64) {
    NOW.set(Some((now, wall_ms)));
}

/// None in real time.
pub(crate) fn monotonic() -> Option<Moment> {
    NOW.get().map(|(now, _)| now)
}

/// None in real time.
pub(crate) fn wall_ms() -> Option<i64> {
    NOW.get().map(|(_, wall_ms)| wall_ms)
}
