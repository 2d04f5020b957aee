//! Frame version 1: what travels between spools, around immutable event bytes.
//!
//! An event is encoded once, where it was admitted, and never touched again. Everything that changes per hop, per
//! destination or per attempt therefore stands here, around it. A frame is addressed to spools, not to sites: custody
//! belongs to the one storage that says so. Deliberately absent: compression and encryption (a later `kind` bit and the
//! authenticator have their place), and anything that asks a clock.
//!
//! ```text
//! offset size                                          all numbers big-endian
//!      0    1  version = 1
//!      1    1  kind: 1 stream, 2 direct, 3 control
//!      2   16  spool of the sender
//!     18    8  epoch of that spool
//!     26    8  key that authenticates the frame; 0 = none yet
//!     34   16  policy revision of the sender: generation, revision
//!     50    2  length of the authenticator, n
//!     52    n  authenticator over the whole frame with itself left out; empty with key 0
//!   52+n    .  body
//!    end    4  CRC-32 (IEEE) of everything before it
//!
//! stream body   8 epoch, u16 lane | u16 destinations, each: 16 spool, 8 epoch, 16 prev | u16 events, each: 16 seq, u8 flags,
//!               u32 length, bytes                       flags: 1 = redelivered
//! direct body   u16 destinations, each: 16 spool | u16 events, each: u32 length, bytes
//! control body  u16 messages, each: u8 kind and its fields (see `control.rs`)
//! ```
//! `prev` is the sequence number sent before the frame's first event on the stream to that destination. A version, kind
//! or flag that is not known is an error of the link: it is counted and never acknowledged.

mod codec;
mod control;

use bytes::Bytes;

pub use codec::{decode, encode};
pub use control::{
    Ack, Behind, BehindReason, Control, Echo, Heartbeat, Interest, InterestChange, Nack, Refused, Skip, SkipReason,
};

use crate::id::{Epoch, Lane, Seq, SpoolId};
use crate::wire::Revision;

/// The version this code writes, and the only one it reads.
pub const VERSION: u8 = 1;
/// What a frame is filled up to, in bytes. A single event may be larger and then travels alone.
pub const TARGET_BYTES: usize = 60 * 1024;
/// Largest frame, in bytes: one event of the largest payload with room for its metadata.
pub const MAX_BYTES: usize = crate::event::MAX_PAYLOAD_BYTES + 256 * 1024;
/// Most events in one frame.
pub const EVENTS_MAX: usize = 4_096;
/// Most spools one frame is addressed to.
pub const DESTINATIONS_MAX: usize = 256;
/// Most messages in one control frame.
pub const CONTROLS_MAX: usize = 1_024;
/// Most changes in one interest message.
pub const INTEREST_CHANGES_MAX: usize = 8_192;
/// Longest authenticator, in bytes.
pub const AUTHENTICATOR_BYTES_MAX: usize = 256;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The spool that speaks.
    pub sender: SpoolId,
    /// Its epoch. A receiver that sees a new one knows that the sender has restarted.
    pub epoch: Epoch,
    /// The key that authenticates the frame; 0 = not authenticated (links are, by their certificates).
    pub key: u64,
    /// The revision under which the sender decided to send this.
    pub revision: Revision,
    /// Proof of the origin; empty with key 0.
    pub authenticator: Bytes,
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
    /// Damaged on the way.
    #[error("frame checksum does not match its content")]
    Checksum,
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
