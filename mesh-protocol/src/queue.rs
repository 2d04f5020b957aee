//! What people ask of a queue at the agent that owns it, and what it answers: a look at what waits, dead letters, and
//! the few things that change a queue's content. They travel over the control session; see [`wire`](crate::wire).

use serde::{Deserialize, Serialize};

use crate::id::{QueueId, RouteId};

/// Most events in one page of a look.
pub const PAGE_EVENTS_MAX: u32 = 100;
/// Largest piece of a payload in a look, in bytes.
pub const PAGE_PAYLOAD_BYTES_MAX: u32 = 64 * 1024;

/// Something durable that holds events for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueRef {
    /// A named queue.
    Queue(QueueId),
    /// What waits for the sink of a route.
    Sink(RouteId),
    /// What the agent had for other agents and they refused for good: dead letters alone. What waits for them is seen at
    /// the links.
    Fabric,
}

/// Which of the places that belong to a [`QueueRef`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// What waits to be consumed.
    #[default]
    Waiting,
    /// What could not be brought to anybody.
    DeadLetters,
    /// What consumers have acknowledged, as long as the queue keeps it for a replay; sinks have no such place.
    Acknowledged,
}

/// Which events of a shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// All that are there when it begins.
    All,
    /// These, by their position; those that are gone are passed over.
    These(Vec<u64>),
}

/// Which acknowledged events are to be delivered again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// All that are kept.
    All,
    /// From this position on, itself included.
    FromPosition(u64),
    /// What was admitted to the mesh at this moment or later, milliseconds since the Unix epoch.
    SinceMs(i64),
    /// These, by their position; those that are gone are passed over.
    These(Vec<u64>),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum QueueAsk {
    /// A page of what is there, oldest first. Changes nothing.
    Browse {
        /// Of what.
        shelf: Shelf,
        /// Begins behind this position; 0 = at the oldest.
        after: u64,
        /// At most so many, and never more than [`PAGE_EVENTS_MAX`].
        limit: u32,
        /// Payloads are cut to this many bytes, and never longer than [`PAGE_PAYLOAD_BYTES_MAX`].
        payload_bytes_max: u32,
    },
    /// Events go for good. Of what waits, those that a consumer has now stay.
    Delete {
        /// Of what.
        shelf: Shelf,
        /// Which.
        which: Which,
    },
    /// Dead letters go back to the queue they were for, behind what waits there.
    Retry {
        /// Which.
        which: Which,
    },
    /// Acknowledged events go back to their old places in the queue: they are delivered again, in their order, before
    /// whatever has a later place and is not with a consumer. All of them or none.
    Replay {
        /// Which.
        which: Replay,
    },
    /// Events go to a named queue of the same agent, behind what waits there.
    Move {
        /// Of what.
        shelf: Shelf,
        /// Which.
        which: Which,
        /// Where to.
        to: QueueId,
    },
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum QueueAnswer {
    /// A page of a look.
    Page(Page),
    /// It was done to so many events.
    Done {
        /// How many.
        events: u64,
        /// Why it ended before all was done, and what to do: the target is full, say.
        stopped: Option<String>,
    },
    /// It was not done at all: what to do.
    Refused {
        /// For the person who asked.
        reason: String,
    },
}

/// A page of a look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Oldest first.
    pub events: Vec<QueuedEvent>,
    /// There are events behind the last one.
    pub more: bool,
    /// So many are there altogether.
    pub total: u64,
}

/// One event in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuedEvent {
    /// Its position in the agent's log: ascending, never used again.
    pub position: u64,
    /// When it was admitted to the mesh, milliseconds since the Unix epoch.
    pub admitted_at_ms: i64,
    /// Its topic.
    pub topic: String,
    /// Its ordering key, as text when it is UTF-8, else hex with a `0x` prefix.
    pub key: String,
    /// Content type, when its sender gave one.
    pub content_type: Option<String>,
    /// Payload as text when it is UTF-8, else hex with a `0x` prefix; cut to what was asked for.
    pub payload: String,
    /// Whole length of the payload in bytes.
    pub payload_bytes: u64,
    /// How often it was given to a consumer and came back.
    pub deliveries: u32,
    /// When its time to live is over, milliseconds since the Unix epoch.
    pub expires_at_ms: Option<i64>,
    /// Who has it now, or of a dead letter of the fabric: which agent refused it; none = nobody.
    pub consumer: Option<String>,
    /// Why it is a dead letter; none = it is none.
    pub reason: Option<String>,
    /// The sender's own properties, without those that say why it is a dead letter.
    pub properties: Vec<(String, String)>,
}
