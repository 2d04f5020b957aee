//! Keeps one zenoh session open and as configured. Everything guaranteed survives its end, so it is reopened lightly:
//! when the endpoint, the links or the certificate change, and when the core reports a neighbour linked but silent.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mesh_protocol::frame::envelope::ENVELOPE_BYTES_MAX;
use mesh_protocol::id::AgentId;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Target;
use super::wire::{Ear, Inbox, Wire, inbox_key, token_key};
use crate::status::PartHandle;

/// A session that comes back sooner can stay deaf: neighbours may not tell it again what they hear (D2 of the notes).
const HOLD_OFF: Duration = Duration::from_millis(350);
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_LONGEST: Duration = Duration::from_secs(10);
/// A silent link is dead after this. It must be above `wait_before_close`, which nothing of ours ever uses.
const LEASE_MS: u64 = 2_500;

/// What the core is told about sessions.
#[derive(Debug)]
pub(super) enum SessionEvent {
    /// A session is open and hears this agent's inbox.
    Up(Wire),
    /// It was closed.
    Down,
}

/// See the module.
pub(super) struct SessionTask {
    pub(super) agent: AgentId,
    pub(super) target: watch::Receiver<Target>,
    pub(super) line: Arc<PartHandle>,
    pub(super) inbox: Inbox,
    pub(super) sessions: mpsc::Sender<SessionEvent>,
    pub(super) reopens: mpsc::Receiver<()>,
}

struct Open {
    wire: Wire,
    _inbox: Ear,
    _token: zenoh::liveliness::LivelinessToken,
}

impl SessionTask {
    pub(super) async fn run(mut self, token: CancellationToken) {
        let mut retry = RETRY_FIRST;
        while !token.is_cancelled() {
            let target = self.target.borrow_and_update().clone();
            if wait(&token, HOLD_OFF).await {
                return;
            }
            match self.open(&target).await {
                Ok(open) => {
                    retry = RETRY_FIRST;
                    self.line.running();
                    self.line.addresses(target.listen.iter().map(ToString::to_string).collect());
                    self.serve(open, &target, &token).await;
                }
                Err(error) => {
                    self.line.failing(explain(&target, &error));
                    tracing::warn!(%error, "the fabric's session cannot be opened; it is tried again");
                    tokio::select! {
                        _ = wait(&token, retry) => {}
                        _ = self.target.changed() => {}
                    }
                    retry = (retry * 2).min(RETRY_LONGEST);
                }
            }
        }
    }

    async fn open(&self, target: &Target) -> Result<Open, zenoh::Error> {
        let session = zenoh::open(config(target)?).await?;
        let wire = Wire::new(session.clone(), self.inbox.clone());
        let heard = wire.hear(&inbox_key(self.agent)).await?;
        let alive = session.liveliness().declare_token(token_key(self.agent)).await?;
        Ok(Open { wire, _inbox: heard, _token: alive })
    }

    /// Until the session must end; then it is closed.
    async fn serve(&mut self, open: Open, target: &Target, token: &CancellationToken) {
        while self.reopens.try_recv().is_ok() {}
        if self.sessions.send(SessionEvent::Up(open.wire.clone())).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                () = token.cancelled() => {
                    // The core says goodbye over this session, then drops its end of the channel.
                    let _ = tokio::time::timeout(Duration::from_secs(1), self.sessions.closed()).await;
                    break;
                }
                Some(()) = self.reopens.recv() => {
                    tracing::warn!("a neighbour is linked but silent: the fabric's session is opened anew");
                    break;
                }
                changed = self.target.changed() => {
                    if changed.is_err() || !same_links(&self.target.borrow_and_update(), target) {
                        break;
                    }
                }
            }
        }
        let _ = self.sessions.send(SessionEvent::Down).await;
        open.wire.close().await;
    }
}

/// True when the fabric stops meanwhile.
async fn wait(token: &CancellationToken, time: Duration) -> bool {
    token.run_until_cancelled(sleep(time)).await.is_none()
}

fn same_links(one: &Target, other: &Target) -> bool {
    one.listen == other.listen && one.section.dial == other.section.dial && one.credentials == other.credentials
}

fn explain(target: &Target, error: &zenoh::Error) -> String {
    let endpoint = target.listen.map_or_else(|| "none".to_owned(), |listen| listen.to_string());
    format!(
        "the fabric cannot open its endpoint {endpoint}: {error}. If the port is in use, stop what uses it or change \
         the site's fabric address"
    )
}

fn config(target: &Target) -> Result<zenoh::Config, zenoh::Error> {
    let listen: Vec<String> = target.listen.iter().map(|address| format!("tls/{address}")).collect();
    let connect: Vec<String> =
        target.section.dial.iter().flat_map(|dial| &dial.addresses).map(|address| format!("tls/{address}")).collect();
    let pem = |text: &str| STANDARD.encode(text);
    let credentials = &target.credentials;
    let config = json!({
        "mode": "router",
        "listen": { "endpoints": listen },
        "connect": {
            "endpoints": connect,
            // Without end, in the background: 0 would be a single attempt.
            "timeout_ms": -1,
            "exit_on_failure": false,
            "retry": { "period_init_ms": 300, "period_max_ms": 2_000, "period_increase_factor": 2 },
        },
        "scouting": { "delay": 0, "multicast": { "enabled": false }, "gossip": { "enabled": false } },
        "adminspace": { "enabled": false },
        "timestamping": { "enabled": false },
        "transport": {
            "unicast": { "open_timeout": 5_000, "accept_timeout": 5_000 },
            "link": {
                "protocols": ["tls"],
                "tx": {
                    "lease": LEASE_MS,
                    "keep_alive": 4,
                    "queue": {
                        "size": { "data": 16, "real_time": 4 },
                        "congestion_control": {
                            "drop": { "wait_before_drop": 1_000, "max_wait_before_drop_fragments": 200_000 },
                            "block": { "wait_before_close": 500_000 },
                        },
                    },
                },
                "rx": { "max_message_size": ENVELOPE_BYTES_MAX + 4_096 },
                "tls": {
                    "root_ca_certificate_base64": pem(&credentials.ca_pem),
                    "listen_certificate_base64": pem(&credentials.certificate_pem),
                    "listen_private_key_base64": pem(&credentials.key_pem),
                    "connect_certificate_base64": pem(&credentials.certificate_pem),
                    "connect_private_key_base64": pem(&credentials.key_pem),
                    "enable_mtls": true,
                    // Who answers is told by the common name of its certificate, not by its address.
                    "verify_name_on_connect": false,
                },
            },
        },
    });
    zenoh::Config::from_json5(&config.to_string())
}
