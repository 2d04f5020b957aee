//! The deny list: revoked identities of the whole mesh. Entries are only added.

use mesh_protocol::deny_list::DenyList;
use mesh_protocol::id::{AgentId, PrincipalId};
use uuid::Uuid;

use super::{Result, Tx, from_i64};

impl Tx {
    /// The whole list; its number is that of its newest entry.
    ///
    /// # Errors
    /// The database's.
    pub async fn deny_list(&mut self) -> Result<DenyList> {
        let rows: Vec<(String, Uuid, i64)> = on_db!(self, |conn| {
            sqlx::query_as("select kind, subject_id, number from deny_entry order by number").fetch_all(conn).await
        })?;
        let mut list = DenyList::default();
        for (kind, id, number) in rows {
            list.number = list.number.max(from_i64("number", number)?);
            match kind.as_str() {
                "agent" => list.agents.push(AgentId(id)),
                _ => list.principals.push(PrincipalId(id)),
            }
        }
        Ok(list)
    }

    /// Revokes an agent for good.
    ///
    /// # Errors
    /// The database's.
    pub async fn deny_agent(&mut self, id: AgentId, actor: &str, now_ms: i64) -> Result<()> {
        self.deny("agent", id.0, actor, now_ms).await
    }

    /// Revokes a principal for good.
    ///
    /// # Errors
    /// The database's.
    pub async fn deny_principal(&mut self, id: PrincipalId, actor: &str, now_ms: i64) -> Result<()> {
        self.deny("principal", id.0, actor, now_ms).await
    }

    async fn deny(&mut self, kind: &str, id: Uuid, actor: &str, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into deny_entry (kind, subject_id, number, at_ms, actor)
                 select $1, $2, coalesce(max(number), 0) + 1, $3, $4 from deny_entry where true
                 on conflict (kind, subject_id) do nothing",
            )
            .bind(kind)
            .bind(id)
            .bind(now_ms)
            .bind(actor)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }
}
