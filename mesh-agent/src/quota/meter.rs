//! Totals of use by grant, direction and hour, kept on disk until the portal has them.
//!
//! What was counted is written every [`KEEP_EVERY`](super::KEEP_EVERY) and before each report: a crash loses what came after the last
//! write, and nothing that was reported. Totals only grow, so that a report that comes twice changes nothing. What the
//! portal has stored is kept for [`KEPT_MS`] more, in case the clock is put back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mesh_protocol::id::GrantId;
use mesh_protocol::report::{Direction, GrantUsage, HOUR_MS, USAGE_MAX, Usage};
use serde::{Deserialize, Serialize};

use super::account::Counted;
use crate::causes::chain;
use crate::home::{self, HomeError};

/// Most totals kept: with 50 grants in use in both directions, 40 days without the portal.
const TOTALS_MAX: usize = 100_000;
/// How long a total stays that the portal has.
const KEPT_MS: i64 = 48 * HOUR_MS;

type Key = (i64, GrantId, Direction);

/// See the module.
#[derive(Debug)]
pub(super) struct Meter {
    path: Option<PathBuf>,
    id: String,
    totals: BTreeMap<Key, Total>,
    number: u64,
    /// The newest report.
    told: Option<Usage>,
    changed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Total {
    events: u64,
    bytes: u64,
    refused: u64,
    /// The portal has it as it is.
    stored: bool,
}

/// As it stands on disk.
#[derive(Serialize, Deserialize)]
struct OnDisk {
    meter: String,
    totals: Vec<(GrantUsage, bool)>,
}

impl Meter {
    /// What an earlier process counted, of this file; none = it is kept in memory only.
    pub(super) fn open(path: Option<PathBuf>) -> Self {
        let before = path.as_deref().map(home::read).transpose().unwrap_or_else(|error| {
            tracing::error!(error = %chain(&error), "what was used of grants cannot be read from disk; it is counted anew");
            None
        });
        let before = before.flatten().and_then(|text| match serde_json::from_slice::<OnDisk>(&text) {
            Ok(before) => Some(before),
            Err(error) => {
                tracing::error!(%error, "what was used of grants is not readable; it is counted anew");
                None
            }
        });
        let before =
            before.unwrap_or_else(|| OnDisk { meter: hex::encode(rand::random::<[u8; 8]>()), totals: Vec::new() });
        let total = |(usage, stored): (GrantUsage, bool)| {
            let total = Total { events: usage.events, bytes: usage.bytes, refused: usage.refused_events, stored };
            ((usage.hour_ms, usage.grant, usage.direction), total)
        };
        let totals = before.totals.into_iter().map(total).collect();
        Self { path, id: before.meter, totals, number: 0, told: None, changed: false }
    }

    /// Adds what was used in the hour of this moment. Returns how many totals went because there are too many.
    pub(super) fn add(&mut self, now_ms: i64, grant: GrantId, direction: Direction, counted: Counted) -> u64 {
        let hour_ms = now_ms.div_euclid(HOUR_MS) * HOUR_MS;
        let total = self.totals.entry((hour_ms, grant, direction)).or_default();
        total.events += counted.events;
        total.bytes += counted.bytes;
        total.refused += counted.refused;
        total.stored = false;
        self.changed = true;
        self.make_room(now_ms)
    }

    fn make_room(&mut self, now_ms: i64) -> u64 {
        let mut gone = 0;
        while let Some(oldest) = self.totals.first_entry() {
            let is_over = oldest.get().stored && oldest.key().0 < now_ms - KEPT_MS;
            if is_over {
                oldest.remove();
            } else if self.totals.len() > TOTALS_MAX {
                gone += u64::from(!self.totals.pop_first().is_some_and(|(_, total)| total.stored));
            } else {
                break;
            }
        }
        gone
    }

    /// What is to be written, and where; none = nothing changed, or it is kept in memory only.
    pub(super) fn take_unkept(&mut self) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.path.clone().filter(|_| self.changed)?;
        self.changed = false;
        let totals = self.totals.iter().map(|(key, total)| (usage(key, total), total.stored)).collect();
        let text = serde_json::to_vec(&OnDisk { meter: self.id.clone(), totals }).expect("plain data serializes");
        Some((path, text))
    }

    /// It could not be written: the next time it is tried again.
    pub(super) fn not_kept(&mut self) {
        self.changed = true;
    }

    /// What the portal does not have, the oldest first; none = it has everything.
    pub(super) fn report(&mut self, now_ms: i64) -> Option<Usage> {
        let wanting = self.totals.iter().filter(|(_, total)| !total.stored);
        let entries: Vec<GrantUsage> = wanting.map(|(key, total)| usage(key, total)).take(USAGE_MAX).collect();
        if entries.is_empty() {
            return None;
        }
        self.number += 1;
        let report = Usage { at_ms: now_ms, meter: self.id.clone(), number: self.number, entries };
        self.told = Some(report.clone());
        Some(report)
    }

    /// The portal has stored the report of this number. True: there may be more to tell.
    pub(super) fn stored(&mut self, number: u64) -> bool {
        let Some(told) = self.told.take_if(|told| told.number == number) else { return false };
        let was_full = told.entries.len() == USAGE_MAX;
        for told in told.entries {
            let key = (told.hour_ms, told.grant, told.direction);
            if let Some(total) = self.totals.get_mut(&key)
                && usage(&key, total) == told
            {
                total.stored = true;
                self.changed = true;
            }
        }
        was_full
    }
}

fn usage(&(hour_ms, grant, direction): &Key, total: &Total) -> GrantUsage {
    let &Total { events, bytes, refused, stored: _ } = total;
    GrantUsage { grant, direction, hour_ms, events, bytes, refused_events: refused }
}

/// Writes what [`Meter::take_unkept`] gave.
pub(super) fn keep((path, text): &(PathBuf, Vec<u8>)) -> Result<(), HomeError> {
    home::replace(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: i64 = 1_000 * HOUR_MS + 17;

    fn grant(number: u128) -> GrantId {
        Uuid::from_u128(number).into()
    }

    fn one(bytes: u64) -> Counted {
        Counted { events: 1, bytes, refused: 0 }
    }

    fn kept(meter: &mut Meter) {
        if let Some(text) = meter.take_unkept() {
            keep(&text).expect("written");
        }
    }

    #[test]
    fn totals_are_told_until_they_are_stored_and_survive_a_restart() {
        let dir = tempfile::tempdir().expect("temp dir");
        let open = || Meter::open(Some(dir.path().join("usage.json")));
        let mut meter = open();
        meter.add(NOW, grant(1), Direction::Produce, one(10));
        meter.add(NOW, grant(1), Direction::Produce, Counted { refused: 3, ..one(5) });
        meter.add(NOW, grant(1), Direction::Consume, one(1));
        kept(&mut meter);
        let told = meter.report(NOW).expect("news");
        let first = told.entries[0];
        assert_eq!((first.events, first.bytes, first.refused_events, first.hour_ms), (2, 15, 3, 1_000 * HOUR_MS));
        assert_eq!(told.entries.len(), 2);

        let mut again = open();
        let repeated = again.report(NOW).expect("still not stored");
        assert_eq!(
            (&repeated.meter, &repeated.entries),
            (&told.meter, &told.entries),
            "the same totals of the same meter"
        );
        again.stored(repeated.number);
        assert_eq!(again.report(NOW), None);
        again.add(NOW, grant(1), Direction::Consume, one(1));
        let news = again.report(NOW).expect("one changed").entries;
        assert_eq!(
            news.iter().map(|entry| (entry.direction, entry.events)).collect::<Vec<_>>(),
            [(Direction::Consume, 2)]
        );
    }

    #[test]
    fn what_changed_while_a_report_was_on_its_way_is_told_again() {
        let mut meter = Meter::open(None);
        meter.add(NOW, grant(1), Direction::Produce, one(10));
        let first = meter.report(NOW).expect("news");
        meter.add(NOW, grant(1), Direction::Produce, one(10));
        meter.stored(first.number);
        assert_eq!(meter.report(NOW).expect("more").entries[0].events, 2);
        assert!(!meter.stored(first.number), "an old answer says nothing");
        assert!(meter.report(NOW).is_some());
    }

    #[test]
    fn a_file_that_cannot_be_read_begins_another_meter() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("usage.json");
        let mut meter = Meter::open(Some(path.clone()));
        meter.add(NOW, grant(1), Direction::Produce, one(10));
        kept(&mut meter);
        let before = meter.report(NOW).expect("news").meter;
        std::fs::write(&path, b"{").expect("written");
        let mut meter = Meter::open(Some(path));
        meter.add(NOW, grant(1), Direction::Produce, one(10));
        let after = meter.report(NOW).expect("news");
        assert_ne!(after.meter, before);
        assert_eq!(after.entries[0].events, 1);
    }

    #[test]
    fn what_is_stored_goes_after_two_days_and_what_is_not_stays() {
        let mut meter = Meter::open(None);
        meter.add(NOW, grant(1), Direction::Produce, one(10));
        let told = meter.report(NOW).expect("news").number;
        meter.stored(told);
        meter.add(NOW + HOUR_MS, grant(2), Direction::Produce, one(10));
        meter.add(NOW + 100 * HOUR_MS, grant(1), Direction::Produce, one(10));
        let left: Vec<_> = meter.totals.keys().map(|(hour_ms, grant, _)| (hour_ms / HOUR_MS, *grant)).collect();
        assert_eq!(left, [(1_001, grant(2)), (1_100, grant(1))]);
    }

    #[test]
    fn a_bound_is_kept_and_what_goes_is_counted() {
        let mut meter = Meter::open(None);
        let gone: u64 = (0..TOTALS_MAX as i64 + 3)
            .map(|hour| meter.add(hour * HOUR_MS, grant(1), Direction::Produce, one(1)))
            .sum();
        assert_eq!((gone, meter.totals.len()), (3, TOTALS_MAX));
    }
}
