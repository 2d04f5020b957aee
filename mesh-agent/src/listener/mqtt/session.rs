//! One client's session: what its packets mean, and what it is sent.
//!
//! Nothing here waits or touches a socket: packets come in through [`Session::feed`], bytes to send gather in the wire's
//! buffer, and everything that takes time (receipts, budget, policy) is looked at by the connection's loop. So the order
//! of what happens to a session is the order of the calls.
//!
//! Sessions live as long as their connection; the client is told so (Session Expiry Interval 0). What is not there is
//! declined in MQTT's own words: QoS 2 (0x9B), RETAIN (0x9A), shared subscriptions (0x9E). MQTT 3.1.1 cannot be told:
//! its QoS 2 publishes get the handshake they expect, its subscriptions QoS 1, and RETAIN is counted, not kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::event::Origin;
use mesh_protocol::policy::Action;
use mesh_protocol::topic::Topic;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::result_code::{DisconnectReasonCode, MqttError, PubackReasonCode};
use tokio::time::Instant;

use super::Server;
use super::acks::{Acks, Answer, Cause};
use super::clients::Registered;
use super::inbound::Parked;
use super::outbox::{Item, Outbox};
use super::signals::Signals;
use super::subscriptions::{Desk, Subscriptions};
use super::will::{Testament, Will};
use super::wire::{Broken, Outgoing, Packet, RECEIVE_MAX, Wire};
use crate::listener::refusal;
use crate::observe::ClientObserver;
use crate::router::{Admission, Attachment, Hold};
use crate::status::now_ms;

/// Bytes gathered before the socket gets them; more events are taken out when it has.
const OUT_BYTES_MAX: usize = 64 * 1024;
/// Beyond this many unwritten bytes (acknowledgements, pongs) the client is not read any more.
const OUT_BYTES_STOP: usize = 256 * 1024;
/// Events taken out of the outbox at once.
const BATCH_MAX: usize = 64;

/// A client that was let in.
pub(super) struct Session {
    pub(super) server: Arc<Server>,
    pub(super) wire: Wire,
    pub(super) client: crate::policy::Session,
    pub(super) watcher: Arc<dyn ClientObserver>,
    pub(super) origin: Origin,
    /// Ordering key of its events: the client id.
    pub(super) key: Bytes,
    pub(super) signals: Arc<Signals>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) attachment: Attachment,
    pub(super) subscriptions: Subscriptions,
    pub(super) acks: Acks,
    pub(super) will: Option<Will>,
    pub(super) keep_alive: Option<Duration>,
    pub(super) registered: Registered,
    /// The topic of its last publish: most clients have few.
    pub(super) last_topic: Option<Topic>,
    /// A publish that waits for room in the byte budget, and what came after it.
    pub(super) parked: Option<Parked>,
    pub(super) unread: Bytes,
    pub(super) heard: Instant,
    /// QoS 1 deliveries without their PUBACK, oldest first.
    pub(super) in_flight: VecDeque<InFlight>,
}

/// A QoS 1 delivery that waits for its PUBACK.
#[derive(Debug)]
pub(super) struct InFlight {
    id: u16,
    hold: Option<Hold>,
    since: Instant,
}

/// Why a session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client said goodbye: its will is forgotten.
    Left,
    /// The client went without a word, or asked for its will.
    Lost,
    /// What it sent is no MQTT. The protocol's own DISCONNECT, if any, is already written.
    Malformed(MqttError),
    /// We end it: a DISCONNECT with this reason on MQTT 5, a closed connection on 3.1.1.
    Told(DisconnectReasonCode, String),
}

impl End {
    pub(super) fn told(code: DisconnectReasonCode, why: impl Into<String>) -> Self {
        Self::Told(code, why.into())
    }
}

/// What to do after a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Read on.
    Read,
    /// Wait for room in the byte budget first.
    Wait,
}

impl Session {
    /// Takes bytes from the client.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.heard = Instant::now();
        let mut input = Cursor::new(bytes);
        while let Some(packet) = self.wire.next(&mut input).map_err(|Broken(error)| End::Malformed(error))? {
            if self.handle(packet)? == Next::Wait {
                self.unread = Bytes::copy_from_slice(input.remaining_slice());
                break;
            }
        }
        Ok(())
    }

    /// The publish that waited has its room: goes on with it and with what came after it.
    pub(super) fn resume(&mut self, admission: Admission) -> Result<(), End> {
        if let Some(parked) = self.parked.take() {
            self.publish_parked(parked, admission);
        }
        let unread = std::mem::take(&mut self.unread);
        self.feed(&unread)
    }

    fn handle(&mut self, packet: Packet) -> Result<Next, End> {
        match packet {
            Packet::Publish(publish) => return self.publish(&publish),
            Packet::Puback(id) => self.delivered(id),
            Packet::Pubrel(id) => self.wire.pubcomp(id),
            Packet::Subscribe(subscribe) => {
                let (id, subscription_id) = (subscribe.id, subscribe.subscription_id);
                let codes = self.with_desk(|subscriptions, desk| {
                    subscribe.entries.iter().map(|entry| subscriptions.add(desk, entry, subscription_id)).collect()
                });
                self.wire.suback(id, codes);
            }
            Packet::Unsubscribe { id, filters } => {
                let codes = self.with_desk(|subscriptions, desk| {
                    filters.iter().map(|filter| subscriptions.remove(desk, filter)).collect()
                });
                self.wire.unsuback(id, codes);
            }
            Packet::Ping => self.wire.pong(),
            Packet::Disconnect { with_will } => return Err(if with_will { End::Lost } else { End::Left }),
            Packet::Connect(_) => return Err(End::told(DisconnectReasonCode::ProtocolError, "a second CONNECT")),
        }
        Ok(Next::Read)
    }

    fn with_desk<T>(&mut self, work: impl FnOnce(&mut Subscriptions, &Desk<'_>) -> T) -> T {
        let desk = Desk {
            enforcer: &self.server.common.enforcer,
            client: &self.client,
            watcher: &*self.watcher,
            outbox: &self.outbox,
            attachment: &self.attachment,
        };
        work(&mut self.subscriptions, &desk)
    }

    /// Whether the client may be read: nothing waits for the budget, it takes what we send, and (MQTT 3.1.1, which knows no
    /// receive maximum) not too much of it is unanswered.
    pub(super) fn may_read(&self) -> bool {
        self.parked.is_none() && self.wire.out.len() < OUT_BYTES_STOP && self.acks.len() < usize::from(RECEIVE_MAX)
    }

    /// Tells the client what became of a guaranteed publish.
    pub(super) fn answer(&mut self, packet: super::acks::Packet, answer: Answer) -> Result<(), End> {
        let (code, why) = match answer {
            Answer::Taken => (PubackReasonCode::Success, None),
            Answer::Unrouted => (PubackReasonCode::NoMatchingSubscribers, None),
            Answer::Refused { code, why, cause } => {
                self.count(cause);
                if !self.wire.is_v5() {
                    return Err(End::told(DisconnectReasonCode::ImplementationSpecificError, why));
                }
                (code, Some(why))
            }
        };
        if packet.twice {
            self.wire.pubrec(packet.id);
        } else {
            self.wire.puback(packet.id, code, why.as_deref());
        }
        Ok(())
    }

    fn count(&self, cause: Cause) {
        match cause {
            Cause::Timeout => self.server.metrics.custody_timeouts.one(),
            Cause::Failed => self.server.metrics.custody_failures.one(),
            Cause::Denied | Cause::Rejected => {}
        }
    }

    fn delivered(&mut self, id: u16) {
        if let Some(at) = self.in_flight.iter().position(|delivery| delivery.id == id)
            && let Some(hold) = self.in_flight.remove(at).and_then(|delivery| delivery.hold)
        {
            hold.done();
        }
    }

    /// Writes what waits for the client, as far as its window and our buffer allow. True: the buffer is full, and
    /// more may wait of which no signal will tell again.
    pub(super) fn drain(&mut self, batch: &mut Vec<Item>) -> bool {
        while self.wire.out.len() < OUT_BYTES_MAX {
            let window = usize::from(self.wire.window()).saturating_sub(self.in_flight.len());
            self.outbox.take(BATCH_MAX, window, batch);
            if batch.is_empty() {
                return false;
            }
            let now_ms = now_ms();
            for item in batch.drain(..) {
                self.deliver(item, now_ms);
            }
        }
        true
    }

    fn deliver(&mut self, item: Item, now_ms: i64) {
        let event = item.event.event();
        let ttl_left_ms = event.ttl_left_ms(now_ms);
        let skipped = if ttl_left_ms == Some(0) {
            Some(&self.server.metrics.expired)
        } else if !self.server.common.enforcer.may_receive(&self.client, &event.topic) {
            Some(&self.server.metrics.withheld)
        } else {
            let ids = &item.subscription_ids;
            let outgoing =
                Outgoing { event, id: None, retain: item.retain, dup: item.dup, subscription_ids: ids, ttl_left_ms };
            if item.acknowledged {
                match self.wire.publish_acknowledged(&outgoing) {
                    Some(id) => {
                        self.watcher.consumed(&event.topic, &event.payload, None);
                        return self.in_flight.push_back(InFlight { id, hold: item.hold, since: Instant::now() });
                    }
                    None => Some(&self.server.metrics.too_large_for_client),
                }
            } else if self.wire.publish(&outgoing) {
                self.watcher.consumed(&event.topic, &event.payload, None);
                None
            } else {
                Some(&self.server.metrics.too_large_for_client)
            }
        };
        if let Some(counter) = skipped {
            counter.one();
        }
        if let Some(hold) = item.hold {
            hold.done_for(0);
        }
    }

    /// Looks at all its rights again.
    pub(super) fn check_rights(&mut self) -> Result<(), End> {
        let enforcer = self.server.common.enforcer.clone();
        if let Err(denied) = enforcer.check_session(&self.client) {
            self.watcher.refused(refusal(Action::Connect, "", &denied));
            return Err(End::told(DisconnectReasonCode::NotAuthorized, denied.to_string()));
        }
        if let Some(enforced) = enforcer.enforced() {
            self.origin.site = enforced.site.id;
        }
        self.with_desk(Subscriptions::check)
            .map_err(|(_, denied)| End::told(DisconnectReasonCode::NotAuthorized, denied.to_string()))
    }

    /// The next moment at which time alone changes something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let custody = self.server.common.limits.get().custody_timeout;
        let heard = self.keep_alive.filter(|_| self.may_read()).map(|interval| self.heard + interval * 3 / 2);
        let unacknowledged = self.in_flight.front().map(|delivery| delivery.since + stalled_after(custody));
        [heard, self.acks.deadline(custody), unacknowledged].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) -> Result<(), End> {
        let custody = self.server.common.limits.get().custody_timeout;
        self.acks.expire(custody, now);
        if self.keep_alive.is_some_and(|interval| self.may_read() && self.heard + interval * 3 / 2 <= now) {
            return Err(End::told(
                DisconnectReasonCode::KeepAliveTimeout,
                "nothing was heard for 1.5 keep-alive intervals",
            ));
        }
        if self.in_flight.front().is_some_and(|delivery| delivery.since + stalled_after(custody) <= now) {
            return Err(End::told(
                DisconnectReasonCode::ImplementationSpecificError,
                "a QoS 1 delivery was not acknowledged; its publishers waited for it",
            ));
        }
        Ok(())
    }

    /// Ends it: nobody waits for it any more, its filters go, its will is published unless it said goodbye.
    pub(super) fn end(mut self, end: &End) {
        self.outbox.close();
        drop(self.attachment);
        self.subscriptions.forget(&*self.watcher);
        self.server.metrics.ended_with_session.add(self.in_flight.len() as u64);
        for hold in self.in_flight.into_iter().filter_map(|delivery| delivery.hold) {
            hold.done_for(0);
        }
        let taken_over = matches!(end, End::Told(DisconnectReasonCode::SessionTakenOver, _));
        let will = self.will.filter(|will| *end != End::Left && (!taken_over || will.delay.is_zero()));
        if let Some(will) = will {
            let (server, client, watcher) = (self.server, self.client, self.watcher);
            Testament { server, will, client, watcher }.execute(&self.registered);
        }
    }
}

/// A subscriber may keep its publishers waiting for longer than they wait, but not for ever.
fn stalled_after(custody: Duration) -> Duration {
    custody * 2
}
