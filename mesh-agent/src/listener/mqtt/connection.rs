//! One client's connection, from the accepted socket to the end: the only loop that waits.
//!
//! ```text
//!            socket readable -> Session::feed ----> router, acks
//!   signal (events, policy, stop, takeover) -> drain / check / end
//!            oldest receipt -> PUBACK          all of it gathers in wire.out:
//!            quota, budget have room -> resume         one write per wake-up
//!            timer -> keep-alive, custody
//! ```

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::result_code::{DisconnectReasonCode, MqttError};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::carry::{self, Said};
use super::connect::NotOpened;
use super::feed::Feed;
use super::session::{End, Session};
use super::signals::Reasons;
use super::socket::Socket;
use super::wire::{Broken, Packet, Wire};
use super::{Server, connect};
use crate::listener::limits::Slot;
use crate::router::Admission;

/// The first byte of every MQTT connection.
const CONNECT: u8 = 0x10;
/// How long a new connection may take until its CONNECT is complete.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// The timer of a session that waits for nothing: far, and never early.
const FAR: Duration = Duration::from_secs(24 * 3600);

/// Serves one client to its end.
pub(super) async fn serve(server: Arc<Server>, stream: TcpStream, slot: Slot) {
    let stopping = server.common.tasks.token();
    let Some(Some(socket)) = stopping.run_until_cancelled(Socket::open(&server.common, stream)).await else { return };
    let mut wire = Wire::new(server.common.limits.get().payload_bytes_max);
    let mut said = Vec::new();
    let login = tokio::time::timeout(CONNECT_MAX, login(&socket, &mut wire, &mut said));
    let (login, hello) = match stopping.run_until_cancelled(login).await {
        Some(Ok(Ok(login))) => login,
        Some(Ok(Err(end))) => return turn_away(&server, socket, wire, &end).await,
        Some(Err(_)) => return server.metrics.silent.one(),
        None => return,
    };
    match connect::open(&server, wire, *login, (slot.place(), socket.peer)).await {
        Err(NotOpened::Told(wire)) => socket.close(wire.out).await,
        Err(NotOpened::At(address, name)) => {
            carry::carry(&server, socket.into_stream(), (&name, &address), Said::Hello(said)).await;
        }
        Ok(mut session) => {
            let rest = said.split_off(hello);
            if !session.wire.is_v5() && !session.client.has_certificate() && server.common.way.has_queues() {
                session.hello = Some(said.into_boxed_slice());
            }
            server.sessions.enter(&session.signals);
            // What changed while it logged in woke nobody: it looks once for itself.
            session.signals.raise(Reasons::POLICY);
            if stopping.is_cancelled() {
                session.signals.raise(Reasons::STOP);
            }
            let end = match session.feed(&rest) {
                Ok(()) => Box::pin(run(&mut session, &socket)).await,
                Err(end) => end,
            };
            server.sessions.leave(&session.signals);
            finish(&server, session, socket, &end).await;
        }
    }
}

/// Reads until the CONNECT is complete. What was read is in `said`; returned is how much of that it takes.
async fn login(
    socket: &Socket,
    wire: &mut Wire,
    said: &mut Vec<u8>,
) -> Result<(Box<super::wire::Connect>, usize), End> {
    let mut begun = false;
    loop {
        socket.readable().await.map_err(|_| End::Lost)?;
        let read = socket.read(|bytes| {
            // Other protocols are told apart by their first byte, before a length of theirs is waited for.
            if !std::mem::replace(&mut begun, true) && bytes[0] != CONNECT {
                return Err(Broken(MqttError::ProtocolError));
            }
            said.extend_from_slice(bytes);
            let mut input = Cursor::new(bytes);
            wire.next(&mut input)
                .map(|packet| packet.map(|packet| (packet, said.len() - input.remaining_slice().len())))
        });
        match read.map_err(|_| End::Lost)? {
            None | Some(Ok(None)) => {}
            Some(Ok(Some((Packet::Connect(connect), hello)))) => return Ok((connect, hello)),
            Some(Ok(Some(_))) => return Err(End::Malformed(MqttError::ProtocolError)),
            Some(Err(Broken(error))) => return Err(End::Malformed(error)),
        }
    }
}

async fn turn_away(server: &Server, socket: Socket, mut wire: Wire, end: &End) {
    if let End::Malformed(error) = end {
        server.metrics.malformed.one();
        tracing::debug!(%error, "a connection did not begin with a valid CONNECT");
        if *error == MqttError::UnsupportedProtocolVersion && wire.out.is_empty() {
            wire.turn_away_unknown_version();
        }
    }
    socket.close(wire.out).await;
}

async fn finish(server: &Server, mut session: Session, socket: Socket, end: &End) {
    match end {
        End::Told(code, why) => session.wire.disconnect(*code, why, None),
        End::Elsewhere(address) if session.wire.is_v5() => {
            server.metrics.sent_on.one();
            let why = format!("the queue is at another agent of this site: {address}");
            session.wire.disconnect(DisconnectReasonCode::UseAnotherServer, &why, Some(address));
        }
        End::Elsewhere(address) => return go_on_there(server, session, socket, address).await,
        End::Malformed(error) => {
            server.metrics.malformed.one();
            tracing::debug!(%error, client_id = session.client.client_id(), "a client broke the protocol");
            // Where the protocol core found it, it has said so already, and this is not sent.
            session.wire.disconnect((*error).into(), "the packet is malformed or not allowed here", None);
        }
        End::Left | End::Lost => {}
    }
    let out = std::mem::take(&mut session.wire.out);
    session.end(end);
    socket.close(out).await;
}

/// Ends a session that has nothing, and carries its client to the agent that has what it wants.
async fn go_on_there(server: &Server, mut session: Session, socket: Socket, address: &str) {
    let (answers, more) = (std::mem::take(&mut session.wire.out), session.unread.to_vec());
    let hello = session.hello.take().map(Vec::from).unwrap_or_default();
    let name = session.registered.name().clone();
    session.end(&End::Left);
    if !hello.is_empty() && !more.is_empty() {
        let said = Said::More { answers: answers.to_vec(), hello, more };
        carry::carry(server, socket.into_stream(), (&name, address), said).await;
    }
}

pub(super) type Room = Pin<Box<dyn Future<Output = Admission> + Send>>;

/// What woke the loop.
enum Woken {
    Readable,
    Writable,
    Signal(Reasons),
    Feed,
    Queue,
    Recalled(super::recalling::Step),
    Answer(super::acks::Packet, super::acks::Answer),
    Room(Admission),
    Time,
    Gone,
}

async fn run(session: &mut Session, socket: &Socket) -> End {
    let mut batch = Vec::new();
    let mut room: Option<Room> = None;
    let mut paused = false;
    let mut timer = Box::pin(tokio::time::sleep(FAR));
    loop {
        let full = session.drain(&mut batch);
        if let Some(feed) = &mut session.feed {
            feed.flush();
        }
        if socket.write(&mut session.wire.out).is_err() {
            return End::Lost;
        }
        if full && session.wire.out.is_empty() {
            session.signals.raise(Reasons::OUTBOX);
        }
        let may_read = session.may_read();
        if may_read && paused {
            // It was not silent, it was not heard.
            session.heard = Instant::now();
        }
        paused = !may_read;
        wind(timer.as_mut(), session.deadline());
        if room.is_none() {
            room = session.parked.as_ref().map(|parked| super::metered::room(session, parked));
        }
        let woken = wait(session, socket, &mut room, timer.as_mut()).await;
        let done = match woken {
            Woken::Readable => {
                let done = read(session, socket);
                // A client that always has more to say must let those who hear it in between: they may be of this thread,
                // and what waits for them at QoS 0 is bounded.
                tokio::task::yield_now().await;
                done
            }
            Woken::Writable | Woken::Feed => Ok(()),
            Woken::Queue => session.check_gone(),
            Woken::Recalled(step) => {
                session.recalled(step);
                Ok(())
            }
            Woken::Signal(reasons) => signalled(session, reasons),
            Woken::Answer(packet, answer) => answers(session, packet, answer),
            Woken::Room(admission) => {
                room = None;
                session.resume(admission)
            }
            Woken::Time => session.tick(Instant::now()),
            Woken::Gone => Err(End::Lost),
        };
        if let Err(end) = done {
            return end;
        }
    }
}

async fn wait(session: &mut Session, socket: &Socket, room: &mut Option<Room>, timer: Pin<&mut Sleep>) -> Woken {
    let (may_read, must_write) = (session.may_read(), !session.wire.out.is_empty() || socket.is_behind());
    let (has_window, has_room) = (session.has_window() && !session.is_slowed(), session.outbox.has_room());
    tokio::select! {
        ready = socket.readable(), if may_read => ready.map_or(Woken::Gone, |()| Woken::Readable),
        ready = socket.writable(), if must_write => ready.map_or(Woken::Gone, |()| Woken::Writable),
        reasons = session.signals.wait() => Woken::Signal(reasons),
        () = fed(&mut session.feed) => Woken::Feed,
        () = session.consuming.woken(), if has_window => Woken::Queue,
        step = session.recalling.next(), if has_room => Woken::Recalled(step),
        (packet, answer) = session.acks.next() => Woken::Answer(packet, answer),
        Some(admission) = maybe(room) => Woken::Room(admission),
        () = timer => Woken::Time,
    }
}

async fn fed(feed: &mut Option<Feed>) {
    match feed {
        Some(feed) => feed.woken().await,
        None => std::future::pending().await,
    }
}

async fn maybe(room: &mut Option<Room>) -> Option<Admission> {
    match room {
        Some(room) => Some(room.await),
        None => None,
    }
}

/// Sets the timer to the deadline. A timer that is early only wakes once for nothing, so it is moved only when it is late,
/// not for every packet.
fn wind(timer: Pin<&mut Sleep>, deadline: Option<Instant>) {
    let wanted = deadline.unwrap_or_else(|| Instant::now() + FAR);
    if wanted < timer.deadline() || timer.is_elapsed() {
        timer.reset(wanted);
    }
}

fn read(session: &mut Session, socket: &Socket) -> Result<(), End> {
    match socket.read(|bytes| session.feed(bytes)) {
        Ok(Some(fed)) => fed,
        Ok(None) => Ok(()),
        Err(_) => Err(End::Lost),
    }
}

fn signalled(session: &mut Session, reasons: Reasons) -> Result<(), End> {
    if reasons.has(Reasons::TAKEN_OVER) {
        return Err(End::told(DisconnectReasonCode::SessionTakenOver, "the same client connected again"));
    }
    if reasons.has(Reasons::STOP) {
        return Err(End::told(DisconnectReasonCode::ServerShuttingDown, "this listener stops"));
    }
    if reasons.has(Reasons::POLICY) { session.check_rights() } else { Ok(()) }
}

/// Writes this answer and all that are ready behind it.
fn answers(session: &mut Session, packet: super::acks::Packet, answer: super::acks::Answer) -> Result<(), End> {
    use futures::FutureExt;
    let mut next = Some((packet, answer));
    while let Some((packet, answer)) = next {
        session.answer(packet, answer)?;
        next = session.acks.next().now_or_never();
    }
    Ok(())
}
