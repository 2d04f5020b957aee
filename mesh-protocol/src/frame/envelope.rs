//! What is seen of a frame on its way: who sends it, and by which key its receiver opens it. Nothing else.
//!
//! zenoh routes frames through the agents in between, so everything that is not needed to open a frame is inside the
//! seal: spools, destinations, positions, topics, events, acknowledgements. This is the layout only; keys, and the
//! promises that the seal makes, are the agents' (`mesh-agent/src/seal.rs`).
//!
//! ```text
//! offset size                                          all numbers big-endian
//!      0    1  version = 1
//!      1    1  kind: 1 call, 2 sealed for one, 3 sealed for a set
//!      2   16  agent that sends it
//!
//! call     18   1  step: 0 wanted, 1 offer, 2 answer           one      18   8  session
//!          19   8  id of its sealing key                                26   8  counter
//!          27   8  id of the receiver's sealing key                     34   n  frame, sealed, with its tag
//! offer    35  48  first handshake message
//! answer   35   8  id of the offer's ephemeral key             set      18   2  members, m
//!          43  48  second handshake message                             20   n  frame, sealed, with its tag
//!                                                                     20+n   .  m times: 8 session, 8 counter,
//!                                                                               48 content key, sealed, with its tag
//! ```
//! Handshake messages are those of [`HANDSHAKE`], without payloads; what makes and reads them is the agents' library.
//! A version or kind that is not known is an error of the link: it is counted and never acknowledged.

use bytes::{BufMut, BytesMut};

use super::{DESTINATIONS_MAX, FrameError, MAX_BYTES};
use crate::id::AgentId;

/// The version this code writes, and the only one it reads.
pub const VERSION: u8 = 1;
/// Bytes of an authentication tag.
pub const TAG_BYTES: usize = 16;
/// Bytes before a frame that is sealed for one receiver.
pub const ONE_HEAD_BYTES: usize = 34;
/// Bytes before a frame that is sealed for a set.
pub const SET_HEAD_BYTES: usize = 20;
/// Bytes of the content key, sealed for one member.
pub const SEALED_KEY_BYTES: usize = 32 + TAG_BYTES;
/// Bytes that each member of a set adds.
pub const SHARE_BYTES: usize = 16 + SEALED_KEY_BYTES;
/// How a session is agreed on, in the words of the Noise protocol framework (revision 34).
pub const HANDSHAKE: &str = "Noise_KK_25519_ChaChaPoly_SHA256";
/// Bytes of either handshake message: an ephemeral key and a tag.
pub const HANDSHAKE_BYTES: usize = 32 + TAG_BYTES;
/// Largest envelope, in bytes.
pub const ENVELOPE_BYTES_MAX: usize = MAX_BYTES + SET_HEAD_BYTES + TAG_BYTES + DESTINATIONS_MAX * SHARE_BYTES;

const CALL: u8 = 1;
const ONE: u8 = 2;
const SET: u8 = 3;
const WANTED: u8 = 0;
const OFFER: u8 = 1;
const ANSWER: u8 = 2;
const STEP_AT: usize = 35;
const KEY_ID_BYTES: usize = 8;

/// The first 8 bytes of SHA-256 of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u64);

/// An envelope's clear part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// The sender wants to begin a session.
    Call(Call),
    /// A frame for one receiver, at [`ONE_HEAD_BYTES`].
    One {
        /// Who sends it.
        agent: AgentId,
        /// By which key.
        place: Place,
    },
    /// A frame for several, at [`SET_HEAD_BYTES`].
    Set {
        /// Who sends it.
        agent: AgentId,
        /// Where the shares begin and the sealed frame ends.
        shares_at: usize,
        /// One for each member, in no order.
        shares: Vec<Share>,
    },
}

/// Which key and nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Names a direction of a session between two agents; random.
    pub session: u64,
    /// Counts the frames of that direction from 0.
    pub counter: u64,
}

/// One member's way to a set's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// By which key.
    pub place: Place,
    /// The content key, sealed.
    pub key: [u8; SEALED_KEY_BYTES],
}

/// What an agent says to begin a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who calls.
    pub agent: AgentId,
    /// With which of its sealing keys.
    pub from: KeyId,
    /// For which sealing key of the receiver.
    pub to: KeyId,
    /// What it says.
    pub step: Step,
}

/// One step towards a session. Of two agents the one with the lower id makes offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The other side is to make an offer. Nothing proves who says so.
    Wanted,
    /// The first handshake message.
    Offer([u8; HANDSHAKE_BYTES]),
    /// The second one.
    Answer {
        /// Id of the ephemeral key of the offer that it answers.
        offer: KeyId,
        /// The message.
        message: [u8; HANDSHAKE_BYTES],
    },
}

impl Call {
    /// The envelope's bytes.
    #[must_use]
    pub fn encode(&self) -> BytesMut {
        let mut out = BytesMut::with_capacity(STEP_AT + KEY_ID_BYTES + HANDSHAKE_BYTES);
        put_head(&mut out, CALL, self.agent);
        out.put_u8(match self.step {
            Step::Wanted => WANTED,
            Step::Offer(_) => OFFER,
            Step::Answer { .. } => ANSWER,
        });
        out.put_u64(self.from.0);
        out.put_u64(self.to.0);
        match &self.step {
            Step::Wanted => {}
            Step::Offer(message) => out.put_slice(message),
            Step::Answer { offer, message } => {
                out.put_u64(offer.0);
                out.put_slice(message);
            }
        }
        out
    }
}

/// Begins an envelope for one receiver. The frame and its tag follow.
pub fn put_one(out: &mut BytesMut, agent: AgentId, place: Place) {
    put_head(out, ONE, agent);
    put_place(out, place);
}

/// Begins an envelope for so many members. The frame, its tag and the shares follow.
///
/// The bound is the sender's duty; more members than a `u16` are a broken invariant.
pub fn put_set(out: &mut BytesMut, agent: AgentId, members: usize) {
    put_head(out, SET, agent);
    out.put_u16(u16::try_from(members).expect("the sender keeps sets within their bounds"));
}

/// Appends one member's share.
pub fn put_share(out: &mut BytesMut, share: &Share) {
    put_place(out, share.place);
    out.put_slice(&share.key);
}

fn put_head(out: &mut BytesMut, kind: u8, agent: AgentId) {
    out.put_u8(VERSION);
    out.put_u8(kind);
    out.put_slice(agent.0.as_bytes());
}

fn put_place(out: &mut BytesMut, place: Place) {
    out.put_u64(place.session);
    out.put_u64(place.counter);
}

/// Reads the clear part of an envelope.
///
/// # Errors
/// [`FrameError`]: an error of the link, to be counted.
pub fn read(bytes: &[u8]) -> Result<Envelope, FrameError> {
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return Err(FrameError::TooMany("bytes"));
    }
    match take(bytes, 0)? {
        [VERSION] => {}
        [version] => return Err(FrameError::Version(version)),
    }
    let [kind] = take(bytes, 1)?;
    let agent = AgentId(uuid::Uuid::from_bytes(take(bytes, 2)?));
    match kind {
        CALL => read_call(bytes, agent).map(Envelope::Call),
        ONE => Ok(Envelope::One { agent, place: read_place(bytes, 18)? }),
        SET => read_set(bytes, agent),
        value => Err(FrameError::Unknown { what: "kind", value }),
    }
}

fn read_call(bytes: &[u8], agent: AgentId) -> Result<Call, FrameError> {
    let [step] = take(bytes, 18)?;
    let key_id = |at| take(bytes, at).map(|id| KeyId(u64::from_be_bytes(id)));
    let (from, to) = (key_id(19)?, key_id(27)?);
    let (step, length) = match step {
        WANTED => (Step::Wanted, STEP_AT),
        OFFER => (Step::Offer(take(bytes, STEP_AT)?), STEP_AT + HANDSHAKE_BYTES),
        ANSWER => {
            let message_at = STEP_AT + KEY_ID_BYTES;
            let step = Step::Answer { offer: key_id(STEP_AT)?, message: take(bytes, message_at)? };
            (step, message_at + HANDSHAKE_BYTES)
        }
        value => return Err(FrameError::Unknown { what: "step", value }),
    };
    if bytes.len() == length { Ok(Call { agent, from, to, step }) } else { Err(FrameError::Long) }
}

fn read_set(bytes: &[u8], agent: AgentId) -> Result<Envelope, FrameError> {
    let members = usize::from(u16::from_be_bytes(take(bytes, 18)?));
    if members > DESTINATIONS_MAX {
        return Err(FrameError::TooMany("members"));
    }
    let shares_at = bytes.len().checked_sub(members * SHARE_BYTES).ok_or(FrameError::Short)?;
    if shares_at < SET_HEAD_BYTES + TAG_BYTES {
        return Err(FrameError::Short);
    }
    let read = |at: usize| Ok(Share { place: read_place(bytes, at)?, key: take(bytes, at + 16)? });
    let shares = (0..members).map(|index| read(shares_at + index * SHARE_BYTES)).collect::<Result<_, FrameError>>()?;
    Ok(Envelope::Set { agent, shares_at, shares })
}

fn read_place(bytes: &[u8], at: usize) -> Result<Place, FrameError> {
    Ok(Place { session: u64::from_be_bytes(take(bytes, at)?), counter: u64::from_be_bytes(take(bytes, at + 8)?) })
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], FrameError> {
    let taken = bytes.get(at..at + N).and_then(|taken| taken.try_into().ok());
    taken.ok_or(FrameError::Short)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The wire form of version 1. It never changes: agents of different ages talk to each other.
    const GOLDEN: &str = include_str!("envelope.hex");

    fn agent() -> AgentId {
        AgentId(uuid::Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001))
    }

    fn call(step: Step) -> Call {
        Call { agent: agent(), from: KeyId(1), to: KeyId(2), step }
    }

    fn offer() -> Call {
        call(Step::Offer([3; HANDSHAKE_BYTES]))
    }

    fn answer() -> Call {
        call(Step::Answer { offer: KeyId(4), message: [5; HANDSHAKE_BYTES] })
    }

    fn share(session: u64) -> Share {
        Share { place: Place { session, counter: 7 }, key: [8; SEALED_KEY_BYTES] }
    }

    fn set(frame: &[u8], sessions: &[u64]) -> BytesMut {
        let mut out = BytesMut::new();
        put_set(&mut out, agent(), sessions.len());
        out.put_slice(frame);
        sessions.iter().for_each(|session| put_share(&mut out, &share(*session)));
        out
    }

    #[test]
    fn golden_envelopes_are_still_written_and_read() {
        let place = Place { session: 6, counter: 7 };
        let mut one = BytesMut::new();
        put_one(&mut one, agent(), place);
        one.put_slice(b"sealed frame and its tag");
        let sealed = b"sealed frame and its tag";
        let envelopes = [
            (call(Step::Wanted).encode(), Envelope::Call(call(Step::Wanted))),
            (offer().encode(), Envelope::Call(offer())),
            (answer().encode(), Envelope::Call(answer())),
            (one, Envelope::One { agent: agent(), place }),
            (
                set(sealed, &[9, 10]),
                Envelope::Set {
                    agent: agent(),
                    shares_at: SET_HEAD_BYTES + sealed.len(),
                    shares: vec![share(9), share(10)],
                },
            ),
        ];
        let lines: Vec<String> = envelopes.iter().map(|(bytes, _)| hex::encode(bytes)).collect();
        assert_eq!(lines, GOLDEN.lines().collect::<Vec<_>>(), "the wire form changed");
        for (bytes, envelope) in envelopes {
            assert_eq!(read(&bytes), Ok(envelope));
        }
    }

    #[test]
    fn what_is_no_envelope_says_why() {
        let mut newer = offer().encode();
        newer[0] = 2;
        assert_eq!(read(&newer), Err(FrameError::Version(2)));
        let mut other = offer().encode();
        other[1] = 9;
        assert_eq!(read(&other), Err(FrameError::Unknown { what: "kind", value: 9 }));
        let mut further = offer().encode();
        further[18] = 3;
        assert_eq!(read(&further), Err(FrameError::Unknown { what: "step", value: 3 }));
        for call in [call(Step::Wanted), offer(), answer()] {
            let mut long = call.encode();
            assert_eq!(read(&long[..long.len() - 1]), Err(FrameError::Short));
            long.put_u8(0);
            assert_eq!(read(&long), Err(FrameError::Long));
        }
        assert_eq!(read(&set(&[0; TAG_BYTES - 1], &[1])), Err(FrameError::Short));
        let mut crowd = set(&[0; TAG_BYTES], &[1]);
        crowd[18..20].copy_from_slice(&257u16.to_be_bytes());
        assert_eq!(read(&crowd), Err(FrameError::TooMany("members")));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..300), kind in 0u8..5) {
            let _ = read(&bytes);
            if bytes.len() > 1 {
                bytes[0] = VERSION;
                bytes[1] = kind;
            }
            let _ = read(&bytes);
        }
    }
}
