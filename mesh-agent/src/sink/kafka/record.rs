//! An event as a record: which topic, which key, which headers.

use std::cell::OnceCell;

use bytes::Bytes;
use mesh_protocol::desired::KafkaSink;
use mesh_protocol::event::Event;
use mesh_protocol::template::{Lookup, RenderError, Template, TemplateError};
use mesh_protocol::topic::Topic;
use rdkafka::message::{Header, OwnedHeaders};
use serde_json::Value;

use crate::kafka::headers;

/// Longest name of a Kafka topic, in bytes.
const TOPIC_BYTES_MAX: usize = 249;

/// How the route turns events into records.
#[derive(Debug)]
pub(super) struct Mapping {
    topic: Template,
    key: Option<Template>,
}

/// A record to be sent, and sent again if need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) topic: String,
    pub(super) key: Bytes,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    /// It has no value at all.
    pub(super) tombstone: bool,
}

/// What is wrong with the route.
#[derive(Debug, thiserror::Error)]
pub(super) enum MappingError {
    #[error("the template of the Kafka topic is wrong: {0}")]
    Topic(TemplateError),
    #[error("the template of the record's key is wrong: {0}")]
    Key(TemplateError),
}

/// Why an event gives no record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unmappable {
    #[error("event {topic} gives no Kafka topic: {why}")]
    Topic { topic: String, why: RenderError },
    #[error("event {topic} gives no key: {why}")]
    Key { topic: String, why: RenderError },
    #[error("event {topic} gives the Kafka topic `{name}`, but only letters, digits, `.`, `_` and `-` are legal there")]
    Name { topic: String, name: String },
}

impl Mapping {
    pub(super) fn new(sink: &KafkaSink) -> Result<Self, MappingError> {
        let topic = Template::parse(&sink.topic).map_err(MappingError::Topic)?;
        let key = sink.key.as_deref().map(Template::parse).transpose().map_err(MappingError::Key)?;
        Ok(Self { topic, key })
    }

    /// The record for an event.
    ///
    /// The key is the template's; without one the key of the record the event was made of, or the ordering key.
    pub(super) fn map(&self, event: &Event) -> Result<Record, Unmappable> {
        let fields = Fields { event, value: OnceCell::new() };
        let of = || event.topic.to_string();
        let topic = self.topic.render(&fields).map_err(|why| Unmappable::Topic { topic: of(), why })?;
        if !is_topic(&topic) {
            return Err(Unmappable::Name { topic: of(), name: topic });
        }
        let key = match &self.key {
            Some(template) => template.render_text(&fields).map_err(|why| Unmappable::Key { topic: of(), why })?.into(),
            None => headers::record_key(&event.headers).unwrap_or_else(|| event.key.clone()),
        };
        let redelivered = headers::has(&event.headers, headers::REDELIVERED);
        let tombstone = event.payload.is_empty() && headers::has(&event.headers, headers::TOMBSTONE);
        Ok(Record { topic, key, headers: record_headers(event, redelivered), tombstone })
    }
}

impl Record {
    /// As the client library takes them.
    pub(super) fn library_headers(&self) -> OwnedHeaders {
        let empty = OwnedHeaders::new_with_capacity(self.headers.len());
        self.headers.iter().fold(empty, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
    }

    /// Says where its event stands in the sink's queue.
    pub(super) fn mark_place(&mut self, place: String) {
        self.headers.push((headers::PLACE.to_owned(), place.into_bytes()));
    }

    /// Marks it as one that may have been written before.
    pub(super) fn mark_redelivered(&mut self) {
        if !self.headers.iter().any(|(name, _)| name == headers::REDELIVERED) {
            self.headers.push((headers::REDELIVERED.to_owned(), b"1".to_vec()));
        }
    }
}

fn is_topic(name: &str) -> bool {
    let legal = |sign: u8| sign.is_ascii_alphanumeric() || b"._-".contains(&sign);
    !name.is_empty() && name.len() <= TOPIC_BYTES_MAX && name.bytes().all(legal) && name != "." && name != ".."
}

fn record_headers(event: &Event, redelivered: bool) -> Vec<(String, Vec<u8>)> {
    let from = &event.headers;
    let mut out: Vec<(String, Vec<u8>)> = Vec::with_capacity(from.user.len() + 6);
    let mut put = |name: &str, value: Option<&[u8]>| {
        if let Some(value) = value {
            out.push((name.to_owned(), value.to_vec()));
        }
    };
    put(headers::CONTENT_TYPE, from.content_type.as_deref().map(str::as_bytes));
    put(headers::SCHEMA_REF, from.schema_ref.as_deref().map(str::as_bytes));
    put(headers::MESSAGE_ID, from.message_id.as_deref().map(str::as_bytes));
    put(headers::CORRELATION_ID, from.correlation_id.as_deref());
    put(headers::REPLY_TO, from.reply_to.as_ref().map(|topic| topic.as_str().as_bytes()));
    put(headers::TRACEPARENT, from.traceparent.as_deref().map(str::as_bytes));
    put(headers::TOPIC, Some(event.topic.as_str().as_bytes()));
    put(headers::ORIGIN_SITE, Some(event.origin.site.to_string().as_bytes()));
    if !event.path.is_empty() {
        put(headers::PATH, Some(headers::write_path(&event.path).as_bytes()));
    }
    if redelivered {
        put(headers::REDELIVERED, Some(b"1"));
    }
    out.extend(from.user.iter().filter_map(|(name, value)| headers::to_record(name, value)));
    out
}

/// An event as templates see it.
struct Fields<'a> {
    event: &'a Event,
    value: OnceCell<Option<Value>>,
}

impl Lookup for Fields<'_> {
    fn key(&self) -> Option<&str> {
        let user = &self.event.headers.user;
        match user.iter().find(|(name, _)| name == headers::KEY) {
            Some((_, key)) => Some(key),
            None => std::str::from_utf8(&self.event.key).ok(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let headers = &self.event.headers;
        match name {
            headers::CONTENT_TYPE => headers.content_type.as_deref(),
            headers::SCHEMA_REF => headers.schema_ref.as_deref(),
            headers::MESSAGE_ID => headers.message_id.as_deref(),
            headers::TRACEPARENT => headers.traceparent.as_deref(),
            headers::REPLY_TO => headers.reply_to.as_ref().map(Topic::as_str),
            headers::CORRELATION_ID => headers.correlation_id.as_deref().and_then(|id| std::str::from_utf8(id).ok()),
            _ => headers.user.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()),
        }
    }

    fn topic(&self) -> Option<&str> {
        Some(self.event.topic.as_str())
    }

    fn timestamp_ms(&self) -> Option<i64> {
        Some(self.event.admitted_at_ms)
    }

    fn value(&self) -> Option<&Value> {
        self.value.get_or_init(|| serde_json::from_slice(&self.event.payload).ok()).as_ref()
    }
}

#[cfg(test)]
mod tests;
