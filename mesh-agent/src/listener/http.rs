//! HTTP: publish by POST, subscribe by Server-Sent Events.
//!
//! | request | does |
//! | --- | --- |
//! | `POST /v1/events/{topic}` | publishes the body; 202 when everybody who wants it has it |
//! | `POST /v1/events` | publishes a batch, one JSON object a line (`application/x-ndjson`), all or nothing up to the router |
//! | `GET /v1/events?filter=a/>&dialect=mesh` | a stream of events (SSE); `filter` may come several times |
//! | `POST /v1/queues/{name}/pull?max=10&wait_ms=20000&consumer=a` | brings events of a named queue, each with its lease |
//! | `POST /v1/queues/{name}/answer` | `ack`, `release`, `reject`, `renew` by lease |
//! | `GET /v1/queues/{name}/events?window=100` | the same as a stream (SSE) |
//! | `GET /healthz` | 200 while the listener runs; no login |
//!
//! The topic is percent-decoded; every slash separates levels, written plainly or as `%2F`. Log in with the user name and
//! secret of a principal (Basic, or both as one API key), or where the listener speaks TLS by its certificate. A queue that another agent of the site has is answered with 307 and its address there. Errors are `application/problem+json` and name the deciding reason. No request of a
//! browser from another origin is let in (no CORS headers). `Last-Event-ID` is not honoured: streams keep no past.

mod auth;
mod batch;
mod body;
mod problem;
mod publish;
mod queue;
mod tail;
mod topic;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, StatusCode};
use axum::middleware;
use axum::routing::{get, post};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;

use super::limits::{Place, Slot};
use super::metrics::Metrics;
use super::tls::Peer;
use super::{Common, accept};
use problem::Problem;

/// How long a client may take to send the head of a request.
const HEAD_MAX: Duration = Duration::from_secs(15);

/// What all requests of one listener share.
#[derive(Debug)]
struct Gate {
    common: Arc<Common>,
    metrics: Metrics,
}

type Shared = Arc<Gate>;

/// A client's stream, plain or inside TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Accepts clients until the listener's tasks are stopped.
pub(super) fn serve(socket: TcpListener, common: Arc<Common>) {
    let gate = Arc::new(Gate { metrics: Metrics::new(&common.counters), common: common.clone() });
    let (open, full) = (routes(gate), Router::new().fallback(|| async { Problem::too_many_clients() }));
    let (tasks, tls) = (common.tasks.clone(), common.tls.clone());
    let stopping = common.tasks.token();
    let connection = move |stream: TcpStream, slot: Slot| {
        let routes = if slot.place() == Place::Client { open.clone() } else { full.clone() };
        let stopping = stopping.clone();
        let tls = tls.clone();
        async move {
            let (stream, peer): (Box<dyn Stream>, Peer) = match &tls {
                None => (Box::new(stream), Peer::default()),
                Some(tls) => {
                    let Some(accepted) = stopping.run_until_cancelled(Box::pin(tls.accept(stream))).await else {
                        return;
                    };
                    let Some((stream, peer)) = accepted else { return };
                    (Box::new(stream), peer)
                }
            };
            let answer = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                routes.clone().call(request)
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_MAX)
                .serve_connection(TokioIo::new(stream), answer);
            let mut served = std::pin::pin!(served);
            let ended = tokio::select! {
                ended = &mut served => ended,
                () = stopping.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "an HTTP connection ended early");
            }
            drop(slot);
        }
    };
    tasks.spawn_until_stopped("http accept", accept::accept(common, socket, connection));
}

fn routes(gate: Shared) -> Router {
    Router::new()
        .route("/v1/queues/{name}/pull", post(queue::pull))
        .route("/v1/queues/{name}/answer", post(queue::answer))
        .route("/v1/queues/{name}/events", get(queue::stream))
        .route_layer(middleware::from_fn_with_state(gate.clone(), queue::here_or_elsewhere))
        .route("/v1/events/{*topic}", post(publish::publish))
        .route("/v1/events", get(tail::tail).post(batch::publish))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async {
            Problem::new(
                StatusCode::NOT_FOUND,
                "there is nothing here: events are under /v1/events, queues under /v1/queues",
            )
        })
        // Bodies are read with the listener's own limit.
        .layer(DefaultBodyLimit::disable())
        .with_state(gate)
}

#[cfg(test)]
mod tests;
