//! A client of an MQTT listener that asks and goes: MQTT 5, a clean start, a session that ends with the connection, a client id
//! of its own, no will. It subscribes without what is retained, and unsubscribes at once. It never publishes.

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event};
use mqtt_protocol_core::mqtt::packet::{
    GenericPacket, GenericPacketTrait, Properties, Property, Qos, RetainHandling, SubEntry, SubOpts, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{ConnectReasonCode, MqttError, SubackReasonCode};
use mqtt_protocol_core::mqtt::{Connection as Core, Version, role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::climb::{Login, Odd, is_tls};
use super::dial::{Connection, Time};

/// Largest packet that is read; what is retained is not asked for, so that only live events may be larger, and end the test.
const PACKET_BYTES_MAX: u32 = 1024 * 1024;
/// The first byte of what a listener answers first.
const CONNACK: u8 = 0x20;
/// Read at once.
const READ_BYTES: usize = 4 * 1024;
/// The listener hangs up when nothing was sent for one and a half times this; longer than a test.
const KEEP_ALIVE_S: u16 = 60;

/// A connection that was answered.
pub(super) struct Client {
    io: Connection,
    core: Box<Core<role::Client>>,
    input: Vec<u8>,
    at: usize,
    /// Something came.
    is_answered: bool,
    time: Time,
}

/// What a listener said to a client that connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    In,
    /// The user name or the secret is none of its.
    Login(String),
    /// It knows who it is, and does not let it in.
    Refused(String),
    /// Not now.
    Later(String),
}

impl Client {
    /// Connects, and hears what it is answered.
    pub(super) async fn open(io: Connection, login: &Login, time: Time) -> Result<(Self, Welcome), Odd> {
        let options = ConnectionOptions::new().maximum_packet_size_recv(PACKET_BYTES_MAX);
        let core = Box::new(Core::with_options(Version::V5_0, options));
        let mut client = Self { io, core, input: Vec::new(), at: 0, is_answered: false, time };
        let connect = connect(login).map_err(|_| Odd::broken("The user name or secret cannot be sent over MQTT."))?;
        client.send(connect).await?;
        let answer = client
            .answer(|packet| match packet {
                GenericPacket::V5_0Connack(connack) => Some(welcome(connack)),
                _ => None,
            })
            .await?;
        Ok((client, answer))
    }

    /// What it says to subscriptions to these filters, each in the signs of MQTT: why it refuses; none = it does not.
    pub(super) async fn subscribe(&mut self, filters: &[&str]) -> Result<Vec<Option<String>>, Odd> {
        let broken = |_| Odd::broken("The filters cannot be sent over MQTT.");
        let options = || SubOpts::new().set_qos(Qos::AtMostOnce).set_rh(RetainHandling::DoNotSendRetained);
        let entries: Result<Vec<_>, MqttError> =
            filters.iter().map(|filter| SubEntry::new(*filter, options())).collect();
        let id = self.core.acquire_packet_id().map_err(broken)?;
        let subscribe = v5_0::Subscribe::builder().packet_id(id).entries(entries.map_err(broken)?);
        self.send(subscribe.build().map_err(broken)?).await?;
        let codes = self
            .answer(|packet| match packet {
                GenericPacket::V5_0Suback(suback) if suback.packet_id() == id => Some(suback.reason_codes()),
                _ => None,
            })
            .await?;
        if codes.len() != filters.len() {
            return Err(Odd::broken("It answered about other filters."));
        }
        Ok(codes.into_iter().map(refusal).collect())
    }

    /// Takes the subscriptions back and goes. What goes wrong now is no news: the session ends with the connection.
    pub(super) async fn leave(mut self, filters: &[&str]) {
        if !filters.is_empty()
            && let Ok(id) = self.core.acquire_packet_id()
            && let Ok(unsubscribe) = v5_0::Unsubscribe::builder().packet_id(id).entries(filters.to_vec())
            && let Ok(packet) = unsubscribe.build()
        {
            _ = self.send(packet).await;
        }
        if let Ok(packet) = v5_0::Disconnect::builder().build() {
            _ = self.send(packet).await;
        }
        _ = self.time.bound(self.io.shutdown()).await;
    }

    /// Waits for one packet; events that come along are nobody's business here.
    async fn answer<T>(&mut self, is: impl Fn(&GenericPacket<u16>) -> Option<T>) -> Result<T, Odd> {
        let time = self.time;
        let waited = time.bound(async {
            loop {
                if let Some(answer) = is(&self.next().await?) {
                    return Ok(answer);
                }
            }
        });
        waited.await.ok_or(Odd::Late)?
    }

    async fn send(&mut self, packet: impl Into<GenericPacket<u16>>) -> Result<(), Odd> {
        let mut out = Vec::new();
        for event in self.core.send(packet.into()) {
            match event {
                Event::RequestSendPacket { packet, .. } => out.extend_from_slice(&packet.to_continuous_buffer()),
                Event::NotifyError(_) => return Err(Odd::broken("The connection is not as MQTT has it.")),
                _ => {}
            }
        }
        let sent = async {
            self.io.write_all(&out).await?;
            self.io.flush().await
        };
        self.time.bound(sent).await.ok_or(Odd::Late)?.map_err(|_| Odd::Closed)
    }

    async fn next(&mut self) -> Result<GenericPacket<u16>, Odd> {
        loop {
            while self.at < self.input.len() {
                let mut cursor = Cursor::new(&self.input[self.at..]);
                let events = self.core.recv(&mut cursor);
                self.at += usize::try_from(cursor.position()).unwrap_or(usize::MAX).min(self.input.len() - self.at);
                if let Some(packet) = received(events)? {
                    return Ok(packet);
                }
            }
            self.input.resize(READ_BYTES, 0);
            self.at = READ_BYTES;
            let read = self.io.read(&mut self.input).await.map_err(|_| Odd::Closed)?;
            if read == 0 {
                return Err(Odd::Closed);
            }
            self.input.truncate(read);
            self.at = 0;
            if is_tls(&self.input) {
                return Err(Odd::Tls);
            }
            // The first packet is CONNACK: whoever sends anything else would be waited for as if it were a long packet.
            if !std::mem::replace(&mut self.is_answered, true) && self.input[0] != CONNACK {
                return Err(Odd::broken("What answers there does not speak MQTT 5."));
            }
        }
    }
}

fn received(events: Vec<Event>) -> Result<Option<GenericPacket<u16>>, Odd> {
    let mut packet = None;
    for event in events {
        match event {
            Event::NotifyPacketReceived(received) => packet = Some(received),
            Event::NotifyError(_) => return Err(Odd::broken("What answers there does not speak MQTT 5.")),
            _ => {}
        }
    }
    Ok(packet)
}

fn connect(login: &Login) -> Result<v5_0::Connect, MqttError> {
    let connect = v5_0::Connect::builder().client_id(login.client_id.as_str())?;
    let connect = connect.clean_start(true).keep_alive(KEEP_ALIVE_S);
    connect.user_name(login.username.as_str())?.password(login.expose())?.build()
}

fn welcome(connack: &v5_0::Connack) -> Welcome {
    let code = connack.reason_code();
    let why = reason(connack.props()).unwrap_or_else(|| format!("{code}"));
    match code {
        ConnectReasonCode::Success => Welcome::In,
        ConnectReasonCode::BadUserNameOrPassword => Welcome::Login(why),
        ConnectReasonCode::ServerUnavailable
        | ConnectReasonCode::ServerBusy
        | ConnectReasonCode::QuotaExceeded
        | ConnectReasonCode::ConnectionRateExceeded => Welcome::Later(why),
        _ => Welcome::Refused(why),
    }
}

fn refusal(code: SubackReasonCode) -> Option<String> {
    match code {
        SubackReasonCode::GrantedQos0 | SubackReasonCode::GrantedQos1 | SubackReasonCode::GrantedQos2 => None,
        SubackReasonCode::NotAuthorized => Some("the policy that the agent enforces does not allow it".to_owned()),
        SubackReasonCode::QuotaExceeded => Some("a quota is used up".to_owned()),
        other => Some(other.to_string()),
    }
}

fn reason(properties: &Properties) -> Option<String> {
    properties.iter().find_map(|property| match property {
        Property::ReasonString(reason) => Some(reason.val().to_owned()),
        _ => None,
    })
}
