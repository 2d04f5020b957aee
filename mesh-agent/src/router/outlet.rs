//! The one thing the router knows of everybody who takes events.

use std::fmt::Debug;

use super::{Admitted, Hold};

/// Where events go: a client session, a sink, the streams to other agents, a tail.
///
/// An outlet never makes the router wait. When it has no room, it drops a direct event and counts it; a guaranteed
/// event it keeps (the byte budget bounds how much) or fails its hold.
pub trait Outlet: Send + Sync + Debug {
    /// Takes one event. Called on the publisher's task: short, never blocks.
    fn offer(&self, delivery: Delivery);

    /// Called once after the events of one batch were offered, to outlets that were offered any of them: the moment to wake a writer.
    fn flush(&self) {}
}

/// One event for one outlet.
#[derive(Debug)]
pub struct Delivery {
    /// The event, with its encoded form made at most once.
    pub event: Admitted,
    /// The outlet's own keys of the subscriptions that matched, each once, ascending.
    pub matched: Keys,
    /// The duty to answer, for guaranteed events; none for direct ones.
    pub hold: Option<Hold>,
    /// It may have been delivered before (a declared redelivery).
    pub redelivered: bool,
    /// Which outlet published it, for MQTT's "no local".
    pub from: Option<OutletId>,
}

/// Names an attached outlet within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutletId(pub(super) u64);

/// An outlet's own name for one of its subscriptions.
pub type Key = u32;

/// Keys of the subscriptions that matched.
pub type Keys = smallvec::SmallVec<[Key; 4]>;
