//! What policy refused.

use mesh_protocol::id::{EnvironmentId, PrincipalId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, to_i64, to_text};
use crate::domain::denial::Denial;

#[derive(sqlx::FromRow)]
struct Row {
    denial_key: Vec<u8>,
    agent_id: Uuid,
    principal_id: Option<Uuid>,
    principal_name: String,
    client_id: String,
    protocol: String,
    action: String,
    topic: String,
    rule_id: Option<Uuid>,
    reason: String,
    count: i64,
    first_ms: i64,
    last_ms: i64,
}

/// Which runs of refusals.
#[derive(Clone, Debug, Default)]
pub struct WantedDenials {
    /// Only of this principal.
    pub principal: Option<PrincipalId>,
    /// Only those that went on since this time, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Only behind this one: its last time and its key.
    pub after: Option<(i64, Vec<u8>)>,
}

impl TryFrom<Row> for Denial {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            key: row.denial_key.try_into().map_err(|_| StoreError::Unreadable { column: "denial_key" })?,
            agent: row.agent_id.into(),
            principal: row.principal_id.map(PrincipalId),
            principal_name: row.principal_name,
            client_id: row.client_id,
            protocol: from_text("protocol", row.protocol)?,
            action: from_text("action", row.action)?,
            topic: row.topic,
            rule: row.rule_id.map(Into::into),
            reason: row.reason,
            count: from_i64("count", row.count)?,
            first_ms: row.first_ms,
            last_ms: row.last_ms,
        })
    }
}

impl Tx {
    /// Adds refusals to their run.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_denial(&mut self, environment: EnvironmentId, denial: &Denial) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into denial (denial_key, environment_id, agent_id, principal_id, principal_name, client_id,
                 protocol, action, topic, rule_id, reason, count, first_ms, last_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                 on conflict (denial_key) do update set count = denial.count + excluded.count,
                 reason = excluded.reason, last_ms = excluded.last_ms",
            )
            .bind(denial.key.as_slice())
            .bind(environment.0)
            .bind(denial.agent.0)
            .bind(denial.principal.map(|id| id.0))
            .bind(denial.principal_name.as_str())
            .bind(denial.client_id.as_str())
            .bind(to_text(&denial.protocol))
            .bind(to_text(&denial.action))
            .bind(denial.topic.as_str())
            .bind(denial.rule.map(|id| id.0))
            .bind(denial.reason.as_str())
            .bind(to_i64(denial.count))
            .bind(denial.first_ms)
            .bind(denial.last_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Runs of refusals, newest first. They are many, so the database itself goes on behind the key.
    ///
    /// # Errors
    /// The database's.
    pub async fn denials(
        &mut self,
        environment: EnvironmentId,
        wanted: &WantedDenials,
        limit: u32,
    ) -> Result<Vec<Denial>> {
        let (after_ms, after_key) = wanted.after.clone().unwrap_or((i64::MAX, Vec::new()));
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select denial_key, agent_id, principal_id, principal_name, client_id, protocol, action, topic, rule_id,
                 reason, count, first_ms, last_ms
                 from denial
                 where environment_id = $1 and last_ms >= $2 and ($3 = 0 or principal_id = $4)
                 and (last_ms < $5 or (last_ms = $5 and denial_key > $6))
                 order by last_ms desc, denial_key limit $7",
            )
            .bind(environment.0)
            .bind(wanted.since_ms)
            .bind(i64::from(wanted.principal.is_some()))
            .bind(wanted.principal.map(|id| id.0))
            .bind(after_ms)
            .bind(after_key)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// How many runs of refusals there are, and refusals in them, whatever was seen of them.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_denials(&mut self, environment: EnvironmentId, wanted: &WantedDenials) -> Result<(u64, u64)> {
        let (runs, refusals): (i64, i64) = on_db!(self, |conn| {
            sqlx::query_as(
                "select count(*), cast(coalesce(sum(count), 0) as bigint) from denial
                 where environment_id = $1 and last_ms >= $2 and ($3 = 0 or principal_id = $4)",
            )
            .bind(environment.0)
            .bind(wanted.since_ms)
            .bind(i64::from(wanted.principal.is_some()))
            .bind(wanted.principal.map(|id| id.0))
            .fetch_one(conn)
            .await
        })?;
        Ok((from_i64("count", runs)?, from_i64("count", refusals)?))
    }

    /// Forgets refusals that ended before a time.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_denials(&mut self, before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from denial where last_ms < $1").bind(before_ms).execute(conn).await.map(|_| ())
        })?;
        Ok(())
    }
}
