//! Named queues: durable places that attract topics, and what people do to their content.

use mesh_protocol::desired::{OnFailure, QueueAccess, WhenFull};
use mesh_protocol::id::{AgentId, QueueId, SiteId};
use mesh_protocol::queue::{Replay, Shelf, Which};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AgentRollout, ConnectDoor, Freshness, Millis, PartView, Rate};

/// A named queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    /// Id.
    pub id: QueueId,
    /// For edits.
    pub revision: i64,
    /// What was configured.
    pub config: QueueInput,
    /// Name of its site.
    pub site_name: String,
    /// Name of the agent that owns it; none = no agent is enrolled at the site.
    pub owner: Option<String>,
    /// It at the agent that owns it: state, what is wrong.
    pub parts: Vec<PartView>,
    /// How far its owner is with its present form.
    pub rollout: Vec<AgentRollout>,
    /// What is in it; none = no agent has said anything about it yet.
    pub figures: Option<QueueFigures>,
    /// The other agents, and whether what is published there is kept for it. Empty in lists.
    pub origins: Vec<QueueOrigin>,
    /// A listener for MQTT at its site, when one runs.
    pub mqtt: Option<ConnectDoor>,
    /// A listener for HTTP at its site, when one runs.
    pub http: Option<ConnectDoor>,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// An agent where events for a queue may be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueOrigin {
    /// Which agent.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// Name of its site.
    pub site_name: String,
    /// It does not know yet, as far as is known, what the queue attracts now: an event that is published there may pass it by.
    pub pending: bool,
    /// Events behind this position of that agent's log are judged by what it holds; none = the queue's owner has not heard it.
    pub after_position: Option<u64>,
}

/// What is in a queue, as its owner said last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueFigures {
    /// Events that wait, those that consumers have now included.
    pub queued_events: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// When the oldest of them came; none = nothing waits.
    pub oldest_at: Option<Millis>,
    /// Consumers that are there.
    pub consumers: u64,
    /// Events that they have now and have not acknowledged yet.
    pub handed_out_events: u64,
    /// Dead letters.
    pub dead_letter_events: u64,
    /// Acknowledged events that are kept for a replay.
    pub kept_events: u64,
    /// Their bytes.
    pub kept_bytes: u64,
    /// Acknowledged by consumers since the agent started.
    pub delivered_events: u64,
    /// Delivered again since the agent started.
    pub redelivered_events: u64,
    /// Put back into the queue by replays since the agent started.
    pub replayed_events: u64,
    /// Gone because their time was over, since the agent started.
    pub expired_events: u64,
    /// Left out because the queue was full, since the agent started.
    pub discarded_events: u64,
    /// Acknowledged per second.
    pub rate: Rate,
    /// How old this is.
    pub freshness: Freshness,
}

/// A queue to make or change. Everything but name, site and filters has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueInput {
    /// Unique name; consumers ask for it (`$queue/NAME` over MQTT 5, `/v1/queues/NAME` over HTTP).
    pub name: String,
    /// The site that holds it. It cannot be changed: what waits is there.
    pub site: SiteId,
    /// Guaranteed events that match any of these filters (mesh dialect),
    pub filters: Vec<String>,
    /// and none of these.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// Who may have events at the same time.
    #[serde(default)]
    pub access: QueueAccess,
    /// What a failure means for later events of the same key.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Consumers get nothing for now; it goes on attracting.
    #[serde(default)]
    pub paused: bool,
    /// An event that came back so often is a dead letter; null = it is tried for ever. Default 10.
    #[serde(default = "defaults::deliveries_max")]
    pub deliveries_max: Option<u16>,
    /// Pause before an event is delivered again after its first failure, in milliseconds; doubled with each further one.
    /// Default 500.
    #[serde(default = "defaults::backoff_first_ms")]
    pub backoff_first_ms: u32,
    /// The longest such pause, in milliseconds. Default 60,000.
    #[serde(default = "defaults::backoff_longest_ms")]
    pub backoff_longest_ms: u32,
    /// How long a consumer that pulls may keep an event without a word, in milliseconds. Default 30,000.
    #[serde(default = "defaults::lease_ms")]
    pub lease_ms: u32,
    /// The longest an event waits, in milliseconds; null = as long as its own time to live. Default null.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// Most events that may wait. Default 1,000,000.
    #[serde(default = "defaults::events_max")]
    pub events_max: u64,
    /// Most bytes that may wait. Default 1 GiB.
    #[serde(default = "defaults::bytes_max")]
    pub bytes_max: u64,
    /// What happens to an event for which there is no room.
    #[serde(default)]
    pub when_full: WhenFull,
    /// Most dead letters; when there are so many, the queue waits for a person. Default 10,000.
    #[serde(default = "defaults::dead_letters_max")]
    pub dead_letters_max: u64,
    /// How long acknowledged events are kept, so that they can be replayed, in milliseconds: 60,000 to 366 days; null =
    /// they go at once. Default null.
    #[serde(default)]
    pub keep_ms: Option<u64>,
    /// Most bytes of acknowledged events that are kept; beyond it the oldest go, whatever their age. Default 1 GiB.
    #[serde(default = "defaults::keep_bytes_max")]
    pub keep_bytes_max: u64,
    /// Why it exists.
    #[serde(default)]
    pub note: String,
}

impl QueueInput {
    /// A queue with everything left at its default.
    #[must_use]
    pub fn new(name: impl Into<String>, site: SiteId, filters: Vec<String>) -> Self {
        Self {
            name: name.into(),
            site,
            filters,
            exceptions: Vec::new(),
            access: QueueAccess::default(),
            on_failure: OnFailure::default(),
            paused: false,
            deliveries_max: defaults::deliveries_max(),
            backoff_first_ms: defaults::backoff_first_ms(),
            backoff_longest_ms: defaults::backoff_longest_ms(),
            lease_ms: defaults::lease_ms(),
            ttl_ms: None,
            events_max: defaults::events_max(),
            bytes_max: defaults::bytes_max(),
            when_full: WhenFull::default(),
            dead_letters_max: defaults::dead_letters_max(),
            keep_ms: None,
            keep_bytes_max: defaults::keep_bytes_max(),
            note: String::new(),
        }
    }
}

/// What a queue has when nobody says otherwise.
mod defaults {
    #[expect(clippy::unnecessary_wraps, reason = "none is a choice of its own")]
    pub(super) const fn deliveries_max() -> Option<u16> {
        Some(10)
    }
    pub(super) const fn backoff_first_ms() -> u32 {
        500
    }
    pub(super) const fn backoff_longest_ms() -> u32 {
        60_000
    }
    pub(super) const fn lease_ms() -> u32 {
        30_000
    }
    pub(super) const fn events_max() -> u64 {
        1_000_000
    }
    pub(super) const fn bytes_max() -> u64 {
        1 << 30
    }
    pub(super) const fn dead_letters_max() -> u64 {
        10_000
    }
    pub(super) const fn keep_bytes_max() -> u64 {
        1 << 30
    }
}

/// Which queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// Part of a name or of a filter; empty = all.
    #[serde(default)]
    pub q: String,
    /// Name of a site.
    #[serde(default)]
    pub site: Option<String>,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 500, at most 1,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Which events of a queue, or of what waits for a route's sink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShelfQuery {
    /// What waits, dead letters, or (of a queue that keeps them) acknowledged events.
    #[serde(default)]
    #[param(inline)]
    pub shelf: Shelf,
    /// Begins behind this position, which is the `next` of the page before; 0 = at the oldest.
    #[serde(default)]
    pub after: u64,
    /// At most this many; default 50, at most 100.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Payloads are cut to this many bytes; default 1,024, at most 65,536.
    #[serde(default)]
    pub payload_bytes: Option<u32>,
}

/// Something done to events of a queue, or of what waits for a route's sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum ShelfTask {
    /// They go for good. Of what waits, those that a consumer has now stay.
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
    /// Acknowledged events go back to their old places in the queue they were taken from: they are delivered again, in
    /// order and flagged, before whatever has a later place and is not with a consumer. All of them or none.
    Replay {
        /// Which.
        which: Replay,
    },
    /// They go to another queue of the same site, behind what waits there.
    Move {
        /// Of what.
        shelf: Shelf,
        /// Which.
        which: Which,
        /// Where to.
        to: QueueId,
    },
}

/// What became of a [`ShelfTask`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShelfDone {
    /// It was done to so many events.
    pub events: u64,
    /// Why it ended before all was done, and what to do; null = all was done.
    pub stopped: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_a_site_and_filters_and_gets_the_rest() {
        let site = SiteId(uuid::Uuid::nil());
        let text = format!(r#"{{"name":"orders","site":"{site}","filters":["orders/>"]}}"#);
        let input: QueueInput = serde_json::from_str(&text).expect("a queue");
        assert_eq!(input, QueueInput::new("orders", site, vec!["orders/>".into()]));
        let forever = text.replace('}', r#","deliveries_max":null}"#);
        let input: QueueInput = serde_json::from_str(&forever).expect("a queue");
        assert_eq!(input.deliveries_max, None, "none is a choice of its own");
    }
}
