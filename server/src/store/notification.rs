//! What people are told, in whose feed it is, and who watches what.

use mesh_protocol::id::{AgentId, DesignObjectId, EnvironmentId, NotificationId, PersonId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, to_text};
use crate::domain::notification::{Notification, Told};

#[derive(sqlx::FromRow)]
struct Row {
    notification_id: Uuid,
    kind: String,
    severity: String,
    title: String,
    body: String,
    link: String,
    object_kind: String,
    object_id: String,
    application_domain_id: Option<Uuid>,
    at_ms: i64,
    read_at_ms: Option<i64>,
}

impl TryFrom<Row> for Told {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let notification = Notification {
            id: row.notification_id.into(),
            kind: row.kind,
            severity: from_text("severity", row.severity)?,
            title: row.title,
            text: row.body,
            link: row.link,
            object_kind: row.object_kind,
            object_id: row.object_id,
            domain: row.application_domain_id.map(Into::into),
            at_ms: row.at_ms,
        };
        Ok(Self { notification, read_at_ms: row.read_at_ms })
    }
}

impl Tx {
    /// A new notification in the feeds of these people.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_notification(
        &mut self,
        environment: EnvironmentId,
        new: &Notification,
        readers: &[PersonId],
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into notification (notification_id, environment_id, kind, severity, title, body, link,
                 object_kind, object_id, application_domain_id, at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.kind.as_str())
            .bind(to_text(&new.severity))
            .bind(new.title.as_str())
            .bind(new.text.as_str())
            .bind(new.link.as_str())
            .bind(new.object_kind.as_str())
            .bind(new.object_id.as_str())
            .bind(new.domain.map(|domain| domain.0))
            .bind(new.at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        for reader in readers {
            on_db!(self, |conn| {
                sqlx::query("insert into notification_recipient (person_id, notification_id) values ($1, $2)")
                    .bind(reader.0)
                    .bind(new.id.0)
                    .execute(conn)
                    .await
                    .map(|_| ())
            })?;
        }
        Ok(())
    }

    /// Somebody's feed, newest first: what is older than `before`, only what is unread when asked so, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub async fn feed(
        &mut self,
        person: PersonId,
        is_unread: bool,
        before: Option<NotificationId>,
        limit: u32,
    ) -> Result<Vec<Told>> {
        let before = before.map_or(Uuid::max(), |id| id.0);
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select n.notification_id, n.kind, n.severity, n.title, n.body, n.link, n.object_kind, n.object_id,
                 n.application_domain_id, n.at_ms, r.read_at_ms
                 from notification_recipient r join notification n on n.notification_id = r.notification_id
                 where r.person_id = $1 and r.notification_id < $2 and ($3 = 0 or r.read_at_ms is null)
                 order by r.notification_id desc limit $4",
            )
            .bind(person.0)
            .bind(before)
            .bind(i64::from(is_unread))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// How much is in somebody's feed, and how much of it is unread.
    ///
    /// # Errors
    /// The database's.
    pub async fn feed_counts(&mut self, person: PersonId) -> Result<(u64, u64)> {
        let (all, unread): (i64, i64) = on_db!(self, |conn| {
            sqlx::query_as(
                "select count(*), coalesce(sum(case when read_at_ms is null then 1 else 0 end), 0)
                 from notification_recipient where person_id = $1",
            )
            .bind(person.0)
            .fetch_one(conn)
            .await
        })?;
        Ok((from_i64("count", all)?, from_i64("count", unread)?))
    }

    /// One of somebody's feed.
    ///
    /// # Errors
    /// The database's.
    pub async fn told(&mut self, person: PersonId, id: NotificationId) -> Result<Option<Told>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select n.notification_id, n.kind, n.severity, n.title, n.body, n.link, n.object_kind, n.object_id,
                 n.application_domain_id, n.at_ms, r.read_at_ms
                 from notification_recipient r join notification n on n.notification_id = r.notification_id
                 where r.person_id = $1 and r.notification_id = $2",
            )
            .bind(person.0)
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// Notes that somebody read one of their feed, or that it is unread again. What was read stays read since then.
    ///
    /// # Errors
    /// The database's.
    pub async fn mark_told(&mut self, person: PersonId, id: NotificationId, read_at_ms: Option<i64>) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update notification_recipient
                 set read_at_ms = case when cast($3 as bigint) is null then null else coalesce(read_at_ms, $3) end
                 where person_id = $1 and notification_id = $2",
            )
            .bind(person.0)
            .bind(id.0)
            .bind(read_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Notes that somebody read all that is not newer than one. Gives how many were unread.
    ///
    /// # Errors
    /// The database's.
    pub async fn mark_told_until(&mut self, person: PersonId, last: NotificationId, now_ms: i64) -> Result<u64> {
        let marked = on_db!(self, |conn| {
            sqlx::query(
                "update notification_recipient set read_at_ms = $3
                 where person_id = $1 and notification_id <= $2 and read_at_ms is null",
            )
            .bind(person.0)
            .bind(last.0)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(marked)
    }

    /// Removes what is older, from all feeds. Gives how many notifications went.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_notifications_before(&mut self, environment: EnvironmentId, at_ms: i64) -> Result<u64> {
        let gone = on_db!(self, |conn| {
            sqlx::query("delete from notification where environment_id = $1 and at_ms < $2")
                .bind(environment.0)
                .bind(at_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(gone)
    }

    /// Who watches a design.
    ///
    /// # Errors
    /// The database's.
    pub async fn watchers(&mut self, object: DesignObjectId) -> Result<Vec<PersonId>> {
        let rows: Vec<(Uuid,)> = on_db!(self, |conn| {
            sqlx::query_as("select person_id from design_watch where design_object_id = $1 order by person_id")
                .bind(object.0)
                .fetch_all(conn)
                .await
        })?;
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Lets somebody watch a design, or no longer. Twice is once.
    ///
    /// # Errors
    /// One of them is gone, or the database's.
    pub async fn set_watch(
        &mut self,
        person: PersonId,
        object: DesignObjectId,
        is_watching: bool,
        now_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            if is_watching {
                sqlx::query(
                    "insert into design_watch (person_id, design_object_id, since_ms) values ($1, $2, $3)
                     on conflict (person_id, design_object_id) do nothing",
                )
                .bind(person.0)
                .bind(object.0)
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|_| ())
            } else {
                sqlx::query("delete from design_watch where person_id = $1 and design_object_id = $2")
                    .bind(person.0)
                    .bind(object.0)
                    .execute(conn)
                    .await
                    .map(|_| ())
            }
        })?;
        Ok(())
    }

    /// The agents that people were told are away.
    ///
    /// # Errors
    /// The database's.
    pub async fn absences(&mut self) -> Result<Vec<AgentId>> {
        let rows: Vec<(Uuid,)> =
            on_db!(self, |conn| sqlx::query_as("select agent_id from agent_absence").fetch_all(conn).await)?;
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Notes that people are told of an agent's absence; false: they were told already, maybe by another portal.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_absence(&mut self, agent: AgentId, since_ms: i64) -> Result<bool> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "insert into agent_absence (agent_id, since_ms) values ($1, $2) on conflict (agent_id) do nothing",
            )
            .bind(agent.0)
            .bind(since_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// Notes that an agent is back, or is expected no more; since when it was away, none: nobody was told that it was.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_absence(&mut self, agent: AgentId) -> Result<Option<i64>> {
        let row: Option<(i64,)> = on_db!(self, |conn| {
            sqlx::query_as("delete from agent_absence where agent_id = $1 returning since_ms")
                .bind(agent.0)
                .fetch_optional(conn)
                .await
        })?;
        Ok(row.map(|(since_ms,)| since_ms))
    }
}
