//! One client's session: what its packets mean, and what it is sent.
//!
//! Nothing here waits or touches a socket: packets come in through [`Session::feed`], bytes to send gather in the wire's
//! buffer, and everything that takes time (receipts, budget, policy) is looked at by the connection's loop. So the order
//! of what happens to a session is the order of the calls.
//!
//! A session lives as long as its connection, or for as long beyond it as the client asked for ([`lasting`](super::lasting)).
//! What is not there is declined in MQTT's own words: shared subscriptions (0x9E).

use std::collections::{BTreeMap, VecDeque};
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
use super::acks::{Acks, Answer, Cause, Step};
use super::clients::Registered;
use super::consuming::{self, Consuming};
use super::deliveries::Place;
use super::exactly_once::Exchanges;
use super::feed::Feed;
use super::inbound::Parked;
use super::lasting::{self, EXPIRY_MAX, Lasting};
use super::outbox::Outbox;
use super::recalling::Recalling;
use super::signals::Signals;
use super::subscriptions::{Desk, Subscriptions};
use super::will::{Testament, Will};
use super::wire::{Broken, Packet, RECEIVE_MAX, Wire};
use crate::listener::refusal;
use crate::observe::ClientObserver;
use crate::router::{Admission, Attachment, Life, Receipt};

/// Beyond this many unwritten bytes (acknowledgements, pongs) the client is not read any more.
const OUT_BYTES_STOP: usize = 256 * 1024;

/// A client that was let in.
pub(super) struct Session {
    pub(super) server: Arc<Server>,
    pub(super) wire: Wire,
    pub(super) client: crate::policy::Session,
    /// What it uses of its grants.
    pub(super) metered: crate::quota::Metered,
    /// What it acknowledges waits until then: its quota was used up.
    pub(super) slowed_until: Option<Instant>,
    pub(super) watcher: Arc<dyn ClientObserver>,
    pub(super) origin: Origin,
    /// Ordering key of its events: the client id.
    pub(super) key: Bytes,
    pub(super) signals: Arc<Signals>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) attachment: Attachment,
    pub(super) subscriptions: Subscriptions,
    /// What it gets at QoS 1 and 2; none as long as nothing was subscribed so, unless it is to last.
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
    /// A publish that waits for its quota or for room in the byte budget, and what came after it.
    pub(super) parked: Option<Parked>,
    pub(super) unread: Bytes,
    pub(super) heard: Instant,
    /// Exchanges of QoS 2, but for deliveries without their PUBREC.
    pub(super) exchanges: Exchanges,
    /// Deliveries without their PUBACK or PUBREC, oldest first, by packet id.
    pub(super) in_flight: VecDeque<(u16, Place)>,
    /// What an earlier connection was sent and did not acknowledge: packet ids by place in the log.
    pub(super) again: BTreeMap<u64, u16>,
    /// Last values for its new subscriptions.
    pub(super) recalling: Recalling,
    /// Its CONNECT, of a client that may have to be carried to another agent.
    pub(super) hello: Option<Box<[u8]>>,
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
    /// What it wants is at another agent of the site, with this address: it is told so, or (MQTT 3.1.1) carried there.
    Elsewhere(String),
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
    /// Wait for the quota, or for room in the byte budget first.
    Wait,
}

impl Session {
    /// Takes bytes from the client.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.heard = Instant::now();
        let mut input = Cursor::new(bytes);
        // Of a packet that began with an earlier read the first bytes are gone.
        let mut answered = if self.wire.is_mid_packet() { bytes.len() } else { 0 };
        while let Some(packet) = self.wire.next(&mut input).map_err(|Broken(error)| End::Malformed(error))? {
            match self.handle(packet) {
                Ok(Next::Read) => answered = bytes.len() - input.remaining_slice().len(),
                Ok(Next::Wait) => {
                    self.unread = Bytes::copy_from_slice(input.remaining_slice());
                    break;
                }
                Err(end @ End::Elsewhere(_)) => {
                    self.unread = Bytes::copy_from_slice(&bytes[answered..]);
                    return Err(end);
                }
                Err(end) => return Err(end),
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
            Packet::Pubrec(id, failed) => self.taken_by_client(id, failed),
            Packet::Pubrel(id) => self.released_by_client(id)?,
            Packet::Pubcomp(id) => self.completed_by_client(id),
            Packet::Subscribe(subscribe) => {
                self.wants_what_is_elsewhere(&subscribe.entries)?;
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
                self.recall();
            }
            Packet::Unsubscribe { id, filters } => {
                let mut codes = Vec::with_capacity(filters.len());
                for filter in &filters {
                    codes.push(if filter.starts_with(consuming::PREFIX) {
                        self.stop_consuming(filter)
                    } else {
                        self.recall_no_more(filter);
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
            drop(self.write_note(left));
        }
    }

    /// The same whatever the session shall do: what an earlier connection noted is not so any more. The receipt tells when
    /// it is on disk.
    pub(super) fn write_note(&self, left: bool) -> Option<Receipt> {
        let feed = self.feed.as_ref()?;
        let in_flight = if left { self.unacknowledged() } else { Vec::new() };
        let held = (self.subscriptions.all(), self.consuming.all());
        lasting::note(self.registered.name(), feed, held, &in_flight, (self.expiry, left))
    }

    /// Whether the client may be read: nothing waits for the budget, it takes what we send, and (MQTT 3.1.1, which knows no
    /// receive maximum) not too much of it is unanswered.
    pub(super) fn may_read(&self) -> bool {
        self.parked.is_none() && self.wire.out.len() < OUT_BYTES_STOP && self.acks.len() < usize::from(RECEIVE_MAX)
    }

    /// Tells the client what became of a guaranteed publish, or goes on with QoS 2.
    pub(super) fn answer(&mut self, packet: super::acks::Packet, answer: Answer) -> Result<(), End> {
        let (code, why) = match answer {
            Answer::Taken => (PubackReasonCode::Success, None),
            Answer::Unrouted => (PubackReasonCode::NoMatchingSubscribers, None),
            Answer::Refused { code, why, cause } => {
                self.count(cause);
                if !self.wire.is_v5() {
                    if packet.step == Step::Pubrec {
                        self.received(packet.id, false);
                    }
                    return Err(End::told(DisconnectReasonCode::ImplementationSpecificError, why));
                }
                (code, Some(why))
            }
        };
        let is_taken = why.is_none();
        match packet.step {
            Step::Puback => self.wire.puback(packet.id, code, why.as_deref()),
            Step::Pubrec => {
                self.received(packet.id, is_taken);
                self.wire.pubrec(packet.id, code, why.as_deref());
            }
            _ if !is_taken => return Err(End::told(DisconnectReasonCode::UnspecifiedError, why.unwrap_or_default())),
            Step::Pubcomp => self.complete(packet.id),
            Step::Pubrel => self.wire.pubrel(packet.id),
            Step::Withdraw => self.owe(packet.id),
            Step::Free => self.free(packet.id),
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
        [heard, self.acks.deadline(custody), self.slowed_until].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) -> Result<(), End> {
        self.slowed_until = self.slowed_until.filter(|until| *until > now);
        let custody = self.server.common.limits.get().custody_timeout;
        if !self.acks.expire(custody, now) {
            // What becomes of it is told to the next connection.
            self.count(Cause::Timeout);
            let why = format!("not every destination had an event within {} ms", custody.as_millis());
            return Err(End::told(DisconnectReasonCode::ImplementationSpecificError, why));
        }
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
            let (received, released) = self.exchanges.rest();
            let (pending, expiry) = (self.acks.rest(), self.expiry);
            let lasting = Lasting { feed, filters, queues, in_flight, received, released, pending, expiry };
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
