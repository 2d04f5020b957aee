//! Sources and sinks as parts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{BrokerConnection, Connector, ConnectorWork, WebhookSink};
use tokio_util::sync::CancellationToken;

use super::durable::SinkQueue;
use crate::connector::Deps;
use crate::home::Secrets;
use crate::kafka::secret::{self, Secret};
use crate::part::{Running, StartError};
use crate::queue::Manner;
use crate::router::Outlet;
use crate::status::PartHandle;
use crate::task::Tasks;
use crate::{sink, source};

/// The agent's store, as clients of clusters ask it.
#[derive(Debug)]
pub(super) struct Store(pub(super) Secrets);

impl secret::Secrets for Store {
    fn get(&self, name: &str) -> Option<Secret> {
        self.0.get(name).ok().map(Secret::new)
    }
}

/// A pump only waits for the sink's last answers.
const PUMP_STOP: Duration = Duration::from_secs(2);

/// A sink at work, with its queue, which goes on without it.
#[derive(Debug)]
struct Sink {
    running: Box<dyn Running>,
    queue: Arc<SinkQueue>,
    pump: Tasks,
}

/// Starts a source.
pub(super) fn start_source(
    connector: &Connector,
    broker: &BrokerConnection,
    deps: Deps,
    line: Arc<PartHandle>,
) -> Result<Box<dyn Running>, StartError> {
    let ConnectorWork::KafkaSource(work) = &connector.work else { return Err(mismatch()) };
    Ok(Box::new(source::kafka::start(connector, work, broker, deps, line)?))
}

/// Starts a sink; its queue is served once it has subscribed.
pub(super) fn start_sink(
    connector: &Connector,
    broker: &BrokerConnection,
    deps: Deps,
    line: Arc<PartHandle>,
    queue: Arc<SinkQueue>,
) -> Result<Box<dyn Running>, StartError> {
    let ConnectorWork::KafkaSink(work) = &connector.work else { return Err(mismatch()) };
    let running = sink::kafka::start(connector, work, broker, queue.spool_id(), deps, line.clone())?;
    let outlet = running.outlet();
    Ok(Box::new(Sink::serve(Box::new(running), outlet, Manner::STREAM, line, queue)))
}

/// Starts a webhook; its queue is served once it has subscribed.
pub(super) fn start_webhook(
    connector: &Connector,
    work: &WebhookSink,
    deps: Deps,
    line: Arc<PartHandle>,
    queue: Arc<SinkQueue>,
) -> Result<Box<dyn Running>, StartError> {
    let running = sink::webhook::start(connector, work, queue.spool_id(), deps, line.clone())?;
    let (outlet, manner) = (running.outlet(), running.manner());
    Ok(Box::new(Sink::serve(Box::new(running), outlet, manner, line, queue)))
}

impl Sink {
    /// Begins to bring the queue's events to the sink.
    fn serve(
        running: Box<dyn Running>,
        outlet: Arc<dyn Outlet>,
        manner: Manner,
        line: Arc<PartHandle>,
        queue: Arc<SinkQueue>,
    ) -> Self {
        queue.stand_in().step_aside();
        let pump = Tasks::new("sink queue");
        pump.spawn_until_stopped("depth", queue.clone().tell_depth(line));
        pump.spawn("pump", queue.pump(outlet).in_manner(manner).run(pump.token()));
        Self { running, queue, pump }
    }
}

/// The plan makes sources of sources; this is its contract.
fn mismatch() -> StartError {
    StartError::Rejected("the route's work does not fit its kind; this is a defect of the agent".to_owned())
}

#[async_trait]
impl Running for Sink {
    fn ended(&self) -> CancellationToken {
        self.running.ended()
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        let Self { running, queue, pump } = *self;
        queue.stand_in().stand();
        // First nothing more is taken out of the queue; what the sink has is answered while it stops.
        pump.token().cancel();
        running.stop(deadline).await;
        pump.stop(PUMP_STOP).await;
    }
}
