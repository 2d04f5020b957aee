//! What was used of grants, and what that is worth.
//!
//! Money is whole millionths of a currency's unit, and all of it is integer arithmetic: what is added up here is what a
//! person with the same numbers adds up. A price per event or per gibibyte speaks of what was published and received
//! together; a price per month is spread over the month's time, so that its days come to exactly the month.

use mesh_protocol::id::GrantId;
use time::{Date, Month, OffsetDateTime, Time};

use super::product::plan::{Per, Price};

/// An hour.
pub const HOUR_MS: i64 = 3_600_000;
/// A day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// How long hours are kept.
pub const HOURS_KEPT_MS: i64 = 40 * DAY_MS;
/// How long days are kept.
pub const DAYS_KEPT_MS: i64 = 731 * DAY_MS;
/// What payload prices are for.
const GIBIBYTE: u128 = 1 << 30;
/// Millionths of a unit.
const MILLION: u128 = 1_000_000;

/// Totals of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events.
    pub events: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Events beyond the quota: refused, or not delivered.
    pub refused_events: u64,
}

/// Use of one grant in one hour or day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Which grant.
    pub grant: GrantId,
    /// Beginning of the hour or day (UTC), milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// Into the mesh.
    pub published: Totals,
    /// Out of it.
    pub received: Totals,
}

/// What the list of use knows of a grant beside its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it is called.
    pub name: String,
    /// Its plan's price; none = free.
    pub price: Option<Price>,
    /// Since when it is in force.
    pub since_ms: i64,
    /// Until when; none = still.
    pub until_ms: Option<i64>,
}

impl Used {
    /// Nothing.
    #[must_use]
    pub fn none(grant: GrantId, from_ms: i64) -> Self {
        Self { grant, from_ms, published: Totals::default(), received: Totals::default() }
    }
}

impl Price {
    /// What use is worth, in millionths; `length_ms` is how long the hour or day lasts. Parts of a millionth are rounded to
    /// the nearest, halves up.
    #[must_use]
    pub fn of(&self, used: &Used, length_ms: i64) -> u128 {
        let amount = u128::from(self.millionths);
        let both = |of: fn(&Totals) -> u64| u128::from(of(&used.published)) + u128::from(of(&used.received));
        match self.per {
            Per::Event => both(|totals| totals.events).saturating_mul(amount),
            Per::Gibibyte => both(|totals| totals.bytes).saturating_mul(amount).saturating_add(GIBIBYTE / 2) / GIBIBYTE,
            Per::Month => month_part(amount, used.from_ms, used.from_ms + length_ms),
        }
    }
}

/// A part of what a month costs, for a time that lies within months: parts of one month that follow each other come to
/// exactly the whole.
fn month_part(amount: u128, from_ms: i64, to_ms: i64) -> u128 {
    let (mut sum, mut at_ms) = (0, from_ms);
    while at_ms < to_ms {
        let Some((begin_ms, end_ms)) = month_of(at_ms) else { return sum };
        let length = u128::try_from(end_ms - begin_ms).unwrap_or(1).max(1);
        let until = |at_ms: i64| amount * u128::try_from(at_ms - begin_ms).unwrap_or(0) / length;
        let part_end_ms = to_ms.min(end_ms);
        sum += until(part_end_ms) - until(at_ms);
        at_ms = part_end_ms;
    }
    sum
}

/// Beginning of the month of a moment, and of the next one; none for a time that no calendar has.
fn month_of(at_ms: i64) -> Option<(i64, i64)> {
    let date = OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1_000)).ok()?.date();
    let (year, month) = (date.year(), date.month());
    let next_year = if month == Month::December { year + 1 } else { year };
    let first = |year, month| Some(millis(Date::from_calendar_date(year, month, 1).ok()?));
    Some((first(year, month)?, first(next_year, month.next())?))
}

fn millis(date: Date) -> i64 {
    date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp() * 1_000
}

/// An amount of millionths as people write it: `12.5`, `0.000001`; at least two digits behind the point.
#[must_use]
pub fn decimal(millionths: u128) -> String {
    let fraction = format!("{:06}", millionths % MILLION);
    let shown = fraction.trim_end_matches('0').len().max(2);
    format!("{}.{}", millionths / MILLION, &fraction[..shown])
}

/// Adds the days (or hours) without use of grants that cost something all the same.
pub fn add_idle(used: &mut Vec<Used>, grant: GrantId, terms: &Terms, (from_ms, to_ms): (i64, i64), step_ms: i64) {
    if !terms.price.as_ref().is_some_and(|price| price.per == Per::Month) {
        return;
    }
    let begin_ms = from_ms.max(terms.since_ms).div_euclid(step_ms) * step_ms;
    let end_ms = to_ms.min(terms.until_ms.unwrap_or(i64::MAX));
    let seen: std::collections::HashSet<i64> =
        used.iter().filter(|row| row.grant == grant).map(|row| row.from_ms).collect();
    let steps = (0..).map(|step| begin_ms + step * step_ms).take_while(|at_ms| *at_ms < end_ms);
    used.extend(steps.filter(|at_ms| !seen.contains(at_ms)).map(|at_ms| Used::none(grant, at_ms)));
}

/// A text as a cell of CSV that no spreadsheet takes for a formula.
#[must_use]
pub fn text_cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn price(per: Per, amount: u64) -> Price {
        Price { per, millionths: amount, currency: "EUR".to_owned() }
    }

    fn used(from_ms: i64, events: u64, bytes: u64) -> Used {
        let totals = Totals { events, bytes, refused_events: 9 };
        Used { published: totals, received: totals, ..Used::none(Uuid::nil().into(), from_ms) }
    }

    /// 1 February 2024: a leap year.
    const FEBRUARY: i64 = 1_706_745_600_000;

    #[test]
    fn use_is_worth_its_price_to_the_millionth() {
        assert_eq!(price(Per::Event, 3).of(&used(0, 5, 0), DAY_MS), 30, "what is published and what is received");
        let most = u128::from(u64::MAX - 1) * u128::from(u64::MAX);
        assert_eq!(price(Per::Event, u64::MAX).of(&used(0, u64::MAX / 2, 0), DAY_MS), most);
        assert_eq!(price(Per::Gibibyte, 1_000_000).of(&used(0, 0, 1 << 29), DAY_MS), 1_000_000);
        assert_eq!(price(Per::Gibibyte, 1).of(&used(0, 0, 1 << 28), DAY_MS), 1, "a half is rounded up");
        assert_eq!(price(Per::Gibibyte, 1).of(&used(0, 0, (1 << 28) - 1), DAY_MS), 0);
        assert_eq!(price(Per::Month, 29_000_000).of(&used(FEBRUARY, 0, 0), DAY_MS), 1_000_000, "29 days");
    }

    #[test]
    fn the_days_and_hours_of_a_month_come_to_exactly_its_price() {
        let month = price(Per::Month, 10_000_000);
        let sum = |step_ms: i64| -> u128 {
            (0..29 * DAY_MS / step_ms).map(|step| month.of(&used(FEBRUARY + step * step_ms, 0, 0), step_ms)).sum()
        };
        assert_eq!((sum(DAY_MS), sum(HOUR_MS)), (10_000_000, 10_000_000));
        assert_eq!(month_part(31, FEBRUARY - DAY_MS, FEBRUARY + DAY_MS), 1 + 31 / 29, "across two months");
    }

    proptest! {
        #[test]
        fn parts_of_a_month_add_up(amount: u64, cut in 0..29 * DAY_MS) {
            let whole = month_part(amount.into(), FEBRUARY, FEBRUARY + 29 * DAY_MS);
            let parts = month_part(amount.into(), FEBRUARY, FEBRUARY + cut)
                + month_part(amount.into(), FEBRUARY + cut, FEBRUARY + 29 * DAY_MS);
            prop_assert_eq!((whole, parts), (amount.into(), amount.into()));
        }
    }

    #[test]
    fn money_is_written_as_people_do() {
        let written = [(0, "0.00"), (1, "0.000001"), (12_500_000, "12.50"), (1_234_567, "1.234567"), (100_000, "0.10")];
        for (millionths, expected) in written {
            assert_eq!(decimal(millionths), expected);
        }
    }

    #[test]
    fn a_monthly_price_is_due_on_days_without_use_while_the_grant_is_in_force() {
        let grant = GrantId(Uuid::nil());
        let terms = |per, until_ms| Terms {
            name: "orders".to_owned(),
            price: Some(price(per, 1)),
            since_ms: FEBRUARY + DAY_MS + 5,
            until_ms,
        };
        let days = |per, until_ms| {
            let mut rows = vec![used(FEBRUARY + 2 * DAY_MS, 1, 1)];
            add_idle(&mut rows, grant, &terms(per, until_ms), (FEBRUARY, FEBRUARY + 5 * DAY_MS), DAY_MS);
            rows.sort_by_key(|row| row.from_ms);
            rows.iter().map(|row| (row.from_ms - FEBRUARY) / DAY_MS).collect::<Vec<_>>()
        };
        assert_eq!(days(Per::Month, None), [1, 2, 3, 4]);
        assert_eq!(days(Per::Month, Some(FEBRUARY + 3 * DAY_MS)), [1, 2]);
        assert_eq!(days(Per::Event, None), [2]);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(text_cell(text), format!("'{text}"));
        }
        assert_eq!(text_cell("orders, \"gold\""), "orders, \"gold\"");
    }
}
