//! The sessions with one other agent: which stands, which are begun, and the offer that is made for the next.

use std::collections::VecDeque;
use std::time::Duration;

use mesh_protocol::frame::envelope::{Call, KeyId, Step};
use mesh_protocol::id::AgentId;

use super::Unopened;
use super::session::{Message, Offer, Session, answer, ephemeral_of};
use crate::identity::sealing::{Public, SealingKeys, key_id};
use crate::stream::Moment;

/// A session older than this is to be replaced: what was sent in it cannot be read any more afterwards.
const SESSION_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// An agent that is not heard for so long is called: it may have lost the session, or hear another one.
const SILENT: Duration = Duration::from_millis(2_500);
/// The session before is heard for so long after a newer one stands: frames are still on their way.
const LINGERS: Duration = Duration::from_secs(30);
/// Sessions that are begun at once: by the other side, and by offers that are only replayed.
const BEGUN_MAX: usize = 4;
/// A session is begun this often at most, whoever calls how often: it costs several agreements of keys.
const BEGIN_INTERVAL: Duration = Duration::from_millis(20);
/// So long after an answer no other offer is asked for: the first frame is on its way.
const ANSWERED: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Pair {
    /// The other's key, as policy names it.
    sealing: Public,
    /// This agent's key that the other knows.
    mine: KeyId,
    /// Of the two, this agent makes the offers; the other asks for them.
    is_offering: bool,
    offered: Option<Offer>,
    /// Answered here; the first frame makes one stand.
    begun: VecDeque<(Session, Message)>,
    begun_at: Option<Moment>,
    standing: Option<Session>,
    stands_since: Moment,
    heard_at: Moment,
    before: Option<Session>,
}

/// What comes of a call.
#[derive(Debug)]
pub(super) enum Heard {
    Nothing,
    Answer(Call),
    /// A session stands here: the other side learns that from a frame.
    Stands,
}

impl Pair {
    pub(super) fn new(sealing: Public, mine: KeyId, is_offering: bool) -> Self {
        Self {
            sealing,
            mine,
            is_offering,
            offered: None,
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
    pub(super) fn forget_offer(&mut self) {
        self.offered = None;
    }

    /// While there is no session or nothing is heard, and to replace an old session.
    pub(super) fn is_to_be_called(&self, now: Moment) -> bool {
        let is_mute = self.standing.is_none() || now.since(self.heard_at) >= SILENT;
        if self.is_offering {
            let is_old = |session: &Session| now.since(session.begun_at) >= SESSION_LIFE;
            is_mute || self.standing.as_ref().is_some_and(is_old)
        } else {
            is_mute && !self.is_within(now, ANSWERED)
        }
    }

    fn is_within(&self, now: Moment, time: Duration) -> bool {
        self.begun_at.is_some_and(|at| now.since(at) < time)
    }

    /// An offer to the other, or the wish for one; none when this agent has lost its own key.
    pub(super) fn call(&mut self, me: AgentId, other: AgentId, keys: &SealingKeys) -> Option<Call> {
        let (from, to) = (self.mine, key_id(&self.sealing));
        if !self.is_offering {
            return Some(Call { agent: me, from, to, step: Step::Wanted });
        }
        // The same one until it is answered: the answer to an earlier copy may be on its way.
        if self.offered.as_ref().is_none_or(|offer| offer.made_with != from) {
            self.offered = Some(Offer::make(keys.find(from)?, me, (other, &self.sealing))?);
        }
        let message = self.offered.as_ref()?.message;
        Some(Call { agent: me, from, to, step: Step::Offer(message) })
    }

    pub(super) fn hear(
        &mut self,
        now: Moment,
        me: AgentId,
        call: &Call,
        keys: &SealingKeys,
    ) -> Result<Heard, Unopened> {
        let mine = keys.find(call.to).filter(|_| call.from == key_id(&self.sealing)).ok_or(Unopened::Stale)?;
        match (&call.step, self.is_offering) {
            (Step::Wanted, true) => {
                if self.is_within(now, BEGIN_INTERVAL) {
                    return Ok(Heard::Nothing);
                }
                self.begun_at = Some(now);
                // It knows this key of ours, so it is the one to call it with.
                self.mine = call.to;
                Ok(self.call(me, call.agent, keys).map_or(Heard::Nothing, Heard::Answer))
            }
            (Step::Answer { offer, message }, true) => {
                let offered = self.offered.as_mut().filter(|offered| offered.id() == *offer).ok_or(Unopened::Stale)?;
                let session = offered.answered(now, message).ok_or(Unopened::Forged)?;
                self.offered = None;
                self.stand(now, session);
                Ok(Heard::Stands)
            }
            (Step::Offer(message), false) => {
                let offer = ephemeral_of(message);
                let is_of_it = |session: &Session| session.offer == offer;
                if self.standing.iter().chain(&self.before).any(is_of_it) {
                    return Ok(Heard::Nothing);
                }
                let known = self.begun.iter().find(|(session, _)| is_of_it(session)).map(|(_, answer)| *answer);
                if known.is_none() && self.is_within(now, BEGIN_INTERVAL) {
                    return Ok(Heard::Nothing);
                }
                let message = if let Some(answer) = known {
                    answer
                } else {
                    let theirs = (call.agent, &self.sealing);
                    let (session, answer) = answer(now, mine, me, theirs, message).ok_or(Unopened::Forged)?;
                    if self.begun.len() == BEGUN_MAX {
                        self.begun.pop_front();
                    }
                    self.begun.push_back((session, answer));
                    self.begun_at = Some(now);
                    answer
                };
                self.mine = call.to;
                let step = Step::Answer { offer, message };
                Ok(Heard::Answer(Call { agent: me, from: call.to, to: call.from, step }))
            }
            (Step::Wanted, false) | (Step::Offer(_) | Step::Answer { .. }, _) => Err(Unopened::Stale),
        }
    }

    /// The session to send under.
    pub(super) fn session(&mut self, now: Moment) -> Option<&mut Session> {
        if self.before.is_some() && now.since(self.stands_since) >= LINGERS {
            self.before = None;
        }
        self.standing.as_mut()
    }

    pub(super) fn has_session(&self) -> bool {
        self.standing.is_some()
    }

    /// Whether frames may come under this name.
    pub(super) fn hears(&self, name: u64) -> bool {
        let begun = self.begun.iter().map(|(session, _)| session);
        self.standing.iter().chain(begun).chain(&self.before).any(|session| session.hears(name))
    }

    /// The session whose frames come under this name.
    pub(super) fn hearing(&mut self, name: u64) -> Option<&mut Session> {
        let begun = self.begun.iter_mut().map(|(session, _)| session);
        let mut sessions = self.standing.iter_mut().chain(begun).chain(&mut self.before);
        sessions.find(|session| session.hears(name))
    }

    /// A frame has opened under this name. If the session was only begun it stands now; what was begun before it is over.
    pub(super) fn opened(&mut self, now: Moment, name: u64) {
        self.heard_at = now;
        let Some(index) = self.begun.iter().position(|(session, _)| session.hears(name)) else { return };
        let newer = self.begun.drain(..=index).next_back();
        if let Some((newer, _)) = newer {
            self.stand(now, newer);
        }
    }

    fn stand(&mut self, now: Moment, session: Session) {
        self.before = self.standing.replace(session);
        (self.stands_since, self.heard_at) = (now, now);
    }

    #[cfg(test)]
    pub(super) fn begun_count(&self) -> usize {
        self.begun.len()
    }
}
