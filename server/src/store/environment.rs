//! The environment and its policy counter.

use mesh_protocol::id::EnvironmentId;
use mesh_protocol::secret::SecretKey;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, to_i64};
use crate::domain::environment::Environment;

#[derive(sqlx::FromRow)]
struct Row {
    environment_id: Uuid,
    name: String,
    generation: i64,
    revision: i64,
    secret_key: Vec<u8>,
}

/// One line of the policy's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRevision {
    /// Its number.
    pub revision: Revision,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who made it.
    pub actor: String,
    /// What changed.
    pub summary: String,
}

impl Tx {
    /// The environment of this mesh; none before the portal's first start.
    ///
    /// # Errors
    /// The database's.
    pub async fn environment(&mut self) -> Result<Option<Environment>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select environment_id, name, generation, revision, secret_key from environment
                 order by created_at_ms limit 1",
            )
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// Writes the first environment.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_environment(&mut self, environment: &Environment, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into environment
                 (environment_id, name, generation, revision, secret_key, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $6)",
            )
            .bind(environment.id.0)
            .bind(environment.name.as_str())
            .bind(to_i64(environment.policy.generation))
            .bind(to_i64(environment.policy.revision))
            .bind(environment.secret_key.as_bytes().to_vec())
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Locks the environment's row until the transaction ends.
    ///
    /// # Errors
    /// The database's.
    pub async fn lock_environment(&mut self, environment: EnvironmentId) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update environment set revision = revision where environment_id = $1")
                .bind(environment.0)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Takes the next policy revision. The environment's row stays locked until the transaction ends, so revisions
    /// become visible in their order.
    ///
    /// # Errors
    /// The database's.
    pub async fn next_policy_revision(
        &mut self,
        environment: EnvironmentId,
        actor: &str,
        summary: &str,
        now_ms: i64,
    ) -> Result<Revision> {
        let (generation, revision): (i64, i64) = on_db!(self, |conn| {
            sqlx::query_as(
                "update environment set revision = revision + 1, updated_at_ms = $2
                 where environment_id = $1 returning generation, revision",
            )
            .bind(environment.0)
            .bind(now_ms)
            .fetch_one(conn)
            .await
        })?;
        on_db!(self, |conn| {
            sqlx::query(
                "insert into policy_revision (environment_id, generation, revision, at_ms, actor, summary)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(environment.0)
            .bind(generation)
            .bind(revision)
            .bind(now_ms)
            .bind(actor)
            .bind(summary)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        to_revision(generation, revision)
    }

    /// The newest policy revisions, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn policy_revisions(&mut self, environment: EnvironmentId, limit: u32) -> Result<Vec<PolicyRevision>> {
        let rows: Vec<(i64, i64, i64, String, String)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select generation, revision, at_ms, actor, summary from policy_revision where environment_id = $1
                 order by generation desc, revision desc limit $2",
            )
            .bind(environment.0)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter()
            .map(|(generation, revision, at_ms, actor, summary)| {
                Ok(PolicyRevision { revision: to_revision(generation, revision)?, at_ms, actor, summary })
            })
            .collect()
    }
}

fn to_revision(generation: i64, revision: i64) -> Result<Revision> {
    Ok(Revision { generation: from_i64("generation", generation)?, revision: from_i64("revision", revision)? })
}

impl TryFrom<Row> for Environment {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.environment_id.into(),
            name: row.name,
            policy: to_revision(row.generation, row.revision)?,
            secret_key: SecretKey::try_from(row.secret_key)
                .map_err(|_| StoreError::Unreadable { column: "secret_key" })?,
        })
    }
}
