//! Bodies of requests, up to a limit.
//!
//! A body that is announced as too large is refused before any of it is read. Clients that do not wait for a
//! permission send it all the same, and would see a reset connection instead of the answer: what they send is read and
//! thrown away for a moment.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use bytes::Bytes;
use futures::StreamExt;

use super::Gate;
use super::problem::Problem;

/// How long a client may take to send a body.
const TIME_MAX: Duration = Duration::from_secs(30);
/// How long, and how much of it, a refused body is read.
const DRAIN_MAX: (Duration, usize) = (Duration::from_secs(2), 64 * 1024 * 1024);

impl Gate {
    /// Reads a body up to a limit.
    pub(super) async fn body(&self, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
        let announced = body.size_hint().exact();
        if announced.is_some_and(|bytes| bytes > bytes_max as u64) {
            self.common.tasks.spawn_until_stopped("http drain", drain(body));
            return Err(self.too_large(bytes_max));
        }
        let read = tokio::time::timeout(TIME_MAX, axum::body::to_bytes(body, bytes_max)).await;
        match read {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) if announced.is_none() => Err(self.too_large(bytes_max)),
            Ok(Err(_)) => Err(Problem::bad("the body ended before its Content-Length; nothing was published")),
            Err(_) => {
                let why = format!("the body did not arrive within {} s; nothing was published", TIME_MAX.as_secs());
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, why))
            }
        }
    }

    fn too_large(&self, bytes_max: usize) -> Problem {
        self.rejected(&format!(
            "the body is larger than {bytes_max} bytes, the most this listener takes: send smaller events, or raise the \
             listener's largest payload on its site's page"
        ))
    }
}

async fn drain(body: Body) {
    let (time_max, bytes_max) = DRAIN_MAX;
    let mut read = 0;
    let mut chunks = body.into_data_stream();
    let through = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            read += chunk.len();
            if read > bytes_max {
                return;
            }
        }
    };
    // Whatever is left then is the client's own loss.
    let _ = tokio::time::timeout(time_max, through).await;
}
