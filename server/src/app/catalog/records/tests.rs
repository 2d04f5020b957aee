use std::sync::OnceLock;

use mesh_protocol::id::SubjectId;
use uuid::Uuid;

use super::*;
use crate::domain::design::fixture::{Catalog, record};
use crate::domain::registry::{Registered, Registry, Settings, Subject};

fn place(masked_for: &[&str], key: &Key) -> TopicAsk {
    asked(masked_for, key, &RecordsInput::default()).expect("sound")
}

fn asked(masked_for: &[&str], key: &Key, input: &RecordsInput) -> Result<TopicAsk> {
    let place = in_orders(masked_for, key);
    ask(&place, input, place.is_delicate())
}

fn in_orders<'a>(masked_for: &[&str], key: &'a Key) -> Place<'a> {
    Place {
        key,
        broker: BrokerId(Uuid::nil()),
        topic: "orders",
        site: SiteId(Uuid::nil()),
        cluster: "kafka-a".to_owned(),
        masked_for: masked_for.iter().map(|tag| (*tag).to_owned()).collect(),
        veils: Parts::default(),
    }
}

fn wrong(input: &RecordsInput, masked_for: &[&str]) -> Vec<String> {
    let key = Key::Topic(BrokerId(Uuid::nil()), "orders".to_owned());
    match asked(masked_for, &key, input) {
        Err(Error::Invalid(errors)) => errors.0.into_keys().collect(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_look_goes_on_where_a_cursor_says() {
    let key = Key::Topic(BrokerId(Uuid::nil()), "orders".to_owned());
    assert_eq!(place(&[], &key).from, TopicFrom::Newest);
    let from = TopicFrom::Before { places: Places::from([(2, 40)]) };
    let input = RecordsInput { cursor: Some(write(&from)), since: Some(5), ..RecordsInput::default() };
    assert_eq!(asked(&[], &key, &input).expect("sound").from, from);
    let input = RecordsInput { partition: Some(2), offset: Some(7), limit: Some(9_999), ..RecordsInput::default() };
    let ask = asked(&[], &key, &input).expect("sound");
    assert_eq!((ask.from, ask.limit), (TopicFrom::After { places: Places::from([(2, 7)]) }, RECORDS_MAX));
}

#[test]
fn what_is_wrong_is_told_at_its_field() {
    let none = RecordsInput::default();
    assert_eq!(wrong(&RecordsInput { offset: Some(1), ..none.clone() }, &[]), ["partition"]);
    assert_eq!(wrong(&RecordsInput { offset: Some(-1), partition: Some(0), ..none.clone() }, &[]), ["offset"]);
    assert_eq!(
        wrong(&RecordsInput { offset: Some(1), partition: Some(0), since: Some(1), ..none.clone() }, &[]),
        ["offset"]
    );
    assert_eq!(wrong(&RecordsInput { partition: Some(-1), ..none.clone() }, &[]), ["partition"]);
    assert_eq!(wrong(&RecordsInput { cursor: Some("%".to_owned()), ..none.clone() }, &[]), ["cursor"]);
    assert_eq!(wrong(&RecordsInput { find: "x".repeat(FIND_BYTES_MAX + 1), ..none.clone() }, &[]), ["find"]);
    assert_eq!(wrong(&RecordsInput { find: "ada".to_owned(), ..none }, &["pii"]), ["find"], "a search would tell");
}

#[test]
fn the_same_look_is_noted_once_in_a_while() {
    let noted = Noted::default();
    let look = |find: &str| ("ada".to_owned(), Key::Topic(BrokerId(Uuid::nil()), "orders".to_owned()), find.to_owned());
    assert!(noted.is_new(&look(""), 0));
    noted.remember(look(""), 0);
    assert!(!noted.is_new(&look(""), NOTED_MS - 1));
    assert!(noted.is_new(&look("ada"), 1), "another text is another look");
    assert!(noted.is_new(&look(""), NOTED_MS));
}

/// Designs in which `people-value` is registered twice, its second version with a tagged field.
fn people() -> Designs {
    let fields = |tags: &str| {
        format!(r#"{{"name": "id", "type": "long"}}, {{"name": "mail", "type": "string", "aliases": ["email"]{tags}}}"#)
    };
    let mut catalog = Catalog::default();
    let (object, first) = catalog.both("person", record("Person", &fields(""), &[]));
    let second = catalog.version(object, "1.1.0", record("Person", &fields(r#", "confluent:tags": ["PII"]"#), &[]));
    let id = SubjectId(Uuid::from_u128(1));
    let name = "people-value".to_owned();
    let subject = Subject { id, name, object: Some(object), level: None, mode: None, last_version: 2 };
    let registered = |version, design| Registered { subject: id, version, schema: schema_id(version), design };
    let registered = [registered(1, first), registered(2, second)];
    let registry = Registry::of(Settings::default(), vec![subject], &registered, Vec::new(), &catalog.versions);
    let (objects, versions) = (catalog.objects, catalog.versions);
    Designs { number: 1, objects, versions, registry, masks: OnceLock::new(), contracts: OnceLock::new() }
}

fn schema_id(number: u32) -> SchemaId {
    SchemaId::new(number).expect("above 0")
}

fn masks_of(designs: &Designs) -> Masks {
    Masks::of(designs, &["pii".to_owned()])
}

fn content(bytes: &[u8]) -> mesh_protocol::browse::Content {
    use base64::Engine as _;
    use mesh_protocol::browse::{Content, Piece};
    let piece = match std::str::from_utf8(bytes) {
        Ok(text) => Piece::Text(text.to_owned()),
        Err(_) => Piece::Base64(base64::prelude::BASE64_STANDARD.encode(bytes)),
    };
    Content { bytes: bytes.len() as u64, piece }
}

fn a_record(key: &[u8], payload: &[u8]) -> mesh_protocol::browse::TopicRecord {
    mesh_protocol::browse::TopicRecord {
        partition: 0,
        offset: 1,
        at_ms: None,
        key: Some(content(key)),
        payload: Some(content(payload)),
        headers: vec![("mail".to_owned(), content(b"in a header"))],
        headers_left_out: 0,
    }
}

#[test]
fn records_that_name_a_schema_are_masked_field_by_field_and_so_are_those_of_earlier_versions() {
    let designs = people();
    let masks = masks_of(&designs);
    assert_eq!(masks.ids(), [schema_id(1), schema_id(2)], "neither may be found by its text");
    let mut teller = Teller::new(&designs, &masks, false, Parts::default());
    // Id 7, mail `ada`.
    let ada = [14, 6, b'a', b'd', b'a'];
    for number in [1, 2] {
        let told = teller.record(a_record(b"plain", &mesh_protocol::schema_id::join(schema_id(number), &ada)));
        let payload = told.payload.expect("a payload");
        let value: serde_json::Value = serde_json::from_str(&payload.text).expect("JSON");
        assert_eq!(value, serde_json::json!({ "id": 7, "mail": "•••" }), "{number}");
        assert!(payload.masked.is_some_and(|why| why.starts_with("1 value is masked")), "{number}");
        let header = &told.headers[0].value;
        assert_eq!((told.key.expect("a key").text.as_str(), header.text.as_str()), ("plain", "in a header"));
    }
    assert!(teller.masked().is_some_and(|why| why.contains("(pii)") && why.contains("Approvers")));
    // What cannot be read with the schema is masked as a whole: it ends too early, or is cut.
    let broken = mesh_protocol::schema_id::join(schema_id(1), &ada[..3]);
    let told = teller.record(a_record(b"plain", &broken)).payload.expect("a payload");
    assert_eq!((told.form, told.text.as_str()), (frontend::api::ContentForm::Masked, "•••"));
    assert!(told.masked.is_some_and(|why| why.starts_with("masked as a whole")));
    let mut cut = a_record(b"plain", &mesh_protocol::schema_id::join(schema_id(1), &ada));
    cut.payload.iter_mut().for_each(|payload| payload.bytes += 1);
    let told = teller.record(cut).payload.expect("a payload");
    assert_eq!(told.form, frontend::api::ContentForm::Masked);
    // Who may see everything.
    let all = Masks::default();
    let mut teller = Teller::new(&designs, &all, false, Parts::default());
    let told = teller.record(a_record(b"plain", &mesh_protocol::schema_id::join(schema_id(2), &ada)));
    assert!(told.payload.expect("a payload").text.contains("ada"));
    assert_eq!(teller.masked(), None);
}

#[test]
fn records_that_name_no_schema_are_masked_by_that_of_their_topic() {
    let designs = people();
    let masks = masks_of(&designs);
    let graph = designs.graph();
    let person = masks.of_object(designs.objects()[0].id, &graph).payload;
    let veils = Parts { payload: person.clone(), key: person, ..Parts::default() };
    let key = Key::Topic(BrokerId(Uuid::nil()), "orders".to_owned());
    let place = Place { veils: veils.clone(), ..in_orders(&[], &key) };
    let find = RecordsInput { find: "ada".to_owned(), ..RecordsInput::default() };
    assert!(ask(&place, &find, place.is_delicate()).is_err(), "a search would tell");
    let mut teller = Teller::new(&designs, &masks, false, veils);
    let told = teller.record(a_record(b"ada@x.org", br#"{"id":7,"email":"ada","fax":"0123"}"#));
    let payload: serde_json::Value = serde_json::from_str(&told.payload.expect("a payload").text).expect("JSON");
    assert_eq!(payload, serde_json::json!({ "id": 7, "email": "•••", "fax": "•••" }));
    let key = told.key.expect("a key");
    assert_eq!((key.text.as_str(), key.form), ("•••", frontend::api::ContentForm::Masked));
    assert_eq!(told.headers[0].value.text, "in a header", "no schema of headers has tags");
    for payload in [&b"ada@x.org"[..], b"\xff\xfe", br#"{"id":7,"#, b"7"] {
        let told = teller.record(a_record(b"k", payload)).payload.expect("a payload");
        assert_eq!((told.form, told.text.as_str()), (frontend::api::ContentForm::Masked, "•••"), "{payload:?}");
    }
}
