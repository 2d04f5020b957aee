//! The real parts, and what they share: the one place that knows how each is made.

use std::sync::Arc;

use async_trait::async_trait;
use mesh_protocol::report::LinkState;
use tokio::sync::watch;

use crate::control::ledger::Accepted;
use crate::control::outbox::Outbox;
use crate::counters::Counters;
use crate::home::{Home, HomeError, Ports, Secrets};
use crate::identity::Identity;
use crate::part::{Running, StartError};
use crate::policy::Enforcer;
use crate::reconcile::{PartSpec, Starter};
use crate::router::Router;
use crate::status::PartHandle;

/// Makes the real parts.
#[derive(Debug)]
pub struct Wiring {
    /// Who the agent is; changes with a renewal.
    pub identity: watch::Receiver<Arc<Identity>>,
    /// Decides.
    pub enforcer: Arc<Enforcer>,
    /// Routes.
    pub router: Router,
    /// Counts.
    pub counters: Counters,
    /// Takes reports.
    pub outbox: Outbox,
    /// Ports that were chosen once.
    pub ports: Ports,
    /// Logins for brokers.
    pub secrets: Secrets,
    links: watch::Sender<Vec<LinkState>>,
}

impl Wiring {
    /// What all parts are made of.
    ///
    /// # Errors
    /// The state folder cannot be used.
    pub fn new(
        home: &Home,
        identity: watch::Receiver<Arc<Identity>>,
        enforcer: Arc<Enforcer>,
        router: Router,
        counters: Counters,
        outbox: Outbox,
    ) -> Result<Self, HomeError> {
        let (ports, secrets) = (home.ports(), home.secrets()?);
        Ok(Self { identity, enforcer, router, counters, outbox, ports, secrets, links: watch::Sender::default() })
    }

    /// Links to other agents, as the fabric tells them.
    #[must_use]
    pub fn links(&self) -> watch::Receiver<Vec<LinkState>> {
        self.links.subscribe()
    }
}

#[async_trait]
impl Starter for Wiring {
    async fn start(&self, spec: &PartSpec, _line: Arc<PartHandle>) -> Result<Box<dyn Running>, StartError> {
        let what = match spec {
            PartSpec::Fabric { .. } => "links to other sites",
            PartSpec::Discovery(_) => "discovery",
            PartSpec::Sink(..) => "sinks",
            PartSpec::Source(..) => "sources",
            PartSpec::Listener(_) => "listeners",
        };
        Err(StartError::Rejected(format!("this version of the agent has no {what}: update it")))
    }

    async fn document(&self, _accepted: &Accepted) {}
}
