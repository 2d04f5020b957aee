//! Links.

use mesh_protocol::id::{EnvironmentId, LinkId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::link::Link;

#[derive(sqlx::FromRow)]
struct Row {
    link_id: Uuid,
    from_site_id: Uuid,
    to_site_id: Uuid,
    enabled: bool,
    revision: i64,
    updated_at_ms: i64,
    updated_by: String,
}

impl TryFrom<Row> for Link {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.link_id.into(),
            from: row.from_site_id.into(),
            to: row.to_site_id.into(),
            enabled: row.enabled,
            revision: from_i64("revision", row.revision)?,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

impl Tx {
    /// All links, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn links(&mut self, environment: EnvironmentId) -> Result<Vec<Link>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select link_id, from_site_id, to_site_id, enabled, revision, updated_at_ms, updated_by
                 from link where environment_id = $1 order by link_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new link.
    ///
    /// # Errors
    /// The sites are linked already, one is gone, or the database's.
    pub async fn insert_link(&mut self, environment: EnvironmentId, link: &Link) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into link (link_id, environment_id, from_site_id, to_site_id, enabled, revision, created_at_ms,
                 updated_at_ms, updated_by) values ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
            )
            .bind(link.id.0)
            .bind(environment.0)
            .bind(link.from.0)
            .bind(link.to.0)
            .bind(link.enabled)
            .bind(to_i64(link.revision))
            .bind(link.updated_at_ms)
            .bind(link.updated_by.as_str())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a link over the revision it was read at; its ends stay.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_link(&mut self, link: &Link, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update link set enabled = $3, updated_at_ms = $4, updated_by = $5, revision = revision + 1
                 where link_id = $1 and revision = $2",
            )
            .bind(link.id.0)
            .bind(to_i64(revision))
            .bind(link.enabled)
            .bind(link.updated_at_ms)
            .bind(link.updated_by.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("link", rows)
    }

    /// Removes a link.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_link(&mut self, id: LinkId, revision: u64) -> Result<()> {
        self.delete_at("link", "delete from link where link_id = $1 and revision = $2", id.0, revision).await
    }
}
