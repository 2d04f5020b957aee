//! An event that policy let in. It can only be made by a [`Permit`](crate::policy::Permit).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mesh_protocol::event::{self, Event};

/// An admitted event, shared by all outlets that take it, encoded at most once.
#[derive(Clone, Debug)]
pub struct Admitted(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    event: Event,
    encoded: OnceLock<Bytes>,
}

impl Admitted {
    pub(crate) fn new(event: Event) -> Self {
        Self(Arc::new(Inner { event, encoded: OnceLock::new() }))
    }

    /// For an event that came in its encoded form: the same bytes go on.
    pub(crate) fn from_encoded(event: Event, encoded: Bytes) -> Self {
        Self(Arc::new(Inner { event, encoded: OnceLock::from(encoded) }))
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.0.event
    }

    /// Its bytes on the wire and on disk; made once, when first needed.
    #[must_use]
    pub fn encoded(&self) -> &Bytes {
        self.0.encoded.get_or_init(|| event::encode(&self.0.event))
    }
}
