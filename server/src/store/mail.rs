//! Where people get mail, what of, and what is on its way.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::id::{NotificationId, PersonId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, Tx, from_i64, from_text, to_text};
use crate::domain::mail::{Settings, State};

/// A notification on its way to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailItem {
    /// What.
    pub notification: NotificationId,
    /// Since when it is tried, milliseconds since the Unix epoch.
    pub made_at_ms: i64,
    /// How often it was tried.
    pub tries: u32,
}

/// Somebody who can get mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailReader {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub email: String,
    /// What they want.
    pub settings: Settings,
}

#[derive(sqlx::FromRow)]
struct Row {
    person_id: Uuid,
    email: String,
    pace: Option<String>,
    kinds: Option<Json<Option<BTreeSet<String>>>>,
}

impl TryFrom<Row> for MailReader {
    type Error = super::StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let pace = row.pace.map(|pace| from_text("pace", pace)).transpose()?.unwrap_or_default();
        let kinds = row.kinds.and_then(|kinds| kinds.0);
        Ok(Self { person: row.person_id.into(), email: row.email, settings: Settings { pace, kinds } })
    }
}

impl Tx {
    /// Everybody with an address, and what they want.
    ///
    /// # Errors
    /// The database's.
    pub async fn mail_readers(&mut self) -> Result<Vec<MailReader>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select p.person_id, p.email, s.pace, s.kinds from person p
                 left join mail_setting s on s.person_id = p.person_id where p.email <> ''",
            )
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Somebody's address, which may be empty, and what they want; none = they are gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn mail_reader(&mut self, person: PersonId) -> Result<Option<MailReader>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select p.person_id, p.email, s.pace, s.kinds from person p
                 left join mail_setting s on s.person_id = p.person_id where p.person_id = $1",
            )
            .bind(person.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// Addresses of all who have one.
    ///
    /// # Errors
    /// The database's.
    pub async fn emails(&mut self) -> Result<BTreeMap<PersonId, String>> {
        let rows: Vec<(Uuid, String)> = on_db!(self, |conn| {
            sqlx::query_as("select person_id, email from person where email <> ''").fetch_all(conn).await
        })?;
        Ok(rows.into_iter().map(|(id, email)| (id.into(), email)).collect())
    }

    /// Gives somebody another address; empty = none. It goes with an edit of the person, or is their own.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_email(&mut self, person: PersonId, email: &str) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("update person set email = $2 where person_id = $1")
                .bind(person.0)
                .bind(email)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Keeps what somebody wants.
    ///
    /// # Errors
    /// They are gone, or the database's.
    pub async fn put_mail_setting(&mut self, person: PersonId, settings: &Settings) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into mail_setting (person_id, pace, kinds) values ($1, $2, $3)
                 on conflict (person_id) do update set pace = excluded.pace, kinds = excluded.kinds",
            )
            .bind(person.0)
            .bind(to_text(&settings.pace))
            .bind(Json(&settings.kinds))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Lets a notification be mailed to somebody at a time.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_mail_item(
        &mut self,
        person: PersonId,
        notification: NotificationId,
        due_at_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into mail_item (person_id, notification_id, state, made_at_ms, due_at_ms, leased_until_ms, tries,
                 trouble) values ($1, $2, 'waiting', $3, $3, 0, 0, '')",
            )
            .bind(person.0)
            .bind(notification.0)
            .bind(due_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Those whose mail is due and sent by nobody.
    ///
    /// # Errors
    /// The database's.
    pub async fn due_mail(&mut self, now_ms: i64) -> Result<Vec<PersonId>> {
        let rows: Vec<(Uuid,)> = on_db!(self, |conn| {
            sqlx::query_as(
                "select distinct person_id from mail_item
                 where state = 'waiting' and due_at_ms <= $1 and leased_until_ms <= $1",
            )
            .bind(now_ms)
            .fetch_all(conn)
            .await
        })?;
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Takes what is due to somebody, newest first: nobody else takes it until the lease ends.
    ///
    /// # Errors
    /// The database's.
    pub async fn lease_mail(
        &mut self,
        person: PersonId,
        now_ms: i64,
        until_ms: i64,
        limit: u32,
    ) -> Result<Vec<MailItem>> {
        let rows: Vec<(Uuid, i64, i64)> = on_db!(self, |conn| {
            sqlx::query_as(
                "update mail_item set leased_until_ms = $3
                 where person_id = $1 and state = 'waiting' and due_at_ms <= $2 and leased_until_ms <= $2
                 and notification_id in
                 (select notification_id from mail_item where person_id = $1 and state = 'waiting'
                  and due_at_ms <= $2 and leased_until_ms <= $2 order by notification_id desc limit $4)
                 returning notification_id, made_at_ms, tries",
            )
            .bind(person.0)
            .bind(now_ms)
            .bind(until_ms)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
        })?;
        let item = |(id, made_at_ms, tries): (Uuid, i64, i64)| {
            Ok(MailItem { notification: id.into(), made_at_ms, tries: from_i64("tries", tries)? })
        };
        let mut items: Vec<MailItem> = rows.into_iter().map(item).collect::<Result<_>>()?;
        items.sort_by_key(|item| std::cmp::Reverse(item.notification));
        Ok(items)
    }

    /// Notes what became of one.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_mail_item(
        &mut self,
        person: PersonId,
        item: &MailItem,
        state: State,
        due_at_ms: i64,
        trouble: &str,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "update mail_item set state = $3, due_at_ms = $4, tries = $5, trouble = $6, leased_until_ms = 0
                 where person_id = $1 and notification_id = $2",
            )
            .bind(person.0)
            .bind(item.notification.0)
            .bind(to_text(&state))
            .bind(due_at_ms)
            .bind(i64::from(item.tries))
            .bind(trouble)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }
}
