//! People.

use mesh_protocol::id::{ApplicationDomainId, PersonId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::person::Person;

#[derive(sqlx::FromRow)]
struct Row {
    person_id: Uuid,
    username: String,
    display_name: String,
    role: String,
    domains: Json<Vec<ApplicationDomainId>>,
    state: String,
    login_at_ms: Option<i64>,
    revision: i64,
    created_at_ms: i64,
}

impl TryFrom<Row> for Person {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.person_id.into(),
            username: row.username,
            display_name: row.display_name,
            role: from_text("role", row.role)?,
            domains: row.domains.0,
            state: from_text("state", row.state)?,
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            login_at_ms: row.login_at_ms,
        })
    }
}

impl Tx {
    /// All people, by login name.
    ///
    /// # Errors
    /// The database's.
    pub async fn people(&mut self) -> Result<Vec<Person>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select person_id, username, display_name, role, domains, state, login_at_ms, revision, created_at_ms
                 from person order by username",
            )
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One person.
    ///
    /// # Errors
    /// The database's.
    pub async fn person(&mut self, id: PersonId) -> Result<Option<Person>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select person_id, username, display_name, role, domains, state, login_at_ms, revision, created_at_ms
                 from person where person_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A person's id and password hash by login name.
    ///
    /// # Errors
    /// The database's.
    pub async fn password_of(&mut self, username: &str) -> Result<Option<(PersonId, String)>> {
        let row: Option<(Uuid, String)> = on_db!(self, |conn| {
            sqlx::query_as("select person_id, password_hash from person where username = $1")
                .bind(username)
                .fetch_optional(conn)
                .await
        })?;
        Ok(row.map(|(id, hash)| (id.into(), hash)))
    }

    /// A new person.
    ///
    /// # Errors
    /// The login name is taken, or the database's.
    pub async fn insert_person(&mut self, person: &Person, password_hash: &str) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into person (person_id, username, display_name, role, state, password_hash, revision,
                 created_at_ms, updated_at_ms, domains) values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
            )
            .bind(person.id.0)
            .bind(person.username.as_str())
            .bind(person.display_name.as_str())
            .bind(to_text(&person.role))
            .bind(to_text(&person.state))
            .bind(password_hash)
            .bind(to_i64(person.revision))
            .bind(person.created_at_ms)
            .bind(Json(&person.domains))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a person over the revision it was read at; without a password hash the old one stays.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_person(
        &mut self,
        person: &Person,
        password_hash: Option<&str>,
        revision: u64,
        now_ms: i64,
    ) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update person set display_name = $3, role = $4, state = $5,
                 password_hash = coalesce($6, password_hash), revision = revision + 1, updated_at_ms = $7, domains = $8
                 where person_id = $1 and revision = $2",
            )
            .bind(person.id.0)
            .bind(to_i64(revision))
            .bind(person.display_name.as_str())
            .bind(to_text(&person.role))
            .bind(to_text(&person.state))
            .bind(password_hash)
            .bind(now_ms)
            .bind(Json(&person.domains))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("person", rows)
    }

    /// Notes a login. Not an edit: the revision stays.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_login(&mut self, id: PersonId, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update person set login_at_ms = $2 where person_id = $1")
                .bind(id.0)
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes a person and ends their sessions.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_person(&mut self, id: PersonId, revision: u64) -> Result<()> {
        self.delete_at("person", "delete from person where person_id = $1 and revision = $2", id.0, revision).await
    }
}
