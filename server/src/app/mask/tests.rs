use std::sync::OnceLock;

use mesh_schema::Format;
use serde_json::json;

use super::*;
use crate::app::design::Designs;
use crate::domain::design::fixture::{Catalog, event, record};
use crate::domain::design::{Content, Schema};
use crate::domain::registry::Registry;

/// Of all that is designed, for who may not see all of it.
fn masks(catalog: &Catalog) -> Masks {
    let designs = Designs {
        number: 1,
        objects: catalog.objects.clone(),
        versions: catalog.versions.clone(),
        registry: Registry::default(),
        masks: OnceLock::new(),
        contracts: OnceLock::new(),
    };
    Masks::of(&designs, &["pii".to_owned(), "secret".to_owned()])
}

fn mask(catalog: &Catalog) -> Mask {
    Mask(masks(catalog).events())
}

/// People, with a field that is tagged.
fn people(tag: &str) -> Content {
    let fields = format!(
        r#"{{"name": "id", "type": "long"}}, {{"name": "mail", "type": "string", "aliases": ["email"], "confluent:tags": ["{tag}"]}}"#
    );
    record("Person", &fields, &[])
}

#[test]
fn what_is_masked_keeps_its_shape_and_no_value() {
    let value = json!({ "name": "ada", "lines": [{ "count": 2, "ok": true, "note": null }] });
    let told = masked(&value).expect("shallow");
    assert_eq!(told, json!({ "name": MASK, "lines": [{ "count": MASK, "ok": MASK, "note": null }] }));
    let deep = (0..DEPTH_MAX).fold(json!(1), |value, _| json!([value]));
    assert_eq!(masked(&deep), None);
}

#[test]
fn payloads_are_masked_as_a_whole_where_a_tag_is_the_events_or_its_schemas() {
    let mut catalog = Catalog::default();
    let (schema, version) = catalog.both("person", record("Person", "", &[]));
    let (changed, _) = catalog.both("changed", event("people/{id}/changed", Some(version)));
    let (other, _) = catalog.both("other", event("things/{id}/changed", None));
    assert!(mask(&catalog).0.is_empty());
    for tagged in [schema, changed] {
        let mut catalog = Catalog { objects: catalog.objects.clone(), versions: catalog.versions.clone() };
        let object = catalog.objects.iter_mut().find(|object| object.id == tagged).expect("it is there");
        object.spec.tags = vec!["PII".to_owned()];
        let mask = mask(&catalog);
        let payload = |topic: &str, text: &str| mask.payload(topic, text.to_owned());
        assert_eq!(payload("people/7/changed", r#"{"name":"ada"}"#), format!(r#"{{"name":"{MASK}"}}"#));
        assert_eq!(payload("people/7/changed", "0x00ff"), MASK);
        assert_eq!(payload("people/7/removed", "ada"), "ada");
        assert_eq!(payload("things/7/changed", "ada"), "ada");
        let of = masks(&catalog);
        assert_eq!((of.whole(changed).count(), of.whole(other).count()), (1, 0));
    }
    assert_eq!(Mask::default().payload("people/7/changed", "ada".to_owned()), "ada");
}

#[test]
fn payloads_are_masked_field_by_field_where_a_schema_tags_fields() {
    let mut catalog = Catalog::default();
    let (_, version) = catalog.both("person", people("PII"));
    catalog.both("changed", event("people/{id}/changed", Some(version)));
    let mask = mask(&catalog);
    let payload = |text: &str| mask.payload("people/7/changed", text.to_owned());
    assert_eq!(payload(r#"{"id":7,"mail":"ada@x.org"}"#), format!(r#"{{"id":7,"mail":"{MASK}"}}"#));
    assert_eq!(
        payload(r#"{"email":"ada@x.org","fax":1,"id":7}"#),
        format!(r#"{{"email":"{MASK}","fax":"{MASK}","id":7}}"#)
    );
    // Of two equal keys only the last is in what is told, whatever it is.
    assert_eq!(payload(r#"{"mail":"ada@x.org","mail":null}"#), r#"{"mail":null}"#);
    // Cut, no JSON, something else.
    for text in [r#"{"id":7,"mail":"ada@x"#, "0x00ff", "ada@x.org", "7"] {
        assert_eq!(payload(text), NOT_TOLD, "{text}");
    }
    assert_eq!(payload(""), "", "nothing is in it");
    assert_eq!(payload(r#"["ada@x.org"]"#), format!(r#"["{MASK}"]"#));
    assert_eq!(mask.payload("people/7/removed", "ada@x.org".to_owned()), "ada@x.org");
}

#[test]
fn a_tag_that_does_not_mask_masks_nothing_and_a_schema_that_is_used_does() {
    let mut catalog = Catalog::default();
    let (_, plain) = catalog.both("plain", people("internal"));
    catalog.both("calm", event("calm", Some(plain)));
    assert!(mask(&catalog).0.is_empty());
    let (_, person) = catalog.both("person", people("secret"));
    let order = record("Order", r#"{"name": "by", "type": "Person"}"#, &[("Person", person)]);
    let (_, order) = catalog.both("order", order);
    catalog.both("placed", event("orders/{id}", Some(order)));
    let mask = mask(&catalog);
    let payload = mask.payload("orders/1", r#"{"by":{"id":1,"mail":"ada"}}"#.to_owned());
    assert_eq!(payload, format!(r#"{{"by":{{"id":1,"mail":"{MASK}"}}}}"#));
    assert_eq!(mask.payload("calm", "x".to_owned()), "x");
}

#[test]
fn a_schema_that_cannot_be_read_masks_everything_when_it_could_have_tags() {
    let text =
        |text: &str| Content::Schema(Schema { format: Format::Avro, text: text.to_owned(), references: Vec::new() });
    let mut catalog = Catalog::default();
    let (_, broken) = catalog.both("broken", text(r#"{"type": "record", "confluent\u003atags": ["pii"]"#));
    let (_, dull) = catalog.both("dull", text("nonsense"));
    catalog.both("first", event("first", Some(broken)));
    catalog.both("second", event("second", Some(dull)));
    let mask = mask(&catalog);
    assert_eq!(mask.payload("first", r#"{"a":1}"#.to_owned()), NOT_TOLD);
    assert_eq!(mask.payload("second", r#"{"a":1}"#.to_owned()), r#"{"a":1}"#);
}

#[test]
fn keys_and_headers_are_masked_by_schemas_of_their_own() {
    let mut catalog = Catalog::default();
    let (_, key) = catalog.both("key", people("PII"));
    let (_, headers) = catalog.both("headers", people("PII"));
    let of = crate::domain::design::Event {
        address: "people/{id}".to_owned(),
        key_schema: Some(key),
        headers_schema: Some(headers),
        schema: None,
    };
    catalog.both("changed", Content::Event(of));
    let mask = mask(&catalog);
    let queued = |topic: &str, key: &str| {
        let property = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        mask.queued(QueuedEvent {
            position: 1,
            admitted_at_ms: 0,
            topic: topic.to_owned(),
            key: key.to_owned(),
            content_type: None,
            payload: "plain".to_owned(),
            payload_bytes: 5,
            deliveries: 0,
            expires_at_ms: None,
            consumer: None,
            reason: None,
            properties: vec![property("id", "7"), property("mail", "ada@x.org"), property("trace", "t")],
        })
    };
    let seen = queued("people/1", r#"{"id":1,"mail":"ada@x.org"}"#);
    assert_eq!((seen.key, seen.payload), (format!(r#"{{"id":1,"mail":"{MASK}"}}"#), "plain".to_owned()));
    let values: Vec<&str> = seen.properties.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["7", MASK, MASK], "what is not described is masked");
    assert_eq!((queued("people/1", "ada@x.org").key, queued("people/1", "").key), (MASK.to_owned(), String::new()));
    let other = queued("things/1", "ada@x.org");
    assert_eq!((other.key.as_str(), other.properties[1].1.as_str()), ("ada@x.org", "ada@x.org"));
}
