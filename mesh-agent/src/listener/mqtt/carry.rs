//! Clients of MQTT 3.1.1 that want what another agent of the site has: that version knows no other server to be sent to, so
//! this agent carries what they and the owner say, and understands none of it. Keep-alive and rights are the owner's matter.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, copy_buf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Server;
use super::clients::Name;
use super::socket::Duplex;

/// How long the owner may take to accept, and to answer a CONNECT that it is told again; and a client to take what it is told.
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
    /// Its CONNECT, which this agent has answered with what is to be written first, and what the owner is to answer.
    More { answers: Vec<u8>, hello: Vec<u8>, more: Vec<u8> },
}

/// Carries until one side ends, the same client comes again, or the listener stops.
pub(super) async fn carry(server: &Server, mut client: Box<dyn Duplex>, (name, address): (&Name, &str), said: Said) {
    let Some(carried) = server.clients.carry(name) else {
        tracing::warn!(%address, "the address of the agent that has this site's sessions and queues leads to this agent itself");
        return turn_away(server, client, &said).await;
    };
    let work = async {
        if let Said::More { answers, .. } = &said
            && !matches!(timeout(ANSWER_MAX, client.write_all(answers)).await, Ok(Ok(())))
        {
            return;
        }
        match timeout(ANSWER_MAX, reach(server, address, &said))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        {
            Ok(owner) => {
                server.metrics.carried.one();
                if let Err(error) = both_ways(&mut *client, owner).await {
                    tracing::debug!(%error, "a carried connection ended early");
                }
            }
            Err(error) => {
                tracing::warn!(%address, %error, "the agent that has this site's sessions and queues cannot be reached");
                turn_away(server, client, &said).await;
            }
        }
    };
    let stopping = server.common.tasks.token();
    tokio::select! {
        () = work => {}
        () = carried.token.cancelled() => {}
        () = stopping.cancelled() => {}
    }
}

async fn turn_away(server: &Server, mut client: Box<dyn Duplex>, said: &Said) {
    server.metrics.not_carried.one();
    if matches!(said, Said::Hello(_)) {
        // One that is gone need not be told.
        let _ = timeout(ANSWER_MAX, client.write_all(&UNAVAILABLE)).await;
    }
}

/// A connection of MQTT is over when either side has ended it.
async fn both_ways(client: &mut dyn Duplex, owner: Box<dyn Duplex>) -> io::Result<u64> {
    let ((from_client, mut to_client), (from_owner, mut to_owner)) = (split(client), split(owner));
    let mut from_client = BufReader::with_capacity(BUFFER_BYTES, from_client);
    let mut from_owner = BufReader::with_capacity(BUFFER_BYTES, from_owner);
    tokio::select! {
        done = copy_buf(&mut from_owner, &mut to_client) => done,
        done = copy_buf(&mut from_client, &mut to_owner) => done,
    }
}

async fn reach(server: &Server, address: &str, said: &Said) -> io::Result<Box<dyn Duplex>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut owner: Box<dyn Duplex> = match &server.common.tls {
        None => Box::new(stream),
        Some(tls) => Box::new(tls.connect(address, stream).await?),
    };
    match said {
        Said::Hello(hello) => owner.write_all(hello).await?,
        Said::More { hello, more, .. } => {
            owner.write_all(hello).await?;
            owner.flush().await?;
            let mut connack = [0; CONNACK_BYTES];
            owner.read_exact(&mut connack).await?;
            if connack[0] != UNAVAILABLE[0] || connack[3] != 0 {
                let why = format!("it answered a CONNECT with {}", connack[3]);
                return Err(io::Error::new(io::ErrorKind::ConnectionRefused, why));
            }
            owner.write_all(more).await?;
        }
    }
    owner.flush().await?;
    Ok(owner)
}
