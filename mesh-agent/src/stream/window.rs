//! How much may be under way: on one lane beyond its mark, or to one destination on all lanes together.
//!
//! A window below what the link has under way leaves the link idle for a part of every round trip; one far above it only
//! fills queues in front of the link, and signs of life wait behind them. So a window follows the rate: twice
//! what is taken in one round trip of an idle link. It grows at once, by at most the double, while it is the window that
//! limits the rate, and stays when the link does; it shrinks slowly. Where the disk takes longer than the round trip, which
//! is so at short distances, the least is enough and nothing grows.

use std::time::Duration;

use super::Moment;

/// Rates over a shorter time say little.
const INTERVAL_MIN: Duration = Duration::from_millis(20);

/// See the module.
#[derive(Debug)]
pub(super) struct Window {
    least: u64,
    most: u64,
    bytes: u64,
    taken: u64,
    since: Option<Moment>,
}

impl Window {
    /// A window between these, in bytes.
    pub(super) fn new(least: u64, most: u64) -> Self {
        Self { least, most: most.max(least), bytes: least, taken: 0, since: None }
    }

    /// Bytes that have room.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// So many more bytes are in custody. `round_trip` is that of the link while nothing queues in front of it.
    pub(super) fn took(&mut self, now: Moment, bytes: u64, round_trip: Duration) {
        self.taken += bytes;
        let Some(since) = self.since else {
            // When that was sent is not known.
            (self.since, self.taken) = (Some(now), 0);
            return;
        };
        let interval = now.since(since);
        if interval < round_trip.max(INTERVAL_MIN) {
            return;
        }
        let wanted = u128::from(self.taken) * 2 * round_trip.as_micros() / interval.as_micros();
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
        let slowly = self.bytes - self.bytes / 8;
        self.bytes = wanted.max(slowly).min(self.bytes * 2).clamp(self.least, self.most);
        (self.since, self.taken) = (Some(now), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: u64 = 128 * 1024;
    const MOST: u64 = 4 * 1024 * 1024;

    /// The window after some seconds over a link: what is under way is taken within a round trip and the disk's time, as
    /// far as the link's rate allows.
    fn after_seconds(round_trip_ms: u64, disk_ms: u64, bits_per_second: u64) -> u64 {
        let mut window = Window::new(LEAST, MOST);
        let round_trip = Duration::from_millis(round_trip_ms);
        for step in 0..1_000 {
            let by_window = window.bytes() * 1_000 / (round_trip_ms + disk_ms);
            let bytes_per_second = by_window.min(bits_per_second / 8);
            window.took(Moment(step * 10_000), bytes_per_second / 100, round_trip);
        }
        window.bytes()
    }

    #[test]
    fn a_long_link_is_filled_and_no_more_than_twice() {
        for (megabits, round_trip_ms) in [(20, 80), (100, 80), (50, 200), (20, 300)] {
            let under_way = megabits * 1_000 / 8 * round_trip_ms;
            let bytes = after_seconds(round_trip_ms, 25, megabits * 1_000_000);
            assert!(bytes >= under_way * 19 / 10 && bytes <= under_way * 2, "{bytes} for {under_way} under way");
        }
    }

    #[test]
    fn a_short_link_keeps_the_least_and_a_giant_one_has_a_bound() {
        assert_eq!(after_seconds(1, 10, 10_000_000_000), LEAST);
        assert_eq!(after_seconds(200, 10, 10_000_000_000), MOST);
    }

    #[test]
    fn it_shrinks_slowly_when_less_is_sent() {
        let mut window = Window::new(1_000, MOST);
        let round_trip = Duration::from_millis(100);
        let mut now = 0;
        let mut pass = |window: &mut Window, bytes| {
            now += 100_000;
            window.took(Moment(now), bytes, round_trip);
            window.bytes()
        };
        assert_eq!(pass(&mut window, 1_000), 1_000, "the first says nothing about the rate");
        assert_eq!(pass(&mut window, 1_000), 2_000);
        assert_eq!(pass(&mut window, 2_000), 4_000);
        assert_eq!(pass(&mut window, 100), 3_500);
        assert_eq!(pass(&mut window, 2_000), 4_000);
        for _ in 0..20 {
            pass(&mut window, 0);
        }
        assert_eq!(window.bytes(), 1_000);
    }
}
