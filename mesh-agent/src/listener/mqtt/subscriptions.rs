//! The filters of one session.

use std::collections::BTreeMap;

use mesh_protocol::policy::Action;
use mesh_protocol::topic::{Filter, FilterError};
use mqtt_protocol_core::mqtt::packet::{Qos, SubEntry};
use mqtt_protocol_core::mqtt::result_code::{SubackReasonCode, UnsubackReasonCode};

use super::outbox::{Options, Outbox};
use crate::listener::refusal;
use crate::observe::ClientObserver;
use crate::policy::{Denied, Enforcer, Session};
use crate::router::{Attachment, Key, Life};

/// Most filters of one session.
pub(super) const SUBSCRIPTIONS_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// By text as the client wrote it.
    held: BTreeMap<String, (Key, Filter)>,
    next: Key,
}

/// What a subscription is checked and registered with.
pub(super) struct Desk<'a> {
    pub(super) enforcer: &'a Enforcer,
    pub(super) client: &'a Session,
    pub(super) watcher: &'a dyn ClientObserver,
    pub(super) outbox: &'a Outbox,
    pub(super) attachment: &'a Attachment,
}

impl Subscriptions {
    /// Adds a filter, or changes how it is delivered.
    pub(super) fn add(&mut self, desk: &Desk<'_>, entry: &SubEntry, subscription_id: Option<u32>) -> SubackReasonCode {
        let filter = match Filter::mqtt(entry.topic_filter()) {
            Ok(filter) => filter,
            Err(FilterError::Shared) => return SubackReasonCode::SharedSubscriptionsNotSupported,
            Err(_) => return SubackReasonCode::TopicFilterInvalid,
        };
        if let Err(denied) = desk.enforcer.check_subscribe(desk.client, &filter) {
            desk.watcher.refused(refusal(Action::Subscribe, filter.text(), &denied));
            return SubackReasonCode::NotAuthorized;
        }
        if self.held.len() >= SUBSCRIPTIONS_MAX && !self.held.contains_key(filter.text()) {
            return SubackReasonCode::QuotaExceeded;
        }
        let acknowledged = entry.sub_opts().qos() != Qos::AtMostOnce;
        let options = Options {
            acknowledged,
            no_local: entry.sub_opts().nl(),
            retain_as_published: entry.sub_opts().rap(),
            subscription_id,
        };
        self.register(desk, filter, options);
        if acknowledged { SubackReasonCode::GrantedQos1 } else { SubackReasonCode::GrantedQos0 }
    }

    fn register(&mut self, desk: &Desk<'_>, filter: Filter, options: Options) {
        if let Some((key, _)) = self.held.get(filter.text()) {
            return desk.outbox.subscribe(*key, options);
        }
        let key = self.next;
        self.next = self.next.wrapping_add(1);
        desk.outbox.subscribe(key, options);
        desk.attachment.subscribe(&filter, key, Life::Live);
        desk.watcher.subscribed(&filter);
        self.held.insert(filter.text().to_owned(), (key, filter));
    }

    /// Takes a filter back.
    pub(super) fn remove(&mut self, desk: &Desk<'_>, text: &str) -> UnsubackReasonCode {
        let Some((key, filter)) = self.held.remove(text) else { return UnsubackReasonCode::NoSubscriptionExisted };
        desk.attachment.unsubscribe(&filter, key);
        desk.outbox.unsubscribe(key);
        desk.watcher.unsubscribed(&filter);
        UnsubackReasonCode::Success
    }

    /// After a change of policy: the first filter it may no longer hold, and why. Each of them is taken back and told.
    pub(super) fn check(&mut self, desk: &Desk<'_>) -> Result<(), (Filter, Denied)> {
        let mut lost = Vec::new();
        for (_, filter) in self.held.values() {
            if let Err(denied) = desk.enforcer.check_subscribe(desk.client, filter) {
                desk.watcher.refused(refusal(Action::Subscribe, filter.text(), &denied));
                lost.push((filter.clone(), denied));
            }
        }
        for (filter, _) in &lost {
            self.remove(desk, filter.text());
        }
        lost.into_iter().next().map_or(Ok(()), Err)
    }

    /// Tells the observer that they are gone, at the end of the session.
    pub(super) fn forget(&mut self, watcher: &dyn ClientObserver) {
        for (_, filter) in std::mem::take(&mut self.held).into_values() {
            watcher.unsubscribed(&filter);
        }
    }
}
