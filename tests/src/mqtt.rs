//! An independent MQTT 5 client that tells what became of each packet.

mod old;
pub(crate) mod raw;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::wait::until;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, PubRecReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub use old::OldClient;

use crate::SOON;
use crate::mesh::Login;

/// Publishes on their way to the connection; a test that sends faster waits.
const QUEUE: usize = 64;
/// Largest packet the client takes; it would take 10 KB by itself and end the connection at a larger one.
const PACKET_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Between two attempts of a client that connects again.
const RETRY: Duration = Duration::from_millis(200);

/// A connected client; it connects again when its connection ends. Dropping it ends the connection without a DISCONNECT.
#[derive(Debug)]
pub struct MqttClient {
    client: AsyncClient,
    seen: Arc<Mutex<Seen>>,
    _task: JoinSet<()>,
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// It may have been delivered before, as the DUP flag says.
    pub dup: bool,
    /// When.
    pub at: Instant,
}

/// What the connection has told so far.
#[derive(Debug, Default)]
struct Seen {
    messages: Vec<Message>,
    connections: usize,
    acknowledged: usize,
    losses: Vec<String>,
    /// Handed to the client, not yet on the wire; in order.
    unsent: VecDeque<oneshot::Sender<PubAckReason>>,
    unacknowledged: BTreeMap<u16, oneshot::Sender<PubAckReason>>,
    subscribed: VecDeque<Vec<SubscribeReasonCode>>,
}

impl MqttClient {
    /// Connects with the user name as client id.
    ///
    /// # Errors
    /// The listener refuses or cannot be reached; with its reason.
    pub async fn connect(address: &str, login: &Login) -> anyhow::Result<Self> {
        Self::connect_as(address, &login.username, &login.secret, &login.username).await
    }

    /// The same with a session that outlives its connections by an hour.
    ///
    /// # Errors
    /// The listener refuses or cannot be reached; with its reason.
    pub async fn connect_lasting(address: &str, login: &Login) -> anyhow::Result<Self> {
        let mut options = Self::options(address, &login.username, &login.secret, &login.username)?;
        options.set_clean_start(false).set_session_expiry_interval(Some(3_600));
        Self::connect_with(options, &login.username).await
    }

    /// Connects with any credentials and client id.
    ///
    /// # Errors
    /// The listener refuses or cannot be reached; with its reason.
    pub async fn connect_as(address: &str, username: &str, secret: &str, client_id: &str) -> anyhow::Result<Self> {
        Self::connect_with(Self::options(address, username, secret, client_id)?, username).await
    }

    fn options(address: &str, username: &str, secret: &str, client_id: &str) -> anyhow::Result<MqttOptions> {
        let (host, port) = address.rsplit_once(':').context("an address has a port")?;
        let mut options = MqttOptions::new(client_id, host, port.parse().context("a port is a number")?);
        options.set_credentials(username, secret).set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(Some(PACKET_BYTES_MAX));
        Ok(options)
    }

    async fn connect_with(options: MqttOptions, username: &str) -> anyhow::Result<Self> {
        let (client, events) = AsyncClient::new(options, QUEUE);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut task = JoinSet::new();
        task.spawn(follow(events, Arc::clone(&seen)));
        let connected = Self { client, seen, _task: task };
        // A refusal is an answer too: it must not be waited out.
        let refusal = until("the listener answers the MQTT client", SOON, async || {
            let seen = connected.seen();
            let refused = (!seen.losses.is_empty()).then(|| seen.losses.join("; "));
            Ok((seen.connections > 0).then_some(None).or_else(|| refused.map(Some)))
        })
        .await?;
        anyhow::ensure!(refusal.is_none(), "{username} was refused: {}", refusal.unwrap_or_default());
        Ok(connected)
    }

    /// The first refusal of a client that must not get in.
    ///
    /// # Errors
    /// It was let in.
    pub async fn refusal(address: &str, username: &str, secret: &str) -> anyhow::Result<String> {
        let (host, port) = address.rsplit_once(':').context("an address has a port")?;
        let mut options = MqttOptions::new("refused", host, port.parse().context("a port is a number")?);
        options.set_credentials(username, secret);
        let (_client, mut events) = AsyncClient::new(options, QUEUE);
        match tokio::time::timeout(SOON, events.poll()).await.context("wait for the listener's answer")? {
            Ok(event) => anyhow::bail!("the client was let in: {event:?}"),
            Err(error) => Ok(error.to_string()),
        }
    }

    /// Subscribes and waits for the answer.
    ///
    /// # Errors
    /// No answer comes, or it is a refusal.
    pub async fn subscribe(&self, filter: &str) -> anyhow::Result<()> {
        let reason = self.try_subscribe(filter).await?;
        anyhow::ensure!(matches!(reason, SubscribeReasonCode::Success(_)), "{filter} was refused: {reason:?}");
        Ok(())
    }

    /// Subscribes and returns the answer, whatever it is.
    ///
    /// # Errors
    /// No answer comes.
    pub async fn try_subscribe(&self, filter: &str) -> anyhow::Result<SubscribeReasonCode> {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.context("send SUBSCRIBE")?;
        let answer = until("SUBACK comes", SOON, async || Ok(self.seen().subscribed.pop_front())).await?;
        answer.first().cloned().context("a SUBACK has a reason")
    }

    /// Publishes with QoS 1; the answer comes later, or never when the connection ends.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn send(
        &self,
        topic: &str,
        payload: impl Into<Vec<u8>>,
    ) -> anyhow::Result<oneshot::Receiver<PubAckReason>> {
        self.send_at(QoS::AtLeastOnce, topic, payload).await
    }

    /// The same with QoS 2: the answer is a refusal, or comes when the exchange is over.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn send_once(
        &self,
        topic: &str,
        payload: impl Into<Vec<u8>>,
    ) -> anyhow::Result<oneshot::Receiver<PubAckReason>> {
        self.send_at(QoS::ExactlyOnce, topic, payload).await
    }

    async fn send_at(
        &self,
        qos: QoS,
        topic: &str,
        payload: impl Into<Vec<u8>>,
    ) -> anyhow::Result<oneshot::Receiver<PubAckReason>> {
        let (answer, answered) = oneshot::channel();
        self.seen().unsent.push_back(answer);
        self.client.publish(topic, qos, false, payload.into()).await.context("send PUBLISH")?;
        Ok(answered)
    }

    /// Publishes with QoS 1 and waits for the answer.
    ///
    /// # Errors
    /// No answer comes.
    pub async fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>) -> anyhow::Result<PubAckReason> {
        let answered = self.send(topic, payload).await?;
        let answer =
            tokio::time::timeout(SOON, answered).await.with_context(|| format!("wait for the PUBACK of {topic}"))?;
        answer.with_context(|| format!("the connection ended before the PUBACK of {topic}"))
    }

    /// Messages that arrived so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.seen().messages.clone()
    }

    /// Those after the first so many.
    #[must_use]
    pub fn messages_after(&self, seen: usize) -> Vec<Message> {
        self.seen().messages.get(seen..).unwrap_or_default().to_vec()
    }

    /// Waits for the first message on a topic.
    ///
    /// # Errors
    /// None comes.
    pub async fn message(&self, topic: &str) -> anyhow::Result<Message> {
        until(&format!("a message on {topic} arrives"), SOON, async || {
            Ok(self.seen().messages.iter().find(|message| message.topic == topic).cloned())
        })
        .await
    }

    /// How often it has connected: 1 = its first connection still stands, or was lost and not made again.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen().connections
    }

    /// How many publishes were acknowledged with success so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.seen().acknowledged
    }

    /// Why connections ended so far.
    #[must_use]
    pub fn losses(&self) -> Vec<String> {
        self.seen().losses.clone()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the connection and notes what it says.
async fn follow(mut events: EventLoop, seen: Arc<Mutex<Seen>>) {
    loop {
        let event = events.poll().await;
        let mut lost = false;
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => seen.connections += 1,
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                    let (payload, dup) = (publish.payload.to_vec(), publish.dup);
                    seen.messages.push(Message { topic, payload, dup, at: Instant::now() });
                }
                Ok(Event::Incoming(Packet::PubAck(ack))) => {
                    seen.acknowledged += usize::from(ack.reason == PubAckReason::Success);
                    if let Some(answer) = seen.unacknowledged.remove(&ack.pkid) {
                        let _ = answer.send(ack.reason);
                    }
                }
                Ok(Event::Incoming(Packet::PubRec(ack))) => {
                    let refusal = match ack.reason {
                        PubRecReason::Success | PubRecReason::NoMatchingSubscribers => None,
                        PubRecReason::NotAuthorized => Some(PubAckReason::NotAuthorized),
                        _ => Some(PubAckReason::UnspecifiedError),
                    };
                    if let Some(refusal) = refusal
                        && let Some(answer) = seen.unacknowledged.remove(&ack.pkid)
                    {
                        let _ = answer.send(refusal);
                    }
                }
                Ok(Event::Incoming(Packet::PubComp(ack))) => {
                    // Also for an id that is not known any more: an earlier connection ended before it was told.
                    seen.acknowledged += 1;
                    if let Some(answer) = seen.unacknowledged.remove(&ack.pkid) {
                        let _ = answer.send(PubAckReason::Success);
                    }
                }
                Ok(Event::Incoming(Packet::SubAck(ack))) => seen.subscribed.push_back(ack.return_codes),
                Ok(Event::Outgoing(Outgoing::Publish(pkid))) => {
                    // A publish that is sent again after a new connection keeps its number and is known.
                    if !seen.unacknowledged.contains_key(&pkid)
                        && let Some(answer) = seen.unsent.pop_front()
                    {
                        seen.unacknowledged.insert(pkid, answer);
                    }
                }
                Ok(Event::Incoming(Packet::Disconnect(packet))) => {
                    seen.losses.push(format!("DISCONNECT {:?}", packet.reason_code));
                }
                Ok(_) => {}
                Err(error) => {
                    seen.losses.push(error.to_string());
                    lost = true;
                }
            }
        }
        if lost {
            tokio::time::sleep(RETRY).await;
        }
    }
}
