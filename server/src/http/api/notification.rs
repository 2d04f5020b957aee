//! Notifications: the feed, and what people watch.

use frontend::api::{
    NotificationApi, NotificationMark, NotificationPage, NotificationQuery, NotificationsMark, NotificationsMarked,
    WatchInput, WatchView,
};
use mesh_protocol::id::{DesignObjectId, NotificationId};

operations! { "notifications",
    get "/api/v1/notifications" notifications(query NotificationQuery) -> NotificationPage;
    post "/api/v1/notifications/{id}/read" mark_notification(path NotificationId, body NotificationMark) -> ();
    post "/api/v1/notifications/read" mark_notifications(body NotificationsMark) -> NotificationsMarked;
    get "/api/v1/designs/{id}/watch" design_watch(path DesignObjectId) -> WatchView;
    post "/api/v1/designs/{id}/watch" set_design_watch(path DesignObjectId, body WatchInput) -> WatchView;
}
