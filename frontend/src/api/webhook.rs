//! Webhooks: other systems that are told what people are told.

use std::collections::BTreeSet;

use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Edit, ListQuery, Millis, Page};

/// What may be asked about webhooks.
pub trait WebhookApi: Send + Sync + 'static {
    /// `GET /api/v1/notification-kinds`: everything that people and webhooks can be told.
    fn notification_kinds(&self) -> Answer<'_, Page<NotificationKind>>;
    /// `GET /api/v1/webhooks`: by name.
    fn webhooks(&self, query: ListQuery) -> Answer<'_, Page<WebhookView>>;
    /// `POST /api/v1/webhooks`: the secret is in the answer, once.
    fn create_webhook(&self, input: WebhookInput) -> Answer<'_, WebhookCreated>;
    /// `PUT /api/v1/webhooks/{id}`: its secret stays. Switching it on forgets why it was given up.
    fn update_webhook(&self, id: WebhookEndpointId, input: Edit<WebhookInput>) -> Answer<'_, WebhookView>;
    /// `DELETE /api/v1/webhooks/{id}?revision=`: with what waits for it.
    fn delete_webhook(&self, id: WebhookEndpointId, revision: i64) -> Answer<'_, ()>;
    /// `POST /api/v1/webhooks/{id}/rotate`: a new secret; for a while both sign.
    fn rotate_webhook(&self, id: WebhookEndpointId, input: WebhookRotation) -> Answer<'_, WebhookCreated>;
    /// `POST /api/v1/webhooks/{id}/test`: sends it a message of the kind `webhook.test`.
    fn test_webhook(&self, id: WebhookEndpointId) -> Answer<'_, WebhookDelivery>;
    /// `GET /api/v1/webhooks/{id}/deliveries`: newest first; kept for 90 days.
    fn webhook_deliveries(&self, id: WebhookEndpointId, query: ListQuery) -> Answer<'_, Page<WebhookDelivery>>;
    /// All webhooks.
    fn all_webhooks(&self) -> Answer<'_, Vec<WebhookView>> {
        Box::pin(super::all(|query| self.webhooks(query)))
    }
    /// `POST /api/v1/webhook-deliveries/{id}/again`: sends a message again, with the same id.
    fn send_webhook_again(&self, id: WebhookDeliveryId) -> Answer<'_, WebhookDelivery>;
}

/// Something that people and webhooks can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationKind {
    /// Its name, such as `design.released`: the `type` of a message.
    pub name: String,
    /// In words.
    pub words: String,
    /// Whoever gets it is asked to do something.
    pub asks: bool,
}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Id.
    pub id: WebhookEndpointId,
    /// For edits.
    pub revision: i64,
    /// What a person chose.
    pub config: WebhookInput,
    /// Why the portal switched it off; empty = it did not.
    pub gave_up: String,
    /// Since when every attempt fails.
    pub failing_since: Option<Millis>,
    /// Until when the secret before the present one signs too.
    pub overlap_until: Option<Millis>,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// An endpoint to make or change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookInput {
    /// Unique name.
    pub name: String,
    /// `https://...`; `http://...` only where private addresses may be called.
    pub url: String,
    /// Names of the kinds it is told; empty = all, also later ones.
    #[serde(default)]
    pub kinds: BTreeSet<String>,
    /// It may be in a private network or on the portal's own machine.
    #[serde(default)]
    pub private_addresses: bool,
    /// It is told.
    pub enabled: bool,
}

/// An endpoint with its new secret, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookCreated {
    /// The endpoint.
    pub webhook: WebhookView,
    /// `whsec_...`: verifies the signatures.
    pub secret: String,
}

impl std::fmt::Debug for WebhookCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookCreated(..)")
    }
}

/// How a secret is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookRotation {
    /// For so many hours the old secret signs too, at most 168; 0 = it ends at once.
    pub overlap_hours: u32,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will be sent, or sent again.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// It is not sent by itself any more.
    GivenUp,
}

/// A message to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookDelivery {
    /// Id.
    pub id: WebhookDeliveryId,
    /// The id that the receiver gets, in the header `webhook-id`.
    pub message: String,
    /// What kind of thing it tells.
    pub kind: String,
    /// JSON, as it is sent.
    pub body: String,
    /// Where it is.
    pub state: DeliveryState,
    /// Since when it is tried.
    pub at: Millis,
    /// When it is sent next; none = it is not.
    pub next_at: Option<Millis>,
    /// How often it was tried.
    pub tries: u32,
    /// The newest attempts, newest first.
    pub attempts: Vec<WebhookAttempt>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookAttempt {
    /// When.
    pub at: Millis,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The status of the answer; none = there was none.
    pub status: Option<u16>,
    /// Why it did not work; empty = it did.
    pub trouble: String,
    /// The beginning of the answer, at most 1,024 characters.
    pub response: String,
}
