//! Seeded simulation: one origin and one destination over a network that loses, repeats, delays and reorders, with
//! crashes of either side and outlets that lose or refuse what they were given. A failing seed replays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Batch, Incoming, Moment, Out, Progress, Receiver, RunEvent, Sender, Settings, Settled, Ticket, Verdict};

const WINDOW: u64 = 2_000;
const HEARTBEAT: Duration = Duration::from_millis(200);
const STEP: Duration = Duration::from_millis(2);

/// An event of the simulation; `epoch` is its origin's.
type Id = (u64, u64);

enum Message {
    Out { origin: u64, destination: u64, out: Out<Id> },
    Progress { origin: u64, destination: u64, progress: Vec<Progress> },
}

enum Answer {
    Settle { origin: u64, destination: u64, lane: Lane, ticket: Ticket, settled: Settled, ids: Vec<Id> },
}

struct World {
    rng: StdRng,
    now: Moment,
    trouble: bool,
    sender: Sender<Id, Id>,
    origin: u64,
    next_id: u64,
    receiver: Receiver<Id>,
    receives_from: u64,
    destination: u64,
    network: BTreeMap<(Moment, u64), Message>,
    answers: BTreeMap<(Moment, u64), Answer>,
    serial: u64,
    heartbeat_at: Moment,
    handed_out: BTreeMap<(u64, Lane), u64>,
    seen: BTreeSet<Id>,
    taken: BTreeSet<Id>,
    poison: BTreeSet<Id>,
    acked: BTreeSet<Id>,
    refused: BTreeSet<Id>,
}

fn lane(id: u64) -> Lane {
    crate::spool::lane_of(&(id % 13).to_be_bytes(), 3)
}

fn settings() -> Settings {
    Settings { initial_credit_bytes: 500, ..Settings::default() }
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            now: Moment(1),
            trouble: true,
            sender: Sender::new(3, settings()),
            origin: 1,
            next_id: 1,
            receiver: Receiver::new(WINDOW),
            receives_from: 0,
            destination: 1,
            network: BTreeMap::new(),
            answers: BTreeMap::new(),
            serial: 0,
            heartbeat_at: Moment::default(),
            handed_out: BTreeMap::new(),
            seen: BTreeSet::new(),
            taken: BTreeSet::new(),
            poison: BTreeSet::new(),
            acked: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    fn chance(&mut self, percent: f64) -> bool {
        self.trouble && self.rng.random_bool(percent / 100.0)
    }

    fn later(&mut self, most_ms: u64) -> (Moment, u64) {
        self.serial += 1;
        let most_ms = if self.trouble { most_ms } else { 1 };
        (self.now.after(Duration::from_micros(self.rng.random_range(100..=most_ms * 1_000))), self.serial)
    }

    /// Lost, late, out of order, twice.
    fn post(&mut self, message: impl Fn() -> Message) {
        if self.chance(10.0) {
            return;
        }
        let copies = if self.chance(5.0) { 2 } else { 1 };
        for _ in 0..copies {
            let at = self.later(30);
            self.network.insert(at, message());
        }
    }

    fn publish(&mut self) {
        let id = (self.origin, self.next_id);
        self.next_id += 1;
        if self.chance(0.5) {
            self.poison.insert(id);
        }
        let event = RunEvent { seq: Seq::from_counter(id.1), redelivered: false, payload: id };
        if let Some(prev) = self.sender.offer(self.now, lane(id.1), event.clone(), 50, id) {
            let run = super::Run { lane: lane(id.1), prev, events: vec![event], again: false };
            self.send(&Out::Run(run));
        }
    }

    fn send(&mut self, out: &Out<Id>) {
        let Some((_, Epoch(destination))) = self.sender.peer() else { return };
        let origin = self.origin;
        self.post(|| Message::Out { origin, destination, out: out.clone() });
    }

    fn crash_origin(&mut self) {
        self.origin += 1;
        self.sender = Sender::new(3, settings());
    }

    fn crash_destination(&mut self) {
        self.destination += 1;
        self.receiver = Receiver::new(WINDOW);
        self.heartbeat_at = self.now;
    }

    fn step(&mut self) {
        self.now = self.now.after(STEP);
        if self.chance(0.1) {
            self.crash_origin();
        }
        if self.chance(0.2) {
            self.crash_destination();
        }
        while self.network.first_key_value().is_some_and(|(at, _)| at.0 <= self.now) {
            let message = self.network.pop_first().expect("just seen").1;
            self.arrive(message);
        }
        while self.answers.first_key_value().is_some_and(|(at, _)| at.0 <= self.now) {
            let answer = self.answers.pop_first().expect("just seen").1;
            self.answer(answer);
        }
        let again = self.receiver.poll(self.now, |_| true);
        self.hand_out(again);
        for out in self.sender.poll(self.now, |_| true).out {
            self.send(&out);
        }
        let beat = self.now.since(self.heartbeat_at) >= HEARTBEAT;
        if beat {
            self.heartbeat_at = self.now;
        }
        let progress = self.receiver.progress(self.now, beat);
        if beat || !progress.is_empty() {
            let (origin, destination) = (self.receives_from, self.destination);
            self.post(|| Message::Progress { origin, destination, progress: progress.clone() });
        }
    }

    fn arrive(&mut self, message: Message) {
        match message {
            Message::Out { origin, destination, out } if destination == self.destination => {
                if origin < self.receives_from {
                    return;
                }
                if origin > self.receives_from {
                    self.receives_from = origin;
                    self.receiver = Receiver::new(WINDOW);
                }
                let batches = match out {
                    Out::Run(run) => {
                        let events = run.events.into_iter().map(|event| Incoming {
                            seq: event.seq,
                            redelivered: event.redelivered,
                            bytes: 50,
                            verdict: Verdict::Take(event.payload),
                        });
                        self.receiver.on_events(run.lane, run.prev, events.collect())
                    }
                    Out::Skip { lane, after, up_to, reason } => self.receiver.on_skip(lane, after, up_to, reason),
                };
                self.hand_out(batches);
            }
            Message::Out { .. } => {}
            Message::Progress { origin, destination, progress } => self.told(origin, destination, progress),
        }
    }

    fn told(&mut self, origin: u64, destination: u64, progress: Vec<Progress>) {
        if self.sender.peer().is_some_and(|(_, Epoch(known))| destination < known) {
            return;
        }
        self.sender.meet(SpoolId([9; 16]), Epoch(destination), false);
        self.sender.set_reachable(true);
        if origin != self.origin {
            return;
        }
        for lane in progress {
            for (seq, _) in &lane.refused {
                self.refused.extend(self.sender.on_refused(lane.lane, *seq));
            }
            let done = self.sender.on_ack(lane.lane, lane.arrived, lane.up_to, lane.credit_bytes);
            self.acked.extend(done.expect("no ack is ahead"));
            self.sender.on_nack(lane.lane, &lane.missing);
        }
    }

    /// The consumer sees events in the order they are handed out.
    fn hand_out(&mut self, batches: Vec<Batch<Id>>) {
        for batch in batches {
            for &(id, redelivered) in &batch.events {
                if self.seen.insert(id) {
                    let last = self.handed_out.insert((id.0, batch.lane), id.1).unwrap_or(0);
                    assert!(last < id.1, "first delivery of {id:?} after {last}");
                } else {
                    assert!(redelivered, "{id:?} came twice without a flag");
                }
            }
            let ids: Vec<Id> = batch.events.iter().map(|(id, _)| *id).collect();
            let poisoned = ids.iter().any(|id| self.poison.contains(id));
            let settled = if poisoned {
                Settled::Refused("poison".to_owned())
            } else if self.chance(2.0) {
                Settled::Lost
            } else {
                Settled::Taken
            };
            let at = self.later(50);
            let (origin, destination, lane, ticket) = (self.receives_from, self.destination, batch.lane, batch.ticket);
            self.answers.insert(at, Answer::Settle { origin, destination, lane, ticket, settled, ids });
        }
    }

    fn answer(&mut self, answer: Answer) {
        let Answer::Settle { origin, destination, lane, ticket, settled, ids } = answer;
        if settled == Settled::Taken {
            self.taken.extend(ids);
        }
        if origin == self.receives_from && destination == self.destination {
            self.receiver.settle(self.now, lane, ticket, settled);
        }
    }

    fn run(&mut self) {
        for _ in 0..3_000 {
            for _ in 0..self.rng.random_range(0..3) {
                self.publish();
            }
            self.step();
        }
        self.trouble = false;
        for _ in 0..20_000 {
            if self.sender.is_idle() {
                break;
            }
            self.step();
        }
        assert!(self.sender.is_idle(), "the live origin is not done: {:?}", self.sender.backlog());
    }

    fn check(&self) {
        for id in &self.acked {
            assert!(self.taken.contains(id), "{id:?} was acked and never taken");
        }
        for id in &self.refused {
            assert!(self.poison.contains(id), "{id:?} was refused for no reason");
        }
        let first = self.acked.iter().chain(&self.refused).filter(|id| id.0 == self.origin).count();
        let of_live = self.seen.iter().filter(|id| id.0 == self.origin).count();
        assert!(first >= of_live, "every event of the live origin is acked or refused");
        assert!(self.acked.len() > 500, "the simulation moves events");
    }
}

#[test]
fn nothing_acked_is_lost_and_order_holds_whatever_happens() {
    for seed in 0..60 {
        let mut world = World::new(seed);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            world.run();
            world.check();
        }));
        assert!(result.is_ok(), "seed {seed} failed");
    }
}
