//! What the JSON payloads of each address look like, of samples: which fields, of which kinds, how often. Values are looked
//! at and forgotten.
//!
//! Everything is bounded: the addresses, the size of a shape ([`Shape`]), and the bytes that are looked at between two
//! reports. A shape that tells something new is told at once, mere counts now and then.

use std::collections::HashMap;
use std::sync::Mutex;

use mesh_protocol::report::{AddressShape, SHAPES_MAX, Shape, Shapes as Told};
use serde_json::Value;

use crate::counters::{Counter, Counters};
use crate::reports::fit;

/// Addresses whose payloads are looked at.
const ADDRESSES_MAX: usize = 1_000;
/// Another takes the place of an address of which nothing came for so long, in milliseconds.
const SILENT_MS: i64 = 3_600_000;
/// Bytes that are looked at between two reports.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Payloads of one address that are looked at between two reports.
const LOOKS_MAX: u32 = 20;
/// Counts are told this often, in milliseconds.
const COUNTS_MS: i64 = 60_000;

/// What payloads look like, by address.
#[derive(Debug)]
pub(super) struct Shapes {
    state: Mutex<State>,
    unseen: Counter,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<String, Known>,
    /// Looked at since the last report.
    bytes: usize,
}

#[derive(Debug)]
struct Known {
    shape: Shape,
    others: u64,
    since_ms: i64,
    last_ms: i64,
    /// Since the last report.
    looks: u32,
    /// The shape that was told last, and when.
    told: Option<(Shape, i64)>,
}

impl Known {
    fn new(now_ms: i64) -> Self {
        Self { shape: Shape::default(), others: 0, since_ms: now_ms, last_ms: now_ms, looks: 0, told: None }
    }

    fn is_due(&self, now_ms: i64) -> bool {
        self.told.as_ref().is_none_or(|(told, at_ms)| {
            told.differs(&self.shape) || (self.last_ms > *at_ms && now_ms - at_ms >= COUNTS_MS)
        })
    }
}

impl Shapes {
    pub(super) fn new(counters: &Counters) -> Self {
        Self { state: Mutex::default(), unseen: counters.counter("unshaped_payloads") }
    }

    /// Takes a sample of an address: `value` is what its payload is as JSON, none where it is something else.
    pub(super) fn look(&self, address: &str, payload: &[u8], value: Option<&Value>, now_ms: i64) {
        let mut state = self.state.lock().expect("no panic while held");
        if state.bytes > BYTES_MAX || !state.make_room(address, now_ms) {
            return self.unseen.one();
        }
        let known = state.known.entry(address.to_owned()).or_insert_with(|| Known::new(now_ms));
        if known.looks >= LOOKS_MAX {
            return;
        }
        known.looks += 1;
        known.last_ms = now_ms;
        match value {
            Some(value) => known.shape.look(value),
            None => known.others += 1,
        }
        state.bytes += payload.len();
    }

    /// What is to be told now; none when there is nothing.
    pub(super) fn report(&self, now_ms: i64) -> Option<Told> {
        let mut state = self.state.lock().expect("no panic while held");
        state.bytes = 0;
        state.known.values_mut().for_each(|known| known.looks = 0);
        let due = state.known.iter().filter(|(_, known)| !known.shape.is_empty() && known.is_due(now_ms));
        let mut shapes: Vec<AddressShape> = due.take(SHAPES_MAX).map(|(address, known)| told(address, known)).collect();
        // What has no room now stays due.
        let _later = fit(&mut shapes);
        if shapes.is_empty() {
            return None;
        }
        for told in &shapes {
            if let Some(known) = state.known.get_mut(&told.address) {
                known.told = Some((told.shape.clone(), now_ms));
            }
        }
        Some(Told { at_ms: now_ms, shapes })
    }

    /// A report was not taken: its shapes are to be told again.
    pub(super) fn untold(&self, report: &Told) {
        let mut state = self.state.lock().expect("no panic while held");
        for shape in &report.shapes {
            if let Some(known) = state.known.get_mut(&shape.address) {
                known.told = None;
            }
        }
    }
}

impl State {
    /// Whether there is room for an address, if need be that of one of which nothing comes any more.
    fn make_room(&mut self, address: &str, now_ms: i64) -> bool {
        if self.known.len() < ADDRESSES_MAX || self.known.contains_key(address) {
            return true;
        }
        let silent = self.known.iter().min_by_key(|(_, known)| known.last_ms);
        let Some((silent, known)) = silent else { return true };
        if now_ms - known.last_ms < SILENT_MS {
            return false;
        }
        let silent = silent.clone();
        self.known.remove(&silent);
        true
    }
}

fn told(address: &str, known: &Known) -> AddressShape {
    AddressShape {
        address: address.to_owned(),
        since_ms: known.since_ms,
        others: known.others,
        shape: known.shape.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn look(shapes: &Shapes, address: &str, value: &Value, now_ms: i64) {
        shapes.look(address, value.to_string().as_bytes(), Some(value), now_ms);
    }

    fn told(shapes: &Shapes, now_ms: i64) -> Vec<(String, u64, u64)> {
        let report = shapes.report(now_ms);
        let all = report.into_iter().flat_map(|report| report.shapes);
        let mut all: Vec<_> = all.map(|told| (told.address, told.shape.total(), told.others)).collect();
        all.sort();
        all
    }

    #[test]
    fn news_are_told_at_once_and_counts_now_and_then() {
        let shapes = Shapes::new(&Counters::default());
        assert_eq!(told(&shapes, 0), []);
        shapes.look("orders/new", b"\x00\x01", None, 1);
        assert_eq!(told(&shapes, 2), [], "what is no JSON alone has no shape");
        look(&shapes, "orders/new", &json!({ "id": 1 }), 3);
        assert_eq!(told(&shapes, 4), [("orders/new".to_owned(), 1, 1)]);
        look(&shapes, "orders/new", &json!({ "id": 2 }), 5);
        assert_eq!(told(&shapes, 6), [], "nothing is new");
        look(&shapes, "orders/new", &json!({ "id": 2, "note": null }), 7);
        assert_eq!(told(&shapes, 8), [("orders/new".to_owned(), 3, 1)]);
        look(&shapes, "orders/new", &json!({ "id": 3 }), 9);
        assert_eq!(told(&shapes, 8 + COUNTS_MS), [("orders/new".to_owned(), 4, 1)]);
        assert_eq!(told(&shapes, 9 + 2 * COUNTS_MS), [], "nothing came");
    }

    #[test]
    fn what_was_not_taken_is_told_again() {
        let shapes = Shapes::new(&Counters::default());
        look(&shapes, "a", &json!({}), 1);
        let report = shapes.report(2).expect("a report");
        assert_eq!(told(&shapes, 3), []);
        shapes.untold(&report);
        assert_eq!(told(&shapes, 4), [("a".to_owned(), 1, 0)]);
    }

    #[test]
    fn what_is_looked_at_is_bounded() {
        let counters = Counters::default();
        let shapes = Shapes::new(&counters);
        for _ in 0..2 * LOOKS_MAX {
            look(&shapes, "busy", &json!({ "a": 1 }), 1);
        }
        for number in 1..ADDRESSES_MAX {
            look(&shapes, &format!("a/{number}"), &json!({ "a": 1 }), 2);
        }
        look(&shapes, "one/more", &json!({ "a": 1 }), 3);
        assert_eq!(counters.counter("unshaped_payloads").get(), 1);
        let first = told(&shapes, 4);
        assert_eq!(first.len(), SHAPES_MAX, "the rest is told next time");
        let rest = told(&shapes, 5);
        assert_eq!(rest.len(), ADDRESSES_MAX - SHAPES_MAX);
        let busy = first.iter().chain(&rest).find(|(address, ..)| address == "busy").map(|(_, total, _)| *total);
        assert_eq!(busy, Some(u64::from(LOOKS_MAX)));
        look(&shapes, "one/more", &json!({ "a": 1 }), 2 + SILENT_MS);
        assert_eq!(told(&shapes, 2 + SILENT_MS).iter().filter(|(address, ..)| address == "one/more").count(), 1);
        let large = vec![b'x'; BYTES_MAX + 1];
        shapes.look("one/more", &large, None, 3 + SILENT_MS);
        shapes.look("one/more", b"x", None, 3 + SILENT_MS);
        assert_eq!(counters.counter("unshaped_payloads").get(), 2);
    }
}
