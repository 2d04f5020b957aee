//! QoS 2: each event once, in both directions, across connections and restarts of the agent.
//!
//! ```text
//!  a client publishes:                               a client is sent:
//!  PUBLISH -> commit(event, claim on its id)         PUBLISH, under an id that follows from its place in the log
//!   PUBREC <-                                         PUBREC -> commit(event done with, claim on the id)
//!   PUBREL -> commit(claim goes)                      PUBREL <-
//!  PUBCOMP <-                                        PUBCOMP -> commit(claim goes)
//! ```
//! A claim is one packet id, kept by the spool in the very commit of what it speaks of; so after a crash both sides know the
//! same of it. A session that ends with its connection needs none: its ids end with it, too (MQTT 5, 4.1).
//!
//! What an earlier connection was promised and not told is waited for before the next one is let in ([`settle`]): a PUBLISH
//! that comes again is then known, or was not taken. Ids of deliveries are not drawn but follow from the log, so that an
//! agent that crashed sends what it does not know about under the id the client may know.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mqtt_protocol_core::mqtt::packet::Qos;
use mqtt_protocol_core::mqtt::result_code::MqttError;
use tokio::time::Instant;

use super::acks::{Answer, Packet, Step};
use super::deliveries::Place;
use super::feed::Feed;
use super::lasting::Lasting;
use super::session::{End, Next, Session};
use super::wire::Publish;
use crate::router::{Claim, Outcome};

/// Ids of deliveries at QoS 2 are from here on; at QoS 1 they begin at 1 and stay below, as the window does.
const IDS: u16 = 0x8000;
/// Numbers of claims on ids that were released; below it are ids that were received.
const RELEASED: u32 = 0x1_0000;

/// The packet id of a delivery at QoS 2, by its place in the log.
pub(super) fn id_of(seq: u64) -> u16 {
    IDS | u16::try_from(seq % u64::from(IDS)).expect("below the divisor")
}

/// Whether a delivery that had this id was at QoS 2.
pub(super) const fn is_twice(id: u16) -> bool {
    id >= IDS
}

/// How far an exchange is that a client began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Received {
    /// Its event waits for custody.
    Pending,
    /// PUBREC was sent.
    Known,
    /// PUBREL came, and PUBCOMP waits.
    Going,
}

/// The exchanges of one session.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    received: BTreeMap<u16, Received>,
    /// PUBREL was sent or is about to be, in this order; PUBCOMP did not come.
    released: VecDeque<u16>,
    /// Like those, but of an earlier connection: PUBREL must be sent in this one.
    owed: VecDeque<u16>,
}

impl Exchanges {
    /// Those of an earlier connection: ids received, ids released.
    pub(super) fn resumed(received: &[u16], released: Vec<u16>) -> Self {
        let received = received.iter().map(|id| (*id, Received::Known)).collect();
        Self { received, released: VecDeque::new(), owed: released.into() }
    }

    /// For the next connection: ids received, ids released.
    pub(super) fn rest(self) -> (Vec<u16>, Vec<u16>) {
        let known = self.received.into_iter().filter(|(_, state)| *state == Received::Known);
        (known.map(|(id, _)| id).collect(), self.owed.into_iter().chain(self.released).collect())
    }

    /// How many deliveries are between PUBREC and PUBCOMP.
    pub(super) fn released(&self) -> usize {
        self.released.len()
    }

    /// Whether releases of an earlier connection come before anything else.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }
}

/// The claim on an id that was received.
fn received(feed: &Feed, id: u16) -> Claim {
    feed.claim(id.into())
}

/// The claim on an id that was released.
fn released(feed: &Feed, id: u16) -> Claim {
    feed.claim(RELEASED | u32::from(id))
}

/// Ids received and ids released, of a session that an earlier run of the agent left.
pub(super) fn claimed(feed: &Feed) -> (Vec<u16>, Vec<u16>) {
    let (mut received, mut released) = (Vec::new(), Vec::new());
    for number in feed.claimed() {
        let ids = if number < RELEASED { &mut received } else { &mut released };
        ids.extend(u16::try_from(number & 0xffff));
    }
    (received, released)
}

/// Waits for what an earlier connection was promised. False: the disk has not answered in time, and nothing is known.
pub(super) async fn settle(before: &mut Lasting, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    while let Some((Packet { id, step }, receipt)) = before.pending.front_mut() {
        let Ok(outcome) = tokio::time::timeout_at(deadline, receipt).await else { return false };
        match (step, outcome) {
            (Step::Pubrec, Outcome::Taken { .. } | Outcome::Unrouted) => before.received.push(*id),
            (Step::Pubrec, Outcome::Failed(_)) => {
                // Not everybody has it: it is sent again, and then taken.
                if let Some(feed) = &before.feed {
                    drop(feed.spool().unclaim(received(feed, *id)));
                }
            }
            _ => {}
        }
        before.pending.pop_front();
    }
    true
}

impl Session {
    /// Where a session that is to last keeps what it must know again.
    fn lasting_feed(&self) -> Option<&Feed> {
        self.feed.as_ref().filter(|_| !self.expiry.is_zero())
    }

    /// What the session knows of a PUBLISH at QoS 2 already; none when it is new.
    pub(super) fn known(&mut self, publish: &Publish) -> Result<Option<Next>, End> {
        if publish.qos() != Qos::ExactlyOnce {
            return Ok(None);
        }
        let id = publish.id();
        match self.exchanges.received.get(&id) {
            None => return Ok(None),
            Some(Received::Known) => self.acks.known(Packet { id, step: Step::Pubrec }, Answer::Taken),
            Some(Received::Pending) => {}
            Some(Received::Going) => return Err(End::Malformed(MqttError::ProtocolError)),
        }
        Ok(Some(Next::Read))
    }

    /// A PUBLISH at QoS 2 is handed to the router; the claim is what the spool keeps with it.
    pub(super) fn begin_exchange(&mut self, packet: Packet) -> Option<Claim> {
        if packet.step != Step::Pubrec {
            return None;
        }
        self.exchanges.received.insert(packet.id, Received::Pending);
        self.lasting_feed().map(|feed| received(feed, packet.id))
    }

    /// PUBREC is about to be sent. `taken`: the id stays until PUBREL; else it is free again.
    pub(super) fn received(&mut self, id: u16, taken: bool) {
        if taken {
            self.exchanges.received.insert(id, Received::Known);
            return;
        }
        self.exchanges.received.remove(&id);
        if let Some(feed) = self.lasting_feed() {
            // Some of its destinations may have it, and the claim with it.
            drop(feed.spool().unclaim(received(feed, id)));
        }
    }

    /// PUBREL: the client will not send it again.
    pub(super) fn released_by_client(&mut self, id: u16) -> Result<(), End> {
        let packet = Packet { id, step: Step::Pubcomp };
        match self.exchanges.received.get_mut(&id) {
            Some(state @ Received::Known) => *state = Received::Going,
            // PUBCOMP is on its way.
            Some(Received::Going) => return Ok(()),
            Some(Received::Pending) => return Err(End::Malformed(MqttError::ProtocolError)),
            None => {
                self.wire.pubcomp(id, false);
                return Ok(());
            }
        }
        match self.lasting_feed() {
            Some(feed) => self.acks.wait(packet, feed.spool().unclaim(received(feed, id))),
            None => self.acks.known(packet, Answer::Taken),
        }
        Ok(())
    }

    /// The claim on a received id has gone.
    pub(super) fn complete(&mut self, id: u16) {
        self.exchanges.received.remove(&id);
        self.wire.pubcomp(id, true);
    }

    /// PUBREC: the client has an event, or does not want it.
    pub(super) fn taken_by_client(&mut self, id: u16, failed: bool) {
        let at = self.in_flight.iter().position(|(sent, _)| *sent == id);
        let Some((_, Place::Own(seq))) = at.and_then(|at| self.in_flight.remove(at)) else { return };
        if failed {
            // Its id is free without a release (MQTT 5, 4.3.3).
            self.done(seq);
        } else {
            self.exchanges.released.push_back(id);
            self.release(Packet { id, step: Step::Pubrel }, seq);
        }
    }

    /// An event that an earlier connection was sent and that goes to nobody now: its id is released without it.
    pub(super) fn withdraw(&mut self, seq: u64) {
        let id = id_of(seq);
        self.exchanges.released.push_back(id);
        self.release(Packet { id, step: Step::Withdraw }, seq);
    }

    fn release(&mut self, packet: Packet, seq: u64) {
        match self.lasting_feed() {
            Some(feed) => {
                let receipt = feed.spool().claim(released(feed, packet.id), vec![seq]);
                self.acks.wait(packet, receipt);
            }
            None => {
                self.done(seq);
                self.acks.known(packet, Answer::Taken);
            }
        }
    }

    /// An id is to be released that this connection has not sent anything under.
    pub(super) fn owe(&mut self, id: u16) {
        self.free(id);
        self.exchanges.owed.push_back(id);
    }

    /// Sends the releases that are owed, as far as the client's window allows.
    pub(super) fn pay(&mut self) {
        while let Some(id) = self.exchanges.owed.front().copied() {
            if self.unacknowledged_count() >= usize::from(self.wire.window()) || !self.wire.adopt(id) {
                return;
            }
            self.exchanges.owed.pop_front();
            self.exchanges.released.push_back(id);
            self.wire.pubrel(id);
        }
    }

    /// PUBCOMP: the exchange is over.
    pub(super) fn completed_by_client(&mut self, id: u16) {
        let packet = Packet { id, step: Step::Free };
        match self.lasting_feed() {
            // Until the claim has gone the id is not used again: after a crash it would be released too early.
            Some(feed) => self.acks.wait(packet, feed.spool().unclaim(released(feed, id))),
            None => self.free(id),
        }
    }

    /// An id of ours may be used again.
    pub(super) fn free(&mut self, id: u16) {
        self.exchanges.released.retain(|known| *known != id);
    }

    /// Whether an id of ours is in use, so that an event that would have it must wait.
    pub(super) fn is_busy(&self, id: u16) -> bool {
        let exchanges = &self.exchanges;
        exchanges.released.contains(&id)
            || exchanges.owed.contains(&id)
            || self.in_flight.iter().any(|(sent, _)| *sent == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_deliveries_stay_in_their_half() {
        for seq in [0, 1, 32_767, 32_768, u64::MAX] {
            assert!(is_twice(id_of(seq)));
        }
        assert_eq!((id_of(5), id_of(32_768 + 5)), (0x8005, 0x8005));
        assert!(!is_twice(super::super::wire::RECEIVE_MAX));
    }
}
