//! Agents that share a quota, over a network that loses and delays, with clients that want anything. Their buckets are the
//! real ones.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::bucket::{Bucket, UNIT};
use super::super::needed;
use super::*;

/// The quota of all agents, in events a second.
const QUOTA: u64 = 100;
/// How far the simulation goes at once, in microseconds.
const STEP: u64 = 20_000;
const LOOK: u64 = 100_000;
const TELL: u64 = 500_000;
const S: u64 = 1_000_000;

fn agent(number: usize) -> AgentId {
    Uuid::from_u128(number as u128 + 1).into()
}

struct Site {
    sharing: Sharing,
    bucket: Bucket,
    /// When its process began.
    since: u64,
    passed: u64,
    slowed: bool,
    /// Events that wait to be tried, in thousandths.
    waiting: u64,
    /// Of each step.
    history: Vec<u64>,
}

/// One change of the world.
#[derive(Clone, Debug)]
enum Turn {
    /// What clients of a site want, in events a second.
    Wants(usize, u64),
    /// Messages from the one to the other are lost from now on, or arrive again.
    Link(usize, usize, bool),
    /// A process ends without a word and begins again.
    Restart(usize),
}

struct World {
    now: u64,
    sites: Vec<Site>,
    wants: Vec<u64>,
    cut: Vec<Vec<bool>>,
    /// To whom, from whom, when it arrives.
    air: VecDeque<(usize, usize, u64, Share)>,
    delay: u64,
    restarts: u64,
}

impl World {
    fn new(count: usize, delay_ms: u64) -> Self {
        let agents: Vec<AgentId> = (0..count).map(agent).collect();
        let site = |index: usize| Site::begin(index, &agents, 0);
        Self {
            now: 0,
            sites: (0..count).map(site).collect(),
            wants: vec![0; count],
            cut: vec![vec![false; count]; count],
            air: VecDeque::new(),
            delay: delay_ms * 1_000,
            restarts: 0,
        }
    }

    fn turn(&mut self, turn: &Turn) {
        let count = self.sites.len();
        match *turn {
            Turn::Wants(site, wants) => self.wants[site % count] = wants,
            Turn::Link(from, to, cut) => self.cut[from % count][to % count] = cut,
            // One alone has nobody to keep it to the quota but its own memory: it begins with a burst.
            Turn::Restart(_) if count == 1 => {}
            Turn::Restart(site) => {
                self.restarts += 1;
                let agents: Vec<AgentId> = (0..count).map(agent).collect();
                let history = std::mem::take(&mut self.sites[site % count].history);
                self.sites[site % count] = Site { history, ..Site::begin(site % count, &agents, self.now) };
            }
        }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + seconds * S;
        while self.now < end {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        let now = self.now;
        while self.air.front().is_some_and(|(.., at, _)| *at <= now) {
            let Some((to, from, _, share)) = self.air.pop_front() else { break };
            let site = &mut self.sites[to];
            site.sharing.hear(agent(from), &share, now - site.since);
        }
        for from in 0..self.sites.len() {
            let wants = self.wants[from];
            let site = &mut self.sites[from];
            site.step(now, wants);
            if now.is_multiple_of(TELL) {
                for to in (0..self.cut.len()).filter(|to| *to != from) {
                    let said = site.sharing.say(agent(to), now - site.since);
                    if let Some(share) = said.filter(|_| !self.cut[from][to]) {
                        self.air.push_back((to, from, now + self.delay, share));
                    }
                }
                site.allot(now);
            }
        }
        let total: u64 = self.sites.iter_mut().map(|site| site.sharing.allowance(now - site.since)[0]).sum();
        assert!(total <= QUOTA * UNIT, "the parts in use are more than the quota: {total}");
    }

    /// Most events of all sites in any ten seconds.
    fn most(&self) -> u64 {
        let steps = self.sites.iter().map(|site| site.history.len()).min().unwrap_or(0);
        let sums: Vec<u64> = (0..steps).map(|step| self.sites.iter().map(|site| site.history[step]).sum()).collect();
        let window = usize::try_from(10 * S / STEP).expect("small");
        sums.windows(window.min(sums.len()).max(1)).map(|window| window.iter().sum()).max().unwrap_or(0)
    }

    /// Events of a site in the last seconds.
    fn lately(&self, site: usize, seconds: u64) -> u64 {
        let steps = usize::try_from(seconds * S / STEP).expect("small");
        self.sites[site].history.iter().rev().take(steps).sum()
    }
}

impl Site {
    fn begin(index: usize, agents: &[AgentId], now: u64) -> Self {
        // Each process has a clock of its own.
        let mut sharing = Sharing::new(Uuid::from_u128(1).into(), ((index as u64 + 1) << 60) | now);
        sharing.set(agent(index), agents, [QUOTA * UNIT, 0, 0, 0]);
        let bucket = Bucket::unlimited();
        bucket.limit(sharing.allowance(0)[0], 1, now);
        Self { sharing, bucket, since: now, passed: 0, slowed: false, waiting: 0, history: Vec::new() }
    }

    fn step(&mut self, now: u64, wants: u64) {
        self.waiting += wants * STEP / 1_000;
        let mut passed = 0;
        while self.waiting >= 1_000 {
            self.waiting -= 1_000;
            match self.bucket.take(1, true, now) {
                Ok(()) => passed += 1,
                Err(_) => self.slowed = true,
            }
        }
        self.passed += passed;
        self.history.push(passed);
        if now.is_multiple_of(TELL) {
            let allowed = self.sharing.too_little(now - self.since)[0];
            let slowed = std::mem::take(&mut self.slowed);
            let needs = needed(std::mem::take(&mut self.passed), TELL, slowed.then_some(allowed));
            self.sharing.need([needs, 0, 0, 0]);
        }
        if now.is_multiple_of(LOOK) {
            self.allot(now);
        }
    }

    fn allot(&mut self, now: u64) {
        self.bucket.limit(self.sharing.allowance(now - self.since)[0], 1, now);
    }
}

fn turns() -> impl Strategy<Value = Vec<(Turn, u64)>> {
    let turn = prop_oneof![
        4 => (0..5usize, prop_oneof![Just(0), 0..20u64, 0..400u64]).prop_map(|(site, wants)| Turn::Wants(site, wants)),
        3 => (0..5usize, 0..5usize, any::<bool>()).prop_map(|(from, to, cut)| Turn::Link(from, to, cut)),
        1 => (0..5usize).prop_map(Turn::Restart),
    ];
    vec((turn, 0..4u64), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A second's burst and one event for each agent come to what ten seconds allow: 10 % in any ten seconds.
    #[test]
    fn all_sites_together_keep_to_the_quota_whatever_they_want_and_whoever_is_cut_off(
        count in 1..6usize, delay_ms in 0..1_500u64, turns in turns(),
    ) {
        let mut world = World::new(count, delay_ms);
        for (turn, seconds) in &turns {
            world.turn(turn);
            world.run(*seconds);
        }
        let most = QUOTA * 11 + count as u64 + world.restarts;
        prop_assert!(world.most() <= most, "{} in ten seconds", world.most());
    }
}

#[test]
fn a_lone_site_gets_nearly_the_whole_within_seconds() {
    for count in [2, 3, 5] {
        let mut world = World::new(count, 50);
        world.run(5);
        world.turn(&Turn::Wants(0, 300));
        world.run(10);
        let got = world.lately(0, 5);
        assert!((5 * QUOTA * 95 / 100..=5 * QUOTA).contains(&got), "{got} of {} at one of {count}", 5 * QUOTA);
    }
}

#[test]
fn a_site_that_is_cut_off_has_its_own_part_and_gets_more_when_it_is_back() {
    let mut world = World::new(2, 50);
    world.turn(&Turn::Link(0, 1, true));
    world.turn(&Turn::Wants(0, 300));
    world.run(10);
    assert!((48 * 5..=51 * 5).contains(&world.lately(0, 5)), "{}", world.lately(0, 5));
    world.turn(&Turn::Link(0, 1, false));
    world.run(10);
    assert!(world.lately(0, 5) >= 95 * 5, "{}", world.lately(0, 5));
    // One direction is enough to be cut off: the lender hears and is not heard.
    world.turn(&Turn::Link(1, 0, true));
    world.run(10);
    assert!((48 * 5..=51 * 5).contains(&world.lately(0, 5)), "{}", world.lately(0, 5));
}

#[test]
fn parts_follow_need_and_an_idle_sites_first_event_passes_at_once() {
    let mut world = World::new(2, 50);
    world.run(3);
    world.turn(&Turn::Wants(0, 300));
    world.run(10);
    world.turn(&Turn::Wants(1, 20));
    world.run(1);
    assert!(world.lately(1, 1) >= 1, "what is always kept lets a first one through");
    world.run(9);
    assert!(world.lately(1, 5) >= 19 * 5, "what a lender needs it has again: {}", world.lately(1, 5));
    assert!(world.lately(0, 5) >= 65 * 5, "and the other has the rest: {}", world.lately(0, 5));
    world.turn(&Turn::Wants(1, 300));
    world.run(15);
    for site in [0, 1] {
        assert!((46 * 5..=54 * 5).contains(&world.lately(site, 5)), "both want all of it: {}", world.lately(site, 5));
    }
}

#[test]
fn what_a_process_lent_is_not_forgotten_with_it() {
    let mut world = World::new(2, 50);
    world.run(3);
    world.turn(&Turn::Wants(0, 300));
    world.run(8);
    world.turn(&Turn::Wants(1, 300));
    world.turn(&Turn::Restart(1));
    // Checked at every step.
    world.run(5);
}

#[test]
fn what_one_may_still_use_is_not_lent_to_another() {
    let mut lender = Sharing::new(Uuid::from_u128(1).into(), 7);
    lender.set(agent(0), &[agent(0), agent(1), agent(2)], [QUOTA * UNIT, 0, 0, 0]);
    let asks = |needs: u64| {
        let (grant, needs) = (Uuid::from_u128(1).into(), [needs * UNIT, 0, 0, 0]);
        Share { grant, asked_at: 1, needs, loan: None }
    };
    let lent = |lender: &mut Sharing, now: u64| {
        let loan = lender.say(agent(2), now).and_then(|share| share.loan).expect("it was asked");
        (loan.rates[0] / UNIT, lender.allowance(now)[0] / UNIT)
    };
    lender.hear(agent(1), &asks(QUOTA), 3 * S);
    assert!(lender.say(agent(1), 3 * S).and_then(|share| share.loan).is_some_and(|loan| loan.rates[0] > 32 * UNIT));
    // The first needs nothing any more, and may not have heard that it has nothing any more.
    lender.hear(agent(1), &asks(0), 3 * S + 100);
    lender.hear(agent(2), &asks(QUOTA), 3 * S + 100);
    assert_eq!(lent(&mut lender, 3 * S + 100), (0, 0));
    lender.hear(agent(2), &asks(QUOTA), 5 * S + 100);
    assert_eq!(lent(&mut lender, 5 * S + 100), (32, 0), "once it is over");
}

#[test]
fn who_needs_nothing_says_nothing() {
    let mut sharing = Sharing::new(Uuid::from_u128(1).into(), 7);
    sharing.set(agent(0), &[agent(0), agent(1)], [QUOTA * UNIT, 0, 0, 0]);
    assert_eq!(sharing.say(agent(1), 5 * S), None);
    sharing.need([QUOTA * UNIT, 0, 0, 0]);
    assert!(sharing.say(agent(1), 5 * S).is_some_and(|share| share.loan.is_none()));
    assert_eq!(sharing.say(agent(2), 5 * S), None, "it does not share this quota");
}
