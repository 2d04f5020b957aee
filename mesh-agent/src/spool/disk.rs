//! What the spool asks of its storage: atomic batches over a few ordered tables, and segments that go as a whole.
//!
//! The spool's rules (what a batch holds, when a segment may go) are in [`core`](super::core) and know no file system;
//! [`FjallDisk`](super::FjallDisk) keeps the tables on a real disk, [`SimulatedDisk`](super::SimulatedDisk) in memory,
//! where it can lose what was not synced.

use std::fmt::Debug;
use std::ops::ControlFlow;

use bytes::Bytes;

/// Names a segment of the log: the sequence number of its first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentNo(pub u64);

/// One ordered table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Events by their sequence number.
    Segment(SegmentNo),
    /// What is undelivered, by queue and sequence number.
    Rows,
    /// How far each stream from another spool has come.
    Marks,
    /// The spool's own facts and the names of its queues.
    Meta,
    /// The last value of each topic that has one.
    Values,
}

/// One change of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Sets a key.
    Put(Place, Bytes, Bytes),
    /// Takes a key away.
    Remove(Place, Bytes),
}

/// Why storage cannot be used. After a failed commit nothing more is taken until it was opened anew.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The file system said no.
    #[error("could not {action} the spool in {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The storage engine said no.
    #[error("could not {action} the spool in {path}")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was read is not what is written there.
    #[error("the spool's {what} is damaged; set its folder aside and restart the agent, what it held is then lost")]
    Damaged {
        /// Which part.
        what: String,
    },
    /// A commit failed before.
    #[error("the spool takes nothing since a write failed; the agent opens it anew")]
    Failed,
}

/// Called for keys and values in ascending order; it may end the scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Ordered tables with atomic batches. Reading may go on beside a commit; there is one committer.
pub trait Disk: Send + Sync + Debug {
    /// Makes all the changes or none of them, and returns when they survive a crash of the machine.
    ///
    /// # Errors
    /// Nothing is known about the changes; the disk takes no more.
    fn commit(&self, writes: Vec<Write>) -> Result<(), DiskError>;

    /// The same without the sync: what no disk may be asked for, except by a planted fault.
    ///
    /// # Errors
    /// As [`Disk::commit`].
    #[cfg(test)]
    fn commit_unsynced(&self, writes: Vec<Write>) -> Result<(), DiskError> {
        self.commit(writes)
    }

    /// One value.
    ///
    /// # Errors
    /// It cannot be read.
    fn get(&self, place: Place, key: &[u8]) -> Result<Option<Bytes>, DiskError>;

    /// Visits the keys from `from` (included) to `to` (not included).
    ///
    /// # Errors
    /// They cannot be read.
    fn scan(&self, place: Place, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), DiskError>;

    /// The segments there are, ascending.
    fn segments(&self) -> Vec<SegmentNo>;

    /// Makes an empty segment.
    ///
    /// # Errors
    /// It cannot be made.
    fn create_segment(&self, segment: SegmentNo) -> Result<(), DiskError>;

    /// Removes a segment with all its events, in constant time.
    ///
    /// # Errors
    /// It cannot be removed.
    fn drop_segment(&self, segment: SegmentNo) -> Result<(), DiskError>;

    /// Bytes that are free on the file system.
    ///
    /// # Errors
    /// The file system does not tell.
    fn free_bytes(&self) -> Result<u64, DiskError>;
}
