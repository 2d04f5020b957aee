//! Named queues: places that attract topics by subscription and keep events until a consumer has acknowledged them.
//!
//! ```text
//!  router --keep--> spool `queue/ID` --take--> Service (one task per queue, owns the Dispatch)
//!                      ^                          |  offers            ^ verdicts, pulls
//!                      |                          v                    |
//!                      +-- moved back by people   MQTT sessions, event streams, pulls over HTTP
//!                   spool `dead/queue/ID` <-- what nobody could be given
//!                   spool `kept/queue/ID` <-- what was acknowledged, for a replay
//! ```
//! A queue attracts from the moment its document is in force until it is deleted, whether it has consumers or not, and
//! only guaranteed events. Its number in the spool stays the same across renames. What consumers may is decided by whoever
//! lets them in (the listeners); here everybody who asks is served.

mod again;
mod consumer;
mod content;
mod kept;
mod pulls;
mod replay;
mod service;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use mesh_protocol::desired::{self, OnFailure as Failure, QueueAccess, WhenFull as Full};
use mesh_protocol::id::{PrincipalId, QueueId};
use mesh_protocol::report::PartRef;
use mesh_protocol::topic::Filter;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::item::ConsumerId;
use super::rules::{Access, Backoff, OnFailure, Rules};
use crate::counters::Counters;
use crate::policy::Enforcer;
use crate::router::{Attachment, Life, Reach, Router, Takes};
use crate::spool::{Limits, QueueNo, Store, WhenFull};
use crate::status::Board;
use crate::task::Tasks;
use consumer::Command;
use pulls::Pull;
use service::Service;

pub use consumer::{Consumer, Offer, Verdict, Who};
pub use content::answer;
#[cfg(test)]
pub(crate) use service::simulated::SimulatedQueue;

/// Names of named queues in the spool begin with this, those of their dead letters with [`DEAD`] before it.
const QUEUE: &str = "queue/";
/// Names of queues of dead letters begin with this, followed by the name of the queue they were for.
pub const DEAD: &str = "dead/";
/// Names of queues of acknowledged events begin with this, followed by the name of the queue they were in.
const KEPT: &str = "kept/";
/// Events between the spool and the consumers of one queue, and their bytes.
const EVENTS_MAX: usize = 8_192;
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most consumers of one queue.
const CONSUMERS_MAX: usize = 1_000;

/// What named queues work with.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Keeps the events.
    pub spool: Arc<Store>,
    /// Brings them.
    pub router: Router,
    /// Counts.
    pub counters: Counters,
    /// Shows.
    pub board: Board,
    /// Lets diverted events in that a person sends again.
    pub enforcer: Arc<Enforcer>,
}

/// The named queues this agent owns.
#[derive(Debug)]
pub struct Queues {
    parts: Parts,
    tasks: Tasks,
    open: RwLock<HashMap<QueueId, Arc<Named>>>,
}

impl Queues {
    /// No queues yet. Must be called on a runtime.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, tasks: Tasks::new("queues"), open: RwLock::default() }
    }

    /// Opens, changes and ends queues, so that exactly these are there. What is in one that ends goes with it, which is told.
    pub fn want(&self, wanted: &[desired::Queue]) {
        let ids: HashSet<QueueId> = wanted.iter().map(|queue| queue.id).collect();
        let mut open = self.open.write().expect("no panic while held");
        open.retain(|id, named| {
            let is_kept = ids.contains(id);
            if !is_kept {
                named.ended.cancel();
            }
            is_kept
        });
        for config in wanted {
            match open.get(&config.id) {
                Some(named) => named.change(config),
                None => drop(open.insert(config.id, Named::open(config, &self.parts, &self.tasks))),
            }
        }
        drop(open);
        let is_wanted = |id: &str| id.parse().is_ok_and(|id| ids.contains(&id));
        self.parts.spool.close_others(QUEUE, is_wanted);
        self.parts.spool.close_others(&format!("{DEAD}{QUEUE}"), is_wanted);
        self.parts.spool.close_others(&format!("{KEPT}{QUEUE}"), is_wanted);
    }

    /// The queue of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Arc<Named>> {
        let open = self.open.read().expect("no panic while held");
        open.values().find(|named| named.config.load().name == name).cloned()
    }

    /// The queue with this id.
    #[must_use]
    pub fn by_id(&self, id: QueueId) -> Option<Arc<Named>> {
        self.open.read().expect("no panic while held").get(&id).cloned()
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.tasks.token().cancel();
    }
}

/// One named queue.
#[derive(Debug)]
pub struct Named {
    config: ArcSwap<desired::Queue>,
    spool: Arc<Store>,
    number: QueueNo,
    dead: QueueNo,
    kept: QueueNo,
    attachment: Attachment,
    attracts: Mutex<Attracts>,
    commands: mpsc::UnboundedSender<Command>,
    next_consumer: AtomicU64,
    consumers: Arc<AtomicUsize>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct Attracts {
    filters: HashSet<Filter>,
    exceptions: HashSet<Filter>,
}

/// Why a consumer is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unserved {
    /// It was deleted.
    #[error("the queue is no more")]
    Gone,
    /// One more would be too many.
    #[error("the queue has {CONSUMERS_MAX} consumers, as many as it may; end one first")]
    Crowded,
}

impl Named {
    fn open(config: &desired::Queue, parts: &Parts, tasks: &Tasks) -> Arc<Self> {
        let ended = tasks.token().child_token();
        let (named, service, commands) = Self::with_service(config, parts, ended.clone());
        tasks.spawn("queue", service.run(commands, ended));
        named
    }

    /// The queue, what serves it, and what that is told.
    fn with_service(
        config: &desired::Queue,
        parts: &Parts,
        ended: CancellationToken,
    ) -> (Arc<Self>, Service, mpsc::UnboundedReceiver<Command>) {
        let name: Arc<str> = format!("{QUEUE}{}", config.id).into();
        let number = parts.spool.open_queue(&name, limits(config));
        let dead = parts.spool.open_queue(&format!("{DEAD}{name}").into(), dead_limits(config));
        let kept = parts.spool.open_queue(&format!("{KEPT}{name}").into(), Limits::NONE);
        let (commands, receiver) = mpsc::unbounded_channel();
        let named = Arc::new(Self {
            config: ArcSwap::from_pointee(config.clone()),
            spool: parts.spool.clone(),
            number,
            dead,
            kept,
            attachment: parts.router.attach_queue(number.0, Reach::Local),
            attracts: Mutex::default(),
            commands,
            next_consumer: AtomicU64::new(1),
            consumers: Arc::default(),
            ended,
        });
        named.attract(config);
        let line = parts.board.part(PartRef::Queue(config.id));
        let service = Service::new(&named, line, &parts.counters);
        (named, service, receiver)
    }

    fn change(&self, config: &desired::Queue) {
        if **self.config.load() == *config {
            return;
        }
        let name: Arc<str> = format!("{QUEUE}{}", config.id).into();
        self.spool.open_queue(&name, limits(config));
        self.spool.open_queue(&format!("{DEAD}{name}").into(), dead_limits(config));
        self.attract(config);
        self.config.store(Arc::new(config.clone()));
        self.tell(Command::Config(Arc::new(config.clone())));
    }

    fn attract(&self, config: &desired::Queue) {
        let mut attracts = self.attracts.lock().expect("no panic while held");
        let filters: HashSet<Filter> = config.filters.iter().cloned().collect();
        let exceptions: HashSet<Filter> = config.exceptions.iter().cloned().collect();
        // What is to stay outside is known before what brings it in.
        exceptions.difference(&attracts.exceptions).for_each(|filter| self.attachment.except(filter));
        for filter in filters.difference(&attracts.filters) {
            self.attachment.subscribe_for(filter, 0, Life::Durable, Takes::GUARANTEED);
        }
        attracts.filters.difference(&filters).for_each(|filter| self.attachment.unsubscribe(filter, 0));
        attracts.exceptions.difference(&exceptions).for_each(|filter| self.attachment.accept(filter));
        *attracts = Attracts { filters, exceptions };
    }

    /// How it is configured now.
    #[must_use]
    pub fn config(&self) -> Arc<desired::Queue> {
        self.config.load_full()
    }

    /// Cancelled when the queue was deleted.
    #[must_use]
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    fn tell(&self, command: Command) {
        // A service that has ended serves nobody; whoever asked sees its answer channel closed.
        let _ended = self.commands.send(command);
    }

    /// A consumer that is offered events as they come, up to its window. `leased`: what it has comes back when it says
    /// nothing for the queue's lease.
    ///
    /// # Errors
    /// The queue has as many as it may.
    pub fn attach(&self, who: Who, window: usize, leased: bool) -> Result<Consumer, Unserved> {
        if self.consumers.load(Ordering::Relaxed) >= CONSUMERS_MAX {
            return Err(Unserved::Crowded);
        }
        let id = self.new_id();
        let (offers, receiver) = mpsc::unbounded_channel();
        self.tell(Command::Attach { id, who, window, leased, offers });
        Ok(Consumer::new(id, receiver, self.commands.clone()))
    }

    /// Up to so many events for a consumer that comes and asks, as soon as there are any, and none when there are none in
    /// time. What it does not answer for within the queue's lease comes back.
    ///
    /// # Errors
    /// The queue was deleted, or has as many consumers as it may.
    pub async fn pull(&self, who: Who, events_max: usize, wait: Duration) -> Result<Vec<Offer>, Unserved> {
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + wait;
        self.tell(Command::Pull(who, Pull::new(self.new_id(), events_max, until, answer)));
        answered.await.map_err(|_| Unserved::Gone)?
    }

    /// What became of events that a principal's consumers were given. Of each: whether it was still theirs.
    ///
    /// # Errors
    /// The queue was deleted.
    pub async fn settle(
        &self,
        principal: PrincipalId,
        verdicts: Vec<(ConsumerId, u64, Verdict)>,
    ) -> Result<Vec<bool>, Unserved> {
        let (told, answered) = oneshot::channel();
        self.tell(Command::Settle { principal, verdicts, told });
        answered.await.map_err(|_| Unserved::Gone)
    }

    fn new_id(&self) -> ConsumerId {
        ConsumerId(self.next_consumer.fetch_add(1, Ordering::Relaxed))
    }
}

fn limits(config: &desired::Queue) -> Limits {
    let when_full = match config.when_full {
        Full::Refuse => WhenFull::Refuse,
        Full::Discard => WhenFull::Discard,
    };
    Limits { events_max: config.events_max, bytes_max: config.bytes_max, when_full }
}

fn dead_limits(config: &desired::Queue) -> Limits {
    Limits { events_max: config.dead_letters_max, ..Limits::NONE }
}

fn rules(config: &desired::Queue) -> Rules {
    let millis = |ms: u32| Duration::from_millis(ms.into());
    Rules {
        access: match config.access {
            QueueAccess::Exclusive => Access::Exclusive,
            QueueAccess::Shared => Access::Shared,
            QueueAccess::Partitioned => Access::Partitioned,
        },
        on_failure: match config.on_failure {
            Failure::BlockKey => OnFailure::BlockKey,
            Failure::Overtake => OnFailure::Overtake,
        },
        deliveries_max: config.deliveries_max,
        backoff: Backoff { first: millis(config.backoff_first_ms), longest: millis(config.backoff_longest_ms) },
        lease: Some(millis(config.lease_ms)),
        paused: config.paused,
        events_max: EVENTS_MAX,
        bytes_max: BYTES_MAX,
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
