//! An event that policy let in. It can only be made by a [`Permit`](crate::policy::Permit).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mesh_protocol::event::{self, Event};

/// An admitted event, shared by all outlets that take it, encoded at most once.
#[derive(Clone, Debug)]
pub struct Admitted {
    inner: Arc<Inner>,
    recalled: bool,
    /// It is not to be the last value of its topic, although it says so.
    unkept: bool,
    /// It is a dead letter already.
    diverted: bool,
}

#[derive(Debug)]
struct Inner {
    event: Event,
    encoded: OnceLock<Bytes>,
}

impl Admitted {
    pub(crate) fn new(event: Event) -> Self {
        Self::with(event, OnceLock::new())
    }

    /// For an event that a contract diverts: the dead letter of it.
    pub(crate) fn diverted(letter: Event) -> Self {
        Self { unkept: true, diverted: true, ..Self::new(letter) }
    }

    /// For an event that came in its encoded form: the same bytes go on.
    pub(crate) fn from_encoded(event: Event, encoded: Bytes) -> Self {
        Self::with(event, OnceLock::from(encoded))
    }

    fn with(event: Event, encoded: OnceLock<Bytes>) -> Self {
        Self { inner: Arc::new(Inner { event, encoded }), recalled: false, unkept: false, diverted: false }
    }

    /// Whether it goes into the agent's dead letters and nowhere else.
    #[must_use]
    pub const fn is_diverted(&self) -> bool {
        self.diverted
    }

    /// The same as the last value of its topic, for somebody who wants it from now on: nothing new happened.
    #[must_use]
    pub fn recalled(self, recalled: bool) -> Self {
        Self { recalled, ..self }
    }

    /// Whether it is not new, but the last value of its topic.
    #[must_use]
    pub const fn is_recalled(&self) -> bool {
        self.recalled
    }

    /// Whether it is to be the last value of its topic from now on.
    #[must_use]
    pub fn is_last_value(&self) -> bool {
        self.inner.event.retain && !self.unkept
    }

    /// The same as one that is no last value: there is no room for it, or its time cannot be believed.
    #[must_use]
    pub fn unkept(self) -> Self {
        Self { unkept: true, ..self }
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.inner.event
    }

    /// Its bytes on the wire and on disk; made once, when first needed.
    #[must_use]
    pub fn encoded(&self) -> &Bytes {
        self.inner.encoded.get_or_init(|| event::encode(&self.inner.event))
    }
}
