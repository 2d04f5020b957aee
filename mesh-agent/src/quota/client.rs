//! What one client uses: asked for every event, so that who has no grant costs next to nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use mesh_protocol::id::PrincipalId;
use mesh_protocol::report::Direction;
use mesh_protocol::topic::Topic;

use super::Quotas;
use super::account::{Account, Limit};
use super::bucket::Short;

/// A client's grants, as of the newest document it has noticed. Made once for each connection or request.
#[derive(Debug)]
pub struct Metered {
    quotas: Quotas,
    principal: PrincipalId,
    view: ArcSwap<View>,
}

#[derive(Debug)]
struct View {
    version: u64,
    accounts: Arc<[Arc<Account>]>,
}

/// More than a quota allows now. Nothing was taken.
#[derive(Clone, Debug)]
pub struct Over {
    account: Arc<Account>,
    direction: Direction,
    limit: Limit,
    short: Short,
}

impl Metered {
    pub(super) fn new(quotas: Quotas, principal: PrincipalId) -> Self {
        let (version, accounts) = quotas.accounts(principal);
        Self { quotas, principal, view: ArcSwap::from_pointee(View { version, accounts }) }
    }

    /// The same client once more, for work that goes on beside it.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.quotas.clone(), self.principal)
    }

    /// Takes one event of so many payload bytes from a grant that is for its topic; from none when none is.
    ///
    /// # Errors
    /// No grant for the topic has room. Of several the one that will have it first is named.
    pub fn charge(&self, direction: Direction, topic: &Topic, bytes: usize) -> Result<(), Over> {
        let Some(accounts) = self.accounts() else { return Ok(()) };
        let (now_us, mut over) = (self.quotas.now_us(), None::<Over>);
        for account in accounts.iter().filter(|account| account.is_for(direction, topic)) {
            match account.way(direction).take(1, bytes as u64, now_us) {
                Ok(()) => return Ok(()),
                Err((limit, short)) => {
                    let this = Over { account: account.clone(), direction, limit, short };
                    if over.as_ref().is_none_or(|over| this.wait() < over.wait()) {
                        over = Some(this);
                    }
                }
            }
        }
        over.map_or(Ok(()), Err)
    }

    /// Takes all events of a batch or none, each from the first grant that is for its topic.
    ///
    /// # Errors
    /// One of those has no room for its part of the batch.
    pub fn charge_all<'a>(
        &self,
        direction: Direction,
        batch: impl ExactSizeIterator<Item = (&'a Topic, usize)> + Clone,
    ) -> Result<(), Over> {
        if let (1, Some((topic, bytes))) = (batch.len(), batch.clone().next()) {
            return self.charge(direction, topic, bytes);
        }
        let Some(accounts) = self.accounts() else { return Ok(()) };
        let mut sums = vec![(0, 0); accounts.len()];
        for (topic, bytes) in batch {
            if let Some(index) = accounts.iter().position(|account| account.is_for(direction, topic)) {
                sums[index] = (sums[index].0 + 1, sums[index].1 + bytes as u64);
            }
        }
        let now_us = self.quotas.now_us();
        for (index, (events, bytes)) in sums.iter().copied().enumerate().filter(|(_, (events, _))| *events > 0) {
            if let Err((limit, short)) = accounts[index].way(direction).take(events, bytes, now_us) {
                for (account, (events, bytes)) in accounts.iter().zip(&sums[..index]) {
                    account.way(direction).give_back(*events, *bytes);
                }
                return Err(Over { account: accounts[index].clone(), direction, limit, short });
            }
        }
        Ok(())
    }

    /// The grants of the client; none when it has none.
    fn accounts(&self) -> Option<Arc<[Arc<Account>]>> {
        if self.quotas.is_idle() {
            return None;
        }
        let mut view = self.view.load();
        if view.version != self.quotas.version() {
            let (version, accounts) = self.quotas.accounts(self.principal);
            self.view.store(Arc::new(View { version, accounts }));
            view = self.view.load();
        }
        if view.accounts.is_empty() { None } else { Some(view.accounts.clone()) }
    }
}

impl Over {
    /// How long until there may be room; none = there will never be for so much at once.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self.short {
            Short::For(wait) => Some(wait),
            Short::Ever { .. } => None,
        }
    }

    /// Whole seconds until there may be room, at least 1.
    #[must_use]
    pub fn wait_s(&self) -> u32 {
        let wait = self.wait().unwrap_or(Duration::ZERO).as_millis().div_ceil(1_000);
        u32::try_from(wait).unwrap_or(u32::MAX).max(1)
    }

    /// Counts events as refused, or as dropped.
    pub fn refuse(&self, events: u64) {
        self.account.way(self.direction).refuse(events);
    }

    /// Which limit was met.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The limit of all agents together, a second.
    #[must_use]
    pub fn quota(&self) -> u64 {
        let quota = &self.account.grant.quota;
        match self.limit {
            Limit::Events => quota.events_per_s.map_or(0, u64::from),
            Limit::Bytes => quota.bytes_per_s.unwrap_or(0),
        }
    }

    /// What is left of it at this agent now.
    #[must_use]
    pub fn left(&self) -> u64 {
        let way = self.account.way(self.direction);
        match self.limit {
            Limit::Events => way.events.left(),
            Limit::Bytes => way.bytes.left(),
        }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, quota) = (&self.account.name, self.quota());
        let what = match self.limit {
            Limit::Events => "events",
            Limit::Bytes => "payload bytes",
        };
        match self.short {
            Short::For(_) => {
                let wait_s = self.wait_s();
                write!(f, "the quota of {name} is used up ({quota} {what} a second): try again in {wait_s} s")
            }
            Short::Ever { most } => write!(
                f,
                "the batch is more than {name} allows at once, which is {most} {what} at this site now ({quota} a second): send \
                 smaller batches"
            ),
        }
    }
}
