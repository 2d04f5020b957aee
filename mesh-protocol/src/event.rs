//! An event: a topic, payload bytes that are never altered, and what must travel with them.
//!
//! An event is encoded **once**, where it is admitted. The same bytes go to the spool, into frames and into the far
//! spool; everything that changes per hop lives in the [`frame`](crate::frame) around them.

mod codec;
mod limit;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use codec::{DecodeError, decode, encode};
pub use limit::LimitError;

use crate::id::{PrincipalId, SiteId};
use crate::topic::Topic;

/// Largest payload the mesh carries, in bytes. Listeners may be configured lower, never higher.
pub const MAX_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;
/// Most user properties one event carries.
pub const MAX_USER_PROPERTIES: usize = 64;
/// Largest ordering key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;
/// Longest header: each text, each name and value of a user property, and the correlation id, in bytes (MQTT's bound).
pub const MAX_TEXT_BYTES: usize = 65_535;
/// Most bytes of all headers of one event together.
pub const MAX_HEADERS_BYTES: usize = 256 * 1024;
/// Most cluster hops remembered against loops.
pub const MAX_PATH: usize = 16;

/// What the sender asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// Best effort, lowest latency: nobody waits, a full queue drops and counts.
    Direct,
    /// Acknowledged to the sender when it is safe; at least once end to end, in order per ordering key.
    Guaranteed,
}

/// How an event came into the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// MQTT 3.1.1 or 5, plain, TLS or WebSocket.
    Mqtt,
    /// HTTP publish or subscribe (SSE, WebSocket).
    Http,
    /// A Kafka source or sink.
    Kafka,
    /// AMQP 1.0.
    Amqp,
    /// Made by the mesh itself.
    Mesh,
}

impl Protocol {
    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "MQTT",
            Self::Http => "HTTP",
            Self::Kafka => "Kafka",
            Self::Amqp => "AMQP",
            Self::Mesh => "the mesh",
        }
    }
}

/// Metadata carried beside the payload. Empty fields cost one bit on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Media type of the payload.
    pub content_type: Option<String>,
    /// Reference to the schema of the payload.
    pub schema_ref: Option<String>,
    /// Id chosen by the sender.
    pub message_id: Option<String>,
    /// Ties a reply to its request. Bytes, because MQTT's correlation data is.
    pub correlation_id: Option<Bytes>,
    /// Topic where a reply is expected.
    pub reply_to: Option<Topic>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// Sender's own properties, order and duplicates kept; at most [`MAX_USER_PROPERTIES`].
    pub user: Vec<(String, String)>,
}

/// Where an event was admitted, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The site of the accepting agent; scope is decided by it.
    pub site: SiteId,
    /// The principal that published it; none for the mesh's own events.
    pub principal: Option<PrincipalId>,
    /// How it came in.
    pub protocol: Protocol,
}

/// One cluster an event has passed, bound to the event's content so that a derived event with copied headers counts
/// as new (DATAPLANE.md, "Loops").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The cluster's own id.
    pub cluster: String,
    /// First eight bytes of SHA-256 over topic, key and value.
    pub content: [u8; 8],
}

/// One event, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it is published.
    pub topic: Topic,
    /// The payload, never altered.
    pub payload: Bytes,
    /// Events with equal keys keep their order. MQTT: client id; HTTP: topic; Kafka: source partition.
    pub key: Bytes,
    /// Metadata.
    pub headers: Headers,
    /// Direct or guaranteed.
    pub mode: DeliveryMode,
    /// Wall clock at admission, milliseconds since the Unix epoch. For people; nothing is ordered by it but the last values of
    /// one topic (`retain`): of those it is later than that of every one before it that its agent knew.
    pub admitted_at_ms: i64,
    /// Time to live counted from admission, in milliseconds; none = does not expire.
    pub ttl_ms: Option<u64>,
    /// Where it was admitted.
    pub origin: Origin,
    /// The clusters it has passed; at most [`MAX_PATH`].
    pub path: Vec<Hop>,
    /// The sender asked for the event to be kept as the topic's last value (MQTT: retained); one without payload ends that.
    pub retain: bool,
}

impl Event {
    /// A direct event without headers, keyed by its topic, admitted at the start of time. For what the mesh itself says,
    /// and as a base to fill in.
    #[must_use]
    pub fn direct(topic: Topic, payload: impl Into<Bytes>, origin: Origin) -> Self {
        let key = Bytes::copy_from_slice(topic.as_str().as_bytes());
        Self {
            topic,
            payload: payload.into(),
            key,
            headers: Headers::default(),
            mode: DeliveryMode::Direct,
            admitted_at_ms: 0,
            ttl_ms: None,
            origin,
            path: Vec::new(),
            retain: false,
        }
    }

    /// As [`Event::direct`], guaranteed.
    #[must_use]
    pub fn guaranteed(topic: Topic, payload: impl Into<Bytes>, origin: Origin) -> Self {
        Self { mode: DeliveryMode::Guaranteed, ..Self::direct(topic, payload, origin) }
    }

    /// Milliseconds left to live at a moment; none = does not expire, 0 = has expired.
    #[must_use]
    pub fn ttl_left_ms(&self, now_ms: i64) -> Option<u64> {
        let age = u64::try_from(now_ms.saturating_sub(self.admitted_at_ms)).unwrap_or(0);
        self.ttl_ms.map(|ttl| ttl.saturating_sub(age))
    }

    /// Whether its time to live had passed at a moment.
    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.ttl_left_ms(now_ms) == Some(0)
    }
}
