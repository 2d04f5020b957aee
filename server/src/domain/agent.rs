//! An agent: one enrolled process at a site.

use std::collections::BTreeMap;

use mesh_protocol::id::{AgentId, ListenerId, SiteId};
use mesh_protocol::report::Status;
use mesh_protocol::wire::Revision;
use serde::{Deserialize, Serialize};

/// An agent without a message for this long is offline, whatever its last session said (a portal that was killed
/// cannot say goodbye for its agents). Three heartbeats of the status message.
pub const SILENCE_MS_MAX: i64 = 30_000;

/// One enrolled process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Stable id, the common name of its certificate.
    pub id: AgentId,
    /// Where it stands.
    pub site: SiteId,
    /// The first agent of its line, when it took the place of one whose machine was lost.
    pub stands_for: Option<AgentId>,
    /// Unique at its site.
    pub name: String,
    /// Its Ed25519 key, 64 hex digits.
    pub public_key: String,
    /// Its X25519 key on the fabric, 64 hex digits; none until it has told one.
    pub sealing_key: Option<String>,
    /// Version of its program.
    pub version: String,
    /// Enrolled or revoked.
    pub state: State,
    /// When its certificate ends, milliseconds since the Unix epoch.
    pub certificate_ends_at_ms: i64,
    /// Where other agents reach its fabric endpoint, as it last reported.
    pub fabric_addresses: Vec<String>,
    /// Where clients reach its listeners, of an agent that others of its site send clients to.
    pub listener_addresses: BTreeMap<ListenerId, String>,
    /// Whether a session stands.
    pub connected: bool,
    /// Since when it is (dis)connected, milliseconds since the Unix epoch.
    pub presence_since_ms: i64,
    /// Its last message, milliseconds since the Unix epoch.
    pub seen_at_ms: i64,
    /// Address it last connected from.
    pub address: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
}

/// Whether an agent is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its certificate is believed.
    Enrolled,
    /// It is on the deny list for good.
    Revoked,
}

/// Whether a text is a public sealing key as agents tell it.
#[must_use]
pub fn is_sealing_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The last status of an agent, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct LastStatus {
    /// Whose.
    pub agent: AgentId,
    /// When it arrived here, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The message.
    pub status: Status,
}

/// Whether an agent is there, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A session stands, since this many milliseconds after the Unix epoch.
    Online(i64),
    /// No session, since this many milliseconds after the Unix epoch.
    Offline(i64),
    /// It never connected.
    Never,
}

impl Agent {
    /// What stays the same when another machine takes the agent's place: the id of the first agent of its line.
    #[must_use]
    pub fn line(&self) -> AgentId {
        self.stands_for.unwrap_or(self.id)
    }

    /// Whether the agent is there at this time.
    #[must_use]
    pub fn presence(&self, now_ms: i64) -> Presence {
        if self.seen_at_ms == 0 {
            Presence::Never
        } else if !self.connected {
            Presence::Offline(self.presence_since_ms)
        } else if now_ms.saturating_sub(self.seen_at_ms) > SILENCE_MS_MAX {
            Presence::Offline(self.seen_at_ms)
        } else {
            Presence::Online(self.presence_since_ms)
        }
    }
}

/// How far an agent is with a policy revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It enforces that one or a newer one.
    Applied,
    /// It enforces an older one, or nothing yet.
    Pending,
    /// It refused it, and says why.
    Rejected(String),
}

/// Compares what an agent says with a revision it should have.
///
/// A rejection counts only while it is about that revision or a newer one, or about a document whose number could not
/// be read, as with a broken signature: a refusal of something older is history once a newer one is under way.
#[must_use]
pub fn progress(target: Revision, status: Option<&Status>) -> Progress {
    let Some(status) = status else { return Progress::Pending };
    if status.applied >= Some(target) {
        return Progress::Applied;
    }
    match &status.rejected {
        Some(rejection) if rejection.revision.is_none_or(|revision| revision >= target) => {
            Progress::Rejected(rejection.reason.clone())
        }
        _ => Progress::Pending,
    }
}
