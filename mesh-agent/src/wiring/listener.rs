//! Listeners as parts.

use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired;
use tokio_util::sync::CancellationToken;

use crate::home::Ports;
use crate::listener::{self, Change, Deps};
use crate::part::{Running, StartError, Update};
use crate::reconcile::PartSpec;

/// A listener at work.
#[derive(Debug)]
struct Listener(listener::Running);

/// Starts a listener at its configured port, or at the free one that was chosen for it once.
pub(super) async fn start(
    config: &desired::Listener,
    ports: &Ports,
    deps: Deps,
) -> Result<Box<dyn Running>, StartError> {
    let address =
        ports.choose(&format!("listener-{}", config.id), &format!("listener {}", config.name), &config.bind)?;
    let running = listener::start(config, address, deps).await;
    let running = running.map_err(|error| StartError::Failing(error.to_string()))?;
    Ok(Box::new(Listener(running)))
}

#[async_trait]
impl Running for Listener {
    fn ended(&self) -> CancellationToken {
        self.0.ended()
    }

    async fn update(&mut self, spec: &PartSpec) -> Update {
        let PartSpec::Listener(config) = spec else { return Update::Restart };
        match self.0.update(config) {
            Change::Applied => Update::Done,
            Change::NeedsRestart => Update::Restart,
        }
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        // What did not end in time is told by the tasks themselves.
        self.0.stop(deadline).await;
    }
}
