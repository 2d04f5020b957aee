//! The control session: a WebSocket over mTLS that the agent dials, and dials again for ever.
//!
//! ```text
//! dial -> TLS -> WebSocket -> Hello -> Welcome -> reads and writes side by side until one ends -> backoff -> dial
//!                                   -> Refused -> backoff
//! ```
//! Nothing that a lost session could lose matters: Hello carries what the agent has, documents are judged by the
//! ledger, reports are kept until acknowledged. Reading and writing are separate, so that two full directions cannot
//! block each other. Tails and publishes belong to one session and end with it.

mod dial;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use mesh_protocol::browse::TopicAsk;
use mesh_protocol::queue::{QueueAsk, QueueRef};
use mesh_protocol::wire::{HEARTBEAT_INTERVAL_MS, Hello, PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, ToAgent, ToControl};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;

use self::dial::Socket;
use super::facts::Facts;
use super::outbox::Outbox;
use super::portal::PortalError;
use super::standing::LedgerHandle;
use crate::causes::chain;
use crate::identity::Identity;
use crate::status::now_ms;
use crate::task::Tasks;

/// What this agent can do, as it tells the portal.
const CAPABILITIES: [&str; 11] = [
    "mqtt",
    "http",
    "kafka",
    "fabric",
    "tail",
    "queue",
    "webhook",
    "schema_registry",
    "kafka_connect",
    "rabbit",
    "mqtt_broker",
];
/// Longest pause between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(15);
/// First pause after a session was lost.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// A session that stood this long proves that the portal is well: the next pause is the shortest again.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// A regular status, changes or not.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);
/// Changes within this time go into one status.
const COALESCE: Duration = Duration::from_millis(50);
/// Time for one message to leave.
const SEND_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for the portal's answer to Hello.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);
/// Answers to publishes and tails waiting to leave.
const ANSWERS_MAX: usize = 256;

/// What the portal asks on a person's behalf.
#[derive(Debug)]
pub enum Request {
    /// Publish one event.
    Publish {
        /// The session's number for it.
        request: u64,
        /// On whose rights.
        principal: mesh_protocol::id::PrincipalId,
        /// Where.
        topic: mesh_protocol::topic::Topic,
        /// What.
        payload: String,
        /// Direct or guaranteed.
        mode: mesh_protocol::event::DeliveryMode,
    },
    /// Watch a filter until [`Request::CloseTail`] or the end of the session.
    OpenTail {
        /// The session's number for it.
        request: u64,
        /// On whose rights.
        principal: mesh_protocol::id::PrincipalId,
        /// What to watch.
        filter: mesh_protocol::topic::Filter,
        /// Payloads are cut to this.
        payload_bytes_max: u32,
    },
    /// Look at a queue, or do something to what is in it.
    AskQueue {
        /// The session's number for it.
        request: u64,
        /// Which queue.
        queue: QueueRef,
        /// What.
        ask: QueueAsk,
    },
    /// Look at records of a Kafka topic.
    AskTopic {
        /// The session's number for it.
        request: u64,
        /// What.
        ask: TopicAsk,
    },
    /// Nobody watches any more.
    CloseTail {
        /// Which.
        request: u64,
    },
}

/// Who serves the portal's requests. Answers go into the channel of the session that asked; when it is closed, nobody
/// waits any more.
pub trait Desk: Send + Sync + std::fmt::Debug {
    /// Takes a request without waiting.
    fn take(&self, request: Request, answers: &mpsc::Sender<ToControl>);
}

/// How the session is, for `mesh-agent status`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionState {
    /// Dialling for the first time or again.
    Connecting {
        /// Why the last attempt or session ended.
        last_error: Option<String>,
    },
    /// Stands.
    Connected {
        /// Milliseconds since the Unix epoch.
        since_ms: i64,
        /// The portal's version.
        portal_version: String,
    },
}

/// What a session needs. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who the agent is, and where the portal is.
    pub identity: watch::Receiver<Arc<Identity>>,
    /// Takes documents.
    pub ledger: LedgerHandle,
    /// Reports.
    pub outbox: Outbox,
    /// The status.
    pub facts: Facts,
    /// Serves the portal's requests.
    pub desk: Arc<dyn Desk>,
    /// Random per process.
    pub boot: String,
}

/// Why a session ended or never stood.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No connection.
    #[error(transparent)]
    Portal(#[from] PortalError),
    /// The WebSocket failed.
    #[error("the control session broke")]
    Socket(#[from] Box<tungstenite::Error>),
    /// The portal says no.
    #[error("the portal refuses this agent: {reason}")]
    Refused {
        /// What to do.
        reason: String,
    },
    /// Nothing came for three heartbeats.
    #[error("the portal fell silent")]
    Silent,
    /// A message could not leave.
    #[error("the portal does not read: a message did not leave in time")]
    Stuck,
    /// Closed by the portal.
    #[error("the portal closed the control session")]
    Closed,
    /// The first message was no answer to Hello.
    #[error("the portal did not answer the greeting as this version expects")]
    NoWelcome,
    /// The certificate changed.
    #[error("the agent has a new certificate and connects with it")]
    Renewed,
    /// The portal does not believe the certificate.
    #[error(
        "the portal does not accept this agent's certificate, which another portal's authority made: move the state \
         folder away and join again with a new token from the site's page"
    )]
    Foreign,
    /// The identity's key and certificate do not work.
    #[error("the agent's certificate cannot be used: move the state folder away and join again")]
    Certificate,
}

impl Session {
    /// Keeps a session up until the tasks are stopped.
    #[must_use]
    pub fn start(self, tasks: &Tasks) -> watch::Receiver<SessionState> {
        let (say, state) = watch::channel(SessionState::Connecting { last_error: None });
        tasks.spawn("session", self.keep_up(say, tasks.token()));
        state
    }

    async fn keep_up(self, say: watch::Sender<SessionState>, token: CancellationToken) {
        let mut backoff = Backoff::default();
        while !token.is_cancelled() {
            let begun = Instant::now();
            let error = self.one(&say, &token).await;
            if token.is_cancelled() {
                break;
            }
            let renewed = matches!(error, SessionError::Renewed);
            if renewed || begun.elapsed() >= STABLE_AFTER {
                backoff = Backoff::default();
            }
            let (pause, told) = (backoff.next(), chain(&error));
            tracing::warn!(error = told, pause_ms = pause.as_millis(), "no control session; trying again");
            say.send_replace(SessionState::Connecting { last_error: Some(told) });
            token.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// One session from dialling to its end.
    async fn one(&self, say: &watch::Sender<SessionState>, token: &CancellationToken) -> SessionError {
        let mut identity = self.identity.clone();
        let current = identity.borrow_and_update().clone();
        let whole = async {
            let greeted = async {
                let mut socket = Box::pin(dial::dial(&current)).await?;
                let portal_version = self.greet(&mut socket).await?;
                Ok::<_, SessionError>((socket, portal_version))
            };
            // A portal that does not answer holds nobody up who wants to stop.
            let greeted = token.run_until_cancelled(greeted).await;
            let (socket, portal_version) = greeted.ok_or(SessionError::Closed)??;
            tracing::info!(portal = %current.portal, portal_version, "control session stands");
            say.send_replace(SessionState::Connected { since_ms: now_ms(), portal_version });
            self.outbox.rewind();
            let (sink, stream) = socket.split();
            let (answers, outgoing) = mpsc::channel(ANSWERS_MAX);
            tokio::select! {
                ended = self.read(stream, answers) => ended,
                ended = self.write(sink, outgoing, token) => ended,
            }
        };
        tokio::select! {
            ended = whole => ended.err().unwrap_or(SessionError::Closed),
            Ok(()) = identity.changed() => SessionError::Renewed,
        }
    }

    /// Hello and its answer: the portal's version.
    async fn greet(&self, socket: &mut Socket) -> Result<String, SessionError> {
        send(socket, &ToControl::Hello(self.hello())).await?;
        let answer = timeout(WELCOME_TIMEOUT, socket.next()).await.map_err(|_| SessionError::Silent)?;
        let text = match answer {
            Some(Ok(Message::Text(text))) => text,
            Some(Err(error)) => return Err(Box::new(error).into()),
            _ => return Err(SessionError::Closed),
        };
        match serde_json::from_str(&text) {
            Ok(ToAgent::Welcome { portal_version, .. }) => Ok(portal_version),
            Ok(ToAgent::Refused { reason, .. }) => Err(SessionError::Refused { reason }),
            _ => Err(SessionError::NoWelcome),
        }
    }

    fn hello(&self) -> Hello {
        let standing = self.facts.standing.borrow();
        Hello {
            version_min: PROTOCOL_VERSION_MIN,
            version_max: PROTOCOL_VERSION,
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            boot: self.boot.clone(),
            applied: standing.accepted.as_ref().map(|accepted| accepted.revision),
            deny_list: standing.deny_list.number,
            sealing_key: Some(self.identity.borrow().sealing.public_hex()),
        }
    }

    async fn read(
        &self,
        mut stream: SplitStream<Socket>,
        answers: mpsc::Sender<ToControl>,
    ) -> Result<(), SessionError> {
        let patience = Duration::from_millis(3 * HEARTBEAT_INTERVAL_MS);
        loop {
            let message = timeout(patience, stream.next()).await.map_err(|_| SessionError::Silent)?;
            match message {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(message) => self.take(message, &answers).await?,
                    // A newer portal may say more than this agent knows; what matters for security is signed elsewhere.
                    Err(error) => tracing::warn!(%error, "a message of the portal is not understood and left aside"),
                },
                Some(Ok(Message::Close(_))) | None => return Err(SessionError::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Box::new(error).into()),
            }
        }
    }

    async fn take(&self, message: ToAgent, answers: &mpsc::Sender<ToControl>) -> Result<(), SessionError> {
        match message {
            ToAgent::Desired(signed) => self.ledger.desired(signed).await,
            ToAgent::DenyList(signed) => self.ledger.deny_list(signed).await,
            ToAgent::ReportAck { id, refused } => self.outbox.acknowledge(id, refused.as_deref()),
            ToAgent::Publish { request, principal, topic, payload, mode } => {
                self.desk.take(Request::Publish { request, principal, topic, payload, mode }, answers);
            }
            ToAgent::OpenTail { request, principal, filter, payload_bytes_max } => {
                self.desk.take(Request::OpenTail { request, principal, filter, payload_bytes_max }, answers);
            }
            ToAgent::CloseTail { request } => self.desk.take(Request::CloseTail { request }, answers),
            ToAgent::AskQueue { request, queue, ask } => {
                self.desk.take(Request::AskQueue { request, queue, ask }, answers);
            }
            ToAgent::AskTopic { request, ask } => self.desk.take(Request::AskTopic { request, ask }, answers),
            ToAgent::Refused { reason, .. } => return Err(SessionError::Refused { reason }),
            ToAgent::Welcome { .. } | ToAgent::Pong => {}
        }
        Ok(())
    }

    async fn write(
        &self,
        mut sink: SplitSink<Socket, Message>,
        mut answers: mpsc::Receiver<ToControl>,
        token: &CancellationToken,
    ) -> Result<(), SessionError> {
        let mut facts = self.facts.clone();
        let mut regular = interval(STATUS_INTERVAL);
        // Unconditional, so that the portal's answers prove it alive also while only this side has something to say.
        let mut heartbeat = interval(Duration::from_millis(HEARTBEAT_INTERVAL_MS));
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        regular.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let text = tokio::select! {
                () = token.cancelled() => {
                    let _ = timeout(Duration::from_secs(1), sink.close()).await;
                    return Ok(());
                }
                _ = heartbeat.tick() => text(&ToControl::Ping),
                _ = regular.tick() => text(&ToControl::Status(facts.status())),
                () = facts.changed() => {
                    sleep(COALESCE).await;
                    regular.reset();
                    text(&ToControl::Status(facts.status()))
                }
                Some(answer) = answers.recv() => text(&answer),
                report = self.outbox.next() => Message::text(&*report),
            };
            push(&mut sink, text).await?;
        }
    }
}

fn text(message: &ToControl) -> Message {
    Message::text(serde_json::to_string(message).expect("a message serializes"))
}

async fn send(socket: &mut Socket, message: &ToControl) -> Result<(), SessionError> {
    push(socket, text(message)).await
}

async fn push<S>(sink: &mut S, message: Message) -> Result<(), SessionError>
where
    S: futures::Sink<Message, Error = tungstenite::Error> + Unpin,
{
    let sent = timeout(SEND_TIMEOUT, sink.send(message)).await.map_err(|_| SessionError::Stuck)?;
    sent.map_err(|error| Box::new(error).into())
}

/// Doubles from [`BACKOFF_MIN`] to [`BACKOFF_MAX`]; half of each pause is random, so that a portal that comes back is
/// not met by all agents at once.
#[derive(Debug, Default)]
struct Backoff {
    attempt: u32,
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let whole = BACKOFF_MIN.saturating_mul(1 << self.attempt.min(10)).min(BACKOFF_MAX);
        self.attempt += 1;
        whole.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests;
