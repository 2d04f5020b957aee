//! Endpoints for clients at this site: MQTT and HTTP.
//!
//! A listener is one part of the agent: `reconcile` starts it from desired state, hands it later revisions, and stops
//! it. Everything it lets in passes the [`Enforcer`], everything goes on through the [`Router`]. A guaranteed publish is
//! acknowledged when its receipt is in: when the agent's spool has it on disk for every queue that wants it (sinks, QoS 1
//! subscribers) and another agent that wants it has answered for it. After `custody_timeout_ms` the publisher gets an
//! error, never a false acknowledgement.
//!
//! ```text
//! let running = listener::start(&config, address, deps).await?;   // port bound, part "running"
//! match running.update(&newer) {                                  // limits: at once, connections stay
//!     Change::Applied => {}
//!     Change::NeedsRestart => { running.stop(deadline).await; ... start anew }
//! }
//! ```
//! With [`tls`] it speaks TLS only, and clients may log in with certificates.
//!
//! Revisions of the policy need no call: open sessions watch [`Enforcer::changes`].

mod accept;
mod http;
mod limits;
mod metrics;
mod mqtt;
mod owner;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::desired::{self, ListenerProtocol};
use mesh_protocol::policy::Action;
use mesh_protocol::topic::Topic;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::counters::Counters;
use crate::observe::{Observer, Refusal};
use crate::policy::{Denied, Enforcer};
use crate::queue::named::Queues;
use crate::quota::Quotas;
use crate::router::Router;
use crate::spool::Store;
use crate::status::{PartHandle, now_ms};
use crate::task::Tasks;
use limits::{Limits, Slots};
pub use mqtt::Clients;
pub use owner::SiteOwner;

/// What a listener works with. The caller keeps clones of what it shares with other parts.
#[derive(Debug)]
pub struct Deps {
    /// Decides about every login, publish, subscription and delivery.
    pub enforcer: Arc<Enforcer>,
    /// Takes what was let in.
    pub router: Router,
    /// Keeps what sessions are to get at QoS 1.
    pub spool: Arc<Store>,
    /// Queues that clients consume by name.
    pub queues: Arc<Queues>,
    /// Keeps clients to the quotas of their grants, and counts what they use.
    pub quotas: Quotas,
    /// Is told who produces and consumes what.
    pub observer: Arc<dyn Observer>,
    /// Counts every drop and refusal.
    pub counters: Counters,
    /// The listener's own line on the status board; kept until the listener has stopped.
    pub part: Arc<PartHandle>,
    /// The group the listener's own group becomes a child of.
    pub tasks: Tasks,
    /// Which MQTT clients have a session, shared by all MQTT listeners of the agent, so that a client that comes back
    /// through another port takes its own session over.
    pub clients: Clients,
    /// Who has what is at this site once.
    pub owner: SiteOwner,
    /// For a listener that speaks TLS.
    pub tls: Option<tls::Settings>,
}

/// Why a listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process, or another listener of this agent, has the port.
    #[error("{address} is in use: stop the program that has this port, or give listener {name} another one")]
    InUse {
        /// What was asked for.
        address: SocketAddr,
        /// The listener.
        name: String,
    },
    /// The address cannot be bound for another reason.
    #[error(
        "cannot listen at {address} for {name}: check that the address belongs to this machine and the port is allowed"
    )]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The listener.
        name: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// It is to speak TLS and cannot.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// Whether a newer configuration could be applied to a running listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// It holds from now on; open connections stayed.
    Applied,
    /// Address or protocol differ: stop this listener and start another.
    NeedsRestart,
}

/// A listener that accepts clients. Dropping it without [`Running::stop`] stops it with its parent's tasks.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    protocol: ListenerProtocol,
    bind: String,
    limits: Arc<Limits>,
    tasks: Tasks,
    _part: Arc<PartHandle>,
}

/// Binds the address and starts to accept clients.
///
/// `address` is what `config.bind` resolved to, with a port the agent chose and kept when that says 0. (Port 0 here binds
/// a free one, for tests; see [`Running::address`].)
///
/// # Errors
/// [`StartError`] when the address cannot be bound; the part is then set to `failing` with the same words.
pub async fn start(config: &desired::Listener, address: SocketAddr, deps: Deps) -> Result<Running, StartError> {
    let opened = match open_tls(config, &deps) {
        Ok(tls) => bind(config, address).await.map(|socket| (socket, tls)),
        Err(error) => Err(error.into()),
    };
    let (socket, tls) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            deps.part.failing(error.to_string());
            return Err(error);
        }
    };
    let address = socket.local_addr().unwrap_or(address);
    let tasks = deps.tasks.child(&config.name);
    let part = deps.part;
    let limits = Arc::new(Limits::new(config));
    let common = Arc::new(Common {
        enforcer: deps.enforcer,
        router: deps.router,
        spool: deps.spool,
        queues: deps.queues,
        quotas: deps.quotas,
        observer: deps.observer,
        slots: Slots::new(part.clone(), &deps.counters),
        counters: deps.counters,
        limits: limits.clone(),
        tasks: tasks.clone(),
        way: deps.owner.way(config.id, config.protocol, tls.is_some()),
        tls: tls.clone(),
    });
    part.addresses(vec![address.to_string()]);
    match tls {
        None => part.running(),
        Some(tls) => tasks.spawn_until_stopped("certificate", tls.watch(part.clone())),
    }
    match config.protocol {
        ListenerProtocol::Mqtt => mqtt::serve(socket, common, deps.clients),
        ListenerProtocol::Http => http::serve(socket, common),
    }
    Ok(Running { address, protocol: config.protocol, bind: config.bind.clone(), limits, tasks, _part: part })
}

fn open_tls(config: &desired::Listener, deps: &Deps) -> Result<Option<tls::Tls>, tls::TlsError> {
    let is_http = config.protocol == ListenerProtocol::Http;
    deps.tls.as_ref().map(|settings| tls::Tls::new(settings, is_http, &deps.counters)).transpose()
}

async fn bind(config: &desired::Listener, address: SocketAddr) -> Result<TcpListener, StartError> {
    let name = config.name.clone();
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::InUse { address, name },
        _ => StartError::Bind { address, name, source },
    })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cancelled when it ended by itself.
    #[must_use]
    pub fn ended(&self) -> CancellationToken {
        self.tasks.token()
    }

    /// Applies a newer configuration of the same listener. Limits hold at once: payload size, number of clients (those
    /// above a lowered limit stay), custody timeout, answer to denied publishes.
    pub fn update(&self, config: &desired::Listener) -> Change {
        if config.protocol != self.protocol || config.bind != self.bind {
            return Change::NeedsRestart;
        }
        self.limits.set(config);
        Change::Applied
    }

    /// Stops accepting, tells MQTT 5 clients that the server shuts down, ends all sessions. Tasks that are still running
    /// at the deadline are returned by name (and end with the process).
    pub async fn stop(&self, deadline: Duration) -> Vec<&'static str> {
        self.tasks.stop(deadline).await
    }
}

/// What both protocols work with.
#[derive(Debug)]
pub(crate) struct Common {
    enforcer: Arc<Enforcer>,
    router: Router,
    spool: Arc<Store>,
    queues: Arc<Queues>,
    quotas: Quotas,
    observer: Arc<dyn Observer>,
    counters: Counters,
    limits: Arc<Limits>,
    slots: Slots,
    tasks: Tasks,
    way: owner::Way,
    tls: Option<tls::Tls>,
}

impl Common {
    /// The time of admission of an event that is published now; later than that of its topic's last value, when it is to be
    /// the next one.
    fn admission_ms(&self, topic: &Topic, retain: bool) -> i64 {
        let now_ms = now_ms();
        if retain { self.spool.core().stamp(topic, now_ms) } else { now_ms }
    }
}

/// A refusal as the observer is told of it.
fn refusal(action: Action, topic: &str, denied: &Denied) -> Refusal {
    let reason = match denied {
        Denied::ByPolicy(reason) => reason.detail(),
        other => other.to_string(),
    };
    Refusal { action, topic: topic.to_owned(), rule: denied.rule(), reason }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
