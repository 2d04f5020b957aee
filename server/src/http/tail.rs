//! `GET /api/v1/tail?site=&filter=`: what a filter matches at a site, as server-sent events, on the rights of the
//! person's try-it client, for as long as they may.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use frontend::api::TailLine;
use futures::stream;
use mesh_protocol::id::SiteId;
use mesh_protocol::wire::TailEvent;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Http;
use super::problem::{Asked, Problem};
use super::standing::Standing;
use crate::app::Mask;
use crate::app::fleet::TailMessage;
use crate::app::permission::Right;
use crate::portal::Portal;

/// A comment this often keeps proxies from closing the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes() -> Router<Http> {
    Router::new().route("/api/v1/tail", get(tail))
}

#[derive(Debug, Deserialize)]
pub(super) struct TailQuery {
    site: SiteId,
    filter: String,
}

struct Tail {
    messages: mpsc::Receiver<TailMessage>,
    mask: Mask,
    waiting: VecDeque<TailLine>,
    standing: Standing,
    stopping: CancellationToken,
    ended: bool,
}

/// What a filter matches, as it happens: `TailLine` objects.
#[utoipa::path(
    get, path = "/api/v1/tail", tag = "try", params(("site" = SiteId, Query), ("filter" = String, Query)),
    responses((status = 200, content_type = "text/event-stream", body = String))
)]
pub(super) async fn tail(State(state): State<Http>, portal: Portal, Asked(query): Asked<TailQuery>) -> Response {
    let (messages, mask) = match state.app.tail(portal.caller(), query.site, &query.filter).await {
        Ok(messages) => messages,
        Err(error) => return Problem(portal.answer(error)).into_response(),
    };
    let standing = Standing::of(portal, Right::Try);
    let tail =
        Tail { messages, mask, waiting: VecDeque::new(), standing, stopping: state.stopping.clone(), ended: false };
    let lines = stream::unfold(tail, |mut tail| async move {
        let line = tail.next().await?;
        let event = Event::default().data(serde_json::to_string(&line).unwrap_or_default());
        Some((Ok::<_, Infallible>(event), tail))
    });
    Sse::new(lines).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

impl Tail {
    async fn next(&mut self) -> Option<TailLine> {
        loop {
            if self.ended {
                return None;
            }
            if !self.standing.holds().await {
                self.ended = true;
                let reason = "you are signed out, or may not try the mesh any more: sign in again".to_owned();
                return Some(TailLine::Closed { reason });
            }
            if let Some(line) = self.waiting.pop_front() {
                return Some(line);
            }
            let message = tokio::select! {
                message = self.messages.recv() => message?,
                () = self.standing.stirred() => continue,
                () = self.stopping.cancelled() => return None,
            };
            match message {
                TailMessage::Events(events, dropped) => {
                    if dropped > 0 {
                        self.waiting.push_back(TailLine::Dropped { events: dropped });
                    }
                    let told = events.into_iter().map(|event| {
                        let payload = self.mask.payload(&event.topic, event.payload);
                        TailLine::Event(TailEvent { payload, ..event })
                    });
                    self.waiting.extend(told);
                }
                TailMessage::Closed(reason) => self.waiting.push_back(TailLine::Closed { reason }),
            }
        }
    }
}
