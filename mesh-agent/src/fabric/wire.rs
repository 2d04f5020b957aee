//! The zenoh session as the rest of the fabric sees it: put a frame under a key, hear a key, see neighbours.

#[cfg(test)]
pub(super) mod simulated;

use std::fmt;
use std::str::FromStr;

use bytes::{Bytes, BytesMut};
use mesh_protocol::id::AgentId;
use tokio::sync::mpsc;
use zenoh::Wait;
use zenoh::qos::{CongestionControl, Priority};

use crate::counters::{Counter, Counters};

/// Frames above this take several of zenoh's batches, which may make a put wait for some milliseconds.
const LARGE_FRAME_BYTES: usize = 128 * 1024;

/// An open session.
#[derive(Clone)]
pub(super) enum Wire {
    /// Of zenoh, with what is told of every frame.
    Session(zenoh::Session, Inbox),
    /// A simulation's, without IO.
    #[cfg(test)]
    Simulated(simulated::Air),
}

/// A key that is heard until this is dropped.
pub(super) enum Ear {
    /// Of zenoh.
    Subscriber(#[expect(dead_code, reason = "hears while it lives")] zenoh::pubsub::Subscriber<()>),
    /// A simulation's.
    #[cfg(test)]
    Simulated(#[expect(dead_code, reason = "hears while it lives")] simulated::Hearing),
}

/// Which queue a frame waits in: acknowledgements never wait behind data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Control,
    Data,
}

/// Where frames go that were heard.
#[derive(Clone, Debug)]
pub(super) struct Inbox {
    frames: mpsc::Sender<BytesMut>,
    dropped: Counter,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(session, _) => f.debug_struct("Wire").field("zid", &session.zid()).finish_non_exhaustive(),
            #[cfg(test)]
            Self::Simulated(air) => air.fmt(f),
        }
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ear")
    }
}

impl Inbox {
    pub(super) fn new(frames: mpsc::Sender<BytesMut>, counters: &Counters) -> Self {
        Self { frames, dropped: counters.counter("fabric_inbox_dropped_frames") }
    }
}

/// The key at which an agent hears.
pub(super) fn inbox_key(agent: AgentId) -> String {
    format!("m/a/{agent}")
}

/// The key at which all members of a set hear.
pub(super) fn set_key(set: &[u8; 16]) -> String {
    format!("m/s/{}", hex::encode(set))
}

/// The token that says that an agent's session is alive.
pub(super) fn token_key(agent: AgentId) -> String {
    format!("m/l/{agent}")
}

impl Wire {
    pub(super) fn new(session: zenoh::Session, inbox: Inbox) -> Self {
        Self::Session(session, inbox)
    }

    /// Hands a frame to zenoh, which sends it or, when its queue is full, drops it.
    pub(super) fn put(&self, key: &str, frame: Bytes, urgency: Urgency) -> Result<(), zenoh::Error> {
        let session = match self {
            Self::Session(session, _) => session,
            #[cfg(test)]
            Self::Simulated(air) => {
                air.put(key, frame);
                return Ok(());
            }
        };
        let priority = match urgency {
            Urgency::Control => Priority::RealTime,
            Urgency::Data => Priority::Data,
        };
        let large = frame.len() > LARGE_FRAME_BYTES;
        let put = session.put(key, frame).congestion_control(CongestionControl::Drop).priority(priority);
        if large { tokio::task::block_in_place(|| put.wait()) } else { put.wait() }
    }

    /// What is in a frame that is put next; it is sealed by then.
    #[cfg(test)]
    pub(super) fn say(&self, frame: &mesh_protocol::frame::Frame) {
        if let Self::Simulated(air) = self {
            air.say(frame);
        }
    }

    /// Hears a key.
    pub(super) async fn hear(&self, key: &str) -> Result<Ear, zenoh::Error> {
        let (session, inbox) = match self {
            Self::Session(session, inbox) => (session, inbox.clone()),
            #[cfg(test)]
            Self::Simulated(air) => return Ok(Ear::Simulated(air.hear(key))),
        };
        let heard = session.declare_subscriber(key.to_owned()).callback(move |sample| {
            // Its own copy: it is opened in place.
            let frame = BytesMut::from(&*sample.payload().to_bytes());
            if inbox.frames.try_send(frame).is_err() {
                inbox.dropped.one();
            }
        });
        heard.await.map(Ear::Subscriber)
    }

    /// The agents at the other ends of this agent's own links, by their certificates.
    pub(super) async fn neighbours(&self) -> Vec<Neighbour> {
        let session = match self {
            Self::Session(session, _) => session,
            #[cfg(test)]
            Self::Simulated(air) => return air.neighbours(),
        };
        let links = session.info().links().await;
        links
            .map(|link| {
                let name = link.auth_identifier().unwrap_or_default().to_owned();
                Neighbour { agent: AgentId::from_str(&name).ok(), name, address: link.dst().to_string() }
            })
            .collect()
    }

    pub(super) async fn close(&self) {
        let session = match self {
            Self::Session(session, _) => session,
            #[cfg(test)]
            Self::Simulated(_) => return,
        };
        if let Err(error) = session.close().await {
            tracing::debug!(%error, "the fabric's session did not close cleanly");
        }
    }
}

/// The other end of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Neighbour {
    /// Who it is; none = its certificate does not name an agent.
    pub(super) agent: Option<AgentId>,
    /// Common name of its certificate.
    pub(super) name: String,
    /// Where it is.
    pub(super) address: String,
}
