//! How drift went: how many findings there were, once an hour.
//!
//! Findings are worked out anew for whoever asks and kept nowhere, so how many there were has to be written down while they
//! are there. Hours are those of UTC.

/// One hour, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// One day, in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// Counts older than this are forgotten, in milliseconds.
pub const KEPT_MS: i64 = DAYS_MAX * DAY_MS;
/// Most days that a trend is told of.
pub const DAYS_MAX: i64 = 90;
/// Of so many days each hour is told; of more the last hour of each day.
const HOURLY_DAYS: i64 = 7;

/// How many findings there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// The beginning of the hour, milliseconds since the Unix epoch.
    pub hour_ms: i64,
    /// Open: they differ in part.
    pub partial: u64,
    /// Open: meant and not seen.
    pub design_only: u64,
    /// Open: seen and not meant.
    pub runtime_only: u64,
    /// What agrees.
    pub matching: u64,
    /// What differs and is ignored.
    pub ignored: u64,
}

impl Count {
    /// All that differ and are not ignored.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.partial.saturating_add(self.design_only).saturating_add(self.runtime_only)
    }
}

/// The beginning of the hour of a moment.
#[must_use]
pub const fn hour_of(at_ms: i64) -> i64 {
    at_ms - at_ms.rem_euclid(HOUR_MS)
}

/// The count of a week ago, oldest counts first; none = nobody counted then, nor on the day before.
#[must_use]
pub fn week_ago(counts: &[Count], now_ms: i64) -> Option<&Count> {
    let at_ms = now_ms - 7 * DAY_MS;
    counts.iter().rev().find(|count| count.hour_ms <= at_ms).filter(|count| count.hour_ms > at_ms - DAY_MS)
}

/// The counts of the last days as they are shown, oldest first.
#[must_use]
pub fn shown(counts: &[Count], days: i64, now_ms: i64) -> Vec<Count> {
    let days = days.clamp(1, DAYS_MAX);
    let recent = counts.iter().filter(|count| count.hour_ms > now_ms - days * DAY_MS);
    let mut shown: Vec<Count> = Vec::new();
    for count in recent {
        let day = |count: &Count| count.hour_ms.div_euclid(DAY_MS);
        if days > HOURLY_DAYS && shown.last().is_some_and(|last| day(last) == day(count)) {
            shown.pop();
        }
        shown.push(*count);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(hour: i64, partial: u64) -> Count {
        Count { hour_ms: hour * HOUR_MS, partial, design_only: 1, ..Count::default() }
    }

    #[test]
    fn an_hour_begins_at_its_beginning() {
        assert_eq!((hour_of(0), hour_of(HOUR_MS - 1), hour_of(HOUR_MS), hour_of(-1)), (0, 0, HOUR_MS, -HOUR_MS));
        assert_eq!(count(1, 4).open(), 5);
    }

    #[test]
    fn a_week_ago_is_what_was_counted_last_by_then_but_not_long_before() {
        let now_ms = 1_000 * HOUR_MS + 7;
        let then = 1_000 - 7 * 24;
        let counts = [count(then - 30, 1), count(then - 2, 2), count(then + 1, 3), count(1_000, 4)];
        assert_eq!(week_ago(&counts, now_ms), Some(&counts[1]));
        assert_eq!(week_ago(&counts[2..], now_ms), None, "nobody counted yet");
        assert_eq!(week_ago(&[counts[0], counts[3]], now_ms), None, "what is older says nothing of a week ago");
    }

    #[test]
    fn few_days_are_told_by_hours_and_many_by_days() {
        let now_ms = 100 * DAY_MS + 5 * HOUR_MS;
        let hours: Vec<Count> = (0..=100 * 24 + 5).map(|hour| count(hour, 1)).collect();
        assert_eq!(shown(&hours, 1, now_ms).len(), 24);
        assert_eq!(shown(&hours, 7, now_ms).len(), 7 * 24);
        let month = shown(&hours, 30, now_ms);
        assert_eq!(month.len(), 31, "the first and the last day are parts of one");
        assert_eq!(month.last(), hours.last(), "of today the newest");
        assert_eq!(month[0].hour_ms, 71 * DAY_MS - HOUR_MS, "of another day its last");
        assert_eq!(shown(&hours, 9_999, now_ms).len(), 91);
        assert!(shown(&[], 7, now_ms).is_empty());
    }
}
