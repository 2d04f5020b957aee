//! Scopes.

use mesh_protocol::desired::Scope as Policy;
use mesh_protocol::id::{EnvironmentId, ScopeId, SiteId};
use mesh_protocol::topic::Filter;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::scope::Scope;

#[derive(sqlx::FromRow)]
struct Row {
    scope_id: Uuid,
    name: String,
    dialect: String,
    filter: String,
    sites: Json<Vec<SiteId>>,
    regions: Json<Vec<String>>,
    note: String,
    since_revision: i64,
    updated_by: String,
    revision: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for Scope {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let dialect = from_text("dialect", row.dialect)?;
        Ok(Self {
            id: row.scope_id.into(),
            policy: Policy {
                name: row.name,
                filter: Filter::parse(&row.filter, dialect).map_err(|_| StoreError::Unreadable { column: "filter" })?,
                sites: row.sites.0,
                regions: row.regions.0,
            },
            note: row.note,
            since_revision: from_i64("since_revision", row.since_revision)?,
            revision: from_i64("revision", row.revision)?,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

impl Tx {
    /// All scopes, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn scopes(&mut self, environment: EnvironmentId) -> Result<Vec<Scope>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select scope_id, name, dialect, filter, sites, regions, note, since_revision, updated_by, revision,
                 updated_at_ms from scope where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One scope.
    ///
    /// # Errors
    /// The database's.
    pub async fn scope(&mut self, id: ScopeId) -> Result<Option<Scope>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select scope_id, name, dialect, filter, sites, regions, note, since_revision, updated_by, revision,
                 updated_at_ms from scope where scope_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A new scope.
    ///
    /// # Errors
    /// The name is taken, or the database's.
    pub async fn insert_scope(&mut self, environment: EnvironmentId, scope: &Scope) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into scope (scope_id, environment_id, name, dialect, filter, sites, regions, note,
                 since_revision, updated_by, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
            )
            .bind(scope.id.0)
            .bind(environment.0)
            .bind(scope.policy.name.as_str())
            .bind(to_text(&scope.policy.filter.dialect()))
            .bind(scope.policy.filter.text())
            .bind(Json(&scope.policy.sites))
            .bind(Json(&scope.policy.regions))
            .bind(scope.note.as_str())
            .bind(to_i64(scope.since_revision))
            .bind(scope.updated_by.as_str())
            .bind(to_i64(scope.revision))
            .bind(scope.updated_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a scope over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_scope(&mut self, scope: &Scope, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update scope set name = $3, dialect = $4, filter = $5, sites = $6, regions = $7, note = $8,
                 since_revision = $9, updated_by = $10, updated_at_ms = $11, revision = revision + 1
                 where scope_id = $1 and revision = $2",
            )
            .bind(scope.id.0)
            .bind(to_i64(revision))
            .bind(scope.policy.name.as_str())
            .bind(to_text(&scope.policy.filter.dialect()))
            .bind(scope.policy.filter.text())
            .bind(Json(&scope.policy.sites))
            .bind(Json(&scope.policy.regions))
            .bind(scope.note.as_str())
            .bind(to_i64(scope.since_revision))
            .bind(scope.updated_by.as_str())
            .bind(scope.updated_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("scope", rows)
    }

    /// Removes a scope.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_scope(&mut self, id: ScopeId, revision: u64) -> Result<()> {
        self.delete_at("scope", "delete from scope where scope_id = $1 and revision = $2", id.0, revision).await
    }
}
