//! The design-time catalog: objects, their versions, and what refers to what.
//!
//! What a version says is one document, because it is only read whole. Its references stand beside it as rows, so that the
//! database itself keeps what others are built on.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::id::{DesignObjectId, DesignVersionId, EnvironmentId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::design::{Content, Object, Spec, Validation, Version, VersionSpec};

#[derive(sqlx::FromRow)]
struct ObjectRow {
    design_object_id: Uuid,
    kind: String,
    application_domain_id: Uuid,
    name: String,
    owner: String,
    people: Json<Vec<String>>,
    tags: Json<Vec<String>>,
    attributes: Json<BTreeMap<String, String>>,
    document: String,
    sharing: String,
    validation: String,
    revision: i64,
    created_at_ms: i64,
    created_by: String,
    updated_at_ms: i64,
    updated_by: String,
}

impl TryFrom<ObjectRow> for Object {
    type Error = StoreError;
    fn try_from(row: ObjectRow) -> Result<Self> {
        Ok(Self {
            id: row.design_object_id.into(),
            kind: from_text("kind", row.kind)?,
            spec: Spec {
                name: row.name,
                domain: row.application_domain_id.into(),
                owner: row.owner,
                people: row.people.0,
                tags: row.tags.0,
                attributes: row.attributes.0,
                document: row.document,
                sharing: from_text("sharing", row.sharing)?,
                validation: from_text("validation", row.validation)?,
            },
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            created_by: row.created_by,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    design_version_id: Uuid,
    design_object_id: Uuid,
    number: String,
    state: String,
    state_reason: String,
    authors: Json<Vec<String>>,
    description: String,
    content: Json<Content>,
    end_of_life_at_ms: Option<i64>,
    replacement_id: Option<Uuid>,
    revision: i64,
    created_at_ms: i64,
    created_by: String,
    updated_at_ms: i64,
    updated_by: String,
}

impl TryFrom<VersionRow> for Version {
    type Error = StoreError;
    fn try_from(row: VersionRow) -> Result<Self> {
        Ok(Self {
            id: row.design_version_id.into(),
            object: row.design_object_id.into(),
            spec: VersionSpec {
                number: from_text("number", row.number)?,
                description: row.description,
                content: row.content.0,
                end_of_life_at_ms: row.end_of_life_at_ms,
                replacement: row.replacement_id.map(Into::into),
            },
            state: from_text("state", row.state)?,
            state_reason: row.state_reason,
            authors: row.authors.0,
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            created_by: row.created_by,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

impl Tx {
    /// All objects, by kind and name.
    ///
    /// # Errors
    /// The database's.
    pub async fn design_objects(&mut self, environment: EnvironmentId) -> Result<Vec<Object>> {
        let rows: Vec<ObjectRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select design_object_id, kind, application_domain_id, name, owner, people, tags, attributes, document,
                 sharing, validation, revision, created_at_ms, created_by, updated_at_ms, updated_by
                 from design_object where environment_id = $1 order by kind, name, design_object_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Whether agents check the payloads of any event.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_contracts(&mut self, environment: EnvironmentId) -> Result<bool> {
        let found: Option<(Uuid,)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select design_object_id from design_object where environment_id = $1 and validation <> $2 limit 1",
            )
            .bind(environment.0)
            .bind(to_text(&Validation::Unchecked))
            .fetch_optional(conn)
            .await
        })?;
        Ok(found.is_some())
    }

    /// All versions of all objects, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn design_versions(&mut self, environment: EnvironmentId) -> Result<Vec<Version>> {
        let rows: Vec<VersionRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select v.design_version_id, v.design_object_id, v.number, v.state, v.state_reason, v.authors, v.description,
                 v.content, v.end_of_life_at_ms, v.replacement_id, v.revision, v.created_at_ms, v.created_by,
                 v.updated_at_ms, v.updated_by
                 from design_version v join design_object o on o.design_object_id = v.design_object_id
                 where o.environment_id = $1 order by v.design_version_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new object.
    ///
    /// # Errors
    /// The name is taken in its domain, or the database's.
    pub async fn insert_design_object(&mut self, environment: EnvironmentId, new: &Object) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into design_object (design_object_id, environment_id, kind, application_domain_id, name, owner,
                 people, tags, attributes, document, sharing, validation, revision, created_at_ms, created_by,
                 updated_at_ms, updated_by)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(to_text(&new.kind))
            .bind(new.spec.domain.0)
            .bind(new.spec.name.as_str())
            .bind(new.spec.owner.as_str())
            .bind(Json(&new.spec.people))
            .bind(Json(&new.spec.tags))
            .bind(Json(&new.spec.attributes))
            .bind(new.spec.document.as_str())
            .bind(to_text(&new.spec.sharing))
            .bind(to_text(&new.spec.validation))
            .bind(to_i64(new.revision))
            .bind(new.created_at_ms)
            .bind(new.created_by.as_str())
            .bind(new.updated_at_ms)
            .bind(new.updated_by.as_str())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes an object over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken in its domain, or the database's.
    pub async fn update_design_object(&mut self, object: &Object, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update design_object set application_domain_id = $3, name = $4, owner = $5, people = $6, tags = $7,
                 attributes = $8, document = $9, sharing = $10, validation = $11, updated_at_ms = $12,
                 updated_by = $13, revision = revision + 1 where design_object_id = $1 and revision = $2",
            )
            .bind(object.id.0)
            .bind(to_i64(revision))
            .bind(object.spec.domain.0)
            .bind(object.spec.name.as_str())
            .bind(object.spec.owner.as_str())
            .bind(Json(&object.spec.people))
            .bind(Json(&object.spec.tags))
            .bind(Json(&object.spec.attributes))
            .bind(object.spec.document.as_str())
            .bind(to_text(&object.spec.sharing))
            .bind(to_text(&object.spec.validation))
            .bind(object.updated_at_ms)
            .bind(object.updated_by.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("design_object", rows)
    }

    /// Removes an object without versions.
    ///
    /// # Errors
    /// It changed meanwhile, it has versions, or the database's.
    pub async fn delete_design_object(&mut self, id: DesignObjectId, revision: u64) -> Result<()> {
        let sql = "delete from design_object where design_object_id = $1 and revision = $2";
        self.delete_at("design_object", sql, id.0, revision).await
    }

    /// A new version with its references.
    ///
    /// # Errors
    /// The number is taken, something that it refers to is not there, or the database's.
    pub async fn insert_design_version(&mut self, new: &Version) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into design_version (design_version_id, design_object_id, number, state, state_reason,
                 description, content, end_of_life_at_ms, replacement_id, revision, created_at_ms, created_by,
                 updated_at_ms, updated_by, authors)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(new.id.0)
            .bind(new.object.0)
            .bind(new.spec.number.to_string())
            .bind(to_text(&new.state))
            .bind(new.state_reason.as_str())
            .bind(new.spec.description.as_str())
            .bind(Json(&new.spec.content))
            .bind(new.spec.end_of_life_at_ms)
            .bind(new.spec.replacement.map(|other| other.0))
            .bind(to_i64(new.revision))
            .bind(new.created_at_ms)
            .bind(new.created_by.as_str())
            .bind(new.updated_at_ms)
            .bind(new.updated_by.as_str())
            .bind(Json(&new.authors))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        self.refer(new).await
    }

    /// Writes a version over the revision it was read at: what it says and where it is in its life.
    ///
    /// # Errors
    /// It changed meanwhile, the number is taken, something that it refers to is not there, or the database's.
    pub async fn update_design_version(&mut self, version: &Version, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update design_version set number = $3, state = $4, state_reason = $5, description = $6, content = $7,
                 end_of_life_at_ms = $8, replacement_id = $9, updated_at_ms = $10, updated_by = $11, authors = $12,
                 revision = revision + 1 where design_version_id = $1 and revision = $2",
            )
            .bind(version.id.0)
            .bind(to_i64(revision))
            .bind(version.spec.number.to_string())
            .bind(to_text(&version.state))
            .bind(version.state_reason.as_str())
            .bind(version.spec.description.as_str())
            .bind(Json(&version.spec.content))
            .bind(version.spec.end_of_life_at_ms)
            .bind(version.spec.replacement.map(|other| other.0))
            .bind(version.updated_at_ms)
            .bind(version.updated_by.as_str())
            .bind(Json(&version.authors))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("design_version", rows)?;
        self.refer_no_more(version.id).await?;
        self.refer(version).await
    }

    /// Removes a version that no other refers to.
    ///
    /// # Errors
    /// It changed meanwhile, another one refers to it, or the database's.
    pub async fn delete_design_version(&mut self, id: DesignVersionId, revision: u64) -> Result<()> {
        self.refer_no_more(id).await?;
        let sql = "delete from design_version where design_version_id = $1 and revision = $2";
        self.delete_at("design_version", sql, id.0, revision).await
    }

    async fn refer(&mut self, version: &Version) -> Result<()> {
        let needs: BTreeSet<DesignVersionId> =
            version.spec.content.needs().into_iter().map(|need| need.version).collect();
        for need in needs {
            on_db!(self, |conn| {
                sqlx::query("insert into design_reference (design_version_id, refers_to_id) values ($1, $2)")
                    .bind(version.id.0)
                    .bind(need.0)
                    .execute(conn)
                    .await
                    .map(|_| ())
            })?;
        }
        Ok(())
    }

    async fn refer_no_more(&mut self, id: DesignVersionId) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from design_reference where design_version_id = $1")
                .bind(id.0)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}
