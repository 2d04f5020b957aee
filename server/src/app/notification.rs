//! What people are told: how it is written, and how each reads it.
//!
//! ```text
//! edit --notify--> tell_people: who is it for? who of them sees it? --> notification, feeds, messages to endpoints, mail:
//!                                                                      one transaction with the edit
//! ```
//! Whoever tells of something new makes a [`News`] and gives it to [`Edit::notify`](super::edit::Edit::notify), or to
//! [`App::tell_people`] inside a transaction that is no edit. That is the whole seam.

use std::cmp::Reverse;

use frontend::api::{
    NotificationMark, NotificationPage, NotificationQuery, NotificationView, NotificationsMark, NotificationsMarked,
    Severity as ApiSeverity, WatchInput, WatchView,
};
use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, NotificationId, PersonId};
use uuid::Uuid;

use super::change::Change;
use super::clock::now_ms;
use super::page::{Slice, page};
use super::permission::Right;
use super::sight::Sight;
use super::{App, Caller, Error, Result};
use crate::domain::agent::Agent;
use crate::domain::design::Object;
use crate::domain::notification::{
    Audience, KEPT_MS, Kind, Notification, Severity, TEXT_CHARS_MAX, TITLE_CHARS_MAX, Told, fitted,
};
use crate::domain::person::Person;
use crate::store::Tx;

/// What has to be looked at again when somebody was told something or read it.
pub(super) const TOPICS: &[frontend::api::LiveTopic] = &[frontend::api::LiveTopic::Notifications];
/// Rows of the feed when nobody says how many, and most of them.
const LIST: u32 = 50;
const LIST_MAX: u32 = 200;

/// Something that happened, and whom to tell.
#[derive(Clone, Debug)]
pub(super) struct News<'a> {
    /// What kind of thing.
    pub(super) kind: Kind,
    /// What happened, in one line without a full stop.
    pub(super) title: String,
    /// What to know besides, in sentences; may be empty.
    pub(super) text: String,
    /// Path of the page that shows it.
    pub(super) link: String,
    /// What it is about.
    pub(super) about: About<'a>,
    /// Whom to tell, of those who see that.
    pub(super) audience: Audience,
}

/// What something happened to.
#[derive(Clone, Copy, Debug)]
pub(super) enum About<'a> {
    /// A design: seen by who sees its domain, or by all when it is shared.
    Design(&'a Object),
    /// An agent: seen by who sees everything.
    Agent(&'a Agent),
    /// Anything else, such as an access request.
    Other {
        /// What it is, in one word.
        kind: &'static str,
        /// Its id.
        id: Uuid,
        /// Its domain: seen by who sees that; none: by who sees everything.
        domain: Option<ApplicationDomainId>,
    },
}

/// As the feed keeps what it is about.
const DESIGN: &str = "design";
const AGENT: &str = "agent";

impl About<'_> {
    fn place(self) -> (&'static str, Uuid, Option<ApplicationDomainId>) {
        match self {
            Self::Design(object) => (DESIGN, object.id.0, Some(object.spec.domain)),
            Self::Agent(agent) => (AGENT, agent.id.0, None),
            Self::Other { kind, id, domain } => (kind, id, domain),
        }
    }

    fn is_in(self, sight: &Sight) -> bool {
        match self {
            Self::Design(object) => sight.sees_design(object),
            Self::Agent(_) => sight.is_whole(),
            Self::Other { domain, .. } => sight.sees(domain),
        }
    }
}

impl App {
    /// Writes what happened into the feeds of those it is for. Whoever commits the transaction tells open pages of
    /// [`TOPICS`].
    pub(super) async fn tell_people(&self, tx: &mut Tx, now_ms: i64, news: &News<'_>) -> Result<()> {
        let (people, teams) = (tx.people().await?, tx.teams(self.environment()).await?);
        let mut readers: Vec<PersonId> = Vec::new();
        for person in news.audience.of(&people, &teams) {
            if self.is_seen_by(person, news.about).await? {
                readers.push(person.id);
            }
        }
        let (object_kind, object_id, domain) = news.about.place();
        let notification = Notification {
            id: NotificationId(Uuid::now_v7()),
            kind: news.kind.name().to_owned(),
            severity: news.kind.severity(),
            title: fitted(&news.title, TITLE_CHARS_MAX),
            text: fitted(&news.text, TEXT_CHARS_MAX),
            link: news.link.clone(),
            object_kind: object_kind.to_owned(),
            object_id: object_id.to_string(),
            domain,
            at_ms: now_ms,
        };
        tx.insert_notification(self.environment(), &notification, &readers).await?;
        self.tell_endpoints(tx, &notification).await?;
        self.tell_by_mail(tx, &notification, &readers).await
    }

    async fn is_seen_by(&self, person: &Person, about: About<'_>) -> Result<bool> {
        if person.domains.is_empty() {
            return Ok(true);
        }
        Ok(about.is_in(&self.snapshot().await?.sight_of(&person.domains)))
    }

    /// Somebody's feed, newest first.
    ///
    /// # Errors
    /// The caller may not or is no person, the cursor is wrong, or the database's.
    pub async fn notifications(&self, caller: &Caller, query: NotificationQuery) -> Result<NotificationPage> {
        let person = reader(caller)?;
        let is_unread = query.unread.unwrap_or_default();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let after = slice.after::<Reverse<NotificationId>>()?.map(|Reverse(id)| id);
        let key = |told: &Told| Reverse(told.notification.id);
        let mut tx = self.store().read().await?;
        if caller.domains().is_empty() {
            let limit = u32::try_from(slice.limit() + 1).unwrap_or(u32::MAX);
            let rows = tx.feed(person, is_unread, after, limit).await?;
            let (all, unread) = tx.feed_counts(person).await?;
            let page = slice.cut(rows, if is_unread { unread } else { all }, key).map(view);
            return Ok(NotificationPage { items: page.items, next: page.next, total: page.total, unread });
        }
        // What was in sight when it happened may be out of it by now: then it is not there.
        let mut rows = tx.feed(person, false, None, u32::MAX).await?;
        drop(tx);
        let sight = self.snapshot().await?.sight(caller);
        let mut seen = Vec::with_capacity(rows.len());
        for told in rows.drain(..) {
            if self.is_in_sight(&sight, &told).await? {
                seen.push(told);
            }
        }
        let unread = seen.iter().filter(|told| told.read_at_ms.is_none()).count() as u64;
        seen.retain(|told| !is_unread || told.read_at_ms.is_none());
        let page = page(seen, slice, key)?.map(view);
        Ok(NotificationPage { items: page.items, next: page.next, total: page.total, unread })
    }

    /// Whether what somebody was told of is in their sight now.
    pub(super) async fn is_in_sight(&self, sight: &Sight, told: &Told) -> Result<bool> {
        let about = &told.notification;
        if sight.is_whole() {
            return Ok(true);
        }
        if about.object_kind == DESIGN
            && let Ok(id) = about.object_id.parse::<DesignObjectId>()
            && let Ok(object) = self.designs().await?.object(id)
        {
            return Ok(sight.sees_design(object));
        }
        Ok(about.domain.is_some() && sight.sees(about.domain))
    }

    /// Marks one of the caller's feed as read, or as unread again.
    ///
    /// # Errors
    /// The caller may not or is no person, there is none, or the database's.
    pub async fn mark_notification(&self, caller: &Caller, id: NotificationId, input: NotificationMark) -> Result<()> {
        let person = reader(caller)?;
        let sight = self.snapshot().await?.sight(caller);
        let told = self.store().read().await?.told(person, id).await?;
        let told = told.ok_or(Error::NotFound { what: "notification" })?;
        if !self.is_in_sight(&sight, &told).await? {
            return Err(Error::NotFound { what: "notification" });
        }
        let mut tx = self.store().write().await?;
        tx.mark_told(person, id, input.read.then(now_ms)).await?;
        self.commit(tx, &Change::of(TOPICS)).await
    }

    /// Marks everything up to one as read.
    ///
    /// # Errors
    /// The caller may not or is no person, or the database's.
    pub async fn mark_notifications(&self, caller: &Caller, input: NotificationsMark) -> Result<NotificationsMarked> {
        let person = reader(caller)?;
        let mut tx = self.store().write().await?;
        let marked = tx.mark_told_until(person, input.until, now_ms()).await?;
        self.commit(tx, &Change::of(TOPICS)).await?;
        Ok(NotificationsMarked { marked })
    }

    /// Whether the caller watches a design, and how many do.
    ///
    /// # Errors
    /// The caller may not or is no person, there is none, or the database's.
    pub async fn design_watch(&self, caller: &Caller, id: DesignObjectId) -> Result<WatchView> {
        caller.permit(Right::Read)?;
        self.must_see_design(caller, id).await?;
        let person = reader(caller)?;
        Ok(watch(person, &self.store().read().await?.watchers(id).await?))
    }

    /// Lets the caller watch a design, or no longer.
    ///
    /// # Errors
    /// The caller may not or is no person, there is none, or the database's.
    pub async fn set_design_watch(&self, caller: &Caller, id: DesignObjectId, input: WatchInput) -> Result<WatchView> {
        caller.permit(Right::Read)?;
        self.must_see_design(caller, id).await?;
        let person = reader(caller)?;
        let mut tx = self.store().write().await?;
        tx.set_watch(person, id, input.watching, now_ms()).await?;
        let watchers = tx.watchers(id).await?;
        self.commit(tx, &Change::of(TOPICS)).await?;
        Ok(watch(person, &watchers))
    }

    async fn must_see_design(&self, caller: &Caller, id: DesignObjectId) -> Result<()> {
        let (designs, sight) = (self.designs().await?, self.snapshot().await?.sight(caller));
        let is_seen = sight.sees_design(designs.object(id)?);
        if is_seen { Ok(()) } else { Err(Error::NotFound { what: "design object" }) }
    }

    /// Removes what people were told long ago.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_notifications(&self) -> Result<()> {
        let mut tx = self.store().write().await?;
        let gone = tx.delete_notifications_before(self.environment(), now_ms() - KEPT_MS).await?;
        if gone == 0 { Ok(()) } else { self.commit(tx, &Change::of(TOPICS)).await }
    }
}

/// Whose feed it is.
fn reader(caller: &Caller) -> Result<PersonId> {
    let permit = caller.permit(Right::Read)?;
    let none = || Error::Conflict("a service token has no feed: sign in as a person, or make a webhook".to_owned());
    permit.person().ok_or_else(none)
}

fn watch(person: PersonId, watchers: &[PersonId]) -> WatchView {
    WatchView { watching: watchers.contains(&person), watchers: watchers.len() as u64 }
}

/// How bad, as the API names it.
fn severity(severity: Severity) -> ApiSeverity {
    match severity {
        Severity::Note => ApiSeverity::Note,
        Severity::Warn => ApiSeverity::Warn,
        Severity::Bad => ApiSeverity::Bad,
    }
}

fn view(told: Told) -> NotificationView {
    let Told { notification, read_at_ms } = told;
    NotificationView {
        id: notification.id,
        kind: notification.kind,
        severity: severity(notification.severity),
        title: notification.title,
        text: notification.text,
        link: notification.link,
        object_kind: notification.object_kind,
        object_id: notification.object_id,
        at: notification.at_ms,
        read: read_at_ms.is_some(),
    }
}
