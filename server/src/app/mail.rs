//! Mail about what people are told, when the portal has a mail server.
//!
//! What is to be mailed is a row beside the feed, written by the transaction that tells of it; whoever takes the row sends
//! the letter. What somebody has read meanwhile, or may not see any more, is left out of it.

pub mod config;
mod outbox;
mod post;

use frontend::api::{MailInput, MailPace, MailView};
use mesh_protocol::id::PersonId;

pub use config::Server;
pub use outbox::Envelope;

use super::edit::Done;
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::mail::{Letter, Pace, Settings, check_email};
use crate::store::MailReader;

impl App {
    /// The caller's address and what they get.
    ///
    /// # Errors
    /// Nobody is signed in, the caller is no person, or the database's.
    pub async fn my_mail(&self, caller: &Caller) -> Result<MailView> {
        let person = reader(caller)?;
        let found = self.store().read().await?.mail_reader(person).await?;
        let found = found.ok_or(Error::NotFound { what: "person" })?;
        Ok(self.mail_view(&found))
    }

    /// Changes the caller's address and what they get. The address is kept in the audit trail, as that of a person whom an
    /// admin changes.
    ///
    /// # Errors
    /// Nobody is signed in, the caller is no person, the input is wrong, or the database's.
    pub async fn update_my_mail(&self, caller: &Caller, input: MailInput) -> Result<MailView> {
        let person = reader(caller)?;
        let email = input.email.trim().to_owned();
        let settings = Settings { pace: pace_of(input.pace), kinds: input.kinds };
        let mut errors = settings.check().err().unwrap_or_default();
        check_email(&mut errors, &email);
        errors.check()?;
        let mut edit = self.edit(caller.signed_in()?).await?;
        let old = edit.tx.mail_reader(person).await?.ok_or(Error::NotFound { what: "person" })?;
        edit.tx.set_email(person, &email).await?;
        edit.tx.put_mail_setting(person, &settings).await?;
        let new = MailReader { person, email, settings };
        let summary = format!("{} changed what they get by mail", edit.actor());
        let (before, after) = (config_of(&old), config_of(&new));
        let done = Done::new("person.mail", person, &summary, frontend::api::LiveTopic::Notifications);
        edit.finish(done.before(&before).after(&after)).await?;
        Ok(self.mail_view(&new))
    }

    /// Sends a test message to the caller's address.
    ///
    /// # Errors
    /// Nobody is signed in, the caller is no person or has no address, the portal sends no mail, or the mail server
    /// refused it.
    pub async fn send_test_mail(&self, caller: &Caller) -> Result<()> {
        let person = reader(caller)?;
        let server = self.config().mail.as_ref().ok_or_else(|| Error::Conflict(NO_SERVER.to_owned()))?;
        let found = self.store().read().await?.mail_reader(person).await?;
        let email = found.map(|found| found.email).filter(|email| !email.is_empty());
        let email = email.ok_or_else(|| FieldErrors::one("email", "is not set: save your address first"))?;
        let sent = post::send(server, &email, &Letter::test(&self.config().portal_url)).await;
        sent.map_err(|error| Error::Unavailable(format!("it was not sent: {}", super::error::chain(&error))))
    }

    fn mail_view(&self, reader: &MailReader) -> MailView {
        MailView { config: config_of(reader), configured: self.config().mail.is_some() }
    }
}

/// Told where there is no mail server.
const NO_SERVER: &str = "this portal sends no mail: whoever runs it starts it with --smtp";

fn reader(caller: &Caller) -> Result<PersonId> {
    let none = || Error::Conflict("a service token gets no mail: sign in as a person".to_owned());
    caller.signed_in()?.person().ok_or_else(none)
}

fn config_of(reader: &MailReader) -> MailInput {
    MailInput {
        email: reader.email.clone(),
        pace: match reader.settings.pace {
            Pace::Off => MailPace::Off,
            Pace::Now => MailPace::Now,
            Pace::Daily => MailPace::Daily,
        },
        kinds: reader.settings.kinds.clone(),
    }
}

const fn pace_of(pace: MailPace) -> Pace {
    match pace {
        MailPace::Off => Pace::Off,
        MailPace::Now => Pace::Now,
        MailPace::Daily => Pace::Daily,
    }
}
