//! Accepts clients, each in a task of its own that cannot take the others down.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::net::{TcpListener, TcpStream};

use super::Common;
use super::limits::Slot;

/// Pause after the system refused to accept (out of file descriptors, mostly).
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts for ever; the caller cancels it.
pub(super) async fn accept<F, C>(common: Arc<Common>, socket: TcpListener, connection: F)
where
    F: Fn(TcpStream, Slot) -> C,
    C: Future<Output = ()> + Send + 'static,
{
    loop {
        match socket.accept().await {
            Ok((stream, _)) => match common.slots.take(common.limits.get().connections_max) {
                Some(slot) => begin(&common, connection(stream, slot)),
                None => drop(stream),
            },
            Err(error) => {
                tracing::warn!(%error, "cannot accept a client");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn begin(common: &Common, connection: impl Future<Output = ()> + Send + 'static) {
    let faults = common.counters.counter("faulted_connections");
    common.tasks.spawn("connection", async move {
        // A defect in the handling of one client must not stop the others, as a panic of the task would.
        if AssertUnwindSafe(connection).catch_unwind().await.is_err() {
            faults.one();
            tracing::error!("handling a client failed by a defect; only its connection ended");
        }
    });
}
