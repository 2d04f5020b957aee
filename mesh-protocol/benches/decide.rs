//! A publish is decided for every event: the bar is one microsecond.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mesh_protocol::desired::{Policy, Site};
use mesh_protocol::id::{PrincipalId, RoleId, RuleId, SiteId};
use mesh_protocol::policy::{Action, CompiledPolicy, Effect, Principal, PrincipalState, Role, Rule, Subject};
use mesh_protocol::secret::{SecretHash, SecretKey};
use mesh_protocol::topic::{Filter, Topic};
use uuid::Uuid;

const ROLES: u128 = 3;
const RULES_PER_ROLE: u128 = 50;
const CLIENT: PrincipalId = PrincipalId(Uuid::from_u128(1));

fn policy() -> Policy {
    let key = SecretKey::new([1; 32]);
    let roles: Vec<RoleId> = (0..ROLES).map(|number| RoleId(Uuid::from_u128(number))).collect();
    Policy {
        principals: vec![Principal {
            id: CLIENT,
            username: "till-7".into(),
            state: PrincipalState::Enabled,
            secrets: vec![SecretHash::of(&key, "secret")],
            roles: roles.clone(),
            application: None,
            expires_at_ms: None,
            protocols: Vec::new(),
        }],
        roles: roles.iter().map(|&id| Role { id, name: format!("role-{id}") }).collect(),
        rules: roles.iter().enumerate().flat_map(|(index, &role)| rules(index as u128, role)).collect(),
        scopes: Vec::new(),
        secret_key: key,
    }
}

/// A role with grants and denials of many areas, one of them of the client's own topics.
fn rules(index: u128, role: RoleId) -> Vec<Rule> {
    let rule = |number: u128| {
        let (effect, filter) = match number {
            0 => (Effect::Allow, "orders/>".to_owned()),
            1 => (Effect::Allow, "tills/${username}/>".to_owned()),
            number if number % 5 == 0 => (Effect::Deny, format!("orders/closed-{number}/>")),
            number => (Effect::Allow, format!("area-{number}/*/{index}/>")),
        };
        Rule {
            id: RuleId(Uuid::from_u128(index * RULES_PER_ROLE + number)),
            subject: Subject::Role(role),
            action: Action::Publish,
            effect,
            filter: Filter::mesh(filter).expect("valid"),
            sites: Vec::new(),
        }
    };
    (0..RULES_PER_ROLE).map(rule).collect()
}

fn decide(criterion: &mut Criterion) {
    let site = Site { id: SiteId(Uuid::nil()), name: "lyon".into(), region: "eu".into(), labels: BTreeMap::new() };
    let policy = policy();
    let compiled = CompiledPolicy::compile(&policy, &site).expect("a valid policy");
    let session = compiled.session(CLIENT, "client", 0).expect("may log in");
    let topic = Topic::new("orders/fr/lyon/till-7").expect("valid");
    assert!(session.decide_publish(&topic).is_allowed());
    criterion.bench_function("publish, 3 roles of 50 rules", |bencher| {
        bencher.iter(|| session.decide_publish(black_box(&topic)));
    });
    criterion.bench_function("may receive", |bencher| bencher.iter(|| session.may_receive(black_box(&topic))));
    criterion
        .bench_function("login", |bencher| bencher.iter(|| compiled.authenticate("till-7", black_box("secret"), 0)));
    criterion.bench_function("session", |bencher| bencher.iter(|| compiled.session(CLIENT, black_box("client"), 0)));
    criterion.bench_function("compile", |bencher| bencher.iter(|| CompiledPolicy::compile(black_box(&policy), &site)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = decide
}
criterion_main!(benches);
