use super::*;
use mesh_protocol::event::{DeliveryMode, Headers, Hop, Origin, Protocol};
use mesh_protocol::topic::{Filter, Topic};
use uuid::Uuid;

fn event(topic: &str, payload: &'static str) -> Event {
    Event {
        topic: Topic::new(topic).expect("valid"),
        payload: Bytes::from_static(payload.as_bytes()),
        key: Bytes::from_static(b"till-7"),
        headers: Headers { content_type: Some("application/json".into()), ..Headers::default() },
        mode: DeliveryMode::Guaranteed,
        admitted_at_ms: 1,
        ttl_ms: None,
        origin: Origin { site: Uuid::nil().into(), principal: None, protocol: Protocol::Mqtt },
        path: vec![Hop { cluster: "A".into(), content: [7; 8] }],
        retain: false,
    }
}

fn mapping(topic: &str, key: Option<&str>) -> Mapping {
    let sink = KafkaSink {
        broker: Uuid::nil().into(),
        filters: vec![Filter::mesh("orders/>").expect("valid")],
        topic: topic.to_owned(),
        key: key.map(str::to_owned),
    };
    Mapping::new(&sink).expect("valid")
}

#[test]
fn levels_name_the_topic_and_the_ordering_key_keeps_the_order() {
    let record = mapping("{1}.{2}", None).map(&event("orders/fr/lyon", "{}")).expect("maps");
    assert_eq!(record.topic, "orders.fr");
    assert_eq!(record.key, "till-7");
    let names: Vec<_> = record.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "mesh-topic", "mesh-origin-site", "mesh-path"]);
}

#[test]
fn a_key_template_may_look_into_the_payload() {
    let mapping = mapping("orders", Some("{value.id}"));
    assert_eq!(mapping.map(&event("orders/fr", r#"{"id":7}"#)).expect("maps").key, "7");
    assert!(matches!(mapping.map(&event("orders/fr", "no json")), Err(Unmappable::Key { .. })));
}

#[test]
fn a_record_keeps_the_key_it_had_in_its_first_cluster() {
    let mut event = event("orders/fr", "{}");
    event.headers.user.push(headers::key_property(b"k1"));
    let record = mapping("orders", None).map(&event).expect("maps");
    assert_eq!(record.key, "k1");
    assert!(!record.headers.iter().any(|(name, _)| name == headers::KEY));
}

#[test]
fn names_that_kafka_does_not_take_are_told() {
    let result = mapping("{1}", None).map(&event("bon marché/x", "{}"));
    assert!(matches!(result, Err(Unmappable::Name { .. })), "{result:?}");
    assert!(!is_topic(".") && !is_topic("") && !is_topic(&"x".repeat(250)) && is_topic("a.b_c-1"));
}

#[test]
fn a_redelivery_is_flagged_once() {
    let mut record = mapping("orders", None).map(&event("orders/fr", "{}")).expect("maps");
    record.mark_redelivered();
    record.mark_redelivered();
    assert_eq!(record.headers.iter().filter(|(name, _)| name == headers::REDELIVERED).count(), 1);
}

#[test]
fn a_wrong_template_is_told_at_the_start() {
    let sink = KafkaSink { broker: Uuid::nil().into(), filters: vec![], topic: "{oops".into(), key: None };
    assert!(Mapping::new(&sink).expect_err("wrong").to_string().contains("Kafka topic"));
}
