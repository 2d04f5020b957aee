//! The links to other agents: guaranteed streams, direct frames, interest and heartbeats over an embedded zenoh router.
//!
//! zenoh carries frames between agents, not topics: it sees one literal inbox per agent and one key per destination set,
//! and never anything it may wait for or keep. Every promise is ours: interest, credit, acknowledgement and redelivery
//! live in `interest` and `stream`, which know no zenoh.
//!
//! ```text
//!  router --offer--> Mailbox --.                                  .--> spool: events and mark, together
//!  spool: a queue per agent ---+                                  +--> router.show
//!  zenoh callback -> inbox ----+--> Core (one task owns all state) +--> Wire.put (never waits)
//!  answers, clock, targets ----'        ^                          '--> links, line, counters
//!                                       '-- SessionTask: opens, watches and reopens the zenoh session
//! ```
//! What this agent answers for comes out of the spool, where each other agent has a queue; what its sender answers for (a
//! Kafka source) comes through the mailbox, with the duty to tell. Both go over the same streams, on lanes of their own.
//!
//! What is put on the wire is sealed first ([`seal`](crate::seal)) and opened last: zenoh's routers are the agents in between, and they
//! are not trusted with it.
//!
//! A session is closed and opened anew when the endpoint, the links or the certificate change, and when a neighbour is
//! linked but silent; nothing guaranteed depends on it. Deliberately absent: rights (asked of the [`Enforcer`] for
//! every event and destination).

mod batch;
mod compress;
mod core;
mod counts;
mod held;
mod inbound;
mod judge;
mod kept;
mod mailbox;
mod outbound;
mod peer;
mod recall;
mod scoped;
mod session;
mod sets;
mod shares;
mod trouble;
mod turns;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::desired::{DurableInterest, Fabric as Section};
use mesh_protocol::id::AgentId;
use mesh_protocol::report::LinkState;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::counters::Counters;
use crate::identity::sealing::SealingKeys;
use crate::policy::Enforcer;
use crate::quota::Quotas;
use crate::router::Router;
use crate::spool::Store;
use crate::status::PartHandle;
use crate::task::Tasks;

/// Frames that wait for the core; beyond it they are dropped, counted and, where they matter, sent again.
const INBOX_FRAMES_MAX: usize = 1_024;

/// What the fabric shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its section of desired state.
    pub section: Section,
    /// Sinks and queues anywhere in the mesh.
    pub durable_interest: Vec<DurableInterest>,
    /// Where to accept other agents, chosen from the section's `bind`; none: this agent only dials.
    pub listen: Option<SocketAddr>,
    /// Who this agent is on links.
    pub credentials: Credentials,
    /// Who it is to the other ends.
    pub sealing: SealingKeys,
}

/// PEM texts for mutual TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The agent's certificate; its common name is the agent's id.
    pub certificate_pem: String,
    /// Its private key.
    pub key_pem: String,
    /// The agents' CA, the only one that is trusted.
    pub ca_pem: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// This agent's deny list, which agents hand to each other: a revocation arrives also where the portal does not.
pub trait DenyLists: Send + Sync + std::fmt::Debug {
    /// Number of the newest that is here; 0 = none.
    fn number(&self) -> u64;

    /// The newest as it is handed on: JSON of a [`Signed`](mesh_protocol::signed::Signed); none when there is none.
    fn signed(&self) -> Option<Bytes>;

    /// Another agent's. It is judged as if it came from the portal. Never waits: one that is not taken comes again.
    fn offer(&self, signed: &[u8]);
}

/// What the fabric works with.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Who this agent is.
    pub agent: AgentId,
    /// Decides about peers and destinations.
    pub enforcer: Arc<Enforcer>,
    /// Takes what arrives, gives what others want.
    pub router: Router,
    /// Keeps what this agent answers for, and takes what others hand over.
    pub spool: Arc<Store>,
    /// What it tells others of who is revoked, and hears of them.
    pub deny_lists: Arc<dyn DenyLists>,
    /// Quotas that it shares with others.
    pub quotas: Quotas,
    /// Counts.
    pub counters: Counters,
    /// The fabric's line on the board.
    pub line: Arc<PartHandle>,
}

/// The running fabric.
#[derive(Debug)]
pub struct Fabric {
    target: watch::Sender<Target>,
    links: watch::Receiver<Vec<LinkState>>,
    tasks: Tasks,
}

/// Takes renewed certificates for a running fabric.
#[derive(Clone, Debug)]
pub struct Renewal(watch::Sender<Target>);

impl Renewal {
    /// The links are opened anew with these credentials, unless they are the ones in use. Sessions with other agents stay.
    pub fn identity(&self, credentials: Credentials, sealing: SealingKeys) {
        self.0.send_if_modified(|current| {
            let changed = current.credentials != credentials || current.sealing != sealing;
            (current.credentials, current.sealing) = (credentials, sealing);
            changed
        });
    }
}

/// Zenoh's threads, for its own variable. What reads from links and what writes to them shares one thread: zenoh's TLS link
/// lets a reader and a writer into one `rustls` connection at the same time (eclipse-zenoh/zenoh#2557, open), which breaks busy
/// links and may break memory. The others have enough threads that a dead neighbour holds up nobody (`notes/fabric-zenoh.md`,
/// D3); a link that is closed blocks its thread for a second at most (`.cargo/config.toml`).
pub const ZENOH_THREADS: &str =
    "(rx:(worker_threads:1),tx:(handover:rx),net:(worker_threads:4),acc:(handover:net),app:(handover:net))";

/// Gives zenoh its threads. Call it first in `main`, before any other thread runs: zenoh reads them from the environment.
pub fn prepare_process() {
    #[expect(unsafe_code, reason = "the caller has no other thread yet that could read the environment")]
    // SAFETY: called first in `main`.
    unsafe {
        std::env::set_var("ZENOH_RUNTIME", ZENOH_THREADS);
    }
}

impl Fabric {
    /// Starts it. Trouble shows on its line and is tried again.
    #[must_use]
    pub fn start(target: Target, parts: Parts) -> Self {
        let tasks = Tasks::new("fabric");
        let target = watch::Sender::new(target);
        let (links_in, links) = watch::channel(Vec::new());
        let (inbox_in, inbox) = mpsc::channel(INBOX_FRAMES_MAX);
        let (sessions_in, sessions) = mpsc::channel(4);
        let (reopen, reopens) = mpsc::channel(1);
        let session = session::SessionTask {
            agent: parts.agent,
            target: target.subscribe(),
            line: parts.line.clone(),
            inbox: wire::Inbox::new(inbox_in, &parts.counters),
            sessions: sessions_in,
            reopens,
        };
        let core = core::Core::new(parts, target.borrow().clone(), links_in, reopen);
        let token = tasks.token();
        tasks.spawn("session", session.run(token.clone()));
        tasks.spawn("core", core.run(target.subscribe(), inbox, sessions, token));
        Self { target, links, tasks }
    }

    /// Takes a new section and durable interest. Streams and interest stay; links are only touched when dials changed.
    pub fn update(&self, section: Section, durable_interest: Vec<DurableInterest>) {
        self.target.send_if_modified(|current| {
            let changed = current.section != section || current.durable_interest != durable_interest;
            current.section = section;
            current.durable_interest = durable_interest;
            changed
        });
    }

    /// Where a renewed certificate is told.
    #[must_use]
    pub fn renewal(&self) -> Renewal {
        Renewal(self.target.clone())
    }

    /// How the links to every other member are.
    #[must_use]
    pub fn links(&self) -> watch::Receiver<Vec<LinkState>> {
        self.links.clone()
    }

    /// Cancelled when the fabric ended without being asked.
    #[must_use]
    pub fn ended(&self) -> CancellationToken {
        self.tasks.token()
    }

    /// Says goodbye to the others and closes. What was not acknowledged fails its receipts.
    pub async fn stop(self, deadline: Duration) {
        self.tasks.stop(deadline).await;
    }
}

#[cfg(test)]
pub(crate) use core::simulated::SimulatedFabric;
#[cfg(test)]
pub(crate) use wire::simulated::Air;

#[cfg(test)]
mod tests;
