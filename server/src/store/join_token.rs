//! Join tokens, by the hash of their secret.

use mesh_protocol::id::{AgentId, SiteId};
use uuid::Uuid;

use super::{Result, Tx, must_hit};
use crate::domain::join_token::{JoinToken, Use};

#[derive(sqlx::FromRow)]
struct Row {
    join_token_id: Uuid,
    site_id: Uuid,
    created_by: String,
    created_at_ms: i64,
    expires_at_ms: i64,
    used_at_ms: Option<i64>,
    used_by_key: Option<String>,
    agent_id: Option<Uuid>,
    revoked_at_ms: Option<i64>,
    replaces: Option<Uuid>,
}

impl From<Row> for JoinToken {
    fn from(row: Row) -> Self {
        let used = match (row.used_by_key, row.agent_id, row.used_at_ms) {
            (Some(key), Some(agent), Some(at_ms)) => Some(Use { key, agent: agent.into(), at_ms }),
            _ => None,
        };
        Self {
            id: row.join_token_id,
            site: row.site_id.into(),
            replaces: row.replaces.map(Into::into),
            created_by: row.created_by,
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
            used,
            revoked_at_ms: row.revoked_at_ms,
        }
    }
}

impl Tx {
    /// A token by the hash of its secret.
    ///
    /// # Errors
    /// The database's.
    pub async fn join_token(&mut self, hash: &[u8]) -> Result<Option<JoinToken>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select join_token_id, site_id, created_by, created_at_ms, expires_at_ms, used_at_ms, used_by_key,
                 agent_id, revoked_at_ms, replaces from join_token where secret_hash = $1",
            )
            .bind(hash.to_vec())
            .fetch_optional(conn)
            .await
        })?;
        Ok(row.map(Into::into))
    }

    /// A new token.
    ///
    /// # Errors
    /// The site is gone, or the database's.
    pub async fn insert_join_token(&mut self, hash: &[u8], token: &JoinToken) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into join_token (join_token_id, secret_hash, site_id, created_by, created_at_ms, expires_at_ms,
                 replaces) values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(token.id)
            .bind(hash.to_vec())
            .bind(token.site.0)
            .bind(token.created_by.as_str())
            .bind(token.created_at_ms)
            .bind(token.expires_at_ms)
            .bind(token.replaces.map(|agent| agent.0))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Binds a token to the key that used it. Two calls at once: one hits, the other is stale.
    ///
    /// # Errors
    /// It was used meanwhile, or the database's.
    pub async fn use_join_token(&mut self, id: Uuid, key: &str, agent: AgentId, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update join_token set used_at_ms = $2, used_by_key = $3, agent_id = $4
                 where join_token_id = $1 and used_by_key is null",
            )
            .bind(id)
            .bind(now_ms)
            .bind(key)
            .bind(agent.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("join_token", rows)
    }

    /// Removes the tokens of a site that goes.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_join_tokens_of(&mut self, site: SiteId) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from join_token where site_id = $1").bind(site.0).execute(conn).await.map(|_| ())
        })?;
        Ok(())
    }
}
