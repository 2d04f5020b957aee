//! A Kafka sink: events become records, custody is the delivery report of an idempotent producer.
//!
//! ```text
//! router -> Intake (outlet) -> writer thread: map, send --> librdkafka --> cluster
//!              ^ bounded by the byte budget     |                |
//!              |                              Window <-----------+ delivery report: hold.done() or hold.fail()
//!              +------- resend after a fatal error: all of the window, in its order, flagged as redelivery
//! ```
//! What this agent answers for comes from the route's queue, which keeps it while the cluster is away or hangs; a Kafka
//! source waits for the sink itself, and what it does not wait for any more is let go. Only what the cluster refuses for
//! good (too large, no such topic, no right) fails its hold at once, with the reason. One writer sends all records, so
//! events of one key keep their order. What a sink had under way when it ended is looked for in the cluster before it is
//! written again ([`tails`]).

mod intake;
mod producer;
mod record;
mod tails;
mod watch;
mod window;
mod writer;

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{BrokerConnection, Connector, KafkaSink};
use mesh_protocol::id::SpoolId;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::connector::{Deps, Identity};
use crate::kafka::client::Complaints;
use crate::kafka::config;
use crate::kafka::contact::Contact;
use crate::kafka::trouble::Target;
use crate::part::{self, StartError};
use crate::policy::Session;
use crate::router::{Outlet, Reach, Takes};
use crate::sink;
use crate::sink::subscriptions::Subscriptions;
use crate::status::PartHandle;
use crate::task::Tasks;
use intake::Intake;
use record::Mapping;
use tails::{QueueMark, Tails};
use watch::Watch;
use writer::Writer;

/// A sink at work.
#[derive(Debug)]
pub struct Running {
    tasks: Tasks,
    intake: Arc<Intake>,
    writer: JoinHandle<()>,
}

impl Running {
    /// Takes events directly, and answers for each of them.
    #[must_use]
    pub fn outlet(&self) -> Arc<dyn Outlet> {
        self.intake.clone()
    }
}

/// What the threads of one sink share.
#[derive(Debug)]
struct Shared {
    identity: Identity,
    target: Target,
    deps: Deps,
    complaints: Complaints,
    contact: Contact,
    /// Opened once policy lets the route's principal in.
    session: OnceLock<Session>,
}

/// Starts a sink, which writes its own line on the board. `spool` is where the route's queue is.
///
/// # Errors
/// What is wrong with the route or its broker connection, and what to do.
pub fn start(
    connector: &Connector,
    sink: &KafkaSink,
    broker: &BrokerConnection,
    spool: SpoolId,
    deps: Deps,
    line: Arc<PartHandle>,
) -> Result<Running, StartError> {
    let identity = Identity::from(connector);
    let mapping = Mapping::new(sink).map_err(rejected)?;
    if sink.filters.is_empty() {
        return Err(StartError::Rejected(
            "the route names no topics of the mesh: give it at least one filter".to_owned(),
        ));
    }
    let base = config::base(broker, &*deps.secrets, &identity.client_id())?;
    let tails = config::consumer(base.clone(), &identity.group());
    let tails = Tails::new(tails, QueueMark::new(connector.route, spool));
    let settings = config::producer(base);
    let intake = Arc::new(Intake::new(&deps.counters));
    let client = deps.observer.client(identity.client(broker.id));
    let destination = sink::destination(&deps.router, connector.route, &format!("the sink of {}", connector.name));
    let attachment = deps.router.attach(intake.clone(), Reach::Local).for_destination(destination);
    let shared = Arc::new(Shared {
        identity,
        target: Target::from(broker),
        deps,
        complaints: Complaints::default(),
        contact: Contact::default(),
        session: OnceLock::new(),
    });
    let writer = Writer::new(shared.clone(), intake.clone(), mapping, settings, tails, client.clone());
    writer.check().map_err(|error| StartError::Rejected(shared.target.unusable(&error)))?;
    let refusals = writer.refusals();
    // What this agent answers for comes from the route's queue.
    let subscriptions = Subscriptions::new(attachment, client, &sink.filters, Takes::UNKEPT);
    let mut watch = Watch::new(shared, intake.clone(), line, subscriptions, refusals);
    // Before the start is told: whoever stood in for this sink until now steps aside then.
    watch.apply_policy();
    let tasks = Tasks::new("kafka-sink");
    let ended = tasks.token().drop_guard();
    let writer = std::thread::Builder::new()
        .name("kafka-sink".to_owned())
        .spawn(move || {
            // However this thread ends, the sink has ended.
            let _ended = ended;
            writer.run();
        })
        .map_err(|error| StartError::Failing(format!("the sink's thread cannot be started: {error}")))?;
    tasks.spawn("watch", watch.run(tasks.token()));
    Ok(Running { tasks, intake, writer })
}

fn rejected(error: impl std::fmt::Display) -> StartError {
    StartError::Rejected(error.to_string())
}

#[async_trait]
impl part::Running for Running {
    fn ended(&self) -> CancellationToken {
        self.tasks.token()
    }

    /// Stops taking events, waits until the cluster has what was taken, and ends; what is still under way at the
    /// deadline fails its holds, so that nobody takes it for delivered.
    async fn stop(self: Box<Self>, deadline: Duration) {
        let Self { tasks, intake, writer } = *self;
        let began = Instant::now();
        // The watch detaches the outlet when it ends.
        tasks.stop(deadline / 4).await;
        intake.drain(deadline / 2).await;
        intake.close();
        let rest = deadline.saturating_sub(began.elapsed()).max(Duration::from_millis(500));
        let ended = tokio::task::spawn_blocking(move || writer.join());
        if timeout(rest, ended).await.is_err() {
            tracing::warn!("a sink's thread did not end in time; it ends with its client");
        }
    }
}
