//! One client's stream, plain or inside TLS. Reading uses a buffer of the thread, not of the connection, so an idle client
//! costs none.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::listener::Common;
use crate::listener::tls::{Peer, TlsSocket};

/// Read from a socket at once.
const READ_BYTES: usize = 64 * 1024;
/// Write buffers that grew beyond this are given back once they are empty.
const KEPT_BYTES: usize = 4 * 1024;
/// How long the last words to a client may take.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    /// Who is at the other end, as far as TLS tells.
    pub(super) peer: Peer,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsSocket>),
}

/// What bytes go in and out by.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Socket {
    /// Agrees on TLS where the listener speaks it; none when the client does not.
    pub(super) async fn open(common: &Common, stream: TcpStream) -> Option<Self> {
        // What is written is already gathered; waiting for more would only add latency.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        let Some(tls) = &common.tls else {
            return Some(Self { stream: Stream::Plain(stream), peer: Peer::default() });
        };
        let (stream, peer) = Box::pin(tls.accept(stream)).await?;
        Some(Self { stream: Stream::Tls(Box::new(TlsSocket::new(stream))), peer })
    }

    /// The stream, for who reads and writes it otherwise.
    pub(super) fn into_stream(self) -> Box<dyn Duplex> {
        match self.stream {
            Stream::Plain(stream) => Box::new(stream),
            Stream::Tls(socket) => socket,
        }
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        match &self.stream {
            Stream::Plain(stream) => stream.readable().await,
            Stream::Tls(socket) => socket.readable().await,
        }
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        match &self.stream {
            Stream::Plain(stream) => stream.writable().await,
            Stream::Tls(socket) => socket.writable().await,
        }
    }

    /// Whether something that was written waits for room.
    pub(super) fn is_behind(&self) -> bool {
        match &self.stream {
            Stream::Plain(_) => false,
            Stream::Tls(socket) => socket.is_behind(),
        }
    }

    /// Hands what has arrived to `take`; none when nothing has. The bytes are gone when it returns.
    pub(super) fn read<T>(&self, take: impl FnOnce(&[u8]) -> T) -> io::Result<Option<T>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let read = match &self.stream {
                Stream::Plain(stream) => stream.try_read(scratch),
                Stream::Tls(socket) => socket.try_read(scratch),
            };
            match read {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => Ok(Some(take(&scratch[..length]))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// Writes as much as the system takes now.
    pub(super) fn write(&self, out: &mut BytesMut) -> io::Result<()> {
        while !out.is_empty() || self.is_behind() {
            let written = match &self.stream {
                Stream::Plain(stream) => stream.try_write(out),
                Stream::Tls(socket) => socket.try_write(out),
            };
            match written {
                Ok(length) => out.advance(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if out.capacity() > KEPT_BYTES {
            *out = BytesMut::new();
        }
        Ok(())
    }

    /// Writes the rest, within a short time, and closes the stream.
    pub(super) async fn close(mut self, mut out: BytesMut) {
        use tokio::io::AsyncWriteExt;
        let farewell = async {
            match &mut self.stream {
                Stream::Plain(stream) => {
                    stream.write_all_buf(&mut out).await?;
                    stream.shutdown().await
                }
                Stream::Tls(socket) => {
                    socket.write_all_buf(&mut out).await?;
                    socket.end().await
                }
            }
        };
        // A client that is gone already cannot be told.
        let _ = tokio::time::timeout(FAREWELL_MAX, farewell).await;
    }
}
