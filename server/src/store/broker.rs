//! Broker connections.

use mesh_protocol::desired::KafkaSecurity;
use mesh_protocol::id::{BrokerId, EnvironmentId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::broker::{Broker, Spec};

#[derive(sqlx::FromRow)]
struct Row {
    broker_id: Uuid,
    site_id: Uuid,
    name: String,
    bootstrap: Json<Vec<String>>,
    security: Json<KafkaSecurity>,
    discover: bool,
    browse: bool,
    revision: i64,
}

impl TryFrom<Row> for Broker {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.broker_id.into(),
            spec: Spec {
                site: row.site_id.into(),
                name: row.name,
                bootstrap: row.bootstrap.0,
                security: row.security.0,
                discover: row.discover,
                browse: row.browse,
            },
            revision: from_i64("revision", row.revision)?,
        })
    }
}

impl Tx {
    /// All broker connections, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn brokers(&mut self, environment: EnvironmentId) -> Result<Vec<Broker>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select broker_id, site_id, name, bootstrap, security, discover, browse, revision
                 from broker where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new broker connection.
    ///
    /// # Errors
    /// The name is taken, the site is gone, or the database's.
    pub async fn insert_broker(&mut self, environment: EnvironmentId, broker: &Broker, now_ms: i64) -> Result<()> {
        let spec = &broker.spec;
        on_db!(self, |conn| {
            sqlx::query(
                "insert into broker (broker_id, environment_id, site_id, name, bootstrap, security, discover, browse,
                 revision, created_at_ms, updated_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
            )
            .bind(broker.id.0)
            .bind(environment.0)
            .bind(spec.site.0)
            .bind(spec.name.as_str())
            .bind(Json(&spec.bootstrap))
            .bind(Json(&spec.security))
            .bind(spec.discover)
            .bind(spec.browse)
            .bind(to_i64(broker.revision))
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a broker connection over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_broker(&mut self, id: BrokerId, spec: &Spec, revision: u64, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update broker set site_id = $3, name = $4, bootstrap = $5, security = $6, discover = $7,
                 browse = $8, revision = revision + 1, updated_at_ms = $9 where broker_id = $1 and revision = $2",
            )
            .bind(id.0)
            .bind(to_i64(revision))
            .bind(spec.site.0)
            .bind(spec.name.as_str())
            .bind(Json(&spec.bootstrap))
            .bind(Json(&spec.security))
            .bind(spec.discover)
            .bind(spec.browse)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("broker", rows)
    }

    /// Removes a broker connection.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_broker(&mut self, id: BrokerId, revision: u64) -> Result<()> {
        self.delete_at("broker", "delete from broker where broker_id = $1 and revision = $2", id.0, revision).await
    }
}
