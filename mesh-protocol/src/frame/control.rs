//! Messages between two agents that are no events. Any of them may be lost: each is repeated or asked for again.
//!
//! ```text
//! kind  fields                                              stream = 16 origin, 8 epoch, 16 destination, u16 lane
//!  1 ack        stream, 16 arrived, 16 up_to, u64 credit
//!  2 nack       stream, u16 ranges, each: 16 after, 16 up_to
//!  3 heartbeat  u8 flags (1 durable spool, 2 leaving, 4 echo), u64 sent_at, [u64 sent_at, u64 held],
//!               u64 interest version, u64 interest hash, u64 number of the newest deny list
//!  4 interest   u64 from (0 = the whole set), u64 version, u64 hash, u16 part, u16 parts, u16 changes, each:
//!               u8 flags (1 removed, 2 durable, 4 MQTT dialect), u16 length, filter
//!  5 interest wanted   u64 version that is there; 0 = none
//!  6 behind     stream, u8 reason, u64 generation, u64 revision
//!  7 refused    stream, 16 seq, u16 length, reason
//!  8 skip       stream, 16 after, 16 up_to, u8 reason
//!  9 set announced     16 set, u16 members, each: 16 agent
//! 10 set confirmed     16 set
//! 11 deny list wanted  -
//! 12 deny list         u32 length, a signed document as JSON
//! 13 share             16 grant, u8 flags (1 loan), u64 asked_at, 4 u64 needs, [u64 asked_at, 4 u64 rates]; see `quota.rs`
//! ```

use bytes::{BufMut, Bytes, BytesMut};

use super::codec::{Reader, put_bytes, put_count};
use super::quota::{self, Share};
use super::{DESTINATIONS_MAX, FrameError, INTEREST_CHANGES_MAX};
use crate::id::{AgentId, Seq, StreamId};
use crate::topic::{Dialect, Filter, MAX_BYTES as FILTER_BYTES_MAX};
use crate::wire::Revision;

/// Most ranges in one nack.
const RANGES_MAX: usize = 64;
/// Longest reason of a refusal, in bytes.
const REASON_BYTES_MAX: usize = 512;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// How far a stream has come.
    Ack(Ack),
    /// What is missing on a stream.
    Nack(Nack),
    /// Sent to every member at a steady pace.
    Heartbeat(Heartbeat),
    /// What the sender's outlets want.
    Interest(Interest),
    /// The sender has interest of this version (0 = none) and wants what came after.
    InterestWanted {
        /// Version that is there.
        have: u64,
    },
    /// Nothing is taken now, though the stream is in order; try again later.
    Behind(Behind),
    /// One event cannot be taken for good. Repeated until the origin answers with a [`Skip`].
    Refused(Refused),
    /// The origin will never send these.
    Skip(Skip),
    /// The sender wants to address these members by one key.
    SetAnnounced {
        /// First half of SHA-256 over the sorted members.
        set: [u8; 16],
        /// Sorted.
        members: Vec<AgentId>,
    },
    /// The sender listens at the set's key.
    SetConfirmed {
        /// Which set.
        set: [u8; 16],
    },
    /// The sender's deny list is older than the receiver's heartbeat says, and it wants the newer one.
    DenyListWanted,
    /// A [`DenyList`](crate::deny_list::DenyList) as the portal signed it: JSON of a
    /// [`Signed`](crate::signed::Signed), to be judged as if it came from there.
    DenyList(Bytes),
    /// About a quota that both agents share. Never in one frame with other messages: an agent from before there were any
    /// cannot read the frame.
    Share(Share),
}

/// How far a stream has come at its destination. Newer ones replace older ones; repeated with heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Which stream.
    pub stream: StreamId,
    /// Everything up to here is there, in order; custody may still be pending.
    pub arrived: Seq,
    /// Everything up to here is in custody.
    pub up_to: Seq,
    /// Bytes of events beyond `up_to` that have room. Absolute by its anchor: a lost or repeated credit never adds up.
    /// One event beyond `up_to` may always be sent.
    pub credit_bytes: u64,
}

/// What is missing: each range is (after, up to].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// Which stream.
    pub stream: StreamId,
    /// Ascending.
    pub ranges: Vec<(Seq, Seq)>,
}

/// A sign of life, end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The spool keeps its marks and events over a restart.
    pub durable_spool: bool,
    /// The sender is about to stop: what lives with its heartbeat ends now.
    pub leaving: bool,
    /// The sender's own clock in microseconds, to be echoed.
    pub sent_at_us: u64,
    /// The last heartbeat the sender has had from the receiver; none = it hears nothing.
    pub echo: Option<Echo>,
    /// Version of the sender's interest.
    pub interest_version: u64,
    /// Hash of the sender's interest at that version.
    pub interest_hash: u64,
    /// Number of the newest deny list that the sender has; 0 = none.
    pub deny_list: u64,
    /// How far the sender holds what the receiver wants durably; none = it has not stored any of it.
    pub holds: Option<Holds>,
}

/// Another agent's interest that is on this one's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// All that it wanted durably at this version of its interest.
    pub version: u64,
    /// Events behind this position of the holder's log are judged by it.
    pub after_position: u64,
}

/// An echoed heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Its `sent_at_us`.
    pub sent_at_us: u64,
    /// How long it was held before this echo, in microseconds.
    pub held_us: u64,
}

/// The sender's interest, whole or as the change between two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// The version these changes start from; none = the whole set.
    pub from: Option<u64>,
    /// The version they lead to.
    pub version: u64,
    /// Hash of the set at that version.
    pub hash: u64,
    /// Large sets come in several parts, counted from 0.
    pub part: u16,
    /// How many parts there are.
    pub parts: u16,
    /// In order.
    pub changes: Vec<InterestChange>,
}

/// One filter that came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestChange {
    /// It went.
    pub removed: bool,
    /// It outlives the heartbeat.
    pub durable: bool,
    /// Best effort events are wanted too, as long as the heartbeat lasts; guaranteed ones always are.
    pub direct: bool,
    /// What is wanted.
    pub filter: Filter,
}

/// Why nothing is taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Which stream.
    pub stream: StreamId,
    /// Why.
    pub reason: BehindReason,
    /// What the destination enforces.
    pub revision: Revision,
}

/// Kinds of being behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BehindReason {
    /// The destination's policy is older than the frame's and cannot decide.
    Revision,
    /// What shall take the events is configured there and not running yet.
    NotReady,
}

/// One event that cannot be taken for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which stream.
    pub stream: StreamId,
    /// Which event.
    pub seq: Seq,
    /// For people; cut to 512 bytes.
    pub reason: String,
}

/// A range (after, up to] that the origin will never send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Which stream.
    pub stream: StreamId,
    /// The mark it starts from.
    pub after: Seq,
    /// The mark it leads to.
    pub up_to: Seq,
    /// Why.
    pub reason: SkipReason,
}

/// Why events will never be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// An earlier epoch of the destination had taken custody.
    Custody,
    /// The destination refused it and the origin has dealt with it.
    Refused,
    /// A scope forbids it now, or its publisher has withdrawn it.
    Withdrawn,
    /// The origin has lost it: a gap, to be counted and alarmed.
    Lost,
}

pub(super) fn put(out: &mut BytesMut, message: &Control) {
    match message {
        Control::Ack(ack) => {
            put_stream(out, 1, &ack.stream);
            out.put_slice(&ack.arrived.0);
            out.put_slice(&ack.up_to.0);
            out.put_u64(ack.credit_bytes);
        }
        Control::Nack(nack) => {
            put_stream(out, 2, &nack.stream);
            let ranges = &nack.ranges[..nack.ranges.len().min(RANGES_MAX)];
            put_count(out, ranges.len());
            for (after, up_to) in ranges {
                out.put_slice(&after.0);
                out.put_slice(&up_to.0);
            }
        }
        Control::Heartbeat(heartbeat) => put_heartbeat(out, heartbeat),
        Control::Interest(interest) => put_interest(out, interest),
        Control::InterestWanted { have } => {
            out.put_u8(5);
            out.put_u64(*have);
        }
        Control::Behind(behind) => {
            put_stream(out, 6, &behind.stream);
            out.put_u8(match behind.reason {
                BehindReason::Revision => 1,
                BehindReason::NotReady => 2,
            });
            out.put_u64(behind.revision.generation);
            out.put_u64(behind.revision.revision);
        }
        Control::Refused(refused) => {
            put_stream(out, 7, &refused.stream);
            out.put_slice(&refused.seq.0);
            put_text(out, &refused.reason[..refused.reason.floor_char_boundary(REASON_BYTES_MAX)]);
        }
        Control::Skip(skip) => {
            put_stream(out, 8, &skip.stream);
            out.put_slice(&skip.after.0);
            out.put_slice(&skip.up_to.0);
            out.put_u8(match skip.reason {
                SkipReason::Custody => 1,
                SkipReason::Refused => 2,
                SkipReason::Withdrawn => 3,
                SkipReason::Lost => 4,
            });
        }
        Control::SetAnnounced { set, members } => {
            out.put_u8(9);
            out.put_slice(set);
            put_count(out, members.len());
            for member in members {
                out.put_slice(member.0.as_bytes());
            }
        }
        Control::SetConfirmed { set } => {
            out.put_u8(10);
            out.put_slice(set);
        }
        Control::DenyListWanted => out.put_u8(11),
        Control::DenyList(signed) => {
            out.put_u8(12);
            put_bytes(out, signed);
        }
        Control::Share(share) => {
            out.put_u8(13);
            quota::put(out, share);
        }
    }
}

fn put_stream(out: &mut BytesMut, kind: u8, stream: &StreamId) {
    out.put_u8(kind);
    out.put_slice(&stream.origin.0);
    out.put_u64(stream.epoch.0);
    out.put_slice(&stream.destination.0);
    out.put_u16(stream.lane.0);
}

fn put_text(out: &mut BytesMut, text: &str) {
    put_count(out, text.len());
    out.put_slice(text.as_bytes());
}

const DURABLE_SPOOL: u8 = 1;
const LEAVING: u8 = 2;
const ECHO: u8 = 4;
const HOLDS: u8 = 8;

fn put_heartbeat(out: &mut BytesMut, heartbeat: &Heartbeat) {
    out.put_u8(3);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.put_u8(
        flag(heartbeat.durable_spool, DURABLE_SPOOL)
            | flag(heartbeat.leaving, LEAVING)
            | flag(heartbeat.echo.is_some(), ECHO)
            | flag(heartbeat.holds.is_some(), HOLDS),
    );
    out.put_u64(heartbeat.sent_at_us);
    if let Some(echo) = heartbeat.echo {
        out.put_u64(echo.sent_at_us);
        out.put_u64(echo.held_us);
    }
    out.put_u64(heartbeat.interest_version);
    out.put_u64(heartbeat.interest_hash);
    out.put_u64(heartbeat.deny_list);
    if let Some(holds) = heartbeat.holds {
        out.put_u64(holds.version);
        out.put_u64(holds.after_position);
    }
}

const REMOVED: u8 = 1;
const DURABLE: u8 = 2;
const MQTT: u8 = 4;
const DIRECT: u8 = 8;

fn put_interest(out: &mut BytesMut, interest: &Interest) {
    out.put_u8(4);
    out.put_u64(interest.from.unwrap_or(0));
    out.put_u64(interest.version);
    out.put_u64(interest.hash);
    out.put_u16(interest.part);
    out.put_u16(interest.parts);
    put_count(out, interest.changes.len());
    for change in &interest.changes {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let mqtt = change.filter.dialect() == Dialect::Mqtt;
        let kind = flag(change.durable, DURABLE) | flag(change.direct, DIRECT);
        out.put_u8(flag(change.removed, REMOVED) | kind | flag(mqtt, MQTT));
        put_text(out, change.filter.text());
    }
}

pub(super) fn read(reader: &mut Reader) -> Result<Control, FrameError> {
    Ok(match reader.u8()? {
        1 => Control::Ack(Ack {
            stream: read_stream(reader)?,
            arrived: reader.seq()?,
            up_to: reader.seq()?,
            credit_bytes: reader.u64()?,
        }),
        2 => Control::Nack(Nack {
            stream: read_stream(reader)?,
            ranges: reader.list("ranges", RANGES_MAX, |reader| Ok((reader.seq()?, reader.seq()?)))?,
        }),
        3 => Control::Heartbeat(read_heartbeat(reader)?),
        4 => Control::Interest(read_interest(reader)?),
        5 => Control::InterestWanted { have: reader.u64()? },
        6 => Control::Behind(Behind {
            stream: read_stream(reader)?,
            reason: match reader.u8()? {
                1 => BehindReason::Revision,
                2 => BehindReason::NotReady,
                value => return Err(FrameError::Unknown { what: "reason", value }),
            },
            revision: reader.revision()?,
        }),
        7 => Control::Refused(Refused {
            stream: read_stream(reader)?,
            seq: reader.seq()?,
            reason: reader.text(REASON_BYTES_MAX, "reason")?,
        }),
        8 => Control::Skip(Skip {
            stream: read_stream(reader)?,
            after: reader.seq()?,
            up_to: reader.seq()?,
            reason: match reader.u8()? {
                1 => SkipReason::Custody,
                2 => SkipReason::Refused,
                3 => SkipReason::Withdrawn,
                4 => SkipReason::Lost,
                value => return Err(FrameError::Unknown { what: "reason", value }),
            },
        }),
        9 => Control::SetAnnounced {
            set: reader.bytes_16()?,
            members: reader.list("members", DESTINATIONS_MAX, read_agent)?,
        },
        10 => Control::SetConfirmed { set: reader.bytes_16()? },
        11 => Control::DenyListWanted,
        12 => Control::DenyList(reader.bytes()?),
        13 => Control::Share(quota::read(reader)?),
        value => return Err(FrameError::Unknown { what: "message", value }),
    })
}

fn read_stream(reader: &mut Reader) -> Result<StreamId, FrameError> {
    Ok(StreamId { origin: reader.spool()?, epoch: reader.epoch()?, destination: reader.spool()?, lane: reader.lane()? })
}

fn read_agent(reader: &mut Reader) -> Result<AgentId, FrameError> {
    Ok(AgentId(uuid::Uuid::from_bytes(reader.bytes_16()?)))
}

fn read_heartbeat(reader: &mut Reader) -> Result<Heartbeat, FrameError> {
    let flags = read_flags(reader, DURABLE_SPOOL | LEAVING | ECHO | HOLDS)?;
    let sent_at_us = reader.u64()?;
    let echo = if flags & ECHO == 0 { None } else { Some(Echo { sent_at_us: reader.u64()?, held_us: reader.u64()? }) };
    Ok(Heartbeat {
        durable_spool: flags & DURABLE_SPOOL != 0,
        leaving: flags & LEAVING != 0,
        sent_at_us,
        echo,
        interest_version: reader.u64()?,
        interest_hash: reader.u64()?,
        deny_list: reader.u64()?,
        holds: match flags & HOLDS {
            0 => None,
            _ => Some(Holds { version: reader.u64()?, after_position: reader.u64()? }),
        },
    })
}

fn read_interest(reader: &mut Reader) -> Result<Interest, FrameError> {
    let from = reader.u64()?;
    let interest = Interest {
        from: (from != 0).then_some(from),
        version: reader.u64()?,
        hash: reader.u64()?,
        part: reader.u16()?,
        parts: reader.u16()?,
        changes: reader.list("changes", INTEREST_CHANGES_MAX, read_change)?,
    };
    if interest.part >= interest.parts {
        return Err(FrameError::Invalid("part"));
    }
    Ok(interest)
}

fn read_change(reader: &mut Reader) -> Result<InterestChange, FrameError> {
    let flags = read_flags(reader, REMOVED | DURABLE | MQTT | DIRECT)?;
    let text = reader.text(FILTER_BYTES_MAX, "filter")?;
    let dialect = if flags & MQTT == 0 { Dialect::Mesh } else { Dialect::Mqtt };
    let filter = Filter::parse(&text, dialect).map_err(|_| FrameError::Invalid("filter"))?;
    let is = |flag: u8| flags & flag != 0;
    Ok(InterestChange { removed: is(REMOVED), durable: is(DURABLE), direct: is(DIRECT), filter })
}

fn read_flags(reader: &mut Reader, known: u8) -> Result<u8, FrameError> {
    match reader.u8()? {
        flags if flags & !known == 0 => Ok(flags),
        value => Err(FrameError::Unknown { what: "flag", value }),
    }
}
