//! How everybody hears of a change: the pages that are open at this portal, its reconcilers, and the other portals on
//! the same database.
//!
//! ```text
//! transaction --commit--> this process: open pages, rollout, streams whose login may have ended
//!           \--notice---> PostgreSQL --> the other portals do the same, and let go of agents that are elsewhere now
//! ```
//! A notice travels inside the transaction, so nobody hears of what did not happen, and nobody hears before it can be
//! seen. Notices may get lost with a connection. So every portal also looks at the number of the audit trail about once
//! a second ([`App::look`]): when it is another than the one this process heard of last, anything may have changed.

use std::sync::atomic::{AtomicU64, Ordering};

use frontend::api::LiveTopic;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use super::fleet::End;
use super::{App, Result};
use crate::domain::agent::State;
use crate::store::{Notices, Tx};

/// What a transaction changed, for those who were not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    /// The number of its audit entry.
    #[serde(default)]
    pub(super) entry: Option<u64>,
    /// What may look different now.
    #[serde(default)]
    pub(super) topics: Vec<LiveTopic>,
    /// Agents must get another document.
    #[serde(default)]
    pub(super) policy: bool,
    /// Somebody's login may have ended.
    #[serde(default)]
    pub(super) logins: bool,
}

/// A change with the portal it was made at.
#[derive(Debug, Serialize, Deserialize)]
struct Notice {
    from: Uuid,
    #[serde(flatten)]
    change: Change,
}

/// What this process heard of, and who waits to hear more.
#[derive(Debug)]
pub(super) struct Heard {
    /// Tells this process from its replicas.
    process: Uuid,
    /// The number after the newest audit entry it heard of; 0 = it has not looked yet.
    next_entry: AtomicU64,
    logins: watch::Sender<u64>,
}

impl Default for Heard {
    fn default() -> Self {
        Self { process: Uuid::now_v7(), next_entry: AtomicU64::new(0), logins: watch::Sender::new(0) }
    }
}

impl Change {
    /// Nothing but another look.
    pub(super) fn of(topics: &[LiveTopic]) -> Self {
        Self { topics: topics.to_vec(), ..Self::default() }
    }

    /// Anything may have changed.
    fn of_anything() -> Self {
        Self { entry: None, topics: vec![LiveTopic::All], policy: true, logins: true }
    }
}

impl App {
    /// Makes a transaction visible and tells everybody, here and at the other portals.
    pub(super) async fn commit(&self, mut tx: Tx, change: &Change) -> Result<()> {
        let notice = Notice { from: self.0.heard.process, change: change.clone() };
        tx.notify(&serde_json::to_string(&notice).expect("a notice is plain text and numbers")).await?;
        tx.commit().await?;
        self.spread(change);
        Ok(())
    }

    /// Tells everybody of what is visible already, where one use case is several transactions.
    pub(super) async fn tell(&self, change: &Change) -> Result<()> {
        if self.store().is_shared() {
            let tx = self.store().write().await?;
            return self.commit(tx, change).await;
        }
        self.spread(change);
        Ok(())
    }

    /// Tells everybody in this process.
    fn spread(&self, change: &Change) {
        if let Some(entry) = change.entry {
            self.0.heard.next_entry.fetch_max(entry + 1, Ordering::Relaxed);
        }
        // Logins first: a stream that must end is not told what else changed.
        if change.logins {
            self.0.heard.logins.send_modify(|count| *count += 1);
        }
        if change.policy {
            self.wake_rollout();
        }
        // Whatever changed can be found, or could.
        self.0.search.hear(change.entry.is_some() || change.topics.contains(&LiveTopic::All));
        for topic in change.topics.iter().filter(|topic| !self.0.renewal.take(**topic)) {
            self.live().notify(*topic);
        }
    }

    /// Changes whenever somebody's login may have ended: whoever serves a stream asks again whether it may go on.
    #[must_use]
    pub fn logins(&self) -> watch::Receiver<u64> {
        self.0.heard.logins.subscribe()
    }

    /// What the other portals on this database tell; none where there can be no other.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn notices(&self) -> Result<Option<Notices>> {
        Ok(self.store().notices().await?)
    }

    /// Takes a notice of any portal; this one's own tell it nothing new.
    ///
    /// # Errors
    /// The database's; the next look makes up for it.
    pub async fn take_notice(&self, text: &str) -> Result<()> {
        // A replica of another version may say what this one does not know: then anything may have changed.
        let (from, change) = match serde_json::from_str(text) {
            Ok(Notice { from, change }) => (from, change),
            Err(_) => (Uuid::nil(), Change::of_anything()),
        };
        if from == self.0.heard.process { Ok(()) } else { self.take_change(&change).await }
    }

    /// Looks whether something changed that this process did not hear of.
    ///
    /// # Errors
    /// The database's; the next look makes up for it.
    pub async fn look(&self) -> Result<()> {
        let next = self.store().read().await?.audit_number().await? + 1;
        let heard = self.0.heard.next_entry.fetch_max(next, Ordering::Relaxed);
        // With the first look of a process pages and agents have everything as they came.
        if heard == 0 || heard >= next {
            return Ok(());
        }
        self.take_change(&Change::of_anything()).await
    }

    /// Notices may have been missed: anything may have changed, also what the audit trail does not hold.
    ///
    /// # Errors
    /// The database's; the next look makes up for it.
    pub async fn take_anything(&self) -> Result<()> {
        self.take_change(&Change::of_anything()).await
    }

    async fn take_change(&self, change: &Change) -> Result<()> {
        if !self.0.renewal.covers(change) {
            self.0.latest.forget();
        }
        self.spread(change);
        let is_about_agents = |topic: &LiveTopic| matches!(topic, LiveTopic::Topology | LiveTopic::All);
        if change.topics.iter().any(is_about_agents) { self.leave_lost_seats().await } else { Ok(()) }
    }

    /// Ends the sessions of agents that were revoked at another portal or are connected to another one now.
    ///
    /// # Errors
    /// The database's; the next look makes up for it.
    pub async fn leave_lost_seats(&self) -> Result<()> {
        let seats = self.fleet().seats();
        if seats.is_empty() {
            return Ok(());
        }
        let known = self.store().read().await?.agent_sessions(self.environment()).await?;
        for (agent, session) in seats {
            let Some((_, state, newest)) = known.iter().find(|(id, ..)| *id == agent) else { continue };
            // A seat is taken after its session was noted, so another one that is noted now came later.
            if *state == State::Revoked {
                self.fleet().end_session(agent, session, End::Refused(super::agent::REVOKED.to_owned()));
            } else if newest.is_some_and(|newest| newest != session) {
                self.fleet().end_session(agent, session, End::Refused(super::fleet::REPLACED.to_owned()));
            }
        }
        Ok(())
    }
}
