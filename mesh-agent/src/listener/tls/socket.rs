//! A client's stream inside TLS, for who reads and writes only when there is something to read or room to write: no buffer
//! beyond rustls's own, which are empty while the client is idle.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

#[derive(Debug)]
pub(in crate::listener) struct TlsSocket {
    stream: TcpStream,
    /// Never waited for: one task has the socket.
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    connection: ServerConnection,
    /// Something is decrypted that nobody has read.
    unread: bool,
}

/// The stream as rustls takes it: what would block is an error.
struct Now<'a>(&'a TcpStream);

impl Read for Now<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TlsSocket {
    /// A stream whose handshake is done.
    pub(in crate::listener) fn new(stream: TlsStream<TcpStream>) -> Self {
        let (stream, connection) = stream.into_inner();
        // What came right behind the handshake may be decrypted already: found by reading.
        Self { stream, inner: Mutex::new(Inner { connection, unread: true }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while held")
    }

    pub(in crate::listener) async fn readable(&self) -> io::Result<()> {
        if self.inner().unread { Ok(()) } else { self.stream.readable().await }
    }

    pub(in crate::listener) async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Whether something encrypted waits for room.
    pub(in crate::listener) fn is_behind(&self) -> bool {
        self.inner().connection.wants_write()
    }

    /// What is there, 0 at the end; [`io::ErrorKind::WouldBlock`] when there is nothing.
    pub(in crate::listener) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.inner();
        loop {
            inner.unread = false;
            match inner.connection.reader().read(buffer) {
                Ok(length) => {
                    // A full buffer may not have been all.
                    inner.unread = length > 0 && length == buffer.len();
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            inner.connection.read_tls(&mut Now(&self.stream))?;
            let processed = inner.connection.process_new_packets();
            // Answers of the protocol itself, an alert among them; what cannot be written now is written later.
            let flushed = inner.flush(&self.stream);
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            flushed?;
        }
    }

    /// Takes as much as there is room for; [`io::ErrorKind::WouldBlock`] when there is none. With nothing to say, it sends what
    /// was said before.
    pub(in crate::listener) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.inner();
        inner.flush(&self.stream)?;
        if inner.connection.wants_write() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = inner.connection.writer().write(bytes)?;
        inner.flush(&self.stream)?;
        Ok(length)
    }

    /// Says that nothing more comes, sends the rest and closes the stream.
    pub(in crate::listener) async fn end(&mut self) -> io::Result<()> {
        self.inner().connection.send_close_notify();
        self.flush().await?;
        self.stream.shutdown().await
    }
}

impl Inner {
    fn flush(&mut self, stream: &TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Now(stream)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl AsyncRead for TlsSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.try_read(buffer.initialize_unfilled()) {
                Ok(length) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(self.stream.poll_read_ready(cx))?,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for TlsSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(self.stream.poll_write_ready(cx))?,
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut inner = self.inner();
            inner.flush(&self.stream)?;
            if !inner.connection.wants_write() {
                return Poll::Ready(Ok(()));
            }
            drop(inner);
            ready!(self.stream.poll_write_ready(cx))?;
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().connection.send_close_notify();
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
