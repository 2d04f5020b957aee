//! The audit chain.

use super::{Result, StoreError, Tx, from_i64, to_i64};
use crate::domain::audit::{Chained, Entry};

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    at_ms: i64,
    actor: String,
    action: String,
    object_kind: String,
    object_id: String,
    summary: String,
    before_json: Option<String>,
    after_json: Option<String>,
    policy_revision: Option<i64>,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl TryFrom<Row> for Chained {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            number: from_i64("number", row.number)?,
            entry: Entry {
                at_ms: row.at_ms,
                actor: row.actor,
                action: row.action,
                object_kind: row.object_kind,
                object_id: row.object_id,
                summary: row.summary,
                before: row.before_json,
                after: row.after_json,
                policy_revision: row.policy_revision.map(|number| from_i64("policy_revision", number)).transpose()?,
            },
            prev_hash: row.prev_hash,
            hash: row.hash,
        })
    }
}

impl Tx {
    /// Appends to the chain. The chain's head stays locked until the transaction ends, so two writers never fork it. Gives
    /// the number of the entry.
    ///
    /// # Errors
    /// The database's.
    pub async fn append_audit(&mut self, entry: &Entry) -> Result<u64> {
        let (number, prev_hash): (i64, Vec<u8>) = on_db!(self, |conn| {
            sqlx::query_as("update audit_head set number = number + 1 where audit_head_id = 1 returning number, hash")
                .fetch_one(conn)
                .await
        })?;
        let place = from_i64("number", number)?;
        let hash = entry.hash(place, &prev_hash);
        on_db!(self, |conn| {
            sqlx::query(
                "insert into audit_entry (number, at_ms, actor, action, object_kind, object_id, summary, before_json,
                 after_json, policy_revision, prev_hash, hash)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(number)
            .bind(entry.at_ms)
            .bind(entry.actor.as_str())
            .bind(entry.action.as_str())
            .bind(entry.object_kind.as_str())
            .bind(entry.object_id.as_str())
            .bind(entry.summary.as_str())
            .bind(entry.before.as_deref())
            .bind(entry.after.as_deref())
            .bind(entry.policy_revision.map(to_i64))
            .bind(prev_hash.as_slice())
            .bind(hash.as_slice())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        on_db!(self, |conn| {
            sqlx::query("update audit_head set hash = $1 where audit_head_id = 1")
                .bind(hash.as_slice())
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(place)
    }

    /// The number of the newest entry; 0 = none.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit_number(&mut self) -> Result<u64> {
        let (number,): (i64,) = on_db!(self, |conn| {
            sqlx::query_as("select number from audit_head where audit_head_id = 1").fetch_one(conn).await
        })?;
        from_i64("number", number)
    }

    /// The number of the newest entry about one kind of object; 0 when there is none.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit_number_of(&mut self, kind: &str) -> Result<u64> {
        let (number,): (Option<i64>,) = on_db!(self, |conn| {
            sqlx::query_as("select max(number) from audit_entry where object_kind = $1")
                .bind(kind)
                .fetch_one(conn)
                .await
        })?;
        from_i64("number", number.unwrap_or(0))
    }

    /// Entries after a number, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit_after(&mut self, number: u64, limit: u32) -> Result<Vec<Chained>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select number, at_ms, actor, action, object_kind, object_id, summary, before_json, after_json,
                 policy_revision, prev_hash, hash from audit_entry where number > $1 order by number limit $2",
            )
            .bind(to_i64(number))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }
}
