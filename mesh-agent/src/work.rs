//! One agent at work: everything that `mesh-agent run` starts, in the order it starts and stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::admin;
use crate::browse::Topics;
use crate::control::facts::Facts;
use crate::control::ledger::{Ledger, Owner};
use crate::control::outbox::Outbox;
use crate::control::renew;
use crate::control::session::Session;
use crate::control::standing::LedgerHandle;
use crate::counters::Counters;
use crate::home::{Home, HomeError, HomeLock};
use crate::identity::{Identity, IdentityError};
use crate::policy::Enforcer;
use crate::queue::named::{Parts, Queues};
use crate::quota::Quotas;
use crate::reconcile::Reconciler;
use crate::router::{Budget, Router};
use crate::spool::{Settings, Store, StoreError};
use crate::status::{Board, now_ms};
use crate::tail::PortalDesk;
use crate::task::Tasks;
use crate::wiring::{ListenerFiles, Shared, Wiring};

/// Bytes of events in flight at once.
const BUDGET_BYTES: u32 = 64 * 1024 * 1024;
/// Folder of the log within the spool's.
const LOG_FOLDER: &str = "log";
/// Time for all parts to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(8);

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    control: Tasks,
    work: Tasks,
    spool: Arc<Store>,
    _lock: HomeLock,
}

/// Why an agent did not start.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// It has no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Its folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its spool.
    #[error(transparent)]
    Spool(#[from] StoreError),
}

impl Agent {
    /// Starts everything. What is enforced comes from the ledger at once, whether or not the portal is there.
    ///
    /// # Errors
    /// [`WorkError`]; all later trouble shows in the status instead.
    pub fn start(home: &Home) -> Result<Self, WorkError> {
        Self::start_with(home, None)
    }

    /// The same with a certificate for clients that does not come from the portal.
    ///
    /// # Errors
    /// [`WorkError`].
    pub fn start_with(home: &Home, files: Option<ListenerFiles>) -> Result<Self, WorkError> {
        let lock = home.lock()?;
        let identity = Identity::load(home)?;
        tracing::info!(agent = %identity.agent, name = identity.name, site = identity.site_name, "agent starts");
        let owner = Owner {
            agent: identity.agent,
            environment: identity.environment,
            enrolled_keys: identity.enrolled_policy_keys(),
        };
        let (control, work) = (Tasks::new("control"), Tasks::new("work"));
        let ledger = LedgerHandle::start(Ledger::open(home.ledger()?, owner), &control);
        let identity = watch::Sender::new(Arc::new(identity));
        let (counters, board) = (Counters::default(), Board::default());
        let enforcer = Arc::new(Enforcer::default());
        let router = Router::new(Budget::new(BUDGET_BYTES), &counters);
        let outbox = Outbox::new(&counters);
        let spool = Arc::new(Store::open(&home.spool()?.join(LOG_FOLDER), Settings::default(), &counters)?);
        let queues = Arc::new(Queues::new(Parts {
            spool: spool.clone(),
            router: router.clone(),
            counters: counters.clone(),
            board: board.clone(),
            enforcer: enforcer.clone(),
        }));
        let quotas = Quotas::new(Some(home.usage()), &counters);
        let shared = Shared {
            identity: identity.subscribe(),
            ledger: ledger.clone(),
            enforcer: enforcer.clone(),
            router: router.clone(),
            board: board.clone(),
            spool: spool.clone(),
            queues: queues.clone(),
            quotas: quotas.clone(),
            counters: counters.clone(),
            outbox: outbox.clone(),
        };
        let wiring = Wiring::new(home, shared, files)?;
        let (links, secrets) = (wiring.links(), wiring.cluster_secrets());
        let reconciler = Reconciler::new(ledger.standing(), enforcer.clone(), Arc::new(wiring), board.clone());
        let facts = Facts {
            standing: ledger.standing(),
            applied: reconciler.applied(),
            links,
            identity: identity.subscribe(),
            board_changes: board.changes(),
            board,
            counters,
            started_at_ms: now_ms(),
        };
        let (expiring, stored) = (enforcer.clone(), outbox.stored_usage());
        control.spawn("quotas", quotas.run(Arc::new(outbox.clone()), stored, control.token()));
        let topics = Arc::new(Topics::new(ledger.standing(), secrets, control.token()));
        let desk = Arc::new(PortalDesk::new(enforcer, router, queues, topics, control.clone()));
        let boot = hex::encode(rand::random::<[u8; 8]>());
        let session = Session { identity: identity.subscribe(), ledger, outbox, facts: facts.clone(), desk, boot };
        let state = session.start(&control);
        admin::start(home, facts, state, &control);
        renew::start(home.clone(), identity, &control);
        work.spawn_until_stopped("expiry", async move { expiring.watch_expiry().await });
        work.spawn("reconcile", reconciler.run(work.token(), STOP_DEADLINE));
        Ok(Self { control, work, spool, _lock: lock })
    }

    /// Waits until a task of the agent's own failed for good; whoever supervises the process starts it again.
    pub async fn failed(&self) {
        let (control, work, spool) = (self.control.token(), self.work.token(), self.spool.failed());
        tokio::select! {
            () = control.cancelled() => {}
            () = work.cancelled() => {}
            () = spool.cancelled() => {}
        }
    }

    /// Stops intake, drains, stops the rest.
    pub async fn stop(self) {
        self.work.stop(STOP_DEADLINE + Duration::from_secs(2)).await;
        self.control.stop(Duration::from_secs(2)).await;
    }
}

#[cfg(test)]
mod tests;
