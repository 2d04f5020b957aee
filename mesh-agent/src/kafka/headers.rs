//! How an event's metadata stands in a record's headers, for sink and source alike.
//!
//! Names of the mesh begin with `mesh-`; all others are the sender's own and pass unchanged. A value that is not UTF-8
//! cannot be a user property: it becomes one in base64 under [`BINARY_PREFIX`] and is restored by a sink.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use mesh_protocol::event::{Headers, Hop, MAX_PATH, MAX_USER_PROPERTIES};
use mesh_protocol::topic::Topic;
use sha2::{Digest, Sha256};

/// Media type of the payload.
pub const CONTENT_TYPE: &str = "content-type";
/// Reference to its schema.
pub const SCHEMA_REF: &str = "schema-ref";
/// The sender's id of the message.
pub const MESSAGE_ID: &str = "message-id";
/// Ties a reply to its request; raw bytes.
pub const CORRELATION_ID: &str = "correlation-id";
/// The mesh topic where a reply is expected.
pub const REPLY_TO: &str = "reply-to";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// The mesh topic of the event.
pub const TOPIC: &str = "mesh-topic";
/// Id of the site that admitted the event.
pub const ORIGIN_SITE: &str = "mesh-origin-site";
/// The clusters an event has passed.
pub const PATH: &str = "mesh-path";
/// The record may have been written before.
pub const REDELIVERED: &str = "mesh-redelivered";
/// Where the record an event was made of stands: `cluster/topic/partition/offset`.
pub const POSITION: &str = "mesh-position";
/// Where the event stood in the queue of the sink that wrote the record: which queue, and its place there. A sink finds by
/// it what it has written before a restart.
pub const PLACE: &str = "mesh-queue-place";
/// User property: the key of the record the event was made of, when it is text.
pub const KEY: &str = "mesh-key";
/// User property: the same in base64, when it is not text.
pub const KEY_BINARY: &str = "mesh-key-base64";
/// User property: the record had no value at all, which a compacted topic takes for a deletion.
pub const TOMBSTONE: &str = crate::contract::TOMBSTONE;
/// User property of a dead letter: the record's payload, of so many bytes, is larger than any event, and is in Kafka alone.
pub const LEFT_OUT: &str = "mesh-payload-left-out-bytes";
/// Prefix of a user property that holds a binary header in base64.
pub const BINARY_PREFIX: &str = "mesh-base64-";

/// Longest value taken into a user property, in bytes.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// What the headers of a record say.
#[derive(Debug, Default)]
pub struct FromRecord {
    /// For the event.
    pub headers: Headers,
    /// Clusters the event has passed before this one.
    pub path: Vec<Hop>,
    /// Headers that do not fit into an event: too many, or too long.
    pub left_out: u64,
}

/// Reads the headers of a record, in order.
pub fn read<'a>(record: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) -> FromRecord {
    let mut found = FromRecord::default();
    for (name, value) in record {
        let value = value.unwrap_or_default();
        let text = std::str::from_utf8(value).ok();
        let headers = &mut found.headers;
        match (name, text) {
            (CONTENT_TYPE, Some(text)) => headers.content_type = Some(text.to_owned()),
            (SCHEMA_REF, Some(text)) => headers.schema_ref = Some(text.to_owned()),
            (MESSAGE_ID, Some(text)) => headers.message_id = Some(text.to_owned()),
            (CORRELATION_ID, _) => headers.correlation_id = Some(Bytes::copy_from_slice(value)),
            (REPLY_TO, Some(text)) if Topic::new(text).is_ok() => headers.reply_to = Topic::new(text).ok(),
            (TRACEPARENT, Some(text)) => headers.traceparent = Some(text.to_owned()),
            (PATH, Some(text)) => found.path = read_path(text),
            (TOPIC | ORIGIN_SITE | REDELIVERED | POSITION | PLACE | KEY | KEY_BINARY | TOMBSTONE | LEFT_OUT, _) => {}
            _ => found.left_out += u64::from(!keep(headers, name, value, text)),
        }
    }
    found
}

fn keep(headers: &mut Headers, name: &str, value: &[u8], text: Option<&str>) -> bool {
    // Some places are kept free for what the source itself adds.
    if headers.user.len() + 5 >= MAX_USER_PROPERTIES || value.len() > VALUE_BYTES_MAX || name.contains('\0') {
        return false;
    }
    let property = match text {
        Some(text) => (name.to_owned(), text.to_owned()),
        None => (format!("{BINARY_PREFIX}{name}"), BASE64_STANDARD.encode(value)),
    };
    headers.user.push(property);
    true
}

/// Whether an event has a user property of this name.
#[must_use]
pub fn has(headers: &Headers, property: &str) -> bool {
    headers.user.iter().any(|(name, _)| name == property)
}

/// The user property that carries a record's key.
#[must_use]
pub fn key_property(key: &[u8]) -> (String, String) {
    match std::str::from_utf8(key) {
        Ok(text) => (KEY.to_owned(), text.to_owned()),
        Err(_) => (KEY_BINARY.to_owned(), BASE64_STANDARD.encode(key)),
    }
}

/// The key of the record an event was made of, when it came from Kafka and had one.
#[must_use]
pub fn record_key(headers: &Headers) -> Option<Bytes> {
    headers.user.iter().find_map(|(name, value)| match name.as_str() {
        KEY => Some(Bytes::copy_from_slice(value.as_bytes())),
        KEY_BINARY => BASE64_STANDARD.decode(value).ok().map(Bytes::from),
        _ => None,
    })
}

/// A user property as it stands in a record: the mesh's own are left out, binary ones restored.
#[must_use]
pub fn to_record(name: &str, value: &str) -> Option<(String, Vec<u8>)> {
    if matches!(name, KEY | KEY_BINARY | PATH | TOPIC | ORIGIN_SITE | REDELIVERED | PLACE | TOMBSTONE | LEFT_OUT) {
        return None;
    }
    if let Some(name) = name.strip_prefix(BINARY_PREFIX)
        && let Ok(bytes) = BASE64_STANDARD.decode(value)
    {
        return Some((name.to_owned(), bytes));
    }
    Some((name.to_owned(), value.as_bytes().to_vec()))
}

/// What ties a hop to an event's content: a derived event with copied headers counts as new.
#[must_use]
pub fn content(topic: &Topic, key: &[u8], value: &[u8]) -> [u8; 8] {
    let mut hash = Sha256::new();
    for part in [topic.as_str().as_bytes(), key, value] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    first
}

/// `cluster:content,cluster:content`, oldest first.
#[must_use]
pub fn write_path(path: &[Hop]) -> String {
    let hops: Vec<_> = path.iter().map(|hop| format!("{}:{}", hop.cluster, hex::encode(hop.content))).collect();
    hops.join(",")
}

fn read_path(text: &str) -> Vec<Hop> {
    text.split(',').filter_map(read_hop).take(MAX_PATH).collect()
}

fn read_hop(text: &str) -> Option<Hop> {
    let (cluster, content) = text.rsplit_once(':')?;
    let mut bytes = [0; 8];
    hex::decode_to_slice(content, &mut bytes).ok()?;
    Some(Hop { cluster: cluster.to_owned(), content: bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sink_writes_a_source_reads() {
        let path = vec![
            Hop { cluster: "k:A".into(), content: [1; 8] },
            Hop { cluster: "B".into(), content: [2, 0, 0, 0, 0, 0, 0, 255] },
        ];
        let text = write_path(&path);
        let found =
            read([(PATH, Some(text.as_bytes())), ("x", Some(&b"1"[..])), (MESSAGE_ID, Some(&b"m"[..]))].into_iter());
        assert_eq!(found.path, path);
        assert_eq!(found.headers.user, [("x".to_owned(), "1".to_owned())]);
        assert_eq!(found.headers.message_id.as_deref(), Some("m"));
    }

    #[test]
    fn binary_headers_and_keys_survive() {
        let found = read([("trace", Some(&[0xff, 0x00][..]))].into_iter());
        let (name, value) = &found.headers.user[0];
        assert_eq!(to_record(name, value), Some(("trace".to_owned(), vec![0xff, 0x00])));
        for key in [&b"k1"[..], &[0xc3, 0x28][..]] {
            let headers = Headers { user: vec![key_property(key)], ..Headers::default() };
            assert_eq!(record_key(&headers).as_deref(), Some(key));
        }
    }

    #[test]
    fn too_many_headers_are_counted_never_silent() {
        let name = "x".to_owned();
        let found = read((0..MAX_USER_PROPERTIES).map(|_| (name.as_str(), None)));
        assert_eq!(found.headers.user.len() as u64 + found.left_out, MAX_USER_PROPERTIES as u64);
        assert!(found.left_out > 0);
    }

    #[test]
    fn content_depends_on_each_part_and_their_borders() {
        let topic = |name: &str| Topic::new(name).expect("valid");
        let base = content(&topic("a"), b"k", b"v");
        assert_ne!(base, content(&topic("b"), b"k", b"v"));
        assert_ne!(base, content(&topic("a"), b"kv", b""));
        assert_eq!(base, content(&topic("a"), b"k", b"v"));
    }
}
