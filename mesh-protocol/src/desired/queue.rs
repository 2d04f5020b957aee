//! Named queues: durable places that attract topics by subscription and keep events until they are acknowledged.

use serde::{Deserialize, Serialize};

use crate::id::QueueId;
use crate::topic::Filter;

/// A named queue at its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Stable id.
    pub id: QueueId,
    /// Unique in the environment; what consumers ask for (`$queue/NAME` over MQTT 5, `/v1/queues/NAME` over HTTP).
    pub name: String,
    /// Topics it attracts: guaranteed events that match any of these,
    pub filters: Vec<Filter>,
    /// and none of these.
    #[serde(default)]
    pub exceptions: Vec<Filter>,
    /// Who may have events at the same time.
    pub access: QueueAccess,
    /// What a failure means for later events of the same key.
    pub on_failure: OnFailure,
    /// Consumers get nothing for now; it goes on attracting.
    #[serde(default)]
    pub paused: bool,
    /// An event that came back so often is a dead letter; none = it is tried for ever.
    pub deliveries_max: Option<u16>,
    /// Pause before an event is delivered again after its first failure, in milliseconds; doubled with each further one.
    pub backoff_first_ms: u32,
    /// The longest such pause, in milliseconds.
    pub backoff_longest_ms: u32,
    /// How long a consumer that pulls may keep an event without a word, in milliseconds. An MQTT consumer keeps its
    /// events as long as it is connected.
    pub lease_ms: u32,
    /// The longest an event waits here, in milliseconds; its own time to live may be shorter. None = its own alone.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// Most events that may wait.
    pub events_max: u64,
    /// Most bytes that may wait.
    pub bytes_max: u64,
    /// What happens to an event for which there is no room.
    #[serde(default)]
    pub when_full: WhenFull,
    /// Most dead letters; when there are so many, the queue waits for a person.
    pub dead_letters_max: u64,
    /// How long events are kept after their consumer has acknowledged them, so that they can be replayed, in milliseconds.
    /// None = they go at once.
    #[serde(default)]
    pub keep_ms: Option<u64>,
    /// Most bytes of acknowledged events that are kept; beyond it the oldest go, whatever their age.
    #[serde(default)]
    pub keep_bytes_max: u64,
}

/// Who may have a queue's events at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QueueAccess {
    /// The consumer that has been there longest; the others stand by.
    #[default]
    Exclusive,
    /// All consumers, each event to one.
    Shared,
    /// All consumers, each ordering key to one.
    Partitioned,
}

/// What the failure of an event means for the later ones of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// They wait: nothing of a key overtakes.
    #[default]
    BlockKey,
    /// They go on.
    Overtake,
}

/// What a full queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Publishers are refused until there is room: nothing is lost.
    #[default]
    Refuse,
    /// The queue goes without the newest events, and counts them: publishers and other queues are not held up.
    Discard,
}
