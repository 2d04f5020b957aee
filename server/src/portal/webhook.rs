//! Webhooks as one caller sees them.

use frontend::api::{
    Answer, Edit, ListQuery, NotificationKind, Page, WebhookApi, WebhookCreated, WebhookDelivery, WebhookInput,
    WebhookRotation, WebhookView,
};
use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};

use super::Portal;

impl WebhookApi for Portal {
    delegate! {
        fn notification_kinds() -> Page<NotificationKind>;
        fn webhooks(query: ListQuery) -> Page<WebhookView>;
        fn create_webhook(input: WebhookInput) -> WebhookCreated;
        fn update_webhook(id: WebhookEndpointId, input: Edit<WebhookInput>) -> WebhookView;
        fn delete_webhook(id: WebhookEndpointId, revision: i64) -> ();
        fn rotate_webhook(id: WebhookEndpointId, input: WebhookRotation) -> WebhookCreated;
        fn test_webhook(id: WebhookEndpointId) -> WebhookDelivery;
        fn webhook_deliveries(id: WebhookEndpointId, query: ListQuery) -> Page<WebhookDelivery>;
        fn send_webhook_again(id: WebhookDeliveryId) -> WebhookDelivery;
    }
}
