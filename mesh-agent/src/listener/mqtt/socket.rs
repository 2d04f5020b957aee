//! One client's TCP stream. Reading uses a buffer of the thread, not of the connection, so an idle client costs none.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::net::TcpStream;

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
pub(super) struct Socket(TcpStream);

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        // What is written is already gathered; waiting for more would only add latency.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        Self(stream)
    }

    /// The stream, for who reads and writes it otherwise.
    pub(super) fn into_stream(self) -> TcpStream {
        self.0
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        self.0.writable().await
    }

    /// Hands what has arrived to `take`; none when nothing has. The bytes are gone when it returns.
    pub(super) fn read<T>(&self, take: impl FnOnce(&[u8]) -> T) -> io::Result<Option<T>> {
        SCRATCH.with_borrow_mut(|scratch| match self.0.try_read(scratch) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => Ok(Some(take(&scratch[..length]))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// Writes as much as the system takes now.
    pub(super) fn write(&self, out: &mut BytesMut) -> io::Result<()> {
        while !out.is_empty() {
            match self.0.try_write(out) {
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
            self.0.write_all_buf(&mut out).await?;
            self.0.shutdown().await
        };
        // A client that is gone already cannot be told.
        let _ = tokio::time::timeout(FAREWELL_MAX, farewell).await;
    }
}
