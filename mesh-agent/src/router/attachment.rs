//! An outlet's or a queue's subscriptions.

use std::sync::{Arc, Mutex};

use mesh_protocol::topic::Filter;
use rustc_hash::FxHashMap;

use super::table::{Attached, Entry};
use super::{Custody, DestinationId, Key, Life, OutletId, Reach, Router, Takes, Wanted};

/// Key of all exceptions; no subscription's.
const EXCEPTIONS: Key = Key::MAX;

/// An outlet's or a queue's place in the table. Dropping it takes all its subscriptions back.
#[derive(Debug)]
pub struct Attachment {
    pub(super) router: Router,
    pub(super) attached: Arc<Attached>,
    /// Of all its subscriptions that name no other.
    pub(super) destination: DestinationId,
    pub(super) subscriptions: Mutex<FxHashMap<(Filter, Key), Subscription>>,
}

/// How a filter was subscribed to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subscription {
    life: Life,
    takes: Takes,
    destination: DestinationId,
}

impl Attachment {
    /// The outlet's id, for [`Router::publish`].
    #[must_use]
    pub fn id(&self) -> OutletId {
        self.attached.id
    }

    /// It is this destination for senders that answer for their events themselves. Before its first subscription.
    #[must_use]
    pub fn for_destination(mut self, destination: DestinationId) -> Self {
        self.destination = destination;
        self
    }

    /// Registers a filter under the outlet's own key, for every event. A repeat with the same filter and key changes
    /// nothing. What an attachment for other agents changes counts from [`Attachment::show`] on.
    pub fn subscribe(&self, filter: &Filter, key: Key, life: Life) {
        self.subscribe_for(filter, key, life, Takes::ALL);
    }

    /// The same for some kinds of events.
    pub fn subscribe_for(&self, filter: &Filter, key: Key, life: Life, takes: Takes) {
        self.subscribe_as(filter, key, life, takes, self.destination);
    }

    /// The same for an outlet that stands for another destination under each key.
    pub fn subscribe_as(&self, filter: &Filter, key: Key, life: Life, takes: Takes, destination: DestinationId) {
        let mut subscriptions = self.subscriptions.lock().expect("no panic while held");
        let name = (filter.clone(), key);
        if subscriptions.contains_key(&name) {
            return;
        }
        subscriptions.insert(name, Subscription { life, takes, destination });
        self.router.0.table.insert(filter, Entry::new(filter, &self.attached, key, takes, destination));
        if takes.has(Custody::Sender) {
            self.router.0.destinations.subscribe(destination);
        }
        if self.attached.reach == Reach::Local && takes != Takes::EXCEPT {
            self.router.0.interest.add(wanted(filter, life, takes));
        }
    }

    /// The subscription takes other kinds of events from now on; there is no moment at which it takes neither.
    pub fn take_instead(&self, filter: &Filter, key: Key, takes: Takes) {
        let mut subscriptions = self.subscriptions.lock().expect("no panic while held");
        let subscription = subscriptions.get_mut(&(filter.clone(), key));
        let Some(subscription) = subscription.filter(|subscription| subscription.takes != takes) else { return };
        let before = *subscription;
        subscription.takes = takes;
        let Subscription { life, destination, .. } = before;
        self.router.0.table.insert(filter, Entry::new(filter, &self.attached, key, takes, destination));
        if takes.has(Custody::Sender) {
            self.router.0.destinations.subscribe(destination);
        }
        if self.attached.reach == Reach::Local {
            self.router.0.interest.add(wanted(filter, life, takes));
        }
        self.forget(filter, key, before);
    }

    /// What was changed for other agents counts from now on.
    pub fn show(&self) {
        self.router.0.table.show();
    }

    /// Nothing that matches this is for it, whatever else it has subscribed to.
    pub fn except(&self, filter: &Filter) {
        self.subscribe_for(filter, EXCEPTIONS, Life::Live, Takes::EXCEPT);
    }

    /// Takes an exception back.
    pub fn accept(&self, filter: &Filter) {
        self.unsubscribe(filter, EXCEPTIONS);
    }

    /// Takes a filter back; nothing happens when it was not registered.
    pub fn unsubscribe(&self, filter: &Filter, key: Key) {
        let mut subscriptions = self.subscriptions.lock().expect("no panic while held");
        if let Some(subscription) = subscriptions.remove(&(filter.clone(), key)) {
            self.forget(filter, key, subscription);
        }
    }

    fn forget(&self, filter: &Filter, key: Key, subscription: Subscription) {
        let Subscription { life, takes, destination } = subscription;
        self.router.0.table.remove(filter, &Entry::new(filter, &self.attached, key, takes, destination));
        if takes.has(Custody::Sender) {
            self.router.0.destinations.unsubscribe(destination);
        }
        if self.attached.reach == Reach::Local && takes != Takes::EXCEPT {
            self.router.0.interest.remove(wanted(filter, life, takes));
        }
    }
}

fn wanted(filter: &Filter, life: Life, takes: Takes) -> Wanted {
    Wanted { filter: filter.clone(), life, direct: takes.has(Custody::Nobody) }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let subscriptions = std::mem::take(&mut *self.subscriptions.lock().expect("no panic while held"));
        for ((filter, key), subscription) in subscriptions {
            self.forget(&filter, key, subscription);
        }
        if self.attached.reach == Reach::Remote {
            self.show();
        }
    }
}
