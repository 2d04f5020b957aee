//! Frame version 1: what travels between spools, around immutable event bytes.
//!
//! An event is encoded once, where it was admitted, and never touched again. Everything that changes per hop, per
//! destination or per attempt therefore stands here, around it. A frame is addressed to spools, not to sites: custody
//! belongs to the one storage that says so. A frame never travels as it is: it is the content of an [`envelope`], which
//! names the sending agent and is sealed from there to the destinations. Deliberately absent: a checksum (the seal has a
//! better one), and anything that asks a clock.
//!
//! ```text
//! offset size                                          all numbers big-endian
//!      0    1  kind: 1 stream, 2 direct, 3 control; with bit 0x80 the body is compressed
//!      1   16  spool of the sender
//!     17    8  epoch of that spool
//!     25   16  policy revision of the sender: generation, revision
//!     41    .  body; compressed: u32 length of the plain body, an LZ4 block of it
//!
//! stream body   8 epoch, u16 lane | u16 destinations, each: 16 spool, 8 epoch, 16 prev | u16 events, each: 16 seq, u8 flags,
//!               u32 length, bytes                       flags: 1 = redelivered
//! direct body   u16 destinations, each: 16 spool | u16 events, each: u32 length, bytes
//! control body  u16 messages, each: u8 kind and its fields (see `control.rs`)
//! ```
//! `prev` is the sequence number sent before the frame's first event on the stream to that destination. A kind or flag
//! that is not known is an error of the link: it is counted and never acknowledged.

mod codec;
mod control;
pub mod envelope;
mod quota;

use bytes::Bytes;

pub use codec::{Written, decode, encode, put};
pub use control::{
    Ack, Behind, BehindReason, Control, Echo, Heartbeat, Holds, Interest, InterestChange, Nack, Refused, Skip,
    SkipReason,
};
pub use quota::{Loan, Rates, Share};

use crate::id::{Epoch, Lane, Seq, SpoolId};
use crate::wire::Revision;

/// What a frame is filled up to, in bytes. A single event may be larger and then travels alone.
pub const TARGET_BYTES: usize = 60 * 1024;
/// Largest frame, in bytes and with its body plain: one event of the largest payload with room for its metadata.
pub const MAX_BYTES: usize = crate::event::MAX_PAYLOAD_BYTES + 256 * 1024;
/// Most events in one frame.
pub const EVENTS_MAX: usize = 4_096;
/// Most spools one frame is addressed to.
pub const DESTINATIONS_MAX: usize = 256;
/// Most messages in one control frame.
pub const CONTROLS_MAX: usize = 1_024;
/// Most changes in one interest message.
pub const INTEREST_CHANGES_MAX: usize = 8_192;
/// Lanes are numbered below this.
pub const LANES_MAX: u16 = 64;

/// One frame, decoded. Event bytes share the frame's own buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Who sends it, under which policy.
    pub header: Header,
    /// What it brings.
    pub body: Body,
}

/// What every frame says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The spool that speaks.
    pub sender: SpoolId,
    /// Its epoch. A receiver that sees a new one knows that the sender has restarted.
    pub epoch: Epoch,
    /// The revision under which the sender decided to send this.
    pub revision: Revision,
}

/// The kinds of frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Guaranteed events of one lane.
    Stream(StreamBody),
    /// Best effort events.
    Direct(DirectBody),
    /// Acks, heartbeats, interest...
    Control(Vec<Control>),
}

/// Guaranteed events of one lane, for one or more destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamBody {
    /// The epoch of the sender's spool in which the events were admitted: this one, or one before it that is not done yet.
    pub epoch: Epoch,
    /// The lane, the same at every destination.
    pub lane: Lane,
    /// Who shall take custody, each with its own place in its own stream.
    pub destinations: Vec<Destination>,
    /// Events in ascending order; on each destination's stream they follow each other without another in between.
    pub events: Vec<StreamEvent>,
}

/// One destination of a stream frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The spool that shall take custody.
    pub spool: SpoolId,
    /// Its epoch as the sender knows it. In another epoch it takes nothing and says so.
    pub epoch: Epoch,
    /// What was sent last on this stream before the first event of the frame.
    pub prev: Seq,
}

/// One guaranteed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEvent {
    /// Its place at the origin.
    pub seq: Seq,
    /// It may have been delivered before.
    pub redelivered: bool,
    /// It is not new: the last value of its topic, for an agent that wants it from now on.
    pub recalled: bool,
    /// [`event::encode`](crate::event::encode)'s bytes.
    pub bytes: Bytes,
}

/// Best effort events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectBody {
    /// Whom they are for; a spool that is not named ignores the frame.
    pub destinations: Vec<SpoolId>,
    /// [`event::encode`](crate::event::encode)'s bytes.
    pub events: Vec<Bytes>,
}

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Cut off, or counts that promise more than there is.
    #[error("frame ends before its content does")]
    Short,
    /// More bytes than its content.
    #[error("frame has bytes after its content")]
    Long,
    /// The compressed body does not become what it promises.
    #[error("frame body cannot be decompressed")]
    Compressed,
    /// A newer (or no) frame version.
    #[error("frame version {0} is not known here; update the older of the two agents")]
    Version(u8),
    /// A kind of frame, message, flag or reason this code does not know.
    #[error("frame has an unknown {what} {value}; update the older of the two agents")]
    Unknown {
        /// What is unknown.
        what: &'static str,
        /// Its number.
        value: u8,
    },
    /// A count or length above its bound.
    #[error("frame has too many {0}")]
    TooMany(&'static str),
    /// A field that cannot be what it should be.
    #[error("frame has an invalid {0}")]
    Invalid(&'static str),
}

#[cfg(test)]
mod tests;
