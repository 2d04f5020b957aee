//! The browsers' port: pages, the REST API, the schema registry's API, live updates, static files and the agent's binary.
//!
//! Everything here is translation: a request becomes a [`Portal`](crate::portal::Portal) for its caller, the caller
//! asks, the answer becomes HTTP.

mod api;
mod assets;
mod auth;
mod document;
mod download;
mod headers;
mod live;
mod pages;
mod problem;
mod registry;
mod standing;
mod tail;
mod usage;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use frontend::AssetPaths;
use leptos::config::LeptosOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultOnRequest, TraceLayer};

use crate::app::App;
use crate::task::Tasks;
pub use api::openapi;

/// Largest request body, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// A request that takes longer than this is answered with 408; streams are not requests in this sense.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Names a request in the log and in error answers.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What handlers share.
#[derive(Clone, Debug, FromRef)]
pub(crate) struct Http {
    app: App,
    options: LeptosOptions,
    assets: AssetPaths,
    /// Ends open streams when the portal stops.
    stopping: CancellationToken,
}

/// Serves the browsers' port until the tasks are stopped.
pub fn serve(app: &App, listener: TcpListener, tasks: &Tasks) {
    let router = router(app, tasks.token().clone());
    let stopping = tasks.token().clone();
    tasks.spawn("browsers port", async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, service).with_graceful_shutdown(stopping.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the browsers' port ended");
        }
    });
}

/// All routes with all layers; tests call it without a port.
pub fn router(app: &App, stopping: CancellationToken) -> Router {
    let (options, assets) = assets::describe();
    let state = Http { app: app.clone(), options, assets, stopping };
    let streams = Router::new().merge(live::routes()).merge(tail::routes());
    let requests = Router::new()
        .merge(api::routes())
        .merge(document::routes())
        .merge(usage::routes())
        .merge(pages::routes(&state))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT));
    let compression = CompressionLayer::new()
        .compress_when(DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream")));
    Router::new()
        .merge(requests)
        .merge(streams)
        .layer(axum::middleware::from_fn_with_state(state.clone(), auth::identify))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX))
        .merge(registry::routes(&state))
        .layer(compression)
        .merge(download::routes())
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(assets::routes())
        .layer(axum::middleware::from_fn(headers::secure))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(DefaultOnRequest::new().level(tracing::Level::TRACE)),
        )
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .with_state(state)
}

/// Path, never the query: a setup link carries a secret there.
fn span(request: &axum::extract::Request) -> tracing::Span {
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::debug_span!("request", method = %request.method(), path = request.uri().path(), id)
}

#[cfg(test)]
mod tests;
