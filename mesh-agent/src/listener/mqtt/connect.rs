//! From a CONNECT to a session, or to the reason why not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::event::{DeliveryMode, Event, MAX_KEY_BYTES, Origin, Protocol};
use mesh_protocol::policy::{Action, DenyReason};
use mesh_protocol::topic::Topic;
use mqtt_protocol_core::mqtt::packet::Qos;
use mqtt_protocol_core::mqtt::result_code::ConnectReasonCode;
use tokio::time::Instant;

use super::Server;
use super::acks::Acks;
use super::clients::{Name, Registered};
use super::consuming::Consuming;
use super::exactly_once::{self, Exchanges};
use super::feed::Feed;
use super::lasting::{EXPIRY_MAX, Lasting};
use super::outbox::Outbox;
use super::recalling::Recalling;
use super::session::{End, Session};
use super::signals::Signals;
use super::subscriptions::Subscriptions;
use super::will::Will;
use super::wire::{self, Connect, Welcome, Wire};
use crate::listener::limits::Place;
use crate::listener::owner::Elsewhere;
use crate::listener::refusal;
use crate::listener::tls::Peer;
use crate::observe::Client;
use crate::policy::Denied;
use crate::router::{Outcome, Reach, Receipt};

/// A client that is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TurnedAway {
    pub(super) code: ConnectReasonCode,
    pub(super) why: String,
    /// Where it is let in, and who.
    pub(super) at: Option<(String, Name)>,
}

fn away(code: ConnectReasonCode, why: impl Into<String>) -> TurnedAway {
    TurnedAway { code, why: why.into(), at: None }
}

/// Why there is no session here.
pub(super) enum NotOpened {
    /// The CONNACK that says why is written.
    Told(Wire),
    /// The client cannot be told (MQTT 3.1.1) that its session is at the agent with this address.
    At(String, Name),
}

/// Lets a client in: the CONNACK is written, the session is registered and attached. Or not.
pub(super) async fn open(
    server: &Arc<Server>,
    mut wire: Wire,
    connect: Connect,
    who: (Place, Peer),
) -> Result<Session, NotOpened> {
    match admit(server, connect, who, wire.is_v5()) {
        Ok(admitted) => {
            let registered = register(server, &admitted).await;
            let Ok(before) = resume(server, &admitted, &registered.0).await else {
                return Err(NotOpened::Told(turn_away_busy(wire)));
            };
            let (assigned, session_present) = (admitted.assigned, before.is_some());
            let (mut session, noted) = session(server.clone(), wire, admitted, registered, before);
            if !is_noted(server, noted).await {
                let wire = std::mem::replace(&mut session.wire, Wire::new(0));
                // Nobody was let in, so nobody has a will; what an earlier connection left goes on resting.
                session.end(&End::Left);
                return Err(NotOpened::Told(turn_away_busy(wire)));
            }
            session.wire.welcome(&Welcome {
                assigned: assigned.then_some(session.client.client_id()),
                session_present,
                expiry_s: u32::try_from(session.expiry.as_secs()).unwrap_or(u32::MAX),
            });
            Ok(session)
        }
        Err(TurnedAway { at: Some((address, name)), .. }) if !wire.is_v5() => Err(NotOpened::At(address, name)),
        Err(away) => {
            let count = if away.at.is_some() { &server.metrics.sent_on } else { &server.metrics.refused_logins };
            count.one();
            let at = away.at.as_ref().map(|(address, _)| address.as_str());
            wire.turn_away(away.code, &away.why, at);
            Err(NotOpened::Told(wire))
        }
    }
}

/// A client that may have a session.
struct Admitted {
    client: crate::policy::Session,
    username: String,
    /// Its client id was chosen by us.
    assigned: bool,
    origin: Origin,
    key: Bytes,
    will: Option<Will>,
    keep_alive: Option<Duration>,
    /// Its session shall begin anew.
    clean: bool,
    /// How long its session outlives the connection.
    expiry: Duration,
}

fn admit(server: &Server, connect: Connect, (place, peer): (Place, Peer), v5: bool) -> Result<Admitted, TurnedAway> {
    if place == Place::OverLimit {
        return Err(away(ConnectReasonCode::QuotaExceeded, "as many clients are connected as may be; try again later"));
    }
    if connect.asks_for_method {
        return Err(away(ConnectReasonCode::BadAuthenticationMethod, "log in with user name and password"));
    }
    let assigned = connect.client_id.is_empty();
    let client_id = client_id(&connect, v5)?;
    let (client, username) = login(server, &connect, peer, &client_id)?;
    let site = server.common.enforcer.enforced().map_or_else(|| uuid::Uuid::nil().into(), |enforced| enforced.site.id);
    let origin = Origin { site, principal: Some(client.principal()), protocol: Protocol::Mqtt };
    let key = Bytes::copy_from_slice(client_id.as_bytes());
    let will = match connect.will {
        Some(will) => Some(checked_will(server, will, connect.session_expiry, &origin, &key)?),
        None => None,
    };
    let (clean, expiry) = (connect.clean, connect.session_expiry.min(EXPIRY_MAX));
    if !expiry.is_zero() {
        has_its_session_here(server, &client, v5)?;
    }
    Ok(Admitted { client, username, assigned, origin, key, will, keep_alive: connect.keep_alive, clean, expiry })
}

/// A session that lasts is made at the agent that has those of the site, where its client finds it whichever agent it asks.
/// One that was made here before there was such an agent stays until its end.
fn has_its_session_here(server: &Server, client: &crate::policy::Session, v5: bool) -> Result<(), TurnedAway> {
    let Some(elsewhere) = server.common.way.to_sessions() else { return Ok(()) };
    let name = Name { principal: client.principal(), client_id: client.client_id().into() };
    if server.clients.has(&name) {
        return Ok(());
    }
    match elsewhere {
        // Nobody can show another's certificate.
        Elsewhere::At(address) if !v5 && client.has_certificate() => {
            let why =
                format!("with a certificate, ask the agent that has this site's lasting sessions itself: {address}");
            Err(away(ConnectReasonCode::ServerUnavailable, why))
        }
        Elsewhere::At(address) => {
            let why = format!("sessions that outlive their connection are at another agent of this site: {address}");
            Err(TurnedAway { at: Some((address, name)), ..away(ConnectReasonCode::UseAnotherServer, why) })
        }
        Elsewhere::Unknown => {
            let why = "the agent that has this site's lasting sessions has not told its address yet; try again soon";
            Err(away(ConnectReasonCode::ServerUnavailable, why))
        }
    }
}

fn client_id(connect: &Connect, v5: bool) -> Result<String, TurnedAway> {
    let id = &connect.client_id;
    if id.is_empty() {
        // MQTT 3.1.1 has no way to say which id was assigned, so a client that wants its session back must bring one.
        if !v5 && !connect.clean {
            return Err(away(ConnectReasonCode::ClientIdentifierNotValid, "a lasting session needs a client id"));
        }
        return Ok(format!("auto-{}", uuid::Uuid::new_v4().simple()));
    }
    if id.len() > MAX_KEY_BYTES || id.contains(char::is_control) {
        let why = format!("a client id has at most {MAX_KEY_BYTES} bytes and no control characters");
        return Err(away(ConnectReasonCode::ClientIdentifierNotValid, why));
    }
    Ok(id.clone())
}

fn login(
    server: &Server,
    connect: &Connect,
    peer: Peer,
    client_id: &str,
) -> Result<(crate::policy::Session, String), TurnedAway> {
    let secret = connect.password.as_deref().and_then(|secret| std::str::from_utf8(secret).ok());
    let attempt = server.common.login(peer, connect.username.as_deref(), secret, client_id, Protocol::Mqtt);
    attempt.map(|(session, username)| (session, username.as_ref().to_owned())).map_err(|denied| {
        let nobody = Client {
            principal: None,
            principal_name: connect.username.clone().unwrap_or_default(),
            client_id: client_id.to_owned(),
            protocol: Protocol::Mqtt,
            route: None,
            broker: None,
        };
        server.common.observer.client(nobody).refused(refusal(Action::Connect, "", &denied));
        away(login_code(&denied), denied.to_string())
    })
}

fn login_code(denied: &Denied) -> ConnectReasonCode {
    match denied {
        Denied::ByPolicy(DenyReason::NoCredentials | DenyReason::UnknownUser | DenyReason::WrongSecret) => {
            ConnectReasonCode::BadUserNameOrPassword
        }
        Denied::NoPolicy => ConnectReasonCode::ServerUnavailable,
        _ => ConnectReasonCode::NotAuthorized,
    }
}

fn checked_will(
    server: &Server,
    will: wire::Will,
    session_expiry: Duration,
    origin: &Origin,
    key: &Bytes,
) -> Result<Will, TurnedAway> {
    let topic = Topic::new(&will.topic).ok().filter(|topic| !topic.as_str().contains(['+', '#']));
    let topic =
        topic.ok_or_else(|| away(ConnectReasonCode::TopicNameInvalid, "the will's topic is not a topic name"))?;
    let event = Event {
        topic,
        payload: will.payload,
        key: key.clone(),
        headers: will.headers,
        mode: if will.qos == Qos::AtMostOnce { DeliveryMode::Direct } else { DeliveryMode::Guaranteed },
        admitted_at_ms: 0,
        ttl_ms: will.expiry,
        origin: origin.clone(),
        path: Vec::new(),
        retain: will.retain,
    };
    if event.payload.len() > server.common.limits.get().payload_bytes_max {
        return Err(away(ConnectReasonCode::PacketTooLarge, "the will's payload is larger than this listener accepts"));
    }
    event.check().map_err(|limit| away(ConnectReasonCode::PacketTooLarge, limit.to_string()))?;
    Ok(Will { event, delay: will.delay.min(session_expiry) })
}

/// Its place among the sessions, after the one it takes over has gone.
async fn register(server: &Server, admitted: &Admitted) -> (Registered, Arc<Signals>) {
    let signals = Arc::new(Signals::default());
    let name = Name { principal: admitted.client.principal(), client_id: admitted.client.client_id().into() };
    (server.clients.register(name, signals.clone()).await, signals)
}

/// The session of an earlier connection, unless it shall begin anew: then that one ends here.
async fn resume(server: &Server, admitted: &Admitted, registered: &Registered) -> Result<Option<Lasting>, Unanswered> {
    let Some(mut before) = server.clients.wake(registered.name()) else { return Ok(None) };
    if admitted.clean {
        server.metrics.ended_with_session.add(before.feed.map_or(0, Feed::close));
        return Ok(None);
    }
    if exactly_once::settle(&mut before, server.common.limits.get().custody_timeout).await {
        return Ok(Some(before));
    }
    if let Some(one_too_many) = server.clients.rest(registered.name(), before) {
        server.metrics.ended_with_session.add(one_too_many.feed.map_or(0, Feed::close));
    }
    Err(Unanswered)
}

/// The disk has not said what a session needs to know.
struct Unanswered;

fn turn_away_busy(mut wire: Wire) -> Wire {
    let why = "the agent's disk does not answer, and the session is to last; connect again later";
    wire.turn_away(ConnectReasonCode::ServerBusy, why, None);
    wire
}

fn session(
    server: Arc<Server>,
    wire: Wire,
    admitted: Admitted,
    (registered, signals): (Registered, Arc<Signals>),
    before: Option<Lasting>,
) -> (Session, Option<Receipt>) {
    let watcher = server.common.observer.client(Client {
        principal: Some(admitted.client.principal()),
        principal_name: admitted.username,
        client_id: admitted.client.client_id().to_owned(),
        protocol: Protocol::Mqtt,
        route: None,
        broker: None,
    });
    let metered = server.common.quotas.client(admitted.client.principal());
    let outbox = Arc::new(Outbox::new(signals.clone(), server.metrics.clone()));
    let attachment = server.common.router.attach(outbox.clone(), Reach::Local);
    outbox.is(attachment.id());
    let Lasting { mut feed, filters, queues, in_flight, received, released, .. } = before.unwrap_or_default();
    if let Some(feed) = &mut feed {
        feed.begin();
    }
    let mut session = Session {
        wire,
        client: admitted.client,
        metered,
        slowed_until: None,
        watcher,
        origin: admitted.origin,
        key: admitted.key,
        signals,
        outbox,
        attachment,
        subscriptions: Subscriptions::default(),
        feed,
        consuming: Consuming::default(),
        expiry: admitted.expiry,
        acks: Acks::default(),
        will: admitted.will,
        keep_alive: admitted.keep_alive,
        registered,
        last_topic: None,
        parked: None,
        unread: Bytes::new(),
        heard: Instant::now(),
        exchanges: Exchanges::resumed(&received, released),
        in_flight: VecDeque::new(),
        again: BTreeMap::from_iter(in_flight),
        recalling: Recalling::default(),
        hello: None,
        server,
    };
    session.with_desk(|subscriptions, desk| subscriptions.restore(desk, filters));
    session.consume_again(queues);
    if !session.expiry.is_zero() {
        session.with_desk(|_, desk| _ = desk.feed.get_or_insert_with(desk.open));
    }
    // A crash from now on finds a session that is connected, not one that left long ago.
    let noted = session.write_note(false);
    (session, noted)
}

/// A client that is told of a session that lasts finds it again, whatever happens to the agent: the CONNACK waits for the
/// disk. Clients forget what they have not been answered when their session is gone.
async fn is_noted(server: &Server, noted: Option<Receipt>) -> bool {
    let Some(receipt) = noted else { return true };
    let timeout = server.common.limits.get().custody_timeout;
    matches!(tokio::time::timeout(timeout, receipt).await, Ok(Outcome::Taken { .. }))
}
