use super::*;
use crate::observe::NAME_BYTES_MAX;
use crate::observe::flows::CLIENTS_MAX;
use crate::reports::{Full, REPORT_BYTES_MAX, json_bytes};
use mesh_protocol::event::Protocol;
use mesh_protocol::policy::Action;
use mesh_protocol::report::{DENIALS_MAX, Traffic};
use mesh_protocol::schema_id::{self, SchemaId};
use std::sync::Mutex;

#[derive(Debug, Default)]
struct Taken(Mutex<Vec<Report>>);

impl ReportSink for Taken {
    fn send(&self, report: Report) -> Result<(), Full> {
        self.0.lock().expect("held").push(report);
        Ok(())
    }
}

fn observatory() -> (Observatory, Arc<Taken>) {
    let taken = Arc::new(Taken::default());
    (Observatory::new(taken.clone(), &Counters::default()), taken)
}

fn client(id: &str) -> Client {
    Client {
        principal: None,
        principal_name: "till".into(),
        client_id: id.into(),
        protocol: Protocol::Mqtt,
        route: None,
        broker: None,
    }
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("valid")
}

fn window(observatory: &Observatory) -> Traffic {
    observatory.0.flows.window(7, 3000)
}

#[test]
fn events_are_counted_per_client_direction_and_address() {
    let (observatory, _) = observatory();
    observatory.declare(&["orders/{country}/{verb}".to_owned()]);
    let one = observatory.client(client("till-1"));
    one.produced(&topic("orders/fr/created"), br#"{"id":1}"#, None);
    one.produced(&topic("orders/de/created"), br#"{"id":2}"#, None);
    one.consumed(&topic("prices/fr"), b"xx", Some("prices"));
    let traffic = window(&observatory);
    let told: Vec<_> =
        traffic.flows.iter().map(|flow| (flow.address.as_str(), flow.direction, flow.events, flow.bytes)).collect();
    assert_eq!(told, [("orders/{country}/{verb}", Direction::Produce, 2, 16), ("prices/fr", Direction::Consume, 1, 2)]);
    assert!(traffic.flows[0].shape.is_some() && traffic.flows[1].shape.is_none());
    assert_eq!(traffic.flows[1].broker_topic.as_deref(), Some("prices"));
    assert!(window(&observatory).flows.is_empty(), "a window tells only what moved in it");
}

#[test]
fn schemas_that_payloads_name_are_told_with_their_flow() {
    let (observatory, _) = observatory();
    let one = observatory.client(client("billing"));
    let id = |number| SchemaId::new(number).expect("an id");
    for number in [7, 7, 8] {
        one.produced(&topic("orders/fr"), &schema_id::join(id(number), b"x"), Some("orders"));
    }
    one.consumed(&topic("orders/fr"), &schema_id::join(id(7), b"x"), None);
    one.consumed(&topic("orders/fr"), br#"{"id":1}"#, None);
    let told: Vec<Vec<_>> = window(&observatory)
        .flows
        .iter()
        .map(|flow| flow.schemas.iter().map(|named| (named.id.get(), named.events)).collect())
        .collect();
    assert_eq!(told, [vec![(7, 2), (8, 1)], vec![(7, 1)]]);
    one.produced(&topic("orders/fr"), br#"{"id":2}"#, Some("orders"));
    assert!(window(&observatory).flows[0].schemas.is_empty(), "a window tells only what moved in it");
}

#[test]
fn what_a_client_moved_before_it_went_is_told_once() {
    let (observatory, _) = observatory();
    let one = observatory.client(client("till-1"));
    one.produced(&topic("a"), b"x", None);
    drop(one);
    assert_eq!(window(&observatory).flows.len(), 1);
    assert!(window(&observatory).flows.is_empty());
    assert_eq!(observatory.0.flows.window(7, 1).left_out, 0);
}

#[test]
fn folding_moves_later_counts_to_the_folded_address() {
    let (observatory, _) = observatory();
    let one = observatory.client(client("gateway"));
    for number in 0..10 {
        one.produced(&topic(&format!("s/press-{number}/temp")), b"1", None);
    }
    let _ = window(&observatory);
    for number in 0..10 {
        one.produced(&topic(&format!("s/press-{number}/temp")), b"1", None);
    }
    let traffic = window(&observatory);
    assert_eq!(traffic.flows.len(), 1);
    assert_eq!((traffic.flows[0].address.as_str(), traffic.flows[0].events), ("s/{level2}/temp", 10));
}

#[test]
fn a_client_with_endless_topics_is_bounded_and_counted() {
    let counters = Counters::default();
    let observatory = Observatory::new(Arc::new(Taken::default()), &counters);
    let one = observatory.client(client("noisy"));
    for first in 0..26_u8 {
        for second in 0..26_u8 {
            for third in 0..26_u8 {
                let name: String = [first, second, third].map(|letter| char::from(b'a' + letter)).iter().collect();
                one.produced(&topic(&format!("{}/{}/{name}", &name[..1], &name[1..2])), b"", None);
            }
        }
    }
    let traffic = window(&observatory);
    let seen: u64 = traffic.flows.iter().map(|flow| flow.events).sum();
    assert_eq!(seen + counters.counter("unobserved_events").get(), 26 * 26 * 26, "nothing vanishes uncounted");
}

#[test]
fn subscriptions_are_told_on_change_and_go_with_their_client() {
    let (observatory, taken) = observatory();
    let inner = &observatory.0;
    let one = observatory.client(client("till-1"));
    let filter = Filter::mesh("prices/>").expect("valid");
    one.subscribed(&filter);
    one.subscribed(&filter);
    assert!(inner.tell_subscriptions(false));
    assert!(!inner.tell_subscriptions(false), "nothing changed");
    assert!(inner.tell_subscriptions(true), "but it is due");
    drop(one);
    assert!(inner.tell_subscriptions(false));
    let sizes: Vec<_> = taken
        .0
        .lock()
        .expect("held")
        .iter()
        .map(|report| match report {
            Report::Subscriptions(subscriptions) => subscriptions.subscriptions.len(),
            other => panic!("no subscriptions: {other:?}"),
        })
        .collect();
    assert_eq!(sizes, [1, 1, 0]);
}

#[test]
fn denials_are_folded_and_bounded() {
    let (observatory, _) = observatory();
    let one = observatory.client(client("till-1"));
    let refusal = |topic: String| Refusal { action: Action::Publish, topic, rule: None, reason: "no rule".into() };
    one.refused(refusal("a".into()));
    one.refused(refusal("a".into()));
    for number in 0..DENIALS_MAX + 5 {
        one.refused(refusal(format!("t{number}")));
    }
    let denials = observatory.0.denials.report(7).expect("some");
    assert_eq!(denials.denials.len(), DENIALS_MAX);
    assert_eq!(denials.denials.iter().map(|denial| denial.count).max(), Some(2));
    assert_eq!(denials.left_out, 6);
    assert_eq!(observatory.0.denials.report(7), None);
}

/// One byte of text and six of JSON: the worst a client can send.
const LONG_SIGN: &str = "\u{1}";

#[test]
fn requests_of_one_caller_are_counted_as_one_client() {
    let (observatory, _) = observatory();
    for _ in 0..1_000 {
        observatory.client(client("curl/8")).produced(&topic("a"), b"x", None);
    }
    observatory.client(client("asks only"));
    assert_eq!(observatory.0.flows.clients_len(), 1, "not one for each request, and none for who moves nothing");
    let traffic = window(&observatory);
    assert_eq!((traffic.flows.len(), traffic.flows[0].events), (1, 1_000));
    assert_eq!(observatory.0.flows.clients_len(), 0, "nobody is there any more and all is told");
}

#[test]
fn clients_without_end_are_bounded_and_counted() {
    let counters = Counters::default();
    let observatory = Observatory::new(Arc::new(Taken::default()), &counters);
    let stays = observatory.client(client("stays"));
    stays.produced(&topic("a"), b"x", None);
    for number in 0..CLIENTS_MAX + 10 {
        observatory.client(client(&format!("agent-{number}"))).produced(&topic("a"), b"x", None);
    }
    assert_eq!(observatory.0.flows.clients_len(), CLIENTS_MAX);
    let traffic = window(&observatory);
    let told: u64 = traffic.flows.iter().map(|flow| flow.events).sum();
    let unobserved = counters.counter("unobserved_events").get();
    assert_eq!(
        told + traffic.left_out + unobserved,
        CLIENTS_MAX as u64 + 11,
        "one event each: none vanishes uncounted"
    );
    observatory.client(client("late")).produced(&topic("a"), b"x", None);
    stays.produced(&topic("a"), b"x", None);
    assert_eq!(window(&observatory).flows.len(), 2, "the others have gone, so there is room again");
}

#[test]
fn refused_logins_with_endless_names_are_cut_and_fold() {
    let (observatory, _) = observatory();
    for number in 0..DENIALS_MAX + 5 {
        let long = LONG_SIGN.repeat(60_000);
        let name = if number < DENIALS_MAX { format!("{number}{long}") } else { format!("0{long}{number}") };
        let nobody = Client { principal_name: name, client_id: LONG_SIGN.repeat(1_024), ..client("") };
        let refusal = Refusal { action: Action::Connect, topic: String::new(), rule: None, reason: long };
        observatory.client(nobody).refused(refusal);
    }
    let denials = observatory.0.denials.report(7).expect("some");
    assert_eq!((denials.denials.len(), denials.left_out), (DENIALS_MAX, 0), "what differs beyond the cut is one");
    let longest = denials.denials.iter().map(|denial| denial.principal_name.len().max(denial.client_id.len())).max();
    assert_eq!(longest, Some(NAME_BYTES_MAX));
    assert!(denials.denials.iter().all(|denial| denial.principal_name.ends_with('\u{2026}')));
    assert!(json_bytes(&denials) < REPORT_BYTES_MAX);
}

#[test]
fn subscriptions_that_do_not_fit_into_a_message_are_left_out_and_counted() {
    let (observatory, _) = observatory();
    let one = observatory.client(client("till-1"));
    for number in 0..2_000 {
        one.subscribed(&Filter::mesh(format!("{number}/{}", LONG_SIGN.repeat(1_000))).expect("valid"));
    }
    let report = observatory.0.subscriptions.report(true, 7).expect("due");
    assert!(json_bytes(&report) < REPORT_BYTES_MAX + 100);
    assert!(report.left_out > 0);
    assert_eq!(report.subscriptions.len() as u64 + report.left_out, 2_000);
}

#[test]
fn traffic_that_does_not_fit_into_a_message_is_left_out_and_counted() {
    let (observatory, _) = observatory();
    let long = topic(&LONG_SIGN.repeat(1_000));
    for number in 0..2_000 {
        let one = observatory.client(client(&format!("{number}")));
        one.produced(&long, b"x", None);
        if number == 1_999 {
            one.produced(&long, b"x", None);
        }
    }
    let traffic = window(&observatory);
    assert!(json_bytes(&traffic) < REPORT_BYTES_MAX + 100);
    assert!(traffic.left_out > 0);
    assert_eq!(traffic.flows.len() as u64 + traffic.left_out, 2_000);
    assert_eq!(traffic.flows[0].client_id, "1999", "the busiest are told");
}
