//! Agents, their last status and their newest document.

use std::collections::BTreeMap;

use mesh_protocol::id::{AgentId, EnvironmentId, ListenerId};
use mesh_protocol::report::Status;
use mesh_protocol::signed::Signed;
use mesh_protocol::wire::Revision;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::agent::{Agent, LastStatus, State};

#[derive(sqlx::FromRow)]
struct Row {
    agent_id: Uuid,
    site_id: Uuid,
    stands_for: Option<Uuid>,
    name: String,
    public_key: String,
    sealing_key: Option<String>,
    version: String,
    state: String,
    certificate_ends_at_ms: i64,
    fabric_addresses: Json<Vec<String>>,
    listener_addresses: Json<BTreeMap<ListenerId, String>>,
    session_id: Option<Uuid>,
    presence_since_ms: i64,
    seen_at_ms: i64,
    address: Option<String>,
    created_at_ms: i64,
}

impl TryFrom<Row> for Agent {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.agent_id.into(),
            site: row.site_id.into(),
            stands_for: row.stands_for.map(Into::into),
            name: row.name,
            public_key: row.public_key,
            sealing_key: row.sealing_key,
            version: row.version,
            state: from_text("state", row.state)?,
            certificate_ends_at_ms: row.certificate_ends_at_ms,
            fabric_addresses: row.fabric_addresses.0,
            listener_addresses: row.listener_addresses.0,
            connected: row.session_id.is_some(),
            presence_since_ms: row.presence_since_ms,
            seen_at_ms: row.seen_at_ms,
            address: row.address,
            created_at_ms: row.created_at_ms,
        })
    }
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    generation: i64,
    revision: i64,
    body: Vec<u8>,
    signature: Vec<u8>,
    key_id: String,
}

impl Tx {
    /// All agents, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn agents(&mut self, environment: EnvironmentId) -> Result<Vec<Agent>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select agent_id, site_id, name, public_key, sealing_key, version, state, certificate_ends_at_ms,
                 fabric_addresses, listener_addresses, session_id, presence_since_ms, seen_at_ms, address,
                 created_at_ms, stands_for from agent where environment_id = $1 order by agent_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Of each agent, whether it is believed and its newest session.
    ///
    /// # Errors
    /// The database's.
    pub async fn agent_sessions(&mut self, environment: EnvironmentId) -> Result<Vec<(AgentId, State, Option<Uuid>)>> {
        let rows: Vec<(Uuid, String, Option<Uuid>)> = on_db!(self, |conn| {
            sqlx::query_as("select agent_id, state, session_id from agent where environment_id = $1")
                .bind(environment.0)
                .fetch_all(conn)
                .await
        })?;
        let read = |(id, state, session): (Uuid, String, _)| Ok((id.into(), from_text("state", state)?, session));
        rows.into_iter().map(read).collect()
    }

    /// One agent.
    ///
    /// # Errors
    /// The database's.
    pub async fn agent(&mut self, id: AgentId) -> Result<Option<Agent>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select agent_id, site_id, name, public_key, sealing_key, version, state, certificate_ends_at_ms,
                 fabric_addresses, listener_addresses, session_id, presence_since_ms, seen_at_ms, address,
                 created_at_ms, stands_for from agent where agent_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A new agent.
    ///
    /// # Errors
    /// The name is taken at the site, the key is enrolled already, or the database's.
    pub async fn insert_agent(&mut self, environment: EnvironmentId, agent: &Agent) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into agent (agent_id, environment_id, site_id, name, public_key, version, state,
                 certificate_ends_at_ms, fabric_addresses, presence_since_ms, seen_at_ms, revision, created_at_ms,
                 updated_at_ms, sealing_key, stands_for, listener_addresses)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 1, $10, $10, $11, $12, $13)",
            )
            .bind(agent.id.0)
            .bind(environment.0)
            .bind(agent.site.0)
            .bind(agent.name.as_str())
            .bind(agent.public_key.as_str())
            .bind(agent.version.as_str())
            .bind(to_text(&agent.state))
            .bind(agent.certificate_ends_at_ms)
            .bind(Json(&agent.fabric_addresses))
            .bind(agent.created_at_ms)
            .bind(agent.sealing_key.as_deref())
            .bind(agent.stands_for.map(|line| line.0))
            .bind(Json(&agent.listener_addresses))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Notes a new certificate.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_certificate(&mut self, id: AgentId, version: &str, ends_at_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update agent set version = $2, certificate_ends_at_ms = $3 where agent_id = $1")
                .bind(id.0)
                .bind(version)
                .bind(ends_at_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Changes an agent's state.
    ///
    /// # Errors
    /// It is gone, or the database's.
    pub async fn set_agent_state(&mut self, id: AgentId, state: State, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query("update agent set state = $2, updated_at_ms = $3 where agent_id = $1")
                .bind(id.0)
                .bind(to_text(&state))
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        must_hit("agent", rows)
    }

    /// Gives an agent another name.
    ///
    /// # Errors
    /// It is gone, the name is taken at its site, or the database's.
    pub async fn rename_agent(&mut self, id: AgentId, name: &str, now_ms: i64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query("update agent set name = $2, updated_at_ms = $3 where agent_id = $1")
                .bind(id.0)
                .bind(name)
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        must_hit("agent", rows)
    }

    /// A session of this agent stands.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_agent_session(
        &mut self,
        id: AgentId,
        session: Uuid,
        version: &str,
        address: &str,
        now_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update agent set session_id = $2, version = $3, address = $4, presence_since_ms = $5, seen_at_ms = $5
                 where agent_id = $1",
            )
            .bind(id.0)
            .bind(session)
            .bind(version)
            .bind(address)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// The session ended; a newer one that took its place is left alone.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_agent_session(&mut self, id: AgentId, session: Uuid, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update agent set session_id = null, presence_since_ms = $3 where agent_id = $1 and session_id = $2",
            )
            .bind(id.0)
            .bind(session)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Notes where an agent's fabric endpoint is reached.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_fabric_addresses(&mut self, id: AgentId, addresses: &[String]) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update agent set fabric_addresses = $2 where agent_id = $1")
                .bind(id.0)
                .bind(Json(addresses))
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Notes where clients reach an agent's listeners.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_listener_addresses(
        &mut self,
        id: AgentId,
        addresses: &BTreeMap<ListenerId, String>,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update agent set listener_addresses = $2 where agent_id = $1")
                .bind(id.0)
                .bind(Json(addresses))
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Notes an agent's newest public sealing key.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_sealing_key(&mut self, id: AgentId, key: &str) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update agent set sealing_key = $2 where agent_id = $1")
                .bind(id.0)
                .bind(key)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Keeps an agent's newest status.
    ///
    /// # Errors
    /// The database's.
    pub async fn save_status(&mut self, id: AgentId, status: &Status, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into agent_status (agent_id, at_ms, applied_generation, applied_revision, deny_list, body)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (agent_id) do update set at_ms = excluded.at_ms,
                 applied_generation = excluded.applied_generation, applied_revision = excluded.applied_revision,
                 deny_list = excluded.deny_list, body = excluded.body",
            )
            .bind(id.0)
            .bind(now_ms)
            .bind(status.applied.map(|revision| to_i64(revision.generation)))
            .bind(status.applied.map(|revision| to_i64(revision.revision)))
            .bind(to_i64(status.deny_list))
            .bind(Json(status))
            .execute(&mut *conn)
            .await?;
            sqlx::query("update agent set seen_at_ms = $2 where agent_id = $1")
                .bind(id.0)
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The last status of every agent that ever sent one, with the portal's time of arrival.
    ///
    /// # Errors
    /// The database's.
    pub async fn statuses(&mut self, environment: EnvironmentId) -> Result<Vec<LastStatus>> {
        let rows: Vec<(Uuid, i64, Json<Status>)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select agent_id, at_ms, body from agent_status join agent using (agent_id) where environment_id = $1",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        Ok(rows
            .into_iter()
            .map(|(agent, at_ms, status)| LastStatus { agent: agent.into(), at_ms, status: status.0 })
            .collect())
    }

    /// The last status of one agent.
    ///
    /// # Errors
    /// The database's.
    pub async fn status(&mut self, id: AgentId) -> Result<Option<Status>> {
        let row: Option<(Json<Status>,)> = on_db!(self, |conn| {
            sqlx::query_as("select body from agent_status where agent_id = $1").bind(id.0).fetch_optional(conn).await
        })?;
        Ok(row.map(|(status,)| status.0))
    }

    /// The newest document of an agent, exactly as signed.
    ///
    /// # Errors
    /// The database's.
    pub async fn document(&mut self, id: AgentId) -> Result<Option<(Revision, Signed)>> {
        let row: Option<DocumentRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select generation, revision, body, signature, key_id from agent_document where agent_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(|row| {
            let revision = Revision {
                generation: from_i64("generation", row.generation)?,
                revision: from_i64("revision", row.revision)?,
            };
            Ok((revision, Signed { body: row.body, signature: row.signature, key_id: row.key_id }))
        })
        .transpose()
    }

    /// Keeps a document if it is newer than the one there is. Another replica may have been faster: what counts is
    /// what [`Tx::document`] gives afterwards.
    ///
    /// # Errors
    /// The database's.
    pub async fn save_document(
        &mut self,
        id: AgentId,
        revision: Revision,
        document: &Signed,
        now_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into agent_document (agent_id, generation, revision, body, signature, key_id, created_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (agent_id) do update set generation = excluded.generation, revision = excluded.revision,
                 body = excluded.body, signature = excluded.signature, key_id = excluded.key_id,
                 created_at_ms = excluded.created_at_ms
                 where (agent_document.generation, agent_document.revision) < (excluded.generation, excluded.revision)",
            )
            .bind(id.0)
            .bind(to_i64(revision.generation))
            .bind(to_i64(revision.revision))
            .bind(document.body.as_slice())
            .bind(document.signature.as_slice())
            .bind(document.key_id.as_str())
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }
}
