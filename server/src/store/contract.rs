//! How payloads kept to the contracts of events.

use mesh_protocol::id::{AgentId, DesignObjectId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, to_i64, to_text};
use crate::domain::contract::{Breach, Count, slot};

#[derive(sqlx::FromRow)]
struct Row {
    breach_key: Vec<u8>,
    design_object_id: Uuid,
    agent_id: Uuid,
    principal_id: Uuid,
    principal_name: String,
    client_id: String,
    protocol: String,
    topic: String,
    label: String,
    path: String,
    reason: String,
    rejected: bool,
    diverted: bool,
    count: i64,
    first_ms: i64,
    last_ms: i64,
}

impl TryFrom<Row> for Breach {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            key: row.breach_key.try_into().map_err(|_| StoreError::Unreadable { column: "breach_key" })?,
            event: row.design_object_id.into(),
            agent: row.agent_id.into(),
            principal: row.principal_id.into(),
            principal_name: row.principal_name,
            client_id: row.client_id,
            protocol: from_text("protocol", row.protocol)?,
            topic: row.topic,
            label: row.label,
            path: row.path,
            reason: row.reason,
            rejected: row.rejected,
            diverted: row.diverted,
            count: from_i64("count", row.count)?,
            first_ms: row.first_ms,
            last_ms: row.last_ms,
        })
    }
}

impl Tx {
    /// Adds to what an agent counted of an event.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_contract_count(
        &mut self,
        event: DesignObjectId,
        agent: AgentId,
        at_ms: i64,
        count: Count,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into contract_count (design_object_id, agent_id, slot_ms, checked, invalid, rejected, diverted)
                 values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (design_object_id, agent_id, slot_ms) do update set
                 checked = contract_count.checked + excluded.checked,
                 invalid = contract_count.invalid + excluded.invalid,
                 rejected = contract_count.rejected + excluded.rejected,
                 diverted = contract_count.diverted + excluded.diverted",
            )
            .bind(event.0)
            .bind(agent.0)
            .bind(slot(at_ms))
            .bind(to_i64(count.checked))
            .bind(to_i64(count.invalid))
            .bind(to_i64(count.rejected))
            .bind(to_i64(count.diverted))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// What all agents counted of an event since a time, from the whole slot of it on.
    ///
    /// # Errors
    /// The database's.
    pub async fn contract_count(&mut self, event: DesignObjectId, since_ms: i64) -> Result<Count> {
        let (checked, invalid, rejected, diverted): (i64, i64, i64, i64) = on_db!(self, |conn| {
            sqlx::query_as(
                "select cast(coalesce(sum(checked), 0) as bigint), cast(coalesce(sum(invalid), 0) as bigint),
                 cast(coalesce(sum(rejected), 0) as bigint), cast(coalesce(sum(diverted), 0) as bigint)
                 from contract_count where design_object_id = $1 and slot_ms >= $2",
            )
            .bind(event.0)
            .bind(slot(since_ms))
            .fetch_one(conn)
            .await
        })?;
        Ok(Count {
            checked: from_i64("checked", checked)?,
            invalid: from_i64("invalid", invalid)?,
            rejected: from_i64("rejected", rejected)?,
            diverted: from_i64("diverted", diverted)?,
        })
    }

    /// Adds invalid payloads to their run.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_breach(&mut self, breach: &Breach) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into contract_breach (breach_key, design_object_id, agent_id, principal_id, principal_name,
                 client_id, protocol, topic, label, path, reason, rejected, diverted, count, first_ms, last_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
                 on conflict (breach_key) do update set count = contract_breach.count + excluded.count,
                 principal_name = excluded.principal_name, topic = excluded.topic, last_ms = excluded.last_ms",
            )
            .bind(breach.key.as_slice())
            .bind(breach.event.0)
            .bind(breach.agent.0)
            .bind(breach.principal.0)
            .bind(breach.principal_name.as_str())
            .bind(breach.client_id.as_str())
            .bind(to_text(&breach.protocol))
            .bind(breach.topic.as_str())
            .bind(breach.label.as_str())
            .bind(breach.path.as_str())
            .bind(breach.reason.as_str())
            .bind(breach.rejected)
            .bind(breach.diverted)
            .bind(to_i64(breach.count))
            .bind(breach.first_ms)
            .bind(breach.last_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// The runs of an event that ended last, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn breaches(&mut self, event: DesignObjectId, limit: u32) -> Result<Vec<Breach>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select breach_key, design_object_id, agent_id, principal_id, principal_name, client_id, protocol, topic,
                 label, path, reason, rejected, diverted, count, first_ms, last_ms
                 from contract_breach where design_object_id = $1 order by last_ms desc, breach_key limit $2",
            )
            .bind(event.0)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Forgets counts from before a time, and runs that ended before another.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_contracts(&mut self, counts_before_ms: i64, runs_before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from contract_count where slot_ms < $1")
                .bind(counts_before_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        on_db!(self, |conn| {
            sqlx::query("delete from contract_breach where last_ms < $1")
                .bind(runs_before_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}
