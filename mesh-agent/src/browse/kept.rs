//! Which of the records that a look reads are taken, and where the next look goes on.
//!
//! Partitions are merged by the records' times, and of each partition what is taken is one stretch without a gap at its
//! end or at its beginning: so a place in each partition is enough to go on, and no record is shown twice or never,
//! whatever times the records have.

use std::collections::{BTreeMap, VecDeque};

use mesh_protocol::browse::{Places, TopicRecord};

/// From which side records are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The oldest of what is read.
    First,
    /// The newest of it.
    Last,
}

/// Records that were read and may be taken.
#[derive(Debug)]
pub(super) struct Kept {
    side: Side,
    limit: usize,
    parts: BTreeMap<i32, Part>,
}

/// Those of one partition, by their offsets.
#[derive(Debug)]
struct Part {
    records: VecDeque<TopicRecord>,
    /// Where the reading began, or behind the last record that was let go because so many newer ones came.
    begin: i64,
    /// Behind the last record that was read.
    reached: i64,
}

/// What was taken.
#[derive(Debug)]
pub(super) struct Taken {
    /// The newest first.
    pub(super) records: Vec<TopicRecord>,
    /// Where the next look in the same direction goes on.
    pub(super) places: Places,
}

impl Kept {
    /// Nothing yet of partitions that are read from these places.
    pub(super) fn new(side: Side, limit: usize, begins: Places) -> Self {
        let part = |begin| Part { records: VecDeque::new(), begin, reached: begin };
        Self { side, limit, parts: begins.into_iter().map(|(id, begin)| (id, part(begin))).collect() }
    }

    /// The record at an offset was read; it is made only when it is one that is wanted and may be taken.
    pub(super) fn read(&mut self, id: i32, offset: i64, make: impl FnOnce() -> Option<TopicRecord>) {
        let (side, limit) = (self.side, self.limit);
        let Some(part) = self.parts.get_mut(&id) else { return };
        if side == Side::First && part.records.len() >= limit {
            return;
        }
        part.reached = part.reached.max(offset + 1);
        let Some(record) = make() else { return };
        part.records.push_back(record);
        if part.records.len() > limit
            && let Some(gone) = part.records.pop_front()
        {
            part.begin = gone.offset + 1;
        }
    }

    /// Whether nothing more of a partition can be taken.
    pub(super) fn has_enough_of(&self, id: i32) -> bool {
        self.side == Side::First && self.parts.get(&id).is_some_and(|part| part.records.len() >= self.limit)
    }

    /// As many as are wanted, from the right side of all partitions.
    pub(super) fn take(mut self) -> Taken {
        let mut records = Vec::new();
        while records.len() < self.limit {
            let order = |record: &TopicRecord| (record.at_ms, record.partition, record.offset);
            let ends = self.parts.values_mut();
            let next = match self.side {
                Side::First => {
                    let next = ends.min_by_key(|part| {
                        part.records.front().map_or((true, None), |head| (false, Some(order(head))))
                    });
                    next.and_then(|part| part.records.pop_front())
                }
                Side::Last => {
                    let next = ends.max_by_key(|part| part.records.back().map(order));
                    next.and_then(|part| part.records.pop_back())
                }
            };
            let Some(record) = next else { break };
            records.push(record);
        }
        if self.side == Side::First {
            records.reverse();
        }
        let place = |part: &Part| match self.side {
            Side::First => part.records.front().map_or(part.reached, |left| left.offset),
            Side::Last => part.records.back().map_or(part.begin, |left| left.offset + 1),
        };
        let places = self.parts.iter().map(|(id, part)| (*id, place(part))).collect();
        Taken { records, places }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(partition: i32, offset: i64, at_ms: i64) -> TopicRecord {
        TopicRecord {
            partition,
            offset,
            at_ms: Some(at_ms),
            key: None,
            payload: None,
            headers: Vec::new(),
            headers_left_out: 0,
        }
    }

    /// Looks through a topic page by page, as far as each look reads; offsets that hold no record are passed over.
    fn walk(topic: &BTreeMap<i32, Vec<Option<i64>>>, side: Side, limit: usize, reads: i64) -> Vec<(i32, i64)> {
        let end = |id: &i32| i64::try_from(topic[id].len()).expect("short");
        let mut places: Places = match side {
            Side::First => topic.keys().map(|id| (*id, 0)).collect(),
            Side::Last => topic.keys().map(|id| (*id, end(id))).collect(),
        };
        let mut seen = Vec::new();
        for _ in 0..10_000 {
            let spans: BTreeMap<i32, (i64, i64)> = match side {
                Side::First => places.iter().map(|(id, place)| (*id, (*place, end(id)))).collect(),
                Side::Last => places.iter().map(|(id, place)| (*id, ((place - reads).max(0), *place))).collect(),
            };
            let mut kept = Kept::new(side, limit, spans.iter().map(|(id, (first, _))| (*id, *first)).collect());
            for (id, (first, last)) in &spans {
                for offset in *first..*last {
                    let at = topic[id][usize::try_from(offset).expect("positive")];
                    kept.read(*id, offset, || at.map(|at_ms| record(*id, offset, at_ms)));
                }
            }
            let taken = kept.take();
            seen.extend(taken.records.iter().map(|record| (record.partition, record.offset)));
            places = taken.places;
            let is_done = |(id, place): (&i32, &i64)| match side {
                Side::First => *place >= end(id),
                Side::Last => *place == 0,
            };
            if places.iter().all(is_done) {
                return seen;
            }
        }
        panic!("it never ends: {places:?}");
    }

    proptest! {
        #[test]
        fn every_record_is_shown_once_in_both_directions(
            topic in prop::collection::btree_map(0..4_i32, prop::collection::vec(prop::option::weighted(0.8, 0..50_i64), 0..30), 1..4),
            limit in 1..8_usize,
            reads in 1..12_i64,
        ) {
            let mut all: Vec<(i32, i64)> = topic.iter().flat_map(|(id, part)| {
                (0..).zip(part).filter(|(_, record)| record.is_some()).map(|(offset, _)| (*id, offset))
            }).collect();
            all.sort_unstable();
            for side in [Side::First, Side::Last] {
                let mut seen = walk(&topic, side, limit, reads);
                seen.sort_unstable();
                prop_assert_eq!(&seen, &all);
            }
        }
    }

    #[test]
    fn partitions_are_merged_by_time_and_the_newest_comes_first() {
        let mut kept = Kept::new(Side::Last, 3, Places::from([(0, 0), (1, 0)]));
        for (partition, offset, at_ms) in [(0, 0, 10), (0, 1, 40), (1, 0, 20), (1, 1, 30)] {
            kept.read(partition, offset, || Some(record(partition, offset, at_ms)));
        }
        let taken = kept.take();
        let times: Vec<_> = taken.records.iter().map(|record| record.at_ms).collect();
        assert_eq!(times, [Some(40), Some(30), Some(20)]);
        assert_eq!(taken.places, Places::from([(0, 1), (1, 0)]), "the record at 10 is before these");
    }
}
