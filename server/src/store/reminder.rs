//! What people were reminded of about requests for access and grants, and of what they are to be reminded now.

use mesh_protocol::id::EnvironmentId;
use uuid::Uuid;

use super::access::{GrantRow, RequestRow};
use super::{Result, StoreError, Tx, from_i64, to_text};
use crate::domain::access::grant::Grant;
use crate::domain::access::reminder::{About, BEFORE_MS, Reminder, TIMES_MAX, WAIT_MS};
use crate::domain::access::request::Request;

#[derive(sqlx::FromRow)]
struct Row {
    since_ms: i64,
    count: i64,
    at_ms: i64,
}

impl TryFrom<Row> for Reminder {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self { since_ms: row.since_ms, count: from_i64("count", row.count)?, at_ms: row.at_ms })
    }
}

/// That what a reminder is about is over.
macro_rules! over {
    () => {
        "not exists (
             select 1 from access_request
             where access_request_id = access_reminder.object_id and state in ('pending', 'needs_info')
         ) and not exists (
             select 1 from access_grant
             where access_grant_id = access_reminder.object_id and state in ('active', 'suspended')
         )"
    };
}

impl Tx {
    /// What was told last about a request or grant; none = nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn reminder(&mut self, object: Uuid, about: About) -> Result<Option<Reminder>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as("select since_ms, count, at_ms from access_reminder where object_id = $1 and about = $2")
                .bind(object)
                .bind(to_text(&about))
                .fetch_optional(conn)
                .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// Requests of whose wait somebody is to be reminded now, at most `limit`, those first that wait longest:
    /// [`due_wait`](crate::domain::access::reminder::due_wait) as a query.
    ///
    /// # Errors
    /// The database's.
    pub async fn due_waits(&mut self, environment: EnvironmentId, now_ms: i64, limit: u32) -> Result<Vec<Request>> {
        let rows: Vec<RequestRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_request_id, application_id, design_object_id, design_version_id, plan_id, plan_number,
                 purpose, until_ms, people, state, decider, steps, revision, created_at_ms, created_by, updated_at_ms
                 from access_request
                 left join access_reminder on object_id = access_request_id
                     and about = case when state = 'needs_info' then 'answer' else 'decision' end
                 where environment_id = $1 and state in ('pending', 'needs_info') and updated_at_ms <= $2
                     and (object_id is null or since_ms <> updated_at_ms or (count < $3 and at_ms <= $2))
                 order by updated_at_ms, access_request_id limit $4",
            )
            .bind(environment.0)
            .bind(now_ms.saturating_sub(WAIT_MS))
            .bind(i64::from(TIMES_MAX))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Grants of whose end somebody is to be told now, at most `limit`, those first that end first:
    /// [`due_end`](crate::domain::access::reminder::due_end) as a query.
    ///
    /// # Errors
    /// The database's.
    pub async fn due_ends(&mut self, environment: EnvironmentId, now_ms: i64, limit: u32) -> Result<Vec<Grant>> {
        let [first, second, third] = BEFORE_MS;
        let rows: Vec<GrantRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select access_grant_id, access_request_id, application_id, design_object_id, design_version_id, plan_id,
                 plan_number, terms, until_ms, state, reason, policy_revision, confirmed_at_ms, revision, created_at_ms,
                 updated_at_ms, updated_by
                 from access_grant
                 left join access_reminder on object_id = access_grant_id and about = 'end' and since_ms = until_ms
                 where environment_id = $1 and state = 'active' and until_ms > $2 and until_ms <= $3
                     and coalesce(count, 0) < case
                         when until_ms - $6 <= $2 and until_ms - $6 > updated_at_ms then 3
                         when until_ms - $5 <= $2 and until_ms - $5 > updated_at_ms then 2
                         when until_ms - $4 <= $2 and until_ms - $4 > updated_at_ms then 1
                         else 0 end
                 order by until_ms, access_grant_id limit $7",
            )
            .bind(environment.0)
            .bind(now_ms)
            .bind(now_ms.saturating_add(first))
            .bind(first)
            .bind(second)
            .bind(third)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Takes a reminder upon this transaction: true when nobody else did. The same wait is never taken twice under one count.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_reminder(&mut self, object: Uuid, about: About, new: Reminder) -> Result<bool> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "insert into access_reminder (object_id, about, since_ms, count, at_ms) values ($1, $2, $3, $4, $5)
                 on conflict (object_id, about) do update
                 set since_ms = excluded.since_ms, count = excluded.count, at_ms = excluded.at_ms
                 where access_reminder.since_ms <> excluded.since_ms or access_reminder.count < excluded.count",
            )
            .bind(object)
            .bind(to_text(&about))
            .bind(new.since_ms)
            .bind(i64::from(new.count))
            .bind(new.at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows > 0)
    }

    /// Whether there are any of requests and grants that are over.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_reminders_of_what_is_over(&mut self) -> Result<bool> {
        let found: Option<(Uuid,)> = on_db!(self, |conn| {
            sqlx::query_as(concat!("select object_id from access_reminder where ", over!(), " limit 1"))
                .fetch_optional(conn)
                .await
        })?;
        Ok(found.is_some())
    }

    /// Forgets those of requests and grants that are over; how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_reminders_of_what_is_over(&mut self) -> Result<u64> {
        let rows = on_db!(self, |conn| {
            sqlx::query(concat!("delete from access_reminder where ", over!()))
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows)
    }
}
