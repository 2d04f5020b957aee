//! The sessions with one other agent: which stands, which are begun, and the key that is offered for the next.

use std::collections::VecDeque;
use std::time::Duration;

use mesh_protocol::frame::envelope::{Call, KeyId};
use mesh_protocol::id::AgentId;
use ring::hmac;

use super::session::{Greeting, Session, Side};
use super::{Under, Unopened};
use crate::identity::sealing::{Public, SealingKey, SealingKeys, key_id};
use crate::stream::Moment;

/// A session older than this is to be replaced: what was sent in it cannot be read any more afterwards.
const SESSION_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// An agent that is not heard for so long is called: it may have lost the session, or hear another one.
const SILENT: Duration = Duration::from_millis(2_500);
/// The session before is heard for so long after a newer one stands: frames are still on their way.
const LINGERS: Duration = Duration::from_secs(30);
/// A call with the key of the standing session, so soon after that stands, was only late.
const LATE: Duration = Duration::from_secs(5);
/// Sessions that are begun at once: by this side, by the other, and by calls that are only replayed.
const BEGUN_MAX: usize = 4;
/// A session is begun this often at most, whoever calls how often: it costs four agreements.
const BEGIN_INTERVAL: Duration = Duration::from_millis(20);

/// See the module.
#[derive(Debug)]
pub(super) struct Pair {
    /// The other's key, as policy names it.
    sealing: Public,
    /// This agent's key that the other knows.
    mine: KeyId,
    greetings: Vec<(KeyId, Greeting)>,
    /// For the next session; it is forgotten when that stands.
    offer: Option<SealingKey>,
    /// The other's offer that was heard last; 0 = none.
    heard: KeyId,
    begun: VecDeque<Session>,
    begun_at: Option<Moment>,
    standing: Option<Session>,
    stands_since: Moment,
    heard_at: Moment,
    before: Option<Session>,
}

impl Pair {
    pub(super) fn new(sealing: Public, mine: KeyId) -> Self {
        Self {
            sealing,
            mine,
            greetings: Vec::new(),
            offer: None,
            heard: KeyId(0),
            begun: VecDeque::new(),
            begun_at: None,
            standing: None,
            stands_since: Moment::default(),
            heard_at: Moment::default(),
            before: None,
        }
    }

    /// The other's key.
    pub(super) fn theirs(&self) -> &Public {
        &self.sealing
    }

    /// Policy names this key for this agent: the other will know it, if it does not yet.
    pub(super) fn name(&mut self, mine: KeyId) {
        self.mine = mine;
    }

    /// This agent has other keys.
    pub(super) fn forget_greetings(&mut self) {
        self.greetings.clear();
    }

    /// Each calls while there is no session or nothing is heard; of two agents the first replaces an old session.
    pub(super) fn is_to_be_called(&self, now: Moment, first: bool) -> bool {
        self.standing.as_ref().is_none_or(|session| {
            now.since(self.heard_at) >= SILENT || first && now.since(session.begun_at) >= SESSION_LIFE
        })
    }

    pub(super) fn is_being_replaced(&self) -> bool {
        self.standing.is_some() && !self.begun.is_empty()
    }

    pub(super) fn has_session(&self) -> bool {
        self.standing.is_some() || !self.begun.is_empty()
    }

    /// A call to the other; none when its key is no key, or this agent has lost its own.
    pub(super) fn call(&mut self, me: AgentId, other: AgentId, keys: &SealingKeys) -> Option<Call> {
        let (from, to, heard) = (self.mine, key_id(&self.sealing), self.heard);
        let ephemeral = *self.offer.get_or_insert_with(SealingKey::random).public();
        let greeting = self.greeting(from, me, other, keys)?;
        let mut call = Call { agent: me, from, to, ephemeral, heard, proof: [0; 32] };
        let proof = hmac::sign(&greeting.out, &call.proven());
        call.proof = proof.as_ref().try_into().expect("SHA-256 has 32 bytes");
        Some(call)
    }

    /// Takes a call: whether it is to be answered, and whether a session is begun.
    pub(super) fn hear(
        &mut self,
        now: Moment,
        me: AgentId,
        call: &Call,
        keys: &SealingKeys,
    ) -> Result<(bool, bool), Unopened> {
        if call.from != key_id(&self.sealing) {
            return Err(Unopened::Stale);
        }
        let greeting = self.greeting(call.to, me, call.agent, keys).ok_or(Unopened::Stale)?;
        hmac::verify(&greeting.inward, &call.proven(), &call.proof).map_err(|_| Unopened::Forged)?;
        // It knows this key of ours, so it is the one to call it with.
        self.mine = call.to;
        let theirs = key_id(&call.ephemeral);
        let late = self.standing.as_ref().is_some_and(|session| session.made_of.1 == theirs)
            && now.since(self.stands_since) < LATE;
        let known = self.standing.iter().chain(&self.begun).any(|session| session.made_of == (call.heard, theirs));
        if late || known || self.begun_at.is_some_and(|at| now.since(at) < BEGIN_INTERVAL) {
            return Ok((false, false));
        }
        let offer = self.offer.get_or_insert_with(SealingKey::random);
        let answer = call.heard != offer.id();
        let made_of = (offer.id(), theirs);
        if self.begun.iter().any(|session| session.made_of == made_of) {
            return Ok((answer, false));
        }
        let sealing = keys.find(call.to).ok_or(Unopened::Stale)?;
        let side = Side { agent: call.agent, sealing: self.sealing, ephemeral: call.ephemeral };
        let session = Session::agree(now, (sealing, offer), me, &side).ok_or(Unopened::Forged)?;
        if self.begun.len() == BEGUN_MAX {
            self.begun.pop_front();
        }
        self.begun.push_back(session);
        (self.begun_at, self.heard) = (Some(now), theirs);
        Ok((answer, true))
    }

    /// The session to send under.
    pub(super) fn session(&mut self, now: Moment, under: Under) -> Option<&mut Session> {
        if self.before.is_some() && now.since(self.stands_since) >= LINGERS {
            self.before = None;
        }
        match (under, &mut self.standing) {
            (Under::Standing, Some(session)) => Some(session),
            _ => self.begun.back_mut(),
        }
    }

    /// Whether frames may come under this name.
    pub(super) fn hears(&self, name: u64) -> bool {
        self.standing.iter().chain(&self.begun).chain(&self.before).any(|session| session.hears(name))
    }

    /// The session whose frames come under this name.
    pub(super) fn hearing(&mut self, name: u64) -> Option<&mut Session> {
        let mut sessions = self.standing.iter_mut().chain(&mut self.begun).chain(&mut self.before);
        sessions.find(|session| session.hears(name))
    }

    /// A frame has opened under this name. If the session was only begun it stands now, and what it was made of is
    /// forgotten, here and with all else that was begun of it.
    pub(super) fn opened(&mut self, now: Moment, name: u64) {
        self.heard_at = now;
        let Some(index) = self.begun.iter().position(|session| session.hears(name)) else { return };
        let newer = self.begun.remove(index);
        self.before = std::mem::replace(&mut self.standing, newer);
        self.stands_since = now;
        self.begun.clear();
        self.offer = None;
    }

    #[cfg(test)]
    pub(super) fn begun_count(&self) -> usize {
        self.begun.len()
    }

    fn greeting(&mut self, mine: KeyId, me: AgentId, other: AgentId, keys: &SealingKeys) -> Option<&Greeting> {
        let known = self.greetings.iter().position(|(id, _)| *id == mine);
        let index = match known {
            Some(index) => index,
            None => {
                let greeting = Greeting::agree(keys.find(mine)?, me, (other, &self.sealing))?;
                self.greetings.push((mine, greeting));
                self.greetings.len() - 1
            }
        };
        self.greetings.get(index).map(|(_, greeting)| greeting)
    }
}
