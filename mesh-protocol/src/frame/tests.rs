use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::{AgentId, StreamId};
use crate::topic::Filter;

/// The wire form of version 1. It never changes: agents of different ages talk to each other.
const GOLDEN: &str = include_str!("golden.hex");

fn header() -> Header {
    Header { sender: SpoolId([0x11; 16]), epoch: Epoch(0x2222), revision: Revision { generation: 1, revision: 42 } }
}

fn stream() -> StreamId {
    StreamId { origin: SpoolId([1; 16]), epoch: Epoch(2), destination: SpoolId([3; 16]), lane: Lane(4) }
}

fn stream_frame() -> Frame {
    Frame {
        header: header(),
        body: Body::Stream(StreamBody {
            epoch: Epoch(6),
            lane: Lane(3),
            destinations: vec![
                Destination { spool: SpoolId([0x33; 16]), epoch: Epoch(7), prev: Seq::from_counter(4) },
                Destination { spool: SpoolId([0x44; 16]), epoch: Epoch(8), prev: Seq::START },
            ],
            events: vec![
                StreamEvent {
                    seq: Seq::from_counter(5),
                    redelivered: false,
                    recalled: false,
                    bytes: Bytes::from_static(b"one"),
                },
                StreamEvent { seq: Seq::from_pair(1, 0), redelivered: true, recalled: false, bytes: Bytes::new() },
            ],
        }),
    }
}

fn direct_frame() -> Frame {
    Frame {
        header: header(),
        body: Body::Direct(DirectBody {
            destinations: vec![SpoolId([0x33; 16])],
            events: vec![Bytes::from_static(b"two")],
        }),
    }
}

fn control_frame() -> Frame {
    let seq = Seq::from_counter;
    let filter = |text| Filter::mesh(text).expect("valid");
    let agent = AgentId(uuid::Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001));
    let changes = vec![
        InterestChange { removed: false, durable: true, direct: false, filter: filter("a/>") },
        InterestChange { removed: true, durable: false, direct: true, filter: Filter::mqtt("a/+/#").expect("valid") },
    ];
    let messages = vec![
        Control::Ack(Ack { stream: stream(), arrived: seq(9), up_to: seq(8), credit_bytes: 1 << 18 }),
        Control::Nack(Nack { stream: stream(), ranges: vec![(seq(1), seq(2)), (seq(4), seq(9))] }),
        Control::Heartbeat(Heartbeat {
            durable_spool: false,
            leaving: true,
            sent_at_us: 77,
            echo: Some(Echo { sent_at_us: 5, held_us: 6 }),
            interest_version: 12,
            interest_hash: 34,
            deny_list: 56,
            holds: None,
        }),
        Control::Interest(Interest { from: Some(11), version: 12, hash: 34, part: 0, parts: 1, changes }),
        Control::InterestWanted { have: 3 },
        Control::Behind(Behind {
            stream: stream(),
            reason: BehindReason::Revision,
            revision: Revision { generation: 1, revision: 41 },
        }),
        Control::Refused(Refused { stream: stream(), seq: seq(3), reason: "too large".to_owned() }),
        Control::Skip(Skip { stream: stream(), after: seq(2), up_to: seq(3), reason: SkipReason::Refused }),
        Control::SetAnnounced { set: [5; 16], members: vec![agent] },
        Control::SetConfirmed { set: [5; 16] },
        Control::DenyListWanted,
        Control::DenyList(Bytes::from_static(b"{}")),
    ];
    Frame { header: header(), body: Body::Control(messages) }
}

#[test]
fn golden_frames_are_still_written_and_read() {
    let frames = [stream_frame(), direct_frame(), control_frame()];
    let lines: Vec<String> = frames.iter().map(|frame| hex::encode(encode(frame))).collect();
    assert_eq!(lines, GOLDEN.lines().collect::<Vec<_>>(), "the wire form changed");
    for (line, frame) in GOLDEN.lines().zip(frames) {
        assert_eq!(decode(&Bytes::from(hex::decode(line).expect("hex"))), Ok(frame));
    }
}

/// What came to the heartbeat after the golden frames were written.
#[test]
fn what_an_agent_holds_of_anothers_interest_is_read_as_written() {
    let Frame { header, body: Body::Control(mut messages) } = control_frame() else { unreachable!() };
    for message in &mut messages {
        if let Control::Heartbeat(heartbeat) = message {
            heartbeat.holds = Some(Holds { version: 78, after_position: 90 });
        }
    }
    let frame = Frame { header, body: Body::Control(messages) };
    assert_eq!(decode(&encode(&frame)), Ok(frame));
}

/// What came after the golden frames were written.
#[test]
fn what_agents_say_of_a_shared_quota_is_read_as_written() {
    let share = Share { grant: uuid::Uuid::from_u128(7).into(), asked_at: u64::MAX, needs: [1, 2, 3, 4], loan: None };
    let loan = Some(Loan { asked_at: 5, rates: [6, 0, 7, u64::MAX] });
    let messages = vec![Control::Share(share), Control::Share(Share { loan, ..share })];
    let frame = Frame { header: header(), body: Body::Control(messages) };
    assert_eq!(decode(&encode(&frame)), Ok(frame));
}

#[test]
fn content_is_checked() {
    let mut kind = encode(&direct_frame()).to_vec();
    kind[0] = 9;
    assert_eq!(decode(&kind.into()), Err(FrameError::Unknown { what: "kind", value: 9 }));
    let mut long = encode(&direct_frame()).to_vec();
    long.push(0);
    assert_eq!(decode(&long.into()), Err(FrameError::Long));
    let mut cut = encode(&direct_frame()).to_vec();
    cut.pop();
    assert_eq!(decode(&cut.into()), Err(FrameError::Short));
    let Frame { header, body: Body::Stream(mut body) } = stream_frame() else { unreachable!() };
    body.events.reverse();
    let unordered = Frame { header, body: Body::Stream(body.clone()) };
    assert_eq!(decode(&encode(&unordered)), Err(FrameError::Invalid("order of events")));
    body.events.reverse();
    body.lane = Lane(LANES_MAX);
    assert_eq!(decode(&encode(&Frame { header, body: Body::Stream(body) })), Err(FrameError::Invalid("lane")));
}

/// Best effort events that say much the same.
fn wordy_frame() -> Frame {
    let event = |number: u32| Bytes::from(format!("{{\"store\":\"lyon\",\"currency\":\"EUR\",\"order\":{number}}}"));
    let events = (0..200).map(event).collect();
    Frame { header: header(), body: Body::Direct(DirectBody { destinations: vec![SpoolId([1; 16])], events }) }
}

fn compressed(frame: &Frame) -> (Bytes, Written) {
    let mut out = BytesMut::new();
    let written = put(&mut out, frame, true);
    (out.freeze(), written)
}

#[test]
fn a_body_is_compressed_when_that_pays() {
    let (bytes, written) = compressed(&wordy_frame());
    assert!(written.is_compressed() && written.written < written.plain / 3, "{written:?}");
    assert_eq!(bytes.len(), 41 + written.written);
    assert_eq!(decode(&bytes), Ok(wordy_frame()));
    // One that does not shrink stays as it is.
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    });
    let events = vec![noise.take(2_000).collect::<Vec<u8>>().into()];
    let noisy = Frame { header: header(), body: Body::Direct(DirectBody { destinations: Vec::new(), events }) };
    let (bytes, written) = compressed(&noisy);
    assert!(!written.is_compressed(), "{written:?}");
    assert_eq!(bytes, encode(&noisy));
}

#[test]
fn a_compressed_body_promises_no_more_than_it_holds() {
    let (bytes, written) = compressed(&wordy_frame());
    let promise = |length: usize| {
        let mut bytes = bytes.to_vec();
        bytes[41..45].copy_from_slice(&u32::try_from(length).expect("small").to_be_bytes());
        decode(&bytes.into())
    };
    assert_eq!(promise(MAX_BYTES), Err(FrameError::TooMany("bytes")));
    assert_eq!(promise(u32::MAX as usize), Err(FrameError::TooMany("bytes")));
    assert_eq!(promise(written.written * 255), Err(FrameError::Compressed), "nothing is reserved for it");
    assert_eq!(promise(written.plain + 1), Err(FrameError::Compressed));
    assert_eq!(promise(written.plain - 1), Err(FrameError::Compressed));
    assert_eq!(promise(0), Err(FrameError::Compressed));
}

fn stream_bodies() -> impl Strategy<Value = Body> {
    let destinations = vec((any::<[u8; 16]>(), any::<u64>()), 0..4);
    let events = vec((any::<(bool, bool)>(), vec(any::<u8>(), 0..50)), 0..20);
    (0..LANES_MAX, destinations, events).prop_map(|(lane, destinations, events)| {
        let destination = |(spool, epoch)| Destination { spool: SpoolId(spool), epoch: Epoch(epoch), prev: Seq::START };
        let event = |(index, ((redelivered, recalled), bytes)): (usize, ((bool, bool), Vec<u8>))| StreamEvent {
            seq: Seq::from_counter(index as u64 + 1),
            redelivered,
            recalled,
            bytes: bytes.into(),
        };
        Body::Stream(StreamBody {
            epoch: Epoch(u64::from(lane)),
            lane: Lane(lane),
            destinations: destinations.into_iter().map(destination).collect(),
            events: events.into_iter().enumerate().map(event).collect(),
        })
    })
}

fn direct_bodies() -> impl Strategy<Value = Body> {
    (vec(any::<[u8; 16]>(), 0..4), vec(vec(any::<u8>(), 0..50), 0..20)).prop_map(|(destinations, events)| {
        Body::Direct(DirectBody {
            destinations: destinations.into_iter().map(SpoolId).collect(),
            events: events.into_iter().map(Bytes::from).collect(),
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(body in prop_oneof![stream_bodies(), direct_bodies()], compress: bool) {
        let frame = Frame { header: header(), body };
        let mut out = BytesMut::new();
        put(&mut out, &frame, compress);
        prop_assert_eq!(decode(&out.freeze()), Ok(frame));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300), kind: u8) {
        let _ = decode(&bytes.clone().into());
        let mut inside = encode(&control_frame()).to_vec();
        inside.truncate(41);
        inside[0] = kind;
        inside.extend(&bytes);
        let _ = decode(&inside.into());
    }

    #[test]
    fn damaged_content_never_panics(index: usize, value: u8, which in 0..4usize) {
        let frames = [stream_frame(), direct_frame(), control_frame(), wordy_frame()];
        let mut bytes = compressed(&frames[which]).0.to_vec();
        let index = index % bytes.len();
        bytes[index] = value;
        let _ = decode(&bytes.into());
    }
}
