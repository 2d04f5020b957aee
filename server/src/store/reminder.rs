//! What people were reminded of about requests for access and grants.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Result, Tx, from_i64, from_text, to_text};
use crate::domain::access::reminder::{About, Reminder};

#[derive(sqlx::FromRow)]
struct Row {
    object_id: Uuid,
    about: String,
    since_ms: i64,
    count: i64,
    at_ms: i64,
}

fn read(row: Row) -> Result<((Uuid, About), Reminder)> {
    let reminder = Reminder { since_ms: row.since_ms, count: from_i64("count", row.count)?, at_ms: row.at_ms };
    Ok(((row.object_id, from_text("about", row.about)?), reminder))
}

impl Tx {
    /// All of it, by the request or grant.
    ///
    /// # Errors
    /// The database's.
    pub async fn reminders(&mut self) -> Result<HashMap<(Uuid, About), Reminder>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as("select object_id, about, since_ms, count, at_ms from access_reminder").fetch_all(conn).await
        })?;
        rows.into_iter().map(read).collect()
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

    /// Forgets those of requests and grants that are over; how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_reminders_of_what_is_over(&mut self) -> Result<u64> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "delete from access_reminder where not exists (
                     select 1 from access_request
                     where access_request_id = access_reminder.object_id and state in ('pending', 'needs_info')
                 ) and not exists (
                     select 1 from access_grant
                     where access_grant_id = access_reminder.object_id and state in ('active', 'suspended')
                 )",
            )
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows)
    }
}
