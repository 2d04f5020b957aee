//! Which clients have a session, so that one that connects again takes over (MQTT 5, 3.1.4).
//!
//! A session belongs to a principal *and* a client id: a stranger who uses a device's client id gets a session of its
//! own and cannot throw the device out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mesh_protocol::id::PrincipalId;
use rustc_hash::FxHashMap;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use super::lasting::{self, Lasting};
use super::signals::{Reasons, Signals};
use crate::router::Router;
use crate::spool::Store;

/// Most sessions that wait for their client.
const RESTING_MAX: usize = 100_000;
/// A client that is carried comes again after this at the earliest, unless it goes in a circle.
const CARRIED_MIN: Duration = Duration::from_secs(1);
/// How long a newcomer waits for the session it takes over to end. That one only has to write one packet.
const HANDOVER_MAX: Duration = Duration::from_secs(2);

/// All sessions of the agent. Cloning is cheap and means the same set.
#[derive(Clone, Debug, Default)]
pub struct Clients(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    sessions: FxHashMap<Name, Entry>,
    /// Wills that wait, by whose they are.
    wills: FxHashMap<Name, CancellationToken>,
    /// Sessions that wait for their client.
    resting: FxHashMap<Name, Resting>,
    /// Clients that are carried to another agent, since when.
    carried: FxHashMap<Name, (Instant, CancellationToken)>,
}

/// A client's way to another agent; dropping it says that it has ended.
#[derive(Debug)]
pub(super) struct Carried {
    clients: Clients,
    name: Name,
    /// Cancelled when the same client is carried anew.
    pub(super) token: CancellationToken,
}

#[derive(Debug)]
struct Resting {
    lasting: Lasting,
    until: Instant,
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) principal: PrincipalId,
    pub(super) client_id: Arc<str>,
}

#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    signals: Arc<Signals>,
    ended: CancellationToken,
}

/// A session's place in the set; dropping it says that the session has ended.
#[derive(Debug)]
pub(super) struct Registered {
    clients: Clients,
    name: Name,
    entry: Entry,
}

impl Clients {
    /// Registers a session, after the one it takes over has ended. A will of it that still waited is not sent.
    pub(super) async fn register(&self, name: Name, signals: Arc<Signals>) -> Registered {
        let deadline = Instant::now() + HANDOVER_MAX;
        loop {
            let previous = match self.try_register(&name, &signals) {
                Ok(registered) => return registered,
                Err(previous) => previous,
            };
            previous.signals.raise(Reasons::TAKEN_OVER);
            if tokio::time::timeout_at(deadline, previous.ended.cancelled()).await.is_err() {
                tracing::warn!(client_id = %name.client_id, "the session that is taken over did not end in time");
                self.forget(&name, previous.id);
            }
        }
    }

    fn try_register(&self, name: &Name, signals: &Arc<Signals>) -> Result<Registered, Entry> {
        let mut inner = self.0.lock().expect("no panic while held");
        if let Some(previous) = inner.sessions.get(name) {
            return Err(previous.clone());
        }
        inner.next += 1;
        let entry = Entry { id: inner.next, signals: signals.clone(), ended: CancellationToken::new() };
        inner.sessions.insert(name.clone(), entry.clone());
        if let Some(will) = inner.wills.remove(name) {
            will.cancel();
        }
        Ok(Registered { clients: self.clone(), name: name.clone(), entry })
    }

    fn forget(&self, name: &Name, id: u64) {
        let mut inner = self.0.lock().expect("no panic while held");
        if inner.sessions.get(name).is_some_and(|entry| entry.id == id) {
            inner.sessions.remove(name);
        }
    }

    /// The sessions of an earlier run of the agent, with their queues. Called once, before any client may connect.
    pub fn restore(&self, spool: &Arc<Store>, router: &Router) {
        let sessions = lasting::restore(spool, router);
        let mut inner = self.0.lock().expect("no panic while held");
        for (name, lasting, rest) in sessions {
            inner.resting.insert(name, Resting { lasting, until: Instant::now() + rest });
        }
    }

    /// A session goes on without its connection. One too many comes back: it ends.
    pub(super) fn rest(&self, name: &Name, lasting: Lasting) -> Option<Lasting> {
        let until = Instant::now() + lasting.expiry;
        let mut inner = self.0.lock().expect("no panic while held");
        if inner.resting.len() >= RESTING_MAX {
            return Some(lasting);
        }
        inner.resting.insert(name.clone(), Resting { lasting, until });
        None
    }

    /// The session that waits for this client, if one does.
    pub(super) fn wake(&self, name: &Name) -> Option<Lasting> {
        self.0.lock().expect("no panic while held").resting.remove(name).map(|resting| resting.lasting)
    }

    /// Whether a client has a session here, connected or not.
    pub(super) fn has(&self, name: &Name) -> bool {
        let inner = self.0.lock().expect("no panic while held");
        inner.sessions.contains_key(name) || inner.resting.contains_key(name)
    }

    /// A client begins to be carried; the way it had before ends. None when that began only a moment ago: then this very
    /// agent is where it is carried to.
    pub(super) fn carry(&self, name: &Name) -> Option<Carried> {
        let mut inner = self.0.lock().expect("no panic while held");
        if let Some((since, before)) = inner.carried.get(name) {
            if since.elapsed() < CARRIED_MIN {
                return None;
            }
            before.cancel();
        }
        let token = CancellationToken::new();
        inner.carried.insert(name.clone(), (Instant::now(), token.clone()));
        Some(Carried { clients: self.clone(), name: name.clone(), token })
    }

    /// How many sessions wait for their client.
    #[cfg(test)]
    pub(crate) fn resting(&self) -> usize {
        self.0.lock().expect("no panic while held").resting.len()
    }

    /// Ends the sessions whose time is over, and those that `keep` does not want any more. Tells how many events went.
    pub(super) fn sweep(&self, mut keep: impl FnMut(&Name, &mut Lasting) -> bool) -> u64 {
        let now = Instant::now();
        let mut inner = self.0.lock().expect("no panic while held");
        let over = |(name, resting): (&Name, &mut Resting)| {
            (resting.until <= now || !keep(name, &mut resting.lasting)).then(|| name.clone())
        };
        let over: Vec<Name> = inner.resting.iter_mut().filter_map(over).collect();
        let ended: Vec<Resting> = over.iter().filter_map(|name| inner.resting.remove(name)).collect();
        drop(inner);
        ended.into_iter().filter_map(|resting| resting.lasting.feed).map(Feed::close).sum()
    }

    /// A will begins to wait: cancelled when its client connects again. None when as many wait as may (`max`), or the
    /// client is already back.
    pub(super) fn hold_will(&self, name: &Name, max: usize) -> Option<CancellationToken> {
        let mut inner = self.0.lock().expect("no panic while held");
        if inner.wills.len() >= max {
            return None;
        }
        let token = CancellationToken::new();
        if let Some(older) = inner.wills.insert(name.clone(), token.clone()) {
            older.cancel();
        }
        Some(token)
    }

    /// A will has stopped waiting.
    pub(super) fn release_will(&self, name: &Name, token: &CancellationToken) {
        if !token.is_cancelled() {
            self.0.lock().expect("no panic while held").wills.remove(name);
        }
    }
}

impl Registered {
    pub(super) const fn name(&self) -> &Name {
        &self.name
    }

    pub(super) const fn clients(&self) -> &Clients {
        &self.clients
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        // Cancelled: another one has its place.
        if !self.token.is_cancelled() {
            self.clients.0.lock().expect("no panic while held").carried.remove(&self.name);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.clients.forget(&self.name, self.entry.id);
        self.entry.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn name(principal: u128) -> Name {
        Name { principal: uuid::Uuid::from_u128(principal).into(), client_id: "till-7".into() }
    }

    #[tokio::test]
    async fn a_newcomer_waits_until_the_old_session_has_ended() {
        let clients = Clients::default();
        let old = Arc::new(Signals::default());
        let registered = clients.register(name(1), old.clone()).await;
        let mut newcomer = Box::pin(clients.register(name(1), Arc::default()));
        assert!((&mut newcomer).now_or_never().is_none());
        assert!(old.wait().await.has(Reasons::TAKEN_OVER));
        drop(registered);
        newcomer.await;
    }

    #[tokio::test]
    async fn another_principal_with_the_same_client_id_throws_nobody_out() {
        let clients = Clients::default();
        let old = Arc::new(Signals::default());
        let _registered = clients.register(name(1), old.clone()).await;
        let _stranger = clients.register(name(2), Arc::default()).await;
        assert!(old.wait().now_or_never().is_none());
    }

    #[tokio::test]
    async fn who_is_carried_in_a_circle_is_told_apart_from_who_comes_again() {
        let clients = Clients::default();
        let first = clients.carry(&name(1)).expect("nobody is carried");
        assert!(clients.carry(&name(1)).is_none(), "at once");
        assert!(clients.carry(&name(2)).is_some(), "somebody else");
        tokio::time::sleep(CARRIED_MIN).await;
        let second = clients.carry(&name(1)).expect("it comes again");
        assert!(first.token.is_cancelled() && !second.token.is_cancelled());
        drop(first);
        assert!(clients.carry(&name(1)).is_none(), "the end of the first is not that of the second");
        drop(second);
        assert!(clients.carry(&name(1)).is_some());
    }

    #[tokio::test]
    async fn coming_back_cancels_the_will_that_waits() {
        let clients = Clients::default();
        let will = clients.hold_will(&name(1), 1).expect("room");
        assert!(clients.hold_will(&name(2), 1).is_none(), "the number of waiting wills is bounded");
        let _back = clients.register(name(1), Arc::default()).await;
        assert!(will.is_cancelled());
        assert!(clients.hold_will(&name(2), 1).is_some());
    }
}
