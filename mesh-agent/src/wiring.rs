//! The real parts, and what they share: the one place that knows how each is made.

mod certificate;
mod connector;
mod durable;
mod fabric;
mod listener;
mod standin;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{ConnectorWork, ListenerTls, TlsListener};
use mesh_protocol::id::RouteId;
use mesh_protocol::report::{LinkState, Report};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::causes::chain;
use crate::connector::Deps;
use crate::contract;
use crate::control::ledger::Accepted;
use crate::control::outbox::Outbox;
use crate::control::standing::LedgerHandle;
use crate::counters::Counters;
use crate::discovery;
use crate::home::{Home, HomeError, Ports, Secrets};
use crate::identity::Identity;
use crate::kafka_access;
use crate::listener::tls::Settings;
use crate::listener::{Clients, SiteOwner};
use crate::observe::Observatory;
use crate::part::{Running, StartError};
use crate::policy::Enforcer;
use crate::queue::named::Queues;
use crate::quota::Quotas;
use crate::reconcile::{Fingerprint, PartSpec, Starter};
use crate::reports::{Full, ReportSink};
use crate::router::{DestinationId, Reach, Router, Takes};
use crate::schemas::Schemas;
use crate::spool::Store as Spool;
use crate::status::{Board, PartHandle};
use crate::task::Tasks;
use certificate::Keeper;
pub use certificate::ListenerFiles;
use connector::Store;
use durable::{SinkKind, SinkQueue, SourceLetters, SourceNotes};
use standin::StandIn;

/// Retained events whose time is over are looked for this often.
const FORGET_INTERVAL: Duration = Duration::from_secs(3_600);

/// What all parts are made of. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Who the agent is; changes with a renewal.
    pub identity: watch::Receiver<Arc<Identity>>,
    /// What the agent was told, for other agents.
    pub ledger: LedgerHandle,
    /// Decides.
    pub enforcer: Arc<Enforcer>,
    /// Routes.
    pub router: Router,
    /// Shows.
    pub board: Board,
    /// Keeps what this agent answers for.
    pub spool: Arc<Spool>,
    /// Queues that clients consume by name.
    pub queues: Arc<Queues>,
    /// Grants' quotas, and what was used of them.
    pub quotas: Quotas,
    /// Counts.
    pub counters: Counters,
    /// Takes reports.
    pub outbox: Outbox,
}

/// Makes the real parts.
#[derive(Debug)]
pub struct Wiring {
    shared: Shared,
    ports: Ports,
    secrets: Secrets,
    schemas: Schemas,
    observatory: Observatory,
    observing: Tasks,
    links: watch::Sender<Vec<LinkState>>,
    listeners: Tasks,
    clients: Clients,
    owner: SiteOwner,
    certificate: Keeper,
    /// What is wanted by sinks of this agent, whether they run or not.
    sinks: Mutex<HashMap<RouteId, Arc<SinkQueue>>>,
    /// For sinks and queues of other agents.
    others: Arc<StandIn>,
}

impl Wiring {
    /// A maker of parts over these. Must be called on a runtime.
    ///
    /// # Errors
    /// The state folder cannot be used.
    pub fn new(home: &Home, shared: Shared, files: Option<ListenerFiles>) -> Result<Self, HomeError> {
        let observatory = Observatory::new(Arc::new(shared.outbox.clone()), &shared.counters);
        let observing = Tasks::new("observing");
        observatory.start(&observing);
        let others = StandIn::new(&shared.router, Reach::Remote, Takes::ALL, DestinationId::UNNAMED, &shared.counters);
        shared.router.set_keeper(&shared.spool);
        let clients = Clients::default();
        clients.restore(&shared.spool, &shared.router);
        observing.spawn_until_stopped("retained events", forget_values(shared.spool.clone()));
        let kept = contract::report(shared.enforcer.ledger().clone(), Arc::new(shared.outbox.clone()));
        observing.spawn_until_stopped("contracts", kept);
        let certificate = Keeper::start(home.clone(), shared.identity.clone(), files, &observing);
        let secrets = home.secrets()?;
        Ok(Self {
            shared,
            ports: home.ports(),
            schemas: Schemas::new(home.schemas()?, Arc::new(Store(secrets.clone()))),
            secrets,
            observatory,
            observing,
            links: watch::Sender::default(),
            listeners: Tasks::new("listeners"),
            clients,
            owner: SiteOwner::default(),
            certificate,
            sinks: Mutex::default(),
            others,
        })
    }

    /// Links to other agents, as the fabric tells them.
    #[must_use]
    pub fn links(&self) -> watch::Receiver<Vec<LinkState>> {
        self.links.subscribe()
    }

    /// Passwords of clusters, for whoever asks them beside the parts.
    #[must_use]
    pub fn cluster_secrets(&self) -> Arc<dyn crate::kafka::secret::Secrets> {
        Arc::new(Store(self.secrets.clone()))
    }

    fn deps(&self) -> Deps {
        Deps {
            router: self.shared.router.clone(),
            enforcer: self.shared.enforcer.clone(),
            observer: Arc::new(self.observatory.clone()),
            secrets: Arc::new(Store(self.secrets.clone())),
            counters: self.shared.counters.clone(),
            notes: Arc::new(SourceNotes(self.shared.spool.clone())),
            letters: Arc::new(SourceLetters(self.shared.spool.clone())),
            schemas: self.schemas.clone(),
        }
    }

    /// What discovery works with.
    fn discovery(&self) -> discovery::Deps {
        let secrets = Arc::new(Store(self.secrets.clone()));
        discovery::Deps { secrets, reports: Arc::new(self.shared.outbox.clone()) }
    }

    /// What listeners work with.
    fn listener(&self, part: Arc<PartHandle>, tls: Option<&ListenerTls>) -> crate::listener::Deps {
        crate::listener::Deps {
            enforcer: self.shared.enforcer.clone(),
            router: self.shared.router.clone(),
            spool: self.shared.spool.clone(),
            queues: self.shared.queues.clone(),
            quotas: self.shared.quotas.clone(),
            observer: Arc::new(self.observatory.clone()),
            counters: self.shared.counters.clone(),
            part,
            tasks: self.listeners.clone(),
            clients: self.clients.clone(),
            owner: self.owner.clone(),
            tls: tls.map(|tls| Settings { tls: tls.clone(), shown: self.certificate.standing() }),
        }
    }

    /// The queue of a route's sink. One that was of another kind stays until its sink has stopped: what it holds and what
    /// it attracts is the same queue's.
    fn sink_queue(&self, route: RouteId, kind: SinkKind) -> Arc<SinkQueue> {
        let mut sinks = self.sinks.lock().expect("no panic while held");
        let open = || Arc::new(SinkQueue::open(route, kind, &self.shared));
        let queue = sinks.entry(route).or_insert_with(open);
        if queue.kind() != kind {
            let before = std::mem::replace(queue, open());
            queue.want(&before.wanted());
        }
        queue.clone()
    }

    /// Everything that a document wants durably has somebody who answers, before any part takes events in.
    fn stand_in_for(&self, accepted: &Accepted) {
        let state = &accepted.state;
        self.shared.queues.want(&state.queues);
        let elsewhere = state.durable_interest.iter().filter(|interest| interest.agent != state.agent);
        self.others.want(elsewhere.map(|interest| interest.filter.clone()));
        let (mut routes, mut sources) = (Vec::new(), Vec::new());
        for connector in state.all_connectors() {
            let (filters, kind) = match &connector.work {
                ConnectorWork::KafkaSource(_) => {
                    sources.push(connector.route);
                    continue;
                }
                ConnectorWork::KafkaSink(sink) => (&sink.filters, SinkKind::Kafka),
                ConnectorWork::WebhookSink(sink) => (&sink.filters, SinkKind::Webhook),
            };
            self.sink_queue(connector.route, kind).want(filters);
            routes.push(connector.route);
        }
        self.sinks.lock().expect("no panic while held").retain(|route, _| routes.contains(route));
        durable::close_gone(&self.shared.spool, &routes, &sources);
    }
}

/// Takes retained events off the disk whose time is over.
async fn forget_values(spool: Arc<Spool>) {
    let mut pace = tokio::time::interval(FORGET_INTERVAL);
    loop {
        pace.tick().await;
        if let Err(error) = spool.forget_values().await {
            tracing::error!(error = %chain(&error), "retained events whose time is over cannot be taken off the disk");
        }
    }
}

impl Drop for Wiring {
    fn drop(&mut self) {
        self.observing.token().cancel();
    }
}

impl ReportSink for Outbox {
    fn send(&self, report: Report) -> Result<(), Full> {
        self.push(report).map_err(|_| Full)
    }
}

#[async_trait]
impl Starter for Wiring {
    async fn start(&self, spec: &PartSpec, line: Arc<PartHandle>) -> Result<Box<dyn Running>, StartError> {
        match spec {
            PartSpec::Listener(config) => listener::start(config, None, &self.ports, self.listener(line, None)).await,
            PartSpec::TlsListener(TlsListener { listener, tls }) => {
                listener::start(listener, Some(tls), &self.ports, self.listener(line, Some(tls))).await
            }
            PartSpec::Source(connector, broker) => connector::start_source(connector, broker, self.deps(), line),
            PartSpec::Sink(connector, broker) => {
                let queue = self.sink_queue(connector.route, SinkKind::Kafka);
                connector::start_sink(connector, broker, self.deps(), line, queue)
            }
            PartSpec::Webhook(connector, sink) => {
                let queue = self.sink_queue(connector.route, SinkKind::Webhook);
                connector::start_webhook(connector, sink, self.deps(), line, queue)
            }
            PartSpec::Fabric { fabric, durable_interest } => {
                let deps = fabric::Deps {
                    shared: self.shared.clone(),
                    ports: self.ports.clone(),
                    links: self.links.clone(),
                    stand_in: self.others.clone(),
                    line,
                };
                fabric::start(fabric, durable_interest, deps)
            }
            PartSpec::Discovery(broker) => Ok(Box::new(discovery::kafka::start(broker, self.discovery(), line)?)),
            PartSpec::KafkaAccess(access, broker) => {
                let secrets = Store(self.secrets.clone());
                let (identity, board) = (self.shared.identity.clone(), self.shared.board.clone());
                Ok(Box::new(kafka_access::start(access, broker, &secrets, identity, board, line)?))
            }
            PartSpec::Survey(surveyed) => Ok(Box::new(discovery::surveyed::start(surveyed, self.discovery(), line)?)),
        }
    }

    fn secret(&self, spec: &PartSpec) -> Option<Fingerprint> {
        let secret = self.secrets.get(spec.secret()?).ok()?;
        Some(Sha256::digest(secret).into())
    }

    async fn document(&self, accepted: &Accepted) {
        self.observatory.declare(&accepted.state.observe.addresses);
        self.owner.set(accepted.state.owner.clone());
        let mut names: Vec<_> = accepted.state.tls_listeners.iter().flat_map(|one| one.tls.names.clone()).collect();
        names.sort();
        names.dedup();
        self.certificate.want(names);
        self.shared.quotas.apply(accepted.state.agent, &accepted.state.grants);
        self.stand_in_for(accepted);
    }
}

#[cfg(test)]
mod tests;
