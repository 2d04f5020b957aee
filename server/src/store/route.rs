//! Routes.

use mesh_protocol::id::{EnvironmentId, RouteId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::route::{From, Route, Spec, To};

#[derive(sqlx::FromRow)]
struct Row {
    route_id: Uuid,
    principal_id: Uuid,
    name: String,
    source: Json<From>,
    sink: Json<To>,
    mode: String,
    note: String,
    enabled: bool,
    generation: i64,
    since_revision: i64,
    updated_by: String,
    revision: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for Route {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.route_id.into(),
            principal: row.principal_id.into(),
            spec: Spec {
                name: row.name,
                enabled: row.enabled,
                from: row.source.0,
                to: row.sink.0,
                mode: from_text("mode", row.mode)?,
                note: row.note,
            },
            generation: from_i64("generation", row.generation)?,
            since_revision: from_i64("since_revision", row.since_revision)?,
            revision: from_i64("revision", row.revision)?,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

impl Tx {
    /// All routes, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn routes(&mut self, environment: EnvironmentId) -> Result<Vec<Route>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select route_id, principal_id, name, source, sink, mode, note, enabled, generation, since_revision,
                 updated_by, revision, updated_at_ms from route where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new route; its principal stands already.
    ///
    /// # Errors
    /// The name is taken, or the database's.
    pub async fn insert_route(&mut self, environment: EnvironmentId, route: &Route) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into route (route_id, environment_id, principal_id, name, source, sink, mode, note, enabled,
                 generation, since_revision, updated_by, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
            )
            .bind(route.id.0)
            .bind(environment.0)
            .bind(route.principal.0)
            .bind(route.spec.name.as_str())
            .bind(Json(&route.spec.from))
            .bind(Json(&route.spec.to))
            .bind(to_text(&route.spec.mode))
            .bind(route.spec.note.as_str())
            .bind(route.spec.enabled)
            .bind(i64::from(route.generation))
            .bind(to_i64(route.since_revision))
            .bind(route.updated_by.as_str())
            .bind(to_i64(route.revision))
            .bind(route.updated_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a route over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_route(&mut self, route: &Route, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update route set name = $3, source = $4, sink = $5, mode = $6, note = $7, enabled = $8, generation = $9,
                 since_revision = $10, updated_by = $11, updated_at_ms = $12, revision = revision + 1
                 where route_id = $1 and revision = $2",
            )
            .bind(route.id.0)
            .bind(to_i64(revision))
            .bind(route.spec.name.as_str())
            .bind(Json(&route.spec.from))
            .bind(Json(&route.spec.to))
            .bind(to_text(&route.spec.mode))
            .bind(route.spec.note.as_str())
            .bind(route.spec.enabled)
            .bind(i64::from(route.generation))
            .bind(to_i64(route.since_revision))
            .bind(route.updated_by.as_str())
            .bind(route.updated_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("route", rows)
    }

    /// Removes a route; its principal goes after it.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_route(&mut self, id: RouteId, revision: u64) -> Result<()> {
        self.delete_at("route", "delete from route where route_id = $1 and revision = $2", id.0, revision).await
    }
}
