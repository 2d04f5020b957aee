//! Sources and sinks as parts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{BrokerConnection, Connector, ConnectorWork};
use tokio_util::sync::CancellationToken;

use super::standin::StandIn;
use crate::connector::Deps;
use crate::home::Secrets;
use crate::kafka::secret::{self, Secret};
use crate::part::{Running, StartError};
use crate::{sink, source};

/// The agent's store, as clients of clusters ask it.
#[derive(Debug)]
pub(super) struct Store(pub(super) Secrets);

impl secret::Secrets for Store {
    fn get(&self, name: &str) -> Option<Secret> {
        self.0.get(name).ok().map(Secret::new)
    }
}

/// A source at work.
#[derive(Debug)]
struct Source(source::kafka::Running);

/// A sink at work, and who stands in for it before and after.
#[derive(Debug)]
struct Sink {
    running: sink::kafka::Running,
    stand_in: Arc<StandIn>,
}

/// Starts a source.
pub(super) fn start_source(
    connector: &Connector,
    broker: &BrokerConnection,
    deps: Deps,
    secrets: &Secrets,
) -> Result<Box<dyn Running>, StartError> {
    let ConnectorWork::KafkaSource(work) = &connector.work else { return Err(mismatch()) };
    login(broker, secrets)?;
    Ok(Box::new(Source(source::kafka::start(connector, work, broker, deps))))
}

/// Starts a sink; its stand-in steps aside once it has subscribed.
pub(super) fn start_sink(
    connector: &Connector,
    broker: &BrokerConnection,
    deps: Deps,
    secrets: &Secrets,
    stand_in: Arc<StandIn>,
) -> Result<Box<dyn Running>, StartError> {
    let ConnectorWork::KafkaSink(work) = &connector.work else { return Err(mismatch()) };
    login(broker, secrets)?;
    let running = sink::kafka::start(connector, work, broker, deps);
    if running.ended().is_some() {
        stand_in.step_aside();
    }
    Ok(Box::new(Sink { running, stand_in }))
}

/// A secret that is not there yet may be set at any time: tried again, unlike what only a new document can change.
fn login(broker: &BrokerConnection, secrets: &Secrets) -> Result<(), StartError> {
    if let Some(sasl) = &broker.security.sasl {
        secrets.get(&sasl.secret)?;
    }
    Ok(())
}

/// The plan makes sources of sources; this is its contract.
fn mismatch() -> StartError {
    StartError::Rejected("the route's work does not fit its kind; this is a defect of the agent".to_owned())
}

#[async_trait]
impl Running for Source {
    fn ended(&self) -> CancellationToken {
        self.0.ended().unwrap_or_default()
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        left("source", &self.0.stop(deadline).await);
    }
}

#[async_trait]
impl Running for Sink {
    fn ended(&self) -> CancellationToken {
        self.running.ended().unwrap_or_default()
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        self.stand_in.stand();
        left("sink", &self.running.stop(deadline).await);
    }
}

/// Tells what did not end in time.
pub(super) fn left(part: &str, names: &[&str]) {
    if !names.is_empty() {
        tracing::warn!(part, ?names, "did not end in time");
    }
}
