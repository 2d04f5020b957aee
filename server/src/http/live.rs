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
use tokio_util::sync::CancellationToken;

use super::Http;
use super::problem::Problem;
use super::standing::Standing;
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
    let changes = Changes {
        watch: state.app.live().watch(),
        standing: Standing::of(portal, Right::Read),
        stopping: state.stopping.clone(),
        topics: BTreeSet::new(),
        was_away: headers.contains_key("last-event-id"),
        number: 0,
    };
    let changes = stream::unfold(changes, |mut changes| async move {
        let topics = changes.next().await?;
        let data = serde_json::to_string(&LiveChange { topics }).unwrap_or_default();
        let event = Event::default().event("change").id(changes.number.to_string()).data(data);
        changes.number += 1;
        Some((Ok::<_, Infallible>(event), changes))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// One reader's changes.
struct Changes {
    watch: Watch,
    standing: Standing,
    stopping: CancellationToken,
    /// Heard, and not told yet.
    topics: BTreeSet<LiveTopic>,
    was_away: bool,
    number: u64,
}

impl Changes {
    /// The next changes, coalesced; none once the portal stops or the reader may not hear of them any more.
    async fn next(&mut self) -> Option<Vec<LiveTopic>> {
        if std::mem::take(&mut self.was_away) {
            self.topics.insert(LiveTopic::All);
        }
        while self.topics.is_empty() {
            if !self.standing.holds().await {
                return None;
            }
            tokio::select! {
                topic = self.watch.next() => {
                    self.topics.insert(topic?);
                    self.gather().await?;
                }
                () = self.standing.stirred() => {}
                () = self.stopping.cancelled() => return None,
            }
        }
        if !self.standing.holds().await {
            return None;
        }
        Some(std::mem::take(&mut self.topics).into_iter().collect())
    }

    /// What follows within a moment goes into the same message.
    async fn gather(&mut self) -> Option<()> {
        let until = tokio::time::Instant::now() + COALESCE;
        while let Ok(more) = tokio::time::timeout_at(until, self.watch.next()).await {
            self.topics.insert(more?);
        }
        Some(())
    }
}
