use super::*;
use crate::reports::Full;
use mesh_protocol::event::Protocol;
use mesh_protocol::policy::Action;
use mesh_protocol::report::{DENIALS_MAX, Traffic};
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
