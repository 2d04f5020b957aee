//! The agents' port: TLS by the agents' own authority, enrolment and renewal without a client certificate, control
//! sessions with one.
//!
//! A certificate of any other authority ends the handshake; no certificate at all is allowed only because a new agent
//! has none yet, and such a connection reaches nothing but the enrolment calls.

pub mod enrol;
pub mod session;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use mesh_protocol::enrol::{ENROL_PATH, LISTENER_PATH, RENEW_PATH, SESSION_PATH};
use mesh_protocol::id::AgentId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::app::App;
use crate::app::error::chain;
use crate::task::Tasks;
pub use tls::TlsError;

/// How long a connection may take for its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once; more wait in the listen queue.
const CONNECTIONS_MAX: usize = 4_096;
/// Largest body of an enrolment call, in bytes.
const ENROL_BYTES_MAX: usize = 64 * 1024;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Where it comes from.
    pub address: SocketAddr,
    /// The agent its certificate names; none = it showed none.
    pub agent: Option<AgentId>,
}

#[derive(Clone, Debug)]
struct AgentsState {
    app: App,
    tasks: Tasks,
}

/// Serves the agents' port until the tasks are stopped.
///
/// # Errors
/// The TLS configuration cannot be made.
pub fn serve(app: &App, listener: TcpListener, tasks: &Tasks) -> Result<(), TlsError> {
    let config = tls::server_config(app)?;
    tls::keep_fresh(app, &config, tasks);
    let acceptor = TlsAcceptor::from(config.config());
    let router = Router::new()
        .route(ENROL_PATH, post(enrol::enrol))
        .route(RENEW_PATH, post(enrol::renew))
        .route(LISTENER_PATH, post(enrol::listener))
        .layer(DefaultBodyLimit::max(ENROL_BYTES_MAX))
        .route(SESSION_PATH, get(session::open))
        .with_state(AgentsState { app: app.clone(), tasks: tasks.clone() });
    tasks.spawn_until_stop("agents port", accept(listener, acceptor, router, tasks.clone()));
    Ok(())
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, router: Router, tasks: Tasks) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: taking a breath is all that helps.
                tracing::warn!(error = %chain(&error), "the agents' port could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tasks.spawn_until_stop("agent connection", async move {
            serve_connection(stream, address, &acceptor, router).await;
            drop(place);
        });
    }
}

async fn serve_connection(stream: TcpStream, address: SocketAddr, acceptor: &TlsAcceptor, router: Router) {
    let _without_nagle = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if tls::is_foreign_certificate(&error) => {
            tracing::warn!(
                %address,
                error = %chain(&error),
                "an agent whose certificate another authority made was turned away: join it again with a new token"
            );
            return;
        }
        Ok(Err(error)) => {
            tracing::info!(%address, error = %chain(&error), "a TLS handshake at the agents' port failed");
            return;
        }
        Err(_) => {
            tracing::info!(%address, "a TLS handshake at the agents' port took too long");
            return;
        }
    };
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let peer = Peer { address, agent: certificates.first().and_then(tls::agent_of) };
    let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().call(request)
    });
    let connection = Builder::new(TokioExecutor::new());
    let served =
        connection.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service)).await;
    if let Err(error) = served {
        tracing::debug!(%address, error = %error, "a connection at the agents' port ended early");
    }
}

#[cfg(test)]
mod tests;
