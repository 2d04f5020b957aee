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
//! the part, and passed over (there is no dead letter queue yet).
//!
//! Positions are ours: the group keeps them, the library never resets them. A position that is gone, because the topic
//! was truncated or made anew, is a gap that is counted and shown.

mod consumer;
mod lane;
mod poll;
mod position;
mod record;
mod tally;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mesh_protocol::desired::{BrokerConnection, Connector, KafkaSource};
use mesh_protocol::report::PartRef;
use tokio_util::sync::CancellationToken;

use crate::connector::{Deps, Identity};
use crate::kafka::client::Complaints;
use crate::kafka::config;
use crate::kafka::trouble::Target;
use crate::observe::ClientObserver;
use crate::status::PartHandle;
use crate::task::Tasks;
use poll::Poller;
use record::Mapping;
use tally::Tally;
use watch::Watch;

/// A source that was started; when its configuration is wrong it does nothing but say so.
#[derive(Debug)]
pub struct Running {
    part: Arc<PartHandle>,
    work: Option<Work>,
}

#[derive(Debug)]
struct Work {
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
    client: Arc<dyn ClientObserver>,
    complaints: Complaints,
    tally: Tally,
    stopping: Arc<AtomicBool>,
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Starts a source. It never fails: what is wrong with the configuration stands in its part on the board.
///
/// Sinks and the interest of other agents must be in place before: a record that nobody wants is taken as unrouted.
/// Must be called on a runtime.
#[must_use]
pub fn start(connector: &Connector, source: &KafkaSource, broker: &BrokerConnection, deps: Deps) -> Running {
    let part = Arc::new(deps.board.part(PartRef::Source(connector.route)));
    match work(connector, source, broker, deps, &part) {
        Ok(work) => Running { part, work: Some(work) },
        Err(reason) => {
            part.rejected(reason);
            Running { part, work: None }
        }
    }
}

fn work(
    connector: &Connector,
    source: &KafkaSource,
    broker: &BrokerConnection,
    deps: Deps,
    part: &Arc<PartHandle>,
) -> Result<Work, String> {
    let identity = Identity::from(connector);
    let mapping = Mapping::new(source).map_err(|error| error.to_string())?;
    if source.topics.iter().all(|topic| topic.is_empty()) {
        return Err("the route names no Kafka topic: give it at least one".to_owned());
    }
    let base = config::base(broker, &*deps.secrets, &identity.client_id()).map_err(|error| error.to_string())?;
    let settings = config::consumer(base, &identity.group());
    let stopping = Arc::new(AtomicBool::new(false));
    let shared = Arc::new(Shared {
        target: Target::from(broker),
        mapping,
        client: deps.observer.client(identity.client(broker.id)),
        complaints: Complaints::default(),
        tally: Tally::new(&deps.counters),
        identity,
        source: source.clone(),
        deps,
        stopping: stopping.clone(),
    });
    let tasks = Tasks::new("kafka-source");
    let poller = Poller::new(shared.clone(), settings, tasks.clone());
    poller.check().map_err(|error| shared.target.unusable(&error))?;
    tasks.spawn_until_stopped("watch", Watch { shared, part: part.clone() }.run());
    let poller = std::thread::Builder::new()
        .name("kafka-source".to_owned())
        .spawn(move || poller.run())
        .map_err(|error| format!("the source's thread cannot be started: {error}"))?;
    Ok(Work { tasks, stopping, poller })
}

impl Running {
    /// Cancelled when it ended by itself; none when it does nothing because its configuration is wrong.
    #[must_use]
    pub fn ended(&self) -> Option<CancellationToken> {
        self.work.as_ref().map(|work| work.tasks.token())
    }

    /// Stops reading, waits a moment for what is under way, commits what was taken and leaves the group. What was not
    /// taken is read again at the next start. Returns who did not end in time.
    pub async fn stop(self, deadline: Duration) -> Vec<&'static str> {
        let Some(Work { tasks, stopping, poller }) = self.work else { return Vec::new() };
        stopping.store(true, Ordering::Release);
        let began = tokio::time::Instant::now();
        let ended = tokio::task::spawn_blocking(move || poller.join());
        let in_time = tokio::time::timeout(deadline, ended).await.is_ok();
        let rest = deadline.saturating_sub(began.elapsed()).max(Duration::from_millis(500));
        let mut left = tasks.stop(rest).await;
        if !in_time {
            left.push("poller");
        }
        drop(self.part);
        left
    }
}
