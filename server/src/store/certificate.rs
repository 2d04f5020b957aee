//! Certificates of principals.

use mesh_protocol::desired::Fingerprint;
use mesh_protocol::id::{EnvironmentId, PrincipalId};
use uuid::Uuid;

use super::{Result, StoreError, Tx};
use crate::domain::certificate::Certificate;

#[derive(sqlx::FromRow)]
struct Row {
    principal_id: Uuid,
    fingerprint: String,
    certificate_ends_at_ms: i64,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
}

impl TryFrom<Row> for Certificate {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            principal: row.principal_id.into(),
            fingerprint: super::from_text("fingerprint", row.fingerprint)?,
            ends_at_ms: row.certificate_ends_at_ms,
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
        })
    }
}

impl Tx {
    /// All certificates, the oldest of each principal first.
    ///
    /// # Errors
    /// The database's.
    pub async fn certificates(&mut self, environment: EnvironmentId) -> Result<Vec<Certificate>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select principal_id, fingerprint, certificate_ends_at_ms, principal_certificate.created_at_ms,
                 principal_certificate.expires_at_ms from principal_certificate join principal using (principal_id)
                 where environment_id = $1 order by principal_certificate_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new certificate.
    ///
    /// # Errors
    /// The principal is gone, or the database's.
    pub async fn insert_certificate(&mut self, new: &Certificate) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into principal_certificate (principal_certificate_id, principal_id, fingerprint,
                 certificate_ends_at_ms, created_at_ms, expires_at_ms) values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(Uuid::now_v7())
            .bind(new.principal.0)
            .bind(new.fingerprint.to_string())
            .bind(new.ends_at_ms)
            .bind(new.created_at_ms)
            .bind(new.expires_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Ends the certificates that a principal has, unless they end sooner.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_certificates(&mut self, principal: PrincipalId, at_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update principal_certificate set expires_at_ms = $2
                 where principal_id = $1 and (expires_at_ms is null or expires_at_ms > $2)",
            )
            .bind(principal.0)
            .bind(at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes one; false when it was gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_certificate(&mut self, fingerprint: Fingerprint) -> Result<bool> {
        let rows = on_db!(self, |conn| {
            sqlx::query("delete from principal_certificate where fingerprint = $1")
                .bind(fingerprint.to_string())
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows > 0)
    }
}
