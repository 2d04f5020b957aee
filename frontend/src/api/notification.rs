//! What people are told: the feed, and what they watch.
//!
//! The operations are a trait of their own below [`PortalApi`](super::PortalApi), so that pages ask one thing.

use mesh_protocol::id::{DesignObjectId, NotificationId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, Millis, Severity};

/// What may be asked about notifications.
pub trait NotificationApi: Send + Sync + 'static {
    /// `GET /api/v1/notifications`: the caller's feed, newest first. A service token has none: 409.
    fn notifications(&self, query: NotificationQuery) -> Answer<'_, NotificationPage>;
    /// `POST /api/v1/notifications/{id}/read`: marks one as read, or as unread again.
    fn mark_notification(&self, id: NotificationId, input: NotificationMark) -> Answer<'_, ()>;
    /// `POST /api/v1/notifications/read`: marks everything up to one as read; what came later stays unread.
    fn mark_notifications(&self, input: NotificationsMark) -> Answer<'_, NotificationsMarked>;
    /// `GET /api/v1/designs/{id}/watch`: whether the caller watches a design, and how many do.
    fn design_watch(&self, id: DesignObjectId) -> Answer<'_, WatchView>;
    /// `POST /api/v1/designs/{id}/watch`: begins or ends watching it.
    fn set_design_watch(&self, id: DesignObjectId, input: WatchInput) -> Answer<'_, WatchView>;
}

/// Which part of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NotificationQuery {
    /// Only what is unread.
    #[serde(default)]
    pub unread: Option<bool>,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 50, at most 200.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A page of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationPage {
    /// Newest first.
    pub items: Vec<NotificationView>,
    /// Cursor of the next page; none = this is the last.
    pub next: Option<String>,
    /// How many there are in all, of those that were asked for.
    pub total: u64,
    /// How many are unread, whatever was asked for.
    pub unread: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationView {
    /// Id; later ones are greater.
    pub id: NotificationId,
    /// What kind of thing, such as `design.released`.
    pub kind: String,
    /// How bad.
    pub severity: Severity,
    /// In one line.
    pub title: String,
    /// What to know besides; may be empty.
    pub text: String,
    /// Path of the page that shows it.
    pub link: String,
    /// What it is about: `design`, `agent`...
    pub object_kind: String,
    /// That object's id.
    pub object_id: String,
    /// When.
    pub at: Millis,
    /// The caller read it.
    pub read: bool,
}

/// What to mark one as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationMark {
    /// Read, or unread again.
    pub read: bool,
}

/// What to mark as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationsMark {
    /// The newest one that the caller has seen: what came after it stays unread.
    pub until: NotificationId,
}

/// What was marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationsMarked {
    /// How many were unread.
    pub marked: u64,
}

/// Who watches a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatchView {
    /// The caller does.
    pub watching: bool,
    /// How many people do.
    pub watchers: u64,
}

/// Whether to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatchInput {
    /// Yes or no.
    pub watching: bool,
}
