//! How much may be under way to one destination, all lanes together.
//!
//! Credit says what the destination has room for, not what the way there can hold: queues between the two drop what is too
//! much, and whatever is behind a hole waits for it. So there is a window for all lanes as there is for each. Where even its
//! least is more than the way holds, which shows by losses, the least becomes less, by a third at most once in a round trip,
//! and more again step by step.

use std::time::Duration;

use super::super::Moment;
use super::super::window::Window;

/// What the queues in front of a link hold in any case.
const USUAL_BYTES: u64 = 1024 * 1024;
/// Where losses bring it at worst: some frames.
const LEAST_BYTES: u64 = 128 * 1024;
/// 2 Gbit/s over half of the world.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// Gained in each [`RECOVERY`] without a loss.
const STEP_BYTES: u64 = 64 * 1024;
const RECOVERY: Duration = Duration::from_secs(1);
/// A loss is not counted twice within this, or a round trip.
const CALM_MIN: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug)]
pub(super) struct Flight {
    window: Window,
    least: u64,
    changed_at: Option<Moment>,
}

impl Default for Flight {
    fn default() -> Self {
        Self { window: Window::new(USUAL_BYTES, MOST_BYTES), least: USUAL_BYTES, changed_at: None }
    }
}

impl Flight {
    /// Whether so many more bytes may go. One event always may.
    pub(super) fn allows(&self, under_way: u64, bytes: u64) -> bool {
        under_way == 0 || under_way + bytes <= self.window.bytes()
    }

    /// So many bytes are in custody. `round_trip` is that of the way while nothing queues on it.
    pub(super) fn landed(&mut self, now: Moment, bytes: u64, round_trip: Duration) {
        if self.least < USUAL_BYTES && self.changed_at.is_none_or(|at| now.since(at) >= RECOVERY) {
            self.least = (self.least + STEP_BYTES).min(USUAL_BYTES);
            self.changed_at = Some(now);
            self.window.set_least(self.least);
        }
        self.window.took(now, bytes, round_trip);
    }

    /// The destination misses something.
    pub(super) fn lost(&mut self, now: Moment, round_trip: Duration) {
        if self.changed_at.is_some_and(|at| now.since(at) <= round_trip.max(CALM_MIN)) {
            return;
        }
        self.least = (self.least - self.least / 3).max(LEAST_BYTES);
        self.changed_at = Some(now);
        self.window.set_least(self.least);
        self.window.give_way();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(80);

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000)
    }

    #[test]
    fn it_gives_way_once_in_a_round_trip_and_not_to_nothing() {
        let mut flight = Flight::default();
        assert!(flight.allows(USUAL_BYTES - 1, 1) && !flight.allows(USUAL_BYTES, 1));
        flight.lost(at(1_000), ROUND_TRIP);
        let after = USUAL_BYTES - USUAL_BYTES / 3;
        assert!(flight.allows(after - 1, 1) && !flight.allows(after, 1));
        flight.lost(at(1_090), ROUND_TRIP);
        assert!(flight.allows(after - 1, 1), "the second was the first one's");
        for second in 2..100 {
            flight.lost(at(second * 1_000), ROUND_TRIP);
        }
        assert!(flight.allows(LEAST_BYTES - 1, 1) && !flight.allows(LEAST_BYTES, 1));
        assert!(flight.allows(0, 10 * USUAL_BYTES), "a single event may always go");
    }

    #[test]
    fn it_comes_back_when_nothing_is_lost_any_more() {
        let mut flight = Flight::default();
        (1..30).for_each(|second| flight.lost(at(second * 1_000), ROUND_TRIP));
        (30..100).for_each(|second| flight.landed(at(second * 1_000), 1, ROUND_TRIP));
        assert!(flight.allows(USUAL_BYTES - 1, 1) && !flight.allows(USUAL_BYTES, 1));
    }

    #[test]
    fn a_long_link_gets_what_it_has_under_way() {
        let mut flight = Flight::default();
        // 200 Mbit/s are 2 MB in a round trip.
        (0..500).for_each(|step| flight.landed(at(step * 10), 250_000, ROUND_TRIP));
        assert!(flight.allows(3_500_000, 1) && !flight.allows(4_500_000, 1));
    }
}
