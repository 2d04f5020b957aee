//! Values that not everybody sees: what is designed says by its tags what is delicate, and roles say who sees it anyway.
//!
//! ```text
//! a tag of an event or of one of its schemas --> all of it is masked: JSON keeps its shape, anything else nothing
//! a tag of a field in a schema's text        --> `Veil`: these fields are masked, and what the schema does not describe
//! ```
//! Where a value cannot be told apart by its schema, all of it is masked. What masks is worked out once for each reading of
//! the designs, for whoever looks.

mod masks;
mod veil;

use std::sync::Arc;

use mesh_protocol::queue::QueuedEvent;
use mesh_protocol::topic::{Filter, Topic};
use serde_json::Value;

pub(super) use mesh_schema::MASKED as MASK;

pub(super) use self::masks::{Masks, Parts};
pub(super) use self::veil::{Seen, Veil};
use super::permission::Right;
use super::{App, Caller, Error, Result};

/// What stands for a payload that cannot be told apart by its schema.
const NOT_TOLD: &str = "••• (masked as a whole: it is not what its schema describes, and that has tagged fields)";
/// Deepest JSON that keeps its shape.
const DEPTH_MAX: usize = 64;

/// What is masked of events for somebody, by their addresses.
#[derive(Clone, Debug, Default)]
pub struct Mask(Arc<Vec<OfEvent>>);

/// What is masked of the events at an address.
#[derive(Clone, Debug)]
pub(super) struct OfEvent {
    filter: Filter,
    /// All of it.
    is_whole: bool,
    payload: Veil,
    key: Veil,
    headers: Veil,
}

impl App {
    /// What is masked for a caller when events are shown.
    pub(super) async fn mask(&self, caller: &Caller) -> Result<Mask> {
        if caller.permit(Right::DataUnmask).is_ok() {
            return Ok(Mask::default());
        }
        Ok(Mask(self.masks().await?.events()))
    }

    /// What masks anything, for whoever may not see all.
    pub(super) async fn masks(&self) -> Result<Arc<Masks>> {
        let designs = self.designs().await?;
        if let Some(masks) = designs.masks.get() {
            return Ok(masks.clone());
        }
        let app = self.clone();
        // Schemas are parsed: that is work.
        let made = tokio::task::spawn_blocking(move || {
            let make = || Arc::new(Masks::of(&designs, &app.config().masked_tags));
            designs.masks.get_or_init(make).clone()
        });
        made.await.map_err(|_| Error::Internal("what is masked could not be worked out"))
    }
}

impl Mask {
    /// What masks events at a topic.
    fn at(&self, topic: &str) -> OfTopic {
        let topic = Topic::new(topic).ok();
        let of: Vec<&OfEvent> =
            self.0.iter().filter(|of| topic.as_ref().is_some_and(|at| of.filter.matches(at))).collect();
        OfTopic {
            is_whole: of.iter().any(|of| of.is_whole),
            payload: Veil::join(of.iter().map(|of| &of.payload)),
            key: Veil::join(of.iter().map(|of| &of.key)),
            headers: Veil::join(of.iter().map(|of| &of.headers)),
        }
    }

    /// A payload that came with a topic, masked if it must be.
    #[must_use]
    pub fn payload(&self, topic: &str, payload: String) -> String {
        if self.0.is_empty() { payload } else { self.at(topic).payload(payload) }
    }

    /// An event that waits in a queue, masked where it must be.
    #[must_use]
    pub fn queued(&self, event: QueuedEvent) -> QueuedEvent {
        if self.0.is_empty() {
            return event;
        }
        let of = self.at(&event.topic);
        let property = |(name, value): (String, String)| {
            let is_seen = !of.is_whole && of.headers.shows_header(&name, &value);
            (name, if is_seen { value } else { MASK.to_owned() })
        };
        QueuedEvent {
            key: if event.key.is_empty() { event.key } else { of.key(event.key) },
            payload: of.payload(event.payload),
            properties: event.properties.into_iter().map(property).collect(),
            ..event
        }
    }
}

/// What masks the events at one topic.
struct OfTopic {
    is_whole: bool,
    payload: Veil,
    key: Veil,
    headers: Veil,
}

impl OfTopic {
    fn payload(&self, payload: String) -> String {
        if self.is_whole {
            let value = serde_json::from_str(&payload).ok().and_then(|value| masked(&value));
            return value.map_or_else(|| MASK.to_owned(), |value| value.to_string());
        }
        match self.payload.text(&payload) {
            Seen::All => payload,
            Seen::Part { value, .. } => value.to_string(),
            Seen::Nothing { .. } => NOT_TOLD.to_owned(),
        }
    }

    fn key(&self, key: String) -> String {
        match self.key.text(&key) {
            _ if self.is_whole => MASK.to_owned(),
            Seen::All => key,
            Seen::Part { value, .. } => value.to_string(),
            Seen::Nothing { .. } => MASK.to_owned(),
        }
    }
}

/// The same shape without its values; none = it is too deep.
pub(super) fn masked(value: &Value) -> Option<Value> {
    within(value, DEPTH_MAX)
}

fn within(value: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match value {
        Value::Null => Value::Null,
        Value::Array(items) => Value::Array(items.iter().map(|item| within(item, depth)).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| Some((name.clone(), within(value, depth)?));
            Value::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => MASK.into(),
    })
}

#[cfg(test)]
mod tests;
