//! One agent's control session: a WebSocket over mTLS that the agent dialled.
//!
//! ```text
//! agent                            portal
//!   | -- Hello -------------------> |   version range, revision, deny list
//!   | <----------- Welcome/Refused -|
//!   | <-- Desired, DenyList --------|   newest only: a slow agent skips what is outdated
//!   | -- Status, Report, Ping ----> |
//!   | <-- ReportAck, Pong ----------|
//!   | <-- Publish, OpenTail --------|   asked by people
//!   | -- Published, TailEvents ---> |
//! ```
//! Nothing here is kept that the agent could not be told again: a lost session heals with the next Hello.

mod requests;

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mesh_protocol::id::AgentId;
use mesh_protocol::wire::{
    HEARTBEAT_INTERVAL_MS, Hello, MESSAGE_BYTES_MAX, PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, ToAgent, ToControl,
};

use super::{AgentsState, Peer};
use crate::app::error::chain;
use crate::app::fleet::{End, Seat};
use crate::app::{App, Error};
use requests::Requests;
use tokio::time::Instant;

/// A session without a message for this long is over.
const SILENCE: Duration = Duration::from_millis(3 * HEARTBEAT_INTERVAL_MS);
/// How long the agent may take for its Hello, and a message to leave.
const PATIENCE: Duration = Duration::from_secs(10);

/// `GET /agents/v1/session`.
pub(super) async fn open(
    State(state): State<AgentsState>,
    Extension(peer): Extension<Peer>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(agent) = peer.agent else {
        let reason = "a session needs the agent's certificate: join first";
        return (StatusCode::UNAUTHORIZED, reason).into_response();
    };
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    upgrade.on_upgrade(move |socket| async move {
        let session = Session { app: state.app, agent, socket };
        let stopping = state.tasks.token().clone();
        tokio::select! {
            () = session.run(peer) => {}
            () = stopping.cancelled() => {}
        }
    })
}

struct Session {
    app: App,
    agent: AgentId,
    socket: WebSocket,
}

/// Why a session ended, for the log.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the agent closed it")]
    Closed,
    #[error("the agent was silent for too long")]
    Silent,
    #[error("the connection broke")]
    Broken(#[source] axum::Error),
    #[error("the agent sent a message that cannot be read")]
    Unreadable(#[source] serde_json::Error),
    #[error("{0}")]
    Told(String),
    #[error("the portal failed")]
    Failed(#[source] Error),
}

impl Session {
    async fn run(mut self, peer: Peer) {
        let hello = match self.hello().await {
            Ok(hello) => hello,
            Err(ended) => {
                tracing::info!(agent = %self.agent, error = %chain(&ended), "a session ended before its hello");
                return;
            }
        };
        let address = peer.address.ip().to_string();
        let seat = match self.app.begin_session_of(self.agent, &hello, &address).await {
            Ok(seat) => seat,
            Err(error) => {
                let reason = match error {
                    Error::NotFound { .. } => {
                        "this portal does not know the agent: join again with a new token".to_owned()
                    }
                    Error::Conflict(reason) => reason,
                    error => {
                        tracing::error!(error = %chain(&error), "a session could not begin");
                        "the portal failed: its log says why".to_owned()
                    }
                };
                self.refuse(reason, false).await;
                return;
            }
        };
        let session = seat.session;
        tracing::info!(agent = %self.agent, version = hello.agent_version, %address, "an agent is online");
        let (app, agent) = (self.app.clone(), self.agent);
        // However the session ends, also by being dropped: the agent is offline.
        let goodbye = Goodbye { app, agent, session };
        let ended = match self.welcome(&hello).await {
            Ok(()) => self.serve(seat).await,
            Err(ended) => ended,
        };
        tracing::info!(agent = %agent, reason = %chain(&ended), "an agent is offline");
        goodbye.say().await;
    }

    /// The agent speaks first.
    async fn hello(&mut self) -> Result<Hello, Ended> {
        let first = tokio::time::timeout(PATIENCE, self.receive()).await.map_err(|_| Ended::Silent)??;
        let ToControl::Hello(hello) = first else {
            self.refuse("the first message must be a hello".to_owned(), false).await;
            return Err(Ended::Told("the first message was not a hello".to_owned()));
        };
        if hello.version_max < PROTOCOL_VERSION_MIN || hello.version_min > PROTOCOL_VERSION {
            let too_old = hello.version_max < PROTOCOL_VERSION_MIN;
            let reason = format!(
                "the agent speaks protocol versions {} to {}, this portal {PROTOCOL_VERSION_MIN} to {PROTOCOL_VERSION}: update {}",
                hello.version_min,
                hello.version_max,
                if too_old { "the agent" } else { "the portal" },
            );
            self.refuse(reason.clone(), too_old).await;
            return Err(Ended::Told(reason));
        }
        Ok(hello)
    }

    async fn welcome(&mut self, hello: &Hello) -> Result<(), Ended> {
        let version = hello.version_max.min(PROTOCOL_VERSION);
        let portal_version = env!("CARGO_PKG_VERSION").to_owned();
        self.send(&ToAgent::Welcome { version, portal_version }).await
    }

    /// The rollout pushes to this seat as soon as it runs; it was woken when the session began.
    async fn serve(&mut self, mut seat: Seat) -> Ended {
        let mut requests = Requests::default();
        let mut heard = Instant::now();
        loop {
            let step = tokio::select! {
                message = tokio::time::timeout_at(heard + SILENCE, self.receive()) => {
                    heard = Instant::now();
                    match message {
                        Err(_) => Err(Ended::Silent),
                        Ok(Err(ended)) => Err(ended),
                        Ok(Ok(message)) => self.take(message, &mut requests).await,
                    }
                }
                Ok(()) = seat.desired.changed() => {
                    let document = seat.desired.borrow_and_update().clone();
                    match document {
                        Some(document) => self.send(&ToAgent::Desired((*document).clone())).await,
                        None => Ok(()),
                    }
                }
                Ok(()) = seat.deny_list.changed() => {
                    let document = seat.deny_list.borrow_and_update().clone();
                    match document {
                        Some(document) => self.send(&ToAgent::DenyList((*document).clone())).await,
                        None => Ok(()),
                    }
                }
                Some(request) = seat.requests.recv() => {
                    let message = requests.open(request);
                    self.send(&message).await
                }
                message = requests.closed_tail() => self.send(&message).await,
                Ok(()) = seat.end.changed() => {
                    let end = seat.end.borrow().clone();
                    Err(self.end(end).await)
                }
            };
            if let Err(ended) = step {
                return ended;
            }
        }
    }

    async fn take(&mut self, message: ToControl, requests: &mut Requests) -> Result<(), Ended> {
        match message {
            ToControl::Hello(_) => Err(Ended::Told("a second hello in one session".to_owned())),
            ToControl::Ping => self.send(&ToAgent::Pong).await,
            ToControl::Status(status) => self.app.take_status(self.agent, &status).await.map_err(Ended::Failed),
            ToControl::Report { id, report } => {
                let refused = self.app.take_report(self.agent, id, report).await.map_err(Ended::Failed)?;
                self.send(&ToAgent::ReportAck { id, refused }).await
            }
            ToControl::Published { request, outcome } => {
                requests.published(request, outcome);
                Ok(())
            }
            ToControl::TailEvents { request, events, dropped } => {
                requests.events(request, events, dropped);
                Ok(())
            }
            ToControl::QueueAnswer { request, answer } => {
                requests.of_queue(request, answer);
                Ok(())
            }
            ToControl::TopicAnswer { request, answer } => {
                requests.of_topic(request, answer);
                Ok(())
            }
            ToControl::TailClosed { request, reason } => {
                requests.ended(request, reason);
                Ok(())
            }
        }
    }

    async fn receive(&mut self) -> Result<ToControl, Ended> {
        loop {
            let message = self.socket.recv().await.ok_or(Ended::Closed)?.map_err(Ended::Broken)?;
            match message {
                Message::Text(text) => return serde_json::from_str(&text).map_err(Ended::Unreadable),
                Message::Binary(bytes) => return serde_json::from_slice(&bytes).map_err(Ended::Unreadable),
                Message::Close(_) => return Err(Ended::Closed),
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    async fn send(&mut self, message: &ToAgent) -> Result<(), Ended> {
        let text = serde_json::to_string(message).map_err(Ended::Unreadable)?;
        match tokio::time::timeout(PATIENCE, self.socket.send(Message::Text(text.into()))).await {
            Ok(sent) => sent.map_err(Ended::Broken),
            Err(_) => Err(Ended::Silent),
        }
    }

    async fn end(&mut self, end: Option<End>) -> Ended {
        match end {
            Some(End::Refused(reason)) => {
                self.refuse(reason.clone(), false).await;
                Ended::Told(reason)
            }
            Some(End::Stopping) | None => {
                // The agent may be gone first; either way the session is over.
                let _gone = self.socket.send(Message::Close(None)).await;
                Ended::Told("the portal stops".to_owned())
            }
        }
    }

    async fn refuse(&mut self, reason: String, update_required: bool) {
        // The session ends either way; an agent that is gone does not need the reason.
        let _unheard = self.send(&ToAgent::Refused { reason, update_required }).await;
        let _gone = self.socket.send(Message::Close(None)).await;
    }
}

/// Marks the agent offline.
struct Goodbye {
    app: App,
    agent: AgentId,
    session: uuid::Uuid,
}

impl Goodbye {
    async fn say(self) {
        if let Err(error) = self.app.end_session_of(self.agent, self.session).await {
            tracing::warn!(agent = %self.agent, error = %chain(&error), "the end of a session could not be noted");
        }
    }
}

impl Drop for Goodbye {
    fn drop(&mut self) {
        // A session that is cut while the portal stops: the seat is free, and silence tells the rest.
        self.app.fleet().leave(self.agent, self.session);
    }
}
