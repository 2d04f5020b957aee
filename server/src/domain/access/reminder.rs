//! When somebody is reminded of a request that waits for them, and told that access will end. Pure: it is asked with the time.
//!
//! ```text
//! a request waits ---- 2 days ---> reminded ---- 2 days ---> reminded ... five times at most, then no more
//! a grant ends    14 days, 3 days and 1 day before; what was given for less is told of from the next of them on
//! ```
//! A wait begins anew with everything that is said to a request, and a grant that is renewed has another end: then the count
//! begins anew, too. What was told is a row ([`Reminder`]), so that restarts and several portals tell it once.

use serde::{Deserialize, Serialize};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A request waits so long, in milliseconds, before somebody is reminded, and then again each time.
pub const WAIT_MS: i64 = 2 * DAY_MS;
/// How often somebody is reminded of the same wait, at most: who has not acted by then will not for a sixth.
pub const TIMES_MAX: u32 = 5;
/// How many days before its end access is told of, the earliest first.
pub const DAYS_BEFORE: [i64; 3] = [14, 3, 1];

/// The same in milliseconds.
pub const BEFORE_MS: [i64; 3] = [DAYS_BEFORE[0] * DAY_MS, DAYS_BEFORE[1] * DAY_MS, DAYS_BEFORE[2] * DAY_MS];

/// What somebody is reminded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A request waits for a decision.
    Decision,
    /// A request waits for an answer of who asked.
    Answer,
    /// A grant will end.
    End,
}

/// What was told last about something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// The beginning of the wait, or the end of the grant, in milliseconds since the Unix epoch: another one counts anew.
    pub since_ms: i64,
    /// How many times.
    pub count: u32,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Which reminder of a wait is due now, counted from one; none = it is too early, or there were enough.
#[must_use]
pub fn due_wait(since_ms: i64, last: Option<Reminder>, now_ms: i64) -> Option<u32> {
    let last = last.filter(|last| last.since_ms == since_ms);
    let (count, from_ms) = last.map_or((0, since_ms), |last| (last.count, last.at_ms));
    (count < TIMES_MAX && now_ms.saturating_sub(from_ms) >= WAIT_MS).then_some(count + 1)
}

/// Which notice of an end is due now, counted from one by [`DAYS_BEFORE`]; none = it is too early, it was told, or it is over.
/// What lies before the grant was given is left out: who asked for three days knows that it ends in three.
#[must_use]
pub fn due_end(until_ms: i64, given_ms: i64, last: Option<Reminder>, now_ms: i64) -> Option<u32> {
    if now_ms >= until_ms {
        return None;
    }
    let told = last.filter(|last| last.since_ms == until_ms).map_or(0, |last| last.count);
    let is_reached = |before_ms: &i64| {
        let at_ms = until_ms.saturating_sub(*before_ms);
        at_ms <= now_ms && at_ms > given_ms
    };
    let latest = BEFORE_MS.iter().rposition(is_reached)?;
    let which = u32::try_from(latest).unwrap_or(u32::MAX).saturating_add(1);
    (which > told).then_some(which)
}

/// A span of time in whole days or hours, for people.
#[must_use]
pub fn span(ms: i64) -> String {
    let (days, hours) = (ms / DAY_MS, ms / (DAY_MS / 24));
    match (days, hours) {
        (2.., _) => format!("{days} days"),
        (_, 2..) => format!("{hours} hours"),
        (_, 1) => "an hour".to_owned(),
        _ => "less than an hour".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(since_ms: i64, count: u32, at_ms: i64) -> Option<Reminder> {
        Some(Reminder { since_ms, count, at_ms })
    }

    #[test]
    fn who_waits_is_reminded_for_every_two_days_and_five_times_at_most() {
        let mut last = None;
        let mut at = Vec::new();
        for hour in 0..40 * 24 {
            let now_ms = 1_000 + hour * DAY_MS / 24;
            if let Some(count) = due_wait(1_000, last, now_ms) {
                last = told(1_000, count, now_ms);
                at.push(hour / 24);
            }
        }
        assert_eq!(at, [2, 4, 6, 8, 10]);
    }

    #[test]
    fn a_wait_that_begins_anew_is_counted_anew() {
        assert_eq!(due_wait(0, told(0, 5, 10 * DAY_MS), 100 * DAY_MS), None, "there were enough");
        assert_eq!(due_wait(DAY_MS, told(0, 5, 10 * DAY_MS), 2 * DAY_MS), None, "too early");
        assert_eq!(due_wait(DAY_MS, told(0, 5, 10 * DAY_MS), 3 * DAY_MS), Some(1));
    }

    #[test]
    fn an_end_is_told_of_once_at_each_of_three_days_before() {
        let until = 100 * DAY_MS;
        let mut last = None;
        let mut at = Vec::new();
        for hour in 0..101 * 24 {
            let now_ms = hour * DAY_MS / 24;
            if let Some(count) = due_end(until, 0, last, now_ms) {
                last = told(until, count, now_ms);
                at.push(hour / 24);
            }
        }
        assert_eq!(at, [86, 97, 99]);
    }

    #[test]
    fn what_was_given_for_less_is_told_of_from_the_next_day_on() {
        let until = 10 * DAY_MS;
        assert_eq!(due_end(until, 0, None, DAY_MS), None, "ten days: the fourteenth before lies behind");
        assert_eq!(due_end(until, 0, None, 7 * DAY_MS), Some(2));
        assert_eq!(due_end(until, 0, None, 9 * DAY_MS), Some(3), "what was missed is not made up for");
        assert_eq!(due_end(until, 0, told(until, 3, 0), 9 * DAY_MS), None);
        assert_eq!(due_end(until, 0, told(until / 2, 3, 0), 9 * DAY_MS), Some(3), "it was renewed");
        assert_eq!(due_end(DAY_MS / 2, 0, None, DAY_MS / 4), None, "half a day: nobody is told");
        assert_eq!(due_end(until, 0, None, until), None, "it is over");
    }

    #[test]
    fn spans_are_told_in_words() {
        for (ms, words) in
            [(3 * DAY_MS, "3 days"), (DAY_MS, "24 hours"), (DAY_MS / 24, "an hour"), (5, "less than an hour")]
        {
            assert_eq!(span(ms), words);
        }
    }
}
