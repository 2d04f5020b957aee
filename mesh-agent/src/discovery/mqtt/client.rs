//! A client of an MQTT broker that only listens: MQTT 3.1.1, which brokers of either version speak, a clean session, no will, no
//! acknowledgements. What it subscribes to it takes at QoS 0: whatever is sent at a higher one waits in a queue of the broker
//! until it is acknowledged, and a queue that is full loses the rest without a word.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event};
use mqtt_protocol_core::mqtt::packet::{GenericPacket, GenericPacketTrait, Qos, SubEntry, SubOpts, v3_1_1};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, MqttError};
use mqtt_protocol_core::mqtt::{Connection, Version, role};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::kafka::secret::Secret;

/// Longest wait for a connection, and for the answer to a packet.
const ANSWER: Duration = Duration::from_secs(10);
/// The broker hangs up when nothing was sent for one and a half times this. Longer than any pause between two scans.
const KEEP_ALIVE_S: u16 = 120;
/// Largest packet that is read. MQTT 3.1.1 has no way to tell a broker so.
const PACKET_BYTES_MAX: u32 = 8 * 1024 * 1024;
/// Read at once.
const READ_BYTES: usize = 16 * 1024;

/// Where a broker is and how to get in.
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    /// None = without TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) login: Option<(String, Secret)>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{host}:{}", self.port)
    }
}

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("cannot be reached")]
    Connect(#[source] io::Error),
    #[error(
        "gives no secure connection: its certificate must be valid for that name and come from an authority that this machine \
         knows or that was named for it"
    )]
    Tls(#[source] io::Error),
    /// The user or the password is not the broker's.
    #[error("does not let it in")]
    Login,
    #[error("does not take the connection: {0}")]
    Refused(&'static str),
    #[error("did not answer within 10 s")]
    Late,
    #[error("ended the connection")]
    Ended(#[source] io::Error),
    #[error("sent a message of more than 8 MiB, which cannot be read, nor what comes after it")]
    TooLarge,
    #[error("speaks no MQTT 3.1.1")]
    Broken(#[source] MqttError),
}

/// A message that came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    /// It was kept for whoever comes later; without it, it was just sent.
    pub(super) retained: bool,
}

/// What is done with messages. Whether one counts is the answer: silence is when none comes that does.
pub(super) type Take<'a> = &'a mut (dyn FnMut(Message<'_>) -> bool + Send);

/// Why listening ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing came for a while.
    Quiet,
    /// The time is over, or it was too much.
    Cut,
}

/// How long to listen, and to how much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) quiet: Duration,
    pub(super) time: Duration,
    pub(super) bytes: usize,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub(super) struct Client {
    stream: Box<dyn Stream>,
    core: Box<Connection<role::Client>>,
    /// Read from the socket, and not looked at from `at` on.
    input: Vec<u8>,
    at: usize,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// A client id that says whose it is, of a length that every broker takes, and no other agent's.
fn client_id() -> String {
    format!("meshport-discovery-{:04x}", rand::random::<u16>())
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) async fn connect(place: &Place) -> Result<Self, Trouble> {
        let mut client = timeout(ANSWER, Self::open(place)).await.map_err(|_| Trouble::Late)??;
        let connect = v3_1_1::Connect::builder().client_id(client_id()).map_err(Trouble::Broken)?;
        let mut connect = connect.clean_session(true).keep_alive(KEEP_ALIVE_S);
        if let Some((username, password)) = &place.login {
            connect = connect.user_name(username.as_str()).map_err(Trouble::Broken)?;
            connect = connect.password(password.expose()).map_err(Trouble::Broken)?;
        }
        client.send(connect.build().map_err(Trouble::Broken)?).await?;
        let code = client
            .answer(&mut |_| false, |packet| match packet {
                GenericPacket::V3_1_1Connack(connack) => Some(connack.return_code()),
                _ => None,
            })
            .await?;
        match code {
            ConnectReturnCode::Accepted => Ok(client),
            ConnectReturnCode::BadUserNameOrPassword | ConnectReturnCode::NotAuthorized => Err(Trouble::Login),
            ConnectReturnCode::UnacceptableProtocolVersion => Err(Trouble::Refused("it does not speak MQTT 3.1.1")),
            ConnectReturnCode::IdentifierRejected => {
                Err(Trouble::Refused("it does not take the client id (meshport-discovery-...)"))
            }
            ConnectReturnCode::ServerUnavailable => Err(Trouble::Refused("it says that it is not available")),
        }
    }

    async fn open(place: &Place) -> Result<Self, Trouble> {
        let tcp = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(Trouble::Connect)?;
        let stream: Box<dyn Stream> = match &place.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let name = ServerName::try_from(place.host.clone());
                let name = name.map_err(|error| Trouble::Tls(io::Error::other(error)))?;
                Box::new(TlsConnector::from(tls.clone()).connect(name, tcp).await.map_err(Trouble::Tls)?)
            }
        };
        let options = ConnectionOptions::new().maximum_packet_size_recv(PACKET_BYTES_MAX);
        let core = Box::new(Connection::with_options(Version::V3_1_1, options));
        Ok(Self { stream, core, input: Vec::new(), at: 0 })
    }

    /// Subscribes at QoS 0. Whether the broker permits it, as far as it says so.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) async fn subscribe(&mut self, filter: &str, take: Take<'_>) -> Result<bool, Trouble> {
        let id = self.core.acquire_packet_id().map_err(Trouble::Broken)?;
        let entry = SubEntry::new(filter, SubOpts::new().set_qos(Qos::AtMostOnce)).map_err(Trouble::Broken)?;
        let subscribe = v3_1_1::Subscribe::builder().packet_id(id).entries(vec![entry]);
        self.send(subscribe.build().map_err(Trouble::Broken)?).await?;
        self.answer(take, |packet| match packet {
            GenericPacket::V3_1_1Suback(suback) if suback.packet_id() == id => {
                Some(suback.return_codes().iter().all(|code| code.is_success()))
            }
            _ => None,
        })
        .await
    }

    /// Takes a subscription back.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) async fn unsubscribe(&mut self, filter: &str, take: Take<'_>) -> Result<(), Trouble> {
        let id = self.core.acquire_packet_id().map_err(Trouble::Broken)?;
        let unsubscribe = v3_1_1::Unsubscribe::builder().packet_id(id).entries(vec![filter]);
        let unsubscribe = unsubscribe.map_err(Trouble::Broken)?.build().map_err(Trouble::Broken)?;
        self.send(unsubscribe).await?;
        self.answer(take, |packet| match packet {
            GenericPacket::V3_1_1Unsuback(unsuback) => (unsuback.packet_id() == id).then_some(()),
            _ => None,
        })
        .await
    }

    /// Asks whether the broker is there. With its answer everything has come in that it sent before.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) async fn ping(&mut self, take: Take<'_>) -> Result<(), Trouble> {
        self.send(v3_1_1::Pingreq::builder().build().map_err(Trouble::Broken)?).await?;
        self.answer(take, |packet| matches!(packet, GenericPacket::V3_1_1Pingresp(_)).then_some(())).await
    }

    /// Listens until it is quiet, or it was enough.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) async fn listen(&mut self, bounds: Bounds, take: Take<'_>) -> Result<End, Trouble> {
        let end = Instant::now() + bounds.time;
        let mut quiet = Instant::now() + bounds.quiet;
        let mut bytes = 0;
        loop {
            match timeout_at(quiet.min(end), self.next()).await {
                Err(_) => return Ok(if quiet <= end { End::Quiet } else { End::Cut }),
                Ok(packet) => {
                    if let GenericPacket::V3_1_1Publish(publish) = packet? {
                        bytes += publish.size();
                        if told(&publish, take) {
                            quiet = Instant::now() + bounds.quiet;
                        }
                    }
                }
            }
            // Where much is sent that does not count, the wait above never ends.
            let now = Instant::now();
            if now >= quiet {
                return Ok(End::Quiet);
            }
            if now >= end || bytes > bounds.bytes {
                return Ok(End::Cut);
            }
        }
    }

    /// Waits for one packet, and takes the messages that come before it.
    async fn answer<T>(&mut self, take: Take<'_>, is: impl Fn(&GenericPacket<u16>) -> Option<T>) -> Result<T, Trouble> {
        let end = Instant::now() + ANSWER;
        loop {
            let packet = timeout_at(end, self.next()).await.map_err(|_| Trouble::Late)??;
            if let GenericPacket::V3_1_1Publish(publish) = &packet {
                told(publish, take);
            } else if let Some(answer) = is(&packet) {
                return Ok(answer);
            }
            if Instant::now() >= end {
                return Err(Trouble::Late);
            }
        }
    }

    async fn send(&mut self, packet: impl Into<GenericPacket<u16>>) -> Result<(), Trouble> {
        let mut out = Vec::new();
        for event in self.core.send(packet.into()) {
            match event {
                Event::RequestSendPacket { packet, .. } => out.extend_from_slice(&packet.to_continuous_buffer()),
                Event::NotifyError(error) => return Err(Trouble::Broken(error)),
                _ => {}
            }
        }
        let sent = async {
            self.stream.write_all(&out).await?;
            self.stream.flush().await
        };
        timeout(ANSWER, sent).await.map_err(|_| Trouble::Late)?.map_err(Trouble::Ended)
    }

    /// The next packet. Cancel safe: what was read is kept.
    async fn next(&mut self) -> Result<GenericPacket<u16>, Trouble> {
        loop {
            while self.at < self.input.len() {
                let mut cursor = Cursor::new(&self.input[self.at..]);
                let events = self.core.recv(&mut cursor);
                self.at += usize::try_from(cursor.position()).expect("a place in a buffer");
                if let Some(packet) = received(events)? {
                    return Ok(packet);
                }
            }
            self.input.resize(READ_BYTES, 0);
            self.at = READ_BYTES;
            let read = self.stream.read(&mut self.input).await.map_err(Trouble::Ended)?;
            if read == 0 {
                return Err(Trouble::Ended(io::ErrorKind::UnexpectedEof.into()));
            }
            self.input.truncate(read);
            self.at = 0;
        }
    }
}

/// The packet among what the protocol says of some bytes.
fn received(events: Vec<Event>) -> Result<Option<GenericPacket<u16>>, Trouble> {
    let mut packet = None;
    for event in events {
        match event {
            Event::NotifyPacketReceived(received) => packet = Some(received),
            Event::NotifyError(MqttError::PacketTooLarge) => return Err(Trouble::TooLarge),
            Event::NotifyError(error) => return Err(Trouble::Broken(error)),
            // Nothing is to be acknowledged at QoS 0, and the pings are sent by hand.
            _ => {}
        }
    }
    Ok(packet)
}

fn told(publish: &v3_1_1::Publish, take: Take<'_>) -> bool {
    take(Message { topic: publish.topic_name(), payload: publish.payload().as_slice(), retained: publish.retain() })
}
