//! Mesh roles.

use mesh_protocol::id::{EnvironmentId, RoleId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::role::Role;

#[derive(sqlx::FromRow)]
struct Row {
    role_id: Uuid,
    name: String,
    description: String,
    revision: i64,
}

impl TryFrom<Row> for Role {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let revision = from_i64("revision", row.revision)?;
        Ok(Self { id: row.role_id.into(), name: row.name, description: row.description, revision })
    }
}

impl Tx {
    /// All mesh roles, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn roles(&mut self, environment: EnvironmentId) -> Result<Vec<Role>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select role_id, name, description, revision from role where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new role.
    ///
    /// # Errors
    /// The name is taken, or the database's.
    pub async fn insert_role(&mut self, environment: EnvironmentId, role: &Role, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into role (role_id, environment_id, name, description, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $6)",
            )
            .bind(role.id.0)
            .bind(environment.0)
            .bind(role.name.as_str())
            .bind(role.description.as_str())
            .bind(to_i64(role.revision))
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a role over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_role(&mut self, role: &Role, revision: u64, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update role set name = $3, description = $4, revision = revision + 1, updated_at_ms = $5
                 where role_id = $1 and revision = $2",
            )
            .bind(role.id.0)
            .bind(to_i64(revision))
            .bind(role.name.as_str())
            .bind(role.description.as_str())
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("role", rows)
    }

    /// Removes a role that no principal has.
    ///
    /// # Errors
    /// It changed meanwhile, a principal has it, or the database's.
    pub async fn delete_role(&mut self, id: RoleId, revision: u64) -> Result<()> {
        self.delete_at("role", "delete from role where role_id = $1 and revision = $2", id.0, revision).await
    }
}
