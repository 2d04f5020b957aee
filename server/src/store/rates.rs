//! Rates of each agent's counters.

use std::collections::BTreeMap;

use mesh_protocol::id::AgentId;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, Tx};
use crate::domain::rates::Rates;

impl Tx {
    /// The rates of one agent; none before its first status.
    ///
    /// # Errors
    /// The database's.
    pub async fn rates_of(&mut self, agent: AgentId) -> Result<Option<Rates>> {
        let row: Option<(Json<Rates>,)> = on_db!(self, |conn| {
            sqlx::query_as("select body from agent_rate where agent_id = $1").bind(agent.0).fetch_optional(conn).await
        })?;
        Ok(row.map(|(body,)| body.0))
    }

    /// The rates of all agents.
    ///
    /// # Errors
    /// The database's.
    pub async fn rates(&mut self) -> Result<BTreeMap<AgentId, Rates>> {
        let rows: Vec<(Uuid, Json<Rates>)> =
            on_db!(self, |conn| sqlx::query_as("select agent_id, body from agent_rate").fetch_all(conn).await)?;
        Ok(rows.into_iter().map(|(agent, body)| (agent.into(), body.0)).collect())
    }

    /// Keeps an agent's newest rates.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_rates(&mut self, agent: AgentId, rates: &Rates, at_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into agent_rate (agent_id, at_ms, body) values ($1, $2, $3)
                 on conflict (agent_id) do update set at_ms = excluded.at_ms, body = excluded.body",
            )
            .bind(agent.0)
            .bind(at_ms)
            .bind(Json(rates))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }
}
