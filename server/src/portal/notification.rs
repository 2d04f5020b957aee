//! Notifications as one caller sees them.

use frontend::api::{
    Answer, NotificationApi, NotificationMark, NotificationPage, NotificationQuery, NotificationsMark,
    NotificationsMarked, WatchInput, WatchView,
};
use mesh_protocol::id::{DesignObjectId, NotificationId};

use super::Portal;

impl NotificationApi for Portal {
    delegate! {
        fn notifications(query: NotificationQuery) -> NotificationPage;
        fn mark_notification(id: NotificationId, input: NotificationMark) -> ();
        fn mark_notifications(input: NotificationsMark) -> NotificationsMarked;
        fn design_watch(id: DesignObjectId) -> WatchView;
        fn set_design_watch(id: DesignObjectId, input: WatchInput) -> WatchView;
    }
}
