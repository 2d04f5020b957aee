//! An event is encoded once and decoded at every agent that takes it.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mesh_protocol::event::{Event, Origin, Protocol, decode, encode};
use mesh_protocol::id::{PrincipalId, SiteId};
use mesh_protocol::topic::Topic;
use uuid::Uuid;

fn event() -> Event {
    let origin = Origin {
        site: SiteId(Uuid::from_u128(1)),
        principal: Some(PrincipalId(Uuid::from_u128(2))),
        protocol: Protocol::Mqtt,
    };
    let topic = Topic::new("orders/fr/lyon/till-7").expect("valid");
    let mut event = Event::guaranteed(topic, Bytes::from(vec![7; 1024]), origin);
    event.headers.content_type = Some("application/json".to_owned());
    event.headers.user.push(("currency".to_owned(), "EUR".to_owned()));
    event
}

fn codec(criterion: &mut Criterion) {
    let event = event();
    let bytes = encode(&event);
    let mut group = criterion.benchmark_group("event of 1 KiB");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode", |bencher| bencher.iter(|| encode(black_box(&event))));
    group.bench_function("decode", |bencher| bencher.iter(|| decode(black_box(bytes.clone()))));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = codec
}
criterion_main!(benches);
