//! One agent's part of a quota that several share, as a state machine without clocks.
//!
//! Each agent owns an equal part and lends what it does not need for [`LEASE_US`], to those that asked for it. What is lent
//! is not used by the lender until the loan is over by its own clock, which is never before the borrower's use of it: a
//! loan runs from the moment at which the borrower had asked. So the parts in use never add up to more than the quota,
//! whatever is lost, late or cut off; who hears nobody has its own part again once its loans are over.
//!
//! ```text
//! borrower  --asks: needs, asked_at = t0-->  lender           in use by both together: never more than both parts
//!           <--lends: r until t0 + LEASE--   does without r until (heard at) + LEASE
//! ```
//! Who asked nobody and was asked by nobody says nothing. Parts move by need: what a lender needs itself it keeps, and what
//! it can spare goes to those that asked in proportion to what they lack.

use std::collections::BTreeMap;

use mesh_protocol::frame::{Loan, Rates, Share};
use mesh_protocol::id::{AgentId, GrantId};

/// How long a loan holds from the moment it was asked for, in microseconds.
pub(super) const LEASE_US: u64 = 2_000_000;
/// The borrower stops this much earlier, because it looks at the time only now and then.
pub(super) const SLACK_US: u64 = 250_000;
/// The part of its own that an agent always keeps, so that a first event need not wait for loans to end.
const KEPT: u64 = 50;
/// Nothing.
const NONE: Rates = [0; 4];

/// See the module. Times are microseconds since the agent's process began.
#[derive(Debug)]
pub(super) struct Sharing {
    grant: GrantId,
    /// The others that share it; more than this agent when there are any.
    others: Vec<AgentId>,
    /// Of all together, in millionths a second; what has no limit is 0.
    quota: Rates,
    /// This agent is one of those that share it.
    takes_part: bool,
    /// Where this process' own clock begins for others.
    base: u64,
    needs: Rates,
    /// By borrower.
    lent: BTreeMap<AgentId, Vec<Lent>>,
    /// By lender.
    borrowed: BTreeMap<AgentId, Borrowed>,
    heard: BTreeMap<AgentId, Heard>,
}

#[derive(Clone, Copy, Debug)]
struct Lent {
    rates: Rates,
    until: u64,
}

#[derive(Clone, Copy, Debug)]
struct Borrowed {
    rates: Rates,
    asked_at: u64,
    until: u64,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    asked_at: u64,
    at: u64,
    needs: Rates,
}

impl Sharing {
    /// A part of a quota. `base` is random for each process.
    pub(super) fn new(grant: GrantId, base: u64) -> Self {
        Self {
            grant,
            others: Vec::new(),
            quota: NONE,
            takes_part: false,
            base,
            needs: NONE,
            lent: BTreeMap::new(),
            borrowed: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    /// The quota, and who shares it, from now on. Loans stay what they are.
    pub(super) fn set(&mut self, me: AgentId, agents: &[AgentId], quota: Rates) {
        self.takes_part = agents.is_empty() || agents.contains(&me);
        self.others = agents.iter().filter(|agent| **agent != me).copied().collect();
        self.quota = quota;
        let others = &self.others;
        self.borrowed.retain(|agent, _| others.contains(agent));
        self.heard.retain(|agent, _| others.contains(agent));
    }

    /// What this agent needs, at most the whole quota. Falls slowly, so that parts do not go to and fro.
    pub(super) fn need(&mut self, needs: Rates) {
        for (before, (now, most)) in self.needs.iter_mut().zip(needs.into_iter().zip(self.quota)) {
            *before = now.max(*before / 10 * 7).min(most);
        }
    }

    /// What this agent may use now.
    pub(super) fn allowance(&mut self, now: u64) -> Rates {
        if !self.takes_part {
            return NONE;
        }
        if self.others.is_empty() {
            return self.quota;
        }
        self.forget(now);
        let kept = self.kept();
        if now < LEASE_US {
            // An earlier process may have lent what it knew of and this one does not.
            return kept;
        }
        let (mut rates, lent) = (self.own(), self.lent_but_to(None));
        for (rate, (lent, kept)) in rates.iter_mut().zip(lent.into_iter().zip(kept)) {
            *rate = rate.saturating_sub(lent).max(kept);
        }
        for borrowed in self.borrowed.values() {
            add(&mut rates, borrowed.rates);
        }
        std::array::from_fn(|index| rates[index].min(self.quota[index]))
    }

    /// What somebody who found too little may use now, at least half of what is this agent's own: who lent it wants it back
    /// at once.
    pub(super) fn too_little(&mut self, now: u64) -> Rates {
        let (allowed, own) = (self.allowance(now), self.own());
        std::array::from_fn(|index| allowed[index].max(own[index] / 2))
    }

    /// What there is to say to another agent now; with it goes what is lent to it.
    pub(super) fn say(&mut self, to: AgentId, now: u64) -> Option<Share> {
        if !self.takes_part || !self.others.contains(&to) {
            return None;
        }
        self.forget(now);
        let lacks = self.needs.iter().zip(self.own()).any(|(needs, own)| *needs > own / 10 * 9);
        let heard = self.heard.get(&to).copied();
        if !lacks && heard.is_none() {
            return None;
        }
        let loan = heard.filter(|_| now >= LEASE_US).map(|heard| self.lend(to, &heard));
        Some(Share { grant: self.grant, asked_at: self.base.wrapping_add(now), needs: self.needs, loan })
    }

    /// What another agent says.
    pub(super) fn hear(&mut self, from: AgentId, share: &Share, now: u64) {
        if !self.others.contains(&from) {
            return;
        }
        self.heard.insert(from, Heard { asked_at: share.asked_at, at: now, needs: share.needs });
        let Some(Loan { asked_at, rates }) = share.loan else { return };
        // One that answers another process of this agent, or nothing at all, is as old as can be.
        let age = self.base.wrapping_add(now).wrapping_sub(asked_at);
        let asked_at = now.saturating_sub(age);
        let is_newer = self.borrowed.get(&from).is_none_or(|before| before.asked_at <= asked_at);
        if age < LEASE_US - SLACK_US && age <= now && is_newer {
            self.borrowed.insert(from, Borrowed { rates, asked_at, until: asked_at + LEASE_US - SLACK_US });
        }
    }

    fn forget(&mut self, now: u64) {
        for lent in self.lent.values_mut() {
            lent.retain(|loan| loan.until > now);
        }
        self.lent.retain(|_, lent| !lent.is_empty());
        self.borrowed.retain(|_, loan| loan.until > now);
        self.heard.retain(|_, heard| heard.at + LEASE_US > now);
    }

    fn lend(&mut self, to: AgentId, heard: &Heard) -> Loan {
        let (own, kept, lent) = (self.own(), self.kept(), self.lent_but_to(Some(to)));
        let mut rates = NONE;
        for index in 0..rates.len() {
            let lacks = |heard: &Heard| heard.needs[index].min(self.quota[index]).saturating_sub(own[index]);
            let all: u128 = self.heard.values().map(|heard| u128::from(lacks(heard))).sum();
            let spare = own[index] - self.needs[index].clamp(kept[index], own[index]);
            let part = u128::from(spare) * u128::from(lacks(heard)) / all.max(u128::from(spare)).max(1);
            let free = own[index].saturating_sub(kept[index]).saturating_sub(lent[index]);
            rates[index] = u64::try_from(part).unwrap_or(u64::MAX).min(free);
        }
        if rates != NONE {
            self.lent.entry(to).or_default().push(Lent { rates, until: heard.at + LEASE_US });
        }
        Loan { asked_at: heard.asked_at, rates }
    }

    /// The part that is this agent's own.
    fn own(&self) -> Rates {
        let agents = self.others.len() as u64 + 1;
        self.quota.map(|rate| rate / agents)
    }

    fn kept(&self) -> Rates {
        self.own().map(|rate| rate / KEPT)
    }

    /// What is lent now. Which of several loans its borrower has heard of is not known: the largest counts.
    fn lent_but_to(&self, left_out: Option<AgentId>) -> Rates {
        let mut sum = NONE;
        for (_, loans) in self.lent.iter().filter(|(borrower, _)| Some(**borrower) != left_out) {
            let largest = |index: usize| loans.iter().map(|loan| loan.rates[index]).max().unwrap_or(0);
            add(&mut sum, std::array::from_fn(largest));
        }
        sum
    }
}

fn add(sum: &mut Rates, rates: Rates) {
    for (sum, rate) in sum.iter_mut().zip(rates) {
        *sum = sum.saturating_add(rate);
    }
}

#[cfg(test)]
mod tests;
