//! Clients of MQTT 3.1.1 that want what another agent of the site has: that version knows no other server to be sent to, so
//! this agent carries what they and the owner say, and understands none of it. Keep-alive and rights are the owner's matter.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Server;

/// How long the owner may take to accept, and to answer a CONNECT that it is told again.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Bytes on their way, in each direction.
const BUFFER_BYTES: usize = 4 * 1024;
/// "Server unavailable".
const UNAVAILABLE: [u8; 4] = [0x20, 2, 0, 3];
/// Length of a CONNACK.
const CONNACK_BYTES: usize = 4;

/// What a client has said so far.
#[derive(Debug)]
pub(super) enum Said {
    /// Its CONNECT and what came after it; nobody has answered.
    Hello(Vec<u8>),
    /// Its CONNECT, which this agent has answered, and what the owner is to answer.
    More { hello: Vec<u8>, more: Vec<u8> },
}

/// Carries until one side ends, or the listener stops.
pub(super) async fn carry(server: &Server, mut client: TcpStream, address: &str, said: Said) {
    let mut owner = match timeout(ANSWER_MAX, reach(address, &said)).await {
        Ok(Ok(owner)) => owner,
        failed => {
            let error = failed.map_or_else(|_| io::ErrorKind::TimedOut.into(), |done| done.expect_err("not reached"));
            tracing::warn!(%address, %error, "the agent that has this site's sessions and queues cannot be reached");
            server.metrics.not_carried.one();
            if matches!(said, Said::Hello(_)) {
                // One that is gone need not be told.
                let _ = client.write_all(&UNAVAILABLE).await;
            }
            return;
        }
    };
    server.metrics.carried.one();
    let carried = copy_bidirectional_with_sizes(&mut client, &mut owner, BUFFER_BYTES, BUFFER_BYTES);
    if let Some(Err(error)) = server.common.tasks.token().run_until_cancelled(carried).await {
        tracing::debug!(%error, "a carried connection ended early");
    }
}

async fn reach(address: &str, said: &Said) -> io::Result<TcpStream> {
    let mut owner = TcpStream::connect(address).await?;
    owner.set_nodelay(true)?;
    match said {
        Said::Hello(hello) => owner.write_all(hello).await?,
        Said::More { hello, more } => {
            owner.write_all(hello).await?;
            let mut connack = [0; CONNACK_BYTES];
            owner.read_exact(&mut connack).await?;
            if connack[0] != UNAVAILABLE[0] || connack[3] != 0 {
                let why = format!("it answered a CONNECT with {}", connack[3]);
                return Err(io::Error::new(io::ErrorKind::ConnectionRefused, why));
            }
            owner.write_all(more).await?;
        }
    }
    Ok(owner)
}
