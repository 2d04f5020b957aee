//! What a sink subscribes to, as far as policy allows it now, and the session it does so with.

use std::sync::{Arc, OnceLock};

use mesh_protocol::topic::Filter;

use crate::connector::Identity;
use crate::observe::ClientObserver;
use crate::policy::{Enforcer, Session};
use crate::router::{Attachment, Life, Takes};

/// The filters of one sink.
#[derive(Debug)]
pub(super) struct Subscriptions {
    attachment: Attachment,
    client: Arc<dyn ClientObserver>,
    /// Each with whether it is subscribed to.
    filters: Vec<(Filter, bool)>,
    /// What comes to the sink itself; the rest comes from the route's queue.
    takes: Takes,
}

impl Subscriptions {
    pub(super) fn new(
        attachment: Attachment,
        client: Arc<dyn ClientObserver>,
        filters: &[Filter],
        takes: Takes,
    ) -> Self {
        let filters = filters.iter().map(|filter| (filter.clone(), false)).collect();
        Self { attachment, client, filters, takes }
    }

    /// Subscribes to what is allowed now and takes the rest back; returns what is not allowed.
    pub(super) fn apply(&mut self, enforcer: &Enforcer, session: Result<&Session, String>) -> Option<String> {
        let session = match session {
            Ok(session) => session,
            Err(reason) => {
                self.unsubscribe_all();
                return Some(reason);
            }
        };
        let mut denied = None;
        for (key, (filter, subscribed)) in (0..).zip(&mut self.filters) {
            match enforcer.check_subscribe(session, filter) {
                Ok(()) if !*subscribed => {
                    self.attachment.subscribe_for(filter, key, Life::Durable, self.takes);
                    self.client.subscribed(filter);
                    *subscribed = true;
                }
                Ok(()) => {}
                Err(reason) => {
                    if std::mem::take(subscribed) {
                        self.attachment.unsubscribe(filter, key);
                        self.client.unsubscribed(filter);
                    }
                    denied = Some(format!("the route may not read {filter}: {reason}"));
                }
            }
        }
        denied
    }

    /// Takes all back.
    pub(super) fn unsubscribe_all(&mut self) {
        for (key, (filter, subscribed)) in (0..).zip(&mut self.filters) {
            if std::mem::take(subscribed) {
                self.attachment.unsubscribe(filter, key);
                self.client.unsubscribed(filter);
            }
        }
    }

    /// Whether anything is subscribed to.
    pub(super) fn has_any(&self) -> bool {
        self.filters.iter().any(|(_, subscribed)| *subscribed)
    }
}

/// The session of the route's principal, opened when policy lets it in for the first time. One task alone calls this.
pub(super) fn session<'a>(
    slot: &'a OnceLock<Session>,
    enforcer: &Enforcer,
    identity: &Identity,
) -> Result<&'a Session, String> {
    let barred = |reason| format!("the route's principal is not let in: {reason}");
    if slot.get().is_none() {
        let opened = enforcer.session(identity.principal, &identity.client_id()).map_err(barred)?;
        let _ = slot.set(opened);
    }
    let session = slot.get().expect("it was just set");
    enforcer.check_session(session).map_err(barred)?;
    Ok(session)
}
