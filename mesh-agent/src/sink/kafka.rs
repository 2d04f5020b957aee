//! A Kafka sink: events become records, custody is the delivery report of an idempotent producer.
//!
//! ```text
//! router -> Intake (outlet) -> writer thread: map, send --> librdkafka --> cluster
//!              ^ bounded by the byte budget     |                |
//!              |                              Window <-----------+ delivery report: hold.done() or hold.fail()
//!              +------- resend after a fatal error: all of the window, in its order, flagged as redelivery
//! ```
//! A cluster that is away or hangs withholds the acknowledgement, for as long as it takes; the part says so. Only what
//! the cluster refuses for good (too large, no such topic, no right) fails its hold at once, with the reason. One writer
//! sends all records, so events of one key keep their order.

mod intake;
mod producer;
mod record;
mod watch;
mod window;
mod writer;

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use mesh_protocol::desired::{BrokerConnection, Connector, KafkaSink};
use mesh_protocol::report::PartRef;
use tokio_util::sync::CancellationToken;

use crate::connector::{Deps, Identity};
use crate::kafka::client::Complaints;
use crate::kafka::config;
use crate::kafka::trouble::Target;
use crate::policy::Session;
use crate::router::Reach;
use crate::status::PartHandle;
use crate::task::Tasks;
use intake::Intake;
use record::Mapping;
use watch::Watch;
use writer::Writer;

/// A sink that was started; when its configuration is wrong it does nothing but say so.
#[derive(Debug)]
pub struct Running {
    part: Arc<PartHandle>,
    work: Option<Work>,
}

#[derive(Debug)]
struct Work {
    tasks: Tasks,
    intake: Arc<Intake>,
    writer: JoinHandle<()>,
}

/// What the threads of one sink share.
#[derive(Debug)]
struct Shared {
    identity: Identity,
    target: Target,
    deps: Deps,
    complaints: Complaints,
    /// Opened once policy lets the route's principal in.
    session: OnceLock<Session>,
}

/// Starts a sink. It never fails: what is wrong with the configuration stands in its part on the board.
#[must_use]
pub fn start(connector: &Connector, sink: &KafkaSink, broker: &BrokerConnection, deps: Deps) -> Running {
    let part = Arc::new(deps.board.part(PartRef::Sink(connector.route)));
    match work(connector, sink, broker, deps, &part) {
        Ok(work) => Running { part, work: Some(work) },
        Err(reason) => {
            part.rejected(reason);
            Running { part, work: None }
        }
    }
}

fn work(
    connector: &Connector,
    sink: &KafkaSink,
    broker: &BrokerConnection,
    deps: Deps,
    part: &Arc<PartHandle>,
) -> Result<Work, String> {
    let identity = Identity::from(connector);
    let mapping = Mapping::new(sink).map_err(|error| error.to_string())?;
    if sink.filters.is_empty() {
        return Err("the route names no topics of the mesh: give it at least one filter".to_owned());
    }
    let base = config::base(broker, &*deps.secrets, &identity.client_id()).map_err(|error| error.to_string())?;
    let settings = config::producer(base);
    let intake = Arc::new(Intake::new(&deps.counters));
    let client = deps.observer.client(identity.client(broker.id));
    let attachment = deps.router.attach(intake.clone(), Reach::Local);
    let shared = Arc::new(Shared {
        identity,
        target: Target::from(broker),
        deps,
        complaints: Complaints::default(),
        session: OnceLock::new(),
    });
    let writer = Writer::new(shared.clone(), intake.clone(), mapping, settings, client.clone());
    writer.check().map_err(|error| shared.target.unusable(&error))?;
    let refusals = writer.refusals();
    let mut watch =
        Watch::new(shared, intake.clone(), part.clone(), client, attachment, sink.filters.clone(), refusals);
    // Before the start is told: whoever stood in for this sink until now steps aside then.
    watch.apply_policy();
    let writer = std::thread::Builder::new()
        .name("kafka-sink".to_owned())
        .spawn(move || writer.run())
        .map_err(|error| format!("the sink's thread cannot be started: {error}"))?;
    let tasks = Tasks::new("kafka-sink");
    tasks.spawn("watch", watch.run(tasks.token()));
    Ok(Work { tasks, intake, writer })
}

impl Running {
    /// Cancelled when it ended by itself; none when it does nothing because its configuration is wrong.
    #[must_use]
    pub fn ended(&self) -> Option<CancellationToken> {
        self.work.as_ref().map(|work| work.tasks.token())
    }

    /// Stops taking events, waits until the cluster has what was taken, and ends; what is still under way at the
    /// deadline fails its holds, so that nobody takes it for delivered. Returns who did not end in time.
    pub async fn stop(self, deadline: Duration) -> Vec<&'static str> {
        let Some(Work { tasks, intake, writer }) = self.work else { return Vec::new() };
        let began = tokio::time::Instant::now();
        // The watch detaches the outlet when it ends.
        let mut left = tasks.stop(deadline / 4).await;
        intake.drain(deadline / 2).await;
        intake.close();
        let rest = deadline.saturating_sub(began.elapsed()).max(Duration::from_millis(500));
        let ended = tokio::task::spawn_blocking(move || writer.join());
        if tokio::time::timeout(rest, ended).await.is_err() {
            left.push("writer");
        }
        drop(self.part);
        left
    }
}
