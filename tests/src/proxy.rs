//! A TCP proxy that counts, and that can be far away: what crosses a link is proved by bytes on the wire, not by our own
//! counters, and what a link is worth shows with a round trip and a rate.
//!
//! A direction is a pipe: bytes enter it at the rate of the link and leave it half a round trip later, so what is under way
//! is bounded by rate times delay, never by one buffer at a time. A rate is a token bucket that all connections share, one
//! for each direction. It is kept here and not by the kernel (`tc tbf`), because the agents' clients and the portal use the
//! same loopback device and the rate would be theirs too.

mod pipe;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use pipe::{Bucket, pass};

/// What the kernel keeps of one connection of a capped proxy and one direction, in bytes: as the buffer of a router, it must
/// not hold seconds of a slow link.
const SOCKET_BYTES: u32 = 128 * 1024;
const BACKLOG: u32 = 64;

/// Accepts at an address of its own and passes everything on. Dropping it ends all connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

/// How far the other end is, and how much fits through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distance {
    /// There and back; each direction takes half of it.
    pub round_trip: Duration,
    /// Most bits per second in each direction; none = as many as come.
    pub bits_per_second: Option<u64>,
}

#[derive(Debug)]
struct Shared {
    distance: Distance,
    bytes: AtomicU64,
    cut: AtomicBool,
    target: Mutex<Option<String>>,
    /// Told when connections that stand must end.
    end: Notify,
    /// Nothing passes and nothing ends while this is set.
    silent: watch::Sender<bool>,
    /// One for each direction.
    buckets: [Bucket; 2],
}

impl Proxy {
    /// A proxy whose target is told later: an agent may have to know the proxy's address before it has one itself.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_far(Distance::default()).await
    }

    /// The same with a target that is far away.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start_far(distance: Distance) -> anyhow::Result<Self> {
        let listener = listen(distance).context("open the proxy")?;
        let address = listener.local_addr().context("open the proxy")?;
        let shared = Arc::new(Shared {
            distance,
            bytes: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            target: Mutex::default(),
            end: Notify::new(),
            silent: watch::Sender::new(false),
            buckets: [Bucket::new(distance.bits_per_second), Bucket::new(distance.bits_per_second)],
        });
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

    /// Bytes that have reached the other end so far, both directions together.
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

    /// Lets nothing through and ends nothing, as a firewall does that drops: both ends have to find out by themselves.
    pub fn set_silent(&self, silent: bool) {
        self.shared.silent.send_replace(silent);
    }
}

fn listen(distance: Distance) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    if distance.bits_per_second.is_some() {
        // Accepted connections inherit it.
        socket.set_recv_buffer_size(SOCKET_BYTES)?;
    }
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(BACKLOG)
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

async fn dial(target: &str, distance: Distance) -> std::io::Result<TcpStream> {
    let Some(address) = tokio::net::lookup_host(target).await?.next() else {
        return Err(std::io::ErrorKind::NotFound.into());
    };
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if distance.bits_per_second.is_some() {
        socket.set_recv_buffer_size(SOCKET_BYTES)?;
    }
    socket.connect(address).await
}

async fn connect(near: TcpStream, target: String, shared: Arc<Shared>) {
    // Registered before anything passes: no end may be missed.
    let ended = shared.end.notified();
    let Ok(far) = dial(&target, shared.distance).await else { return };
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    // When one direction ends the other one is ended with it.
    tokio::select! {
        () = ended => {}
        () = pass(near_in, far_out, &shared.buckets[0], &shared) => {}
        () = pass(far_in, near_out, &shared.buckets[1], &shared) => {}
    }
}

#[cfg(test)]
mod tests;
