//! A seeded simulation against a plain model: appends, readers, acknowledgements, changes of queue and crashes in any mix. What the
//! model knows to be durable is there, what it knows to be gone is gone, and after a crash only the turn that was under
//! way may be either, as a whole.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::router::Claim;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const SEEDS: u64 = 300;

/// What one queue must hold, in the order of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    pending: BTreeSet<u64>,
    /// Handed out: event to its number in the log.
    out: BTreeMap<u64, u64>,
    /// What its owner shall know again.
    claims: BTreeSet<u32>,
}

#[derive(Clone, Debug, Default)]
struct Model {
    queues: BTreeMap<&'static str, Held>,
    mark: u64,
}

struct World {
    rng: StdRng,
    disk: SimulatedDisk,
    core: Core,
    epoch: u64,
    next: u64,
    model: Model,
}

const KEY: MarkKey = MarkKey { origin: SpoolId([1; 16]), epoch: Epoch(1), lane: Lane(0) };

impl World {
    fn new(seed: u64) -> Self {
        let disk = SimulatedDisk::default();
        Self {
            rng: StdRng::seed_from_u64(seed),
            core: open(&disk, 0),
            disk,
            epoch: 0,
            next: 1,
            model: Model::default(),
        }
    }

    fn number(&self, name: &str) -> Option<QueueNo> {
        self.core.queue(name)
    }

    /// A few operations and what the model says of them.
    fn operations(&mut self) -> (Vec<Op>, Model) {
        let mut after = self.model.clone();
        let mut ops = Vec::new();
        for _ in 0..self.rng.random_range(1..6) {
            let name = NAMES[self.rng.random_range(0..NAMES.len())];
            let queue = self.number(name);
            match (self.rng.random_range(0..12), queue) {
                (0, Some(queue)) if self.rng.random_ratio(1, 4) => {
                    after.queues.remove(name);
                    ops.push(Op::Close(queue));
                    // Names are looked up once a turn: nothing more about this one now.
                    return (ops, after);
                }
                (1..=4, Some(queue)) => {
                    let Some(held) = after.queues.get_mut(name) else { continue };
                    let chosen: Vec<(u64, u64)> = held.out.iter().map(|(event, seq)| (*event, *seq)).collect();
                    let chosen: Vec<_> = chosen.into_iter().filter(|_| self.rng.random_bool(0.6)).collect();
                    for (event, _) in &chosen {
                        held.out.remove(event);
                        held.pending.remove(event);
                    }
                    let seqs = chosen.into_iter().map(|(_, seq)| seq).collect();
                    ops.push(if self.rng.random_bool(0.3) {
                        let claim = self.claim(queue);
                        held.claims.insert(claim.number);
                        Op::Claim { claim, done: seqs }
                    } else {
                        Op::Ack { queue, seqs }
                    });
                }
                (5, Some(queue)) => {
                    let Some(held) = after.queues.get_mut(name) else { continue };
                    let all = self.core.browse(queue, 0, 30).expect("reads").entries;
                    let chosen: Vec<_> = all.iter().filter(|_| self.rng.random_bool(0.3)).collect();
                    for entry in &chosen {
                        held.out.remove(&number(&entry.event));
                        held.pending.remove(&number(&entry.event));
                    }
                    let seqs = chosen.iter().map(|entry| entry.seq).collect();
                    ops.push(Op::Move { events: Vec::new(), from: queue, seqs });
                }
                (6, Some(queue)) => {
                    let target = NAMES[self.rng.random_range(0..NAMES.len())];
                    let Some(to) = self.number(target).filter(|to| *to != queue) else { continue };
                    // One that has had it in this very turn would name its row twice.
                    let had =
                        |event: u64| self.model.queues.get(target).is_some_and(|held| held.pending.contains(&event));
                    let all = self.core.browse(queue, 0, 30).expect("reads").entries;
                    let has = |event: u64| after.queues.get(target).is_some_and(|held| held.pending.contains(&event));
                    let still = |event: u64| after.queues.get(name).is_some_and(|held| held.pending.contains(&event));
                    let free = |event: u64| !had(event) && !has(event) && still(event);
                    let all: Vec<_> = all.into_iter().filter(|entry| free(number(&entry.event))).collect();
                    let chosen: Vec<_> = all.into_iter().filter(|_| self.rng.random_bool(0.4)).collect();
                    for entry in &chosen {
                        let event = number(&entry.event);
                        let from = after.queues.get_mut(name).expect("it is there");
                        from.pending.remove(&event);
                        from.out.remove(&event);
                        after.queues.get_mut(target).expect("it is there").pending.insert(event);
                    }
                    let rows = chosen.iter().map(|entry| (entry.seq, entry.row)).collect();
                    ops.push(Op::Hand { from: queue, to, rows });
                }
                (7, Some(queue)) => {
                    let Some(held) = after.queues.get_mut(name) else { continue };
                    let chosen: Vec<_> = held.out.iter().map(|(event, seq)| (*event, *seq)).collect();
                    let chosen: Vec<_> = chosen.into_iter().filter(|_| self.rng.random_bool(0.5)).collect();
                    for (event, _) in &chosen {
                        held.out.remove(event);
                    }
                    ops.push(Op::Return { queue, seqs: chosen.into_iter().map(|(_, seq)| seq).collect() });
                }
                (8, Some(queue)) => {
                    let Some(held) = after.queues.get_mut(name) else { continue };
                    let claim = self.claim(queue);
                    held.claims.remove(&claim.number);
                    ops.push(Op::Unclaim(claim));
                }
                (_, None) => {
                    if !after.queues.contains_key(name) {
                        after.queues.insert(name, Held::default());
                        ops.push(Op::Open { name: name.into(), limits: Limits::NONE });
                    }
                }
                _ => ops.push(self.append(&mut after)),
            }
        }
        (ops, after)
    }

    fn claim(&mut self, queue: QueueNo) -> Claim {
        Claim { queue: queue.0, number: self.rng.random_range(0..6) }
    }

    fn append(&mut self, after: &mut Model) -> Op {
        let mut events = Vec::new();
        for _ in 0..self.rng.random_range(1..4) {
            let names: Vec<_> = NAMES.into_iter().filter(|_| self.rng.random_bool(0.5)).collect();
            let number = self.next;
            self.next += 1;
            let mut queues = Queues::new();
            for name in names {
                let (Some(queue), Some(held)) = (self.core.queue(name), after.queues.get_mut(name)) else { continue };
                queues.push(queue);
                held.pending.insert(number);
            }
            let size = self.rng.random_range(8..400);
            events.push(Addressed { event: event(number, size), queues, redelivered: false });
        }
        let seq = |counter| if counter == 0 { Seq::START } else { Seq::from_counter(counter) };
        let before = std::mem::replace(&mut after.mark, self.next);
        let mark = Some(Mark { key: KEY, after: seq(before), up_to: seq(self.next) });
        let name = NAMES[self.rng.random_range(0..NAMES.len())];
        let claim = self.core.queue(name).filter(|_| self.rng.random_bool(0.5)).map(|queue| self.claim(queue));
        if let Some((claim, held)) = claim.zip(after.queues.get_mut(name)) {
            held.claims.insert(claim.number);
        }
        Op::Append { events, mark, claim }
    }

    fn turn(&mut self) {
        let (ops, after) = self.operations();
        let crash = match self.rng.random_range(0..20) {
            0 => Some(Crash::Before),
            1 => Some(Crash::After),
            _ => None,
        };
        if let Some(crash) = crash {
            self.disk.crash_at_next_commit(crash);
        }
        let answers = self.core.turn(ops).0;
        let died = self.core.has_failed();
        assert!(!died || answers.iter().all(|answer| *answer == Err(Refusal::Failed)));
        assert!(died || answers.iter().all(Result::is_ok), "{answers:?}");
        // A turn that changes nothing does not commit.
        self.disk.disarm();
        if !died || crash == Some(Crash::After) {
            self.model = after;
        }
        if died || self.rng.random_ratio(1, 25) {
            self.restart();
        }
    }

    fn sweep(&mut self) {
        let crash = [None, None, None, Some(Crash::Before), Some(Crash::After)][self.rng.random_range(0..5)];
        crash.into_iter().for_each(|crash| self.disk.crash_at_next_commit(crash));
        let swept = self.core.sweep();
        assert!(swept.is_ok() || crash.is_some());
        self.disk.disarm();
        if swept.is_err() {
            self.restart();
        }
    }

    /// A new process: nothing is handed out any more.
    fn restart(&mut self) {
        self.epoch += 1;
        self.disk = self.disk.restarted();
        self.core = open(&self.disk, self.epoch);
        for held in self.model.queues.values_mut() {
            held.out.clear();
        }
        assert_eq!(self.core.mark(&KEY), Seq::from_counter(self.model.mark).max(Seq::START));
    }

    fn read(&mut self) {
        let name = NAMES[self.rng.random_range(0..NAMES.len())];
        let Some(queue) = self.number(name) else { return };
        let held = self.model.queues.get_mut(name).expect("the model has it too");
        if self.rng.random_ratio(1, 10) {
            self.core.turn(vec![Op::Rewind(queue)]);
            held.out.clear();
        }
        let most = self.rng.random_range(1..20);
        let taken = self.core.take(queue, most, 1_500).expect("reads");
        let wanted: Vec<u64> = held.pending.iter().copied().filter(|event| !held.out.contains_key(event)).collect();
        let got = numbers(&taken);
        assert_eq!(got, wanted[..got.len()], "in order, nothing twice, nothing missing");
        assert!(!got.is_empty() || wanted.is_empty(), "{} wait", wanted.len());
        held.out.extend(taken.entries.iter().map(|entry| (number(&entry.event), entry.seq)));
    }

    fn check(&self) {
        for (name, held) in &self.model.queues {
            let queue = self.number(name).expect("it is there");
            let standing = self.core.standing(queue).expect("it is there");
            let wanted = (held.pending.len() as u64, held.out.len() as u64);
            assert_eq!((standing.events, standing.handed_out), wanted, "{name}");
            assert_eq!(self.core.claims(queue), held.claims.iter().copied().collect::<Vec<_>>(), "{name}");
        }
    }

    /// At the end everything can be read and acknowledged, and then nothing is left on disk.
    fn finish(mut self) {
        self.restart();
        self.check();
        for (name, held) in self.model.queues.clone() {
            let queue = self.number(name).expect("it is there");
            let taken = take(&self.core, queue);
            assert_eq!(numbers(&taken), held.pending.into_iter().collect::<Vec<_>>(), "{name}");
            one(&self.core, Op::Ack { queue, seqs: seqs(&taken) }).expect("acked");
        }
        while self.core.has_trash() {
            self.core.sweep().expect("swept");
        }
        assert_eq!((self.disk.rows(Place::Rows), self.disk.rows(Place::Segment(SegmentNo(0)))), (0, 0));
        let left = self.disk.segments().into_iter().filter(|segment| segment.0 > 0).count();
        assert!(left <= 1, "{:?}", self.disk.segments());
    }
}

#[test]
fn any_mix_of_work_and_crashes_agrees_with_the_model() {
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..150 {
                world.turn();
                if world.rng.random_bool(0.5) {
                    world.read();
                }
                if world.core.has_trash() && world.rng.random_bool(0.3) {
                    world.sweep();
                }
                world.check();
            }
            world.finish();
        });
        assert!(run.is_ok(), "seed {seed}");
    }
}
