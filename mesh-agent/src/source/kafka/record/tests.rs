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
        schemas: None,
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
    let event = event(mapping.map(
        &place(),
        &record(r#"{"plant":"berlin","metric":"temp"}"#),
        &Known::default(),
        origin(),
        false,
    ));
    assert_eq!(event.topic.as_str(), "sensors/berlin/press-1/temp");
    assert_eq!(event.key, "sensors/3");
    assert_eq!(event.headers.message_id.as_deref(), Some("B/sensors/3/42"));
    assert_eq!(headers::record_key(&event.headers).expect("kept"), "press-1");
    assert_eq!(event.path.len(), 1);
}

#[test]
fn the_filter_chooses_records() {
    let mapping = mapping("s/{key}", Some("value.t > 20"));
    assert!(matches!(
        mapping.map(&place(), &record(r#"{"t":21}"#), &Known::default(), origin(), false),
        Mapped::Event(_)
    ));
    assert_eq!(mapping.map(&place(), &record(r#"{"t":20}"#), &Known::default(), origin(), false), Mapped::Filtered);
    assert_eq!(mapping.map(&place(), &record("no json"), &Known::default(), origin(), false), Mapped::Filtered);
}

#[test]
fn what_cannot_be_named_is_poison_with_a_reason() {
    let mapping = mapping("s/{value.plant}", None);
    let Mapped::Poison(reason) = mapping.map(&place(), &record("{}"), &Known::default(), origin(), false) else {
        panic!("no plant")
    };
    assert!(reason.contains("value.plant"), "{reason}");
}

#[test]
fn what_comes_back_unchanged_is_a_loop_and_a_changed_one_is_new() {
    let mapping = mapping("s/{key}", None);
    let mut again = record("{}");
    again.headers.path = event(mapping.map(&place(), &again, &Known::default(), origin(), false)).path;
    assert_eq!(mapping.map(&place(), &again, &Known::default(), origin(), false), Mapped::Looped);
    again.payload = Some(Bytes::from_static(b"{\"changed\":1}"));
    assert_eq!(event(mapping.map(&place(), &again, &Known::default(), origin(), false)).path.len(), 2);
}

#[test]
fn tombstones_and_redeliveries_are_marked() {
    let mut gone = record("");
    gone.payload = None;
    let event = event(mapping("s/{key}", None).map(&place(), &gone, &Known::default(), origin(), true));
    assert!(headers::has(&event.headers, headers::TOMBSTONE) && headers::has(&event.headers, headers::REDELIVERED));
}

#[test]
fn wrong_templates_and_filters_are_told_at_the_start() {
    assert!(Mapping::new(&source("{oops", None)).expect_err("wrong").to_string().contains("template"));
    assert!(Mapping::new(&source("a", Some("value ="))).expect_err("wrong").to_string().contains("filter"));
}

/// `plant` and `t`, in Avro.
const READING: &str =
    r#"{"type":"record","name":"Reading","fields":[{"name":"plant","type":"string"},{"name":"t","type":"int"}]}"#;

fn by_schema(template: &str, filter: Option<&str>) -> Mapping {
    let registry = crate::http::testing::surveyed(mesh_protocol::desired::SurveyedKind::SchemaRegistry, "http://a");
    Mapping::new(&KafkaSource { schemas: Some(registry), ..source(template, filter) }).expect("valid")
}

fn known(number: u32) -> Known {
    let decoder = mesh_schema::Decoder::new(mesh_schema::Format::Avro, READING, &[]).expect("a schema");
    let mut known = Known::default();
    known.put(id(number), Found::Decoder(Arc::new(decoder)));
    known
}

fn id(number: u32) -> SchemaId {
    SchemaId::new(number).expect("an id")
}

/// A reading of a plant, 10 warm, that names schema 7.
fn reading(plant: &str) -> Record {
    let mut value = vec![u8::try_from(plant.len() * 2).expect("a short name")];
    value.extend(plant.bytes());
    value.push(20);
    Record { payload: Some(schema_id::join(id(7), &value).into()), ..record("") }
}

#[test]
fn a_record_is_read_by_the_schema_it_names_and_goes_on_as_it_is() {
    let mapping = by_schema("sensors/{value.plant}/{key}", Some("value.t > 9"));
    let sent = reading("berlin");
    let event = event(mapping.map(&place(), &sent, &known(7), origin(), false));
    assert_eq!((event.topic.as_str(), Some(event.payload)), ("sensors/berlin/press-1", sent.payload));
    let cold = by_schema("sensors/{value.plant}", Some("value.t > 10"));
    assert_eq!(cold.map(&place(), &reading("berlin"), &known(7), origin(), false), Mapped::Filtered);
}

#[test]
fn a_schema_is_needed_only_where_the_route_asks_for_what_is_in_the_record() {
    let nobody = Known::default();
    let lacks = |mapping: &Mapping, record: &Record, known: &Known| mapping.lacks(&place(), record, known);
    let mapping = by_schema("s/{value.plant}", Some("not (value.t > 99)"));
    assert_eq!(lacks(&mapping, &reading("berlin"), &nobody), Some(id(7)));
    assert_eq!(mapping.map(&place(), &reading("berlin"), &nobody, origin(), false), Mapped::Needs(id(7)));
    assert_eq!(lacks(&mapping, &reading("berlin"), &known(7)), None);
    assert_eq!(lacks(&mapping, &record(r#"{"plant":"berlin"}"#), &nobody), None, "plain JSON among the others");
    let tombstone = Record { payload: None, ..record("") };
    assert_eq!(lacks(&mapping, &tombstone, &nobody), None);
    let by_key = by_schema("s/{value.plant}", Some("key == \"other\" and value.t > 0"));
    assert_eq!(lacks(&by_key, &reading("berlin"), &nobody), None, "its key leaves it out");
    assert_eq!(by_key.map(&place(), &reading("berlin"), &nobody, origin(), false), Mapped::Filtered);
    let opaque = by_schema("s/{key}", None);
    assert!(!opaque.decodes());
    assert!(matches!(opaque.map(&place(), &reading("berlin"), &nobody, origin(), false), Mapped::Event(_)));
    let without = mapping_without_schemas();
    assert_eq!(without.lacks(&place(), &reading("berlin"), &nobody), None);
    assert!(matches!(without.map(&place(), &reading("berlin"), &nobody, origin(), false), Mapped::Poison(_)));
}

fn mapping_without_schemas() -> Mapping {
    mapping("s/{value.plant}", None)
}

#[test]
fn what_its_schema_cannot_read_is_poison_whatever_the_filter_makes_of_it() {
    let mapping = by_schema("s/{key}", Some("not (value.t > 99)"));
    let mut broken = reading("berlin");
    broken.payload = Some(schema_id::join(id(7), &[200, 1]).into());
    let Mapped::Poison(reason) = mapping.map(&place(), &broken, &known(7), origin(), false) else { panic!("poison") };
    assert!(reason.starts_with("it names schema 7, by which it cannot be read: "), "{reason}");
    let mut never = Known::default();
    never.put(id(7), Found::Never("no such schema".into()));
    let told = mapping.map(&place(), &reading("berlin"), &never, origin(), false);
    assert_eq!(told, Mapped::Poison("no such schema".to_owned()));
    never.begin();
    assert!(never.get(id(7)).is_none(), "the next batch asks again");
}

#[test]
fn a_letter_is_the_record_as_it_was() {
    let sent = reading("berlin");
    let made = letter(&place(), &sent, origin(), true);
    made.check().expect("within the bounds");
    assert_eq!((made.topic.as_str(), Some(&made.payload)), ("sensors", sent.payload.as_ref()));
    assert_eq!(made.headers.message_id.as_deref(), Some("B/sensors/3/42"));
    assert!(headers::has(&made.headers, headers::REDELIVERED));
    assert_eq!(headers::record_key(&made.headers).expect("kept"), "press-1");
    let large = Record { payload: Some(vec![0; MAX_PAYLOAD_BYTES + 1].into()), ..record("") };
    let made = letter(&place(), &large, origin(), false);
    assert!(made.check().is_ok() && made.payload.is_empty() && headers::has(&made.headers, headers::LEFT_OUT));
}
