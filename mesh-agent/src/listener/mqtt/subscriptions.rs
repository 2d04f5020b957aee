//! The filters of one session.

use std::collections::BTreeMap;

use mesh_protocol::policy::Action;
use mesh_protocol::topic::{Filter, FilterError};
use mqtt_protocol_core::mqtt::packet::{Qos, RetainHandling, SubEntry};
use mqtt_protocol_core::mqtt::result_code::{SubackReasonCode, UnsubackReasonCode};

use super::feed::Feed;
use super::outbox::{Options, Outbox};
use crate::listener::refusal;
use crate::observe::ClientObserver;
use crate::policy::{Denied, Enforcer, Session};
use crate::router::{Attachment, Key, Life, Takes};

/// Most filters of one session.
pub(super) const SUBSCRIPTIONS_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// By text as the client wrote it.
    held: BTreeMap<String, Held>,
    next: Key,
    /// Whose last values the client is to get.
    asked: Vec<(Filter, Options)>,
}

#[derive(Debug)]
struct Held {
    key: Key,
    filter: Filter,
    options: Options,
}

/// What a subscription is checked and registered with.
pub(super) struct Desk<'a> {
    pub(super) enforcer: &'a Enforcer,
    pub(super) client: &'a Session,
    pub(super) watcher: &'a dyn ClientObserver,
    pub(super) outbox: &'a Outbox,
    pub(super) attachment: &'a Attachment,
    /// The session's queue, made when it is first needed.
    pub(super) feed: &'a mut Option<Feed>,
    pub(super) open: &'a dyn Fn() -> Feed,
    /// How long interest in what goes into the queue lives.
    pub(super) life: Life,
}

impl Subscriptions {
    /// Adds a filter, or changes how it is delivered.
    pub(super) fn add(
        &mut self,
        desk: &mut Desk<'_>,
        entry: &SubEntry,
        subscription_id: Option<u32>,
    ) -> SubackReasonCode {
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
        let qos = entry.sub_opts().qos();
        let handling = entry.sub_opts().rh();
        let is_new = !self.held.contains_key(filter.text());
        let options = Options {
            acknowledged: qos != Qos::AtMostOnce,
            twice: qos == Qos::ExactlyOnce,
            no_local: entry.sub_opts().nl(),
            retain_as_published: entry.sub_opts().rap(),
            only_new: handling == RetainHandling::DoNotSendRetained,
            subscription_id,
        };
        let is_asked = match handling {
            RetainHandling::SendRetained => true,
            RetainHandling::SendRetainedIfNotExists => is_new,
            RetainHandling::DoNotSendRetained => false,
        };
        if is_asked {
            self.asked.push((filter.clone(), options));
        }
        self.register(desk, filter, options);
        match qos {
            Qos::AtMostOnce => SubackReasonCode::GrantedQos0,
            Qos::AtLeastOnce => SubackReasonCode::GrantedQos1,
            Qos::ExactlyOnce => SubackReasonCode::GrantedQos2,
        }
    }

    /// Subscriptions since the last call whose last values the client is to get.
    pub(super) fn asked(&mut self) -> Vec<(Filter, Options)> {
        std::mem::take(&mut self.asked)
    }

    /// Takes over what a session before this connection held; rights are looked at by whoever calls.
    pub(super) fn restore(&mut self, desk: &mut Desk<'_>, filters: Vec<(Filter, Options)>) {
        for (filter, options) in filters {
            self.register(desk, filter, options);
        }
    }

    fn register(&mut self, desk: &mut Desk<'_>, filter: Filter, options: Options) {
        let takes = |options: Options| {
            let takes = if options.acknowledged { Takes::DIRECT } else { Takes::ALL };
            if options.only_new { takes } else { takes.and_recalled() }
        };
        let known = self.held.get(filter.text()).map(|held| (held.key, takes(held.options)));
        let key = known.map_or(self.next, |(key, _)| key);
        desk.outbox.subscribe(&filter, key, options);
        // The queue first: an event in between is there, and the outlet leaves it out.
        if options.acknowledged {
            desk.feed.get_or_insert_with(desk.open).attract(&filter, desk.life, !options.only_new);
        } else if let Some(feed) = desk.feed {
            feed.repel(&filter);
        }
        let takes = takes(options);
        match known {
            Some((_, before)) if before == takes => {}
            Some(_) => {
                desk.attachment.unsubscribe(&filter, key);
                desk.attachment.subscribe_for(&filter, key, Life::Live, takes);
            }
            None => {
                self.next = self.next.wrapping_add(1);
                desk.attachment.subscribe_for(&filter, key, Life::Live, takes);
                desk.watcher.subscribed(&filter);
            }
        }
        self.held.insert(filter.text().to_owned(), Held { key, filter, options });
    }

    /// Takes a filter back.
    pub(super) fn remove(&mut self, desk: &mut Desk<'_>, text: &str) -> UnsubackReasonCode {
        let Some(Held { key, filter, .. }) = self.held.remove(text) else {
            return UnsubackReasonCode::NoSubscriptionExisted;
        };
        desk.attachment.unsubscribe(&filter, key);
        if let Some(feed) = desk.feed {
            feed.repel(&filter);
        }
        desk.outbox.unsubscribe(&filter, key);
        desk.watcher.unsubscribed(&filter);
        UnsubackReasonCode::Success
    }

    /// What is held, for a session that outlives its connection.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Filter, Options)> {
        self.held.values().map(|held| (&held.filter, held.options))
    }

    /// After a change of policy: the first filter it may no longer hold, and why. Each of them is taken back and told.
    pub(super) fn check(&mut self, desk: &mut Desk<'_>) -> Result<(), (Filter, Denied)> {
        let mut lost = Vec::new();
        for Held { filter, .. } in self.held.values() {
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
        for Held { filter, .. } in std::mem::take(&mut self.held).into_values() {
            watcher.unsubscribed(&filter);
        }
    }
}
