//! What clients send, without the difference between the versions.

use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::event::Headers;
use mesh_protocol::topic::Topic;
use mqtt_protocol_core::mqtt::ArcPayload;
use mqtt_protocol_core::mqtt::packet::{GenericPacket, MqttString, Property, Qos, SubEntry, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::{MqttError, PubackReasonCode, PubrecReasonCode};

use super::Broken;

/// Payloads up to this length are copied out of their packet, so that they do not keep it alive.
const COPY_BYTES_MAX: usize = 256;

/// A packet of a client.
#[derive(Debug)]
pub(in super::super) enum Packet {
    Connect(Box<Connect>),
    Publish(Publish),
    /// The client has an event, or (MQTT 5) says why it does not take it.
    Puback(u16, Option<PubackReasonCode>),
    /// The client has an event at QoS 2, or (true, MQTT 5) does not take it: then that is the end of it.
    Pubrec(u16, bool),
    /// The client will not send its publish at QoS 2 again.
    Pubrel(u16),
    /// The client will not take an event at QoS 2 for another one any more.
    Pubcomp(u16),
    Subscribe(Subscribe),
    Unsubscribe {
        id: u16,
        filters: Vec<String>,
    },
    Ping,
    Disconnect {
        with_will: bool,
        /// The client changed its mind about how long the session lives.
        session_expiry: Option<Duration>,
    },
}

/// A login.
#[derive(Debug)]
pub(in super::super) struct Connect {
    pub(in super::super) client_id: String,
    pub(in super::super) clean: bool,
    pub(in super::super) keep_alive: Option<Duration>,
    pub(in super::super) username: Option<String>,
    pub(in super::super) password: Option<Vec<u8>>,
    pub(in super::super) will: Option<Will>,
    /// Extended authentication was asked for.
    pub(in super::super) asks_for_method: bool,
    /// How long the client wants its session to outlive the connection.
    pub(in super::super) session_expiry: Duration,
    pub(super) packet_max: usize,
    pub(super) window: u16,
    pub(super) problem_information: bool,
}

/// A will as it was given.
#[derive(Debug)]
pub(in super::super) struct Will {
    pub(in super::super) topic: String,
    pub(in super::super) payload: Bytes,
    pub(in super::super) qos: Qos,
    pub(in super::super) retain: bool,
    pub(in super::super) delay: Duration,
    pub(in super::super) headers: Headers,
    pub(in super::super) expiry: Expiry,
}

/// Time to live, in milliseconds; none = does not expire.
pub(in super::super) type Expiry = Option<u64>;

/// A SUBSCRIBE.
#[derive(Debug)]
pub(in super::super) struct Subscribe {
    pub(in super::super) id: u16,
    pub(in super::super) entries: Vec<SubEntry>,
    /// Comes back with every event these filters matched.
    pub(in super::super) subscription_id: Option<u32>,
}

/// A PUBLISH; topic and payload are read without a copy where that pays.
#[derive(Debug)]
pub(in super::super) enum Publish {
    V3(v3_1_1::Publish),
    V5(v5_0::Publish),
}

pub(super) fn read(packet: GenericPacket<u16>) -> Result<Packet, Broken> {
    Ok(match packet {
        GenericPacket::V3_1_1Connect(connect) => Packet::Connect(Box::new(connect_v3(&connect))),
        GenericPacket::V5_0Connect(connect) => Packet::Connect(Box::new(connect_v5(&connect)?)),
        GenericPacket::V3_1_1Publish(publish) => Packet::Publish(Publish::V3(publish).checked()?),
        GenericPacket::V5_0Publish(publish) => Packet::Publish(Publish::V5(publish).checked()?),
        GenericPacket::V3_1_1Puback(puback) => Packet::Puback(puback.packet_id(), None),
        GenericPacket::V5_0Puback(puback) => {
            let failed = puback.reason_code().filter(|code| *code as u8 >= 0x80);
            Packet::Puback(puback.packet_id(), failed)
        }
        GenericPacket::V3_1_1Pubrec(pubrec) => Packet::Pubrec(pubrec.packet_id(), false),
        GenericPacket::V5_0Pubrec(pubrec) => {
            // As the protocol core sees it, which has freed the id.
            let failed = pubrec.reason_code().is_some_and(|code| code != PubrecReasonCode::Success);
            Packet::Pubrec(pubrec.packet_id(), failed)
        }
        GenericPacket::V3_1_1Pubrel(pubrel) => Packet::Pubrel(pubrel.packet_id()),
        GenericPacket::V5_0Pubrel(pubrel) => Packet::Pubrel(pubrel.packet_id()),
        GenericPacket::V3_1_1Pubcomp(pubcomp) => Packet::Pubcomp(pubcomp.packet_id()),
        GenericPacket::V5_0Pubcomp(pubcomp) => Packet::Pubcomp(pubcomp.packet_id()),
        GenericPacket::V3_1_1Subscribe(packet) => subscribe(packet.packet_id(), packet.entries(), &[])?,
        GenericPacket::V5_0Subscribe(packet) => subscribe(packet.packet_id(), packet.entries(), packet.props())?,
        GenericPacket::V3_1_1Unsubscribe(packet) => unsubscribe(packet.packet_id(), packet.entries())?,
        GenericPacket::V5_0Unsubscribe(packet) => unsubscribe(packet.packet_id(), packet.entries())?,
        GenericPacket::V3_1_1Pingreq(_) | GenericPacket::V5_0Pingreq(_) => Packet::Ping,
        GenericPacket::V3_1_1Disconnect(_) => Packet::Disconnect { with_will: false, session_expiry: None },
        GenericPacket::V5_0Disconnect(packet) => Packet::Disconnect {
            with_will: packet.reason_code().is_some_and(|code| code as u8 != 0),
            session_expiry: packet.props().as_ref().and_then(|props| props.iter().find_map(expiry)),
        },
        // AUTH without a method.
        _ => return Err(Broken(MqttError::ProtocolError)),
    })
}

fn connect_v3(connect: &v3_1_1::Connect) -> Connect {
    let will = connect.will_topic().filter(|_| connect.will_flag()).map(|topic| Will {
        topic: topic.to_owned(),
        payload: Bytes::copy_from_slice(connect.will_payload().unwrap_or_default()),
        qos: connect.will_qos(),
        retain: connect.will_retain(),
        delay: Duration::ZERO,
        headers: Headers::default(),
        expiry: None,
    });
    Connect {
        client_id: connect.client_id().to_owned(),
        clean: connect.clean_session(),
        keep_alive: keep_alive(connect.keep_alive()),
        username: connect.user_name().map(str::to_owned),
        password: connect.password().map(<[u8]>::to_vec),
        will,
        asks_for_method: false,
        // A session of this version that is not clean knows no end.
        session_expiry: if connect.clean_session() { Duration::ZERO } else { Duration::MAX },
        packet_max: usize::MAX,
        window: u16::MAX,
        problem_information: false,
    }
}

fn expiry(property: &Property) -> Option<Duration> {
    match property {
        Property::SessionExpiryInterval(seconds) => Some(Duration::from_secs(seconds.val().into())),
        _ => None,
    }
}

fn connect_v5(connect: &v5_0::Connect) -> Result<Connect, Broken> {
    let will = match connect.will_topic().filter(|_| connect.will_flag()) {
        Some(topic) => Some(will_v5(topic, connect)?),
        None => None,
    };
    let mut read = Connect {
        client_id: connect.client_id().to_owned(),
        clean: connect.clean_start(),
        keep_alive: keep_alive(connect.keep_alive()),
        username: connect.user_name().map(str::to_owned),
        password: connect.password().map(<[u8]>::to_vec),
        will,
        asks_for_method: false,
        session_expiry: Duration::ZERO,
        packet_max: usize::MAX,
        window: u16::MAX,
        problem_information: true,
    };
    for property in connect.props() {
        match property {
            Property::SessionExpiryInterval(_) => read.session_expiry = expiry(property).unwrap_or_default(),
            Property::MaximumPacketSize(max) => read.packet_max = usize::try_from(max.val()).unwrap_or(usize::MAX),
            Property::ReceiveMaximum(max) => read.window = max.val(),
            Property::RequestProblemInformation(wanted) => read.problem_information = wanted.val() != 0,
            Property::AuthenticationMethod(_) => read.asks_for_method = true,
            _ => {}
        }
    }
    Ok(read)
}

fn will_v5(topic: &str, connect: &v5_0::Connect) -> Result<Will, Broken> {
    let (headers, expiry) = headers(connect.will_props())?;
    let delay = connect.will_props().iter().find_map(|property| match property {
        Property::WillDelayInterval(seconds) => Some(Duration::from_secs(seconds.val().into())),
        _ => None,
    });
    Ok(Will {
        topic: topic.to_owned(),
        payload: Bytes::copy_from_slice(connect.will_payload().unwrap_or_default()),
        qos: connect.will_qos(),
        retain: connect.will_retain(),
        delay: delay.unwrap_or_default(),
        headers,
        expiry,
    })
}

fn keep_alive(seconds: u16) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

fn subscribe(id: u16, entries: &[SubEntry], props: &[Property]) -> Result<Packet, Broken> {
    if id == 0 || entries.is_empty() {
        return Err(Broken(MqttError::ProtocolError));
    }
    let subscription_id = props.iter().find_map(|property| match property {
        Property::SubscriptionIdentifier(id) => Some(id.val()),
        _ => None,
    });
    if subscription_id == Some(0) {
        return Err(Broken(MqttError::ProtocolError));
    }
    Ok(Packet::Subscribe(Subscribe { id, entries: entries.to_vec(), subscription_id }))
}

fn unsubscribe(id: u16, filters: &[MqttString]) -> Result<Packet, Broken> {
    if id == 0 || filters.is_empty() {
        return Err(Broken(MqttError::ProtocolError));
    }
    Ok(Packet::Unsubscribe { id, filters: filters.iter().map(|filter| filter.as_str().to_owned()).collect() })
}

impl Publish {
    fn checked(self) -> Result<Self, Broken> {
        if self.qos() != Qos::AtMostOnce && self.id() == 0 {
            return Err(Broken(MqttError::ProtocolError));
        }
        Ok(self)
    }

    pub(in super::super) fn topic(&self) -> &str {
        match self {
            Self::V3(packet) => packet.topic_name(),
            Self::V5(packet) => packet.topic_name(),
        }
    }

    pub(in super::super) fn qos(&self) -> Qos {
        match self {
            Self::V3(packet) => packet.qos(),
            Self::V5(packet) => packet.qos(),
        }
    }

    pub(in super::super) fn retain(&self) -> bool {
        match self {
            Self::V3(packet) => packet.retain(),
            Self::V5(packet) => packet.retain(),
        }
    }

    /// The packet id; 0 at QoS 0.
    pub(in super::super) fn id(&self) -> u16 {
        match self {
            Self::V3(packet) => packet.packet_id(),
            Self::V5(packet) => packet.packet_id(),
        }
        .unwrap_or(0)
    }

    fn raw_payload(&self) -> &ArcPayload {
        match self {
            Self::V3(packet) => packet.payload(),
            Self::V5(packet) => packet.payload(),
        }
    }

    pub(in super::super) fn payload_len(&self) -> usize {
        self.raw_payload().len()
    }

    pub(in super::super) fn payload(&self) -> Bytes {
        let payload = self.raw_payload();
        if payload.len() <= COPY_BYTES_MAX {
            return Bytes::copy_from_slice(payload.as_slice());
        }
        Bytes::from_owner(Shared(payload.clone()))
    }

    /// Metadata and time to live.
    pub(in super::super) fn headers(&self) -> Result<(Headers, Expiry), Broken> {
        match self {
            Self::V3(_) => Ok((Headers::default(), None)),
            Self::V5(packet) => headers(packet.props()),
        }
    }
}

/// A payload inside its packet.
struct Shared(ArcPayload);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// MQTT's properties as an event's headers. User properties named `traceparent`, `message-id` and `schema-ref` are those
/// headers, as they are on the way out.
fn headers(props: &[Property]) -> Result<(Headers, Expiry), Broken> {
    let (mut headers, mut expiry) = (Headers::default(), None);
    for property in props {
        match property {
            Property::ContentType(text) => headers.content_type = Some(text.val().to_owned()),
            Property::CorrelationData(data) => headers.correlation_id = Some(Bytes::copy_from_slice(data.val())),
            Property::ResponseTopic(topic) => headers.reply_to = Some(response_topic(topic.val())?),
            Property::MessageExpiryInterval(seconds) => expiry = Some(u64::from(seconds.val()) * 1_000),
            Property::UserProperty(pair) => user(&mut headers, pair.key(), pair.val()),
            Property::SubscriptionIdentifier(_) => return Err(Broken(MqttError::ProtocolError)),
            _ => {}
        }
    }
    Ok((headers, expiry))
}

fn response_topic(text: &str) -> Result<Topic, Broken> {
    if text.contains(['+', '#']) {
        return Err(Broken(MqttError::ProtocolError));
    }
    Topic::new(text).map_err(|_| Broken(MqttError::TopicNameInvalid))
}

fn user(headers: &mut Headers, key: &str, value: &str) {
    let known = match key {
        "traceparent" => &mut headers.traceparent,
        "message-id" => &mut headers.message_id,
        "schema-ref" => &mut headers.schema_ref,
        _ => return headers.user.push((key.to_owned(), value.to_owned())),
    };
    *known = Some(value.to_owned());
}
