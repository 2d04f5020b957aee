//! Requests for access, and grants.

use mesh_protocol::id::{AccessRequestId, EnvironmentId, GrantId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::access::grant::{Grant, Terms};
use crate::domain::access::request::{Request, Step};
use crate::domain::product::plan::Numbered;

#[derive(sqlx::FromRow)]
pub(super) struct RequestRow {
    access_request_id: Uuid,
    application_id: Uuid,
    design_object_id: Uuid,
    design_version_id: Uuid,
    plan_id: Option<Uuid>,
    plan_number: Option<i64>,
    purpose: String,
    until_ms: Option<i64>,
    people: i64,
    state: String,
    decider: Option<String>,
    steps: Json<Vec<Step>>,
    revision: i64,
    created_at_ms: i64,
    created_by: String,
    updated_at_ms: i64,
}

impl TryFrom<RequestRow> for Request {
    type Error = StoreError;
    fn try_from(row: RequestRow) -> Result<Self> {
        Ok(Self {
            id: row.access_request_id.into(),
            application: row.application_id.into(),
            target: row.design_object_id.into(),
            version: row.design_version_id.into(),
            plan: numbered(row.plan_id, row.plan_number)?,
            purpose: row.purpose,
            until_ms: row.until_ms,
            people: from_i64("people", row.people)?,
            state: from_text("state", row.state)?,
            decider: row.decider,
            steps: row.steps.0,
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            created_by: row.created_by,
            updated_at_ms: row.updated_at_ms,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct GrantRow {
    access_grant_id: Uuid,
    access_request_id: Uuid,
    application_id: Uuid,
    design_object_id: Uuid,
    design_version_id: Uuid,
    plan_id: Option<Uuid>,
    plan_number: Option<i64>,
    terms: Json<Terms>,
    until_ms: Option<i64>,
    state: String,
    reason: String,
    policy_revision: i64,
    confirmed_at_ms: Option<i64>,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    updated_by: String,
}

impl TryFrom<GrantRow> for Grant {
    type Error = StoreError;
    fn try_from(row: GrantRow) -> Result<Self> {
        Ok(Self {
            id: row.access_grant_id.into(),
            request: row.access_request_id.into(),
            application: row.application_id.into(),
            target: row.design_object_id.into(),
            version: row.design_version_id.into(),
            plan: numbered(row.plan_id, row.plan_number)?,
            terms: row.terms.0,
            until_ms: row.until_ms,
            state: from_text("state", row.state)?,
            reason: row.reason,
            policy_revision: from_i64("policy_revision", row.policy_revision)?,
            confirmed_at_ms: row.confirmed_at_ms,
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

fn numbered(plan: Option<Uuid>, number: Option<i64>) -> Result<Option<Numbered>> {
    match (plan, number) {
        (Some(plan), Some(number)) => {
            Ok(Some(Numbered { plan: plan.into(), number: from_i64("plan_number", number)? }))
        }
        (None, None) => Ok(None),
        _ => Err(StoreError::Unreadable { column: "plan_number" }),
    }
}

impl Tx {
    /// All requests, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn access_requests(&mut self, environment: EnvironmentId) -> Result<Vec<Request>> {
        let rows: Vec<RequestRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_request_id, application_id, design_object_id, design_version_id, plan_id, plan_number,
                 purpose, until_ms, people, state, decider, steps, revision, created_at_ms, created_by, updated_at_ms
                 from access_request where environment_id = $1 order by access_request_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Open requests to which nobody said anything since a moment, at most `limit`, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn late_requests(
        &mut self,
        environment: EnvironmentId,
        since_ms: i64,
        limit: u32,
    ) -> Result<Vec<Request>> {
        let rows: Vec<RequestRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_request_id, application_id, design_object_id, design_version_id, plan_id, plan_number,
                 purpose, until_ms, people, state, decider, steps, revision, created_at_ms, created_by, updated_at_ms
                 from access_request
                 where environment_id = $1 and state in ('pending', 'needs_info') and updated_at_ms <= $2
                 order by updated_at_ms, access_request_id limit $3",
            )
            .bind(environment.0)
            .bind(since_ms)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One request.
    ///
    /// # Errors
    /// The database's.
    pub async fn access_request(&mut self, id: AccessRequestId) -> Result<Option<Request>> {
        let row: Option<RequestRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_request_id, application_id, design_object_id, design_version_id, plan_id, plan_number,
                 purpose, until_ms, people, state, decider, steps, revision, created_at_ms, created_by, updated_at_ms
                 from access_request where access_request_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A new request.
    ///
    /// # Errors
    /// Something that it names is gone, or the database's.
    pub async fn insert_access_request(&mut self, environment: EnvironmentId, new: &Request) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into access_request (access_request_id, environment_id, application_id, design_object_id,
                 design_version_id, plan_id, plan_number, purpose, until_ms, people, state, decider, steps, revision,
                 created_at_ms, created_by, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.application.0)
            .bind(new.target.0)
            .bind(new.version.0)
            .bind(new.plan.map(|plan| plan.plan.0))
            .bind(new.plan.map(|plan| i64::from(plan.number)))
            .bind(new.purpose.as_str())
            .bind(new.until_ms)
            .bind(i64::from(new.people))
            .bind(to_text(&new.state))
            .bind(new.decider.as_deref())
            .bind(Json(&new.steps))
            .bind(to_i64(new.revision))
            .bind(new.created_at_ms)
            .bind(new.created_by.as_str())
            .bind(new.updated_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes what was said to a request over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_access_request(&mut self, request: &Request, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update access_request set state = $3, decider = $4, steps = $5, updated_at_ms = $6,
                 revision = revision + 1 where access_request_id = $1 and revision = $2",
            )
            .bind(request.id.0)
            .bind(to_i64(revision))
            .bind(to_text(&request.state))
            .bind(request.decider.as_deref())
            .bind(Json(&request.steps))
            .bind(request.updated_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("access_request", rows)
    }

    /// All grants, those that are over included, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn grants(&mut self, environment: EnvironmentId) -> Result<Vec<Grant>> {
        let rows: Vec<GrantRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_grant_id, access_request_id, application_id, design_object_id, design_version_id, plan_id,
                 plan_number, terms, until_ms, state, reason, policy_revision, confirmed_at_ms, revision, created_at_ms,
                 updated_at_ms, updated_by
                 from access_grant where environment_id = $1 order by access_grant_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// All grants that are not over, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_grants(&mut self, environment: EnvironmentId) -> Result<Vec<Grant>> {
        let rows: Vec<GrantRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_grant_id, access_request_id, application_id, design_object_id, design_version_id, plan_id,
                 plan_number, terms, until_ms, state, reason, policy_revision, confirmed_at_ms, revision, created_at_ms,
                 updated_at_ms, updated_by
                 from access_grant where environment_id = $1 and state in ('active', 'suspended') order by access_grant_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// All grants that some agent does not enforce yet as they are, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn unconfirmed_grants(&mut self, environment: EnvironmentId) -> Result<Vec<Grant>> {
        let rows: Vec<GrantRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_grant_id, access_request_id, application_id, design_object_id, design_version_id, plan_id,
                 plan_number, terms, until_ms, state, reason, policy_revision, confirmed_at_ms, revision, created_at_ms,
                 updated_at_ms, updated_by
                 from access_grant where environment_id = $1 and confirmed_at_ms is null order by access_grant_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new grant.
    ///
    /// # Errors
    /// The application has one of the same thing, something that it names is gone, or the database's.
    pub async fn insert_grant(&mut self, environment: EnvironmentId, new: &Grant) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into access_grant (access_grant_id, environment_id, access_request_id, application_id,
                 design_object_id, design_version_id, plan_id, plan_number, terms, until_ms, state, reason,
                 policy_revision, confirmed_at_ms, revision, created_at_ms, updated_at_ms, updated_by)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.request.0)
            .bind(new.application.0)
            .bind(new.target.0)
            .bind(new.version.0)
            .bind(new.plan.map(|plan| plan.plan.0))
            .bind(new.plan.map(|plan| i64::from(plan.number)))
            .bind(Json(&new.terms))
            .bind(new.until_ms)
            .bind(to_text(&new.state))
            .bind(new.reason.as_str())
            .bind(to_i64(new.policy_revision))
            .bind(new.confirmed_at_ms)
            .bind(to_i64(new.revision))
            .bind(new.created_at_ms)
            .bind(new.updated_at_ms)
            .bind(new.updated_by.as_str())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a grant over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_grant(&mut self, grant: &Grant, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update access_grant set access_request_id = $3, design_version_id = $4, plan_id = $5, plan_number = $6,
                 terms = $7, until_ms = $8, state = $9, reason = $10, policy_revision = $11, confirmed_at_ms = $12,
                 updated_at_ms = $13, updated_by = $14, revision = revision + 1
                 where access_grant_id = $1 and revision = $2",
            )
            .bind(grant.id.0)
            .bind(to_i64(revision))
            .bind(grant.request.0)
            .bind(grant.version.0)
            .bind(grant.plan.map(|plan| plan.plan.0))
            .bind(grant.plan.map(|plan| i64::from(plan.number)))
            .bind(Json(&grant.terms))
            .bind(grant.until_ms)
            .bind(to_text(&grant.state))
            .bind(grant.reason.as_str())
            .bind(to_i64(grant.policy_revision))
            .bind(grant.confirmed_at_ms)
            .bind(grant.updated_at_ms)
            .bind(grant.updated_by.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("access_grant", rows)
    }

    /// Notes that every agent concerned enforces what a grant became at a policy revision. Nothing happens when it became
    /// something else meanwhile.
    ///
    /// # Errors
    /// The database's.
    pub async fn confirm_grant(&mut self, id: GrantId, policy_revision: u64, now_ms: i64) -> Result<bool> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update access_grant set confirmed_at_ms = $3
                 where access_grant_id = $1 and policy_revision = $2 and confirmed_at_ms is null",
            )
            .bind(id.0)
            .bind(to_i64(policy_revision))
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows > 0)
    }
}
