//! `GET /api/v1/live`: what changed, as server-sent events.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use frontend::api::{LiveChange, LiveTopic};
use futures::stream;

use super::Http;
use super::problem::Problem;
use crate::app::live::Watch;
use crate::app::permission::Right;
use crate::portal::Portal;

/// Changes within this time become one message: at most four a second.
const COALESCE: Duration = Duration::from_millis(250);
/// A comment this often keeps proxies from closing the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes() -> Router<Http> {
    Router::new().route("/api/v1/live", get(live))
}

/// What changed. A client that was away begins with `all`.
#[utoipa::path(
    get, path = "/api/v1/live", tag = "evidence",
    responses((status = 200, content_type = "text/event-stream", body = LiveChange))
)]
pub(super) async fn live(State(state): State<Http>, portal: Portal, headers: axum::http::HeaderMap) -> Response {
    if let Err(error) = portal.caller().permit(Right::Read) {
        return Problem(portal.answer(error)).into_response();
    }
    let was_away = headers.contains_key("last-event-id");
    let watch = state.app.live().watch();
    let stopping = state.stopping.clone();
    let changes = stream::unfold((watch, was_away, 0u64), move |(mut watch, was_away, number)| {
        let stopping = stopping.clone();
        async move {
            let topics = if was_away {
                vec![LiveTopic::All]
            } else {
                tokio::select! {
                    topics = next(&mut watch) => topics?,
                    () = stopping.cancelled() => return None,
                }
            };
            let data = serde_json::to_string(&LiveChange { topics }).unwrap_or_default();
            let event = Event::default().event("change").id(number.to_string()).data(data);
            Some((Ok::<_, Infallible>(event), (watch, false, number + 1)))
        }
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// The next changes, coalesced; none once the portal stops.
async fn next(watch: &mut Watch) -> Option<Vec<LiveTopic>> {
    let mut topics = BTreeSet::from([watch.next().await?]);
    let until = tokio::time::Instant::now() + COALESCE;
    while let Ok(more) = tokio::time::timeout_at(until, watch.next()).await {
        topics.insert(more?);
    }
    Some(topics.into_iter().collect())
}
