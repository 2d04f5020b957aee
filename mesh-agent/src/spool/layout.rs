//! How the spool's tables are laid out in bytes. What an older agent wrote must stay readable: the tests hold examples of
//! format 1, and a new layout gets a new number.
//!
//! ```text
//! segment  seq u64                                  -> the encoded event, as it was admitted
//! rows     queue u32 | seq u64                      -> format u8, flags u8, deliveries u16, bytes u32, expiry i64 (ms, 0 = none)
//! marks    origin [16] | epoch u64 | lane u16       -> seq [16]
//! meta     id                                       -> spool [16]
//!          next, next-queue                         -> seq u64, queue u32
//!          epoch/FIRST (16 hex digits)              -> epoch u64 | lanes u16
//!          queue/NAME                               -> queue u32
//!          note/QUEUE (8 hex digits)                -> what its consumer noted
//!          claim/QUEUE/NUMBER (8 hex digits each)   -> nothing more
//!          trash/QUEUE (8 hex digits)               -> up to seq u64
//!          size/SEGMENT (16 hex digits)             -> bytes u64
//!          values                                   -> topics u64 | ends u64 | bytes u64 | newest i64 (ms)
//! values   topic                                    -> the encoded event, as it was admitted
//! ```
//! All numbers are big-endian, so that byte order is number order.

use bytes::{BufMut, Bytes, BytesMut};
use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};

use super::disk::SegmentNo;
use super::values::Totals;
use crate::router::Claim;

/// Number of this layout, kept in the meta table.
pub(super) const FORMAT: u8 = 1;

/// A queue's number within its spool; never used again for another queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueNo(pub u32);

/// What a queue knows of one of its undelivered events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Size of the encoded event.
    pub bytes: u32,
    /// When its time to live is over, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// How often it was given to a consumer and came back.
    pub deliveries: u16,
    /// It may have been delivered before it came here.
    pub redelivered: bool,
    /// It was acknowledged here and is delivered again because somebody wished it.
    pub replayed: bool,
    /// It is not new: the last value of its topic, for a reader that wants it from now on.
    pub recalled: bool,
}

/// A stream that ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarkKey {
    /// The spool it comes from.
    pub origin: SpoolId,
    /// That spool's epoch.
    pub epoch: Epoch,
    /// Which of the epoch's lanes.
    pub lane: Lane,
}

const REDELIVERED: u8 = 1;
const REPLAYED: u8 = 2;
const RECALLED: u8 = 4;

pub(super) fn seq_key(seq: u64) -> Bytes {
    Bytes::copy_from_slice(&seq.to_be_bytes())
}

pub(super) fn seq_of(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

pub(super) fn row_key(queue: QueueNo, seq: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&queue.0.to_be_bytes());
    key[4..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// The smallest key above that of a row.
pub(super) fn row_key_after(queue: QueueNo, seq: u64) -> [u8; 12] {
    match seq.checked_add(1) {
        Some(seq) => row_key(queue, seq),
        None => row_key(QueueNo(queue.0.saturating_add(1)), 0),
    }
}

/// The sequence number in a row's key.
pub(super) fn row_seq(key: &[u8]) -> Option<u64> {
    seq_of(key.get(4..)?)
}

pub(super) fn queue_key(queue: QueueNo) -> Bytes {
    Bytes::copy_from_slice(&queue.0.to_be_bytes())
}

pub(super) fn queue_of(key: &[u8]) -> Option<QueueNo> {
    key.try_into().ok().map(|bytes| QueueNo(u32::from_be_bytes(bytes)))
}

impl Row {
    pub(super) fn encode(self) -> Bytes {
        let mut out = BytesMut::with_capacity(16);
        out.put_u8(FORMAT);
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let flags = [(self.redelivered, REDELIVERED), (self.replayed, REPLAYED), (self.recalled, RECALLED)];
        out.put_u8(flags.into_iter().map(|(is_set, bit)| flag(is_set, bit)).sum());
        out.put_u16(self.deliveries);
        out.put_u32(self.bytes);
        out.put_i64(self.expires_at_ms.unwrap_or(0));
        out.freeze()
    }

    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let value: &[u8; 16] = value.try_into().ok()?;
        let expires_at_ms = i64::from_be_bytes(value[8..].try_into().ok()?);
        (value[0] == FORMAT).then_some(Self {
            redelivered: value[1] & REDELIVERED != 0,
            replayed: value[1] & REPLAYED != 0,
            recalled: value[1] & RECALLED != 0,
            deliveries: u16::from_be_bytes([value[2], value[3]]),
            bytes: u32::from_be_bytes([value[4], value[5], value[6], value[7]]),
            expires_at_ms: (expires_at_ms != 0).then_some(expires_at_ms),
        })
    }
}

impl MarkKey {
    pub(super) fn encode(self) -> Bytes {
        let mut out = BytesMut::with_capacity(26);
        out.put_slice(&self.origin.0);
        out.put_u64(self.epoch.0);
        out.put_u16(self.lane.0);
        out.freeze()
    }

    pub(super) fn decode(key: &[u8]) -> Option<Self> {
        let key: &[u8; 26] = key.try_into().ok()?;
        Some(Self {
            origin: SpoolId(key[..16].try_into().ok()?),
            epoch: Epoch(u64::from_be_bytes(key[16..24].try_into().ok()?)),
            lane: Lane(u16::from_be_bytes([key[24], key[25]])),
        })
    }
}

/// Name of the layout's number in the meta table.
pub(super) const FORMAT_KEY: &str = "format";
/// Name of the spool's id.
pub(super) const ID: &str = "id";
/// Name of the next event's number.
pub(super) const NEXT: &str = "next";
/// Name of the next queue's number.
pub(super) const NEXT_QUEUE: &str = "next-queue";
/// Name of what is known of all last values together.
pub(super) const VALUES: &str = "values";
const EPOCH_PREFIX: &str = "epoch/";
const NAME_PREFIX: &str = "queue/";
const NOTE_PREFIX: &str = "note/";
const CLAIM_PREFIX: &str = "claim/";
const TRASH_PREFIX: &str = "trash/";
const SIZE_PREFIX: &str = "size/";

/// A row of the meta table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Format(u8),
    Id(SpoolId),
    Next(u64),
    NextQueue(u32),
    Epoch { first: u64, epoch: Epoch, lanes: u16 },
    Name(String, QueueNo),
    Note(QueueNo, Bytes),
    Claim(Claim),
    Trash(QueueNo, u64),
    Size(SegmentNo, u64),
    Values(Totals),
}

impl Fact {
    /// None when it is not readable.
    pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let key = std::str::from_utf8(key).ok()?;
        if let Some(name) = key.strip_prefix(NAME_PREFIX) {
            return Some(Self::Name(name.to_owned(), queue_of(value)?));
        }
        if let Some(first) = key.strip_prefix(EPOCH_PREFIX) {
            let lanes = u16::from_be_bytes(value.get(8..)?.try_into().ok()?);
            let epoch = Epoch(seq_of(value.get(..8)?)?);
            return Some(Self::Epoch { first: u64::from_str_radix(first, 16).ok()?, epoch, lanes });
        }
        if let Some(queue) = key.strip_prefix(NOTE_PREFIX) {
            return Some(Self::Note(QueueNo(u32::from_str_radix(queue, 16).ok()?), Bytes::copy_from_slice(value)));
        }
        if let Some((queue, number)) = key.strip_prefix(CLAIM_PREFIX).and_then(|rest| rest.split_once('/')) {
            let [queue, number] = [queue, number].map(|hex| u32::from_str_radix(hex, 16).ok());
            return Some(Self::Claim(Claim { queue: queue?, number: number? }));
        }
        if let Some(queue) = key.strip_prefix(TRASH_PREFIX) {
            return Some(Self::Trash(QueueNo(u32::from_str_radix(queue, 16).ok()?), seq_of(value)?));
        }
        if let Some(segment) = key.strip_prefix(SIZE_PREFIX) {
            return Some(Self::Size(SegmentNo(u64::from_str_radix(segment, 16).ok()?), seq_of(value)?));
        }
        match key {
            FORMAT_KEY => value.first().copied().map(Self::Format),
            ID => value.try_into().ok().map(|id| Self::Id(SpoolId(id))),
            NEXT => seq_of(value).map(Self::Next),
            NEXT_QUEUE => queue_of(value).map(|queue| Self::NextQueue(queue.0)),
            VALUES => {
                let [topics, ends, bytes, newest] = [0, 8, 16, 24].map(|at| value.get(at..at + 8).and_then(seq_of));
                let newest_ms = newest?.cast_signed();
                Some(Self::Values(Totals { topics: topics?, ends: ends?, bytes: bytes?, newest_ms }))
            }
            _ => None,
        }
    }
}

pub(super) fn meta_key(name: &str) -> Bytes {
    Bytes::copy_from_slice(name.as_bytes())
}

pub(super) fn name_key(name: &str) -> Bytes {
    Bytes::from(format!("{NAME_PREFIX}{name}"))
}

/// The queue's name in such a key.
#[cfg(test)]
pub(super) fn name_of(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key).ok()?.strip_prefix(NAME_PREFIX)
}

pub(super) fn note_key(queue: QueueNo) -> Bytes {
    Bytes::from(format!("{NOTE_PREFIX}{:08x}", queue.0))
}

pub(super) fn claim_key(claim: Claim) -> Bytes {
    Bytes::from(format!("{CLAIM_PREFIX}{:08x}/{:08x}", claim.queue, claim.number))
}

pub(super) fn trash_key(queue: QueueNo) -> Bytes {
    Bytes::from(format!("{TRASH_PREFIX}{:08x}", queue.0))
}

pub(super) fn size_key(segment: SegmentNo) -> Bytes {
    Bytes::from(format!("{SIZE_PREFIX}{:016x}", segment.0))
}

pub(super) fn epoch_key(first: u64) -> Bytes {
    Bytes::from(format!("{EPOCH_PREFIX}{first:016x}"))
}

pub(super) fn epoch_value(epoch: Epoch, lanes: u16) -> Bytes {
    let mut out = BytesMut::with_capacity(10);
    out.put_u64(epoch.0);
    out.put_u16(lanes);
    out.freeze()
}

pub(super) fn totals_value(totals: Totals) -> Bytes {
    let mut out = BytesMut::with_capacity(32);
    out.put_u64(totals.topics);
    out.put_u64(totals.ends);
    out.put_u64(totals.bytes);
    out.put_i64(totals.newest_ms);
    out.freeze()
}

pub(super) fn mark_value(seq: Seq) -> Bytes {
    Bytes::copy_from_slice(&seq.0)
}

pub(super) fn mark_of(value: &[u8]) -> Option<Seq> {
    value.try_into().ok().map(Seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_1_stays_as_it_is() {
        let row = Row {
            bytes: 1_000,
            expires_at_ms: Some(5),
            deliveries: 2,
            redelivered: true,
            replayed: false,
            recalled: false,
        };
        assert_eq!(hex::encode(row.encode()), "01010002000003e80000000000000005");
        assert_eq!(Row::decode(&row.encode()), Some(row));
        let plain = Row { expires_at_ms: None, redelivered: false, replayed: true, ..row };
        assert_eq!(hex::encode(plain.encode()), "01020002000003e80000000000000000");
        assert_eq!(Row::decode(&plain.encode()), Some(plain));
        let last = Row { replayed: false, recalled: true, ..plain };
        assert_eq!(hex::encode(last.encode()), "01040002000003e80000000000000000");
        assert_eq!(Row::decode(&last.encode()), Some(last));
        assert_eq!(
            Fact::decode(VALUES.as_bytes(), &totals_value(Totals { topics: 3, ends: 1, bytes: 900, newest_ms: 7 })),
            Some(Fact::Values(Totals { topics: 3, ends: 1, bytes: 900, newest_ms: 7 }))
        );
        assert_eq!(hex::encode(row_key(QueueNo(7), 9)), "000000070000000000000009");
        let mark = MarkKey { origin: SpoolId([9; 16]), epoch: Epoch(1), lane: Lane(2) };
        assert_eq!(hex::encode(mark.encode()), "0909090909090909090909090909090900000000000000010002");
        assert_eq!(MarkKey::decode(&mark.encode()), Some(mark));
        let claim = Claim { queue: 7, number: 0x1_0009 };
        assert_eq!(claim_key(claim), "claim/00000007/00010009");
        assert_eq!(Fact::decode(&claim_key(claim), &[]), Some(Fact::Claim(claim)));
        assert_eq!(Fact::decode(b"claim/7", &[]), None);
    }

    #[test]
    fn what_is_not_format_1_is_told_apart() {
        for bad in [&b""[..], &[2; 16], &[1; 15], &[1; 17], &[1; 24], &[1; 26], &[0; 25]] {
            assert_eq!(Row::decode(bad).filter(|_| bad != [1; 16]), None);
        }
        assert_eq!(row_seq(&[1; 3]), None);
        assert_eq!(MarkKey::decode(&[1; 25]), None);
    }

    #[test]
    fn keys_of_a_queue_stand_together_in_order() {
        let mut keys =
            [row_key(QueueNo(2), 0), row_key(QueueNo(1), u64::MAX), row_key(QueueNo(1), 255), row_key(QueueNo(1), 256)];
        keys.sort_unstable();
        assert_eq!(keys.map(|key| row_seq(&key)), [Some(255), Some(256), Some(u64::MAX), Some(0)]);
    }
}
