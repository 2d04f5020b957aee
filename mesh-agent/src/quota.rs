//! Quotas of grants, kept where events come in and go out, and the meter of what was used.
//!
//! A quota is a grant's, whatever the number of its clients and connections: all take from the same buckets. Asking costs
//! no lock: who has no grant passes by one look at a number, who has one takes from token buckets that are a few atomic
//! numbers. Publishing is charged at admission, never after an acknowledgement; deliveries are charged when they are
//! written. What to do about a consumer or publisher beyond its quota (wait, refuse, drop) is the listener's to know.
//!
//! ```text
//! document --> Book (accounts by principal) <-- Metered::charge, for every event
//!                 |                                 ^ tokens
//!                 +-- run: 100 ms  what each agent may use now (share) --> buckets
//!                          500 ms  counts --> needs (share), totals (meter)
//!                          5 s     totals --> disk          10 s  totals --> portal, until it has them
//! fabric <-- due, heard: needs and loans between agents that share a quota
//! ```

mod account;
mod bucket;
mod client;
mod meter;
mod share;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use mesh_protocol::desired::{Grant, Quota};
use mesh_protocol::frame::{Rates, Share};
use mesh_protocol::id::{AgentId, GrantId, PrincipalId};
use mesh_protocol::report::{Direction, Report};
use rustc_hash::FxHashMap;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::causes::chain;
use crate::counters::{Counter, Counters};
use crate::reports::ReportSink;
use crate::status::now_ms;
use account::{Account, Counted, Gauge};
use bucket::UNIT;
use meter::Meter;
use share::Sharing;

pub use account::Limit;
pub use client::{Metered, Over};

/// What each agent may use is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Needs are measured, and told to other agents, this often.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// Totals go to the disk this often: the most that a crash loses.
pub const KEEP_EVERY: Duration = Duration::from_secs(5);
/// Totals go to the portal this often, and less often while it does not take them.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// What an earlier process left is told sooner.
const REPORT_FIRST: Duration = Duration::from_secs(2);
const REPORT_EVERY_LONGEST: Duration = Duration::from_secs(600);

/// The agent's quotas. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Quotas(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// No grants at all.
    idle: AtomicBool,
    version: AtomicU64,
    book: ArcSwap<Book>,
    state: Mutex<State>,
    lost: Counter,
}

/// All grants of a document.
#[derive(Debug, Default)]
struct Book {
    accounts: Vec<Arc<Account>>,
    by_principal: FxHashMap<PrincipalId, Arc<[Arc<Account>]>>,
}

#[derive(Debug)]
struct State {
    /// Where this process' clock begins for other agents.
    base: u64,
    sharings: BTreeMap<GrantId, Sharing>,
    told_at: u64,
    measured_at: u64,
    meter: Meter,
}

impl Default for Quotas {
    /// Without grants, and without a disk.
    fn default() -> Self {
        Self::new(None, &Counters::default())
    }
}

impl Quotas {
    /// Without grants. What was used is kept in this file; none = in memory only.
    #[must_use]
    pub fn new(path: Option<PathBuf>, counters: &Counters) -> Self {
        let state = State {
            base: rand::random(),
            sharings: BTreeMap::new(),
            told_at: 0,
            measured_at: 0,
            meter: Meter::open(path),
        };
        Self(Arc::new(Inner {
            started: Instant::now(),
            idle: AtomicBool::new(true),
            version: AtomicU64::new(0),
            book: ArcSwap::default(),
            state: Mutex::new(state),
            lost: counters.counter("usage_lost_totals"),
        }))
    }

    /// What a client uses.
    #[must_use]
    pub fn client(&self, principal: PrincipalId) -> Metered {
        Metered::new(self.clone(), principal)
    }

    /// The grants of a document, from now on. Those that stay go on where they are.
    pub fn apply(&self, me: AgentId, grants: &[Grant]) {
        let before = self.0.book.load();
        if before.accounts.iter().map(|account| &account.grant).eq(grants) {
            return;
        }
        let old: BTreeMap<GrantId, &Arc<Account>> =
            before.accounts.iter().map(|account| (account.grant.id, account)).collect();
        let mut book = Book::default();
        let mut by_principal: FxHashMap<PrincipalId, Vec<Arc<Account>>> = FxHashMap::default();
        let mut state = self.state();
        for grant in grants {
            let gauge = old.get(&grant.id).map_or_else(|| Arc::new(Gauge::new()), |account| account.gauge.clone());
            let account = Arc::new(Account { grant: grant.clone(), name: grant.name.as_str().into(), gauge });
            for principal in &grant.principals {
                by_principal.entry(*principal).or_default().push(account.clone());
            }
            book.accounts.push(account);
            let base = state.base;
            let sharing = state.sharings.entry(grant.id).or_insert_with(|| Sharing::new(grant.id, base));
            sharing.set(me, &grant.agents, rates(&grant.quota));
        }
        state.sharings.retain(|grant, _| grants.iter().any(|kept| kept.id == *grant));
        for gone in before.accounts.iter().filter(|account| !grants.iter().any(|grant| grant.id == account.grant.id)) {
            self.collect(&mut state, gone);
        }
        self.allot(&mut state, &book.accounts);
        drop(state);
        book.by_principal = by_principal.into_iter().map(|(principal, all)| (principal, all.into())).collect();
        self.0.book.store(Arc::new(book));
        self.0.version.fetch_add(1, Ordering::Release);
        self.0.idle.store(grants.is_empty(), Ordering::Release);
    }

    /// Looks at everything as time passes, until it is told to stop; then what is counted goes to the disk once more.
    pub async fn run(self, reports: Arc<dyn ReportSink>, mut stored: watch::Receiver<u64>, token: CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut kept_at, mut told_at, mut pause) = (Instant::now(), Instant::now(), REPORT_FIRST);
        loop {
            tokio::select! {
                () = token.cancelled() => break,
                _ = looks.tick() => {}
                Ok(()) = stored.changed() => {
                    let number = *stored.borrow_and_update();
                    pause = if self.state().meter.stored(number) { Duration::ZERO } else { REPORT_EVERY };
                }
            }
            self.look();
            if kept_at.elapsed() >= KEEP_EVERY {
                kept_at = Instant::now();
                self.keep().await;
            }
            if told_at.elapsed() >= pause {
                (told_at, pause) = (Instant::now(), (pause * 2).clamp(REPORT_EVERY, REPORT_EVERY_LONGEST));
                self.tell(&*reports).await;
            }
        }
        self.count();
        self.keep().await;
    }

    /// What there is to say to other agents now.
    #[must_use]
    pub fn due(&self) -> Vec<(AgentId, Vec<Share>)> {
        let now = self.now_us();
        if self.is_idle() {
            return Vec::new();
        }
        let mut state = self.state();
        if now.saturating_sub(state.told_at) < micros(TELL_EVERY) {
            return Vec::new();
        }
        state.told_at = now;
        let book = self.0.book.load();
        let mut due: BTreeMap<AgentId, Vec<Share>> = BTreeMap::new();
        for account in book.accounts.iter().filter(|account| !account.grant.quota.is_unlimited()) {
            let Some(sharing) = state.sharings.get_mut(&account.grant.id) else { continue };
            for agent in &account.grant.agents {
                if let Some(share) = sharing.say(*agent, now) {
                    due.entry(*agent).or_default().push(share);
                }
            }
        }
        // What is lent is not used from now on, before anybody hears of it.
        self.allot(&mut state, &book.accounts);
        due.into_iter().collect()
    }

    /// What another agent says.
    pub fn heard(&self, from: AgentId, share: &Share) {
        let now = self.now_us();
        if let Some(sharing) = self.state().sharings.get_mut(&share.grant) {
            sharing.hear(from, share, now);
        }
    }

    /// Gives the buckets what they may have now, and measures what is needed when it is time.
    fn look(&self) {
        if self.is_idle() {
            return;
        }
        let now = self.now_us();
        let is_time = now.saturating_sub(self.state().measured_at) >= micros(TELL_EVERY);
        if is_time {
            self.count();
        }
        let mut state = self.state();
        self.allot(&mut state, &self.0.book.load().accounts);
    }

    /// Takes the counts.
    fn count(&self) {
        let mut state = self.state();
        for account in &self.0.book.load().accounts {
            self.collect(&mut state, account);
        }
        state.measured_at = self.now_us();
    }

    fn collect(&self, state: &mut State, account: &Account) {
        let passed = self.now_us().saturating_sub(state.measured_at).max(1);
        let (grant, now_ms) = (account.grant.id, now_ms());
        let mut needs = Rates::default();
        let now = self.now_us();
        let sharing = state.sharings.get_mut(&grant);
        let allowed = sharing.map_or(Rates::default(), |sharing| sharing.too_little(now));
        for (index, direction) in [(0, Direction::Produce), (2, Direction::Consume)] {
            let (counted, slowed) = account.way(direction).look();
            for (index, amount) in [(index, counted.events), (index + 1, counted.bytes)] {
                needs[index] = needed(amount, passed, slowed.then_some(allowed[index]));
            }
            if counted != Counted::default() {
                self.0.lost.add(state.meter.add(now_ms, grant, direction, counted));
            }
        }
        if let Some(sharing) = state.sharings.get_mut(&grant) {
            sharing.need(needs);
        }
    }

    fn allot(&self, state: &mut State, accounts: &[Arc<Account>]) {
        let now = self.now_us();
        for account in accounts {
            let Some(sharing) = state.sharings.get_mut(&account.grant.id) else { continue };
            let (allowed, whole) = (sharing.allowance(now), rates(&account.grant.quota));
            for (bucket, (allowed, whole)) in account.gauge.buckets().into_iter().zip(allowed.into_iter().zip(whole)) {
                match whole {
                    0 => bucket.release(),
                    _ => bucket.limit(allowed, account.grant.quota.burst_s(), now),
                }
            }
        }
    }

    async fn keep(&self) -> bool {
        let Some(text) = self.state().meter.take_unkept() else { return true };
        let kept = tokio::task::spawn_blocking(move || meter::keep(&text)).await;
        if let Ok(Err(error)) = &kept {
            tracing::error!(error = %chain(error), "what was used of grants cannot be written to disk; it is tried again");
        }
        let is_kept = matches!(kept, Ok(Ok(())));
        if !is_kept {
            self.state().meter.not_kept();
        }
        is_kept
    }

    /// Tells what the portal does not have. Only what is on disk is told, so that totals never fall with a crash.
    async fn tell(&self, reports: &dyn ReportSink) {
        self.count();
        if !self.keep().await {
            return;
        }
        let report = self.state().meter.report(now_ms());
        if let Some(usage) = report
            && reports.send(Report::Usage(usage)).is_err()
        {
            tracing::debug!("the report of what was used of grants waits for room");
        }
    }

    fn accounts(&self, principal: PrincipalId) -> (u64, Arc<[Arc<Account>]>) {
        // The number first: what changes in between is noticed the next time.
        let version = self.version();
        let accounts = self.0.book.load().by_principal.get(&principal).cloned();
        (version, accounts.unwrap_or_else(|| Arc::from([])))
    }

    fn is_idle(&self) -> bool {
        self.0.idle.load(Ordering::Relaxed)
    }

    fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no panic while held")
    }
}

/// A quota as rates of all four kinds.
fn rates(quota: &Quota) -> Rates {
    let events = quota.events_per_s.map_or(0, |rate| u64::from(rate) * UNIT);
    let bytes = quota.bytes_per_s.map_or(0, |rate| rate.saturating_mul(UNIT));
    [events, bytes, events, bytes]
}

/// What is needed a second, of what passed in some microseconds: a quarter more than that, or, when there was too little,
/// twice what there was.
fn needed(amount: u64, passed_us: u64, too_little: Option<u64>) -> u64 {
    let rate = u128::from(amount) * u128::from(UNIT) * 1_000_000 / u128::from(passed_us);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX / 2);
    match too_little {
        Some(allowed) => rate.max(allowed).saturating_mul(2),
        None => rate.saturating_add(rate / 4),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
