//! Endpoints that are told, and the messages to them.

use std::collections::BTreeSet;

use mesh_protocol::id::{EnvironmentId, WebhookDeliveryId, WebhookEndpointId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::webhook_endpoint::{Attempt, Delivery, Endpoint, Spec};

#[derive(sqlx::FromRow)]
struct Row {
    webhook_endpoint_id: Uuid,
    name: String,
    url: String,
    kinds: Json<BTreeSet<String>>,
    private_addresses: bool,
    enabled: bool,
    gave_up: String,
    failing_since_ms: Option<i64>,
    overlap_until_ms: Option<i64>,
    updated_by: String,
    revision: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for Endpoint {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.webhook_endpoint_id.into(),
            spec: Spec {
                name: row.name,
                url: row.url,
                kinds: row.kinds.0,
                private_addresses: row.private_addresses,
                enabled: row.enabled,
            },
            gave_up: row.gave_up,
            failing_since_ms: row.failing_since_ms,
            overlap_until_ms: row.overlap_until_ms,
            revision: from_i64("revision", row.revision)?,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    webhook_delivery_id: Uuid,
    webhook_endpoint_id: Uuid,
    kind: String,
    body: String,
    state: String,
    made_at_ms: i64,
    next_at_ms: i64,
    tries: i64,
    attempts: Json<Vec<Attempt>>,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;
    fn try_from(row: DeliveryRow) -> Result<Self> {
        Ok(Self {
            id: row.webhook_delivery_id.into(),
            endpoint: row.webhook_endpoint_id.into(),
            kind: row.kind,
            body: row.body,
            state: from_text("state", row.state)?,
            made_at_ms: row.made_at_ms,
            next_at_ms: row.next_at_ms,
            tries: from_i64("tries", row.tries)?,
            attempts: row.attempts.0,
        })
    }
}

/// An endpoint's secrets as they are kept: sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecrets {
    /// Signs.
    pub current: Vec<u8>,
    /// Signs too until the overlap ends.
    pub old: Option<Vec<u8>>,
}

impl Tx {
    /// All endpoints, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn webhook_endpoints(&mut self, environment: EnvironmentId) -> Result<Vec<Endpoint>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select webhook_endpoint_id, name, url, kinds, private_addresses, enabled, gave_up, failing_since_ms,
                 overlap_until_ms, updated_by, revision, updated_at_ms
                 from webhook_endpoint where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One endpoint; locked against others who write it until the transaction ends.
    ///
    /// # Errors
    /// The database's.
    pub async fn webhook_endpoint(&mut self, id: WebhookEndpointId) -> Result<Option<Endpoint>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select webhook_endpoint_id, name, url, kinds, private_addresses, enabled, gave_up, failing_since_ms,
                 overlap_until_ms, updated_by, revision, updated_at_ms
                 from webhook_endpoint where webhook_endpoint_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A new endpoint with its sealed secret.
    ///
    /// # Errors
    /// The name is taken, or the database's.
    pub async fn insert_webhook_endpoint(
        &mut self,
        environment: EnvironmentId,
        new: &Endpoint,
        secret: &[u8],
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into webhook_endpoint (webhook_endpoint_id, environment_id, name, url, kinds,
                 private_addresses, enabled, gave_up, secret, updated_by, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.spec.name.as_str())
            .bind(new.spec.url.as_str())
            .bind(Json(&new.spec.kinds))
            .bind(new.spec.private_addresses)
            .bind(new.spec.enabled)
            .bind(new.gave_up.as_str())
            .bind(secret)
            .bind(new.updated_by.as_str())
            .bind(to_i64(new.revision))
            .bind(new.updated_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes an endpoint over the revision it was read at. Its secrets stay.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_webhook_endpoint(&mut self, endpoint: &Endpoint, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update webhook_endpoint set name = $3, url = $4, kinds = $5, private_addresses = $6, enabled = $7,
                 gave_up = $8, failing_since_ms = $9, updated_by = $10, updated_at_ms = $11, revision = revision + 1
                 where webhook_endpoint_id = $1 and revision = $2",
            )
            .bind(endpoint.id.0)
            .bind(to_i64(revision))
            .bind(endpoint.spec.name.as_str())
            .bind(endpoint.spec.url.as_str())
            .bind(Json(&endpoint.spec.kinds))
            .bind(endpoint.spec.private_addresses)
            .bind(endpoint.spec.enabled)
            .bind(endpoint.gave_up.as_str())
            .bind(endpoint.failing_since_ms)
            .bind(endpoint.updated_by.as_str())
            .bind(endpoint.updated_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("webhook", rows)
    }

    /// Notes since when an endpoint fails. Not an edit: the revision stays.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_webhook_failing(&mut self, id: WebhookEndpointId, since_ms: Option<i64>) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update webhook_endpoint set failing_since_ms = $2 where webhook_endpoint_id = $1")
                .bind(id.0)
                .bind(since_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The sealed secrets of an endpoint; none = it is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn webhook_secrets(&mut self, id: WebhookEndpointId) -> Result<Option<SealedSecrets>> {
        let row: Option<(Vec<u8>, Option<Vec<u8>>)> = on_db!(self, |conn| {
            sqlx::query_as("select secret, old_secret from webhook_endpoint where webhook_endpoint_id = $1")
                .bind(id.0)
                .fetch_optional(conn)
                .await
        })?;
        Ok(row.map(|(current, old)| SealedSecrets { current, old }))
    }

    /// Makes a sealed secret the one that signs; the one before signs too until a time.
    ///
    /// # Errors
    /// The database's.
    pub async fn rotate_webhook_secret(
        &mut self,
        id: WebhookEndpointId,
        secret: &[u8],
        overlap_until_ms: Option<i64>,
        by: &str,
        now_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update webhook_endpoint set old_secret = case when $3 = 1 then secret end, overlap_until_ms = $4,
                 secret = $2, updated_by = $5, updated_at_ms = $6, revision = revision + 1
                 where webhook_endpoint_id = $1",
            )
            .bind(id.0)
            .bind(secret)
            .bind(i64::from(overlap_until_ms.is_some()))
            .bind(overlap_until_ms)
            .bind(by)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes an endpoint with its messages.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_webhook_endpoint(&mut self, id: WebhookEndpointId, revision: u64) -> Result<()> {
        let sql = "delete from webhook_endpoint where webhook_endpoint_id = $1 and revision = $2";
        self.delete_at("webhook", sql, id.0, revision).await
    }

    /// A new message.
    ///
    /// # Errors
    /// The endpoint is gone, or the database's.
    pub async fn insert_webhook_delivery(&mut self, new: &Delivery) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into webhook_delivery (webhook_delivery_id, webhook_endpoint_id, kind, body, state, made_at_ms,
                 next_at_ms, leased_until_ms, tries, attempts) values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
            )
            .bind(new.id.0)
            .bind(new.endpoint.0)
            .bind(new.kind.as_str())
            .bind(new.body.as_str())
            .bind(to_text(&new.state))
            .bind(new.made_at_ms)
            .bind(new.next_at_ms)
            .bind(i64::from(new.tries))
            .bind(Json(&new.attempts))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes what became of a message, and lets others take it again.
    ///
    /// # Errors
    /// The database's.
    pub async fn update_webhook_delivery(&mut self, delivery: &Delivery) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update webhook_delivery set state = $2, made_at_ms = $3, next_at_ms = $4, tries = $5, attempts = $6,
                 leased_until_ms = 0 where webhook_delivery_id = $1",
            )
            .bind(delivery.id.0)
            .bind(to_text(&delivery.state))
            .bind(delivery.made_at_ms)
            .bind(delivery.next_at_ms)
            .bind(i64::from(delivery.tries))
            .bind(Json(&delivery.attempts))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// One message.
    ///
    /// # Errors
    /// The database's.
    pub async fn webhook_delivery(&mut self, id: WebhookDeliveryId) -> Result<Option<Delivery>> {
        let row: Option<DeliveryRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select webhook_delivery_id, webhook_endpoint_id, kind, body, state, made_at_ms, next_at_ms, tries,
                 attempts from webhook_delivery where webhook_delivery_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// Messages to an endpoint, newest first, older than one; and how many there are in all.
    ///
    /// # Errors
    /// The database's.
    pub async fn webhook_deliveries(
        &mut self,
        endpoint: WebhookEndpointId,
        before: Option<WebhookDeliveryId>,
        limit: u32,
    ) -> Result<(Vec<Delivery>, u64)> {
        let before = before.map_or(Uuid::max(), |id| id.0);
        let rows: Vec<DeliveryRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select webhook_delivery_id, webhook_endpoint_id, kind, body, state, made_at_ms, next_at_ms, tries,
                 attempts from webhook_delivery where webhook_endpoint_id = $1 and webhook_delivery_id < $2
                 order by webhook_delivery_id desc limit $3",
            )
            .bind(endpoint.0)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        let (total,): (i64,) = on_db!(self, |conn| {
            sqlx::query_as("select count(*) from webhook_delivery where webhook_endpoint_id = $1")
                .bind(endpoint.0)
                .fetch_one(conn)
                .await
        })?;
        let rows: Result<Vec<Delivery>> = rows.into_iter().map(TryInto::try_into).collect();
        Ok((rows?, from_i64("count", total)?))
    }

    /// The endpoints that are on and have messages that are due and that nobody sends.
    ///
    /// # Errors
    /// The database's.
    pub async fn due_webhook_endpoints(&mut self, now_ms: i64) -> Result<Vec<WebhookEndpointId>> {
        let rows: Vec<(Uuid,)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select distinct d.webhook_endpoint_id from webhook_delivery d
                 join webhook_endpoint e on e.webhook_endpoint_id = d.webhook_endpoint_id
                 where d.state = 'waiting' and d.next_at_ms <= $1 and d.leased_until_ms <= $1 and e.enabled",
            )
            .bind(now_ms)
            .fetch_all(conn)
            .await
        })?;
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Takes due messages of an endpoint, the oldest first: nobody else takes them until the lease ends.
    ///
    /// # Errors
    /// The database's.
    pub async fn lease_webhook_deliveries(
        &mut self,
        endpoint: WebhookEndpointId,
        now_ms: i64,
        until_ms: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let rows: Vec<DeliveryRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "update webhook_delivery set leased_until_ms = $3
                 where state = 'waiting' and next_at_ms <= $2 and leased_until_ms <= $2 and webhook_delivery_id in
                 (select webhook_delivery_id from webhook_delivery where webhook_endpoint_id = $1
                  and state = 'waiting' and next_at_ms <= $2 and leased_until_ms <= $2
                  order by webhook_delivery_id limit $4)
                 returning webhook_delivery_id, webhook_endpoint_id, kind, body, state, made_at_ms, next_at_ms, tries,
                 attempts",
            )
            .bind(endpoint.0)
            .bind(now_ms)
            .bind(until_ms)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Gives up what waits since before a time, as with an endpoint that is switched off, and removes what was made before
    /// another.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_webhook_deliveries(&mut self, give_up_before_ms: i64, delete_before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update webhook_delivery set state = 'given_up'
                 where state = 'waiting' and made_at_ms < $1 and leased_until_ms < $1",
            )
            .bind(give_up_before_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        on_db!(self, |conn| {
            sqlx::query("delete from webhook_delivery where made_at_ms < $1")
                .bind(delete_before_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}
