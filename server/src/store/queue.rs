//! Named queues.

use mesh_protocol::id::{EnvironmentId, QueueId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::queue::{Keep, Queue, Settings, Spec};

#[derive(sqlx::FromRow)]
struct Row {
    queue_id: Uuid,
    site_id: Uuid,
    name: String,
    filters: Json<Vec<String>>,
    exceptions: Json<Vec<String>>,
    settings: Json<Settings>,
    keep_ms: Option<i64>,
    keep_bytes_max: i64,
    paused: bool,
    note: String,
    since_revision: i64,
    updated_by: String,
    revision: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for Queue {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.queue_id.into(),
            spec: Spec {
                name: row.name,
                site: row.site_id.into(),
                filters: row.filters.0,
                exceptions: row.exceptions.0,
                settings: row.settings.0,
                keep: Keep {
                    ms: row.keep_ms.map(|ms| from_i64("keep_ms", ms)).transpose()?,
                    bytes_max: from_i64("keep_bytes_max", row.keep_bytes_max)?,
                },
                paused: row.paused,
                note: row.note,
            },
            since_revision: from_i64("since_revision", row.since_revision)?,
            revision: from_i64("revision", row.revision)?,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

impl Tx {
    /// All queues, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn queues(&mut self, environment: EnvironmentId) -> Result<Vec<Queue>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select queue_id, site_id, name, filters, exceptions, settings, keep_ms, keep_bytes_max, paused, note,
                 since_revision, updated_by, revision, updated_at_ms from queue where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new queue.
    ///
    /// # Errors
    /// The name is taken, the site is gone, or the database's.
    pub async fn insert_queue(&mut self, environment: EnvironmentId, queue: &Queue) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into queue (queue_id, environment_id, site_id, name, filters, exceptions, settings, paused, note,
                 since_revision, updated_by, revision, created_at_ms, updated_at_ms, keep_ms, keep_bytes_max)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15)",
            )
            .bind(queue.id.0)
            .bind(environment.0)
            .bind(queue.spec.site.0)
            .bind(queue.spec.name.as_str())
            .bind(Json(&queue.spec.filters))
            .bind(Json(&queue.spec.exceptions))
            .bind(Json(&queue.spec.settings))
            .bind(queue.spec.paused)
            .bind(queue.spec.note.as_str())
            .bind(to_i64(queue.since_revision))
            .bind(queue.updated_by.as_str())
            .bind(to_i64(queue.revision))
            .bind(queue.updated_at_ms)
            .bind(queue.spec.keep.ms.map(to_i64))
            .bind(to_i64(queue.spec.keep.bytes_max))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a queue over the revision it was read at. Its site stays.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_queue(&mut self, queue: &Queue, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update queue set name = $3, filters = $4, exceptions = $5, settings = $6, paused = $7, note = $8,
                 since_revision = $9, updated_by = $10, updated_at_ms = $11, keep_ms = $12, keep_bytes_max = $13,
                 revision = revision + 1
                 where queue_id = $1 and revision = $2",
            )
            .bind(queue.id.0)
            .bind(to_i64(revision))
            .bind(queue.spec.name.as_str())
            .bind(Json(&queue.spec.filters))
            .bind(Json(&queue.spec.exceptions))
            .bind(Json(&queue.spec.settings))
            .bind(queue.spec.paused)
            .bind(queue.spec.note.as_str())
            .bind(to_i64(queue.since_revision))
            .bind(queue.updated_by.as_str())
            .bind(queue.updated_at_ms)
            .bind(queue.spec.keep.ms.map(to_i64))
            .bind(to_i64(queue.spec.keep.bytes_max))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("queue", rows)
    }

    /// Removes a queue.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_queue(&mut self, id: QueueId, revision: u64) -> Result<()> {
        self.delete_at("queue", "delete from queue where queue_id = $1 and revision = $2", id.0, revision).await
    }
}
