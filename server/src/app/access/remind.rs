//! Reminding people of requests that wait for them, and telling them of access that will end.
//!
//! Nothing happens in the moment when a request has waited for two days: somebody has to look ([`App::remind`], by
//! `background/access`). What was told is a row that is written with the notification, so that restarts and several portals on
//! one database tell it once. Of all there is the database answers only what is due, so that a look costs the same however many
//! requests there were.

use mesh_protocol::id::DesignObjectId;
use uuid::Uuid;

use super::AT_ONCE_MAX;
use super::told::Subject;
use crate::app::change::Change;
use crate::app::notification::{News, TOPICS};
use crate::app::{App, Result};
use crate::domain::access::grant::Grant;
use crate::domain::access::reminder::{About, Reminder, TIMES_MAX, due_end, due_wait, span};
use crate::domain::access::request::{Act, Request, State};
use crate::domain::notification::{Audience, Kind};
use crate::domain::person::PortalRole;

impl App {
    /// Reminds of what waits and of what will end, as of a moment in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// The database's; the next look makes up for it.
    pub async fn remind(&self, now_ms: i64) -> Result<()> {
        let environment = self.environment();
        let mut tx = self.store().read().await?;
        let requests = tx.due_waits(environment, now_ms, AT_ONCE_MAX).await?;
        let grants = tx.due_ends(environment, now_ms, AT_ONCE_MAX).await?;
        let has_over = tx.has_reminders_of_what_is_over().await?;
        drop(tx);
        for request in &requests {
            let about = if request.state == State::NeedsInfo { About::Answer } else { About::Decision };
            let last = self.store().read().await?.reminder(request.id.0, about).await?;
            if let Some(count) = due_wait(request.updated_at_ms, last, now_ms) {
                let reminder = Reminder { since_ms: request.updated_at_ms, count, at_ms: now_ms };
                self.remind_of_request(request, about, reminder).await?;
            }
        }
        for grant in &grants {
            let Some(until_ms) = grant.until_ms else { continue };
            let mut tx = self.store().read().await?;
            let last = tx.reminder(grant.id.0, About::End).await?;
            let asked = tx.access_request(grant.request).await?;
            drop(tx);
            // A renewal is another giving.
            if let Some(count) = due_end(until_ms, grant.updated_at_ms, last, now_ms) {
                let asked_by = asked.map_or_else(String::new, |request| request.created_by);
                self.tell_of_end(grant, &asked_by, Reminder { since_ms: until_ms, count, at_ms: now_ms }).await?;
            }
        }
        if has_over {
            let mut tx = self.store().write().await?;
            tx.delete_reminders_of_what_is_over().await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn remind_of_request(&self, request: &Request, about: About, reminder: Reminder) -> Result<()> {
        let waited = span(reminder.at_ms.saturating_sub(reminder.since_ms));
        let text = format!("Reminder {} of {TIMES_MAX}. {}", reminder.count, purpose(request, about));
        let link = format!("/inbox/{}", request.id);
        let audience = waited_for(request, about);
        let title = |subject: Subject<'_>| match about {
            About::Answer => {
                format!("{} has waited {waited} for your answer about access of {}", asker(request), subject.words())
            }
            _ => format!("Access of {} has waited {waited} for your decision", subject.words()),
        };
        let of = (request.application, request.target);
        let news = |subject: Subject<'_>| (Kind::AccessReminder, title(subject), text.clone(), link.clone());
        self.tell_once(request.id.0, (about, reminder), of, audience, news).await
    }

    async fn tell_of_end(&self, grant: &Grant, asked_by: &str, reminder: Reminder) -> Result<()> {
        let left = span(reminder.since_ms.saturating_sub(reminder.at_ms));
        let snapshot = self.snapshot().await?;
        let application = snapshot.applications.iter().find(|one| one.id == grant.application);
        let mut audience = Audience::default();
        audience.name(application.map_or("", |one| one.spec.owner.as_str()));
        audience.name(asked_by);
        let text =
            "Ask for it again to go on: it keeps its credentials. Otherwise its clients can no longer log in for it.";
        let link = format!("/access/{}", grant.id);
        let of = (grant.application, grant.target);
        let news = |subject: Subject<'_>| {
            let title = format!("Access of {} ends in {left}", subject.words());
            (Kind::AccessEnding, title, text.to_owned(), link.clone())
        };
        self.tell_once(grant.id.0, (About::End, reminder), of, audience, news).await
    }

    /// Tells people something unless it was told already, here or by another portal.
    async fn tell_once(
        &self,
        object: Uuid,
        (about, reminder): (About, Reminder),
        (application, target): (mesh_protocol::id::ApplicationId, DesignObjectId),
        audience: Audience,
        news: impl FnOnce(Subject<'_>) -> (Kind, String, String, String),
    ) -> Result<()> {
        let (snapshot, designs) = (self.snapshot().await?, self.designs().await?);
        let Ok(target) = designs.object(target) else { return Ok(()) };
        let mut tx = self.store().write().await?;
        if !tx.take_reminder(object, about, reminder).await? {
            return Ok(());
        }
        let (application, owner) =
            (snapshot.application_name(application).unwrap_or_default(), snapshot.owner_of(target));
        let subject = Subject { application: &application, target, owner: &owner };
        let (kind, title, text, link) = news(subject);
        let news = News { kind, title, text, link, about: crate::app::notification::About::Design(target), audience };
        self.tell_people(&mut tx, reminder.at_ms, &news).await?;
        self.commit(tx, &Change::of(TOPICS)).await
    }
}

/// Whom a request waits for.
fn waited_for(request: &Request, about: About) -> Audience {
    let mut audience = Audience::default();
    match (about, &request.decider) {
        (About::Answer, _) => audience.name(&request.created_by),
        (_, Some(decider)) => audience.name(decider),
        (_, None) => {
            audience.roles.push(PortalRole::Approver);
            audience.except.insert(request.created_by.clone());
            // Who said yes waits for the others.
            audience.except.extend(request.approvers().map(str::to_owned));
        }
    }
    audience
}

/// Who asked the question.
fn asker(request: &Request) -> &str {
    request.steps.iter().rev().find(|step| step.act == Act::Ask).map_or("Somebody", |step| step.by.as_str())
}

/// What it waits with, in the words of who wrote them.
fn purpose(request: &Request, about: About) -> String {
    match about {
        About::Answer => {
            let question = request.steps.iter().rev().find(|step| step.act == Act::Ask);
            question.map(|step| step.reason.clone()).unwrap_or_default()
        }
        _ => request.purpose.clone(),
    }
}
