//! What may pass now: a token bucket without a lock.
//!
//! Tokens are millionths of an event or byte, so that a small part of a small quota is still a rate. Whoever takes first
//! fills up for the time that passed. The time is the caller's, in microseconds from an arbitrary beginning.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Tokens of one event or byte.
pub(super) const UNIT: u64 = 1_000_000;
/// The rate of a bucket that limits nothing.
const UNLIMITED: u64 = u64::MAX;
/// Filled up at most this often, in microseconds.
const FILL_EVERY_US: u64 = 500;
/// The longest wait that is told.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3_600);

/// See the module.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Tokens a second.
    rate: AtomicU64,
    /// Most tokens.
    room: AtomicI64,
    /// Below nothing while what was larger than the whole room is paid for.
    tokens: AtomicI64,
    filled_at: AtomicU64,
}

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// There will be enough after this, if nobody else takes it.
    For(Duration),
    /// It is more than there ever is at once.
    Ever {
        /// The most there is.
        most: u64,
    },
}

impl Bucket {
    /// One that limits nothing.
    pub(super) fn unlimited() -> Self {
        Self {
            rate: AtomicU64::new(UNLIMITED),
            room: AtomicI64::new(0),
            tokens: AtomicI64::new(0),
            filled_at: AtomicU64::new(0),
        }
    }

    /// Limits nothing from now on.
    pub(super) fn release(&self) {
        self.rate.store(UNLIMITED, Ordering::Relaxed);
    }

    /// Limits to this rate (in tokens a second) from now on. What is beyond the new room is gone; what is not there yet
    /// comes at the new rate. A bucket that limited nothing before begins full.
    pub(super) fn limit(&self, rate: u64, burst_s: u32, now_us: u64) {
        let before = self.rate.load(Ordering::Relaxed);
        let rate = rate.min(UNLIMITED - 1);
        let whole = u128::from(rate) * u128::from(burst_s);
        let room = i64::try_from(whole).unwrap_or(i64::MAX).max(if rate == 0 { 0 } else { whole_units(1) });
        if before == UNLIMITED {
            self.filled_at.store(now_us, Ordering::Relaxed);
            self.tokens.store(room, Ordering::Relaxed);
        } else {
            self.fill(before, now_us);
        }
        self.room.store(room, Ordering::Relaxed);
        self.rate.store(rate, Ordering::Relaxed);
        self.tokens.fetch_min(room, Ordering::Relaxed);
    }

    /// Takes so many events or bytes. `single`: one event, which may take the whole room and leave a debt when it is larger.
    pub(super) fn take(&self, amount: u64, single: bool, now_us: u64) -> Result<(), Short> {
        let rate = self.rate.load(Ordering::Relaxed);
        if rate == UNLIMITED || amount == 0 {
            return Ok(());
        }
        self.fill(rate, now_us);
        let (cost, room) = (whole_units(amount), self.room.load(Ordering::Relaxed));
        if cost > room && !single {
            return Err(Short::Ever { most: u64::try_from(room).unwrap_or(0) / UNIT });
        }
        let enough = cost.min(room);
        let mut tokens = self.tokens.load(Ordering::Relaxed);
        loop {
            if tokens < enough || rate == 0 {
                return Err(Short::For(wait(enough.saturating_sub(tokens), rate)));
            }
            let left = tokens.saturating_sub(cost);
            match self.tokens.compare_exchange_weak(tokens, left, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => tokens = now,
            }
        }
    }

    /// Gives back what was taken and not used.
    pub(super) fn give_back(&self, amount: u64) {
        if self.rate.load(Ordering::Relaxed) != UNLIMITED {
            self.tokens.fetch_add(whole_units(amount), Ordering::Relaxed);
            self.tokens.fetch_min(self.room.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Whole events or bytes that are there.
    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.tokens.load(Ordering::Relaxed)).unwrap_or(0) / UNIT
    }

    fn fill(&self, rate: u64, now_us: u64) {
        let filled_at = self.filled_at.load(Ordering::Relaxed);
        let passed = now_us.saturating_sub(filled_at);
        let come = u128::from(rate) * u128::from(passed) / 1_000_000;
        // Too little for a whole token: the time is not over yet.
        if passed < FILL_EVERY_US || come == 0 {
            return;
        }
        if self.filled_at.compare_exchange(filled_at, now_us, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let (come, room) = (i64::try_from(come).unwrap_or(i64::MAX), self.room.load(Ordering::Relaxed));
        let filled = |tokens: i64| Some(tokens.saturating_add(come).min(room));
        let _always = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, filled);
    }
}

fn whole_units(amount: u64) -> i64 {
    i64::try_from(amount.saturating_mul(UNIT)).unwrap_or(i64::MAX)
}

fn wait(missing: i64, rate: u64) -> Duration {
    if rate == 0 {
        return WAIT_MAX;
    }
    let us = u128::from(missing.max(1).unsigned_abs()) * 1_000_000 / u128::from(rate) + 1;
    u64::try_from(us).map_or(WAIT_MAX, Duration::from_micros).clamp(Duration::from_millis(1), WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn limited(rate: u64, burst_s: u32) -> Bucket {
        let bucket = Bucket::unlimited();
        bucket.limit(rate * UNIT, burst_s, 0);
        bucket
    }

    /// How many single events pass at once.
    fn passes(bucket: &Bucket, now_us: u64) -> usize {
        std::iter::from_fn(|| bucket.take(1, true, now_us).ok()).count()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let bucket = limited(10, 2);
        assert_eq!(passes(&bucket, 0), 20);
        assert_eq!(passes(&bucket, S / 2), 5);
        assert_eq!(bucket.take(1, true, S / 2), Err(Short::For(Duration::from_micros(100_001))));
        assert_eq!(passes(&bucket, 100 * S), 20, "a long pause is worth no more than the burst");
    }

    #[test]
    fn what_is_larger_than_the_room_takes_all_of_it_and_is_paid_for_after() {
        let bucket = limited(100, 1);
        assert_eq!(bucket.take(350, true, 0), Ok(()));
        assert!(matches!(bucket.take(1, true, S), Err(Short::For(wait)) if wait > Duration::from_millis(1_500)));
        assert_eq!(bucket.take(1, true, 3 * S), Ok(()));
        assert_eq!(bucket.take(101, false, 10 * S), Err(Short::Ever { most: 100 }), "a batch can be made smaller");
    }

    #[test]
    fn a_lower_rate_takes_the_excess_and_a_higher_one_gives_nothing_at_once() {
        let bucket = limited(100, 1);
        bucket.limit(2 * UNIT, 1, 0);
        bucket.limit(100 * UNIT, 1, 0);
        assert_eq!(passes(&bucket, 0), 2);
        assert_eq!(passes(&bucket, S / 10), 10);
        bucket.limit(0, 1, S);
        assert_eq!(bucket.take(1, true, 9 * S), Err(Short::For(WAIT_MAX)));
        bucket.release();
        assert_eq!(bucket.take(1 << 40, false, 9 * S), Ok(()));
    }

    #[test]
    fn a_small_part_of_a_small_quota_is_still_a_rate() {
        let bucket = limited(1, 1);
        bucket.limit(UNIT / 100, 1, 0);
        assert_eq!(passes(&bucket, 0), 1, "one event may always come after a pause");
        let passed: usize = (0..200_000).map(|ms| passes(&bucket, ms * 1_000)).sum();
        assert!((1..=3).contains(&passed), "{passed}");
    }

    #[test]
    fn many_threads_take_no_more_than_there_is() {
        let bucket = limited(1_000, 1);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| passes(&bucket, 0))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(taken, 1_000);
    }
}
