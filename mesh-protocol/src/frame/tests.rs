use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::{AgentId, StreamId};
use crate::topic::Filter;

/// The wire form of version 1. It never changes: agents of different ages talk to each other.
const GOLDEN: &str = include_str!("golden.hex");

fn header() -> Header {
    Header {
        sender: SpoolId([0x11; 16]),
        epoch: Epoch(0x2222),
        key: 0,
        revision: Revision { generation: 1, revision: 42 },
        authenticator: Bytes::new(),
    }
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
                StreamEvent { seq: Seq::from_counter(5), redelivered: false, bytes: Bytes::from_static(b"one") },
                StreamEvent { seq: Seq::from_pair(1, 0), redelivered: true, bytes: Bytes::new() },
            ],
        }),
    }
}

fn direct_frame() -> Frame {
    Frame {
        header: Header { key: 9, authenticator: Bytes::from_static(b"proof"), ..header() },
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
            agent,
            durable_spool: false,
            leaving: true,
            sent_at_us: 77,
            echo: Some(Echo { sent_at_us: 5, held_us: 6 }),
            interest_version: 12,
            interest_hash: 34,
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

#[test]
fn another_version_is_an_error_of_the_link() {
    let mut bytes = encode(&direct_frame()).to_vec();
    bytes[0] = 2;
    assert_eq!(decode(&bytes.into()), Err(FrameError::Version(2)));
}

#[test]
fn a_flipped_bit_is_noticed() {
    let bytes = encode(&stream_frame()).to_vec();
    for index in 1..bytes.len() {
        let mut bad = bytes.clone();
        bad[index] ^= 0x10;
        assert_eq!(decode(&bad.into()), Err(FrameError::Checksum), "byte {index}");
    }
}

/// Correct checksum, wrong content: what a faulty or hostile sender could make.
fn sealed(mut bytes: Vec<u8>) -> Bytes {
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_be_bytes());
    bytes.into()
}

fn unsealed(frame: &Frame) -> Vec<u8> {
    let bytes = encode(frame);
    bytes[..bytes.len() - 4].to_vec()
}

#[test]
fn content_is_checked_beyond_the_checksum() {
    let mut kind = unsealed(&direct_frame());
    kind[1] = 9;
    assert_eq!(decode(&sealed(kind)), Err(FrameError::Unknown { what: "kind", value: 9 }));
    let mut long = unsealed(&direct_frame());
    long.push(0);
    assert_eq!(decode(&sealed(long)), Err(FrameError::Long));
    let mut cut = unsealed(&direct_frame());
    cut.pop();
    assert_eq!(decode(&sealed(cut)), Err(FrameError::Short));
    let Frame { header, body: Body::Stream(mut body) } = stream_frame() else { unreachable!() };
    body.events.reverse();
    let unordered = Frame { header: header.clone(), body: Body::Stream(body.clone()) };
    assert_eq!(decode(&encode(&unordered)), Err(FrameError::Invalid("order of events")));
    body.events.reverse();
    body.lane = Lane(LANES_MAX);
    assert_eq!(decode(&encode(&Frame { header, body: Body::Stream(body) })), Err(FrameError::Invalid("lane")));
}

fn stream_bodies() -> impl Strategy<Value = Body> {
    let destinations = vec((any::<[u8; 16]>(), any::<u64>()), 0..4);
    let events = vec((any::<bool>(), vec(any::<u8>(), 0..50)), 0..20);
    (0..LANES_MAX, destinations, events).prop_map(|(lane, destinations, events)| {
        let destination = |(spool, epoch)| Destination { spool: SpoolId(spool), epoch: Epoch(epoch), prev: Seq::START };
        let event = |(index, (redelivered, bytes)): (usize, (bool, Vec<u8>))| StreamEvent {
            seq: Seq::from_counter(index as u64 + 1),
            redelivered,
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
    fn what_is_written_is_read(body in prop_oneof![stream_bodies(), direct_bodies()], key: u64, proof in vec(any::<u8>(), 0..64)) {
        let frame = Frame { header: Header { key, authenticator: proof.into(), ..header() }, body };
        prop_assert_eq!(decode(&encode(&frame)), Ok(frame));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes.clone().into());
        let mut inside = unsealed(&control_frame());
        inside.truncate(52);
        inside.extend(&bytes);
        let _ = decode(&sealed(inside));
    }

    #[test]
    fn damaged_content_never_panics(index in 1usize..400, value: u8, which in 0..3) {
        let mut bytes = unsealed(&[stream_frame(), direct_frame(), control_frame()][which as usize]);
        let index = index % bytes.len();
        bytes[index] = value;
        let _ = decode(&sealed(bytes));
    }
}
