//! Seeded runs of any queue with any consumers: every event ends once, nothing of a key overtakes where that is promised,
//! windows hold, and whoever had an event before is told of in the next delivery.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const EVENTS: u64 = 120;

struct World {
    rng: StdRng,
    now: Moment,
    rules: Rules,
    queue: Dispatch<u64>,
    consumers: BTreeMap<ConsumerId, Consumption>,
    /// Undone events by place: key.
    open: BTreeMap<u64, Bytes>,
    out: BTreeMap<u64, ConsumerId>,
    seen: BTreeSet<u64>,
    ended: BTreeSet<u64>,
    next: u64,
}

fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let rules = Rules {
            access: pick(&mut rng, &[Access::Exclusive, Access::Shared, Access::Partitioned]),
            on_failure: pick(&mut rng, &[OnFailure::BlockKey, OnFailure::Overtake]),
            lease: pick(&mut rng, &[None, Some(Duration::from_millis(300))]),
            deliveries_max: pick(&mut rng, &[None, Some(2), Some(5)]),
            events_max: pick(&mut rng, &[1, 5, 50]),
            ..rules(Access::Shared, OnFailure::BlockKey)
        };
        Self {
            queue: Dispatch::new(rules.clone()),
            rules,
            rng,
            now: Moment::default(),
            consumers: BTreeMap::new(),
            open: BTreeMap::new(),
            out: BTreeMap::new(),
            seen: BTreeSet::new(),
            ended: BTreeSet::new(),
            next: 1,
        }
    }

    fn fill(&mut self) {
        let (events, _) = self.queue.room();
        let count = self.rng.random_range(0..=events.min(8)) as u64;
        let last = (self.next + count).min(EVENTS + 1);
        for seq in self.next..last {
            let key = format!("k{}", self.rng.random_range(0..6));
            self.open.insert(seq, Bytes::from(key.clone()));
            self.queue.fill([item(seq, &key)]);
        }
        self.next = last;
    }

    fn consumer(&mut self) {
        if self.consumers.len() < 4 && self.rng.random_ratio(1, 3) {
            let order = if self.rng.random() { Order::Pipelined } else { Order::OneByOne };
            let how = Consumption { window: self.rng.random_range(1..6), order };
            let consumer = self.queue.attach(how);
            self.consumers.insert(consumer, how);
        } else if self.rng.random_ratio(1, 20)
            && let Some(consumer) = self.consumers.keys().next().copied()
        {
            let left = [Left::Unseen, Left::AtOldest, Left::Seen][self.rng.random_range(0..3)];
            self.queue.detach(self.now, consumer, left);
            self.consumers.remove(&consumer);
            self.out.retain(|_, with| *with != consumer);
        }
    }

    fn answer(&mut self, kindly: bool) {
        let out: Vec<(u64, ConsumerId)> = self.out.iter().map(|(seq, with)| (*seq, *with)).collect();
        for (seq, with) in out {
            if !self.out.contains_key(&seq) || self.rng.random_bool(0.4) {
                continue;
            }
            let what = if kindly { 0 } else { self.rng.random_range(0..10) };
            let has = match what {
                0..=5 => self.queue.ack(with, seq),
                6 | 7 => self.queue.release(self.now, with, seq),
                8 => self.queue.reject(self.now, with, seq, "poison"),
                _ => self.queue.renew(self.now, with, seq),
            };
            assert!(has, "{seq} is with {with:?}");
            if what < 9 {
                self.out.remove(&seq);
            }
            if (6..9).contains(&what) {
                self.forget_behind(seq);
            }
        }
    }

    /// With `block-key` a failed event takes those behind it back.
    fn forget_behind(&mut self, seq: u64) {
        if self.rules.on_failure == OnFailure::BlockKey {
            let key = self.open[&seq].clone();
            self.out.retain(|other, _| *other < seq || self.open[other] != key);
        }
    }

    fn poll(&mut self, burying: bool) {
        let leases = self.rules.lease.is_some();
        let effects = self.queue.poll(self.now, 0);
        if leases {
            // Which leases ended shows in what was counted.
            for (seq, _) in &effects.counted {
                if self.out.remove(seq).is_some() {
                    self.forget_behind(*seq);
                }
            }
            for dead in &effects.dead {
                if self.out.remove(&dead.seq).is_some() {
                    self.forget_behind(dead.seq);
                }
            }
        }
        for seq in effects.done {
            assert!(self.ended.insert(seq), "{seq} ended twice");
            self.open.remove(&seq);
        }
        for delivery in &effects.deliveries {
            self.check(delivery);
        }
        for dead in effects.dead {
            assert!(!self.out.contains_key(&dead.seq));
            if burying || self.rng.random() {
                self.queue.buried(dead.seq);
            } else {
                self.queue.unburied(self.now, dead.seq);
            }
        }
    }

    fn check(&mut self, delivery: &Delivery<u64>) {
        let (seq, with) = (delivery.seq, delivery.consumer);
        let key = &self.open[&seq];
        let how = self.consumers[&with];
        assert_eq!(delivery.redelivered, !self.seen.insert(seq), "{seq} and its flag");
        let same: Vec<(u64, ConsumerId)> = self
            .out
            .iter()
            .filter(|(other, _)| self.open[other] == *key)
            .map(|(other, with)| (*other, *with))
            .collect();
        if self.rules.on_failure == OnFailure::BlockKey {
            let earlier = self.open.range(..seq).filter(|(_, of)| *of == key).map(|(other, _)| *other);
            for earlier in earlier {
                let behind = how.order == Order::Pipelined && self.out.get(&earlier) == Some(&with);
                assert!(behind, "{seq} overtakes {earlier}");
            }
        }
        if self.rules.access == Access::Partitioned {
            assert!(same.iter().all(|(_, other)| *other == with), "a key at two consumers");
        }
        if self.rules.access == Access::Exclusive {
            assert_eq!(Some(&with), self.consumers.keys().next());
        }
        assert!(self.out.insert(seq, with).is_none(), "{seq} is out already");
        assert!(self.out.values().filter(|other| **other == with).count() <= how.window);
    }
}

#[test]
fn every_event_ends_once_and_in_the_promised_order() {
    for seed in 0..400 {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..400 {
                world.consumer();
                world.fill();
                world.poll(false);
                world.answer(false);
                world.now = world.now.after(Duration::from_millis(world.rng.random_range(0..80)));
            }
            // Then all goes well.
            for _ in 0..3_000 {
                if world.consumers.is_empty() {
                    world.consumer();
                }
                world.fill();
                world.poll(true);
                world.answer(true);
                world.now = world.now.after(Duration::from_millis(40));
            }
            assert_eq!(world.ended.len() as u64, EVENTS, "{world_queue:?}", world_queue = world.queue);
        });
        assert!(run.is_ok(), "seed {seed}");
    }
}
