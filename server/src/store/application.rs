//! Applications.

use mesh_protocol::id::{ApplicationId, EnvironmentId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::application::{Application, Spec};

#[derive(sqlx::FromRow)]
struct Row {
    application_id: Uuid,
    name: String,
    owner: String,
    description: String,
    revision: i64,
}

impl TryFrom<Row> for Application {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.application_id.into(),
            spec: Spec { name: row.name, owner: row.owner, description: row.description },
            revision: from_i64("revision", row.revision)?,
        })
    }
}

impl Tx {
    /// All applications, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn applications(&mut self, environment: EnvironmentId) -> Result<Vec<Application>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select application_id, name, owner, description, revision from application
                 where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new application.
    ///
    /// # Errors
    /// The name is taken, or the database's.
    pub async fn insert_application(
        &mut self,
        environment: EnvironmentId,
        new: &Application,
        now_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into application (application_id, environment_id, name, owner, description, revision,
                 created_at_ms, updated_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $7)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.spec.name.as_str())
            .bind(new.spec.owner.as_str())
            .bind(new.spec.description.as_str())
            .bind(to_i64(new.revision))
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes an application over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_application(
        &mut self,
        id: ApplicationId,
        spec: &Spec,
        revision: u64,
        now_ms: i64,
    ) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update application set name = $3, owner = $4, description = $5, revision = revision + 1,
                 updated_at_ms = $6 where application_id = $1 and revision = $2",
            )
            .bind(id.0)
            .bind(to_i64(revision))
            .bind(spec.name.as_str())
            .bind(spec.owner.as_str())
            .bind(spec.description.as_str())
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("application", rows)
    }

    /// Removes an application that no principal belongs to.
    ///
    /// # Errors
    /// It changed meanwhile, a principal belongs to it, or the database's.
    pub async fn delete_application(&mut self, id: ApplicationId, revision: u64) -> Result<()> {
        let sql = "delete from application where application_id = $1 and revision = $2";
        self.delete_at("application", sql, id.0, revision).await
    }
}
