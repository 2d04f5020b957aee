//! Bytes to packets and back, for one connection and either version of MQTT.
//!
//! `mqtt-protocol-core` keeps the protocol's state: framing, validation, packet ids, receive maximum, topic aliases, packet
//! size. This module is the only one that knows its types for packets; the session sees [`Packet`], and says what to
//! send in words that mean the same in both versions. What is sent gathers in [`Wire::out`] and goes to the socket in one
//! write per wake-up.
//!
//! PUBLISH is written by [`publish`] itself: the core would copy every payload and allocate a dozen times per packet. For
//! QoS 1 and 2 it is given a stub, so that it still owns the ids and the window. Which publishes at QoS 2 are known is the
//! session's matter, because the core would answer one that comes again before the first is in custody.

mod incoming;
mod publish;

use bytes::BytesMut;
use mqtt_protocol_core::mqtt::common::{Cursor, HashSet};
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event};
use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, GenericPacket, GenericPacketTrait, Property, Qos, ReasonString, ReceiveMaximum,
    ServerReference, SessionExpiryInterval, SharedSubscriptionAvailable, TopicAliasMaximum, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode, MqttError, PubackReasonCode, PubcompReasonCode,
    PubrecReasonCode, SubackReasonCode, SubackReturnCode, UnsubackReasonCode,
};
use mqtt_protocol_core::mqtt::{Connection, Version, role};

pub(super) use incoming::{Connect, Expiry, Packet, Publish, Will};
pub(super) use publish::Outgoing;

/// Room in a packet beside its payload: topic, headers, user properties.
const PACKET_OVERHEAD_MAX: usize = 320 * 1024;
/// Guaranteed publishes a client may have unacknowledged.
pub(super) const RECEIVE_MAX: u16 = 1_000;
/// Topic aliases a client may set; each costs up to a topic's length of memory.
const TOPIC_ALIAS_MAX: u16 = 32;

type Core = Connection<role::Server>;

/// The protocol state of one connection.
pub(super) struct Wire {
    core: Box<Core>,
    /// What waits to be written to the socket.
    pub(super) out: BytesMut,
    /// The client's own limit on packets sent to it, in bytes.
    packet_max: usize,
    /// The client's own limit on unacknowledged packets.
    window: u16,
    /// The client wants reason strings with every packet.
    verbose: bool,
    /// The core has the beginning of a packet.
    mid_packet: bool,
}

/// The bytes are no MQTT, or break its rules; the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) MqttError);

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("out", &self.out.len()).finish_non_exhaustive()
    }
}

/// What a client is told that is let in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Welcome<'a> {
    /// The client id it did not choose itself.
    pub(super) assigned: Option<&'a str>,
    /// Its session was here already.
    pub(super) session_present: bool,
    /// How long its session outlives the connection, in seconds.
    pub(super) expiry_s: u32,
}

impl Wire {
    /// For a new connection at a listener that takes payloads up to so many bytes.
    pub(super) fn new(payload_bytes_max: usize) -> Self {
        let packet_max = u32::try_from(payload_bytes_max + PACKET_OVERHEAD_MAX).unwrap_or(u32::MAX);
        let options = ConnectionOptions::new().maximum_packet_size_recv(packet_max);
        Self {
            core: Box::new(Core::with_options(Version::Undetermined, options)),
            out: BytesMut::new(),
            packet_max: usize::MAX,
            window: RECEIVE_MAX,
            verbose: true,
            mid_packet: false,
        }
    }

    /// Whether the client speaks MQTT 5.
    pub(super) fn is_v5(&self) -> bool {
        self.core.get_protocol_version() == Version::V5_0
    }

    /// Whether what was read so far ends inside a packet.
    pub(super) const fn is_mid_packet(&self) -> bool {
        self.mid_packet
    }

    /// Unacknowledged packets the client allows, or we do.
    pub(super) const fn window(&self) -> u16 {
        self.window
    }

    /// The next packet of the input; none when it ends before the packet does (what was read is kept).
    pub(super) fn next(&mut self, input: &mut Cursor<&[u8]>) -> Result<Option<Packet>, Broken> {
        let end = input.get_ref().len() as u64;
        while input.position() < end {
            let (mut packet, mut broken) = (None, None);
            let events = self.core.recv(input);
            self.mid_packet = events.is_empty();
            for event in events {
                match event {
                    Event::NotifyPacketReceived(received) => packet = Some(received),
                    Event::RequestSendPacket { packet, .. } => self.write(&packet),
                    Event::NotifyError(error) => broken = Some(Broken(error)),
                    Event::RequestClose => broken = broken.or(Some(Broken(MqttError::ProtocolError))),
                    Event::NotifyPacketIdReleased(_)
                    | Event::RequestTimerReset { .. }
                    | Event::RequestTimerCancel(_) => {}
                }
            }
            if let Some(broken) = broken {
                return Err(broken);
            }
            if let Some(packet) = packet {
                let packet = incoming::read(packet)?;
                if let Packet::Publish(publish) = &packet
                    && publish.qos() == Qos::ExactlyOnce
                {
                    self.core.restore_qos2_publish_handled(HashSet::default());
                }
                if let Packet::Connect(connect) = &packet {
                    self.packet_max = connect.packet_max;
                    self.window = connect.window.min(RECEIVE_MAX);
                    self.verbose = connect.problem_information;
                }
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    fn write(&mut self, packet: &GenericPacket<u16>) {
        self.out.extend_from_slice(&packet.to_continuous_buffer());
    }

    fn send(&mut self, packet: impl Into<GenericPacket<u16>>) {
        for event in self.core.send(packet.into()) {
            match event {
                Event::RequestSendPacket { packet, .. } => self.write(&packet),
                Event::NotifyError(error) => tracing::debug!(%error, "packet not sent"),
                _ => {}
            }
        }
    }

    /// Lets the client in.
    pub(super) fn welcome(&mut self, welcome: &Welcome<'_>) {
        let present = welcome.session_present;
        if !self.is_v5() {
            let connack = v3_1_1::Connack::builder().session_present(present).return_code(ConnectReturnCode::Accepted);
            return self.send(connack.build().expect("all fields set"));
        }
        let mut props: Vec<Property> = vec![
            SessionExpiryInterval::new(welcome.expiry_s).expect("valid").into(),
            ReceiveMaximum::new(RECEIVE_MAX).expect("not zero").into(),
            SharedSubscriptionAvailable::new(0).expect("0 or 1").into(),
            TopicAliasMaximum::new(TOPIC_ALIAS_MAX).expect("valid").into(),
        ];
        if let Some(id) = welcome.assigned.and_then(|id| AssignedClientIdentifier::new(id).ok()) {
            props.push(id.into());
        }
        let connack =
            v5_0::Connack::builder().session_present(present).reason_code(ConnectReasonCode::Success).props(props);
        self.send(connack.build().expect("all fields set"));
    }

    /// Does not let the client in. `at`: who would.
    pub(super) fn turn_away(&mut self, code: ConnectReasonCode, why: &str, at: Option<&str>) {
        if !self.is_v5() {
            let code = v3_return_code(code);
            let connack = v3_1_1::Connack::builder().session_present(false).return_code(code);
            return self.send(connack.build().expect("all fields set"));
        }
        let connack =
            v5_0::Connack::builder().session_present(false).reason_code(code).props(self.reason_and_server(why, at));
        self.send(connack.build().expect("all fields set"));
    }

    /// MQTT 3.1.1's answer to a version nobody speaks here (3.1, or something newer).
    pub(super) fn turn_away_unknown_version(&mut self) {
        self.out.extend_from_slice(&[0x20, 2, 0, 1]);
    }

    /// Acknowledges a QoS 1 publish, or (MQTT 5) says why it was not taken.
    pub(super) fn puback(&mut self, id: u16, code: PubackReasonCode, why: Option<&str>) {
        if !self.is_v5() {
            return self.send(v3_1_1::Puback::builder().packet_id(id).build().expect("id is not zero"));
        }
        let mut puback = v5_0::Puback::builder().packet_id(id);
        if code != PubackReasonCode::Success {
            puback = puback.reason_code(code);
        }
        if let Some(why) = why.filter(|_| self.verbose) {
            puback = puback.props(self.reason(why));
        }
        self.send(puback.build().expect("id is not zero"));
    }

    /// The same for a publish at QoS 2.
    pub(super) fn pubrec(&mut self, id: u16, code: PubackReasonCode, why: Option<&str>) {
        if !self.is_v5() {
            return self.send(v3_1_1::Pubrec::builder().packet_id(id).build().expect("id is not zero"));
        }
        let mut pubrec = v5_0::Pubrec::builder().packet_id(id);
        if code != PubackReasonCode::Success {
            // Both packets have the same codes.
            let code = PubrecReasonCode::try_from(code as u8).unwrap_or(PubrecReasonCode::UnspecifiedError);
            pubrec = pubrec.reason_code(code);
        }
        if let Some(why) = why.filter(|_| self.verbose) {
            pubrec = pubrec.props(self.reason(why));
        }
        self.send(pubrec.build().expect("id is not zero"));
    }

    /// Ends an exchange that the client began. Not `known`: it was over already.
    pub(super) fn pubcomp(&mut self, id: u16, known: bool) {
        if !self.is_v5() {
            return self.send(v3_1_1::Pubcomp::builder().packet_id(id).build().expect("id is not zero"));
        }
        let pubcomp = v5_0::Pubcomp::builder().packet_id(id);
        let pubcomp = if known { pubcomp } else { pubcomp.reason_code(PubcompReasonCode::PacketIdentifierNotFound) };
        self.send(pubcomp.build().expect("id is not zero"));
    }

    /// Releases a delivery that the client has.
    pub(super) fn pubrel(&mut self, id: u16) {
        if self.is_v5() {
            self.send(v5_0::Pubrel::builder().packet_id(id).build().expect("id is not zero"));
        } else {
            self.send(v3_1_1::Pubrel::builder().packet_id(id).build().expect("id is not zero"));
        }
    }

    /// Brings the core to where a client has taken a delivery of an earlier connection, so that [`Wire::pubrel`] can
    /// follow. False: not now, because a packet of the client has just begun.
    pub(super) fn adopt(&mut self, id: u16) -> bool {
        if self.mid_packet || self.core.register_packet_id(id).is_err() {
            return false;
        }
        self.stub(id, Qos::ExactlyOnce);
        let [high, low] = id.to_be_bytes();
        // The client's PUBREC, which that connection had.
        let _ = self.core.recv(&mut Cursor::new(&[0x50, 2, high, low][..]));
        true
    }

    /// Answers a SUBSCRIBE, filter by filter.
    pub(super) fn suback(&mut self, id: u16, codes: Vec<SubackReasonCode>) {
        if self.is_v5() {
            self.send(v5_0::Suback::builder().packet_id(id).reason_codes(codes).build().expect("id and codes checked"));
        } else {
            let codes = codes.into_iter().map(v3_suback_code).collect();
            self.send(
                v3_1_1::Suback::builder().packet_id(id).return_codes(codes).build().expect("id and codes checked"),
            );
        }
    }

    /// Answers an UNSUBSCRIBE, filter by filter.
    pub(super) fn unsuback(&mut self, id: u16, codes: Vec<UnsubackReasonCode>) {
        if self.is_v5() {
            self.send(
                v5_0::Unsuback::builder().packet_id(id).reason_codes(codes).build().expect("id and codes checked"),
            );
        } else {
            self.send(v3_1_1::Unsuback::builder().packet_id(id).build().expect("id checked"));
        }
    }

    /// Answers a ping.
    pub(super) fn pong(&mut self) {
        self.out.extend_from_slice(&[0xd0, 0]);
    }

    /// Says why the connection ends; MQTT 3.1.1 has no words for that and is just closed.
    /// `at`: where the client may go on.
    pub(super) fn disconnect(&mut self, code: DisconnectReasonCode, why: &str, at: Option<&str>) {
        if self.is_v5() {
            let packet = v5_0::Disconnect::builder().reason_code(code).props(self.reason_and_server(why, at));
            self.send(packet.build().expect("all fields set"));
        }
    }

    /// Sends an event at QoS 0. False: it is larger than the client allows.
    pub(super) fn publish(&mut self, outgoing: &Outgoing<'_>) -> bool {
        let v5 = self.is_v5();
        publish::write(&mut self.out, outgoing, Qos::AtMostOnce, v5, self.packet_max)
    }

    /// Sends an event at QoS 1 and returns its packet id; none: it is larger than the client allows. The caller keeps
    /// within [`Wire::window`]. `again`: the id under which an earlier connection sent it (MQTT 5, 4.4).
    pub(super) fn publish_acknowledged(&mut self, outgoing: &Outgoing<'_>, again: Option<u16>) -> Option<u16> {
        let again = again.filter(|id| self.core.register_packet_id(*id).is_ok());
        let id = match again {
            Some(id) => id,
            None => self.core.acquire_packet_id().ok()?,
        };
        self.publish_as(outgoing, id, Qos::AtLeastOnce)
    }

    /// Sends an event at QoS 2 under a given id, which nothing else has; an id that is taken all the same makes it QoS 1.
    /// None: it is larger than the client allows.
    pub(super) fn publish_twice(&mut self, outgoing: &Outgoing<'_>, id: u16) -> Option<u16> {
        match self.core.register_packet_id(id) {
            Ok(()) => self.publish_as(outgoing, id, Qos::ExactlyOnce),
            Err(_) => self.publish_acknowledged(outgoing, None),
        }
    }

    fn publish_as(&mut self, outgoing: &Outgoing<'_>, id: u16, qos: Qos) -> Option<u16> {
        let (outgoing, v5) = (Outgoing { id: Some(id), ..*outgoing }, self.is_v5());
        if !publish::write(&mut self.out, &outgoing, qos, v5, self.packet_max) {
            self.core.release_packet_id(id);
            return None;
        }
        self.stub(id, qos);
        Some(id)
    }

    /// Tells the core of a publish that it does not write.
    fn stub(&mut self, id: u16, qos: Qos) {
        let stub: GenericPacket<u16> = if self.is_v5() {
            let stub = v5_0::Publish::builder().topic_name("-").expect("valid").qos(qos).packet_id(id);
            stub.build().expect("all fields set").into()
        } else {
            let stub = v3_1_1::Publish::builder().topic_name("-").expect("valid").qos(qos).packet_id(id);
            stub.build().expect("all fields set").into()
        };
        // The events ask to send the stub; the packet itself is already in `out`.
        let _ = self.core.send(stub);
    }

    fn reason_and_server(&self, why: &str, at: Option<&str>) -> Vec<Property> {
        let mut props = self.reason(why);
        props.extend(at.and_then(|at| ServerReference::new(at).ok()).map(Property::from));
        props
    }

    fn reason(&self, why: &str) -> Vec<Property> {
        // Well below any limit a client sets in earnest; one that allows less gets the code alone.
        let fits = why.len() + 64 <= self.packet_max;
        ReasonString::new(why).ok().filter(|_| fits).map(Property::from).into_iter().collect()
    }
}

const fn v3_return_code(code: ConnectReasonCode) -> ConnectReturnCode {
    match code {
        ConnectReasonCode::Success => ConnectReturnCode::Accepted,
        ConnectReasonCode::UnsupportedProtocolVersion => ConnectReturnCode::UnacceptableProtocolVersion,
        ConnectReasonCode::ClientIdentifierNotValid => ConnectReturnCode::IdentifierRejected,
        ConnectReasonCode::BadUserNameOrPassword => ConnectReturnCode::BadUserNameOrPassword,
        ConnectReasonCode::ServerUnavailable | ConnectReasonCode::ServerBusy | ConnectReasonCode::QuotaExceeded => {
            ConnectReturnCode::ServerUnavailable
        }
        _ => ConnectReturnCode::NotAuthorized,
    }
}

const fn v3_suback_code(code: SubackReasonCode) -> SubackReturnCode {
    match code {
        SubackReasonCode::GrantedQos0 => SubackReturnCode::SuccessMaximumQos0,
        SubackReasonCode::GrantedQos1 => SubackReturnCode::SuccessMaximumQos1,
        SubackReasonCode::GrantedQos2 => SubackReturnCode::SuccessMaximumQos2,
        _ => SubackReturnCode::Failure,
    }
}

#[cfg(test)]
mod tests;
