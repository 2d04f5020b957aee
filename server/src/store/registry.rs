//! The schema registry: subjects, their versions, and ids.
//!
//! What a version says is the design version's; here stands only what serializers call it.

use mesh_protocol::id::{DesignObjectId, EnvironmentId, SubjectId};
use mesh_protocol::schema_id::SchemaId;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_text};
use crate::domain::registry::{KnownSchema, Registered, Settings, Subject};

#[derive(sqlx::FromRow)]
struct SubjectRow {
    registry_subject_id: Uuid,
    name: String,
    design_object_id: Option<Uuid>,
    level: Option<String>,
    mode: Option<String>,
    last_version: i64,
}

impl TryFrom<SubjectRow> for Subject {
    type Error = StoreError;
    fn try_from(row: SubjectRow) -> Result<Self> {
        Ok(Self {
            id: row.registry_subject_id.into(),
            name: row.name,
            object: row.design_object_id.map(DesignObjectId),
            level: row.level.map(|level| from_text("level", level)).transpose()?,
            mode: row.mode.map(|mode| from_text("mode", mode)).transpose()?,
            last_version: from_i64("last_version", row.last_version)?,
        })
    }
}

fn schema_id(number: i64) -> Result<SchemaId> {
    let column = "registry_schema_id";
    SchemaId::new(from_i64(column, number)?).ok_or(StoreError::Unreadable { column })
}

impl Tx {
    /// What holds for the whole registry; what a new one has when nothing was ever changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn registry_settings(&mut self, environment: EnvironmentId) -> Result<Settings> {
        let row: Option<(String, String, i64)> = on_db!(self, |conn| {
            sqlx::query_as("select level, mode, last_id from registry_setting where environment_id = $1")
                .bind(environment.0)
                .fetch_optional(conn)
                .await
        })?;
        let Some((level, mode, last_id)) = row else { return Ok(Settings::default()) };
        Ok(Settings {
            level: from_text("level", level)?,
            mode: from_text("mode", mode)?,
            last_id: from_i64("last_id", last_id)?,
        })
    }

    /// Writes what holds for the whole registry.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_registry_settings(&mut self, environment: EnvironmentId, settings: &Settings) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into registry_setting (environment_id, level, mode, last_id) values ($1, $2, $3, $4)
                 on conflict (environment_id) do update set level = $2, mode = $3, last_id = $4",
            )
            .bind(environment.0)
            .bind(to_text(&settings.level))
            .bind(to_text(&settings.mode))
            .bind(i64::from(settings.last_id))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// All subjects.
    ///
    /// # Errors
    /// The database's.
    pub async fn subjects(&mut self, environment: EnvironmentId) -> Result<Vec<Subject>> {
        let rows: Vec<SubjectRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select registry_subject_id, name, design_object_id, level, mode, last_version from registry_subject
                 where environment_id = $1 order by registry_subject_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// All versions of all subjects.
    ///
    /// # Errors
    /// The database's.
    pub async fn registered_versions(&mut self, environment: EnvironmentId) -> Result<Vec<Registered>> {
        let rows: Vec<(Uuid, i64, i64, Uuid)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select v.registry_subject_id, v.version, v.registry_schema_id, v.design_version_id
                 from registry_version v join registry_subject s on s.registry_subject_id = v.registry_subject_id
                 where s.environment_id = $1 order by v.registry_subject_id, v.version",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        let read = |(subject, version, schema, design): (Uuid, i64, i64, Uuid)| {
            Ok(Registered {
                subject: subject.into(),
                version: from_i64("version", version)?,
                schema: schema_id(schema)?,
                design: design.into(),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// All ids that were ever given out, the lowest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn known_schemas(&mut self, environment: EnvironmentId) -> Result<Vec<KnownSchema>> {
        let rows: Vec<(i64, String)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select registry_schema_id, fingerprint from registry_schema where environment_id = $1
                 order by registry_schema_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(|(id, fingerprint)| Ok(KnownSchema { id: schema_id(id)?, fingerprint })).collect()
    }

    /// A new subject.
    ///
    /// # Errors
    /// The name is taken, the object has a subject, or the database's.
    pub async fn insert_subject(&mut self, environment: EnvironmentId, new: &Subject) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into registry_subject (registry_subject_id, environment_id, name, design_object_id, level, mode,
                 last_version) values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.name.as_str())
            .bind(new.object.map(|object| object.0))
            .bind(new.level.as_ref().map(to_text))
            .bind(new.mode.as_ref().map(to_text))
            .bind(i64::from(new.last_version))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a subject; its name stays.
    ///
    /// # Errors
    /// It is gone, the object has another subject, or the database's.
    pub async fn update_subject(&mut self, subject: &Subject) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update registry_subject set design_object_id = $2, level = $3, mode = $4, last_version = $5
                 where registry_subject_id = $1",
            )
            .bind(subject.id.0)
            .bind(subject.object.map(|object| object.0))
            .bind(subject.level.as_ref().map(to_text))
            .bind(subject.mode.as_ref().map(to_text))
            .bind(i64::from(subject.last_version))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("registry_subject", rows)
    }

    /// Removes a subject without versions.
    ///
    /// # Errors
    /// It has versions, or the database's.
    pub async fn delete_subject(&mut self, id: SubjectId) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from registry_subject where registry_subject_id = $1")
                .bind(id.0)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Gives an id out.
    ///
    /// # Errors
    /// It is taken, or the database's.
    pub async fn insert_known_schema(&mut self, environment: EnvironmentId, new: &KnownSchema) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into registry_schema (environment_id, registry_schema_id, fingerprint) values ($1, $2, $3)",
            )
            .bind(environment.0)
            .bind(i64::from(new.id.get()))
            .bind(new.fingerprint.as_str())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// A new version of a subject.
    ///
    /// # Errors
    /// The number is taken, the design version is registered already or not there, or the database's.
    pub async fn insert_registered_version(&mut self, new: &Registered) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into registry_version (registry_subject_id, version, registry_schema_id, design_version_id)
                 values ($1, $2, $3, $4)",
            )
            .bind(new.subject.0)
            .bind(i64::from(new.version))
            .bind(i64::from(new.schema.get()))
            .bind(new.design.0)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Takes a version out of its subject; its design version stays.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_registered_version(&mut self, registered: &Registered) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from registry_version where registry_subject_id = $1 and version = $2")
                .bind(registered.subject.0)
                .bind(i64::from(registered.version))
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}
