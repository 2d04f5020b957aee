//! A TCP proxy that counts: what crosses a link is proved by bytes on the wire, not by our own counters.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Accepts at an address of its own and passes everything on. Dropping it ends all connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicU64,
    cut: AtomicBool,
    target: Mutex<Option<String>>,
    /// Told when connections that stand must end.
    end: Notify,
}

impl Proxy {
    /// A proxy whose target is told later: an agent may have to know the proxy's address before it has one itself.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("open the proxy")?;
        let address = listener.local_addr().context("open the proxy")?;
        let shared = Arc::new(Shared::default());
        let mut task = JoinSet::new();
        task.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, _task: task })
    }

    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Where connections go from now on. Those that stand stay; see [`Proxy::end_connections`].
    pub fn set_target(&self, target: &str) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target.to_owned());
    }

    /// Bytes passed so far, both directions together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Ends the connections that stand; new ones are let through.
    pub fn end_connections(&self) {
        self.shared.end.notify_waiters();
    }

    /// Ends all connections and refuses new ones, or lets them through again.
    pub fn set_cut(&self, cut: bool) {
        self.shared.cut.store(cut, Ordering::Relaxed);
        if cut {
            self.end_connections();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let target = shared.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (Some(target), false) = (target, shared.cut.load(Ordering::Relaxed)) {
            connections.spawn(connect(stream, target, Arc::clone(&shared)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(near: TcpStream, target: String, shared: Arc<Shared>) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    // When one direction ends the other one is ended with it.
    tokio::select! {
        () = shared.end.notified() => {}
        () = pass(near_in, far_out, &shared) => {}
        () = pass(far_in, near_out, &shared) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        if shared.cut.load(Ordering::Relaxed) || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        shared.bytes.fetch_add(length as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{AsyncReadExt, AsyncWriteExt, Proxy, TcpListener, TcpStream};

    #[tokio::test]
    async fn bytes_pass_and_are_counted_until_the_cut() {
        let target = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let proxy = Proxy::start().await.expect("a free port");
        proxy.set_target(&target.local_addr().expect("it is bound").to_string());
        let mut near = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
        let (mut far, _) = target.accept().await.expect("the proxy connects");
        near.write_all(b"hello").await.expect("it passes");
        let mut buffer = [0; 5];
        far.read_exact(&mut buffer).await.expect("it arrives");
        assert_eq!((&buffer, proxy.bytes()), (b"hello", 5));
        proxy.set_cut(true);
        // It may have been ended already.
        let _ = near.write_all(b"more").await;
        assert_eq!(far.read(&mut buffer).await.expect("the connection ends"), 0);
        assert_eq!(proxy.bytes(), 5);
    }
}
