//! Notifications over REST.

use mesh_protocol::id::{DesignObjectId, NotificationId};

use super::{RestApi, Transport, Verb, with_query};
use crate::api::{
    Answer, NotificationApi, NotificationMark, NotificationPage, NotificationQuery, NotificationsMark,
    NotificationsMarked, WatchInput, WatchView,
};

impl<T: Transport> NotificationApi for RestApi<T> {
    fn notifications(&self, query: NotificationQuery) -> Answer<'_, NotificationPage> {
        self.get(&with_query("/notifications", &query))
    }
    fn mark_notification(&self, id: NotificationId, input: NotificationMark) -> Answer<'_, ()> {
        self.send(Verb::Post, &format!("/notifications/{id}/read"), &input)
    }
    fn mark_notifications(&self, input: NotificationsMark) -> Answer<'_, NotificationsMarked> {
        self.send(Verb::Post, "/notifications/read", &input)
    }
    fn design_watch(&self, id: DesignObjectId) -> Answer<'_, WatchView> {
        self.get(&format!("/designs/{id}/watch"))
    }
    fn set_design_watch(&self, id: DesignObjectId, input: WatchInput) -> Answer<'_, WatchView> {
        self.send(Verb::Post, &format!("/designs/{id}/watch"), &input)
    }
}
