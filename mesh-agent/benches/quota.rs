//! What quotas cost an event: nothing to speak of where there are no grants, a few atomic numbers where there are.
//!
//! Every publish and every delivery is charged once, so a figure here is what a grant adds to each of them. The batch is what
//! a publish of several events over HTTP costs, the last group what clients of one grant cost each other.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mesh_agent::quota::{Metered, Quotas};
use mesh_protocol::desired::{Grant, Quota};
use mesh_protocol::id::{AgentId, PrincipalId};
use mesh_protocol::report::Direction;
use mesh_protocol::topic::{Filter, Topic};
use uuid::Uuid;

/// Payload bytes of an event.
const BYTES: usize = 200;
/// More than one machine can charge.
const EVENTS: Option<u32> = Some(10_000_000);
const BYTES_A_SECOND: Option<u64> = Some(10_000_000_000);

fn till(number: u128) -> PrincipalId {
    Uuid::from_u128(number).into()
}

fn grant(number: u128, filter: &str, quota: Quota) -> Grant {
    Grant {
        id: Uuid::from_u128(number).into(),
        name: "orders, gold".to_owned(),
        principals: vec![till(1)],
        publish: vec![Filter::mesh(filter).expect("valid")],
        subscribe: Vec::new(),
        quota,
        agents: Vec::new(),
    }
}

/// A client with these grants.
fn client(grants: &[Grant]) -> Metered {
    let (me, quotas): (AgentId, _) = (Uuid::from_u128(9).into(), Quotas::default());
    quotas.apply(me, grants);
    quotas.client(till(1))
}

fn of(events_per_s: Option<u32>, bytes_per_s: Option<u64>) -> Quota {
    Quota { events_per_s, bytes_per_s, burst_s: Some(60) }
}

fn topic() -> Topic {
    Topic::new("orders/fr/lyon").expect("valid")
}

fn charge(criterion: &mut Criterion) {
    let others = Quotas::default();
    others.apply(Uuid::from_u128(9).into(), &[grant(1, "orders/>", of(EVENTS, None))]);
    let used_up = client(&[grant(1, "orders/>", Quota { burst_s: Some(1), ..of(Some(1), None) })]);
    while used_up.charge(Direction::Produce, &topic(), BYTES).is_ok() {}
    let three = [
        grant(1, "payments/>", of(EVENTS, None)),
        grant(2, "orders/de/>", of(EVENTS, None)),
        grant(3, "orders/>", of(EVENTS, None)),
    ];
    let cases = [
        ("no grants at all", client(&[])),
        ("grants, but not this client's", others.client(till(2))),
        ("a grant without a quota", client(&[grant(1, "orders/>", Quota::default())])),
        ("a quota of events", client(&[grant(1, "orders/>", of(EVENTS, None))])),
        ("a quota of events and bytes", client(&[grant(1, "orders/>", of(EVENTS, BYTES_A_SECOND))])),
        ("the third of three grants", client(&three)),
        ("a quota that is used up", used_up),
    ];
    let topic = topic();
    let mut group = criterion.benchmark_group("charge an event");
    group.throughput(Throughput::Elements(1));
    for (name, client) in &cases {
        group.bench_function(*name, |bench| {
            bench.iter(|| black_box(client.charge(Direction::Produce, black_box(&topic), BYTES).is_ok()));
        });
    }
    group.finish();
}

fn batch(criterion: &mut Criterion) {
    let cases = [
        ("no grants at all", client(&[])),
        ("a quota of events and bytes", client(&[grant(1, "orders/>", of(EVENTS, BYTES_A_SECOND))])),
    ];
    let topics = vec![topic(); 100];
    let mut group = criterion.benchmark_group("charge a batch of 100");
    group.throughput(Throughput::Elements(100));
    for (name, client) in &cases {
        group.bench_function(*name, |bench| {
            let batch = topics.iter().map(|topic| (topic, BYTES));
            bench.iter(|| black_box(client.charge_all(Direction::Produce, black_box(batch.clone())).is_ok()));
        });
    }
    group.finish();
}

/// Time of so many charges by each of some threads, all of one grant.
fn together(client: &Metered, threads: usize, charges: u64) -> Duration {
    let (ready, topic) = (Barrier::new(threads + 1), topic());
    thread::scope(|scope| {
        for _ in 0..threads {
            let (client, ready, topic) = (client.again(), &ready, &topic);
            scope.spawn(move || {
                ready.wait();
                for _ in 0..charges {
                    black_box(client.charge(Direction::Produce, black_box(topic), BYTES).is_ok());
                }
                ready.wait();
            });
        }
        ready.wait();
        let began = Instant::now();
        ready.wait();
        began.elapsed()
    })
}

fn contended(criterion: &mut Criterion) {
    let client = client(&[grant(1, "orders/>", of(EVENTS, BYTES_A_SECOND))]);
    let mut group = criterion.benchmark_group("charge an event, clients of one grant on so many threads");
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2, 4] {
        group.bench_with_input(BenchmarkId::from_parameter(threads), &threads, |bench, threads| {
            // Per event: what one thread waits for its own charge beside the others.
            bench.iter_custom(|charges| together(&client, *threads, charges));
        });
    }
    group.finish();
}

criterion_group!(benches, charge, batch, contended);
criterion_main!(benches);
