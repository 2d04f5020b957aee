//! Application domains.

use mesh_protocol::id::{ApplicationDomainId, EnvironmentId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::application_domain::{ApplicationDomain, Spec};

#[derive(sqlx::FromRow)]
struct Row {
    application_domain_id: Uuid,
    parent_id: Option<Uuid>,
    name: String,
    topics: Json<Vec<String>>,
    kafka_topics: Json<Vec<String>>,
    owner: String,
    description: String,
    updated_by: String,
    revision: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for ApplicationDomain {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.application_domain_id.into(),
            spec: Spec {
                name: row.name,
                parent: row.parent_id.map(Into::into),
                topics: row.topics.0,
                kafka_topics: row.kafka_topics.0,
                owner: row.owner,
                description: row.description,
            },
            revision: from_i64("revision", row.revision)?,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

impl Tx {
    /// All domains, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn application_domains(&mut self, environment: EnvironmentId) -> Result<Vec<ApplicationDomain>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select application_domain_id, parent_id, name, topics, kafka_topics, owner, description, updated_by,
                 revision, updated_at_ms from application_domain where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new domain.
    ///
    /// # Errors
    /// The name is taken, or the database's.
    pub async fn insert_application_domain(
        &mut self,
        environment: EnvironmentId,
        new: &ApplicationDomain,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into application_domain (application_domain_id, environment_id, parent_id, name, topics,
                 kafka_topics, owner, description, updated_by, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.spec.parent.map(|parent| parent.0))
            .bind(new.spec.name.as_str())
            .bind(Json(&new.spec.topics))
            .bind(Json(&new.spec.kafka_topics))
            .bind(new.spec.owner.as_str())
            .bind(new.spec.description.as_str())
            .bind(new.updated_by.as_str())
            .bind(to_i64(new.revision))
            .bind(new.updated_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a domain over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, or the database's.
    pub async fn update_application_domain(&mut self, domain: &ApplicationDomain, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update application_domain set parent_id = $3, name = $4, topics = $5, kafka_topics = $6, owner = $7,
                 description = $8, updated_by = $9, updated_at_ms = $10, revision = revision + 1
                 where application_domain_id = $1 and revision = $2",
            )
            .bind(domain.id.0)
            .bind(to_i64(revision))
            .bind(domain.spec.parent.map(|parent| parent.0))
            .bind(domain.spec.name.as_str())
            .bind(Json(&domain.spec.topics))
            .bind(Json(&domain.spec.kafka_topics))
            .bind(domain.spec.owner.as_str())
            .bind(domain.spec.description.as_str())
            .bind(domain.updated_by.as_str())
            .bind(domain.updated_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("application_domain", rows)
    }

    /// Removes a domain that no other is a part of.
    ///
    /// # Errors
    /// It changed meanwhile, another one is a part of it, or the database's.
    pub async fn delete_application_domain(&mut self, id: ApplicationDomainId, revision: u64) -> Result<()> {
        let sql = "delete from application_domain where application_domain_id = $1 and revision = $2";
        self.delete_at("application_domain", sql, id.0, revision).await
    }
}
