//! Which schema a record was written with: the wire format of Confluent's serializers.
//!
//! ```text
//! 0x00 | schema id, 4 bytes, big endian | payload                                    Avro, JSON Schema
//! 0x00 | schema id, 4 bytes, big endian | message indexes | payload                  Protobuf
//! ```
//!
//! The portal gives the ids out, agents meet them in records. Both need the same few bytes read the same way, so they
//! are read here, once, without knowing what a schema is. Nothing marks a record of another kind: a payload that begins
//! with a zero by chance has an id that nobody gave out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// First byte of every record that names its schema.
pub const MAGIC: u8 = 0;
/// Most message indexes of one record: deeper nesting is no schema that the portal takes.
pub const MESSAGE_INDEXES_MAX: usize = 64;

/// The id of a schema: one for each text with its references, whatever subjects it is registered under. Above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaId(u32);

impl SchemaId {
    /// The largest id: clients keep them in signed integers of 32 bits.
    pub const MAX: Self = Self(i32::MAX.cast_unsigned());

    /// An id; none = it is 0 or above [`SchemaId::MAX`].
    #[must_use]
    pub const fn new(id: u32) -> Option<Self> {
        if id == 0 || id > Self::MAX.0 { None } else { Some(Self(id)) }
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SchemaId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().and_then(Self::new).ok_or(())
    }
}

/// The id that a record names, and what comes after it; none = it names none.
#[must_use]
pub fn split(record: &[u8]) -> Option<(SchemaId, &[u8])> {
    let (head, rest) = record.split_first_chunk::<5>()?;
    let [MAGIC, id @ ..] = *head else { return None };
    Some((SchemaId::new(u32::from_be_bytes(id))?, rest))
}

/// A record from its parts; for Protobuf the payload begins with the message indexes.
#[must_use]
pub fn join(id: SchemaId, payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(5 + payload.len());
    record.push(MAGIC);
    record.extend(id.0.to_be_bytes());
    record.extend(payload);
    record
}

/// Which message of a Protobuf file a record holds, as the way from the file down to it, and the message's bytes; none =
/// the way cannot be read. The count and the indexes are zigzag varints; a count of 0 stands for the file's first message.
#[must_use]
pub fn message_indexes(payload: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let (count, mut rest) = zigzag(payload)?;
    if count == 0 {
        return Some((vec![0], rest));
    }
    let count = usize::try_from(count).ok().filter(|count| *count <= MESSAGE_INDEXES_MAX)?;
    let mut indexes = Vec::with_capacity(count);
    for _ in 0..count {
        let (index, after) = zigzag(rest)?;
        indexes.push(u32::try_from(index).ok()?);
        rest = after;
    }
    Some((indexes, rest))
}

/// A signed number of at most 5 bytes.
fn zigzag(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let magnitude = i64::try_from(number >> 1).ok()?;
            let signed = if number & 1 == 0 { magnitude } else { -magnitude - 1 };
            return Some((signed, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_names_its_schema_in_five_bytes() {
        assert_eq!(split(&[0, 0, 0, 1, 2, 9]), SchemaId::new(258).map(|id| (id, &[9][..])));
        assert_eq!(split(&[0, 0, 0, 0, 1]), SchemaId::new(1).map(|id| (id, &[][..])));
        for other in [&[][..], &[0, 0, 0, 1], &[1, 0, 0, 0, 1, 9], &[0, 0, 0, 0, 0, 9], &[0, 0xff, 0, 0, 1, 9]] {
            assert_eq!(split(other), None, "{other:?}");
        }
    }

    #[test]
    fn message_indexes_lead_to_a_message() {
        assert_eq!(message_indexes(&[0, 8]), Some((vec![0], &[8][..])), "the first message, in short");
        assert_eq!(message_indexes(&[2, 2, 8]), Some((vec![1], &[8][..])));
        assert_eq!(message_indexes(&[4, 2, 0, 8]), Some((vec![1, 0], &[8][..])));
        assert_eq!(message_indexes(&[2, 0x80, 0x02]), Some((vec![128], &[][..])));
        for broken in [&[][..], &[2], &[1], &[2, 1], &[0x80, 0x80, 0x80, 0x80, 0x80, 0], &[0xfe, 0x7f]] {
            assert_eq!(message_indexes(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn zero_and_what_clients_cannot_hold_are_no_ids() {
        assert_eq!(SchemaId::new(0), None);
        assert_eq!(SchemaId::new(SchemaId::MAX.get() + 1), None);
        assert_eq!("7".parse(), Ok(SchemaId(7)));
        assert!("-1".parse::<SchemaId>().is_err() && "x".parse::<SchemaId>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_joined_splits_again(id in 1..=SchemaId::MAX.get(), payload: Vec<u8>) {
            let id = SchemaId::new(id).expect("in the range");
            let record = join(id, &payload);
            prop_assert_eq!(split(&record), Some((id, &payload[..])));
        }

        #[test]
        fn any_bytes_can_be_looked_at(bytes: Vec<u8>) {
            let _ = split(&bytes);
            let _ = message_indexes(&bytes);
        }
    }
}
