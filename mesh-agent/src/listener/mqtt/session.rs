//! One client's session: what its packets mean, and what it is sent.
//!
//! Nothing here waits or touches a socket: packets come in through [`Session::feed`], bytes to send gather in the wire's
//! buffer, and everything that takes time (receipts, budget, policy) is looked at by the connection's loop. So the order
//! of what happens to a session is the order of the calls.
//!
//! A session lives as long as its connection, or for as long beyond it as the client asked for ([`lasting`](super::lasting)).
//! What is not there is declined in MQTT's own words: QoS 2 (0x9B), RETAIN (0x9A), shared subscriptions (0x9E). MQTT 3.1.1
//! cannot be told: its QoS 2 publishes get the handshake they expect, its subscriptions QoS 1, and RETAIN is counted, not
//! kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::event::{Event, Origin, Protocol};
use mesh_protocol::policy::Action;
use mesh_protocol::topic::Topic;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::result_code::{DisconnectReasonCode, MqttError, PubackReasonCode};
use tokio::time::Instant;

use super::Server;
use super::acks::{Acks, Answer, Cause};
use super::clients::Registered;
use super::consuming::{self, Consuming};
use super::feed::Feed;
use super::inbound::Parked;
use super::lasting::{self, EXPIRY_MAX, Lasting};
use super::outbox::{Item, Outbox};
use super::signals::Signals;
use super::subscriptions::{Desk, Subscriptions};
use super::will::{Testament, Will};
use super::wire::{Broken, Outgoing, Packet, RECEIVE_MAX, Wire};
use crate::listener::refusal;
use crate::observe::ClientObserver;
use crate::router::{Admission, Attachment, Life};
use crate::spool::Entry;
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
    /// What it gets at QoS 1; none as long as nothing was subscribed so.
    pub(super) feed: Option<Feed>,
    /// Named queues it consumes.
    pub(super) consuming: Consuming,
    /// How long the session outlives the connection.
    pub(super) expiry: Duration,
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
    /// QoS 1 deliveries without their PUBACK, oldest first, by packet id.
    pub(super) in_flight: VecDeque<(u16, Place)>,
    /// What an earlier connection was sent and did not acknowledge: packet ids by place in the log.
    pub(super) again: BTreeMap<u64, u16>,
}

/// Where a QoS 1 delivery comes from, and its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The session's own queue.
    Own(u64),
    /// A named queue.
    Queue(Arc<str>, u64),
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
            Packet::Puback(id, failed) => self.delivered(id, failed),
            Packet::Pubrel(id) => self.wire.pubcomp(id),
            Packet::Subscribe(subscribe) => {
                let (id, subscription_id) = (subscribe.id, subscribe.subscription_id);
                let mut codes = Vec::with_capacity(subscribe.entries.len());
                for entry in &subscribe.entries {
                    codes.push(if entry.topic_filter().starts_with(consuming::PREFIX) {
                        self.consume(entry, subscription_id)
                    } else {
                        self.with_desk(|subscriptions, desk| subscriptions.add(desk, entry, subscription_id))
                    });
                }
                self.note(false);
                self.wire.suback(id, codes);
            }
            Packet::Unsubscribe { id, filters } => {
                let mut codes = Vec::with_capacity(filters.len());
                for filter in &filters {
                    codes.push(if filter.starts_with(consuming::PREFIX) {
                        self.stop_consuming(filter)
                    } else {
                        self.with_desk(|subscriptions, desk| subscriptions.remove(desk, filter))
                    });
                }
                self.note(false);
                self.wire.unsuback(id, codes);
            }
            Packet::Ping => self.wire.pong(),
            Packet::Disconnect { with_will, session_expiry } => {
                if let Some(expiry) = session_expiry {
                    self.change_expiry(expiry)?;
                }
                return Err(if with_will { End::Lost } else { End::Left });
            }
            Packet::Connect(_) => return Err(End::told(DisconnectReasonCode::ProtocolError, "a second CONNECT")),
        }
        Ok(Next::Read)
    }

    /// MQTT 5, 3.14.2.2.2: a session that was to end with its connection cannot be made to last any more.
    fn change_expiry(&mut self, expiry: Duration) -> Result<(), End> {
        if self.expiry.is_zero() && !expiry.is_zero() {
            return Err(End::told(DisconnectReasonCode::ProtocolError, "the session was to end with its connection"));
        }
        self.expiry = expiry.min(EXPIRY_MAX);
        Ok(())
    }

    pub(super) fn with_desk<T>(&mut self, work: impl FnOnce(&mut Subscriptions, &mut Desk<'_>) -> T) -> T {
        let (spool, router) = (&self.server.common.spool, &self.server.common.router);
        let mut desk = Desk {
            enforcer: &self.server.common.enforcer,
            client: &self.client,
            watcher: &*self.watcher,
            outbox: &self.outbox,
            attachment: &self.attachment,
            feed: &mut self.feed,
            open: &|| Feed::open(spool, router, &lasting::queue_name()),
            life: if self.expiry.is_zero() { Life::Live } else { Life::Durable },
        };
        work(&mut self.subscriptions, &mut desk)
    }

    /// Notes how the session stands, for a restart of the agent. `left`: its connection ends.
    fn note(&self, left: bool) {
        if !self.expiry.is_zero() {
            self.write_note(left);
        }
    }

    /// The same whatever the session shall do: what an earlier connection noted is not so any more.
    pub(super) fn write_note(&self, left: bool) {
        let Some(feed) = &self.feed else { return };
        let in_flight = if left { self.unacknowledged() } else { Vec::new() };
        let held = (self.subscriptions.all(), self.consuming.all());
        lasting::note(self.registered.name(), feed, held, &in_flight, (self.expiry, left));
    }

    /// Sent and not acknowledged, in this connection or an earlier one.
    fn unacknowledged(&self) -> Vec<(u64, u16)> {
        let earlier = self.again.iter().map(|(seq, id)| (*seq, *id));
        let own = self.in_flight.iter().filter_map(|(id, place)| match place {
            Place::Own(seq) => Some((*seq, *id)),
            Place::Queue(..) => None,
        });
        own.chain(earlier).collect()
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

    fn delivered(&mut self, id: u16, failed: Option<PubackReasonCode>) {
        let at = self.in_flight.iter().position(|(sent, _)| *sent == id);
        match at.and_then(|at| self.in_flight.remove(at)) {
            // Whatever it answers, an event of its own is done with (MQTT 5, 4.4).
            Some((_, Place::Own(seq))) => {
                if let Some(feed) = &mut self.feed {
                    feed.acknowledge(seq);
                }
            }
            Some((_, Place::Queue(name, seq))) => {
                self.consuming.settle(&name, seq, consuming::verdict(failed, self.client.client_id()));
            }
            None => {}
        }
    }

    /// Whether the client may be sent another event at QoS 1.
    pub(super) fn has_window(&self) -> bool {
        self.in_flight.len() < usize::from(self.wire.window())
    }

    /// Writes what waits for the client, as far as its window and our buffer allow. True: the buffer is full, and
    /// more may wait of which no signal will tell again.
    pub(super) fn drain(&mut self, batch: &mut Vec<Item>) -> bool {
        while self.wire.out.len() < OUT_BYTES_MAX {
            let now_ms = now_ms();
            self.outbox.take(BATCH_MAX, batch);
            let mut idle = batch.is_empty();
            for Item { event, wish } in batch.drain(..) {
                let event = event.event();
                if let Some(ttl_left_ms) = self.left_to_live(event, now_ms) {
                    let ids = &wish.subscription_ids;
                    let retain = wish.retain && event.retain;
                    let outgoing = Outgoing { event, id: None, retain, dup: false, subscription_ids: ids, ttl_left_ms };
                    let sent = self.wire.publish(&outgoing);
                    self.told(event, sent);
                }
            }
            for _ in 0..BATCH_MAX {
                if !self.has_window() {
                    break;
                }
                let own = self.feed.as_mut().and_then(Feed::next);
                if let Some(entry) = &own {
                    self.deliver(entry, now_ms);
                }
                let queued = self.has_window() && self.deliver_queued(now_ms);
                if own.is_none() && !queued {
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

    /// Delivers one event of the session's queue at QoS 1, or says why not: then it is done with.
    fn deliver(&mut self, entry: &Entry, now_ms: i64) {
        let event = entry.event.event();
        let again = self.again.remove(&entry.seq);
        let dup = again.is_some() || self.feed.as_ref().is_some_and(|feed| feed.is_doubtful(entry));
        let sent = match (self.outbox.wish(&event.topic, self.is_own(event)), self.left_to_live(event, now_ms)) {
            (Some(wish), Some(ttl_left_ms)) => {
                let (ids, retain) = (&wish.subscription_ids, wish.retain && event.retain);
                let outgoing = Outgoing { event, id: None, retain, dup, subscription_ids: ids, ttl_left_ms };
                let id = self.wire.publish_acknowledged(&outgoing, again);
                self.told(event, id.is_some());
                id
            }
            // Its filter was taken back meanwhile, or it is its own; what may not be sent was counted.
            _ => None,
        };
        match (sent, &mut self.feed) {
            (Some(id), _) => self.in_flight.push_back((id, Place::Own(entry.seq))),
            (None, Some(feed)) => feed.acknowledge(entry.seq),
            (None, None) => {}
        }
    }

    /// Whether this very session published it: its events have its client id as their key.
    fn is_own(&self, event: &Event) -> bool {
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
            .map_err(|(_, denied)| End::told(DisconnectReasonCode::NotAuthorized, denied.to_string()))?;
        self.check_consuming()
    }

    /// The next moment at which time alone changes something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let custody = self.server.common.limits.get().custody_timeout;
        let heard = self.keep_alive.filter(|_| self.may_read()).map(|interval| self.heard + interval * 3 / 2);
        [heard, self.acks.deadline(custody)].into_iter().flatten().min()
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
        Ok(())
    }

    /// Ends it: its filters go, unless it is to last; its will is published unless it said goodbye.
    pub(super) fn end(mut self, end: &End) {
        self.outbox.close();
        self.note(true);
        let in_flight = self.unacknowledged();
        let queues = self.consuming.all();
        let had = |name: &Arc<str>| {
            self.in_flight.iter().any(|(_, place)| matches!(place, Place::Queue(queue, _) if queue == name))
        };
        self.consuming.end(|name| *end != End::Left && had(name));
        drop(self.attachment);
        let filters = self.subscriptions.all().map(|(filter, options)| (filter.clone(), options)).collect();
        self.subscriptions.forget(&*self.watcher);
        let mut feed = self.feed;
        if self.expiry.is_zero() {
            self.server.metrics.ended_with_session.add(feed.map_or(0, Feed::close));
        } else {
            if let Some(feed) = &mut feed {
                feed.rest();
            }
            let lasting = Lasting { feed, filters, queues, in_flight, expiry: self.expiry };
            if let Some(one_too_many) = self.registered.clients().rest(self.registered.name(), lasting) {
                tracing::warn!("as many sessions wait for their clients as may: one more ends with its connection");
                self.server.metrics.ended_with_session.add(one_too_many.feed.map_or(0, Feed::close));
            }
        }
        let taken_over = matches!(end, End::Told(DisconnectReasonCode::SessionTakenOver, _));
        let will = self.will.filter(|will| *end != End::Left && (!taken_over || will.delay.is_zero()));
        if let Some(will) = will {
            let (server, client, watcher) = (self.server, self.client, self.watcher);
            Testament { server, will, client, watcher }.execute(&self.registered);
        }
    }
}
