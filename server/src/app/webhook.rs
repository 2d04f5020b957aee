//! Webhooks: which endpoints are told, and their secrets.
//!
//! A secret is shown once, when it is made. It is kept sealed (`authority/vault`), because the portal has to sign with it;
//! nobody gets it again, and what it was sealed to is its own row.

pub mod call;
pub mod delivery;
mod message;

use frontend::api::{
    Edit, ListQuery, LiveTopic, NotificationKind, Page, WebhookCreated, WebhookInput, WebhookRotation, WebhookView,
};
use mesh_protocol::id::WebhookEndpointId;
use uuid::Uuid;

use super::edit::Done;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::notification::Kind;
use crate::domain::webhook_endpoint::{
    ENDPOINTS_MAX, Endpoint, OVERLAP_HOURS_MAX, SECRET_BYTES, Secrets, Spec, secret_text,
};
use crate::store::{SealedSecrets, Tx};

const HOUR_MS: i64 = 60 * 60 * 1000;

impl App {
    /// Everything that people and webhooks can be told.
    ///
    /// # Errors
    /// The caller may not.
    pub async fn notification_kinds(&self, caller: &Caller) -> Result<Page<NotificationKind>> {
        caller.permit(Right::Read)?;
        let kind = |kind: Kind| NotificationKind {
            name: kind.name().to_owned(),
            words: kind.words().to_owned(),
            asks: kind.asks(),
        };
        let items: Vec<NotificationKind> = Kind::ALL.into_iter().map(kind).collect();
        Ok(Page { total: items.len() as u64, items, next: None })
    }

    /// Endpoints, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn webhooks(&self, caller: &Caller, query: ListQuery) -> Result<Page<WebhookView>> {
        caller.permit(Right::WebhookWrite)?;
        let all = self.store().read().await?.webhook_endpoints(self.environment()).await?;
        Ok(page(all, Slice::of_list(&query), |endpoint| endpoint.spec.name.clone())?.map(view))
    }

    /// Makes an endpoint with a secret, which is shown now and never again.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, there are too many, or the database's.
    pub async fn create_webhook(&self, caller: &Caller, input: WebhookInput) -> Result<WebhookCreated> {
        let mut edit = self.edit(caller.permit(Right::WebhookWrite)?).await?;
        let spec = spec(input);
        spec.check()?;
        if edit.tx.webhook_endpoints(self.environment()).await?.len() >= ENDPOINTS_MAX {
            return Err(Error::Conflict(format!("there are {ENDPOINTS_MAX} webhooks already: remove one first")));
        }
        let endpoint = Endpoint {
            id: WebhookEndpointId(Uuid::now_v7()),
            spec,
            gave_up: String::new(),
            failing_since_ms: None,
            overlap_until_ms: None,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        let secret: [u8; SECRET_BYTES] = rand::random();
        let sealed = self.authority().seal(&place(endpoint.id), &secret);
        edit.tx.insert_webhook_endpoint(self.environment(), &endpoint, &sealed).await?;
        let summary = format!("added the webhook {}", endpoint.spec.name);
        edit.finish(done("webhook.create", endpoint.id, &summary).after(&config(&endpoint.spec))).await?;
        Ok(WebhookCreated { webhook: view(endpoint), secret: secret_text(&secret) })
    }

    /// Changes an endpoint. Its secret stays; one that is switched on again begins anew.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong or stale, or the database's.
    pub async fn update_webhook(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        input: Edit<WebhookInput>,
    ) -> Result<WebhookView> {
        let mut edit = self.edit(caller.permit(Right::WebhookWrite)?).await?;
        let old = find(&mut edit.tx, id).await?;
        let spec = spec(input.value);
        spec.check()?;
        let mut new = Endpoint { spec, updated_at_ms: edit.now_ms, updated_by: edit.actor().to_owned(), ..old.clone() };
        let is_switched_on = new.spec.enabled && !old.spec.enabled;
        if is_switched_on || new.spec.url != old.spec.url {
            new.failing_since_ms = None;
        }
        if is_switched_on {
            new.gave_up.clear();
        }
        edit.tx.update_webhook_endpoint(&new, seen(input.revision)).await?;
        let summary = format!("changed the webhook {}", new.spec.name);
        let done = done("webhook.update", id, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&new.spec))).await?;
        Ok(view(Endpoint { revision: old.revision + 1, ..new }))
    }

    /// Removes an endpoint with what waits for it.
    ///
    /// # Errors
    /// The caller may not, there is none, it is stale, or the database's.
    pub async fn delete_webhook(&self, caller: &Caller, id: WebhookEndpointId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::WebhookWrite)?).await?;
        let old = find(&mut edit.tx, id).await?;
        edit.tx.delete_webhook_endpoint(id, seen(revision)).await?;
        let summary = format!("removed the webhook {}", old.spec.name);
        edit.finish(done("webhook.delete", id, &summary).before(&config(&old.spec))).await
    }

    /// Gives an endpoint a new secret; for a while the old one signs too, so that no message is refused meanwhile.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong, or the database's.
    pub async fn rotate_webhook(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        input: WebhookRotation,
    ) -> Result<WebhookCreated> {
        let mut edit = self.edit(caller.permit(Right::WebhookWrite)?).await?;
        let old = find(&mut edit.tx, id).await?;
        if input.overlap_hours > OVERLAP_HOURS_MAX {
            let most = format!("must be 0 to {OVERLAP_HOURS_MAX}");
            return Err(FieldErrors::one("overlap_hours", most).into());
        }
        let (by, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        let until = (input.overlap_hours > 0).then(|| now_ms + i64::from(input.overlap_hours) * HOUR_MS);
        let secret: [u8; SECRET_BYTES] = rand::random();
        let sealed = self.authority().seal(&place(id), &secret);
        edit.tx.rotate_webhook_secret(id, &sealed, until, &by, now_ms).await?;
        let summary = format!("gave the webhook {} a new secret", old.spec.name);
        edit.finish(done("webhook.rotate", id, &summary)).await?;
        let revision = old.revision + 1;
        let new = Endpoint { overlap_until_ms: until, revision, updated_at_ms: now_ms, updated_by: by, ..old };
        Ok(WebhookCreated { webhook: view(new), secret: secret_text(&secret) })
    }

    /// The secrets that sign for an endpoint at a time.
    fn unsealed(&self, endpoint: &Endpoint, sealed: &SealedSecrets, now_ms: i64) -> Result<Secrets> {
        let (authority, place) = (self.authority(), place(endpoint.id));
        let is_old_valid = endpoint.overlap_until_ms.is_some_and(|until| now_ms < until);
        let old = sealed.old.as_ref().filter(|_| is_old_valid);
        Ok(Secrets {
            current: authority.unseal(&place, &sealed.current)?,
            old: old.map(|old| authority.unseal(&place, old)).transpose()?,
        })
    }
}

/// What an endpoint's secrets are sealed to.
fn place(id: WebhookEndpointId) -> String {
    format!("webhook/{id}")
}

async fn find(tx: &mut Tx, id: WebhookEndpointId) -> Result<Endpoint> {
    tx.webhook_endpoint(id).await?.ok_or(Error::NotFound { what: "webhook" })
}

fn done<'a>(action: &'a str, id: WebhookEndpointId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Webhooks)
}

fn spec(input: WebhookInput) -> Spec {
    Spec {
        name: input.name.trim().to_owned(),
        url: input.url.trim().to_owned(),
        kinds: input.kinds,
        private_addresses: input.private_addresses,
        enabled: input.enabled,
    }
}

/// An endpoint as the API takes it.
fn config(spec: &Spec) -> WebhookInput {
    WebhookInput {
        name: spec.name.clone(),
        url: spec.url.clone(),
        kinds: spec.kinds.clone(),
        private_addresses: spec.private_addresses,
        enabled: spec.enabled,
    }
}

fn view(endpoint: Endpoint) -> WebhookView {
    WebhookView {
        id: endpoint.id,
        revision: shown(endpoint.revision),
        config: config(&endpoint.spec),
        gave_up: endpoint.gave_up,
        failing_since: endpoint.failing_since_ms,
        overlap_until: endpoint.overlap_until_ms,
        updated_at: endpoint.updated_at_ms,
        updated_by: endpoint.updated_by,
    }
}
