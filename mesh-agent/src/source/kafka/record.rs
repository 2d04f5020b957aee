//! A record as an event: which topic, and whether it passes the route's filter.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use mesh_protocol::desired::KafkaSource;
use mesh_protocol::event::{DeliveryMode, Event, Hop, MAX_PATH, MAX_PAYLOAD_BYTES, Origin};
use mesh_protocol::expr::{Expr, ExprError};
use mesh_protocol::record::Field;
use mesh_protocol::schema_id::{self, SchemaId};
use mesh_protocol::template::{Lookup, Template, TemplateError};
use mesh_protocol::topic::Topic;
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use serde_json::Value;

use super::known::Known;
use crate::kafka::headers::{self, FromRecord};
use crate::schemas::Found;
use crate::status::now_ms;

/// How the route turns records into events.
#[derive(Debug)]
pub(super) struct Mapping {
    template: Template,
    filter: Option<Expr>,
    mode: DeliveryMode,
    /// Records are read by the schemas they name.
    decodes: bool,
}

/// What is wrong with the route.
#[derive(Debug, thiserror::Error)]
pub(super) enum MappingError {
    #[error("the template of the topic is wrong: {0}")]
    Template(TemplateError),
    #[error("the filter is wrong: {0}")]
    Filter(ExprError),
}

/// A record, copied out of the client's memory.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) offset: i64,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) key: Option<Bytes>,
    /// None: a tombstone.
    pub(super) payload: Option<Bytes>,
    pub(super) headers: FromRecord,
}

/// A partition and where it lies.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) cluster: Arc<str>,
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    /// The ordering key of all its events.
    pub(super) key: Bytes,
}

/// What a record is to the mesh.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mapped {
    Event(Box<Event>),
    /// The route's filter leaves it out.
    Filtered,
    /// It has been in this cluster, unchanged.
    Looped,
    /// It cannot be an event, with the reason.
    Poison(String),
    /// Nobody can say before this schema is known.
    Needs(SchemaId),
}

/// Why a payload has no value.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    /// It is no JSON, and names no schema. It has no fields, and that is all.
    Opaque,
    /// It names a schema that is not at hand.
    Needs(SchemaId),
    /// It names a schema by which it cannot be read, and why.
    Poison(String),
}

impl Place {
    pub(super) fn new(cluster: Arc<str>, topic: &str, partition: i32) -> Self {
        Self { cluster, topic: topic.into(), partition, key: format!("{topic}/{partition}").into() }
    }
}

impl Record {
    /// Copies a message.
    pub(super) fn copy(message: &BorrowedMessage<'_>) -> Self {
        let pairs = message.headers().into_iter().flat_map(|headers| headers.iter());
        Self {
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key: message.key().map(Bytes::copy_from_slice),
            payload: message.payload().map(Bytes::copy_from_slice),
            headers: headers::read(pairs.map(|header| (header.key, header.value))),
        }
    }

    /// Bytes it takes in memory, about.
    pub(super) fn size(&self) -> usize {
        let payload = self.payload.as_ref().map_or(0, Bytes::len);
        payload + self.key.as_ref().map_or(0, Bytes::len) + crate::router::EVENT_OVERHEAD_BYTES
    }
}

impl Mapping {
    pub(super) fn new(source: &KafkaSource) -> Result<Self, MappingError> {
        let template = Template::parse(&source.template).map_err(MappingError::Template)?;
        let filter = source.filter.as_deref().filter(|text| !text.trim().is_empty());
        let filter = filter.map(Expr::parse).transpose().map_err(MappingError::Filter)?;
        let in_template = template.fields().any(|field| matches!(field, Field::Value(_)));
        let asks_for_value = in_template || filter.as_ref().is_some_and(Expr::asks_for_value);
        Ok(Self { template, filter, mode: source.mode, decodes: asks_for_value && source.schemas.is_some() })
    }

    /// Whether it may need schemas: records are read by them only where the route asks for what is in them.
    pub(super) fn decodes(&self) -> bool {
        self.decodes
    }

    /// The schema without which nobody can say what a record is; none when all that it needs is at hand.
    pub(super) fn lacks(&self, place: &Place, record: &Record, known: &Known) -> Option<SchemaId> {
        let (id, _) = schema_id::split(record.payload.as_deref()?).filter(|_| self.decodes)?;
        if known.get(id).is_some() {
            return None;
        }
        // The filter may leave it out by its key or a header.
        match self.topic(&Fields::of(place, record, Some(known))) {
            Err(Mapped::Needs(id)) => Some(id),
            Ok(_) | Err(_) => None,
        }
    }

    /// What a record is, read by the schemas at hand.
    pub(super) fn map(
        &self,
        place: &Place,
        record: &Record,
        known: &Known,
        origin: Origin,
        redelivered: bool,
    ) -> Mapped {
        let topic = match self.topic(&Fields::of(place, record, self.decodes.then_some(known))) {
            Ok(topic) => topic,
            Err(other) => return other,
        };
        let payload = record.payload.clone().unwrap_or_default();
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Mapped::Poison(format!("it has {} bytes, above the mesh's {MAX_PAYLOAD_BYTES}", payload.len()));
        }
        let content = headers::content(&topic, record.key.as_deref().unwrap_or_default(), &payload);
        let hop = Hop { cluster: place.cluster.to_string(), content };
        let mut path = record.headers.path.clone();
        if path.contains(&hop) || path.len() >= MAX_PATH {
            return Mapped::Looped;
        }
        path.push(hop);
        Mapped::Event(Box::new(Event {
            topic,
            payload,
            key: place.key.clone(),
            headers: event_headers(place, record, redelivered),
            mode: self.mode,
            admitted_at_ms: now_ms(),
            ttl_ms: None,
            origin,
            path,
            retain: false,
        }))
    }
}

impl Mapping {
    /// The topic of a record's event; else what it is instead. What is asked of a payload that could not be read counts for
    /// nothing, however the filter took it.
    fn topic(&self, fields: &Fields<'_>) -> Result<Topic, Mapped> {
        let passes = self.filter.as_ref().is_none_or(|filter| filter.matches(fields));
        fields.check()?;
        if !passes {
            return Err(Mapped::Filtered);
        }
        let topic = self.template.render_topic(fields);
        fields.check()?;
        topic.map_err(|error| Mapped::Poison(error.to_string()))
    }
}

/// A record that can be no event of the route, as one of its Kafka topic. What is larger than any event leaves its payload
/// in Kafka.
pub(super) fn letter(place: &Place, record: &Record, origin: Origin, redelivered: bool) -> Event {
    let mut headers = event_headers(place, record, redelivered);
    let mut payload = record.payload.clone().unwrap_or_default();
    if payload.len() > MAX_PAYLOAD_BYTES {
        headers.user.push((headers::LEFT_OUT.to_owned(), payload.len().to_string()));
        payload = Bytes::new();
    }
    Event {
        topic: Topic::new(&*place.topic)
            .expect("a Kafka topic's name is one level of letters, digits, `.`, `_` and `-`"),
        payload,
        key: place.key.clone(),
        headers,
        mode: DeliveryMode::Guaranteed,
        admitted_at_ms: now_ms(),
        ttl_ms: None,
        origin,
        path: record.headers.path.clone(),
        retain: false,
    }
}

fn event_headers(place: &Place, record: &Record, redelivered: bool) -> mesh_protocol::event::Headers {
    let mut from = record.headers.headers.clone();
    let position = format!("{}/{}/{}/{}", place.cluster, place.topic, place.partition, record.offset);
    from.message_id.get_or_insert_with(|| position.clone());
    from.user.push((headers::POSITION.to_owned(), position));
    if let Some(key) = &record.key {
        from.user.push(headers::key_property(key));
    }
    if record.payload.is_none() {
        from.user.push((headers::TOMBSTONE.to_owned(), "1".to_owned()));
    }
    if redelivered {
        from.user.push((headers::REDELIVERED.to_owned(), "1".to_owned()));
    }
    from
}

/// A record as templates and filters see it.
struct Fields<'a> {
    place: &'a Place,
    record: &'a Record,
    /// By which it is read; none = it is JSON or nothing.
    known: Option<&'a Known>,
    value: OnceCell<Result<Value, Unread>>,
}

impl<'a> Fields<'a> {
    fn of(place: &'a Place, record: &'a Record, known: Option<&'a Known>) -> Self {
        Self { place, record, known, value: OnceCell::new() }
    }

    /// Whether all that was asked so far could be read.
    fn check(&self) -> Result<(), Mapped> {
        match self.value.get() {
            None | Some(Ok(_) | Err(Unread::Opaque)) => Ok(()),
            Some(Err(Unread::Needs(id))) => Err(Mapped::Needs(*id)),
            Some(Err(Unread::Poison(reason))) => Err(Mapped::Poison(reason.clone())),
        }
    }

    fn read(&self, payload: &[u8]) -> Result<Value, Unread> {
        let Some((known, (id, rest))) = self.known.zip(schema_id::split(payload)) else {
            return serde_json::from_slice(payload).map_err(|_| Unread::Opaque);
        };
        match known.get(id) {
            None => Err(Unread::Needs(id)),
            Some(Found::Decoder(decoder)) => {
                let told = |why| Unread::Poison(format!("it names schema {id}, by which it cannot be read: {why}"));
                decoder.decode(rest).map_err(told)
            }
            Some(Found::Never(reason)) => Err(Unread::Poison(reason.to_string())),
        }
    }
}

impl Lookup for Fields<'_> {
    fn key(&self) -> Option<&str> {
        std::str::from_utf8(self.record.key.as_deref()?).ok()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let from = &self.record.headers.headers;
        match name {
            headers::CONTENT_TYPE => from.content_type.as_deref(),
            headers::SCHEMA_REF => from.schema_ref.as_deref(),
            headers::MESSAGE_ID => from.message_id.as_deref(),
            headers::TRACEPARENT => from.traceparent.as_deref(),
            headers::REPLY_TO => from.reply_to.as_ref().map(Topic::as_str),
            headers::CORRELATION_ID => from.correlation_id.as_deref().and_then(|id| std::str::from_utf8(id).ok()),
            _ => from.user.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()),
        }
    }

    fn topic(&self) -> Option<&str> {
        Some(&self.place.topic)
    }

    fn partition(&self) -> Option<i32> {
        Some(self.place.partition)
    }

    fn offset(&self) -> Option<i64> {
        Some(self.record.offset)
    }

    fn timestamp_ms(&self) -> Option<i64> {
        self.record.timestamp_ms
    }

    fn value(&self) -> Option<&Value> {
        let payload = self.record.payload.as_ref()?;
        self.value.get_or_init(|| self.read(payload)).as_ref().ok()
    }
}

#[cfg(test)]
mod tests;
