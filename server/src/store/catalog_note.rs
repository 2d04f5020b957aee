//! What people say about what agents found: owner and description, by the object's own key.

use std::collections::BTreeMap;

use mesh_protocol::id::EnvironmentId;

use super::{Result, StoreError, Tx, from_i64, must_hit, to_i64};

/// Owner and description of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Who answers for it; empty = nobody.
    pub owner: String,
    /// What it is.
    pub description: String,
    /// Grows with every edit; 0 = nobody has said anything yet.
    pub revision: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    object_key: String,
    owner: String,
    description: String,
    revision: i64,
}

impl Tx {
    /// All notes by object key.
    ///
    /// # Errors
    /// The database's.
    pub async fn catalog_notes(&mut self, environment: EnvironmentId) -> Result<BTreeMap<String, Note>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select object_key, owner, description, revision from catalog_note where environment_id = $1",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter()
            .map(|row| {
                let revision = from_i64("revision", row.revision)?;
                Ok((row.object_key, Note { owner: row.owner, description: row.description, revision }))
            })
            .collect()
    }

    /// Writes a note over the revision it was read at.
    ///
    /// # Errors
    /// Somebody else was faster, or the database's.
    pub async fn put_catalog_note(
        &mut self,
        environment: EnvironmentId,
        key: &str,
        note: &Note,
        by: &str,
        now_ms: i64,
    ) -> Result<()> {
        if note.revision == 0 {
            let inserted = on_db!(self, |conn| {
                sqlx::query(
                    "insert into catalog_note (environment_id, object_key, owner, description, revision, updated_by,
                     created_at_ms, updated_at_ms) values ($1, $2, $3, $4, 1, $5, $6, $6)
                     on conflict (environment_id, object_key) do nothing",
                )
                .bind(environment.0)
                .bind(key)
                .bind(note.owner.as_str())
                .bind(note.description.as_str())
                .bind(by)
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
            })?;
            return if inserted == 1 { Ok(()) } else { Err(StoreError::Stale { table: "catalog_note" }) };
        }
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update catalog_note set owner = $4, description = $5, updated_by = $6, updated_at_ms = $7,
                 revision = revision + 1 where environment_id = $1 and object_key = $2 and revision = $3",
            )
            .bind(environment.0)
            .bind(key)
            .bind(to_i64(note.revision))
            .bind(note.owner.as_str())
            .bind(note.description.as_str())
            .bind(by)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("catalog_note", rows)
    }
}
