//! Discovered objects and the scans that found them.

use mesh_protocol::id::{AgentId, BrokerId, EnvironmentId};
use mesh_protocol::report::{MissingRight, ObjectFacts, ObjectKey};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, to_i64, to_text};
use crate::domain::runtime_object::{Found, Scan};

#[derive(sqlx::FromRow)]
struct Row {
    broker_id: Uuid,
    kind: String,
    name: String,
    facts: Json<ObjectFacts>,
    agent_id: Uuid,
    first_seen_ms: i64,
    last_seen_ms: i64,
    gone_at_ms: Option<i64>,
}

impl TryFrom<Row> for Found {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            broker: row.broker_id.into(),
            kind: from_text("kind", row.kind)?,
            name: row.name,
            facts: row.facts.0,
            agent: row.agent_id.into(),
            first_seen_ms: row.first_seen_ms,
            last_seen_ms: row.last_seen_ms,
            gone_at_ms: row.gone_at_ms,
        })
    }
}

#[derive(sqlx::FromRow)]
struct ScanRow {
    broker_id: Uuid,
    agent_id: Uuid,
    scan: i64,
    at_ms: i64,
    missing_rights: Json<Vec<MissingRight>>,
    failed: Option<String>,
}

impl TryFrom<ScanRow> for Scan {
    type Error = StoreError;
    fn try_from(row: ScanRow) -> Result<Self> {
        Ok(Self {
            broker: row.broker_id.into(),
            agent: row.agent_id.into(),
            number: from_i64("scan", row.scan)?,
            at_ms: row.at_ms,
            missing_rights: row.missing_rights.0,
            failed: row.failed,
        })
    }
}

impl Tx {
    /// Stores what a scan says of one object; a gone one that is back keeps when it was first seen.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_found(
        &mut self,
        environment: EnvironmentId,
        found: &Found,
        id: Uuid,
        scan: u64,
        now_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into runtime_object (runtime_object_id, environment_id, broker_id, kind, name, facts, agent_id,
                 scan, first_seen_ms, last_seen_ms, gone_at_ms, changed_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null, $11)
                 on conflict (broker_id, kind, name) do update set facts = excluded.facts, agent_id = excluded.agent_id,
                 scan = excluded.scan, last_seen_ms = excluded.last_seen_ms, gone_at_ms = null,
                 changed_at_ms = excluded.changed_at_ms",
            )
            .bind(id)
            .bind(environment.0)
            .bind(found.broker.0)
            .bind(to_text(&found.kind))
            .bind(found.name.as_str())
            .bind(Json(&found.facts))
            .bind(found.agent.0)
            .bind(to_i64(scan))
            .bind(found.first_seen_ms)
            .bind(found.last_seen_ms)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Marks one object as gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn mark_gone(&mut self, broker: BrokerId, key: &ObjectKey, at_ms: i64, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update runtime_object set gone_at_ms = $4, changed_at_ms = $5
                 where broker_id = $1 and kind = $2 and name = $3 and gone_at_ms is null",
            )
            .bind(broker.0)
            .bind(to_text(&key.kind))
            .bind(key.name.as_str())
            .bind(at_ms)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Marks everything of a cluster as gone that a full scan by this agent did not find.
    ///
    /// # Errors
    /// The database's.
    pub async fn mark_rest_gone(
        &mut self,
        broker: BrokerId,
        agent: AgentId,
        scan: u64,
        at_ms: i64,
        now_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update runtime_object set gone_at_ms = $4, changed_at_ms = $5
                 where broker_id = $1 and gone_at_ms is null and not (agent_id = $2 and scan = $3)",
            )
            .bind(broker.0)
            .bind(agent.0)
            .bind(to_i64(scan))
            .bind(at_ms)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Discovered objects that were written since a time of the portal's clock, also those that are gone; 0 = all.
    ///
    /// # Errors
    /// The database's.
    pub async fn found(&mut self, environment: EnvironmentId, since_ms: i64) -> Result<Vec<Found>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select broker_id, kind, name, facts, agent_id, first_seen_ms, last_seen_ms, gone_at_ms
                 from runtime_object where environment_id = $1 and changed_at_ms >= $2",
            )
            .bind(environment.0)
            .bind(since_ms)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Stores how a scan ended. A scan that failed keeps what the one before found.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_scan(&mut self, scan: &Scan) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into broker_scan (broker_id, agent_id, scan, at_ms, missing_rights, failed)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (broker_id) do update set agent_id = excluded.agent_id, scan = excluded.scan,
                 at_ms = excluded.at_ms, missing_rights = excluded.missing_rights, failed = excluded.failed",
            )
            .bind(scan.broker.0)
            .bind(scan.agent.0)
            .bind(to_i64(scan.number))
            .bind(scan.at_ms)
            .bind(Json(&scan.missing_rights))
            .bind(scan.failed.as_deref())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// The last scan of every cluster.
    ///
    /// # Errors
    /// The database's.
    pub async fn scans(&mut self) -> Result<Vec<Scan>> {
        let rows: Vec<ScanRow> = on_db!(self, |conn| {
            sqlx::query_as("select broker_id, agent_id, scan, at_ms, missing_rights, failed from broker_scan")
                .fetch_all(conn)
                .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }
}
