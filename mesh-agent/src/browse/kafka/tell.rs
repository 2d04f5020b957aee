//! A record as it is told: text as text, anything else in base64, and no more than there is room for.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mesh_protocol::browse::{
    ANSWER_BYTES_MAX, CONTENT_BYTES_MAX, Content, HEADER_BYTES_MAX, HEADERS_MAX, Piece, TopicAsk, TopicRecord,
};
use mesh_protocol::schema_id::{SchemaId, split};
use rdkafka::message::{Headers as _, Message};

/// All contents that one look holds, in bytes.
const HELD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A piece is not cut shorter than this.
const PIECE_BYTES_MIN: usize = 256;

/// Room for one payload, and for its key and its headers beside it, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    payload: usize,
    beside: usize,
}

impl Room {
    /// For so many records of each of so many partitions, of which so many are told.
    pub(super) fn new(asked: u32, limit: usize, partitions: usize) -> Self {
        let held = HELD_BYTES_MAX / (limit * partitions.max(1));
        let all = (ANSWER_BYTES_MAX / limit).min(held).max(PIECE_BYTES_MIN);
        let payload = (asked.min(CONTENT_BYTES_MAX) as usize).min(all);
        Self { payload, beside: payload.min(all / 4).max(64) }
    }
}

/// Which records are looked for.
#[derive(Debug)]
pub(super) struct Find {
    /// In small letters.
    text: String,
    hidden: HashSet<SchemaId>,
}

impl Find {
    pub(super) fn new(ask: &TopicAsk) -> Self {
        Self { text: ask.find.to_lowercase(), hidden: ask.hidden.iter().copied().collect() }
    }

    /// Whether a record's key, payload or a header holds the text; every record holds none. One whose values may not be seen
    /// would tell by being found.
    pub(super) fn meets(&self, message: &impl Message) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let headers = || message.headers().into_iter().flat_map(|headers| headers.iter());
        let values =
            || [message.key(), message.payload()].into_iter().chain(headers().map(|header| header.value)).flatten();
        let is_hidden = |bytes: &[u8]| split(bytes).is_some_and(|(id, _)| self.hidden.contains(&id));
        if values().any(is_hidden) {
            return false;
        }
        values().any(|bytes| contains(bytes, &self.text))
            || headers().any(|header| contains(header.key.as_bytes(), &self.text))
    }
}

/// Whatever is not text between its letters does not hide it: binary formats hold texts as they are.
fn contains(bytes: &[u8], find: &str) -> bool {
    String::from_utf8_lossy(bytes).to_lowercase().contains(find)
}

/// The record as there is room for it.
pub(super) fn record(message: &impl Message, room: Room) -> TopicRecord {
    let mut left = room.beside;
    let mut headers = Vec::new();
    let mut headers_left_out = 0;
    for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
        let value = content(header.value.unwrap_or_default(), left.min(HEADER_BYTES_MAX));
        let takes = header.key.len() + told_bytes(&value);
        if headers.len() >= HEADERS_MAX || takes > left {
            headers_left_out += 1;
            continue;
        }
        left -= takes;
        headers.push((header.key.to_owned(), value));
    }
    TopicRecord {
        partition: message.partition(),
        offset: message.offset(),
        at_ms: message.timestamp().to_millis(),
        key: message.key().map(|key| content(key, room.beside)),
        payload: message.payload().map(|payload| content(payload, room.payload)),
        headers,
        headers_left_out,
    }
}

const fn told_bytes(content: &Content) -> usize {
    match &content.piece {
        Piece::Text(text) | Piece::Base64(text) => text.len(),
    }
}

fn content(bytes: &[u8], room: usize) -> Content {
    let piece = match std::str::from_utf8(bytes) {
        Ok(text) => Piece::Text(text[..text.floor_char_boundary(room)].to_owned()),
        Err(_) => Piece::Base64(BASE64_STANDARD.encode(&bytes[..bytes.len().min(room)])),
    };
    Content { bytes: bytes.len() as u64, piece }
}

#[cfg(test)]
mod tests {
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage, Timestamp};

    use super::*;

    fn message(key: Option<&[u8]>, payload: Option<&[u8]>, headers: Option<OwnedHeaders>) -> OwnedMessage {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        OwnedMessage::new(owned(payload), owned(key), "t".to_owned(), Timestamp::CreateTime(7), 1, 2, headers)
    }

    #[test]
    fn text_is_told_as_text_and_anything_else_in_base64() {
        let told = record(&message(Some(b"k"), Some(&[0, 0xff]), None), Room::new(1024, 10, 1));
        assert_eq!(told.key, Some(Content { bytes: 1, piece: Piece::Text("k".to_owned()) }));
        assert_eq!(told.payload, Some(Content { bytes: 2, piece: Piece::Base64("AP8=".to_owned()) }));
        assert_eq!((told.partition, told.offset, told.at_ms), (1, 2, Some(7)));
        assert_eq!(record(&message(None, None, None), Room::new(1024, 10, 1)).payload, None);
    }

    #[test]
    fn what_has_no_room_is_cut_and_counted() {
        let long = "ä".repeat(100_000);
        let mut headers = OwnedHeaders::new();
        for number in 0..200 {
            headers = headers.insert(Header { key: &format!("h{number}"), value: Some("x".repeat(50).as_bytes()) });
        }
        let room = Room::new(u32::MAX, 100, 50);
        let told = record(&message(Some(long.as_bytes()), Some(long.as_bytes()), Some(headers)), room);
        let payload = told.payload.expect("a payload");
        assert_eq!(payload.bytes, 200_000);
        assert!(told_bytes(&payload) <= room.payload && told_bytes(&payload) + 2 > room.payload);
        let headers: usize = told.headers.iter().map(|(name, value)| name.len() + told_bytes(value)).sum();
        assert!(headers <= room.beside);
        assert_eq!(told.headers.len() as u64 + told.headers_left_out, 200);
    }

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        let headers = OwnedHeaders::new().insert(Header { key: "Trace", value: Some(b"\x00AbC") });
        let message = message(Some(b"Key-1"), Some(&[0, b'L', b'y', b'o', b'n', 0xff]), Some(headers));
        for find in ["", "key-1", "Lyon", "trace", "abc"] {
            assert!(find_of(find, &[]).meets(&message), "{find}");
        }
        assert!(!find_of("paris", &[]).meets(&message));
    }

    fn find_of(text: &str, hidden: &[u32]) -> Find {
        let hidden = hidden.iter().filter_map(|id| SchemaId::new(*id)).collect();
        Find { text: text.to_lowercase(), hidden }
    }

    #[test]
    fn a_record_that_names_a_hidden_schema_is_not_found_by_any_text() {
        let payload = [0, 0, 0, 0, 7, b'a', b'd', b'a'];
        let in_payload = message(Some(b"key-1"), Some(&payload), None);
        let headers = OwnedHeaders::new().insert(Header { key: "h", value: Some(&payload[..]) });
        let in_header = message(Some(b"key-1"), None, Some(headers));
        for message in [in_payload, in_header] {
            for text in ["ada", "key-1"] {
                assert!(find_of(text, &[8]).meets(&message), "{text}");
                assert!(!find_of(text, &[8, 7]).meets(&message), "{text}");
            }
            assert!(find_of("", &[7]).meets(&message), "without a text all records are told");
        }
    }
}
