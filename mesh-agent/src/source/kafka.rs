//! A Kafka source: records become events, in order per partition, and only what the mesh took is committed.
//!
//! ```text
//! cluster -> librdkafka -> poll thread --(records of one partition)--> lane: map, permit, publish, await the receipt
//!                             |  pauses a partition whose lane is full     |
//!                             +--- commits every second <--- floor --------+ one batch at a time, so never a gap
//! ```
//! One lane owns a partition from poll to publish. It has one batch under way, and the next goes out when that is taken:
//! so a batch that fails is tried again in its place, and nothing of its partition overtakes it. What fails is tried
//! until it is taken; the part says why it does not get on. A record that cannot be mapped at all is counted, named in
//! the part, and a dead letter of the agent before its offset is committed.
//!
//! Records that name a schema are read by it, where the route has a registry and asks for what is in them. A lane brings
//! the schemas of a batch before it begins it (`lane/ready`); while a registry is away, its records wait, and nothing of
//! their partition overtakes them.
//!
//! Destinations in step share one read. One that does not take a batch within a second, while others could go on, is left
//! behind: a consumer of its own reads for it alone, from where it is, and it joins the others again at the very offset
//! where it meets them ([`step`], [`alone`]). Nothing is copied meanwhile: the cluster keeps the records. When nobody is
//! left who could go on, the shared read waits.
//!
//! Positions are ours: the group keeps the lowest, the agent's spool keeps all ([`note`]), the library never resets them. A
//! position that is gone, because the topic was truncated or made anew, is a gap that is counted and shown.

mod alone;
mod consumer;
mod known;
mod lane;
mod note;
mod poll;
mod position;
mod record;
mod step;
mod tally;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{BrokerConnection, Connector, KafkaSource};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::connector::{Deps, Identity};
use crate::kafka::client::Complaints;
use crate::kafka::config;
use crate::kafka::contact::Contact;
use crate::kafka::trouble::Target;
use crate::observe::ClientObserver;
use crate::part::{self, StartError};
use crate::router::{Budget, DestinationId};
use crate::schemas::Registry;
use crate::status::PartHandle;
use crate::task::Tasks;
use lane::Split;
use poll::Poller;
use record::Mapping;
use step::Step;
use tally::Tally;
use watch::Watch;

/// Most bytes of a source's records on their way to everybody in step.
const WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// The same towards one destination that reads alone.
const ALONE_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// A source at work.
#[derive(Debug)]
pub struct Running {
    tasks: Tasks,
    stopping: Arc<AtomicBool>,
    poller: JoinHandle<()>,
}

/// What the threads and tasks of one source share.
#[derive(Debug)]
struct Shared {
    identity: Identity,
    source: KafkaSource,
    target: Target,
    deps: Deps,
    mapping: Mapping,
    /// By which records are read that name their schema.
    schemas: Option<Arc<Registry>>,
    client: Arc<dyn ClientObserver>,
    complaints: Complaints,
    contact: Contact,
    tally: Tally,
    stopping: Arc<AtomicBool>,
    /// Destinations that fell behind and are not served yet.
    splits: Mutex<Vec<Split>>,
    /// What may be under way to all who are in step, and to each that reads alone.
    windows: Mutex<HashMap<Option<DestinationId>, Budget>>,
}

impl Shared {
    /// A destination falls behind.
    fn split(&self, split: Split) {
        self.splits.lock().expect("no panic while held").push(split);
    }

    /// Who fell behind since the last call.
    fn take_splits(&self) -> Vec<Split> {
        std::mem::take(&mut *self.splits.lock().expect("no panic while held"))
    }

    /// Whether somebody fell behind in this partition and is not served yet.
    fn is_splitting(&self, step: &Arc<Step>) -> bool {
        self.splits.lock().expect("no panic while held").iter().any(|split| Arc::ptr_eq(&split.step, step))
    }

    /// What may be under way for one that reads alone, or for all others.
    fn window(&self, alone: Option<DestinationId>) -> Budget {
        let bytes = if alone.is_some() { ALONE_WINDOW_BYTES } else { WINDOW_BYTES };
        self.windows.lock().expect("no panic while held").entry(alone).or_insert_with(|| Budget::new(bytes)).clone()
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Starts a source, which writes its own line on the board.
///
/// Sinks and the interest of other agents must be in place before: a record that nobody wants is taken as unrouted.
/// Must be called on a runtime.
///
/// # Errors
/// What is wrong with the route or its broker connection, and what to do.
pub fn start(
    connector: &Connector,
    source: &KafkaSource,
    broker: &BrokerConnection,
    deps: Deps,
    line: Arc<PartHandle>,
) -> Result<Running, StartError> {
    let identity = Identity::from(connector);
    let mapping = Mapping::new(source).map_err(rejected)?;
    if source.topics.iter().all(|topic| topic.is_empty()) {
        return Err(StartError::Rejected("the route names no Kafka topic: give it at least one".to_owned()));
    }
    let schemas = source.schemas.as_ref().map(|registry| deps.schemas.registry(registry)).transpose()?;
    let base = config::base(broker, &*deps.secrets, &identity.client_id())?;
    let settings = config::consumer(base, &identity.group());
    let stopping = Arc::new(AtomicBool::new(false));
    let shared = Arc::new(Shared {
        target: Target::from(broker),
        mapping,
        schemas,
        client: deps.observer.client(identity.client(broker.id)),
        complaints: Complaints::default(),
        contact: Contact::default(),
        tally: Tally::new(&deps.counters),
        identity,
        source: source.clone(),
        deps,
        stopping: stopping.clone(),
        splits: Mutex::default(),
        windows: Mutex::default(),
    });
    let tasks = Tasks::new("kafka-source");
    let poller = Poller::new(shared.clone(), settings, tasks.clone());
    poller.check().map_err(|error| StartError::Rejected(shared.target.unusable(&error)))?;
    tasks.spawn_until_stopped("watch", Watch { shared, part: line }.run());
    let poller = std::thread::Builder::new()
        .name("kafka-source".to_owned())
        .spawn(move || poller.run())
        .map_err(|error| StartError::Failing(format!("the source's thread cannot be started: {error}")))?;
    Ok(Running { tasks, stopping, poller })
}

fn rejected(error: impl std::fmt::Display) -> StartError {
    StartError::Rejected(error.to_string())
}

#[async_trait]
impl part::Running for Running {
    fn ended(&self) -> CancellationToken {
        self.tasks.token()
    }

    /// Stops reading, waits a moment for what is under way, commits what was taken and leaves the group. What was not
    /// taken is read again at the next start.
    async fn stop(self: Box<Self>, deadline: Duration) {
        let Self { tasks, stopping, poller } = *self;
        stopping.store(true, Ordering::Release);
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(move || poller.join());
        if timeout(deadline, ended).await.is_err() {
            tracing::warn!("a source's thread did not end in time; it ends with its client");
        }
        let rest = deadline.saturating_sub(began.elapsed()).max(Duration::from_millis(500));
        tasks.stop(rest).await;
    }
}
