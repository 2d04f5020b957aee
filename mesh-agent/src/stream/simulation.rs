//! Seeded simulation: one origin and one destination, each with its disk, over a network that loses, repeats, delays and
//! reorders, with crashes of either side, custody that is not taken for a while, and events that are refused for good. A
//! failing seed replays.
//!
//! What is true at every moment: the destination stores no event twice, and the events of a key in the order of the log.
//! What is true in the end: every event of the log is stored or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{
    Batch, Incoming, Moment, Out, Progress, Receiver, Run, RunEvent, Sender, Settings, Settled, Ticket, Verdict,
};

const WINDOW: u64 = 2_000;
const HEARTBEAT: Duration = Duration::from_millis(200);
const STEP: Duration = Duration::from_millis(2);
const LANES: u16 = 3;
const KEYS: u64 = 13;
/// Events taken over by the sender and not sent.
const UNSENT: u64 = 1_000;

enum Message {
    Out { epoch: u64, destination: u64, out: Out<u64> },
    Progress { epoch: u64, destination: u64, progress: Vec<Progress> },
}

#[derive(Clone, Copy)]
struct Answer {
    epoch: u64,
    destination: u64,
    lane: Lane,
    ticket: Ticket,
    settled: Settled,
}

/// The origin: its disk, and what its process knows.
struct Origin {
    /// First events of all epochs.
    epochs: Vec<u64>,
    next: u64,
    /// Done with, on disk.
    done: BTreeSet<u64>,
    /// Done with, on its way to disk.
    lazy: BTreeSet<u64>,
    sender: Sender<u64, u64>,
    /// The epoch whose events are being sent.
    sends: Option<u64>,
    begun: BTreeSet<Lane>,
    /// Everything before was handed to the sender.
    cursor: u64,
}

/// The destination: its disk, and what its process knows.
struct Destination {
    epoch: u64,
    marks: BTreeMap<(u64, Lane), Seq>,
    stored: BTreeSet<u64>,
    newest: BTreeMap<u64, u64>,
    receivers: BTreeMap<u64, Receiver<u64>>,
}

struct World {
    rng: StdRng,
    now: Moment,
    trouble: bool,
    origin: Origin,
    destination: Destination,
    network: BTreeMap<(Moment, u64), Message>,
    answers: BTreeMap<(Moment, u64), Answer>,
    serial: u64,
    heartbeat_at: Moment,
    poison: BTreeSet<u64>,
    refused: BTreeSet<u64>,
}

fn lane(seq: u64) -> Lane {
    crate::spool::lane_of(&(seq % KEYS).to_be_bytes(), LANES)
}

fn sender() -> Sender<u64, u64> {
    Sender::new(LANES, Settings { initial_credit_bytes: 500, ..Settings::default() })
}

impl Origin {
    fn new() -> Self {
        Self {
            epochs: vec![1],
            next: 1,
            done: BTreeSet::new(),
            lazy: BTreeSet::new(),
            sender: sender(),
            sends: None,
            begun: BTreeSet::new(),
            cursor: 1,
        }
    }

    fn epoch_of(&self, seq: u64) -> u64 {
        self.epochs.partition_point(|first| *first <= seq) as u64 - 1
    }

    fn restart(&mut self) {
        self.lazy.clear();
        self.sender = sender();
        self.begun.clear();
        self.epochs.push(self.next);
        self.cursor = (1..self.next).find(|seq| !self.done.contains(seq)).unwrap_or(self.next);
        self.sends = None;
    }

    /// Hands the next event over, if there is one and it is its turn; returns what to send at once.
    fn pull(&mut self, now: Moment) -> Option<(bool, Option<Run<u64>>)> {
        let seq = (self.cursor..self.next).find(|seq| !self.done.contains(seq))?;
        let epoch = self.epoch_of(seq);
        let horizon = self.epochs.last().expect("there is one") - 1;
        let counter = |seq| if seq == 0 { Seq::START } else { Seq::from_counter(seq) };
        if self.sends != Some(epoch) {
            if !self.sender.is_idle() {
                return None;
            }
            self.sender.begin_anew(0..LANES, if seq <= horizon { counter(horizon) } else { Seq::START });
            self.begun.clear();
            self.sends = Some(epoch);
        }
        self.cursor = seq + 1;
        let lane = lane(seq);
        if self.begun.insert(lane) && seq <= horizon {
            self.sender.resume_lane(lane, counter(seq - 1));
        }
        let event = RunEvent { seq: Seq::from_counter(seq), redelivered: false, payload: seq };
        let prev = self.sender.offer(now, lane, event.clone(), 50, seq);
        Some((true, prev.map(|prev| Run { lane, prev, events: vec![event], again: false })))
    }
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            now: Moment(1),
            trouble: true,
            origin: Origin::new(),
            destination: Destination {
                epoch: 1,
                marks: BTreeMap::new(),
                stored: BTreeSet::new(),
                newest: BTreeMap::new(),
                receivers: BTreeMap::new(),
            },
            network: BTreeMap::new(),
            answers: BTreeMap::new(),
            serial: 0,
            heartbeat_at: Moment::default(),
            poison: BTreeSet::new(),
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
        let seq = self.origin.next;
        self.origin.next += 1;
        if self.chance(0.5) {
            self.poison.insert(seq);
        }
    }

    fn send(&mut self, out: &Out<u64>) {
        let Some((_, Epoch(destination))) = self.origin.sender.peer() else { return };
        let Some(epoch) = self.origin.sends else { return };
        self.post(|| Message::Out { epoch, destination, out: out.clone() });
    }

    fn step(&mut self) {
        self.now = self.now.after(STEP);
        if self.chance(0.1) {
            self.origin.restart();
        }
        if self.chance(0.2) {
            self.destination.epoch += 1;
            self.destination.receivers.clear();
            self.heartbeat_at = self.now;
        }
        if self.chance(20.0) || !self.trouble {
            let lazy = std::mem::take(&mut self.origin.lazy);
            self.origin.done.extend(lazy);
        }
        while self.network.first_key_value().is_some_and(|(at, _)| at.0 <= self.now) {
            let message = self.network.pop_first().expect("just seen").1;
            self.arrive(message);
        }
        while self.answers.first_key_value().is_some_and(|(at, _)| at.0 <= self.now) {
            let answer = self.answers.pop_first().expect("just seen").1;
            self.answer(answer);
        }
        let epochs: Vec<u64> = self.destination.receivers.keys().copied().collect();
        for epoch in &epochs {
            let again = self.destination.receivers.get_mut(epoch).expect("is there").poll(self.now, |_| true);
            self.take(*epoch, again);
        }
        while self.origin.sender.unsent_bytes() < UNSENT
            && let Some((_, run)) = self.origin.pull(self.now)
        {
            if let Some(run) = run {
                self.send(&Out::Run(run));
            }
        }
        let polled = self.origin.sender.poll(self.now, |_| true);
        self.origin.lazy.extend(polled.done);
        for out in polled.out {
            self.send(&out);
        }
        self.tell(epochs);
    }

    /// Acknowledgements, and with every heartbeat everything that one of them could have told.
    fn tell(&mut self, epochs: Vec<u64>) {
        let beat = self.now.since(self.heartbeat_at) >= HEARTBEAT;
        if beat {
            self.heartbeat_at = self.now;
        }
        let destination = self.destination.epoch;
        if beat && epochs.is_empty() {
            self.post(|| Message::Progress { epoch: u64::MAX, destination, progress: Vec::new() });
        }
        for epoch in epochs {
            let receiver = self.destination.receivers.get_mut(&epoch).expect("is there");
            let progress = receiver.progress(self.now, beat);
            if beat || !progress.is_empty() {
                self.post(|| Message::Progress { epoch, destination, progress: progress.clone() });
            }
        }
    }

    fn arrive(&mut self, message: Message) {
        match message {
            Message::Out { epoch, destination, out } if destination == self.destination.epoch => {
                let marks = &self.destination.marks;
                let of_epoch = |((of, lane), mark): (&(u64, Lane), &Seq)| (*of == epoch).then_some((*lane, *mark));
                let receiver = self.destination.receivers.entry(epoch);
                let receiver =
                    receiver.or_insert_with(|| Receiver::new(WINDOW, marks.iter().filter_map(of_epoch).collect()));
                let batches = match out {
                    Out::Run(run) => {
                        let events = run.events.into_iter().map(|event| Incoming {
                            seq: event.seq,
                            redelivered: event.redelivered,
                            bytes: 50,
                            verdict: if self.poison.contains(&event.payload) {
                                Verdict::Refuse("poison".to_owned())
                            } else {
                                Verdict::Take(event.payload)
                            },
                        });
                        receiver.on_events(run.lane, run.prev, events.collect())
                    }
                    Out::Skip { lane, after, up_to, reason } => receiver.on_skip(lane, after, up_to, reason),
                };
                self.take(epoch, batches);
            }
            Message::Out { .. } => {}
            Message::Progress { epoch, destination, progress } => self.told(epoch, destination, progress),
        }
    }

    fn told(&mut self, epoch: u64, destination: u64, progress: Vec<Progress>) {
        let origin = &mut self.origin;
        if origin.sender.peer().is_some_and(|(_, Epoch(known))| destination < known) {
            return;
        }
        origin.sender.meet(SpoolId([9; 16]), Epoch(destination), true);
        origin.sender.set_reachable(true);
        if Some(epoch) != origin.sends {
            return;
        }
        for lane in progress {
            for (seq, _) in &lane.refused {
                if origin.sender.on_refused(self.now, lane.lane, *seq).is_some() {
                    let refused = origin.sender.answer_refusal(lane.lane, *seq);
                    self.refused.extend(refused);
                    origin.lazy.extend(refused);
                }
            }
            let done = origin.sender.on_ack(self.now, lane.lane, (lane.arrived, lane.up_to), lane.credit_bytes);
            origin.lazy.extend(done.expect("no ack is ahead"));
            origin.sender.on_nack(self.now, lane.lane, &lane.missing);
        }
    }

    /// The destination's committer: a batch is taken with its mark or not at all, and only when it is its turn.
    fn take(&mut self, epoch: u64, batches: Vec<Batch<u64>>) {
        for batch in batches {
            let mark = self.destination.marks.get(&(epoch, batch.lane)).copied().unwrap_or(Seq::START);
            let settled = if mark != batch.after || self.chance(2.0) {
                Settled::Lost
            } else {
                self.destination.marks.insert((epoch, batch.lane), batch.up_to);
                for (seq, _) in &batch.events {
                    assert!(self.destination.stored.insert(*seq), "{seq} is stored twice");
                    let newest = self.destination.newest.insert(seq % KEYS, *seq).unwrap_or(0);
                    assert!(newest < *seq, "{seq} is stored after {newest}, of the same key");
                }
                Settled::Taken
            };
            let at = self.later(50);
            let (destination, lane, ticket) = (self.destination.epoch, batch.lane, batch.ticket);
            self.answers.insert(at, Answer { epoch, destination, lane, ticket, settled });
        }
    }

    fn answer(&mut self, answer: Answer) {
        let Answer { epoch, destination, lane, ticket, settled } = answer;
        if destination == self.destination.epoch
            && let Some(receiver) = self.destination.receivers.get_mut(&epoch)
        {
            receiver.settle(self.now, lane, ticket, settled);
        }
    }

    fn is_over(&self) -> bool {
        self.origin.cursor == self.origin.next && self.origin.sender.is_idle() && self.origin.lazy.is_empty()
    }

    fn run(&mut self) {
        for _ in 0..3_000 {
            for _ in 0..self.rng.random_range(0..3) {
                self.publish();
            }
            self.step();
        }
        self.trouble = false;
        for _ in 0..40_000 {
            if self.is_over() {
                break;
            }
            self.step();
        }
        assert!(self.is_over(), "the origin is not done: {:?}", self.origin.sender.backlog());
    }

    fn check(&self) {
        for seq in 1..self.origin.next {
            let stored = self.destination.stored.contains(&seq);
            // An origin that crashed before it knew of the refusal hears it again.
            let refused = self.poison.contains(&seq) && self.refused.contains(&seq);
            assert!(stored != refused, "{seq} is neither stored nor refused, or both");
            assert!(self.origin.done.contains(&seq), "{seq} is never done with");
        }
        assert!(self.origin.next > 2_000, "the simulation moves events");
    }
}

#[test]
fn everything_is_stored_once_and_in_order_whatever_happens() {
    for seed in 0..60 {
        let mut world = World::new(seed);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            world.run();
            world.check();
        }));
        assert!(result.is_ok(), "seed {seed} failed");
    }
}
