//! The keys of one session between two agents, and how far each direction has come.
//!
//! Agents agree on keys by Noise's `KK`, which the snow library speaks: both know each other's sealing key before. Frames
//! are sealed with the two keys that come out of it, by AES-256-GCM under counters: Noise's own messages are too small for
//! them, and come in order.

use std::fmt;

use mesh_protocol::frame::envelope::{HANDSHAKE, HANDSHAKE_BYTES, KeyId, Place, SEALED_KEY_BYTES};
use mesh_protocol::id::AgentId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
use ring::digest;
use ring::error::Unspecified;
use snow::{Builder, HandshakeState};
use zeroize::Zeroizing;

use super::window::Window;
use crate::identity::sealing::{Public, SealingKey, key_id};
use crate::stream::Moment;

const PROLOGUE: &[u8] = b"meshport/fabric/session/v1";

/// A handshake message.
pub(super) type Message = [u8; HANDSHAKE_BYTES];

/// See the module.
#[derive(Debug)]
pub(super) struct Session {
    /// Id of the ephemeral key of the offer it began with.
    pub(super) offer: KeyId,
    pub(super) begun_at: Moment,
    out: Direction,
    sent: u64,
    inward: Direction,
    came: Window,
}

#[derive(Debug)]
struct Direction {
    key: LessSafeKey,
    /// Names it in envelopes.
    name: u64,
}

/// A handshake that this side began.
pub(super) struct Offer {
    /// The first message.
    pub(super) message: Message,
    /// This agent's sealing key in it.
    pub(super) made_with: KeyId,
    state: HandshakeState,
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer").field("id", &self.id()).field("made_with", &self.made_with).finish_non_exhaustive()
    }
}

impl Offer {
    /// None when the library cannot: it has no random bytes.
    pub(super) fn make(key: &SealingKey, me: AgentId, other: (AgentId, &Public)) -> Option<Self> {
        let prologue = prologue(me, other.0);
        let mut state = handshake(key, other.1, &prologue)?.build_initiator().ok()?;
        let message = write(&mut state)?;
        Some(Self { message, made_with: key.id(), state })
    }

    /// Its name.
    pub(super) fn id(&self) -> KeyId {
        ephemeral_of(&self.message)
    }

    /// The session, when this is the answer; another one harms nothing.
    pub(super) fn answered(&mut self, now: Moment, answer: &Message) -> Option<Session> {
        self.state.read_message(answer, &mut []).ok()?;
        let id = self.id();
        Some(Session::of(now, &mut self.state, id))
    }
}

/// Id of the ephemeral key in a handshake message.
pub(super) fn ephemeral_of(message: &Message) -> KeyId {
    let key: &Public = message.first_chunk().expect("it begins with the key");
    key_id(key)
}

/// The session that an offer begins, and the message that answers it; none when it is not from whom it says.
pub(super) fn answer(
    now: Moment,
    key: &SealingKey,
    me: AgentId,
    other: (AgentId, &Public),
    offer: &Message,
) -> Option<(Session, Message)> {
    let prologue = prologue(other.0, me);
    let mut state = handshake(key, other.1, &prologue)?.build_responder().ok()?;
    state.read_message(offer, &mut []).ok()?;
    let message = write(&mut state)?;
    Some((Session::of(now, &mut state, ephemeral_of(offer)), message))
}

/// Both sides must mean the same by what they agree on: this version, and who offers and who answers.
fn prologue(offers: AgentId, answers: AgentId) -> Vec<u8> {
    [PROLOGUE, offers.0.as_bytes(), answers.0.as_bytes()].concat()
}

fn handshake<'a>(key: &'a SealingKey, other: &'a Public, prologue: &'a [u8]) -> Option<Builder<'a>> {
    let params = HANDSHAKE.parse().expect("the library speaks it");
    let builder = Builder::new(params).local_private_key(key.secret()).ok()?.remote_public_key(other).ok()?;
    builder.prologue(prologue).ok()
}

fn write(state: &mut HandshakeState) -> Option<Message> {
    let mut message = [0; HANDSHAKE_BYTES];
    let length = state.write_message(&[], &mut message).ok()?;
    (length == HANDSHAKE_BYTES).then_some(message)
}

impl Session {
    fn of(now: Moment, state: &mut HandshakeState, offer: KeyId) -> Self {
        let hash = state.get_handshake_hash().to_vec();
        let (to_answerer, to_offerer) = state.dangerously_get_raw_split();
        let to_answerer = Direction::new(&Zeroizing::new(to_answerer), &hash, b"offer");
        let to_offerer = Direction::new(&Zeroizing::new(to_offerer), &hash, b"answer");
        let (out, inward) = if state.is_initiator() { (to_answerer, to_offerer) } else { (to_offerer, to_answerer) };
        Self { offer, begun_at: now, out, sent: 0, inward, came: Window::default() }
    }

    /// Whether an envelope names the direction towards this agent.
    pub(super) fn hears(&self, name: u64) -> bool {
        self.inward.name == name
    }

    /// Key and nonce for the next frame; never the same again.
    pub(super) fn next_place(&mut self) -> Place {
        let place = Place { session: self.out.name, counter: self.sent };
        self.sent += 1;
        place
    }

    /// Seals in place, with a place of [`Session::next_place`].
    pub(super) fn seal(&self, place: Place, about: &[u8], content: &mut [u8]) -> Tag {
        let sealed = self.out.key.seal_in_place_separate_tag(nonce(place.counter), Aad::from(about), content);
        sealed.expect("a frame is far smaller than what a key may seal at once")
    }

    pub(super) fn came_before(&self, counter: u64) -> bool {
        !self.came.is_new(counter)
    }

    /// Opens in place and answers the length of what was in it. What is genuine counts as having come.
    pub(super) fn open(&mut self, counter: u64, about: &[u8], sealed: &mut [u8]) -> Result<usize, Unspecified> {
        let length = self.inward.key.open_in_place(nonce(counter), Aad::from(about), sealed)?.len();
        self.came.note(counter);
        Ok(length)
    }
}

impl Direction {
    /// The handshake's hash is no secret and no other handshake has it.
    fn new(key: &[u8; 32], hash: &[u8], which: &[u8]) -> Self {
        let name = digest::digest(&digest::SHA256, &[hash, which].concat());
        let name = name.as_ref().first_chunk().copied().expect("SHA-256 has 32 bytes");
        Self { key: aead(key), name: u64::from_be_bytes(name) }
    }
}

fn aead(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("it has the length of a key"))
}

/// A key for one frame to several receivers, which each of them gets under its own session.
pub(super) struct ContentKey(Zeroizing<[u8; 32]>);

impl ContentKey {
    pub(super) fn random() -> Self {
        Self(Zeroizing::new(rand::random()))
    }

    /// Seals the one frame in place.
    pub(super) fn seal(&self, about: &[u8], content: &mut [u8]) -> Tag {
        let sealed = self.key().seal_in_place_separate_tag(nonce(0), Aad::from(about), content);
        sealed.expect("a frame is far smaller than what a key may seal at once")
    }

    /// Opens the one frame in place and answers the length of what was in it.
    pub(super) fn open(&self, about: &[u8], sealed: &mut [u8]) -> Result<usize, Unspecified> {
        Ok(self.key().open_in_place(nonce(0), Aad::from(about), sealed)?.len())
    }

    /// The key as one receiver gets it.
    pub(super) fn wrap(&self, session: &Session, place: Place, about: &[u8]) -> [u8; SEALED_KEY_BYTES] {
        let mut wrapped = [0; SEALED_KEY_BYTES];
        let (key, tag) = wrapped.split_at_mut(self.0.len());
        key.copy_from_slice(&*self.0);
        let sealed = session.seal(place, about, key);
        tag.copy_from_slice(sealed.as_ref());
        wrapped
    }

    /// The key again.
    pub(super) fn unwrap(
        session: &mut Session,
        counter: u64,
        about: &[u8],
        mut wrapped: [u8; SEALED_KEY_BYTES],
    ) -> Result<Self, Unspecified> {
        let length = session.open(counter, about, &mut wrapped)?;
        let key = wrapped[..length].try_into().map_err(|_| Unspecified)?;
        Ok(Self(Zeroizing::new(key)))
    }

    fn key(&self) -> LessSafeKey {
        aead(&self.0)
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - size_of::<u64>()..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}
