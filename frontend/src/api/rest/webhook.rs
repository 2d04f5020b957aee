//! Webhooks over REST.

use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};

use super::{RestApi, Transport, Verb, with_query};
use crate::api::{
    Answer, Edit, ListQuery, NotificationKind, Page, WebhookApi, WebhookCreated, WebhookDelivery, WebhookInput,
    WebhookRotation, WebhookView,
};

impl<T: Transport> WebhookApi for RestApi<T> {
    fn notification_kinds(&self) -> Answer<'_, Page<NotificationKind>> {
        self.get("/notification-kinds")
    }
    fn webhooks(&self, query: ListQuery) -> Answer<'_, Page<WebhookView>> {
        self.get(&with_query("/webhooks", &query))
    }
    fn create_webhook(&self, input: WebhookInput) -> Answer<'_, WebhookCreated> {
        self.send(Verb::Post, "/webhooks", &input)
    }
    fn update_webhook(&self, id: WebhookEndpointId, input: Edit<WebhookInput>) -> Answer<'_, WebhookView> {
        self.send(Verb::Put, &format!("/webhooks/{id}"), &input)
    }
    fn delete_webhook(&self, id: WebhookEndpointId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/webhooks/{id}?revision={revision}"))
    }
    fn rotate_webhook(&self, id: WebhookEndpointId, input: WebhookRotation) -> Answer<'_, WebhookCreated> {
        self.send(Verb::Post, &format!("/webhooks/{id}/rotate"), &input)
    }
    fn test_webhook(&self, id: WebhookEndpointId) -> Answer<'_, WebhookDelivery> {
        self.send(Verb::Post, &format!("/webhooks/{id}/test"), &())
    }
    fn webhook_deliveries(&self, id: WebhookEndpointId, query: ListQuery) -> Answer<'_, Page<WebhookDelivery>> {
        self.get(&with_query(&format!("/webhooks/{id}/deliveries"), &query))
    }
    fn send_webhook_again(&self, id: WebhookDeliveryId) -> Answer<'_, WebhookDelivery> {
        self.send(Verb::Post, &format!("/webhook-deliveries/{id}/again"), &())
    }
}
