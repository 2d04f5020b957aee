//! Where guaranteed events are kept until their consumers have them.
//!
//! The spool is the unit of custody, not the site: it has a random id for the life of its storage and a random epoch for
//! every time it is opened. What this agent answers for is in the [`Store`], on disk; the [`memory`] spool only numbers
//! what is on its way to other agents while somebody else answers for it.
//!
//! ```text
//!  router --keep--> Store -> Committer (one thread) -> Core -> Disk (one synced batch for all that waits)
//!                     ^                                  |
//!  consumers --ack----+<-------------- take -------------+
//! ```

mod committer;
mod core;
mod disk;
mod fjall;
mod index;
mod layout;
mod memory;
mod op;
mod recover;
mod repair;
#[cfg(test)]
mod simulated;
mod store;

use std::fmt::Debug;

use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};

use crate::router::Admitted;

pub use committer::{Answer, Committer};
pub use core::Core;
pub use disk::{Disk, DiskError, Place, SegmentNo, Visit, Write};
pub use fjall::FjallDisk;
pub use index::{Entry, EpochStart, Limits, Standing, WhenFull};
pub use layout::{MarkKey, QueueNo, Row};
pub use memory::{MemorySpool, SpoolError};
pub use op::{Addressed, Done, Op, Queues, Refusal, Settings, Taken, Tally};
pub use repair::Repaired;
#[cfg(test)]
pub(crate) use simulated::{Crash, SimulatedDisk};
pub use store::{Store, StoreError};

/// Lanes of a spool's epoch.
pub const LANES: u16 = 8;

/// What an acknowledgement of this spool is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing survives the process: custody is with the outlets.
    None,
    /// An appended event survives a crash of the machine.
    Synced,
}

/// An event's place at its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Ascending within the epoch.
    pub seq: Seq,
    /// By its ordering key.
    pub lane: Lane,
}

/// The log of one agent.
pub trait Spool: Send + Sync + Debug {
    /// The spool's own id.
    fn id(&self) -> SpoolId;
    /// Drawn when it was opened.
    fn epoch(&self) -> Epoch;
    /// Lanes of this epoch.
    fn lanes(&self) -> u16;
    /// What its custody is worth.
    fn durability(&self) -> Durability;
    /// Gives an admitted event its place. Called in the order of admission.
    fn append(&self, event: &Admitted) -> Position;
}

/// The lane of an ordering key: the same for equal keys, in every process of the same version.
#[must_use]
pub fn lane_of(key: &[u8], lanes: u16) -> Lane {
    // FNV-1a: short keys, no adversary who gains more than an uneven load on himself.
    let hash = key
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let lane = (hash ^ (hash >> 32)) % u64::from(lanes.max(1));
    Lane(u16::try_from(lane).expect("a remainder below a u16"))
}

#[cfg(test)]
mod tests;
