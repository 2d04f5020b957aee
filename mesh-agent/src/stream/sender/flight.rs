//! How much may be under way to one destination, all lanes together.
//!
//! Credit says what the destination has room for, not what the way there can hold: queues between the two drop what is too
//! much, and whatever is behind a hole waits for it. So there are two bounds for all lanes. One follows rate and distance, as
//! that of each lane does, so that no long queue builds up in front of a link. The other is found as TCP finds its own: it
//! grows with what lands while it limits, and gives way by a third when something was lost, at most once in a round trip.

use std::time::Duration;

use super::super::Moment;
use super::super::window::Window;

/// What the queues in front of a link hold in any case.
const USUAL_BYTES: u64 = 1024 * 1024;
/// At the beginning.
const FIRST_BYTES: u64 = 512 * 1024;
/// Where losses bring it at worst: some frames.
const LEAST_BYTES: u64 = 128 * 1024;
/// 2 Gbit/s over half of the world.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// Gained in a round trip once the bound has been found: a frame.
const STEP_BYTES: u64 = 64 * 1024;
/// A loss is not counted twice within this, or a round trip.
const CALM_MIN: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug)]
pub(super) struct Flight {
    window: Window,
    bound: u64,
    /// The bound has held something back since it changed.
    limits: bool,
    found: bool,
    gave_way_at: Option<Moment>,
}

impl Default for Flight {
    fn default() -> Self {
        let window = Window::new(USUAL_BYTES, MOST_BYTES);
        Self { window, bound: FIRST_BYTES, limits: false, found: false, gave_way_at: None }
    }
}

impl Flight {
    /// Whether so many more bytes may go. One event always may.
    pub(super) fn allows(&mut self, under_way: u64, bytes: u64) -> bool {
        let is_below = under_way + bytes <= self.bound;
        self.limits |= !is_below;
        under_way == 0 || (is_below && under_way + bytes <= self.window.bytes())
    }

    /// So many bytes are in custody. `round_trip` is that of the way while nothing queues on it.
    pub(super) fn landed(&mut self, now: Moment, bytes: u64, round_trip: Duration) {
        self.window.took(now, bytes, round_trip);
        if self.limits && bytes > 0 {
            let gain = if self.found { (bytes * STEP_BYTES / self.bound).max(1) } else { bytes };
            self.bound = (self.bound + gain).min(MOST_BYTES);
            self.limits = false;
        }
    }

    /// The destination misses something.
    pub(super) fn lost(&mut self, now: Moment, round_trip: Duration) {
        if self.gave_way_at.is_some_and(|at| now.since(at) <= round_trip.max(CALM_MIN)) {
            return;
        }
        let in_force = self.bound.min(self.window.bytes());
        self.bound = (in_force - in_force / 3).max(LEAST_BYTES);
        (self.found, self.gave_way_at) = (true, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(80);
    const TURN_MS: u64 = 110;

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000)
    }

    /// Sends as much as it may over a way that holds so many bytes and drops the rest; the part of the turns in which the way
    /// was at least so full.
    fn filled(holds: u64, at_least: u64) -> f64 {
        let mut flight = Flight::default();
        let mut full = 0_u32;
        for turn in 0..1_000_u64 {
            let mut under_way = 0;
            while flight.allows(under_way, 8_192) {
                under_way += 8_192;
            }
            if under_way > holds {
                flight.lost(at(turn * TURN_MS), ROUND_TRIP);
            }
            full += u32::from(under_way >= at_least);
            flight.landed(at(turn * TURN_MS), under_way.min(holds), ROUND_TRIP);
        }
        f64::from(full) / 1_000.0
    }

    #[test]
    fn it_finds_what_the_way_holds_and_stays_near_it() {
        assert!(filled(800_000, 500_000) > 0.95);
        assert!(filled(3_000_000, 1_900_000) > 0.95);
    }

    #[test]
    fn it_gives_way_once_in_a_round_trip_and_not_to_nothing() {
        let mut flight = Flight::default();
        assert!(flight.allows(FIRST_BYTES - 1, 1) && !flight.allows(FIRST_BYTES, 1));
        flight.lost(at(1_000), ROUND_TRIP);
        let after = FIRST_BYTES - FIRST_BYTES / 3;
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
    fn no_long_queue_builds_up_where_nothing_is_lost() {
        let mut flight = Flight::default();
        for step in 0..1_000 {
            assert!(!flight.allows(MOST_BYTES, 1), "so much wants to go");
            // 200 Mbit/s are 2 MB in a round trip.
            flight.landed(at(step * 10), 250_000, ROUND_TRIP);
        }
        assert!(flight.allows(3_500_000, 1) && !flight.allows(4_500_000, 1));
    }
}
