//! How much may be under way to one destination, all lanes together.
//!
//! Credit says what the destination has room for, not what the way there can hold: queues between the two drop what is too
//! much, and everything behind a hole waits for it. So the bound is found as TCP finds it: it grows with what arrives while
//! it is the bound that limits, and gives way by a third when something was lost, at most once in a round trip.

use std::time::Duration;

use super::Moment;

/// At the beginning: below what the queue in front of a link holds.
const FIRST_BYTES: u64 = 512 * 1024;
const LEAST_BYTES: u64 = 128 * 1024;
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Gained in a round trip once the bound has been found.
const STEP_BYTES: u64 = 64 * 1024;
/// A loss is not counted twice within this.
const CALM_MIN: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug)]
pub(super) struct Flight {
    bytes_max: u64,
    limits: bool,
    found: bool,
    lost: bool,
    gave_way_at: Option<Moment>,
}

impl Default for Flight {
    fn default() -> Self {
        Self { bytes_max: FIRST_BYTES, limits: false, found: false, lost: false, gave_way_at: None }
    }
}

impl Flight {
    /// Whether so many more bytes may go.
    pub(super) fn allows(&mut self, under_way: u64, bytes: u64) -> bool {
        let allows = under_way + bytes <= self.bytes_max;
        self.limits |= !allows;
        allows
    }

    /// So many bytes have arrived for good.
    pub(super) fn freed(&mut self, bytes: u64) {
        if self.limits && bytes > 0 {
            let gain = if self.found { (bytes * STEP_BYTES / self.bytes_max).max(1) } else { bytes };
            self.bytes_max = (self.bytes_max + gain).min(MOST_BYTES);
            self.limits = false;
        }
    }

    /// The destination misses something.
    pub(super) fn lost(&mut self) {
        self.lost = true;
    }

    /// Gives way when something was lost since the last time.
    pub(super) fn give_way(&mut self, now: Moment, round_trip: Duration) {
        if !std::mem::take(&mut self.lost) {
            return;
        }
        let calm = round_trip.max(CALM_MIN);
        if self.gave_way_at.is_none_or(|at| now.since(at) > calm) {
            self.bytes_max = (self.bytes_max - self.bytes_max / 3).max(LEAST_BYTES);
            (self.found, self.gave_way_at) = (true, Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(80);

    /// Sends as much as it may over a way that holds so many bytes and drops the rest; the part of the round trips in which
    /// the way was at least so full.
    fn filled(holds: u64, at_least: u64) -> f64 {
        let mut flight = Flight::default();
        let mut full = 0_u32;
        for turn in 0..1_000_u64 {
            let mut under_way = 0;
            while flight.allows(under_way, 8_192) {
                under_way += 8_192;
            }
            if under_way > holds {
                flight.lost();
            }
            full += u32::from(under_way >= at_least);
            flight.freed(under_way.min(holds));
            flight.give_way(Moment(turn * 200_000), ROUND_TRIP);
        }
        f64::from(full) / 1_000.0
    }

    #[test]
    fn it_finds_what_the_way_holds_and_stays_near_it() {
        assert!(filled(2_000_000, 1_300_000) > 0.95);
        assert!(filled(8_000_000, 5_000_000) > 0.95);
    }

    #[test]
    fn it_does_not_grow_while_something_else_limits() {
        let mut flight = Flight::default();
        for _ in 0..100 {
            assert!(flight.allows(100_000, 8_192));
            flight.freed(100_000);
        }
        assert_eq!(flight.bytes_max, FIRST_BYTES);
    }

    #[test]
    fn it_gives_way_once_in_a_round_trip_and_not_to_nothing() {
        let mut flight = Flight::default();
        flight.lost();
        flight.give_way(Moment(1_000_000), ROUND_TRIP);
        let after = flight.bytes_max;
        assert_eq!(after, FIRST_BYTES - FIRST_BYTES / 3);
        flight.lost();
        flight.give_way(Moment(1_050_000), ROUND_TRIP);
        flight.give_way(Moment(2_000_000), ROUND_TRIP);
        assert_eq!(flight.bytes_max, after, "the second was the first one's");
        for second in 3..100 {
            flight.lost();
            flight.give_way(Moment(second * 1_000_000), ROUND_TRIP);
        }
        assert_eq!(flight.bytes_max, LEAST_BYTES);
    }
}
