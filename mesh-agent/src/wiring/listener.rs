//! Listeners as parts.

use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{self, ListenerTls, TlsListener};
use tokio_util::sync::CancellationToken;

use crate::home::Ports;
use crate::listener::{self, Change, Deps};
use crate::part::{Running, StartError, Update};
use crate::reconcile::PartSpec;

/// A listener at work.
#[derive(Debug)]
struct Listener {
    running: listener::Running,
    /// None: it speaks in the clear.
    tls: Option<ListenerTls>,
}

/// Starts a listener at its configured port, or at the free one that was chosen for it once.
pub(super) async fn start(
    config: &desired::Listener,
    tls: Option<&ListenerTls>,
    ports: &Ports,
    deps: Deps,
) -> Result<Box<dyn Running>, StartError> {
    let address =
        ports.choose(&format!("listener-{}", config.id), &format!("listener {}", config.name), &config.bind)?;
    let running = listener::start(config, address, deps).await;
    let running = running.map_err(|error| StartError::Failing(error.to_string()))?;
    Ok(Box::new(Listener { running, tls: tls.cloned() }))
}

#[async_trait]
impl Running for Listener {
    fn ended(&self) -> CancellationToken {
        self.running.ended()
    }

    async fn update(&mut self, spec: &PartSpec) -> Update {
        let (config, tls) = match spec {
            PartSpec::Listener(config) => (config, None),
            PartSpec::TlsListener(TlsListener { listener, tls }) => (listener, Some(tls)),
            _ => return Update::Restart,
        };
        if is_other(self.tls.as_ref(), tls) {
            return Update::Restart;
        }
        match self.running.update(config) {
            Change::Applied => Update::Done,
            Change::NeedsRestart => Update::Restart,
        }
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        // What did not end in time is told by the tasks themselves.
        self.running.stop(deadline).await;
    }
}

/// Other names alone need no restart: the certificate for them is shown as soon as there is one.
fn is_other(old: Option<&ListenerTls>, new: Option<&ListenerTls>) -> bool {
    let authorities = |tls: Option<&ListenerTls>| tls.map(|tls| (tls.authority_pem.clone(), tls.clients_pem.clone()));
    authorities(old) != authorities(new)
}
