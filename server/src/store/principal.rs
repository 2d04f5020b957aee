//! Principals with their secrets and roles.

use std::collections::HashMap;

use mesh_protocol::id::{ApplicationId, EnvironmentId, PersonId, PrincipalId, RoleId};
use mesh_protocol::secret::SecretHash;
use uuid::Uuid;

use super::{Result, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::principal::{Principal, Secret};

#[derive(sqlx::FromRow)]
struct Row {
    principal_id: Uuid,
    application_id: Option<Uuid>,
    username: String,
    kind: String,
    person_id: Option<Uuid>,
    state: String,
    expires_at_ms: Option<i64>,
    revision: i64,
    created_at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct SecretRow {
    principal_id: Uuid,
    secret_hash: Vec<u8>,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
}

impl Tx {
    /// All principals, by user name. The documents of the agents need them all; lists filter and page above.
    ///
    /// # Errors
    /// The database's.
    pub async fn principals(&mut self, environment: EnvironmentId) -> Result<Vec<Principal>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select principal_id, application_id, username, kind, person_id, state, expires_at_ms, revision, created_at_ms
                 from principal where environment_id = $1 order by username",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        let secrets: Vec<SecretRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select principal_id, secret_hash, principal_secret.created_at_ms, principal_secret.expires_at_ms
                 from principal_secret join principal using (principal_id) where environment_id = $1
                 order by principal_secret_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        let roles: Vec<(Uuid, Uuid)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select principal_id, role_id from principal_role join principal using (principal_id)
                 where environment_id = $1 order by role_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        assemble(rows, secrets, roles)
    }

    /// One principal.
    ///
    /// # Errors
    /// The database's.
    pub async fn principal(&mut self, id: PrincipalId) -> Result<Option<Principal>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select principal_id, application_id, username, kind, person_id, state, expires_at_ms, revision, created_at_ms
                 from principal where principal_id = $1",
            )
            .bind(id.0)
            .fetch_all(conn)
            .await
        })?;
        let secrets: Vec<SecretRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select principal_id, secret_hash, created_at_ms, expires_at_ms from principal_secret
                 where principal_id = $1 order by principal_secret_id",
            )
            .bind(id.0)
            .fetch_all(conn)
            .await
        })?;
        let roles: Vec<(Uuid, Uuid)> = on_db!(self, |conn| {
            sqlx::query_as("select principal_id, role_id from principal_role where principal_id = $1 order by role_id")
                .bind(id.0)
                .fetch_all(conn)
                .await
        })?;
        Ok(assemble(rows, secrets, roles)?.pop())
    }

    /// A new principal with its secrets and roles.
    ///
    /// # Errors
    /// The user name is taken, an application or role is gone, or the database's.
    pub async fn insert_principal(&mut self, environment: EnvironmentId, new: &Principal, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into principal (principal_id, environment_id, application_id, username, kind, person_id, state,
                 expires_at_ms, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.application.map(|id| id.0))
            .bind(new.username.as_str())
            .bind(to_text(&new.kind))
            .bind(new.person.map(|id| id.0))
            .bind(to_text(&new.state))
            .bind(new.expires_at_ms)
            .bind(to_i64(new.revision))
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        self.replace_roles(new.id, &new.roles).await?;
        self.replace_secrets(new.id, &new.secrets).await
    }

    /// Writes a principal with its secrets and roles over the revision it was read at. Name and kind stay.
    ///
    /// # Errors
    /// It changed meanwhile, an application or role is gone, or the database's.
    pub async fn update_principal(&mut self, new: &Principal, revision: u64, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update principal set application_id = $3, state = $4, expires_at_ms = $5, revision = revision + 1,
                 updated_at_ms = $6 where principal_id = $1 and revision = $2",
            )
            .bind(new.id.0)
            .bind(to_i64(revision))
            .bind(new.application.map(|id| id.0))
            .bind(to_text(&new.state))
            .bind(new.expires_at_ms)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("principal", rows)?;
        self.replace_roles(new.id, &new.roles).await?;
        self.replace_secrets(new.id, &new.secrets).await
    }

    /// Removes a principal with its secrets and roles. Its rules and its route must be gone.
    ///
    /// # Errors
    /// It changed meanwhile, a route acts as it, or the database's.
    pub async fn delete_principal(&mut self, id: PrincipalId, revision: u64) -> Result<()> {
        let sql = "delete from principal where principal_id = $1 and revision = $2";
        self.delete_at("principal", sql, id.0, revision).await
    }

    async fn replace_roles(&mut self, id: PrincipalId, roles: &[RoleId]) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from principal_role where principal_id = $1").bind(id.0).execute(conn).await.map(|_| ())
        })?;
        for role in roles {
            on_db!(self, |conn| {
                sqlx::query("insert into principal_role (principal_id, role_id) values ($1, $2)")
                    .bind(id.0)
                    .bind(role.0)
                    .execute(conn)
                    .await
                    .map(|_| ())
            })?;
        }
        Ok(())
    }

    async fn replace_secrets(&mut self, id: PrincipalId, secrets: &[Secret]) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from principal_secret where principal_id = $1")
                .bind(id.0)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        for secret in secrets {
            on_db!(self, |conn| {
                sqlx::query(
                    "insert into principal_secret (principal_secret_id, principal_id, secret_hash, created_at_ms,
                     expires_at_ms) values ($1, $2, $3, $4, $5)",
                )
                .bind(Uuid::now_v7())
                .bind(id.0)
                .bind(secret.hash.as_bytes().to_vec())
                .bind(secret.created_at_ms)
                .bind(secret.expires_at_ms)
                .execute(conn)
                .await
                .map(|_| ())
            })?;
        }
        Ok(())
    }
}

fn assemble(rows: Vec<Row>, secret_rows: Vec<SecretRow>, role_rows: Vec<(Uuid, Uuid)>) -> Result<Vec<Principal>> {
    let mut secrets: HashMap<Uuid, Vec<Secret>> = HashMap::new();
    for row in secret_rows {
        secrets.entry(row.principal_id).or_default().push(Secret {
            hash: SecretHash::from_bytes(row.secret_hash),
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
        });
    }
    let mut roles: HashMap<Uuid, Vec<RoleId>> = HashMap::new();
    for (principal, role) in role_rows {
        roles.entry(principal).or_default().push(role.into());
    }
    rows.into_iter()
        .map(|row| {
            Ok(Principal {
                id: row.principal_id.into(),
                username: row.username,
                kind: from_text("kind", row.kind)?,
                person: row.person_id.map(PersonId),
                state: from_text("state", row.state)?,
                application: row.application_id.map(ApplicationId),
                roles: roles.remove(&row.principal_id).unwrap_or_default(),
                secrets: secrets.remove(&row.principal_id).unwrap_or_default(),
                expires_at_ms: row.expires_at_ms,
                revision: from_i64("revision", row.revision)?,
                created_at_ms: row.created_at_ms,
            })
        })
        .collect()
}
