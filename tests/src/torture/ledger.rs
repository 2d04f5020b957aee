//! What was acknowledged and what was delivered, as clients saw it, and whether the two fit together.
//!
//! A publisher sends one event of an ordering key after the other, each under the next number, and never sends one again:
//! an event whose answer it did not get stays unacknowledged, and may arrive or not, at any time. What is promised is
//! promised for the acknowledged ones:
//!
//! - each is delivered to every consumer, at least once;
//! - their first deliveries to a consumer are in the order of the key;
//! - a delivery that is not the first says that it may be a repeat;
//! - what was refused by policy is delivered to nobody, and nothing is delivered that was not sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Numbers shown in a complaint.
const SHOWN: usize = 20;

/// Everything that clients saw.
#[derive(Debug, Default)]
pub struct Ledger {
    published: BTreeMap<String, Published>,
    delivered: BTreeMap<&'static str, BTreeMap<String, Vec<Delivery>>>,
    strange: Vec<String>,
}

/// One ordering key.
#[derive(Debug, Default)]
struct Published {
    /// Numbers below this were sent.
    sent: u64,
    acknowledged: BTreeSet<u64>,
    /// Refused by policy, for good.
    denied: BTreeSet<u64>,
    /// Acknowledged as wanted by nobody.
    unrouted: BTreeSet<u64>,
}

/// One delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delivery {
    number: u64,
    flagged: bool,
}

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is somebody's from now on.
    Acknowledged,
    /// Acknowledged, with the word that nobody wants it.
    Unrouted,
    /// Policy refuses it.
    Denied,
    /// Another error, or none in time: it may arrive or not.
    Unknown,
}

/// The sums of a consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Events, each counted once.
    pub events: usize,
    /// Deliveries that were not the first of their event.
    pub repeats: usize,
    /// Events that nobody has acknowledged to their publisher.
    pub unacknowledged: usize,
}

impl Ledger {
    /// Somebody shall get everything.
    pub fn consumer(&mut self, name: &'static str) {
        self.delivered.entry(name).or_default();
    }

    /// The number of the next event of a key, which is sent now.
    pub fn send(&mut self, key: &str) -> u64 {
        let published = self.published.entry(key.to_owned()).or_default();
        published.sent += 1;
        published.sent - 1
    }

    /// What its publisher was told.
    pub fn answered(&mut self, key: &str, number: u64, answer: Answer) {
        let published = self.published.entry(key.to_owned()).or_default();
        let _new = match answer {
            Answer::Acknowledged => published.acknowledged.insert(number),
            Answer::Unrouted => published.unrouted.insert(number),
            Answer::Denied => published.denied.insert(number),
            Answer::Unknown => false,
        };
    }

    /// A consumer got a payload.
    pub fn deliver(&mut self, consumer: &'static str, payload: &[u8], flagged: bool) {
        match read(payload) {
            Some((key, number)) => {
                let keys = self.delivered.entry(consumer).or_default();
                keys.entry(key).or_default().push(Delivery { number, flagged });
            }
            None => self.strange.push(format!("{consumer} got a payload that nobody sent, of {} bytes", payload.len())),
        }
    }

    /// Events that were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.published.values().map(|published| published.acknowledged.len()).sum()
    }

    /// Events that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.published.values().map(|published| published.sent).sum()
    }

    /// Events that policy refused.
    #[must_use]
    pub fn denied(&self) -> usize {
        self.published.values().map(|published| published.denied.len()).sum()
    }

    /// Deliveries so far, to everybody.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.delivered.values().flat_map(BTreeMap::values).map(Vec::len).sum()
    }

    /// Acknowledged events that each consumer has not got yet.
    #[must_use]
    pub fn missing(&self) -> BTreeMap<&'static str, usize> {
        let missing = self.delivered.iter().map(|(consumer, keys)| {
            let of_key = |(key, published): (&String, &Published)| missing_of(published, keys.get(key)).len();
            (*consumer, self.published.iter().map(of_key).sum::<usize>())
        });
        missing.filter(|(_, missing)| *missing > 0).collect()
    }

    /// Consumers that have got nothing of a key.
    #[must_use]
    pub fn without(&self, key: &str) -> Vec<&'static str> {
        self.delivered.iter().filter(|(_, keys)| !keys.contains_key(key)).map(|(consumer, _)| *consumer).collect()
    }

    /// Keys of which fewer events were acknowledged than this.
    pub fn idle(&self, least: usize) -> impl Iterator<Item = &str> {
        let idle = self.published.iter().filter(move |(_, published)| published.acknowledged.len() < least);
        idle.map(|(key, _)| key.as_str())
    }

    /// The sums of each consumer.
    #[must_use]
    pub fn sums(&self) -> BTreeMap<&'static str, Sums> {
        let of = |keys: &BTreeMap<String, Vec<Delivery>>| {
            let mut sums = Sums::default();
            for (key, deliveries) in keys {
                let firsts: BTreeSet<u64> = deliveries.iter().map(|delivery| delivery.number).collect();
                let acknowledged = self.published.get(key).map(|published| &published.acknowledged);
                sums.events += firsts.len();
                sums.repeats += deliveries.len() - firsts.len();
                let known = |number: &&u64| acknowledged.is_some_and(|acknowledged| acknowledged.contains(*number));
                sums.unacknowledged += firsts.len() - firsts.iter().filter(known).count();
            }
            sums
        };
        self.delivered.iter().map(|(consumer, keys)| (*consumer, of(keys))).collect()
    }

    /// Everything that must not be, one line each.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = self.strange.clone();
        for (key, published) in &self.published {
            if !published.unrouted.is_empty() {
                complaints.push(format!(
                    "{} of {key} were acknowledged as wanted by nobody",
                    Numbers(&published.unrouted.iter().copied().collect::<Vec<_>>())
                ));
            }
        }
        for (consumer, keys) in &self.delivered {
            for (key, published) in &self.published {
                let missing = missing_of(published, keys.get(key));
                if !missing.is_empty() {
                    complaints.push(format!("{consumer} misses {} of {key}", Numbers(&missing)));
                }
            }
            for (key, deliveries) in keys {
                match self.published.get(key) {
                    None => complaints.push(format!("{consumer} got events of {key}, which nobody sends")),
                    Some(published) => complaints_about(consumer, key, published, deliveries, &mut complaints),
                }
            }
        }
        complaints
    }
}

fn missing_of(published: &Published, deliveries: Option<&Vec<Delivery>>) -> Vec<u64> {
    let delivered: BTreeSet<u64> = deliveries.into_iter().flatten().map(|delivery| delivery.number).collect();
    published.acknowledged.difference(&delivered).copied().collect()
}

fn complaints_about(
    consumer: &str,
    key: &str,
    published: &Published,
    deliveries: &[Delivery],
    complaints: &mut Vec<String>,
) {
    let mut seen = BTreeSet::new();
    let (mut newest, mut unflagged) = (None, Vec::new());
    for Delivery { number, flagged } in deliveries.iter().copied() {
        if number >= published.sent {
            complaints.push(format!("{consumer} got {number} of {key}, which was not sent"));
        } else if published.denied.contains(&number) {
            complaints.push(format!("{consumer} got {number} of {key}, which policy had refused"));
        }
        if !seen.insert(number) {
            if !flagged {
                unflagged.push(number);
            }
            continue;
        }
        // Whoever did not wait for the answer has given up its place.
        if published.acknowledged.contains(&number) {
            if newest.is_some_and(|newest| number < newest) {
                complaints.push(format!("{consumer} got {number} of {key} first after {}", newest.unwrap_or_default()));
            }
            newest = newest.max(Some(number));
        }
    }
    if !unflagged.is_empty() {
        complaints.push(format!("{consumer} got {} of {key} again without a flag", Numbers(&unflagged)));
    }
}

/// A payload that tells its key and its number.
#[must_use]
pub fn payload(key: &str, number: u64, bytes: usize) -> Vec<u8> {
    let mut payload = format!("{key} {number} ").into_bytes();
    payload.resize(payload.len().max(bytes), b'.');
    payload
}

fn read(payload: &[u8]) -> Option<(String, u64)> {
    let mut words = std::str::from_utf8(payload).ok()?.splitn(3, ' ');
    let (key, number, rest) = (words.next()?, words.next()?, words.next()?);
    rest.bytes().all(|byte| byte == b'.').then_some((key.to_owned(), number.parse().ok()?))
}

/// How many, and the first of them.
struct Numbers<'a>(&'a [u64]);

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN)];
        write!(f, "{} events ({shown:?}", self.0.len())?;
        f.write_str(if shown.len() < self.0.len() { ", ...)" } else { ")" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five events: 0, 1 and 4 acknowledged, 2 unknown, 3 denied.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.consumer("erp");
        for number in 0..5 {
            assert_eq!(ledger.send("till"), number);
            let answer = match number {
                2 => Answer::Unknown,
                3 => Answer::Denied,
                _ => Answer::Acknowledged,
            };
            ledger.answered("till", number, answer);
        }
        ledger
    }

    /// The complaints after these deliveries; a minus flags.
    fn after(deliveries: &[(u64, bool)]) -> Vec<String> {
        let mut ledger = ledger();
        for (number, flagged) in deliveries {
            ledger.deliver("erp", &payload("till", *number, 40), *flagged);
        }
        ledger.complaints()
    }

    #[test]
    fn what_was_promised_is_no_complaint() {
        let good: [&[(u64, bool)]; 4] = [
            &[(0, false), (1, false), (4, false)],
            &[(0, false), (1, false), (2, false), (4, false)],
            &[(0, false), (1, false), (0, true), (1, true), (4, true)],
            // Its publisher went on without an answer, so it may come whenever it comes.
            &[(0, false), (1, false), (4, false), (2, false)],
        ];
        for deliveries in good {
            assert_eq!(after(deliveries), [""; 0], "{deliveries:?}");
        }
    }

    #[test]
    fn each_broken_promise_is_told() {
        let bad: [(&[(u64, bool)], &str); 6] = [
            (&[(0, false), (4, false)], "erp misses 1 events ([1]) of till"),
            (&[(1, false), (0, false), (4, false)], "erp got 0 of till first after 1"),
            (&[(0, false), (1, false), (0, false), (4, false)], "erp got 1 events ([0]) of till again without a flag"),
            (&[(0, false), (1, false), (3, false), (4, false)], "erp got 3 of till, which policy had refused"),
            (&[(0, false), (1, false), (4, false), (7, false)], "erp got 7 of till, which was not sent"),
            (
                &[(0, false), (1, false), (4, false), (2, false), (2, false)],
                "erp got 1 events ([2]) of till again without a flag",
            ),
        ];
        for (deliveries, complaint) in bad {
            assert_eq!(after(deliveries), [complaint], "{deliveries:?}");
        }
        let mut ledger = ledger();
        ledger.deliver("erp", b"till 0 altered", false);
        assert!(ledger.complaints().iter().any(|complaint| complaint.contains("nobody sent")));
        ledger.answered("till", 4, Answer::Unrouted);
        assert!(ledger.complaints().iter().any(|complaint| complaint.contains("wanted by nobody")));
    }

    #[test]
    fn sums_tell_repeats_and_what_was_not_acknowledged() {
        let mut ledger = ledger();
        for number in [0, 1, 2, 1] {
            ledger.deliver("erp", &payload("till", number, 0), true);
        }
        assert_eq!(ledger.sums()["erp"], Sums { events: 3, repeats: 1, unacknowledged: 1 });
        assert_eq!(ledger.missing()["erp"], 1);
        assert_eq!((ledger.sent(), ledger.acknowledged(), ledger.denied(), ledger.deliveries()), (5, 3, 1, 4));
    }
}
