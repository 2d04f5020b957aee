//! What people decided about findings, by the finding's key, and how many findings there were.

use std::collections::HashMap;

use mesh_protocol::id::EnvironmentId;

use super::{Result, Tx};
use crate::domain::design::drift::Decision;
use crate::domain::design::drift::trend::Count;

#[derive(sqlx::FromRow)]
struct Row {
    finding_key: String,
    digest: String,
    until_ms: Option<i64>,
    reason: String,
    decided_by: String,
    decided_at_ms: i64,
}

impl From<Row> for Decision {
    fn from(row: Row) -> Self {
        Self {
            key: row.finding_key,
            digest: row.digest,
            until_ms: row.until_ms,
            reason: row.reason,
            by: row.decided_by,
            at_ms: row.decided_at_ms,
        }
    }
}

#[derive(sqlx::FromRow)]
struct CountRow {
    hour_ms: i64,
    partial: i64,
    design_only: i64,
    runtime_only: i64,
    matching: i64,
    ignored: i64,
}

impl From<CountRow> for Count {
    fn from(row: CountRow) -> Self {
        let count = |stored: i64| u64::try_from(stored).unwrap_or_default();
        Self {
            hour_ms: row.hour_ms,
            partial: count(row.partial),
            design_only: count(row.design_only),
            runtime_only: count(row.runtime_only),
            matching: count(row.matching),
            ignored: count(row.ignored),
        }
    }
}

impl Tx {
    /// All decisions by key, also those whose time is over.
    ///
    /// # Errors
    /// The database's.
    pub async fn drift_decisions(&mut self, environment: EnvironmentId) -> Result<HashMap<String, Decision>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select finding_key, digest, until_ms, reason, decided_by, decided_at_ms from drift_decision
                 where environment_id = $1",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        Ok(rows.into_iter().map(|row| (row.finding_key.clone(), row.into())).collect())
    }

    /// Keeps a decision, in the place of the one before it.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_drift_decision(&mut self, environment: EnvironmentId, decision: &Decision) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into drift_decision (environment_id, finding_key, digest, until_ms, reason, decided_by,
                 decided_at_ms) values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (environment_id, finding_key) do update set digest = excluded.digest,
                 until_ms = excluded.until_ms, reason = excluded.reason, decided_by = excluded.decided_by,
                 decided_at_ms = excluded.decided_at_ms",
            )
            .bind(environment.0)
            .bind(decision.key.as_str())
            .bind(decision.digest.as_str())
            .bind(decision.until_ms)
            .bind(decision.reason.as_str())
            .bind(decision.by.as_str())
            .bind(decision.at_ms)
            .execute(conn)
            .await
            .map(drop)
        })?;
        Ok(())
    }

    /// Takes a decision back; one that is not there is back already.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_drift_decision(&mut self, environment: EnvironmentId, key: &str) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from drift_decision where environment_id = $1 and finding_key = $2")
                .bind(environment.0)
                .bind(key)
                .execute(conn)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Forgets decisions whose time is over: they decide nothing any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_drift_decisions(&mut self, environment: EnvironmentId, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from drift_decision where environment_id = $1 and until_ms <= $2")
                .bind(environment.0)
                .bind(now_ms)
                .execute(conn)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Whether the findings of an hour were counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_drift_counted(&mut self, environment: EnvironmentId, hour_ms: i64) -> Result<bool> {
        let row: Option<(i64,)> = on_db!(self, |conn| {
            sqlx::query_as("select hour_ms from drift_count where environment_id = $1 and hour_ms = $2")
                .bind(environment.0)
                .bind(hour_ms)
                .fetch_optional(conn)
                .await
        })?;
        Ok(row.is_some())
    }

    /// Keeps the count of an hour, unless another portal was first, and forgets those before a moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_drift_count(&mut self, environment: EnvironmentId, count: &Count, before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into drift_count (environment_id, hour_ms, partial, design_only, runtime_only, matching, ignored)
                 values ($1, $2, $3, $4, $5, $6, $7) on conflict (environment_id, hour_ms) do nothing",
            )
            .bind(environment.0)
            .bind(count.hour_ms)
            .bind(stored(count.partial))
            .bind(stored(count.design_only))
            .bind(stored(count.runtime_only))
            .bind(stored(count.matching))
            .bind(stored(count.ignored))
            .execute(conn)
            .await
            .map(drop)
        })?;
        on_db!(self, |conn| {
            sqlx::query("delete from drift_count where environment_id = $1 and hour_ms < $2")
                .bind(environment.0)
                .bind(before_ms)
                .execute(conn)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// All counts from a moment on, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn drift_counts(&mut self, environment: EnvironmentId, since_ms: i64) -> Result<Vec<Count>> {
        let rows: Vec<CountRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select hour_ms, partial, design_only, runtime_only, matching, ignored from drift_count
                 where environment_id = $1 and hour_ms >= $2 order by hour_ms",
            )
            .bind(environment.0)
            .bind(since_ms)
            .fetch_all(conn)
            .await
        })?;
        Ok(rows.into_iter().map(Count::from).collect())
    }
}

/// More findings than the database can count are no findings that anybody has.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
