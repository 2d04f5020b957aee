//! What the router knows of everybody who takes events: outlets, and queues of a keeper.

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

/// Keeps events for queues until their consumers have them: the spool.
pub trait Keeper: Send + Sync + Debug {
    /// Makes the events durable, all or none, and the claim with them; the hold is answered when they are. One that is to be
    /// the last value of its topic becomes that, also without a queue. Called on the publisher's task: short, never blocks.
    fn keep(&self, events: Vec<Kept>, claim: Option<Claim>, hold: Option<Hold>);

    /// The same for events that go into the agent's dead letters and nowhere else. Where these are full it fails, and says so.
    fn divert(&self, events: Vec<Admitted>, claim: Option<Claim>, hold: Option<Hold>);
}

/// A number by which the owner of a queue knows something again, also after a restart. What it means is the owner's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The keeper's number of the queue; the claim ends with it at the latest.
    pub queue: Key,
    /// The owner's number.
    pub number: u32,
}

/// One event for queues, or to be the last value of its topic.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The event.
    pub event: Admitted,
    /// Numbers of the queues, each once.
    pub queues: Keys,
    /// It may have been delivered before (a declared redelivery).
    pub redelivered: bool,
}

/// Who answers for an event until its consumers have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custody {
    /// Nobody: best effort.
    Nobody,
    /// This agent, once its spool has the event.
    Here,
    /// Who brought it, until everybody who wants it has it: a Kafka source, which keeps its offset.
    Sender,
}

/// For which kinds of custody a subscription takes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Takes(u8);

impl Takes {
    /// Every event.
    pub const ALL: Self = Self(7);
    /// Best effort only.
    pub const DIRECT: Self = Self(1);
    /// Everything for which the sender waits for this very outlet, or for nobody.
    pub const UNKEPT: Self = Self(5);
    /// What the sender waits for.
    pub const PASSED: Self = Self(4);
    /// What this agent answers for.
    pub const KEPT: Self = Self(2);
    /// Everything guaranteed.
    pub const GUARANTEED: Self = Self(6);
    /// None, whatever else is subscribed to.
    pub(super) const EXCEPT: Self = Self(8);
    const RECALLED: u8 = 16;

    /// Last values that other agents send because they are wanted here from now on, too.
    #[must_use]
    pub const fn and_recalled(self) -> Self {
        Self(self.0 | Self::RECALLED)
    }

    /// Whether it takes those.
    #[must_use]
    pub const fn has_recalled(self) -> bool {
        self.0 & Self::RECALLED != 0
    }

    /// Whether an event of this custody is among them.
    #[must_use]
    pub const fn has(self, custody: Custody) -> bool {
        let bit = match custody {
            Custody::Nobody => 1,
            Custody::Here => 2,
            Custody::Sender => 4,
        };
        self.0 & bit != 0
    }
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
    /// Instead of it the duty for each of `matched`, when the outlet stands for another agent under each key.
    pub shares: Shares,
    /// It may have been delivered before (a declared redelivery).
    pub redelivered: bool,
    /// It is `redelivered` for no other reason than that this very outlet, or the one before it, may have had it.
    pub doubt: bool,
    /// Which outlet published it, for MQTT's "no local".
    pub from: Option<OutletId>,
    /// Its place in the spool, when it comes from a queue: the same at every redelivery.
    pub seq: Option<u64>,
}

/// Names an attached outlet within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutletId(pub(super) u64);

/// An outlet's own name for one of its subscriptions.
pub type Key = u32;

/// Keys of the subscriptions that matched.
pub type Keys = smallvec::SmallVec<[Key; 4]>;

/// Duties, one for each key that matched.
pub type Shares = smallvec::SmallVec<[Hold; 2]>;
