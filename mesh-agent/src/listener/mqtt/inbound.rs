//! A client's PUBLISH: from a packet to a permitted event, to the router, to an acknowledgement.

use mesh_protocol::desired::DeniedV3Publish;
use mesh_protocol::event::{DeliveryMode, Event, Headers};
use mesh_protocol::policy::Action;
use mesh_protocol::topic::Topic;
use mqtt_protocol_core::mqtt::packet::Qos;
use mqtt_protocol_core::mqtt::result_code::{DisconnectReasonCode, PubackReasonCode};

use super::acks::{Answer, Cause, Packet, Step};
use super::metered::Charged;
use super::session::{End, Next, Session};
use super::wire::{Broken, Expiry, Publish};
use crate::listener::refusal;
use crate::policy::{Denied, Permit};
use crate::router::{Admission, Admitted, EVENT_OVERHEAD_BYTES};

/// A permitted publish that waits for its quota, or for room in the byte budget. Until it has it, its client is not read.
#[derive(Debug)]
pub(super) struct Parked {
    /// How it is answered; none = not at all (QoS 0).
    packet: Option<Packet>,
    pub(super) event: Admitted,
    /// Its quota is to be waited for.
    pub(super) over_quota: bool,
    /// How much room it needs.
    pub(super) bytes: usize,
}

impl Session {
    pub(super) fn publish(&mut self, publish: &Publish) -> Result<Next, End> {
        if let Some(next) = self.known(publish)? {
            return Ok(next);
        }
        self.check_features(publish)?;
        let topic = self.topic(publish.topic())?;
        let (headers, ttl_ms) = publish.headers().map_err(|Broken(error)| End::Malformed(error))?;
        let event = self.event(publish, topic, headers, ttl_ms);
        if let Err(limit) = event.check() {
            self.server.metrics.rejected.one();
            return self.refuse(publish, PubackReasonCode::QuotaExceeded, limit.to_string(), Cause::Rejected);
        }
        let topic = event.topic.clone();
        match self.server.common.enforcer.permit(&self.client, event) {
            Ok(permit) => match self.charge(publish, &topic) {
                Charged::Paid => Ok(self.accept(publish, self.let_in(permit))),
                Charged::Later => {
                    self.park(publish, self.let_in(permit), true);
                    Ok(Next::Wait)
                }
                Charged::Not(over) => self.refuse_over_quota(publish, &over),
            },
            Err(denied) => self.deny(publish, &topic, &denied),
        }
    }

    /// What is diverted is no traffic of its topic: it is counted apart, and the observer hears nothing of it.
    fn let_in(&self, permit: Permit) -> Admitted {
        let event = permit.admit();
        if event.is_diverted() {
            self.server.metrics.diverted.one();
        } else {
            self.watcher.produced(&event.event().topic, &event.event().payload, None);
        }
        event
    }

    /// What is not so large.
    fn check_features(&mut self, publish: &Publish) -> Result<(), End> {
        let limits = self.server.common.limits.get();
        if publish.payload_len() > limits.payload_bytes_max {
            self.server.metrics.rejected.one();
            let why = format!(
                "the payload has {} bytes: at most {} are accepted",
                publish.payload_len(),
                limits.payload_bytes_max
            );
            return Err(End::told(DisconnectReasonCode::PacketTooLarge, why));
        }
        Ok(())
    }

    fn topic(&mut self, name: &str) -> Result<Topic, End> {
        if let Some(topic) = self.last_topic.as_ref().filter(|topic| topic.as_str() == name) {
            return Ok(topic.clone());
        }
        if name.contains(['+', '#']) {
            return Err(End::told(DisconnectReasonCode::TopicNameInvalid, "a topic to publish to holds no + or #"));
        }
        let topic =
            Topic::new(name).map_err(|error| End::told(DisconnectReasonCode::TopicNameInvalid, error.to_string()))?;
        self.last_topic = Some(topic.clone());
        Ok(topic)
    }

    fn event(&self, publish: &Publish, topic: Topic, headers: Headers, ttl_ms: Expiry) -> Event {
        let admitted_at_ms = self.server.common.admission_ms(&topic, publish.retain());
        Event {
            topic,
            payload: publish.payload(),
            key: self.key.clone(),
            headers,
            mode: if publish.qos() == Qos::AtMostOnce { DeliveryMode::Direct } else { DeliveryMode::Guaranteed },
            admitted_at_ms,
            ttl_ms,
            origin: self.origin.clone(),
            path: Vec::new(),
            retain: publish.retain(),
        }
    }

    fn accept(&mut self, publish: &Publish, event: Admitted) -> Next {
        let from = Some(self.attachment.id());
        if publish.qos() == Qos::AtMostOnce {
            self.server.common.router.publish_direct(event, from);
            return Next::Read;
        }
        let parked = parked(publish, event, false);
        match self.server.common.router.budget().try_take(parked.bytes) {
            Ok(admission) => {
                self.publish_parked(parked, admission);
                Next::Read
            }
            Err(_) => {
                self.parked = Some(parked);
                Next::Wait
            }
        }
    }

    fn park(&mut self, publish: &Publish, event: Admitted, over_quota: bool) {
        self.parked = Some(parked(publish, event, over_quota));
    }

    /// Hands a publish to the router; its acknowledgement follows its receipt.
    pub(super) fn publish_parked(&mut self, parked: Parked, admission: Admission) {
        let Some(packet) = parked.packet else {
            self.server.common.router.publish_direct(parked.event, Some(self.attachment.id()));
            return;
        };
        let claim = self.begin_exchange(packet);
        let (router, from) = (&self.server.common.router, Some(self.attachment.id()));
        let receipt = match claim {
            Some(claim) => router.publish_claimed(parked.event, admission, from, claim),
            None => router.publish(vec![parked.event], admission, from),
        };
        self.acks.wait(packet, receipt);
    }

    fn deny(&mut self, publish: &Publish, topic: &Topic, denied: &Denied) -> Result<Next, End> {
        let (code, end) = match denied {
            // Counted and told where it was found.
            Denied::Invalid(_) => {
                self.server.metrics.invalid.one();
                (PubackReasonCode::PayloadFormatInvalid, DisconnectReasonCode::PayloadFormatInvalid)
            }
            _ => {
                self.server.metrics.denied.one();
                self.watcher.refused(refusal(Action::Publish, topic.as_str(), denied));
                (PubackReasonCode::NotAuthorized, DisconnectReasonCode::NotAuthorized)
            }
        };
        if self.wire.is_v5() {
            return self.refuse(publish, code, denied.to_string(), Cause::Denied);
        }
        match self.server.common.limits.get().denied_v3_publish {
            DeniedV3Publish::Disconnect => Err(End::told(end, denied.to_string())),
            DeniedV3Publish::Acknowledge => {
                if publish.qos() != Qos::AtMostOnce {
                    self.acks.known(packet(publish), Answer::Taken);
                }
                Ok(Next::Read)
            }
        }
    }

    /// Answers a publish that goes nowhere; at QoS 0 there is no answer, on MQTT 3.1.1 the connection ends.
    pub(super) fn refuse(
        &mut self,
        publish: &Publish,
        code: PubackReasonCode,
        why: String,
        cause: Cause,
    ) -> Result<Next, End> {
        if !self.wire.is_v5() {
            return Err(End::told(DisconnectReasonCode::ImplementationSpecificError, why));
        }
        if publish.qos() != Qos::AtMostOnce {
            self.acks.known(packet(publish), Answer::Refused { code, why, cause });
        }
        Ok(Next::Read)
    }
}

fn parked(publish: &Publish, event: Admitted, over_quota: bool) -> Parked {
    let bytes = event.event().payload.len() + EVENT_OVERHEAD_BYTES;
    let packet = (publish.qos() != Qos::AtMostOnce).then(|| packet(publish));
    Parked { packet, event, over_quota, bytes }
}

fn packet(publish: &Publish) -> Packet {
    let step = if publish.qos() == Qos::ExactlyOnce { Step::Pubrec } else { Step::Puback };
    Packet { id: publish.id(), step }
}
