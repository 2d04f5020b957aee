//! What can be asked of the spool, and what it answers.

use std::sync::Arc;

use bytes::Bytes;
use mesh_protocol::id::Seq;
use mesh_protocol::topic::Topic;
use smallvec::SmallVec;

use super::index::{Entry, Limits};
use super::layout::{MarkKey, QueueNo, Row};
use crate::router::{Admitted, Claim};

/// How much the spool may keep, and in which portions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most bytes of events in the log. Acknowledged events count until their segment goes.
    pub bytes_max: u64,
    /// Bytes of the file system that stay free for others.
    pub reserve_bytes: u64,
    /// A segment of this size is closed.
    pub segment_bytes: u64,
    /// Lanes of streams from this epoch.
    pub lanes: u16,
    /// Most topics with a last value (a retained event); the end of one counts for 30 days.
    pub values_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bytes_max: 16 * 1024 * 1024 * 1024,
            reserve_bytes: 1024 * 1024 * 1024,
            segment_bytes: 64 * 1024 * 1024,
            lanes: super::LANES,
            values_max: 1_000_000,
        }
    }
}

/// Queues of one event.
pub type Queues = SmallVec<[QueueNo; 4]>;

/// An event and where it goes.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// The event.
    pub event: Admitted,
    /// Those that ended meanwhile are passed over. None is for an event that shall only be the last value of its topic.
    pub queues: Queues,
    /// It may have been delivered before it came here.
    pub redelivered: bool,
}

/// A stream's mark moves, if it is where it is said to be: what does not follow is refused, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which stream.
    pub key: MarkKey,
    /// From here,
    pub after: Seq,
    /// to here: custody of everything up to it.
    pub up_to: Seq,
}

/// Something to be made durable.
#[derive(Clone, Debug)]
pub enum Op {
    /// Events in their order, with the mark of the stream they came on.
    Append {
        /// The events; none when only the mark moves.
        events: Vec<Addressed>,
        /// The mark of the stream that brought them.
        mark: Option<Mark>,
        /// What the owner of a queue shall know them by, also after a restart. Without that queue it is not needed.
        claim: Option<Claim>,
    },
    /// Events take the place of others: new ones go into the log and old ones out of their queues, or nothing happens.
    /// The spool's own limit does not hold for it, because it makes room.
    Move {
        /// What is put into the log.
        events: Vec<Addressed>,
        /// From which queue,
        from: QueueNo,
        /// and what goes there, whether it was handed out or not. What is not there (any more) is passed over.
        seqs: Vec<u64>,
    },
    /// Events change queue and stay in their place in the log: nothing is written but their rows. The other queue, which
    /// has none of them, is not asked for its limits; whoever hands over has asked.
    Hand {
        /// From which queue,
        from: QueueNo,
        /// and to which, whose reader is given them in the order of the log, also when it was further already.
        to: QueueNo,
        /// What goes, whether it was handed out or not, with what is known of it there. What is not there is passed over.
        rows: Vec<(u64, Row)>,
    },
    /// Events that were handed out to a reader that has not used them: it is given them again.
    Return {
        /// Which queue.
        queue: QueueNo,
        /// Which of what was handed out.
        seqs: Vec<u64>,
    },
    /// A queue is done with these.
    Ack {
        /// Which queue.
        queue: QueueNo,
        /// Events that were handed out. Others change nothing.
        seqs: Vec<u64>,
    },
    /// A queue is done with these, and its owner shall know a number again.
    Claim {
        /// Whose number.
        claim: Claim,
        /// Events that were handed out.
        done: Vec<u64>,
    },
    /// A number need not be known any more.
    Unclaim(Claim),
    /// Deliveries that failed; the count must survive.
    Count {
        /// Which queue.
        queue: QueueNo,
        /// Events that were handed out, and what is known of them now.
        rows: Vec<(u64, Row)>,
    },
    /// A queue by its name: made, or its limits changed.
    Open {
        /// Unique within the spool.
        name: Arc<str>,
        /// What it may hold from now on.
        limits: Limits,
    },
    /// A new reader begins: what was handed out and is not acknowledged is handed out again.
    Rewind(QueueNo),
    /// What the consumer of a queue wants to know of itself after a restart; it replaces what was noted before.
    Note {
        /// Which queue.
        queue: QueueNo,
        /// The consumer's own.
        note: Bytes,
    },
    /// The end of a queue with all that is in it.
    Close(QueueNo),
    /// These topics have no last value any more, as far as it is still the one that was admitted at this time.
    Forget(Vec<(Topic, i64)>),
}

impl Op {
    /// Bytes of the events in it.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { events, .. } | Self::Move { events, .. } => {
                events.iter().map(|addressed| addressed.event.encoded().len()).sum()
            }
            _ => 0,
        }
    }
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is on disk.
    Durable,
    /// The queue's number.
    Opened(QueueNo),
    /// So many events left the queue.
    Emptied(u64),
    /// It is on disk but for these last values that were recalled, by their place in the operation: newer ones are there.
    Older(Vec<usize>),
}

/// Why an operation was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A queue holds as much as it may.
    #[error("queue {0} is full; it takes more when its consumers have acknowledged some")]
    QueueFull(Arc<str>),
    /// The spool holds as much as it may.
    #[error("the agent's spool holds as much as it may; it takes more when consumers and other sites have caught up")]
    SpoolFull,
    /// The file system is nearly full.
    #[error("the disk of the agent's spool is nearly full; free some space there")]
    DiskFull,
    /// What came before it on its stream was not taken.
    #[error("what came before it on its stream is not there")]
    OutOfOrder,
    /// Too many topics have a last value.
    #[error("as many topics have a retained event as may; end some with an empty retained event")]
    ValuesFull,
    /// There is no such queue (any more).
    #[error("there is no such queue any more")]
    NoQueue,
    /// Nothing is known about it: the disk failed.
    #[error("the agent's spool cannot be written; its log says why")]
    Failed,
}

/// What one turn did, for counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events put into the log.
    pub appended: u64,
    /// Their bytes.
    pub appended_bytes: u64,
    /// Events that a queue was done with.
    pub acked: u64,
    /// Events that a full queue went without.
    pub discarded: u64,
    /// Operations refused.
    pub refused: u64,
    /// Segments dropped.
    pub dropped: u64,
    /// Last values from other agents that were not kept because too many topics have one.
    pub unkept_values: u64,
}

/// What was handed out of a queue.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Events, in order.
    pub entries: Vec<Entry>,
    /// Rows whose event is not readable any more: a gap that the caller must report and then acknowledge.
    pub lost: Vec<u64>,
}
