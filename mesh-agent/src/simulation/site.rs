//! One site: its disk, and the agent's process while it runs.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use mesh_protocol::event::{DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::id::{Epoch, SpoolId};
use mesh_protocol::report::PartRef;
use mesh_protocol::topic::Topic;
use rand::Rng;
use rand::rngs::StdRng;

use super::client::{Client, Listener};
use super::ledger::{Book, Ledger};
use super::plan::{Allowed, Plan, agent, site};
use crate::counters::Counters;
use crate::fabric::{Air, DenyLists, Parts, SimulatedFabric};
use crate::policy::Enforcer;
use crate::queue::named::{self, SimulatedQueue};
use crate::router::{Admitted, Audience, Budget, Outcome, Router};
use crate::spool::{Crash, Settings, SimulatedDisk, Store};
use crate::status::Board;

/// Small, so that segments come and go.
const SEGMENT_BYTES: u64 = 40_000;
/// Events in flight of one agent.
const BUDGET_BYTES: u32 = 4 * 1024 * 1024;
/// What agents count when something is missing that cannot be had any more.
const REPORTS: [&str; 3] = ["fabric_gaps_ranges", "fabric_marks_ahead_messages", "fabric_marks_fallen_messages"];

/// See the module.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) index: usize,
    plan: Rc<Plan>,
    disk: SimulatedDisk,
    pub(super) process: Option<Process>,
    /// The policy that is in force, and its revision.
    policy: (u64, Allowed),
    /// Wall clock minus the time of the simulation, in milliseconds.
    pub(super) wall_offset_ms: i64,
    pub(super) snapshot: Option<(SimulatedDisk, Book)>,
    /// Gaps and marks that did not fit, told by processes that are over.
    reported: u64,
    pub(super) starts: u32,
}

/// Nobody is revoked here.
#[derive(Debug)]
struct NoDenyList;

impl DenyLists for NoDenyList {
    fn number(&self) -> u64 {
        0
    }

    fn signed(&self) -> Option<Bytes> {
        None
    }

    fn offer(&self, _signed: &[u8]) {}
}

/// The agent.
#[derive(Debug)]
pub(super) struct Process {
    counters: Counters,
    router: Router,
    spool: Arc<Store>,
    enforcer: Arc<Enforcer>,
    pub(super) fabric: SimulatedFabric,
    pub(super) air: Air,
    pub(super) queues: Vec<(usize, SimulatedQueue)>,
    pub(super) clients: Vec<Client>,
    listener: Listener,
    receipts: Vec<Published>,
}

/// A batch whose publisher waits for an answer.
struct Published {
    ids: Vec<u64>,
    outcome: BoxFuture<'static, Outcome>,
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").field("ids", &self.ids).finish_non_exhaustive()
    }
}

impl Site {
    pub(super) fn new(index: usize, plan: &Rc<Plan>) -> Self {
        let disk = SimulatedDisk::default();
        disk.remember();
        Self {
            index,
            plan: plan.clone(),
            disk,
            process: None,
            policy: (1, Allowed::default()),
            wall_offset_ms: 1_700_000_000_000,
            snapshot: None,
            reported: 0,
            starts: 0,
        }
    }

    /// A process begins, as an agent does: the spool, the queues, the fabric.
    pub(super) fn start(&mut self, rng: &mut StdRng, neighbours: Vec<usize>, ledger: &mut Ledger) {
        self.starts += 1;
        self.disk.disarm();
        ledger.reopened(self.index, &self.disk);
        let (counters, board) = (Counters::default(), Board::default());
        let router = Router::new(Budget::new(BUDGET_BYTES), &counters);
        let enforcer = Arc::new(Enforcer::default());
        enforcer.apply(self.plan.enforced(self.index, self.policy.0, &self.policy.1));
        let settings = Settings { reserve_bytes: 0, segment_bytes: SEGMENT_BYTES, ..Settings::default() };
        let drawn = (SpoolId(rng.random()), Epoch(rng.random()));
        let spool = Store::by_hand(Arc::new(self.disk.clone()), settings, drawn, &counters).expect("the disk is sound");
        let spool = Arc::new(spool);
        router.set_keeper(&spool);
        let parts = named::Parts {
            spool: spool.clone(),
            router: router.clone(),
            counters: counters.clone(),
            board,
            enforcer: enforcer.clone(),
        };
        let its = self.plan.queues.iter().enumerate().filter(|(_, queue)| queue.owner == self.index);
        let queues: Vec<_> = its.map(|(at, queue)| (at, SimulatedQueue::open(&queue.config, &parts))).collect();
        let clients = queues.iter().map(|(at, _)| Client::new(*at)).collect();
        let neighbours = neighbours.into_iter().map(agent).collect();
        let air = Air::new(agent(self.index), neighbours);
        let parts = Parts {
            agent: agent(self.index),
            enforcer: enforcer.clone(),
            router: router.clone(),
            spool: spool.clone(),
            deny_lists: Arc::new(NoDenyList),
            quotas: Default::default(),
            counters: counters.clone(),
            line: Arc::new(parts.board.part(PartRef::Fabric)),
        };
        let fabric = SimulatedFabric::start(self.plan.target(self.index), parts, air.clone());
        let (listener, receipts) = (Listener::new(&router), Vec::new());
        self.process =
            Some(Process { counters, router, spool, enforcer, fabric, air, queues, clients, listener, receipts });
    }

    /// The process is gone; what nobody was told of is not known.
    pub(super) fn kill(&mut self, ledger: &mut Ledger) {
        self.note_commits(ledger);
        if let Some(process) = self.process.take() {
            self.reported += process.reports();
        }
    }

    /// What the disk is when the machine is up again.
    pub(super) fn reboot(&mut self, lost_max: usize, undropped: bool) {
        self.disk = self.disk.restarted_after(lost_max, undropped);
    }

    /// The disk as it is now, for later.
    pub(super) fn keep_snapshot(&mut self, ledger: &mut Ledger) {
        self.note_commits(ledger);
        self.snapshot = Some((self.disk.restarted(), ledger.book(self.index)));
    }

    /// Somebody puts the disk back to what it was.
    pub(super) fn restore(&mut self, ledger: &mut Ledger) -> bool {
        let Some((disk, book)) = self.snapshot.take() else { return false };
        self.disk = disk;
        ledger.restore(self.index, book);
        true
    }

    pub(super) fn crash_at_next_commit(&self, crash: Crash) {
        self.disk.crash_at_next_commit(crash);
    }

    /// A policy comes into force; an older one is not taken.
    pub(super) fn enforce(&mut self, revision: u64, allowed: &Allowed, ledger: &mut Ledger) {
        if revision <= self.policy.0 {
            return;
        }
        self.policy = (revision, allowed.clone());
        ledger.enforces(self.index, allowed.clone());
        if let Some(process) = &self.process {
            process.enforcer.apply(self.plan.enforced(self.index, revision, allowed));
        }
    }

    fn note_commits(&self, ledger: &mut Ledger) {
        for changes in self.disk.take_history() {
            ledger.committed(self.index, changes);
        }
    }

    /// Commits, and tells publishers. False when the process died of it.
    pub(super) fn commit(&mut self, ledger: &mut Ledger) -> bool {
        let Some(process) = &mut self.process else { return true };
        process.spool.turn();
        self.note_commits(ledger);
        let Some(process) = &mut self.process else { return true };
        process.receipts.retain_mut(|published| match (&mut published.outcome).now_or_never() {
            Some(outcome) => {
                published.ids.iter().for_each(|id| ledger.told(*id, &outcome));
                false
            }
            None => true,
        });
        if !process.spool.core().has_failed() {
            return true;
        }
        self.kill(ledger);
        false
    }

    /// The spool that speaks for the site now.
    pub(super) fn spool(&self) -> Option<SpoolId> {
        self.process.as_ref().map(|process| process.spool.id())
    }

    /// Gaps and marks that did not fit, as they were told.
    pub(super) fn reports(&self) -> u64 {
        self.reported + self.process.as_ref().map_or(0, Process::reports)
    }
}

impl Process {
    fn reports(&self) -> u64 {
        REPORTS.iter().map(|name| self.counters.counter(name).get()).sum()
    }

    /// What a counter says.
    pub(super) fn counter(&self, name: &'static str) -> u64 {
        self.counters.counter(name).get()
    }

    /// A client publishes some events in one go; `pass`: it answers for them itself.
    pub(super) fn publish(
        &mut self,
        index: usize,
        (wall_ms, ttl_ms): (i64, Option<u64>),
        batch: Vec<(u64, Topic, String, usize)>,
        pass: bool,
    ) {
        let ids = batch.iter().map(|(id, ..)| *id).collect();
        let bytes = batch.iter().map(|(.., bytes)| bytes).sum();
        let Ok(admission) = self.router.budget().try_take(bytes) else { return };
        let admitted = batch.into_iter().map(|(id, topic, key, bytes)| {
            let mut payload = BytesMut::with_capacity(bytes + 8);
            payload.put_u64(id);
            payload.put_bytes(0, bytes);
            Admitted::new(Event {
                topic,
                payload: payload.freeze(),
                key: Bytes::from(key),
                headers: Headers::default(),
                mode: DeliveryMode::Guaranteed,
                admitted_at_ms: wall_ms,
                ttl_ms,
                origin: Origin { site: site(index), principal: None, protocol: Protocol::Mesh },
                path: Vec::new(),
                retain: false,
            })
        });
        let admitted = admitted.collect();
        let router = &self.router;
        let outcome: BoxFuture<'static, Outcome> = if pass {
            let passed = router.pass(admitted, Audience::Everybody);
            Box::pin(async move {
                // What passes through takes from the budget until everybody has it.
                let _room = admission;
                passed.outcome().await
            })
        } else {
            Box::pin(router.publish(admitted, admission, None))
        };
        self.receipts.push(Published { ids, outcome });
    }

    /// A client here wants to hear something, or does not want to any more.
    pub(super) fn listen(&mut self, rng: &mut StdRng) {
        self.listener.change(rng);
    }

    /// Whether nothing is under way inside.
    pub(super) fn is_quiet(&self) -> bool {
        self.receipts.is_empty()
            && self.router.budget().in_use() == 0
            && self.queues.iter().all(|(_, queue)| queue.standing() == (0, 0, 0))
    }

    /// Bytes of the budget that are in use.
    pub(super) fn budget_in_use(&self) -> usize {
        self.router.budget().in_use()
    }

    /// How many receipts are open.
    pub(super) fn waiting(&self) -> usize {
        self.receipts.len()
    }
}
