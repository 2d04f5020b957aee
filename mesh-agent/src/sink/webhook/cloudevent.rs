//! Events as CloudEvents 1.0 over HTTP: the one description of an event that endpoints of all makers know.
//!
//! | attribute | from |
//! | --- | --- |
//! | `id` | the message id that the sender chose; without one `SPOOL-SEQ`, the event's place in this agent's spool. The same at every redelivery |
//! | `source` | `/sites/NAME`, the site where the event was published |
//! | `type` | always `meshport.event`: what the event means stands in its topic |
//! | `subject` | the topic |
//! | `time` | when it was admitted |
//! | `partitionkey` | its ordering key, when that is text |
//! | `traceparent`, `correlationid`, `dataschema` | as the sender gave them, when they are text (`dataschema`: when it is a URI) |
//! | `redelivered` | `true` when the endpoint may have had it before; absent otherwise |
//! | others | user properties whose names are legal attributes (`a-z`, `0-9`), the first of each name, up to 8 KiB |
//!
//! User properties that cannot be attributes (`x-kind`, `Tenant`) are left out and counted. The payload is never altered:
//! in binary mode it is the body; in structured mode it is `data` when it is JSON or text, else `data_base64`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use mesh_protocol::desired::WebhookFormat;
use mesh_protocol::event::{Event, Headers};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The type of all events.
const TYPE: &str = "meshport.event";
/// Media type of structured mode.
const STRUCTURED: HeaderValue = HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
/// Names that user properties cannot take.
const RESERVED: [&str; 13] = [
    "id",
    "source",
    "type",
    "specversion",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data",
    "partitionkey",
    "traceparent",
    "correlationid",
    "redelivered",
];
/// Longest name of a user property, in bytes; the specification advises 20.
const NAME_BYTES_MAX: usize = 64;
/// Most bytes of user properties: many servers take 8 to 16 KiB of headers.
const PROPERTIES_BYTES_MAX: usize = 8 * 1024;
/// Longest message id that is used as it is, in bytes.
const ID_BYTES_MAX: usize = 256;

/// What the event itself does not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances<'a> {
    /// `SPOOL-SEQ`, or another id that is this event's own.
    pub(super) place: &'a str,
    /// `/sites/NAME`.
    pub(super) source: &'a str,
    /// The endpoint may have had it before.
    pub(super) redelivered: bool,
}

/// An event as a request carries it.
#[derive(Debug)]
pub(super) struct Message {
    /// For the signature: the event's id, or its place when that would not do as a header.
    pub(super) id: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// User properties that were left out.
    pub(super) left_out: u64,
}

/// Makes a message of an event.
pub(super) fn message(event: &Event, format: WebhookFormat, around: Circumstances<'_>) -> Message {
    let id = event.headers.message_id.as_deref().filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX);
    let (attributes, left_out) = attributes(event, id.unwrap_or(around.place), around);
    let plain = |id: &&str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':'));
    let id = id.filter(plain).unwrap_or(around.place).to_owned();
    let (headers, body) = match format {
        WebhookFormat::Binary => (headers(&attributes, &event.headers), event.payload.clone()),
        WebhookFormat::Structured => {
            (HeaderMap::from_iter([(CONTENT_TYPE, STRUCTURED)]), structured(attributes, event).into())
        }
    };
    Message { id, headers, body, left_out }
}

fn attributes(event: &Event, id: &str, around: Circumstances<'_>) -> (Map<String, Value>, u64) {
    let given = &event.headers;
    let mut attributes = Map::new();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty() && !value.contains(char::is_control)) {
            attributes.insert(name.to_owned(), Value::String(value));
        }
    };
    set("specversion", Some("1.0".to_owned()));
    set("id", Some(id.to_owned()));
    set("source", Some(around.source.to_owned()));
    set("type", Some(TYPE.to_owned()));
    set("subject", Some(event.topic.to_string()));
    set("time", time(event.admitted_at_ms));
    set("partitionkey", text(&event.key));
    set("traceparent", given.traceparent.clone());
    set("correlationid", given.correlation_id.as_ref().and_then(text));
    set("dataschema", given.schema_ref.clone().filter(|uri| uri.contains(':') && uri.is_ascii()));
    if around.redelivered {
        attributes.insert("redelivered".to_owned(), Value::Bool(true));
    }
    // An id with control characters is none: the place stands for it.
    attributes.entry("id").or_insert_with(|| Value::String(around.place.to_owned()));
    let left_out = properties(&mut attributes, given);
    (attributes, left_out)
}

/// Adds user properties; returns how many were left out.
fn properties(attributes: &mut Map<String, Value>, given: &Headers) -> u64 {
    let mut room = PROPERTIES_BYTES_MAX;
    let mut left_out = 0;
    for (name, value) in &given.user {
        let legal = !name.is_empty()
            && name.len() <= NAME_BYTES_MAX
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && !RESERVED.contains(&name.as_str())
            && !attributes.contains_key(name);
        // As a header, where each byte may become three.
        let bytes = name.len() + 3 * value.len();
        if legal && !value.contains(char::is_control) && bytes <= room {
            room -= bytes;
            attributes.insert(name.clone(), Value::String(value.clone()));
        } else {
            left_out += 1;
        }
    }
    left_out
}

fn text(bytes: &Bytes) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn time(ms: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?.format(&Rfc3339).ok()
}

fn headers(attributes: &Map<String, Value>, given: &Headers) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(attributes.len() + 1);
    for (name, value) in attributes {
        let value = match value {
            Value::String(text) => header_text(text),
            other => other.to_string(),
        };
        let name = HeaderName::try_from(format!("ce-{name}"));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    if let Some(kind) = content_type(given).and_then(|kind| HeaderValue::from_str(kind).ok()) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers
}

/// As the HTTP binding writes values: everything but printable ASCII, and the space, `"` and `%`, as `%XX`.
fn header_text(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn content_type(given: &Headers) -> Option<&str> {
    given.content_type.as_deref().filter(|kind| !kind.is_empty() && kind.bytes().all(|byte| (32..127).contains(&byte)))
}

/// What `data` can be.
enum Data<'a> {
    Json(&'a str),
    Text(&'a str),
    Bytes,
}

fn data<'a>(kind: Option<&str>, payload: &'a [u8]) -> Data<'a> {
    let Ok(text) = std::str::from_utf8(payload) else { return Data::Bytes };
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    // Without a type the specification takes data for JSON.
    let json = essence.as_deref().is_none_or(|kind| kind == "application/json" || kind.ends_with("+json"));
    let is_text = essence.as_deref().is_some_and(|kind| kind.starts_with("text/"));
    match (json, is_text) {
        (true, _) if serde_json::from_str::<IgnoredAny>(text).is_ok() => Data::Json(text),
        (_, true) => Data::Text(text),
        _ => Data::Bytes,
    }
}

/// One JSON document. A payload that is JSON stands in it byte for byte.
fn structured(mut attributes: Map<String, Value>, event: &Event) -> Vec<u8> {
    let kind = content_type(&event.headers);
    if let Some(kind) = kind {
        attributes.insert("datacontenttype".to_owned(), Value::String(kind.to_owned()));
    }
    let raw = match data(kind, &event.payload) {
        _ if event.payload.is_empty() => None,
        Data::Json(text) => Some(text),
        Data::Text(text) => {
            attributes.insert("data".to_owned(), Value::String(text.to_owned()));
            None
        }
        Data::Bytes => {
            attributes.insert("data_base64".to_owned(), Value::String(STANDARD.encode(&event.payload)));
            None
        }
    };
    let mut document = Value::Object(attributes).to_string().into_bytes();
    if let Some(raw) = raw {
        document.pop();
        document.extend_from_slice(b",\"data\":");
        document.extend_from_slice(raw.as_bytes());
        document.push(b'}');
    }
    document
}

#[cfg(test)]
mod tests;
