//! A whole agent, a signed document with a grant, and what becomes of its client and of what that used.

use mesh_protocol::desired::{Grant, ListenerProtocol, Quota};
use mesh_protocol::policy::{Action, Effect, Principal, PrincipalState, Rule, Subject};
use mesh_protocol::report::{Direction, Report, Usage};
use mesh_protocol::secret::SecretHash;
use mesh_protocol::topic::Filter;
use mesh_protocol::wire::ToAgent;
use uuid::Uuid;

use super::*;
use crate::control::testing::Conversation;

/// An HTTP listener, a client that may do everything, and its grant of three events a second.
fn granted(revision: u64) -> DesiredState {
    let mut state = document(revision);
    state.listeners[0].protocol = ListenerProtocol::Http;
    let principal = Uuid::from_u128(50).into();
    let anything = Filter::mesh(">").expect("valid");
    let policy = &mut state.policy;
    policy.principals = vec![Principal {
        id: principal,
        username: "till-1".to_owned(),
        state: PrincipalState::Enabled,
        secrets: vec![SecretHash::of(&policy.secret_key, "secret")],
        roles: Vec::new(),
        application: None,
        expires_at_ms: None,
        protocols: Vec::new(),
    }];
    policy.rules = (60..)
        .zip([Action::Connect, Action::Publish])
        .map(|(id, action)| Rule {
            id: Uuid::from_u128(id).into(),
            subject: Subject::Anyone,
            action,
            effect: Effect::Allow,
            filter: anything.clone(),
            sites: Vec::new(),
        })
        .collect();
    state.grants = vec![Grant {
        id: Uuid::from_u128(70).into(),
        name: "orders, gold".to_owned(),
        principals: vec![principal],
        publish: vec![Filter::mesh("orders/>").expect("valid")],
        subscribe: Vec::new(),
        quota: Quota { events_per_s: Some(3), ..Quota::default() },
        agents: vec![state.agent],
    }];
    state
}

/// Publishes one event; the status of the answer.
async fn publish(address: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("listens");
    let request = "POST /v1/events/orders/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\
                   Authorization: Basic dGlsbC0xOnNlY3JldA==\r\n\r\n0123456789";
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("answered");
    String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned()
}

/// The first report that says so.
async fn told(conversation: &mut Conversation, expected: (u64, u64, u64)) -> (u64, Usage) {
    let report = conversation.until(|message| match message {
        ToControl::Report { id, report: Report::Usage(usage) } if sums(&usage) == expected => Some((id, usage)),
        _ => None,
    });
    tokio::time::timeout(Duration::from_secs(60), report).await.expect("it is told")
}

/// Published events and refused ones of all hours.
fn sums(usage: &Usage) -> (u64, u64, u64) {
    let its = usage.entries.iter().filter(|entry| entry.direction == Direction::Produce);
    its.fold((0, 0, 0), |sum, entry| (sum.0 + entry.events, sum.1 + entry.bytes, sum.2 + entry.refused_events))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_grant_limits_its_client_and_what_was_used_survives_a_restart_and_is_told_until_it_is_stored() {
    let (bench, portal) = Bench::start().await;
    let agent = Agent::start(&bench.home).expect("starts");
    let (mut conversation, _) = portal.welcome().await;
    conversation.say_desired(&granted(3), &sample::key(1)).await;
    let status = bench.status("listens", |answer| listener(&answer.status).is_some()).await;
    let address = listener(&status.status).expect("it listens").to_owned();
    let mut statuses = Vec::new();
    while !statuses.contains(&"429".to_owned()) {
        assert!(statuses.len() < 100, "nothing is limited: {statuses:?}");
        statuses.push(publish(&address).await);
    }
    let passed = statuses.len() as u64 - 1;
    assert!(passed >= 3 && statuses.iter().rev().skip(1).all(|status| status == "202"), "{statuses:?}");
    let used = (passed, passed * 10, 1);
    let (_, usage) = told(&mut conversation, used).await;
    agent.stop().await;

    // The portal did not say that it has it.
    let agent = Agent::start(&bench.home).expect("starts");
    let (mut conversation, _) = portal.welcome().await;
    let (id, again) = told(&mut conversation, used).await;
    assert_eq!((&again.meter, &again.entries), (&usage.meter, &usage.entries), "the same totals of the same meter");
    conversation.say(&ToAgent::ReportAck { id, refused: None }).await;
    assert_eq!(publish(&address).await, "202");
    // Totals go on where they were.
    told(&mut conversation, (passed + 1, passed * 10 + 10, 1)).await;
    agent.stop().await;
}
