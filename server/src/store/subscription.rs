//! Who subscribes to what: the last whole report of each agent.

use mesh_protocol::id::AgentId;
use mesh_protocol::report::{Subscription, Subscriptions};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, Tx, to_i64};

/// The last report of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentSubscriptions {
    /// Whose.
    pub agent: AgentId,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// All of them.
    pub subscriptions: Vec<Subscription>,
}

impl Tx {
    /// Keeps an agent's newest report in place of the one before.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_subscriptions(&mut self, agent: AgentId, report: &Subscriptions) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into agent_subscription (agent_id, at_ms, left_out, body) values ($1, $2, $3, $4)
                 on conflict (agent_id) do update set at_ms = excluded.at_ms, left_out = excluded.left_out,
                 body = excluded.body",
            )
            .bind(agent.0)
            .bind(report.at_ms)
            .bind(to_i64(report.left_out))
            .bind(Json(&report.subscriptions))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// The last report of every agent.
    ///
    /// # Errors
    /// The database's.
    pub async fn subscriptions(&mut self) -> Result<Vec<AgentSubscriptions>> {
        let rows: Vec<(Uuid, i64, Json<Vec<Subscription>>)> = on_db!(self, |conn| {
            sqlx::query_as("select agent_id, at_ms, body from agent_subscription").fetch_all(conn).await
        })?;
        Ok(rows
            .into_iter()
            .map(|(agent, at_ms, body)| AgentSubscriptions { agent: agent.into(), at_ms, subscriptions: body.0 })
            .collect())
    }
}
