//! The mesh: sites, the network between them, and everything that can go wrong.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustc_hash::FxHasher;

use super::ledger::Ledger;
use super::plan::{Allowed, Bias, Plan, topic};
use super::site::Site;
use super::{bounds, time, wire};
use crate::spool::Crash;
use crate::stream::Moment;

/// Steps until everything must be quiet once nothing goes wrong any more, each of [`CALM_STEP`].
const CALM_STEPS: u32 = 9_000;
const CALM_STEP: Duration = Duration::from_millis(20);
/// What happened last, for whoever looks at a failure.
const STORY_LINES: usize = 60;

/// See the module.
pub(super) struct World {
    pub(super) rng: StdRng,
    pub(super) plan: Rc<Plan>,
    pub(super) now: Moment,
    /// Things go wrong.
    pub(super) trouble: bool,
    pub(super) sites: Vec<Site>,
    pub(super) ledger: Ledger,
    network: BTreeMap<(Moment, u64), Packet>,
    serial: u64,
    /// Sites that cannot hear each other: from, to.
    pub(super) cut: Vec<(usize, usize)>,
    /// The largest credit of a lane that a site has given another: to, from.
    pub(super) granted: BTreeMap<(usize, usize), u64>,
    /// When a site that is down or hangs goes on.
    pub(super) away_until: Vec<Moment>,
    /// All policies so far, the newest last, and when each site gets them.
    pub(super) policies: Vec<Allowed>,
    pub(super) policy_due: BTreeMap<(Moment, usize), u64>,
    story: Vec<String>,
    trace: FxHasher,
}

struct Packet {
    to: usize,
    frame: Bytes,
}

impl World {
    pub(super) fn new(seed: u64, bias: Bias) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let plan = Rc::new(Plan::draw(&mut rng, bias));
        Self {
            sites: (0..plan.sites).map(|index| Site::new(index, &plan)).collect(),
            ledger: Ledger::new(&plan),
            rng,
            now: Moment(1),
            trouble: true,
            network: BTreeMap::new(),
            serial: 0,
            cut: Vec::new(),
            granted: BTreeMap::new(),
            away_until: vec![Moment::default(); plan.sites],
            policies: vec![Allowed::default()],
            policy_due: BTreeMap::new(),
            story: Vec::new(),
            trace: FxHasher::default(),
            plan,
        }
    }

    /// All of it. The error says what is wrong.
    pub(super) fn run(&mut self) -> Result<(), String> {
        (0..self.plan.sites).for_each(|index| self.start(index));
        for _ in 0..self.plan.steps {
            let wait = if self.rng.random_ratio(1, 12) { 100..600 } else { 1..30 };
            self.now = self.now.after(Duration::from_millis(self.rng.random_range(wait)));
            self.go_wrong();
            self.step()?;
        }
        self.calm_down();
        for step in 0..CALM_STEPS {
            self.now = self.now.after(CALM_STEP);
            self.step()?;
            if step % 8 == 0 && self.is_quiet() {
                return self.finish();
            }
        }
        Err(format!("nothing goes wrong any more, and it does not come to rest: {}", self.unrest()))
    }

    pub(super) fn chance(&mut self, percent: f64) -> bool {
        self.trouble && percent > 0.0 && self.rng.random_bool(percent / 100.0)
    }

    pub(super) fn tell(&mut self, what: &str) {
        if self.story.len() >= STORY_LINES * 2 {
            self.story.drain(..STORY_LINES);
        }
        self.story.push(format!("{:>9} ms  {what}", self.now.0 / 1_000));
    }

    /// What happened last.
    pub(super) fn story(&self) -> String {
        self.story[self.story.len().saturating_sub(STORY_LINES)..].join("\n")
    }

    /// The same for the same seed.
    pub(super) fn trace(&self) -> u64 {
        self.trace.finish()
    }

    /// Sets the clocks to what a site has.
    pub(super) fn at(&self, index: usize) -> i64 {
        let wall_ms = i64::try_from(self.now.0 / 1_000).unwrap_or(i64::MAX) + self.sites[index].wall_offset_ms;
        time::set(self.now, wall_ms);
        wall_ms
    }

    pub(super) fn start(&mut self, index: usize) {
        self.at(index);
        let neighbours = (0..self.plan.sites).filter(|other| *other != index).collect();
        self.sites[index].start(&mut self.rng, neighbours, &mut self.ledger);
        self.tell(&format!("site {index} starts"));
    }

    fn step(&mut self) -> Result<(), String> {
        self.bring_policies();
        self.carry();
        for index in 0..self.plan.sites {
            if self.away_until[index] > self.now {
                continue;
            }
            if self.sites[index].process.is_none() {
                self.start(index);
            }
            self.work(index);
            if let Some(broken) = self.ledger.broken() {
                return Err(broken.to_owned());
            }
            bounds::check(self, index)?;
        }
        Ok(())
    }

    /// One turn of a site.
    fn work(&mut self, index: usize) {
        let wall_ms = self.at(index);
        self.ledger.sees(index, wall_ms);
        if self.trouble && self.rng.random_ratio(1, 3) {
            self.publish(index, wall_ms);
        }
        let (plan, now, trouble) = (self.plan.clone(), self.now, self.trouble);
        let churn = self.chance(self.plan.faults.consumer);
        let (site, ledger, rng) = (&mut self.sites[index], &mut self.ledger, &mut self.rng);
        let Some(process) = &mut site.process else { return };
        for ((_, queue), client) in process.queues.iter_mut().zip(&mut process.clients) {
            client.come_and_go(queue, rng, churn);
            client.answer((index, now), &plan, ledger, rng, trouble);
            queue.step();
            client.take(index, ledger);
        }
        if trouble && rng.random_ratio(1, 25) {
            process.listen(rng);
        }
        process.fabric.step();
        self.post(index);
        // Others go on while the disk syncs.
        if (!self.trouble || self.rng.random_ratio(3, 5)) && !self.sites[index].commit(&mut self.ledger) {
            self.go_down(index, "dies in a commit");
        }
    }

    fn publish(&mut self, index: usize, wall_ms: i64) {
        let pass = self.rng.random_ratio(1, 4);
        let ttl_ms: Option<u64> = self.rng.random_ratio(1, 15).then(|| self.rng.random_range(100..20_000));
        let expires_at_ms = ttl_ms.map(|ttl_ms| wall_ms.saturating_add_unsigned(ttl_ms));
        let style = if pass { 'p' } else { 'k' };
        let mut batch = Vec::new();
        for _ in 0..self.rng.random_range(1..=3) {
            let topic = topic(&mut self.rng);
            let key = format!("{index}{style}{}", self.rng.random_range(0..self.plan.keys));
            let (mostly, rarely) = self.plan.payload_bytes;
            let most = if self.rng.random_ratio(1, 8) { rarely } else { mostly };
            let id = self.ledger.publish(index, &topic, &key, (pass, expires_at_ms));
            batch.push((id, topic, key, self.rng.random_range(0..most)));
        }
        if let Some(process) = &mut self.sites[index].process {
            process.publish(index, (wall_ms, ttl_ms), batch, pass);
        }
    }

    /// Frames that a site has put go on their way: lost, late, out of order, twice.
    pub(super) fn post(&mut self, index: usize) {
        let Some(process) = &self.sites[index].process else { return };
        let (posted, said) = (process.air.take(), process.air.take_said());
        for frame in said {
            if let Err(what) = wire::check(self, index, frame) {
                self.ledger.break_with(what);
            }
        }
        for posted in posted {
            self.trace.write_usize(posted.frame.len());
            for to in 0..self.plan.sites {
                let hears = self.sites[to].process.as_ref().is_some_and(|process| process.air.hears(&posted.key));
                if to == index || !hears || self.cut.contains(&(index, to)) || self.chance(self.plan.faults.loss) {
                    continue;
                }
                let copies = if self.chance(self.plan.faults.copy) { 2 } else { 1 };
                for _ in 0..copies {
                    let most_ms = if self.trouble { self.plan.faults.delay_ms } else { 1 };
                    let late = Duration::from_micros(self.rng.random_range(50..=most_ms * 1_000));
                    self.serial += 1;
                    let packet = Packet { to, frame: posted.frame.clone() };
                    self.network.insert((self.now.after(late), self.serial), packet);
                }
            }
        }
    }

    /// Frames that are due arrive.
    fn carry(&mut self) {
        let later = self.network.split_off(&(Moment(self.now.0 + 1), 0));
        let due = std::mem::replace(&mut self.network, later);
        for (at, packet) in due {
            let to = packet.to;
            if self.away_until[to] > self.now && self.sites[to].process.is_some() {
                // It hangs: what comes waits.
                self.network.insert((self.away_until[to], at.1), packet);
                continue;
            }
            self.at(to);
            if let Some(process) = &mut self.sites[to].process {
                process.fabric.receive(&packet.frame);
            }
        }
    }

    fn bring_policies(&mut self) {
        while let Some(entry) = self.policy_due.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let ((_, index), revision) = entry.remove_entry();
            let at = usize::try_from(revision - 1).expect("a number of policies");
            self.at(index);
            self.sites[index].enforce(revision, &self.policies[at], &mut self.ledger);
            self.tell(&format!("site {index} enforces revision {revision}: {:?}", self.policies[at]));
        }
    }

    pub(super) fn go_down(&mut self, index: usize, how: &str) {
        self.sites[index].kill(&mut self.ledger);
        let most = if self.rng.random_ratio(1, 4) { 8_000 } else { 400 };
        let away = Duration::from_millis(self.rng.random_range(1..most));
        self.away_until[index] = self.now.after(away);
        let (lost, undropped) = (self.rng.random_range(0..4), self.rng.random_ratio(1, 4));
        self.sites[index].reboot(lost, undropped);
        self.tell(&format!("site {index} {how}, and is away for {away:?}"));
    }

    pub(super) fn crash_at_commit(&mut self, index: usize) {
        let crash = if self.rng.random() { Crash::Before } else { Crash::After };
        self.sites[index].crash_at_next_commit(crash);
    }
}
