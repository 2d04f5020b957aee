//! Who has what is at this site once, when that is another agent: named queues, and sessions that outlive their connection.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use mesh_protocol::desired::{ListenerProtocol, Owner};
use mesh_protocol::id::ListenerId;

/// As desired state names it; none = this agent has them itself. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct SiteOwner(Arc<ArcSwapOption<Owner>>);

/// One listener's way there.
#[derive(Clone, Debug)]
pub(super) struct Way {
    owner: SiteOwner,
    listener: ListenerId,
    protocol: ListenerProtocol,
    tls: bool,
}

/// Something is at the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Clients reach it at this `host:port`.
    At(String),
    /// It has not told where yet.
    Unknown,
}

impl SiteOwner {
    /// Holds for clients that come from now on.
    pub fn set(&self, owner: Option<Owner>) {
        self.0.store(owner.map(Arc::new));
    }

    pub(super) fn way(&self, listener: ListenerId, protocol: ListenerProtocol, tls: bool) -> Way {
        Way { owner: self.clone(), listener, protocol, tls }
    }
}

impl Way {
    /// Where lasting sessions are; none = here.
    pub(super) fn to_sessions(&self) -> Option<Elsewhere> {
        self.owner.0.load().as_deref().map(|owner| self.to(owner))
    }

    /// Where a named queue is that is not here; none = nowhere at this site.
    pub(super) fn to_queue(&self, name: &str) -> Option<Elsewhere> {
        let owner = self.owner.0.load();
        let owner = owner.as_deref().filter(|owner| owner.queues.iter().any(|queue| queue == name))?;
        Some(self.to(owner))
    }

    /// Whether anybody may be sent there for a queue.
    pub(super) fn has_queues(&self) -> bool {
        self.owner.0.load().as_deref().is_some_and(|owner| !owner.queues.is_empty())
    }

    fn to(&self, owner: &Owner) -> Elsewhere {
        match owner.address(self.listener, self.protocol, self.tls) {
            Some(address) => Elsewhere::At(address.to_owned()),
            None => Elsewhere::Unknown,
        }
    }
}
