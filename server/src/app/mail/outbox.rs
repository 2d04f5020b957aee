//! What is on its way by mail: put there, taken by one portal at a time, sent, noted.

use mesh_protocol::id::PersonId;

use super::post;
use crate::app::clock::now_ms;
use crate::app::error::chain;
use crate::app::{App, Result};
use crate::domain::mail::{LETTER_ITEMS_MAX, Letter, State, TRIED_MS};
use crate::domain::notification::{Notification, fitted};
use crate::domain::person::State as PersonState;
use crate::domain::webhook_endpoint::pause_ms;
use crate::store::{MailItem, Tx};

/// A letter that was taken is left to its portal for so long: longer than sending it may take.
const LEASE_MS: i64 = 5 * 60_000;
/// Longest trouble that is kept, in characters.
const TROUBLE_CHARS_MAX: usize = 500;

/// A letter with what it tells of.
#[derive(Clone, Debug)]
pub struct Envelope {
    person: PersonId,
    to: String,
    letter: Letter,
    items: Vec<MailItem>,
}

impl App {
    /// Lets something that happened be mailed to those of its readers who want that.
    pub(in crate::app) async fn tell_by_mail(
        &self,
        tx: &mut Tx,
        notification: &Notification,
        readers: &[PersonId],
    ) -> Result<()> {
        if self.config().mail.is_none() || readers.is_empty() {
            return Ok(());
        }
        for reader in tx.mail_readers().await? {
            if !readers.contains(&reader.person) || !reader.settings.wants(&notification.kind) {
                continue;
            }
            if let Some(due_at_ms) = reader.settings.pace.due_at_ms(notification.at_ms) {
                tx.insert_mail_item(reader.person, notification.id, due_at_ms).await?;
            }
        }
        Ok(())
    }

    /// Takes the letters that are due.
    ///
    /// # Errors
    /// The database's.
    pub async fn lease_mail(&self, now_ms: i64) -> Result<Vec<Envelope>> {
        if self.config().mail.is_none() {
            return Ok(Vec::new());
        }
        let due = self.store().read().await?.due_mail(now_ms).await?;
        let mut letters = Vec::new();
        for person in due {
            letters.extend(self.lease_mail_to(person, now_ms).await?);
        }
        Ok(letters)
    }

    /// Somebody's letter; none when nothing of what is due is still to be told.
    async fn lease_mail_to(&self, id: PersonId, now_ms: i64) -> Result<Option<Envelope>> {
        let snapshot = self.snapshot().await?;
        let limit = u32::try_from(LETTER_ITEMS_MAX).unwrap_or(u32::MAX);
        let mut tx = self.store().write().await?;
        let leased = tx.lease_mail(id, now_ms, now_ms + LEASE_MS, limit).await?;
        let (person, reader) = (tx.person(id).await?, tx.mail_reader(id).await?);
        let (Some(person), Some(reader)) = (person, reader) else { return Ok(None) };
        let sight = snapshot.sight_of(&person.domains);
        let is_reached = person.state == PersonState::Enabled && !reader.email.is_empty();
        let (mut told, mut items) = (Vec::new(), Vec::new());
        for item in leased {
            let found = tx.told(id, item.notification).await?;
            let found = found.filter(|found| is_reached && found.read_at_ms.is_none());
            match found {
                Some(found) if self.is_in_sight(&sight, &found).await? => {
                    told.push(found.notification);
                    items.push(item);
                }
                _ => tx.note_mail_item(id, &item, State::LeftOut, now_ms, "").await?,
            }
        }
        tx.commit().await?;
        if told.is_empty() {
            return Ok(None);
        }
        let letter = Letter::about(&told, &self.config().portal_url);
        Ok(Some(Envelope { person: id, to: reader.email, letter, items }))
    }

    /// Sends a letter and notes what became of it.
    ///
    /// # Errors
    /// The database's: the letter comes again when its lease ends.
    pub async fn send_mail(&self, envelope: &Envelope) -> Result<()> {
        let Some(server) = &self.config().mail else { return Ok(()) };
        let sent = post::send(server, &envelope.to, &envelope.letter).await;
        let now_ms = now_ms();
        let mut tx = self.store().write().await?;
        for item in &envelope.items {
            let tried = MailItem { tries: item.tries.saturating_add(1), ..*item };
            let next_ms = now_ms + pause_ms(tried.tries, rand::random());
            let (state, trouble) = match &sent {
                Ok(()) => (State::Sent, String::new()),
                Err(error) => {
                    let is_over = error.is_final() || next_ms - item.made_at_ms > TRIED_MS;
                    let state = if is_over { State::GivenUp } else { State::Waiting };
                    (state, fitted(&chain(error), TROUBLE_CHARS_MAX))
                }
            };
            tx.note_mail_item(envelope.person, &tried, state, next_ms, &trouble).await?;
        }
        tx.commit().await?;
        if let Err(error) = sent {
            let is_final = error.is_final();
            tracing::warn!(error = %chain(&error), person = %envelope.person, is_final, "a letter was not sent");
        }
        Ok(())
    }
}
