//! Messages of the control session: JSON text frames of a WebSocket over mTLS, dialled by the agent.
//!
//! The agent speaks first ([`Hello`]); the portal answers [`ToAgent::Welcome`] or [`ToAgent::Refused`] and pushes. Every
//! push can be lost: Hello carries what the agent has, so a reconnect heals it.

use serde::{Deserialize, Serialize};

use crate::browse::{TopicAnswer, TopicAsk};
use crate::event::DeliveryMode;
use crate::id::PrincipalId;
use crate::queue::{QueueAnswer, QueueAsk, QueueRef};
use crate::report::{Report, Status};
use crate::signed::Signed;
use crate::topic::{Filter, Topic};

/// The version of this protocol that this code speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// The oldest version this code still speaks.
pub const PROTOCOL_VERSION_MIN: u32 = 1;
/// Largest control message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The agent pings when it sent nothing for this long; either side gives up after three times this.
pub const HEARTBEAT_INTERVAL_MS: u64 = 5_000;

/// The first message of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Oldest protocol version the agent speaks.
    pub version_min: u32,
    /// Newest protocol version the agent speaks.
    pub version_max: u32,
    /// What the agent can do beyond the version, e.g. `kafka`, `fabric`.
    pub capabilities: Vec<String>,
    /// Version of the agent's program.
    pub agent_version: String,
    /// Random per process, so that a restart is seen.
    pub boot: String,
    /// Generation and revision the agent enforces now; none = nothing, it denies all.
    pub applied: Option<Revision>,
    /// Number of the newest deny list it has; 0 = none.
    pub deny_list: u64,
    /// The agent's newest public sealing key, 64 hex digits; none = an agent from before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
}

/// A policy revision's number within its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revision {
    /// Compared first.
    pub generation: u64,
    /// Compared second.
    pub revision: u64,
}

/// Agent to portal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToControl {
    /// First message.
    Hello(Hello),
    /// What became of the desired state, and how the parts are. Sent on change and every ten seconds.
    Status(Status),
    /// Facts for the catalog; answered with [`ToAgent::ReportAck`].
    Report {
        /// Counts up within a boot.
        id: u64,
        /// The facts.
        report: Report,
    },
    /// Answer to [`ToAgent::Publish`].
    Published {
        /// The request's number.
        request: u64,
        /// What became of it.
        outcome: PublishOutcome,
    },
    /// Events of a tail. At most what was asked for; the rest is counted.
    TailEvents {
        /// The tail's number.
        request: u64,
        /// In order of arrival at the agent.
        events: Vec<TailEvent>,
        /// Events left out because the tail was slow.
        dropped: u64,
    },
    /// A tail ended at the agent's side.
    TailClosed {
        /// The tail's number.
        request: u64,
        /// Why, for the person who watches.
        reason: String,
    },
    /// Answer to [`ToAgent::AskQueue`].
    QueueAnswer {
        /// The request's number.
        request: u64,
        /// What became of it.
        answer: QueueAnswer,
    },
    /// Answer to [`ToAgent::AskTopic`].
    TopicAnswer {
        /// The request's number.
        request: u64,
        /// What became of it.
        answer: TopicAnswer,
    },
    /// Keeps the session alive.
    Ping,
}

/// Portal to agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToAgent {
    /// The session stands.
    Welcome {
        /// The protocol version both will use.
        version: u32,
        /// The portal's version, for logs.
        portal_version: String,
    },
    /// The session cannot stand; the portal closes after it.
    Refused {
        /// What to do about it.
        reason: String,
        /// The agent's program is too old.
        update_required: bool,
    },
    /// A desired state to apply.
    Desired(Signed),
    /// A deny list to apply.
    DenyList(Signed),
    /// The report is stored, or refused for good with a reason.
    ReportAck {
        /// Which report.
        id: u64,
        /// Why it was refused; none = stored.
        refused: Option<String>,
    },
    /// Publish one event as a principal (the portal's "Try it").
    Publish {
        /// Chosen by the portal, unique in the session.
        request: u64,
        /// On whose rights.
        principal: PrincipalId,
        /// Where.
        topic: Topic,
        /// What; text, because a person typed it.
        payload: String,
        /// Direct or guaranteed.
        mode: DeliveryMode,
    },
    /// Watch what a filter matches, on a principal's rights.
    OpenTail {
        /// Chosen by the portal, unique in the session.
        request: u64,
        /// On whose rights.
        principal: PrincipalId,
        /// What to watch.
        filter: Filter,
        /// Payloads are cut to this many bytes.
        payload_bytes_max: u32,
    },
    /// Nobody watches any more.
    CloseTail {
        /// Which tail.
        request: u64,
    },
    /// Look at a queue or do something to what is in it. Who may is the portal's to decide; the agent does it.
    AskQueue {
        /// Chosen by the portal, unique in the session.
        request: u64,
        /// Which queue.
        queue: QueueRef,
        /// What.
        ask: QueueAsk,
    },
    /// Look at records of a Kafka topic. Who may is the portal's to decide, and whether anybody may the policy's.
    AskTopic {
        /// Chosen by the portal, unique in the session.
        request: u64,
        /// What.
        ask: TopicAsk,
    },
    /// Answer to [`ToControl::Ping`].
    Pong,
}

/// What became of a publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum PublishOutcome {
    /// Taken by this many outlets (0 = nobody wants it; counted as unrouted).
    Accepted {
        /// Local sessions, sinks and remote agents that took it.
        outlets: u32,
    },
    /// Policy forbids it.
    Denied {
        /// The deciding rule or default, readable.
        reason: String,
    },
    /// Nobody took custody in time, or the agent is overloaded.
    Failed {
        /// What to do.
        reason: String,
    },
}

/// One event of a tail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailEvent {
    /// When the agent saw it, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Its topic.
    pub topic: String,
    /// Payload as text when it is UTF-8, else hex with a `0x` prefix; cut to the tail's limit.
    pub payload: String,
    /// Whole length of the payload in bytes.
    pub payload_bytes: u64,
    /// Name of the site it came from.
    pub origin_site: String,
}

#[cfg(test)]
mod tests;
