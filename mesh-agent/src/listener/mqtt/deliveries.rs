//! What a client is sent: from its outbox, its own queue and the named queues it consumes, as far as its window allows.

use std::sync::Arc;

use mesh_protocol::event::{Event, Protocol};
use mqtt_protocol_core::mqtt::result_code::PubackReasonCode;

use super::consuming;
use super::exactly_once;
use super::feed::Feed;
use super::outbox::Item;
use super::session::Session;
use super::wire::Outgoing;
use crate::spool::Entry;
use crate::status::now_ms;

/// Bytes gathered before the socket gets them; more events are taken out when it has.
const OUT_BYTES_MAX: usize = 64 * 1024;
/// Events taken out of the outbox at once.
const BATCH_MAX: usize = 64;

/// Where a delivery that is to be acknowledged comes from, and its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The session's own queue.
    Own(u64),
    /// A named queue.
    Queue(Arc<str>, u64),
}

impl Session {
    /// PUBACK: the client has an event, or says why it does not take it.
    pub(super) fn delivered(&mut self, id: u16, failed: Option<PubackReasonCode>) {
        let at = self.in_flight.iter().position(|(sent, _)| *sent == id);
        match at.and_then(|at| self.in_flight.remove(at)) {
            // Whatever it answers, an event of its own is done with (MQTT 5, 4.4).
            Some((_, Place::Own(seq))) => self.done(seq),
            Some((_, Place::Queue(name, seq))) => {
                self.consuming.settle(&name, seq, consuming::verdict(failed, self.client.client_id()));
            }
            None => {}
        }
    }

    /// The client needs an event of the session's queue no more.
    pub(super) fn done(&mut self, seq: u64) {
        if let Some(feed) = &mut self.feed {
            feed.acknowledge(seq);
        }
    }

    /// Sent and not acknowledged, in this connection or an earlier one.
    pub(super) fn unacknowledged(&self) -> Vec<(u64, u16)> {
        let earlier = self.again.iter().map(|(seq, id)| (*seq, *id));
        let own = self.in_flight.iter().filter_map(|(id, place)| match place {
            Place::Own(seq) => Some((*seq, *id)),
            Place::Queue(..) => None,
        });
        own.chain(earlier).collect()
    }

    /// How much of the client's window is used (MQTT 5, 4.9: at QoS 2 until PUBCOMP).
    pub(super) fn unacknowledged_count(&self) -> usize {
        self.in_flight.len() + self.exchanges.released()
    }

    /// Whether the client may be sent another event that it acknowledges.
    pub(super) fn has_window(&self) -> bool {
        !self.exchanges.owes() && self.unacknowledged_count() < usize::from(self.wire.window())
    }

    /// Writes what waits for the client, as far as its window and our buffer allow. True: the buffer is full, and
    /// more may wait of which no signal will tell again.
    pub(super) fn drain(&mut self, batch: &mut Vec<Item>) -> bool {
        self.pay();
        while self.wire.out.len() < OUT_BYTES_MAX {
            let now_ms = now_ms();
            self.outbox.take(BATCH_MAX, batch);
            let mut idle = batch.is_empty();
            for Item { event, wish } in batch.drain(..) {
                let is_recalled = event.is_recalled();
                let event = event.event();
                if let Some(ttl_left_ms) = self.left_to_live(event, now_ms)
                    && self.may_send_direct(event)
                {
                    let ids = &wish.subscription_ids;
                    let retain = is_recalled || (wish.retain && event.retain);
                    let outgoing = Outgoing { event, id: None, retain, dup: false, subscription_ids: ids, ttl_left_ms };
                    let sent = self.wire.publish(&outgoing);
                    self.told(event, sent);
                }
            }
            for _ in 0..BATCH_MAX {
                if !self.has_window() || self.is_slowed() {
                    break;
                }
                let own = self.feed.as_mut().and_then(Feed::next).is_some_and(|entry| self.deliver(entry, now_ms));
                let queued = self.has_window() && !self.is_slowed() && self.deliver_queued(now_ms);
                if !own && !queued {
                    break;
                }
                idle = false;
            }
            if idle {
                return false;
            }
        }
        true
    }

    /// Delivers one event of the session's queue, or says why not: then it is done with. False: it must wait, because its
    /// packet id is still in use or its quota is used up.
    fn deliver(&mut self, entry: Entry, now_ms: i64) -> bool {
        let (event, seq) = (entry.event.event(), entry.seq);
        if entry.event.is_recalled() {
            if !self.again.contains_key(&seq) && !self.outbox.is_last(&entry.event) {
                // It came as new a moment ago.
                self.done(seq);
                self.one_recalled();
                return true;
            }
        } else {
            self.outbox.note(&entry.event);
        }
        let again = self.again.get(&seq).copied();
        let wish = self.outbox.wish(&event.topic, self.is_own(event));
        // What was begun at QoS 2 is brought to its end so (MQTT 5, 4.3.3).
        let is_begun = again.is_some_and(exactly_once::is_twice);
        let twice = is_begun || wish.as_ref().is_some_and(|wish| wish.twice);
        if twice && self.is_busy(exactly_once::id_of(seq)) {
            if let Some(feed) = &mut self.feed {
                feed.put_back(entry);
            }
            return false;
        }
        let left = self.left_to_live(event, now_ms);
        if wish.is_some() && left.is_some() && again.is_none() && !self.may_deliver(event) {
            if let Some(feed) = &mut self.feed {
                feed.put_back(entry);
            }
            return false;
        }
        self.again.remove(&seq);
        let dup = again.is_some() || self.feed.as_ref().is_some_and(|feed| feed.is_doubtful(&entry));
        let sent = match (wish, left) {
            (Some(wish), Some(ttl_left_ms)) => {
                let retain = entry.event.is_recalled() || (wish.retain && event.retain);
                let ids = &wish.subscription_ids;
                let outgoing = Outgoing { event, id: None, retain, dup, subscription_ids: ids, ttl_left_ms };
                let id = if twice {
                    self.wire.publish_twice(&outgoing, exactly_once::id_of(seq))
                } else {
                    self.wire.publish_acknowledged(&outgoing, again)
                };
                self.told(event, id.is_some());
                id
            }
            // Its filter was taken back meanwhile, or it is its own; what may not be sent was counted.
            _ => None,
        };
        match sent {
            Some(id) => self.in_flight.push_back((id, Place::Own(seq))),
            None if is_begun => self.withdraw(seq),
            None => self.done(seq),
        }
        if entry.event.is_recalled() {
            self.one_recalled();
        }
        true
    }

    /// Whether this very session published it: its events have its client id as their key.
    pub(super) fn is_own(&self, event: &Event) -> bool {
        event.key == self.key
            && event.origin.protocol == Protocol::Mqtt
            && event.origin.principal == Some(self.client.principal())
    }

    /// The time an event has left, of which none is no limit. None at all when it must not be sent; that is counted.
    #[expect(clippy::option_option, reason = "whether it may be sent, and if so for how long it lives")]
    fn left_to_live(&self, event: &Event, now_ms: i64) -> Option<Option<u64>> {
        let left = event.ttl_left_ms(now_ms);
        if left == Some(0) {
            self.server.metrics.expired.one();
            return None;
        }
        if !self.server.common.enforcer.may_receive(&self.client, &event.topic) {
            self.server.metrics.withheld.one();
            return None;
        }
        Some(left)
    }

    pub(super) fn told(&self, event: &Event, sent: bool) {
        if sent {
            self.watcher.consumed(&event.topic, &event.payload, None);
        } else {
            self.server.metrics.too_large_for_client.one();
        }
    }
}
