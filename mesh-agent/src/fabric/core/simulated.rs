//! The core driven by hand: a simulation does what the task's loop does, in an order of its own, with a wire of its own.

use std::fmt;

use bytes::BytesMut;
use futures::{FutureExt, StreamExt};
use mesh_protocol::id::AgentId;
use tokio::sync::{mpsc, watch};

use super::{Core, SessionEvent};
use crate::fabric::kept::Burial;
use crate::fabric::wire::Wire;
use crate::fabric::wire::simulated::Air;
use crate::fabric::{Parts, Target};

/// A fabric without tasks and without links.
pub(crate) struct SimulatedFabric {
    core: Core,
    air: Air,
    burials: mpsc::UnboundedReceiver<Burial>,
    reopens: mpsc::Receiver<()>,
    interest: watch::Receiver<u64>,
    /// Keeps the channel of link states open.
    _links: watch::Receiver<Vec<mesh_protocol::report::LinkState>>,
}

impl fmt::Debug for SimulatedFabric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedFabric").field("agent", &self.core.parts.agent).finish_non_exhaustive()
    }
}

/// How one other agent is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Heard of lately.
    pub(crate) live: bool,
    /// Version and hash of what it is known to want.
    pub(crate) learned: (u64, u64),
    /// Largest number of bytes under way on one lane, and of events there.
    pub(crate) under_way: (u64, usize),
    /// Bytes taken over that wait for credit.
    pub(crate) unsent_bytes: u64,
    /// Nothing is on its way, and nothing is left to be told.
    pub(crate) is_quiet: bool,
}

impl SimulatedFabric {
    /// A fabric as a process begins with it; its session is open.
    pub(crate) fn start(target: Target, parts: Parts, air: Air) -> Self {
        let (links_in, links) = watch::channel(Vec::new());
        let (reopen, reopens) = mpsc::channel(1);
        let mut core = Core::new(parts, target, links_in, reopen);
        let burials = core.burials.take().expect("nobody has taken it before");
        let interest = core.parts.router.interest().versions();
        core.follow_interest();
        let mut fabric = Self { core, air, burials, reopens, interest, _links: links };
        fabric.open();
        fabric
    }

    fn open(&mut self) {
        let wire = Wire::Simulated(self.air.clone());
        at_once(self.core.on_session(SessionEvent::Up(wire)));
    }

    /// A frame came.
    pub(crate) fn receive(&mut self, frame: &[u8]) {
        at_once(self.core.on_frame(BytesMut::from(frame)));
    }

    /// Takes what is ready from everybody but the wire, and then a turn.
    pub(crate) fn step(&mut self) {
        if self.reopens.try_recv().is_ok() {
            at_once(self.core.on_session(SessionEvent::Down));
            self.open();
        }
        if self.interest.has_changed().unwrap_or(false) {
            self.interest.borrow_and_update();
            self.core.follow_interest();
        }
        while let Some(Some(read)) = self.core.reads.next().now_or_never() {
            self.core.on_read(read);
        }
        while let Some(Some(told)) = self.core.recalls.next().now_or_never() {
            self.core.on_recalled(told);
        }
        while let Ok(buried) = self.burials.try_recv() {
            self.core.on_buried(buried);
        }
        at_once(self.core.turn());
    }

    /// Says goodbye, as a process does that is stopped and not killed.
    pub(crate) fn leave(&mut self) {
        self.core.send_offered();
        self.core.send_due();
        self.core.flush_kept();
        self.core.send_heartbeats(true);
    }

    /// Version and hash of what is wanted here.
    pub(crate) fn advertised(&self) -> (u64, u64) {
        (self.core.advertised.version(), self.core.advertised.hash())
    }

    /// What is not done yet between this agent and another, in words.
    pub(crate) fn describe(&mut self, agent: AgentId) -> String {
        let Some(peer) = self.core.peers.get_mut(&agent) else { return String::new() };
        let mut words = vec![peer.sender.describe()];
        words.extend(peer.receivers().map(|(epoch, receiver)| format!("{epoch:?}: {}", receiver.describe())));
        words.join(" | ")
    }

    /// How another agent is seen here.
    pub(crate) fn seen(&self, agent: AgentId) -> Option<Seen> {
        let peer = self.core.peers.get(&agent)?;
        Some(Seen {
            live: peer.live,
            learned: (peer.learned.version(), peer.learned.hash()),
            under_way: peer.sender.under_way_max(),
            unsent_bytes: peer.sender.unsent_bytes(),
            is_quiet: !peer.is_busy() && self.core.settling.is_empty(),
        })
    }
}

fn at_once<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("a simulated wire never waits")
}
