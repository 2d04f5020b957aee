//! The keys of one session between two agents, and how far each direction has come.

use mesh_protocol::frame::envelope::{KeyId, Place, SEALED_KEY_BYTES};
use mesh_protocol::id::AgentId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
use ring::error::Unspecified;
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use super::window::Window;
use crate::identity::sealing::{Public, SealingKey, key_id};
use crate::stream::Moment;

const SESSION: &[u8] = b"meshport/fabric/session/v1";
const CALL: &[u8] = b"meshport/fabric/call/v1";
const KEY: &[u8] = b"key";
const NAME: &[u8] = b"name";
const NAME_BYTES: usize = 8;

/// One side of a session: an agent, the key that policy names for it, and one that was made for this session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) agent: AgentId,
    pub(super) sealing: Public,
    pub(super) ephemeral: Public,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Session {
    /// The ephemeral keys it was made of: this agent's and the other's.
    pub(super) made_of: (KeyId, KeyId),
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

/// Length of a name.
#[derive(Clone, Copy, Debug)]
struct NameLength;

impl hkdf::KeyType for NameLength {
    fn len(&self) -> usize {
        NAME_BYTES
    }
}

impl Session {
    /// The session of two sides; none when one of the other's keys is a trick.
    ///
    /// Four agreements go into it: of both sealing keys, of both ephemeral keys, and of each side's sealing key with the
    /// other's ephemeral key. So only who holds a side's sealing key can speak for it, also towards one whose own key was
    /// stolen, and nobody can read any of it once the ephemeral keys are gone.
    pub(super) fn agree(
        now: Moment,
        (sealing, ephemeral): (&SealingKey, &SealingKey),
        me: AgentId,
        other: &Side,
    ) -> Option<Self> {
        let mine = Side { agent: me, sealing: *sealing.public(), ephemeral: *ephemeral.public() };
        let mut crossed = [ephemeral.agree(&other.sealing)?, sealing.agree(&other.ephemeral)?];
        if other.agent < me {
            crossed.reverse();
        }
        let [one, two] = crossed;
        let secrets = [sealing.agree(&other.sealing)?, ephemeral.agree(&other.ephemeral)?, one, two];
        Some(Self::of(now, &secrets, &mine, other))
    }

    /// The last two secrets begin with the ephemeral key of the side whose id is lower.
    pub(super) fn of(now: Moment, secrets: &[Zeroizing<[u8; 32]>; 4], mine: &Side, other: &Side) -> Self {
        let mut shared = Zeroizing::new([0u8; 128]);
        for (place, secret) in shared.chunks_exact_mut(32).zip(secrets) {
            place.copy_from_slice(&**secret);
        }
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, SESSION).extract(&*shared);
        Self {
            made_of: (key_id(&mine.ephemeral), key_id(&other.ephemeral)),
            begun_at: now,
            out: Direction::new(&secret, mine, other),
            sent: 0,
            inward: Direction::new(&secret, other, mine),
            came: Window::default(),
        }
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
    fn new(secret: &hkdf::Prk, from: &Side, to: &Side) -> Self {
        let about = |what: &'static [u8]| -> [&[u8]; 7] {
            let agents = (from.agent.0.as_bytes(), to.agent.0.as_bytes());
            [what, agents.0, agents.1, &from.sealing, &to.sealing, &from.ephemeral, &to.ephemeral]
        };
        let (key, name) = (about(KEY), about(NAME));
        let key = secret.expand(&key, &AES_256_GCM).expect("32 bytes are within what can be derived");
        let mut bytes = [0; NAME_BYTES];
        let named = secret.expand(&name, NameLength).and_then(|name| name.fill(&mut bytes));
        named.expect("8 bytes are within what can be derived");
        Self { key: LessSafeKey::new(UnboundKey::from(key)), name: u64::from_be_bytes(bytes) }
    }
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
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*self.0).expect("it has the length of a key"))
    }
}

/// Proves that calls come from the other agent, and to it that they come from here.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) out: hmac::Key,
    pub(super) inward: hmac::Key,
}

impl Greeting {
    /// None when the other's key is a trick.
    pub(super) fn agree(sealing: &SealingKey, me: AgentId, other: (AgentId, &Public)) -> Option<Self> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, CALL).extract(&*sealing.agree(other.1)?);
        let key = |from: AgentId, to: AgentId| {
            let about = [from.0.as_bytes().as_slice(), to.0.as_bytes()];
            let key = secret.expand(&about, hmac::HMAC_SHA256).expect("32 bytes are within what can be derived");
            hmac::Key::from(key)
        };
        Some(Self { out: key(me, other.0), inward: key(other.0, me) })
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - size_of::<u64>()..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}
