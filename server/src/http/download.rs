//! What is given out to whoever asks: `GET /agent/mesh-agent` and its checksum, the program that the portal's join line
//! downloads; `GET /listeners.pem`, the authority that clients of listeners with TLS trust.
//!
//! Open to all: none of it is a secret, and the machine that joins or connects has no login here. What an agent may do comes
//! with its token.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use frontend::api::ApiError;
use tokio_util::io::ReaderStream;

use super::Http;
use super::problem::Problem;
use crate::app::App;
use crate::app::door::AUTHORITY_PATH;

pub(super) fn routes() -> Router<Http> {
    Router::new()
        .route("/agent/mesh-agent", get(binary))
        .route("/agent/mesh-agent.sha256", get(checksum))
        .route(AUTHORITY_PATH, get(authority))
}

async fn binary(State(app): State<App>) -> Result<Response, Problem> {
    let found = app.config().agent_binary.as_ref().ok_or_else(missing)?;
    let file = tokio::fs::File::open(&found.path).await.map_err(|error| {
        tracing::error!(%error, path = %found.path.display(), "the agent's binary cannot be read");
        missing()
    })?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, found.bytes.to_string()),
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::with_capacity(file, 64 * 1024))).into_response())
}

async fn authority(State(app): State<App>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/x-pem-file"),
        (CONTENT_DISPOSITION, "attachment; filename=\"mesh-ca.pem\""),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, app.listener_authority_pem().to_owned()).into_response()
}

async fn checksum(State(app): State<App>) -> Result<String, Problem> {
    let found = app.config().agent_binary.as_ref().ok_or_else(missing)?;
    Ok(format!("{}  mesh-agent\n", found.sha256))
}

fn missing() -> Problem {
    let mut error = ApiError::new("not-found", 404, "this portal has no agent binary to give");
    error.detail = Some("put `mesh-agent` beside `meshport` and start the portal again".to_owned());
    Problem(error)
}
