//! The bounds of an event, checked where it is admitted, so that every later reader may refuse what is beyond them.

use super::{
    Event, Headers, MAX_HEADERS_BYTES, MAX_KEY_BYTES, MAX_PATH, MAX_PAYLOAD_BYTES, MAX_TEXT_BYTES, MAX_USER_PROPERTIES,
};

/// An event is too large in one respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event's {field} has {length} {unit}: at most {max} are allowed")]
pub struct LimitError {
    /// Which part.
    pub field: &'static str,
    /// How long it is.
    pub length: usize,
    /// Bytes or items.
    pub unit: &'static str,
    /// How long it may be.
    pub max: usize,
}

impl Event {
    /// Whether it is within the bounds of this module. Whoever admits an event calls it first.
    ///
    /// # Errors
    /// [`LimitError`] with the first part that is too large.
    pub fn check(&self) -> Result<(), LimitError> {
        bytes("payload", self.payload.len(), MAX_PAYLOAD_BYTES)?;
        bytes("ordering key", self.key.len(), MAX_KEY_BYTES)?;
        items("path", self.path.len(), MAX_PATH)?;
        for hop in &self.path {
            bytes("path", hop.cluster.len(), MAX_TEXT_BYTES)?;
        }
        self.headers.check()
    }
}

impl Headers {
    /// Bytes of all headers together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let user: usize = self.user.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.fields().iter().map(|(_, length)| length).sum::<usize>() + user
    }

    fn check(&self) -> Result<(), LimitError> {
        for (field, length) in self.fields() {
            bytes(field, length, MAX_TEXT_BYTES)?;
        }
        items("list of user properties", self.user.len(), MAX_USER_PROPERTIES)?;
        for (name, value) in &self.user {
            bytes("user property", name.len().max(value.len()), MAX_TEXT_BYTES)?;
        }
        bytes("header section", self.bytes(), MAX_HEADERS_BYTES)
    }

    fn fields(&self) -> [(&'static str, usize); 6] {
        let text = |field: &Option<String>| field.as_ref().map_or(0, String::len);
        [
            ("content type", text(&self.content_type)),
            ("schema reference", text(&self.schema_ref)),
            ("message id", text(&self.message_id)),
            ("correlation id", self.correlation_id.as_ref().map_or(0, bytes::Bytes::len)),
            ("reply-to topic", self.reply_to.as_ref().map_or(0, |topic| topic.as_str().len())),
            ("trace context", text(&self.traceparent)),
        ]
    }
}

const fn bytes(field: &'static str, length: usize, max: usize) -> Result<(), LimitError> {
    within(field, length, "bytes", max)
}

const fn items(field: &'static str, length: usize, max: usize) -> Result<(), LimitError> {
    within(field, length, "items", max)
}

const fn within(field: &'static str, length: usize, unit: &'static str, max: usize) -> Result<(), LimitError> {
    if length > max { Err(LimitError { field, length, unit, max }) } else { Ok(()) }
}
