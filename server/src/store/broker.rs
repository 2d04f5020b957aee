//! Broker connections.

use mesh_protocol::desired::{KafkaSecurity, Login, SurveyedKind};
use mesh_protocol::id::{BrokerId, EnvironmentId};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::broker::{Broker, Spec, Surveyed, Target};

/// What a cluster's kind is called in its row; the others are called as in the contract.
const KAFKA: &str = "kafka";

/// How something is reached that is no cluster.
#[derive(Debug, Serialize, Deserialize)]
struct ReachedBy {
    url: String,
    ca_pem: Option<String>,
    login: Option<Login>,
}

/// The columns of what a connection leads to.
struct Columns {
    kind: String,
    bootstrap: Vec<String>,
    security: KafkaSecurity,
    reached_by: Option<Json<ReachedBy>>,
}

impl From<&Target> for Columns {
    fn from(target: &Target) -> Self {
        match target {
            Target::Kafka { bootstrap, security } => Self {
                kind: KAFKA.to_owned(),
                bootstrap: bootstrap.clone(),
                security: security.clone(),
                reached_by: None,
            },
            Target::Surveyed(surveyed) => Self {
                kind: to_text(&surveyed.kind),
                bootstrap: vec![surveyed.address()],
                security: KafkaSecurity { tls: false, ca_pem: None, sasl: None },
                reached_by: Some(Json(ReachedBy {
                    url: surveyed.url.clone(),
                    ca_pem: surveyed.ca_pem.clone(),
                    login: surveyed.login.clone(),
                })),
            },
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    broker_id: Uuid,
    site_id: Uuid,
    name: String,
    bootstrap: Json<Vec<String>>,
    security: Json<KafkaSecurity>,
    kind: String,
    reached_by: Option<Json<ReachedBy>>,
    discover: bool,
    browse: bool,
    revision: i64,
}

impl TryFrom<Row> for Broker {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let target = match row.reached_by {
            Some(Json(ReachedBy { url, ca_pem, login })) => {
                let kind: SurveyedKind = from_text("kind", row.kind)?;
                Target::Surveyed(Surveyed { kind, url, ca_pem, login })
            }
            None => Target::Kafka { bootstrap: row.bootstrap.0, security: row.security.0 },
        };
        Ok(Self {
            id: row.broker_id.into(),
            spec: Spec { site: row.site_id.into(), name: row.name, target, discover: row.discover, browse: row.browse },
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
                "select broker_id, site_id, name, bootstrap, security, kind, reached_by, discover, browse,
                 revision
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
        let columns = Columns::from(&spec.target);
        on_db!(self, |conn| {
            sqlx::query(
                "insert into broker (broker_id, environment_id, site_id, name, bootstrap, security, discover, browse,
                 revision, created_at_ms, updated_at_ms, kind, reached_by)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)",
            )
            .bind(broker.id.0)
            .bind(environment.0)
            .bind(spec.site.0)
            .bind(spec.name.as_str())
            .bind(Json(&columns.bootstrap))
            .bind(Json(&columns.security))
            .bind(spec.discover)
            .bind(spec.browse)
            .bind(to_i64(broker.revision))
            .bind(now_ms)
            .bind(columns.kind.as_str())
            .bind(columns.reached_by.as_ref())
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
        let columns = Columns::from(&spec.target);
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update broker set site_id = $3, name = $4, bootstrap = $5, security = $6, discover = $7,
                 browse = $8, revision = revision + 1, updated_at_ms = $9, kind = $10, reached_by = $11
                 where broker_id = $1 and revision = $2",
            )
            .bind(id.0)
            .bind(to_i64(revision))
            .bind(spec.site.0)
            .bind(spec.name.as_str())
            .bind(Json(&columns.bootstrap))
            .bind(Json(&columns.security))
            .bind(spec.discover)
            .bind(spec.browse)
            .bind(now_ms)
            .bind(columns.kind.as_str())
            .bind(columns.reached_by.as_ref())
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
