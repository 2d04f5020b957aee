//! Listeners.

use mesh_protocol::id::{EnvironmentId, ListenerId, SiteId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::listener::{Listener, Spec};

#[derive(sqlx::FromRow)]
struct Row {
    listener_id: Uuid,
    site_id: Uuid,
    name: String,
    protocol: String,
    bind: String,
    payload_bytes_max: i64,
    connections_max: i64,
    custody_timeout_ms: i64,
    denied_v3_publish: String,
    tls: bool,
    server_names: Json<Vec<String>>,
    revision: i64,
}

impl TryFrom<Row> for Listener {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.listener_id.into(),
            spec: Spec {
                site: row.site_id.into(),
                name: row.name,
                protocol: from_text("protocol", row.protocol)?,
                bind: row.bind,
                payload_bytes_max: from_i64("payload_bytes_max", row.payload_bytes_max)?,
                connections_max: from_i64("connections_max", row.connections_max)?,
                custody_timeout_ms: from_i64("custody_timeout_ms", row.custody_timeout_ms)?,
                denied_v3_publish: from_text("denied_v3_publish", row.denied_v3_publish)?,
                tls: row.tls,
                server_names: row.server_names.0,
            },
            revision: from_i64("revision", row.revision)?,
        })
    }
}

impl Tx {
    /// All listeners of the environment's sites, by site and name.
    ///
    /// # Errors
    /// The database's.
    pub async fn listeners(&mut self, environment: EnvironmentId) -> Result<Vec<Listener>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select listener_id, site_id, listener.name, protocol, bind, payload_bytes_max, connections_max,
                 custody_timeout_ms, denied_v3_publish, tls, server_names, listener.revision
                 from listener join site using (site_id) where site.environment_id = $1 order by site.name, listener.name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new listener.
    ///
    /// # Errors
    /// The name is taken at the site, the site is gone, or the database's.
    pub async fn insert_listener(&mut self, listener: &Listener, now_ms: i64) -> Result<()> {
        let spec = &listener.spec;
        on_db!(self, |conn| {
            sqlx::query(
                "insert into listener (listener_id, site_id, name, protocol, bind, payload_bytes_max, connections_max,
                 custody_timeout_ms, denied_v3_publish, revision, created_at_ms, updated_at_ms, tls, server_names)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)",
            )
            .bind(listener.id.0)
            .bind(spec.site.0)
            .bind(spec.name.as_str())
            .bind(to_text(&spec.protocol))
            .bind(spec.bind.as_str())
            .bind(i64::from(spec.payload_bytes_max))
            .bind(i64::from(spec.connections_max))
            .bind(i64::from(spec.custody_timeout_ms))
            .bind(to_text(&spec.denied_v3_publish))
            .bind(to_i64(listener.revision))
            .bind(now_ms)
            .bind(spec.tls)
            .bind(Json(&spec.server_names))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a listener over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken at the site, or the database's.
    pub async fn update_listener(&mut self, id: ListenerId, spec: &Spec, revision: u64, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update listener set site_id = $3, name = $4, protocol = $5, bind = $6, payload_bytes_max = $7,
                 connections_max = $8, custody_timeout_ms = $9, denied_v3_publish = $10, revision = revision + 1,
                 updated_at_ms = $11, tls = $12, server_names = $13 where listener_id = $1 and revision = $2",
            )
            .bind(id.0)
            .bind(to_i64(revision))
            .bind(spec.site.0)
            .bind(spec.name.as_str())
            .bind(to_text(&spec.protocol))
            .bind(spec.bind.as_str())
            .bind(i64::from(spec.payload_bytes_max))
            .bind(i64::from(spec.connections_max))
            .bind(i64::from(spec.custody_timeout_ms))
            .bind(to_text(&spec.denied_v3_publish))
            .bind(now_ms)
            .bind(spec.tls)
            .bind(Json(&spec.server_names))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("listener", rows)
    }

    /// Removes a listener.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_listener(&mut self, id: ListenerId, revision: u64) -> Result<()> {
        let sql = "delete from listener where listener_id = $1 and revision = $2";
        self.delete_at("listener", sql, id.0, revision).await
    }

    /// Removes all listeners of a site that goes.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_listeners_of(&mut self, site: SiteId) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from listener where site_id = $1").bind(site.0).execute(conn).await.map(|_| ())
        })?;
        Ok(())
    }
}
