//! Named queues over MQTT: a subscription to `$queue/NAME` makes the client one of the queue's consumers.
//!
//! Events come at QoS 1, also to who asks for 2, under their own topics. PUBACK is the acknowledgement; a reason code of
//! 0x80 and above gives the event back (0x87, 0x90 and 0x99 for good: a dead letter). What has no answer when the
//! connection ends is delivered again, and of it the oldest event counts as delivered. The client's receive maximum bounds
//! what it is given. In other brokers `$queue/` is a shared subscription without a group; here it names a queue that exists.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use mqtt_protocol_core::mqtt::packet::{Qos, SubEntry};
use mqtt_protocol_core::mqtt::result_code::{
    DisconnectReasonCode, PubackReasonCode, SubackReasonCode, UnsubackReasonCode,
};
use serde::{Deserialize, Serialize};

use super::session::{End, Session};
use super::wire::Outgoing;
use crate::listener::owner::Elsewhere;
use crate::listener::refusal;
use crate::policy::Unqueued;
use crate::queue::named::{Consumer, Named, Offer, Verdict, Who};

/// Filters that begin with this name a queue.
pub(super) const PREFIX: &str = "$queue/";
/// Events one consumer is given beyond what it answered for, whatever it allows.
const WINDOW_MAX: u16 = 256;
/// Most queues one client consumes at once.
const QUEUES_MAX: usize = 64;

/// How one queue is consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Options {
    retain_as_published: bool,
    subscription_id: Option<u32>,
}

#[derive(Debug)]
struct Taking {
    queue: Arc<Named>,
    consumer: Consumer,
    options: Options,
}

/// The queues a client consumes.
#[derive(Debug, Default)]
pub(super) struct Consuming {
    takings: BTreeMap<Arc<str>, Taking>,
    /// Offered, and not yet looked at.
    ready: VecDeque<(Arc<str>, Offer)>,
    /// A queue that is no more.
    gone: Option<Arc<str>>,
}

impl Consuming {
    /// Waits until an event is offered. Cancel-safe.
    pub(super) async fn woken(&mut self) {
        poll_fn(|cx| {
            for (name, taking) in &mut self.takings {
                match taking.consumer.poll_next(cx) {
                    Poll::Ready(Some(offer)) => {
                        self.ready.push_back((name.clone(), offer));
                        return Poll::Ready(());
                    }
                    Poll::Ready(None) => {
                        self.gone = Some(name.clone());
                        return Poll::Ready(());
                    }
                    Poll::Pending => {}
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// What was offered is looked at again later.
    fn put_back(&mut self, name: Arc<str>, offer: Offer) {
        self.ready.push_front((name, offer));
    }

    fn next(&mut self) -> Option<(Arc<str>, Offer)> {
        let offered = |(name, taking): (&Arc<str>, &mut Taking)| Some((name.clone(), taking.consumer.try_next()?));
        self.ready.pop_front().or_else(|| self.takings.iter_mut().find_map(offered))
    }

    /// What became of an event.
    pub(super) fn settle(&self, name: &Arc<str>, seq: u64, verdict: Verdict) {
        if let Some(taking) = self.takings.get(name) {
            taking.consumer.settle(seq, verdict);
        }
    }

    /// What is consumed, for a session that outlives its connection.
    pub(super) fn all(&self) -> Vec<(String, Options)> {
        self.takings.iter().map(|(name, taking)| (name.to_string(), taking.options)).collect()
    }

    /// The connection ends. `at_work`: those of which the client had events, and went without a word.
    pub(super) fn end(self, at_work: impl Fn(&Arc<str>) -> bool) {
        for (name, taking) in self.takings {
            if at_work(&name) {
                taking.consumer.lost();
            }
        }
    }
}

impl Session {
    /// A queue that is wanted may be at another agent of the site. A client of MQTT 3.1.1 can go on there as long as it has
    /// nothing here yet.
    pub(super) fn wants_what_is_elsewhere(&mut self, entries: &[SubEntry]) -> Result<(), End> {
        let names = entries.iter().filter_map(|entry| entry.topic_filter().strip_prefix(PREFIX));
        let common = &self.server.common;
        let mut elsewhere =
            names.filter(|name| common.queues.by_name(name).is_none()).filter_map(|name| common.way.to_queue(name));
        let Some(Elsewhere::At(address)) = elsewhere.next() else { return Ok(()) };
        let has_nothing = self.subscriptions.all().next().is_none()
            && self.consuming.takings.is_empty()
            && self.acks.len() == 0
            && self.parked.is_none();
        if self.wire.is_v5() || (has_nothing && self.hello.is_some()) {
            return Err(End::Elsewhere(address));
        }
        Ok(())
    }

    /// Subscribes to a queue.
    pub(super) fn consume(&mut self, entry: &SubEntry, subscription_id: Option<u32>) -> SubackReasonCode {
        let name = entry.topic_filter().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let options = entry.sub_opts();
        if options.qos() == Qos::AtMostOnce {
            // Without acknowledgements there is nothing that a queue could promise.
            return SubackReasonCode::ImplementationSpecificError;
        }
        let options = Options { retain_as_published: options.rap(), subscription_id };
        self.consume_as(&name, options)
    }

    /// The same for what an earlier connection of the session consumed; what it may not any more is left out.
    pub(super) fn consume_again(&mut self, queues: Vec<(String, Options)>) {
        for (name, options) in queues {
            let code = self.consume_as(&name, options);
            if code != SubackReasonCode::GrantedQos1 {
                tracing::info!(queue = name, ?code, "a session that came back does not consume its queue any more");
            }
        }
    }

    fn consume_as(&mut self, name: &str, options: Options) -> SubackReasonCode {
        let Some(queue) = self.server.common.queues.by_name(name) else {
            return match self.server.common.way.to_queue(name) {
                None => SubackReasonCode::TopicFilterInvalid,
                // It is there, and this client cannot be sent to it.
                Some(_) => SubackReasonCode::UnspecifiedError,
            };
        };
        if let Err(Unqueued { action, filter, denied }) =
            self.server.common.enforcer.check_consume(&self.client, &queue.config())
        {
            self.watcher.refused(refusal(action, &filter, &denied));
            return SubackReasonCode::NotAuthorized;
        }
        if let Some(taking) = self.consuming.takings.get_mut(name) {
            taking.options = options;
            return SubackReasonCode::GrantedQos1;
        }
        if self.consuming.takings.len() >= QUEUES_MAX {
            return SubackReasonCode::QuotaExceeded;
        }
        let who = Who { principal: self.client.principal(), name: self.client.client_id().to_owned() };
        let window = self.wire.window().min(WINDOW_MAX);
        match queue.attach(who, window.into(), false) {
            Ok(consumer) => {
                self.consuming.takings.insert(name.into(), Taking { queue, consumer, options });
                SubackReasonCode::GrantedQos1
            }
            Err(_) => SubackReasonCode::QuotaExceeded,
        }
    }

    /// Takes the subscription to a queue back; what is on its way comes back to the queue.
    pub(super) fn stop_consuming(&mut self, filter: &str) -> UnsubackReasonCode {
        let name = filter.strip_prefix(PREFIX).unwrap_or_default();
        self.consuming.ready.retain(|(of, _)| **of != *name);
        match self.consuming.takings.remove(name) {
            Some(_) => UnsubackReasonCode::Success,
            None => UnsubackReasonCode::NoSubscriptionExisted,
        }
    }

    /// Whether a queue is no more.
    pub(super) fn check_gone(&mut self) -> Result<(), End> {
        let Some(name) = self.consuming.gone.take() else { return Ok(()) };
        self.consuming.takings.remove(&name);
        let why = format!("the queue {name} was deleted, or serves nobody for now");
        Err(End::told(DisconnectReasonCode::AdministrativeAction, why))
    }

    /// Looks at the rights to consume again.
    pub(super) fn check_consuming(&self) -> Result<(), End> {
        for taking in self.consuming.takings.values() {
            let checked = self.server.common.enforcer.check_consume(&self.client, &taking.queue.config());
            if let Err(Unqueued { action, filter, denied }) = checked {
                self.watcher.refused(refusal(action, &filter, &denied));
                return Err(End::told(DisconnectReasonCode::NotAuthorized, denied.to_string()));
            }
        }
        Ok(())
    }

    /// The next event of a queue goes to the client, or is answered for it. False: there is none, or it must wait.
    pub(super) fn deliver_queued(&mut self, now_ms: i64) -> bool {
        let Some((name, offer)) = self.consuming.next() else { return false };
        let Some(options) = self.consuming.takings.get(&name).map(|taking| taking.options) else { return true };
        let event = offer.event.event();
        let verdict = if event.ttl_left_ms(now_ms) == Some(0) {
            self.server.metrics.expired.one();
            Verdict::Ack
        } else if !self.server.common.enforcer.may_receive(&self.client, &event.topic) {
            self.server.metrics.withheld.one();
            Verdict::Reject("a rule keeps events of this topic from the queue's consumer".to_owned())
        } else if !self.may_deliver(event) {
            self.consuming.put_back(name, offer);
            return false;
        } else {
            let outgoing = Outgoing {
                event,
                id: None,
                retain: options.retain_as_published && event.retain,
                dup: offer.redelivered,
                subscription_ids: options.subscription_id.as_slice(),
                ttl_left_ms: event.ttl_left_ms(now_ms),
            };
            let id = self.wire.publish_acknowledged(&outgoing, None);
            self.told(event, id.is_some());
            if let Some(id) = id {
                self.in_flight.push_back((id, super::deliveries::Place::Queue(name, offer.seq)));
                return true;
            }
            Verdict::Reject("it is larger than its consumer takes".to_owned())
        };
        self.consuming.settle(&name, offer.seq, verdict);
        true
    }
}

/// What a client's PUBACK says about an event of a queue.
pub(super) fn verdict(code: Option<PubackReasonCode>, client: &str) -> Verdict {
    match code {
        None => Verdict::Ack,
        Some(
            code @ (PubackReasonCode::NotAuthorized
            | PubackReasonCode::TopicNameInvalid
            | PubackReasonCode::PayloadFormatInvalid),
        ) => Verdict::Reject(format!("rejected by its consumer {client} (0x{:02x})", code as u8)),
        Some(_) => Verdict::Release,
    }
}
