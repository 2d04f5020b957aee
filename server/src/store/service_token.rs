//! Service tokens, by the hash of their secret.

use mesh_protocol::id::ApplicationDomainId;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_text, to_text};
use crate::domain::service_token::ServiceToken;

#[derive(sqlx::FromRow)]
struct Row {
    service_token_id: Uuid,
    name: String,
    role: String,
    domains: Json<Vec<ApplicationDomainId>>,
    created_by: String,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
    used_at_ms: Option<i64>,
}

impl TryFrom<Row> for ServiceToken {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.service_token_id,
            name: row.name,
            role: from_text("role", row.role)?,
            domains: row.domains.0,
            created_by: row.created_by,
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
            used_at_ms: row.used_at_ms,
        })
    }
}

impl Tx {
    /// All service tokens, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn service_tokens(&mut self) -> Result<Vec<ServiceToken>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select service_token_id, name, role, domains, created_by, created_at_ms, expires_at_ms, used_at_ms
                 from service_token order by service_token_id desc",
            )
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A service token by the hash of its secret.
    ///
    /// # Errors
    /// The database's.
    pub async fn service_token(&mut self, hash: &[u8]) -> Result<Option<ServiceToken>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select service_token_id, name, role, domains, created_by, created_at_ms, expires_at_ms, used_at_ms
                 from service_token where token_hash = $1",
            )
            .bind(hash.to_vec())
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A new service token.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_service_token(&mut self, hash: &[u8], token: &ServiceToken) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into service_token (service_token_id, token_hash, name, role, created_by, created_at_ms,
                 expires_at_ms, domains) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(token.id)
            .bind(hash.to_vec())
            .bind(token.name.as_str())
            .bind(to_text(&token.role))
            .bind(token.created_by.as_str())
            .bind(token.created_at_ms)
            .bind(token.expires_at_ms)
            .bind(Json(&token.domains))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Notes that a service token is in use.
    ///
    /// # Errors
    /// The database's.
    pub async fn touch_service_token(&mut self, id: Uuid, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update service_token set used_at_ms = $2 where service_token_id = $1")
                .bind(id)
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes a service token; whether it was there.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_service_token(&mut self, id: Uuid) -> Result<bool> {
        let rows = on_db!(self, |conn| {
            sqlx::query("delete from service_token where service_token_id = $1")
                .bind(id)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }
}
