use super::*;
use mesh_protocol::desired::Start;
use mesh_protocol::event::Protocol;
use uuid::Uuid;

fn source(template: &str, filter: Option<&str>) -> KafkaSource {
    KafkaSource {
        broker: Uuid::nil().into(),
        topics: vec!["sensors".into()],
        template: template.into(),
        filter: filter.map(str::to_owned),
        start: Start::Earliest,
        mode: DeliveryMode::Guaranteed,
    }
}

fn mapping(template: &str, filter: Option<&str>) -> Mapping {
    Mapping::new(&source(template, filter)).expect("valid")
}

fn place() -> Place {
    Place::new("B".into(), "sensors", 3)
}

fn record(payload: &'static str) -> Record {
    Record {
        offset: 42,
        timestamp_ms: Some(1),
        key: Some(Bytes::from_static(b"press-1")),
        payload: Some(Bytes::from_static(payload.as_bytes())),
        headers: FromRecord::default(),
    }
}

fn origin() -> Origin {
    Origin { site: Uuid::nil().into(), principal: None, protocol: Protocol::Kafka }
}

fn event(mapped: Mapped) -> Event {
    match mapped {
        Mapped::Event(event) => *event,
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn fields_of_key_and_payload_name_the_topic() {
    let mapping = mapping("sensors/{value.plant}/{key}/{value.metric}", None);
    let event = event(mapping.map(&place(), &record(r#"{"plant":"berlin","metric":"temp"}"#), origin(), false));
    assert_eq!(event.topic.as_str(), "sensors/berlin/press-1/temp");
    assert_eq!(event.key, "sensors/3");
    assert_eq!(event.headers.message_id.as_deref(), Some("B/sensors/3/42"));
    assert_eq!(headers::record_key(&event.headers).expect("kept"), "press-1");
    assert_eq!(event.path.len(), 1);
}

#[test]
fn the_filter_chooses_records() {
    let mapping = mapping("s/{key}", Some("value.t > 20"));
    assert!(matches!(mapping.map(&place(), &record(r#"{"t":21}"#), origin(), false), Mapped::Event(_)));
    assert_eq!(mapping.map(&place(), &record(r#"{"t":20}"#), origin(), false), Mapped::Filtered);
    assert_eq!(mapping.map(&place(), &record("no json"), origin(), false), Mapped::Filtered);
}

#[test]
fn what_cannot_be_named_is_poison_with_a_reason() {
    let mapping = mapping("s/{value.plant}", None);
    let Mapped::Poison(reason) = mapping.map(&place(), &record("{}"), origin(), false) else { panic!("no plant") };
    assert!(reason.contains("value.plant"), "{reason}");
}

#[test]
fn what_comes_back_unchanged_is_a_loop_and_a_changed_one_is_new() {
    let mapping = mapping("s/{key}", None);
    let mut again = record("{}");
    again.headers.path = event(mapping.map(&place(), &again, origin(), false)).path;
    assert_eq!(mapping.map(&place(), &again, origin(), false), Mapped::Looped);
    again.payload = Some(Bytes::from_static(b"{\"changed\":1}"));
    assert_eq!(event(mapping.map(&place(), &again, origin(), false)).path.len(), 2);
}

#[test]
fn tombstones_and_redeliveries_are_marked() {
    let mut gone = record("");
    gone.payload = None;
    let event = event(mapping("s/{key}", None).map(&place(), &gone, origin(), true));
    assert!(headers::has(&event.headers, headers::TOMBSTONE) && headers::has(&event.headers, headers::REDELIVERED));
}

#[test]
fn wrong_templates_and_filters_are_told_at_the_start() {
    assert!(Mapping::new(&source("{oops", None)).expect_err("wrong").to_string().contains("template"));
    assert!(Mapping::new(&source("a", Some("value ="))).expect_err("wrong").to_string().contains("filter"));
}
