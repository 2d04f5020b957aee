//! Passes a link on and counts its bytes: what crosses is proved on the wire, not by the counters of who sends.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Ends with its connections when it is dropped.
pub(super) struct Relay {
    address: SocketAddr,
    target: Arc<OnceLock<SocketAddr>>,
    bytes: Arc<AtomicU64>,
    _task: JoinSet<()>,
}

impl Relay {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (target, bytes) = (Arc::default(), Arc::default());
        let mut task = JoinSet::new();
        task.spawn(accept(listener, Arc::clone(&target), Arc::clone(&bytes)));
        Self { address, target, bytes, _task: task }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn lead_to(&self, target: SocketAddr) {
        self.target.set(target).expect("it leads to one place");
    }

    /// Both directions together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, target: Arc<OnceLock<SocketAddr>>, bytes: Arc<AtomicU64>) {
    let mut links = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let Some(target) = target.get().copied() else { continue };
        let bytes = bytes.clone();
        links.spawn(async move {
            let Ok(far) = TcpStream::connect(target).await else { return };
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::select! {
                () = pass(near_in, far_out, &bytes) => {}
                () = pass(far_in, near_out, &bytes) => {}
            }
        });
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, bytes: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        bytes.fetch_add(length as u64, Ordering::Relaxed);
    }
}
