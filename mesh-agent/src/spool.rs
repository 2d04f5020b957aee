//! Where guaranteed events are kept until their consumers have them.
//!
//! The spool is the unit of custody, not the site: it has a random id for the life of its storage and a random epoch for
//! every time it is opened.
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
mod op;
mod recover;
mod repair;
#[cfg(test)]
mod simulated;
mod store;
mod values;

use mesh_protocol::id::Lane;

pub use committer::{Answer, Committer};
pub use core::{Core, Recall, Recalled, Whose};
pub use disk::{Disk, DiskError, Place, SegmentNo, Visit, Write};
pub use fjall::FjallDisk;
pub use index::{Entry, EpochStart, Limits, Standing, WhenFull};
pub use layout::{MarkKey, QueueNo, Row};
pub use op::{Addressed, Done, Mark, Op, Queues, Refusal, Settings, Taken, Tally};
pub use repair::Repaired;
#[cfg(test)]
pub(crate) use simulated::{Change, Crash, SimulatedDisk};
pub use store::{Store, StoreError};
pub(crate) use values::end_of;

/// Lanes of a spool's epoch.
pub const LANES: u16 = 8;

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
