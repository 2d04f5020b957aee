//! What it costs to seal and open one frame, beside writing and reading it alone.

use std::collections::BTreeMap;
use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mesh_agent::identity::sealing::SealingKeys;
use mesh_agent::seal::{Opened, Sealer};
use mesh_agent::stream::Moment;
use mesh_protocol::frame::{self, Body, Frame, Header, StreamBody, StreamEvent};
use mesh_protocol::id::{AgentId, Epoch, Lane, Seq, SpoolId};
use mesh_protocol::wire::Revision;
use uuid::Uuid;

const NOW: Moment = Moment(1);

fn agent(index: u128) -> AgentId {
    AgentId(Uuid::from_u128(index))
}

/// Agents that have a session with each other.
fn met(count: u128) -> Vec<Sealer> {
    let keys: Vec<SealingKeys> = (0..count).map(|_| SealingKeys::random()).collect();
    let members: BTreeMap<_, _> = (0..).map(agent).zip(keys.iter().map(|keys| *keys.newest().public())).collect();
    let mut sealers: Vec<Sealer> = (0..).map(agent).zip(keys).map(|(agent, keys)| Sealer::new(agent, keys)).collect();
    sealers.iter_mut().for_each(|sealer| sealer.set_members(&members));
    let (first, others) = sealers.split_first_mut().expect("one at least");
    for (index, other) in (1..).zip(others) {
        let offer = first.call(agent(index)).expect("a call");
        let Ok(Opened::Call { answer: Some(answer), .. }) = other.open(NOW, BytesMut::from(&offer[..])) else {
            unreachable!("it answers");
        };
        first.open(NOW, BytesMut::from(&answer[..])).expect("an answer");
        let greeting = first.seal(NOW, agent(index), |_| {}).expect("a session");
        other.open(NOW, BytesMut::from(&greeting[..])).expect("a frame");
    }
    sealers
}

/// Events of 1 KiB of JSON, or one of 200 bytes.
fn frame_of(events: u64) -> Frame {
    let size = if events == 1 { 200 } else { 1_000 };
    let event = |number: u64| {
        let order = format!("{{\"order\":{},\"store\":\"lyon-{}\",\"currency\":\"EUR\"}}", number * 7_919, number % 13);
        let bytes: Bytes = order.repeat(size / order.len() + 1).into_bytes().into();
        StreamEvent { seq: Seq::from_counter(number), redelivered: false, recalled: false, bytes: bytes.slice(..size) }
    };
    Frame {
        header: Header { sender: SpoolId([1; 16]), epoch: Epoch(1), revision: Revision { generation: 1, revision: 1 } },
        body: Body::Stream(StreamBody {
            epoch: Epoch(1),
            lane: Lane(0),
            destinations: vec![frame::Destination { spool: SpoolId([2; 16]), epoch: Epoch(1), prev: Seq::START }],
            events: (1..=events).map(event).collect(),
        }),
    }
}

fn seal(criterion: &mut Criterion) {
    for (name, events) in [("frame of 300 B", 1), ("frame of 60 KiB", 59)] {
        let frame = frame_of(events);
        let encoded = frame::encode(&frame);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(encoded.len() as u64));
        group.bench_function("write", |bencher| bencher.iter(|| frame::encode(black_box(&frame))));
        group.bench_function("write compressed", |bencher| {
            bencher.iter(|| {
                let mut out = BytesMut::new();
                black_box(frame::put(&mut out, black_box(&frame), true));
                out
            });
        });
        group.bench_function("read", |bencher| bencher.iter(|| frame::decode(black_box(&encoded))));
        let mut compressed = BytesMut::new();
        frame::put(&mut compressed, &frame, true);
        let compressed = compressed.freeze();
        group.bench_function("read compressed", |bencher| bencher.iter(|| frame::decode(black_box(&compressed))));
        let mut sealers = met(4);
        let put = |out: &mut BytesMut| {
            frame::put(out, &frame, false);
        };
        group.bench_function("write and seal for one", |bencher| {
            bencher.iter(|| sealers[0].seal(NOW, agent(1), put));
        });
        group.bench_function("write and seal for three", |bencher| {
            bencher.iter(|| sealers[0].seal_for_set(NOW, &[agent(1), agent(2), agent(3)], put));
        });
        let (first, others) = sealers.split_first_mut().expect("four of them");
        let other = others.first_mut().expect("three of them");
        group.bench_function("open and read, of one", |bencher| {
            let sealed = || BytesMut::from(&first.seal(NOW, agent(1), put).expect("a session")[..]);
            bencher.iter_batched(sealed, |sealed| opened(other, sealed), criterion::BatchSize::SmallInput);
        });
        group.bench_function("open and read, of three", |bencher| {
            let all = [agent(1), agent(2), agent(3)];
            let sealed = || BytesMut::from(&first.seal_for_set(NOW, &all, put).expect("a session")[..]);
            bencher.iter_batched(sealed, |sealed| opened(other, sealed), criterion::BatchSize::SmallInput);
        });
        group.finish();
    }
    criterion.bench_function("begin a session, both sides", |bencher| bencher.iter(|| met(2)));
}

fn opened(sealer: &mut Sealer, sealed: BytesMut) -> Frame {
    match sealer.open(NOW, sealed) {
        Ok(Opened::Frame { content, .. }) => frame::decode(&content).expect("a frame"),
        other => panic!("it must open: {other:?}"),
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = seal
}
criterion_main!(benches);
