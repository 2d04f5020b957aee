//! From an address to a WebSocket.

use mesh_protocol::enrol::SESSION_PATH;
use mesh_protocol::wire::MESSAGE_BYTES_MAX;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{SessionError, WELCOME_TIMEOUT};
use crate::control::tls;
use crate::identity::Identity;

pub(super) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Connects with the agent's certificate and upgrades.
pub(super) async fn dial(identity: &Identity) -> Result<Socket, SessionError> {
    let certificates = identity.tls().ok_or(SessionError::Certificate)?;
    let config = tls::mutual(&certificates).map_err(|_| SessionError::Certificate)?;
    let stream = identity.portal.connect(config).await?;
    let request = format!("wss://{}{SESSION_PATH}", identity.portal.authority());
    let request = request.into_client_request().map_err(Box::new)?;
    let limits =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    let upgraded = timeout(WELCOME_TIMEOUT, client_async_with_config(request, stream, Some(limits))).await;
    match upgraded.map_err(|_| SessionError::Silent)? {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            let reason = format!("{} {}", response.status(), String::from_utf8_lossy(&body[..body.len().min(500)]));
            Err(SessionError::Refused { reason })
        }
        Err(Error::Io(error)) if tls::is_refused_certificate(&error) => Err(SessionError::Foreign),
        Err(error) => Err(Box::new(error).into()),
    }
}
