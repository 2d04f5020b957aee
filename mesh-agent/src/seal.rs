//! The seal: what one agent sends another, nobody in between can read or forge.
//!
//! zenoh routes frames through the agents in between, and TLS ends at each of them. So every frame is sealed from the agent
//! that speaks to those it speaks to; a hub sees who sends how much to whom and when, and nothing else. Whose key is whose
//! is told by the signed desired state, so a hub, or a foreign agent with a certificate, cannot bring in a key of its own.
//!
//! ```text
//!  A, the lower id                               B        Noise KK: both know each other's sealing key
//!  |<------------------------------------ wanted --|      (unless A calls by itself)
//!  |-- offer: e, es, ss -------------------------->|      a session is begun at B
//!  |<--------------------------- answer: e, ee, se --|    it stands at A
//!  |-- frame under the session ------------------->|      it opens: it stands at B too
//! ```
//! A session is begun when there is none, and anew when a side has restarted, is not heard any more, or the session is a
//! day old. B uses the older one until a frame has opened under the newer, so nothing that is merely replayed or lost ends
//! it. Each side's ephemeral key is new: frames of an earlier session never open again, at nobody.
//!
//! - Only the holder of an agent's sealing key can speak for it; a key that is stolen at B does not let the thief play A to B.
//! - Each frame is taken once: a replay is counted and dropped ([`window`]).
//! - A frame for a set is sealed once, under a key of its own that each member gets under its own session, tied to the exact
//!   bytes: a member that has that key cannot make another frame of it for the rest.
//! - Forward secrecy: who takes an agent's keys and disk reads nothing that was sent in sessions that are over. A running
//!   session is in memory; it ends with either process, and after a day.
//! - Who holds the key that signs policy says which key is whose, and could put its own between two agents.
//! - Not hidden: agents' ids, lengths and times. Frames are compressed before, so whoever can publish what shares a frame
//!   with a secret, and also watches the link, may learn from lengths whether it repeats that secret.
//!
//! There is no unsealed frame and no older version to fall back to. What does not open is never answered; who sent it is
//! not known.

mod pair;
mod session;
mod window;

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use mesh_protocol::frame::envelope::{self, Call, Envelope, ONE_HEAD_BYTES, Place, SET_HEAD_BYTES, Share};
use mesh_protocol::frame::{DESTINATIONS_MAX, FrameError};
use mesh_protocol::id::AgentId;
use ring::digest;

use self::pair::{Heard, Pair};
use self::session::{ContentKey, Session};
use crate::identity::sealing::{Public, SealingKeys, is_trick};
use crate::stream::Moment;

/// What an envelope brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// A frame, surely from this agent and new.
    Frame {
        /// Who sent it.
        agent: AgentId,
        /// [`frame::encode`](mesh_protocol::frame::encode)'s bytes.
        content: Bytes,
    },
    /// An agent wants a session, or agrees to one.
    Call {
        /// Which.
        agent: AgentId,
        /// To be sent to it.
        answer: Option<Bytes>,
        /// A session stands here, and a frame tells the other side so.
        stands: bool,
    },
}

/// Why an envelope brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// It is none.
    Unreadable(FrameError),
    /// The sender is no member, or policy names no sealing key for it.
    Stranger,
    /// It is for another session, or for a key that one side does not know (yet, or any more).
    Stale,
    /// It came before.
    Replayed,
    /// It is not from whom it says, or was altered.
    Forged,
}

/// All sessions of one agent. No IO, no clock: it is told the time, and what it answers is to be sent.
#[derive(Debug)]
pub struct Sealer {
    me: AgentId,
    keys: SealingKeys,
    pairs: BTreeMap<AgentId, Pair>,
}

impl Sealer {
    /// Without members yet.
    #[must_use]
    pub fn new(me: AgentId, keys: SealingKeys) -> Self {
        Self { me, keys, pairs: BTreeMap::new() }
    }

    /// This agent's keys from now on. Sessions stay.
    pub fn set_keys(&mut self, keys: SealingKeys) {
        if self.keys != keys {
            self.keys = keys;
            self.pairs.values_mut().for_each(Pair::forget_offer);
        }
    }

    /// The members and their keys, as policy names them; this agent among them. A session with a key that is no more
    /// named ends.
    pub fn set_members(&mut self, members: &BTreeMap<AgentId, Public>) {
        self.pairs.retain(|agent, pair| members.get(agent) == Some(pair.theirs()));
        // Others are called with the key that they know, which is not the newest here while policy has not named that.
        let named = members.get(&self.me).map(crate::identity::sealing::key_id);
        let mine = named.filter(|id| self.keys.find(*id).is_some()).unwrap_or_else(|| self.keys.newest().id());
        let me = self.me;
        for (agent, key) in members.iter().filter(|(agent, key)| **agent != me && !is_trick(key)) {
            self.pairs.entry(*agent).or_insert_with(|| Pair::new(*key, mine, me < *agent)).name(mine);
        }
    }

    /// Whether an agent is to be called: there is no session, or an old one, or nothing is heard in it.
    #[must_use]
    pub fn is_to_be_called(&self, now: Moment, agent: AgentId) -> bool {
        self.pairs.get(&agent).is_some_and(|pair| pair.is_to_be_called(now))
    }

    /// A call to an agent; none when it cannot be called.
    pub fn call(&mut self, agent: AgentId) -> Option<Bytes> {
        let pair = self.pairs.get_mut(&agent)?;
        pair.call(self.me, agent, &self.keys).map(|call| call.encode().freeze())
    }

    /// Seals what `put` writes for one agent; none when there is no session with it.
    pub fn seal(&mut self, now: Moment, agent: AgentId, put: impl FnOnce(&mut BytesMut)) -> Option<Bytes> {
        let session = self.pairs.get_mut(&agent)?.session(now)?;
        let place = session.next_place();
        let mut out = BytesMut::new();
        envelope::put_one(&mut out, self.me, place);
        put(&mut out);
        let (head, content) = out.split_at_mut(ONE_HEAD_BYTES);
        let tag = session.seal(place, head, content);
        out.put_slice(tag.as_ref());
        Some(out.freeze())
    }

    /// Seals what `put` writes once for all these agents; those without a session get nothing. None when that are all.
    pub fn seal_for_set(&mut self, now: Moment, agents: &[AgentId], put: impl FnOnce(&mut BytesMut)) -> Option<Bytes> {
        let is_ready = |agent: &&AgentId| self.pairs.get(agent).is_some_and(Pair::has_session);
        let ready: Vec<AgentId> = agents.iter().filter(is_ready).take(DESTINATIONS_MAX).copied().collect();
        if ready.is_empty() {
            return None;
        }
        let mut out = BytesMut::new();
        envelope::put_set(&mut out, self.me, ready.len());
        put(&mut out);
        let key = ContentKey::random();
        let (head, content) = out.split_at_mut(SET_HEAD_BYTES);
        let tag = key.seal(head, content);
        out.put_slice(tag.as_ref());
        let bound = bound_to(&out);
        for agent in ready {
            let session = self.pairs.get_mut(&agent).and_then(|pair| pair.session(now));
            let session = session.expect("it was just asked for");
            let place = session.next_place();
            envelope::put_share(&mut out, &Share { place, key: key.wrap(session, place, bound.as_ref()) });
        }
        Some(out.freeze())
    }

    /// Opens an envelope.
    ///
    /// # Errors
    /// [`Unopened`]: to be counted, never answered.
    pub fn open(&mut self, now: Moment, bytes: BytesMut) -> Result<Opened, Unopened> {
        match envelope::read(&bytes).map_err(Unopened::Unreadable)? {
            Envelope::Call(call) => self.hear(now, &call),
            Envelope::One { agent, place } => self.open_one(now, agent, place, bytes),
            Envelope::Set { agent, shares_at, shares } => self.open_set(now, agent, (shares_at, &shares), bytes),
        }
    }

    fn hear(&mut self, now: Moment, call: &Call) -> Result<Opened, Unopened> {
        let pair = self.pairs.get_mut(&call.agent).ok_or(Unopened::Stranger)?;
        let (answer, stands) = match pair.hear(now, self.me, call, &self.keys)? {
            Heard::Nothing => (None, false),
            Heard::Answer(answer) => (Some(answer.encode().freeze()), false),
            Heard::Stands => (None, true),
        };
        Ok(Opened::Call { agent: call.agent, answer, stands })
    }

    fn open_one(&mut self, now: Moment, agent: AgentId, place: Place, mut bytes: BytesMut) -> Result<Opened, Unopened> {
        let pair = self.pairs.get_mut(&agent).ok_or(Unopened::Stranger)?;
        let session = fresh(pair, place)?;
        let (head, sealed) = bytes.split_at_mut(ONE_HEAD_BYTES);
        let length = session.open(place.counter, head, sealed).map_err(|_| Unopened::Forged)?;
        pair.opened(now, place.session);
        Ok(Opened::Frame { agent, content: content(bytes, ONE_HEAD_BYTES, length) })
    }

    fn open_set(
        &mut self,
        now: Moment,
        agent: AgentId,
        (shares_at, shares): (usize, &[Share]),
        mut bytes: BytesMut,
    ) -> Result<Opened, Unopened> {
        let pair = self.pairs.get_mut(&agent).ok_or(Unopened::Stranger)?;
        let mine = shares.iter().find(|share| pair.hears(share.place.session)).ok_or(Unopened::Stale)?;
        let session = fresh(pair, mine.place)?;
        let bound = bound_to(&bytes[..shares_at]);
        let key = ContentKey::unwrap(session, mine.place.counter, bound.as_ref(), mine.key);
        let key = key.map_err(|_| Unopened::Forged)?;
        pair.opened(now, mine.place.session);
        let (head, sealed) = bytes[..shares_at].split_at_mut(SET_HEAD_BYTES);
        let length = key.open(head, sealed).map_err(|_| Unopened::Forged)?;
        Ok(Opened::Frame { agent, content: content(bytes, SET_HEAD_BYTES, length) })
    }
}

/// The session that a frame is sealed under, if the frame has not come before.
fn fresh(pair: &mut Pair, place: Place) -> Result<&mut Session, Unopened> {
    let session = pair.hearing(place.session).ok_or(Unopened::Stale)?;
    if session.came_before(place.counter) { Err(Unopened::Replayed) } else { Ok(session) }
}

/// What each share of a set's frame is tied to: all of it before the shares.
fn bound_to(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

fn content(mut bytes: BytesMut, at: usize, length: usize) -> Bytes {
    bytes.advance(at);
    bytes.truncate(length);
    bytes.freeze()
}

#[cfg(test)]
mod tests;
