//! What all resources share: errors, pages, edits.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// What went wrong, as `application/problem+json` (RFC 9457). Titles and details are for people and say what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{title}")]
pub struct ApiError {
    /// Stable machine-readable kind: `invalid`, `not-found`, `stale-revision`, `forbidden`, `unauthenticated`,
    /// `conflict`, `unavailable`, `too-many-requests`, `internal`, or a more specific one.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence.
    pub title: String,
    /// HTTP status; 0 = the server could not be reached.
    pub status: u16,
    /// More, when there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong with which field of the input; the path is as in the JSON (`filter`, `from.template`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// For `forbidden`: the portal role that may do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// To find the failure in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl ApiError {
    /// An error with kind, status and title.
    #[must_use]
    pub fn new(kind: &str, status: u16, title: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            title: title.into(),
            status,
            detail: None,
            fields: Vec::new(),
            needs: None,
            request_id: None,
        }
    }

    /// The message for one field, when there is one.
    #[must_use]
    pub fn field(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Path of the field in the input.
    pub field: String,
    /// What is wrong and what is expected.
    pub message: String,
}

/// An edit of something the person saw at a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Edit<T> {
    /// The revision the edit is based on.
    pub revision: i64,
    /// The whole new value.
    pub value: T,
}

/// A slice of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// At most as many as asked for.
    pub items: Vec<T>,
    /// Cursor of the next page; none = this is the last.
    pub next: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

impl<T> Page<T> {
    /// The same page with each item made into something else.
    #[must_use]
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(make).collect(), next: self.next, total: self.total }
    }
}

/// Which part of a list that has nothing else to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 500, at most 1,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Why somebody does something that others are hurt by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonInput {
    /// Kept in the audit trail; may be empty where the page does not ask.
    #[serde(default)]
    pub reason: String,
}

/// Evidence for a fact or an edge. Shown in this order everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Somebody said so at design time.
    pub declared: bool,
    /// Policy allows it.
    pub permitted: bool,
    /// An agent saw it.
    pub observed: bool,
}

/// How old a runtime fact is and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// When it was last seen to be so.
    pub as_of: Millis,
    /// Name of the agent that saw it.
    pub by: String,
    /// The agent is offline or has been silent too long: this is the last known state.
    pub stale: bool,
}

/// Number of events per second over a sliding window.
pub type Rate = f64;
