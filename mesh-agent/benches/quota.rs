//! What quotas cost a publish: nothing to speak of where there are no grants.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mesh_agent::quota::Quotas;
use mesh_protocol::desired::{Grant, Quota};
use mesh_protocol::id::{AgentId, PrincipalId};
use mesh_protocol::report::Direction;
use mesh_protocol::topic::{Filter, Topic};
use uuid::Uuid;

fn till(number: u128) -> PrincipalId {
    Uuid::from_u128(number).into()
}

fn charge(criterion: &mut Criterion) {
    let grant = Grant {
        id: Uuid::from_u128(1).into(),
        name: "orders, gold".to_owned(),
        principals: vec![till(1)],
        publish: vec![Filter::mesh("orders/>").expect("valid")],
        subscribe: Vec::new(),
        quota: Quota { events_per_s: Some(10_000_000), bytes_per_s: Some(10_000_000_000), burst_s: Some(60) },
        agents: Vec::new(),
    };
    let me: AgentId = Uuid::from_u128(9).into();
    let (none, some) = (Quotas::default(), Quotas::default());
    some.apply(me, &[grant]);
    let topic = Topic::new("orders/fr/lyon").expect("valid");
    let cases = [
        ("no grants at all", none.client(till(1))),
        ("grants, but not this client's", some.client(till(2))),
        ("a grant with a quota", some.client(till(1))),
    ];
    let mut group = criterion.benchmark_group("charge a publish");
    for (name, client) in &cases {
        group.bench_function(*name, |bench| {
            bench.iter(|| black_box(client.charge(Direction::Produce, black_box(&topic), 200).is_ok()));
        });
    }
    group.finish();
}

criterion_group!(benches, charge);
criterion_main!(benches);
