//! Messages to endpoints: written with what they tell of, taken by one portal at a time, sent, and noted.
//!
//! ```text
//! tell_people --> waiting --lease--> sent by whoever leased it --> delivered
//!                    ^                        |
//!                    '---- later, 3 days -----'--------------> given up
//! ```
//! A portal that dies with a lease is made up for by another when the lease ends; a receiver may get a message twice then,
//! with the same id.

use std::collections::HashMap;

use frontend::api::{DeliveryState, ListQuery, LiveTopic, Page, WebhookAttempt, WebhookDelivery};
use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};
use std::cmp::Reverse;
use uuid::Uuid;

use super::message::{message, test_message};
use crate::app::change::Change;
use crate::app::clock::now_ms;
use crate::app::notification::{About, News};
use crate::app::page::Slice;
use crate::app::permission::Right;
use crate::app::{App, Caller, Error, Result};
use crate::domain::notification::{Audience, KEPT_MS, Kind, Notification};
use crate::domain::person::PortalRole;
use crate::domain::webhook_endpoint::{Answer, Delivery, Endpoint, Secrets, State, TEST_KIND, TRIED_MS};
use crate::store::Tx;

/// A message that was leased is left to its portal for so long: longer than an attempt may take.
const LEASE_MS: i64 = 60_000;
/// Messages to one endpoint that this portal sends at once.
const AT_ONCE_MAX: usize = 2;
/// Rows of the list of messages when nobody says how many, and most of them.
const LIST: u32 = 50;
const LIST_MAX: u32 = 200;

/// What has to be looked at again when messages went.
const TOPICS: &[LiveTopic] = &[LiveTopic::Webhooks];

/// A message that this portal is to send now.
#[derive(Clone, Debug)]
pub struct Due {
    /// What.
    pub(super) delivery: Delivery,
    /// Where to.
    pub(super) endpoint: Endpoint,
    /// Signs it.
    pub(super) secrets: Secrets,
}

impl Due {
    /// To whom it goes.
    #[must_use]
    pub fn endpoint(&self) -> WebhookEndpointId {
        self.endpoint.id
    }
}

impl App {
    /// Writes the messages about something that happened, for those endpoints that want to hear of it.
    pub(in crate::app) async fn tell_endpoints(&self, tx: &mut Tx, notification: &Notification) -> Result<()> {
        let endpoints = tx.webhook_endpoints(self.environment()).await?;
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.spec.wants(&notification.kind)) {
            let body = message(notification, &self.config().portal_url);
            let id = WebhookDeliveryId(Uuid::now_v7());
            let new = Delivery::new(id, endpoint.id, &notification.kind, body, notification.at_ms);
            tx.insert_webhook_delivery(&new).await?;
        }
        Ok(())
    }

    /// Takes messages that are due, at most `limit`, and of each endpoint only so many that one which does not answer holds
    /// nobody up. `under_way` is how many this portal is sending already.
    ///
    /// # Errors
    /// The database's.
    pub async fn lease_webhooks(
        &self,
        under_way: &HashMap<WebhookEndpointId, usize>,
        limit: usize,
    ) -> Result<Vec<Due>> {
        let now_ms = now_ms();
        let due = self.store().read().await?.due_webhook_endpoints(now_ms).await?;
        let mut taken = Vec::new();
        for id in due {
            let room = AT_ONCE_MAX.saturating_sub(under_way.get(&id).copied().unwrap_or_default());
            let room = u32::try_from(room.min(limit.saturating_sub(taken.len()))).unwrap_or_default();
            if room == 0 {
                continue;
            }
            let mut tx = self.store().write().await?;
            let (Some(endpoint), Some(sealed)) = (tx.webhook_endpoint(id).await?, tx.webhook_secrets(id).await?) else {
                continue;
            };
            let leased = tx.lease_webhook_deliveries(id, now_ms, now_ms + LEASE_MS, room).await?;
            tx.commit().await?;
            let secrets = self.unsealed(&endpoint, &sealed, now_ms)?;
            let due = |delivery| Due { delivery, endpoint: endpoint.clone(), secrets: secrets.clone() };
            taken.extend(leased.into_iter().map(due));
        }
        Ok(taken)
    }

    /// Notes what came of an attempt: the message waits, is delivered or given up, and its endpoint may be switched off.
    ///
    /// # Errors
    /// The database's: the message comes again when its lease ends.
    pub async fn note_webhook(&self, due: &Due, answer: &Answer) -> Result<()> {
        let mut tx = self.store().write().await?;
        let Some(mut endpoint) = tx.webhook_endpoint(due.endpoint.id).await? else { return Ok(()) };
        let Some(mut delivery) = tx.webhook_delivery(due.delivery.id).await? else { return Ok(()) };
        delivery.note(answer, rand::random());
        tx.update_webhook_delivery(&delivery).await?;
        let before = endpoint.failing_since_ms;
        let mut topics = TOPICS.to_vec();
        if let Some(why) = endpoint.note(answer).filter(|_| due.endpoint.spec.url == endpoint.spec.url) {
            endpoint.updated_at_ms = answer.attempt.at_ms;
            "portal".clone_into(&mut endpoint.updated_by);
            let revision = endpoint.revision;
            tx.update_webhook_endpoint(&endpoint, revision).await?;
            self.tell_people(&mut tx, answer.attempt.at_ms, &switched_off(&endpoint, &why)).await?;
            topics.push(LiveTopic::Notifications);
        } else if endpoint.failing_since_ms != before {
            tx.note_webhook_failing(endpoint.id, endpoint.failing_since_ms).await?;
        }
        self.commit(tx, &Change::of(&topics)).await
    }

    /// Sends an endpoint a message that only tests whether it arrives.
    ///
    /// # Errors
    /// The caller may not, there is none or it is switched off, or the database's.
    pub async fn test_webhook(&self, caller: &Caller, id: WebhookEndpointId) -> Result<WebhookDelivery> {
        let permit = caller.permit(Right::WebhookWrite)?;
        let mut tx = self.store().write().await?;
        must_be_on(&super::find(&mut tx, id).await?)?;
        let now_ms = now_ms();
        let body = test_message(TEST_KIND, permit.actor(), now_ms);
        let new = Delivery::new(WebhookDeliveryId(Uuid::now_v7()), id, TEST_KIND, body, now_ms);
        tx.insert_webhook_delivery(&new).await?;
        self.commit(tx, &Change::of(TOPICS)).await?;
        Ok(view(new))
    }

    /// Messages to an endpoint, newest first.
    ///
    /// # Errors
    /// The caller may not, there is none, the cursor is wrong, or the database's.
    pub async fn webhook_deliveries(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        query: ListQuery,
    ) -> Result<Page<WebhookDelivery>> {
        caller.permit(Right::WebhookWrite)?;
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let after = slice.after::<Reverse<WebhookDeliveryId>>()?.map(|Reverse(id)| id);
        let mut tx = self.store().read().await?;
        super::find(&mut tx, id).await?;
        let limit = u32::try_from(slice.limit() + 1).unwrap_or(u32::MAX);
        let (rows, total) = tx.webhook_deliveries(id, after, limit).await?;
        Ok(slice.cut(rows, total, |delivery| Reverse(delivery.id)).map(view))
    }

    /// Sends a message again, with the id it had: a receiver that has it already knows it.
    ///
    /// # Errors
    /// The caller may not, there is none, its endpoint is switched off, or the database's.
    pub async fn send_webhook_again(&self, caller: &Caller, id: WebhookDeliveryId) -> Result<WebhookDelivery> {
        caller.permit(Right::WebhookWrite)?;
        let mut tx = self.store().write().await?;
        let mut delivery = tx.webhook_delivery(id).await?.ok_or(Error::NotFound { what: "message" })?;
        must_be_on(&super::find(&mut tx, delivery.endpoint).await?)?;
        delivery.again(now_ms());
        tx.update_webhook_delivery(&delivery).await?;
        self.commit(tx, &Change::of(TOPICS)).await?;
        Ok(view(delivery))
    }

    /// Gives up and removes what is old.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_webhooks(&self) -> Result<()> {
        let now_ms = now_ms();
        let mut tx = self.store().write().await?;
        tx.prune_webhook_deliveries(now_ms - TRIED_MS - LEASE_MS, now_ms - KEPT_MS).await?;
        Ok(tx.commit().await?)
    }
}

fn must_be_on(endpoint: &Endpoint) -> Result<()> {
    if endpoint.spec.enabled {
        return Ok(());
    }
    Err(Error::Conflict(format!("the webhook {} is switched off: switch it on first", endpoint.spec.name)))
}

fn switched_off<'a>(endpoint: &Endpoint, why: &str) -> News<'a> {
    News {
        kind: Kind::WebhookDisabled,
        title: format!("The webhook {} is switched off", endpoint.spec.name),
        text: format!("It is told nothing any more: {why}. Mend it, then switch it on again."),
        link: "/webhooks".to_owned(),
        about: About::Other { kind: "webhook", id: endpoint.id.0, domain: None },
        audience: Audience { roles: vec![PortalRole::Admin], ..Audience::default() },
    }
}

fn view(delivery: Delivery) -> WebhookDelivery {
    let attempts = delivery.attempts.iter().rev().map(|attempt| WebhookAttempt {
        at: attempt.at_ms,
        took_ms: attempt.took_ms,
        status: attempt.status,
        trouble: attempt.trouble.clone(),
        response: attempt.response.clone(),
    });
    WebhookDelivery {
        id: delivery.id,
        message: delivery.message_id(),
        attempts: attempts.collect(),
        kind: delivery.kind,
        body: delivery.body,
        state: match delivery.state {
            State::Waiting => DeliveryState::Waiting,
            State::Delivered => DeliveryState::Delivered,
            State::GivenUp => DeliveryState::GivenUp,
        },
        at: delivery.made_at_ms,
        next_at: (delivery.state == State::Waiting).then_some(delivery.next_at_ms),
        tries: delivery.tries,
    }
}
