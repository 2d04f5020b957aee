//! Sessions of people. Ids are stored hashed: a copy of the table opens nothing.

use mesh_protocol::id::PersonId;
use uuid::Uuid;

use super::{Result, Tx};

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub person: PersonId,
    /// Last use, milliseconds since the Unix epoch.
    pub seen_at_ms: i64,
    /// End, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

impl Tx {
    /// A session by the hash of its id.
    ///
    /// # Errors
    /// The database's.
    pub async fn session(&mut self, hash: &[u8]) -> Result<Option<Session>> {
        let row: Option<(Uuid, i64, i64)> = on_db!(self, |conn| {
            sqlx::query_as("select person_id, seen_at_ms, expires_at_ms from session where session_hash = $1")
                .bind(hash.to_vec())
                .fetch_optional(conn)
                .await
        })?;
        Ok(row.map(|(person, seen_at_ms, expires_at_ms)| Session { person: person.into(), seen_at_ms, expires_at_ms }))
    }

    /// Begins a session.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_session(&mut self, hash: &[u8], session: &Session) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into session (session_hash, person_id, created_at_ms, seen_at_ms, expires_at_ms)
                 values ($1, $2, $3, $3, $4)",
            )
            .bind(hash.to_vec())
            .bind(session.person.0)
            .bind(session.seen_at_ms)
            .bind(session.expires_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Notes that a session is in use.
    ///
    /// # Errors
    /// The database's.
    pub async fn touch_session(&mut self, hash: &[u8], now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update session set seen_at_ms = $2 where session_hash = $1")
                .bind(hash.to_vec())
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_session(&mut self, hash: &[u8]) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from session where session_hash = $1")
                .bind(hash.to_vec())
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_sessions_of(&mut self, person: PersonId) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from session where person_id = $1").bind(person.0).execute(conn).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Removes sessions that ended, or that nobody used since `idle_since_ms`.
    ///
    /// # Errors
    /// The database's.
    pub async fn purge_sessions(&mut self, now_ms: i64, idle_since_ms: i64) -> Result<u64> {
        let rows = on_db!(self, |conn| {
            sqlx::query("delete from session where expires_at_ms <= $1 or seen_at_ms <= $2")
                .bind(now_ms)
                .bind(idle_since_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows)
    }
}
