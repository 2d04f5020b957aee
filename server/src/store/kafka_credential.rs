//! Users of Kafka clusters that grants are used by.

use mesh_protocol::id::{EnvironmentId, KafkaCredentialId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};
use crate::domain::access::kafka::Credential;

#[derive(sqlx::FromRow)]
struct Row {
    kafka_credential_id: Uuid,
    access_grant_id: Uuid,
    broker_id: Uuid,
    username: String,
    sealed: Vec<u8>,
    expires_at_ms: Option<i64>,
    removed_at_ms: Option<i64>,
    revision: i64,
    created_at_ms: i64,
    created_by: String,
}

/// A credential with its salted password as it is kept: sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCredential {
    /// Which.
    pub credential: Credential,
    /// How its user logs in.
    pub sealed: Vec<u8>,
}

impl TryFrom<Row> for SealedCredential {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            credential: Credential {
                id: row.kafka_credential_id.into(),
                grant: row.access_grant_id.into(),
                broker: row.broker_id.into(),
                username: row.username,
                expires_at_ms: row.expires_at_ms,
                removed_at_ms: row.removed_at_ms,
                revision: from_i64("revision", row.revision)?,
                created_at_ms: row.created_at_ms,
                created_by: row.created_by,
            },
            sealed: row.sealed,
        })
    }
}

impl Tx {
    /// All Kafka credentials, also removed ones whose users may still be there; the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn kafka_credentials(&mut self, environment: EnvironmentId) -> Result<Vec<SealedCredential>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select kafka_credential_id, access_grant_id, broker_id, username, sealed, expires_at_ms, removed_at_ms,
                 revision, created_at_ms, created_by
                 from kafka_credential where environment_id = $1 order by kafka_credential_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new credential with its sealed password.
    ///
    /// # Errors
    /// The user name is taken, its grant or cluster is gone, or the database's.
    pub async fn insert_kafka_credential(
        &mut self,
        environment: EnvironmentId,
        new: &Credential,
        sealed: &[u8],
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into kafka_credential (kafka_credential_id, environment_id, access_grant_id, broker_id, username,
                 sealed, expires_at_ms, removed_at_ms, revision, created_at_ms, created_by)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.grant.0)
            .bind(new.broker.0)
            .bind(new.username.as_str())
            .bind(sealed)
            .bind(new.expires_at_ms)
            .bind(new.removed_at_ms)
            .bind(to_i64(new.revision))
            .bind(new.created_at_ms)
            .bind(new.created_by.as_str())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes when a credential ends and that it was removed, over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_kafka_credential(&mut self, credential: &Credential, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update kafka_credential set expires_at_ms = $3, removed_at_ms = $4, revision = revision + 1
                 where kafka_credential_id = $1 and revision = $2",
            )
            .bind(credential.id.0)
            .bind(to_i64(revision))
            .bind(credential.expires_at_ms)
            .bind(credential.removed_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("kafka_credential", rows)
    }

    /// Forgets a credential whose user is gone.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_kafka_credential(&mut self, id: KafkaCredentialId, revision: u64) -> Result<()> {
        let statement = "delete from kafka_credential where kafka_credential_id = $1 and revision = $2";
        self.delete_at("kafka_credential", statement, id.0, revision).await
    }
}
