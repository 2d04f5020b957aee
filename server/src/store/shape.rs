//! Shapes of payloads, by agent and address.

use mesh_protocol::id::{AgentId, EnvironmentId};
use mesh_protocol::report::Shape;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, to_i64};
use crate::domain::shape::Inferred;

#[derive(sqlx::FromRow)]
struct Row {
    agent_id: Uuid,
    address: String,
    life_ms: i64,
    others: i64,
    shape: Json<Shape>,
    earlier_others: i64,
    earlier: Json<Shape>,
    first_seen_ms: i64,
    last_seen_ms: i64,
    changed_ms: i64,
}

impl TryFrom<Row> for Inferred {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            agent: row.agent_id.into(),
            address: row.address,
            life_ms: row.life_ms,
            others: from_i64("others", row.others)?,
            shape: row.shape.0,
            before_others: from_i64("earlier_others", row.earlier_others)?,
            before: row.earlier.0,
            first_seen_ms: row.first_seen_ms,
            last_seen_ms: row.last_seen_ms,
            changed_ms: row.changed_ms,
        })
    }
}

impl Tx {
    /// Keeps what an agent saw at an address, in the place of what it said before.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_shape(&mut self, environment: EnvironmentId, shape: &Inferred) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into payload_shape (agent_id, address, environment_id, life_ms, others, shape, earlier_others,
                 earlier, first_seen_ms, last_seen_ms, changed_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 on conflict (agent_id, address) do update set life_ms = excluded.life_ms, others = excluded.others,
                 shape = excluded.shape, earlier_others = excluded.earlier_others, earlier = excluded.earlier,
                 first_seen_ms = excluded.first_seen_ms, last_seen_ms = excluded.last_seen_ms,
                 changed_ms = excluded.changed_ms",
            )
            .bind(shape.agent.0)
            .bind(shape.address.as_str())
            .bind(environment.0)
            .bind(shape.life_ms)
            .bind(to_i64(shape.others))
            .bind(Json(&shape.shape))
            .bind(to_i64(shape.before_others))
            .bind(Json(&shape.before))
            .bind(shape.first_seen_ms)
            .bind(shape.last_seen_ms)
            .bind(shape.changed_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// What an agent saw at an address.
    ///
    /// # Errors
    /// The database's.
    pub async fn shape(&mut self, agent: AgentId, address: &str) -> Result<Option<Inferred>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select agent_id, address, life_ms, others, shape, earlier_others, earlier, first_seen_ms, last_seen_ms,
                 changed_ms from payload_shape where agent_id = $1 and address = $2",
            )
            .bind(agent.0)
            .bind(address)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// What all agents saw at an address.
    ///
    /// # Errors
    /// The database's.
    pub async fn shapes_at(&mut self, environment: EnvironmentId, address: &str) -> Result<Vec<Inferred>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select agent_id, address, life_ms, others, shape, earlier_others, earlier, first_seen_ms, last_seen_ms,
                 changed_ms from payload_shape where environment_id = $1 and address = $2 order by agent_id",
            )
            .bind(environment.0)
            .bind(address)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Who saw something where, and when it became another.
    ///
    /// # Errors
    /// The database's.
    pub async fn shape_changes(&mut self, environment: EnvironmentId) -> Result<Vec<(AgentId, String, i64)>> {
        let rows: Vec<(Uuid, String, i64)> = on_db!(self, |conn| {
            sqlx::query_as("select agent_id, address, changed_ms from payload_shape where environment_id = $1")
                .bind(environment.0)
                .fetch_all(conn)
                .await
        })?;
        Ok(rows.into_iter().map(|(agent, address, changed_ms)| (agent.into(), address, changed_ms)).collect())
    }

    /// Forgets what an agent saw at an address.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_shape(&mut self, agent: AgentId, address: &str) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from payload_shape where agent_id = $1 and address = $2")
                .bind(agent.0)
                .bind(address)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes what was last seen before a time.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_shapes(&mut self, before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from payload_shape where last_seen_ms < $1")
                .bind(before_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}
