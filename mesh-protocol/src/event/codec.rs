//! An event as bytes, laid out by hand: it is written once, at admission, and read wherever it is delivered.
//!
//! ```text
//! version    1 byte, 1
//! flags      2 bytes, little endian: which of the fields in [brackets] are there, and two yes/no facts
//! protocol   1 byte
//! site       16 bytes
//! [principal 16 bytes]
//! admitted   8 bytes, little endian, signed milliseconds since the Unix epoch
//! [ttl       varint, milliseconds]
//! topic      text
//! [key] [content type] [schema reference] [message id] [correlation id] [reply-to] [traceparent]   each a text or bytes
//! [user      varint count, then name and value of each]
//! [path      varint count, then of each hop the cluster's id as text and 8 bytes of content hash]
//! payload    bytes, to the end
//! ```
//! A varint has 7 bits per byte, lowest first; it is read only in its shortest form. Text and bytes are a varint length
//! and that many bytes. Every length is held against its bound before anything is reserved. The payload and other byte
//! fields of a decoded event share the memory they were read from.
//!
//! There is one encoding of an event, so equal events have equal bytes. A reader that meets a version or flag it does
//! not know says so, because what it cannot read it must not store or drop.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{
    DeliveryMode, Event, Headers, Hop, MAX_KEY_BYTES, MAX_PATH, MAX_PAYLOAD_BYTES, MAX_TEXT_BYTES, MAX_USER_PROPERTIES,
    Origin, Protocol,
};
use crate::id::{PrincipalId, SiteId};
use crate::topic::{MAX_BYTES, Topic, TopicError};

const VERSION: u8 = 1;

const GUARANTEED: u16 = 1;
const RETAIN: u16 = 1 << 1;
const PRINCIPAL: u16 = 1 << 2;
const TTL: u16 = 1 << 3;
const KEY: u16 = 1 << 4;
const CONTENT_TYPE: u16 = 1 << 5;
const SCHEMA_REF: u16 = 1 << 6;
const MESSAGE_ID: u16 = 1 << 7;
const CORRELATION_ID: u16 = 1 << 8;
const REPLY_TO: u16 = 1 << 9;
const TRACEPARENT: u16 = 1 << 10;
const USER: u16 = 1 << 11;
const PATH: u16 = 1 << 12;
const KNOWN_FLAGS: u16 = (1 << 13) - 1;

/// Version, flags, protocol, site, principal, time, and the longest varints that can follow.
const FIXED_BYTES: usize = 64;

/// Why bytes are not an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer agent.
    #[error("the event is in format version {0}, which is newer than this program: update it")]
    NewerVersion(u8),
    /// Written by a newer agent.
    #[error("the event has fields {0:#06x} that only a newer version of this program knows: update it")]
    NewerFields(u16),
    /// They end too early.
    #[error("the event ends inside its {0}")]
    Truncated(&'static str),
    /// They go on behind the payload.
    #[error("{0} bytes follow the event")]
    Trailing(usize),
    /// A length is above its bound.
    #[error("the event's {field} is said to have {length}: at most {max} are allowed")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// What its length is said to be, bytes or items.
        length: u64,
        /// The bound.
        max: usize,
    },
    /// Not the shortest form, above 64 bits, an unknown code, or a field that is flagged but empty.
    #[error("the event's {0} is not as this program writes it")]
    Malformed(&'static str),
    /// Text that is not UTF-8.
    #[error("the event's {0} is not UTF-8")]
    NotText(&'static str),
    /// The topic or reply-to is not a topic name.
    #[error("the event's {field} is not a topic name: {error}")]
    Topic {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        error: TopicError,
    },
}

/// Writes an event. The bytes can be read back when the event passes [`Event::check`]; admission sees to that.
#[must_use]
pub fn encode(event: &Event) -> Bytes {
    let headers = &event.headers;
    let mut out = BytesMut::with_capacity(size_hint(event));
    out.put_u8(VERSION);
    out.put_u16_le(flags(event));
    out.put_u8(protocol_code(event.origin.protocol));
    out.put_slice(event.origin.site.0.as_bytes());
    if let Some(principal) = &event.origin.principal {
        out.put_slice(principal.0.as_bytes());
    }
    out.put_i64_le(event.admitted_at_ms);
    if let Some(ttl) = event.ttl_ms {
        put_varint(&mut out, ttl);
    }
    put(&mut out, event.topic.as_str().as_bytes());
    if !event.key.is_empty() {
        put(&mut out, &event.key);
    }
    let fields = [
        headers.content_type.as_deref().map(str::as_bytes),
        headers.schema_ref.as_deref().map(str::as_bytes),
        headers.message_id.as_deref().map(str::as_bytes),
        headers.correlation_id.as_deref(),
        headers.reply_to.as_ref().map(|topic| topic.as_str().as_bytes()),
        headers.traceparent.as_deref().map(str::as_bytes),
    ];
    fields.into_iter().flatten().for_each(|field| put(&mut out, field));
    if !headers.user.is_empty() {
        put_varint(&mut out, headers.user.len() as u64);
        for (name, value) in &headers.user {
            put(&mut out, name.as_bytes());
            put(&mut out, value.as_bytes());
        }
    }
    if !event.path.is_empty() {
        put_varint(&mut out, event.path.len() as u64);
        for hop in &event.path {
            put(&mut out, hop.cluster.as_bytes());
            out.put_slice(&hop.content);
        }
    }
    put(&mut out, &event.payload);
    out.freeze()
}

/// Reads an event.
///
/// # Errors
/// [`DecodeError`]; never panics, whatever the bytes.
pub fn decode(bytes: Bytes) -> Result<Event, DecodeError> {
    let mut reader = Reader(bytes);
    let version = reader.byte("version")?;
    if version > VERSION {
        return Err(DecodeError::NewerVersion(version));
    }
    if version != VERSION {
        return Err(DecodeError::Malformed("version"));
    }
    let flags = u16::from_le_bytes(reader.array("flags")?);
    if flags & !KNOWN_FLAGS != 0 {
        return Err(DecodeError::NewerFields(flags & !KNOWN_FLAGS));
    }
    let has = |flag: u16| flags & flag != 0;
    let event = Event {
        origin: Origin {
            protocol: protocol(reader.byte("protocol")?)?,
            site: SiteId(Uuid::from_bytes(reader.array("site")?)),
            principal: has(PRINCIPAL)
                .then(|| reader.array("principal").map(|id| PrincipalId(Uuid::from_bytes(id))))
                .transpose()?,
        },
        admitted_at_ms: i64::from_le_bytes(reader.array("time of admission")?),
        ttl_ms: has(TTL).then(|| reader.varint("time to live")).transpose()?,
        topic: reader.topic("topic")?,
        key: if has(KEY) { reader.key()? } else { Bytes::new() },
        headers: headers(&mut reader, has)?,
        path: if has(PATH) { path(&mut reader)? } else { Vec::new() },
        mode: if has(GUARANTEED) { DeliveryMode::Guaranteed } else { DeliveryMode::Direct },
        retain: has(RETAIN),
        payload: reader.bytes("payload", MAX_PAYLOAD_BYTES)?,
    };
    if reader.0.is_empty() { Ok(event) } else { Err(DecodeError::Trailing(reader.0.len())) }
}

fn headers(reader: &mut Reader, has: impl Fn(u16) -> bool) -> Result<Headers, DecodeError> {
    let text = |reader: &mut Reader, flag, field| has(flag).then(|| reader.text(field)).transpose();
    Ok(Headers {
        content_type: text(reader, CONTENT_TYPE, "content type")?,
        schema_ref: text(reader, SCHEMA_REF, "schema reference")?,
        message_id: text(reader, MESSAGE_ID, "message id")?,
        correlation_id: has(CORRELATION_ID).then(|| reader.bytes("correlation id", MAX_TEXT_BYTES)).transpose()?,
        reply_to: has(REPLY_TO).then(|| reader.topic("reply-to topic")).transpose()?,
        traceparent: text(reader, TRACEPARENT, "trace context")?,
        user: if has(USER) { user(reader)? } else { Vec::new() },
    })
}

fn user(reader: &mut Reader) -> Result<Vec<(String, String)>, DecodeError> {
    let count = reader.count("user properties", MAX_USER_PROPERTIES)?;
    (0..count).map(|_| Ok((reader.text("user properties")?, reader.text("user properties")?))).collect()
}

fn path(reader: &mut Reader) -> Result<Vec<Hop>, DecodeError> {
    let count = reader.count("path", MAX_PATH)?;
    (0..count).map(|_| Ok(Hop { cluster: reader.text("path")?, content: reader.array("path")? })).collect()
}

fn flags(event: &Event) -> u16 {
    let headers = &event.headers;
    [
        (GUARANTEED, event.mode == DeliveryMode::Guaranteed),
        (RETAIN, event.retain),
        (PRINCIPAL, event.origin.principal.is_some()),
        (TTL, event.ttl_ms.is_some()),
        (KEY, !event.key.is_empty()),
        (CONTENT_TYPE, headers.content_type.is_some()),
        (SCHEMA_REF, headers.schema_ref.is_some()),
        (MESSAGE_ID, headers.message_id.is_some()),
        (CORRELATION_ID, headers.correlation_id.is_some()),
        (REPLY_TO, headers.reply_to.is_some()),
        (TRACEPARENT, headers.traceparent.is_some()),
        (USER, !headers.user.is_empty()),
        (PATH, !event.path.is_empty()),
    ]
    .into_iter()
    .filter_map(|(flag, set)| set.then_some(flag))
    .fold(0, |flags, flag| flags | flag)
}

fn size_hint(event: &Event) -> usize {
    FIXED_BYTES + event.topic.as_str().len() + event.key.len() + event.headers.bytes() + event.payload.len()
}

const fn protocol_code(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Mqtt => 0,
        Protocol::Http => 1,
        Protocol::Kafka => 2,
        Protocol::Amqp => 3,
        Protocol::Mesh => 4,
    }
}

const fn protocol(code: u8) -> Result<Protocol, DecodeError> {
    match code {
        0 => Ok(Protocol::Mqtt),
        1 => Ok(Protocol::Http),
        2 => Ok(Protocol::Kafka),
        3 => Ok(Protocol::Amqp),
        4 => Ok(Protocol::Mesh),
        _ => Err(DecodeError::Malformed("protocol")),
    }
}

fn put(out: &mut BytesMut, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// The bytes not read yet.
struct Reader(Bytes);

impl Reader {
    fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.0.try_get_u8().map_err(|_| DecodeError::Truncated(field))
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        self.0.try_copy_to_slice(&mut array).map_err(|_| DecodeError::Truncated(field))?;
        Ok(array)
    }

    fn varint(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte(field)?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || shift == 0;
                return if shortest { Ok(value) } else { Err(DecodeError::Malformed(field)) };
            }
        }
        Err(DecodeError::Malformed(field))
    }

    fn length(&mut self, field: &'static str, max: usize) -> Result<usize, DecodeError> {
        let length = self.varint(field)?;
        usize::try_from(length).ok().filter(|&length| length <= max).ok_or(DecodeError::TooLong { field, length, max })
    }

    /// The length of a list whose flag is set, so it is not empty.
    fn count(&mut self, field: &'static str, max: usize) -> Result<usize, DecodeError> {
        match self.length(field, max)? {
            0 => Err(DecodeError::Malformed(field)),
            count => Ok(count),
        }
    }

    fn bytes(&mut self, field: &'static str, max: usize) -> Result<Bytes, DecodeError> {
        let length = self.length(field, max)?;
        if length > self.0.len() { Err(DecodeError::Truncated(field)) } else { Ok(self.0.split_to(length)) }
    }

    fn key(&mut self) -> Result<Bytes, DecodeError> {
        let key = self.bytes("ordering key", MAX_KEY_BYTES)?;
        if key.is_empty() { Err(DecodeError::Malformed("ordering key")) } else { Ok(key) }
    }

    fn text(&mut self, field: &'static str) -> Result<String, DecodeError> {
        let bytes = self.bytes(field, MAX_TEXT_BYTES)?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| DecodeError::NotText(field))
    }

    fn topic(&mut self, field: &'static str) -> Result<Topic, DecodeError> {
        let bytes = self.bytes(field, MAX_BYTES)?;
        let name = std::str::from_utf8(&bytes).map_err(|_| DecodeError::NotText(field))?;
        Topic::new(name).map_err(|error| DecodeError::Topic { field, error })
    }
}

#[cfg(test)]
mod tests;
