//! Sites.

use std::collections::BTreeMap;

use mesh_protocol::id::{EnvironmentId, SiteId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::site::{Location, Site, Spec};

#[derive(sqlx::FromRow)]
struct Row {
    site_id: Uuid,
    name: String,
    region: String,
    labels: Json<BTreeMap<String, String>>,
    location: Option<Json<Location>>,
    fabric_bind: Option<String>,
    fabric_address: Option<String>,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for Site {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.site_id.into(),
            spec: Spec {
                name: row.name,
                region: row.region,
                labels: row.labels.0,
                location: row.location.map(|location| location.0),
                fabric_bind: row.fabric_bind,
                fabric_address: row.fabric_address,
            },
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
        })
    }
}

impl Tx {
    /// All sites, by name. A mesh has hundreds at most.
    ///
    /// # Errors
    /// The database's.
    pub async fn sites(&mut self, environment: EnvironmentId) -> Result<Vec<Site>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select site_id, name, region, labels, location, fabric_bind, fabric_address, revision,
                 created_at_ms, updated_at_ms
                 from site where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One site.
    ///
    /// # Errors
    /// The database's.
    pub async fn site(&mut self, id: SiteId) -> Result<Option<Site>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select site_id, name, region, labels, location, fabric_bind, fabric_address, revision,
                 created_at_ms, updated_at_ms
                 from site where site_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A new site.
    ///
    /// # Errors
    /// The name is taken, or the database's.
    pub async fn insert_site(&mut self, environment: EnvironmentId, site: &Site) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into site (site_id, environment_id, name, region, labels, fabric_bind, fabric_address, revision,
                 created_at_ms, updated_at_ms, location) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(site.id.0)
            .bind(environment.0)
            .bind(site.spec.name.as_str())
            .bind(site.spec.region.as_str())
            .bind(Json(&site.spec.labels))
            .bind(site.spec.fabric_bind.as_deref())
            .bind(site.spec.fabric_address.as_deref())
            .bind(to_i64(site.revision))
            .bind(site.created_at_ms)
            .bind(site.updated_at_ms)
            .bind(site.spec.location.map(Json))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a site over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_site(&mut self, id: SiteId, spec: &Spec, revision: u64, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update site set name = $3, region = $4, labels = $5, fabric_bind = $6, fabric_address = $7, location = $9,
                 revision = revision + 1, updated_at_ms = $8 where site_id = $1 and revision = $2",
            )
            .bind(id.0)
            .bind(to_i64(revision))
            .bind(spec.name.as_str())
            .bind(spec.region.as_str())
            .bind(Json(&spec.labels))
            .bind(spec.fabric_bind.as_deref())
            .bind(spec.fabric_address.as_deref())
            .bind(now_ms)
            .bind(spec.location.map(Json))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("site", rows)
    }

    /// Removes a site that nothing refers to any more.
    ///
    /// # Errors
    /// It changed meanwhile, something refers to it, or the database's.
    pub async fn delete_site(&mut self, id: SiteId, revision: u64) -> Result<()> {
        self.delete_at("site", "delete from site where site_id = $1 and revision = $2", id.0, revision).await
    }
}
