//! Webhooks: endpoints and the messages to them.

use frontend::api::{
    Edit, ListQuery, NotificationKind, Page, WebhookApi, WebhookCreated, WebhookDelivery, WebhookInput,
    WebhookRotation, WebhookView,
};
use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};

operations! { "webhooks",
    get "/api/v1/notification-kinds" notification_kinds() -> Page<NotificationKind>;
    get "/api/v1/webhooks" webhooks(query ListQuery) -> Page<WebhookView>;
    post "/api/v1/webhooks" create_webhook(body WebhookInput) -> WebhookCreated;
    put "/api/v1/webhooks/{id}" update_webhook(path WebhookEndpointId, body Edit<WebhookInput>) -> WebhookView;
    delete "/api/v1/webhooks/{id}" delete_webhook(path WebhookEndpointId, revision) -> ();
    post "/api/v1/webhooks/{id}/rotate" rotate_webhook(path WebhookEndpointId, body WebhookRotation) -> WebhookCreated;
    post "/api/v1/webhooks/{id}/test" test_webhook(path WebhookEndpointId) -> WebhookDelivery;
    get "/api/v1/webhooks/{id}/deliveries" webhook_deliveries(path WebhookEndpointId, query ListQuery) -> Page<WebhookDelivery>;
    post "/api/v1/webhook-deliveries/{id}/again" send_webhook_again(path WebhookDeliveryId) -> WebhookDelivery;
}
