use super::*;
use crate::import::{View, import};
use crate::read;

const CLEAN: &str = include_str!("../lint/tests/clean.yaml");
const EVENT_PORTAL: &str = include_str!("../import/tests/event_portal.json");
const LIGHTS: &str = include_str!("../import/tests/lights_kafka.yaml");

fn inventory(text: &str) -> Inventory {
    Inventory::of(&import(text, View::Application).expect("a document").document)
}

fn event<'a>(inventory: &'a Inventory, name: &str) -> &'a EventItem {
    let names: Vec<_> = inventory.events.iter().map(|event| &event.name).collect();
    inventory.events.iter().find(|event| event.name == name).unwrap_or_else(|| panic!("{name} of {names:?}"))
}

#[test]
fn events_have_their_addresses_schemas_and_directions() {
    let inventory = inventory(EVENT_PORTAL);
    assert_eq!((inventory.title.as_str(), inventory.version.as_str()), ("Till", "0.1.0"));
    let placed = event(&inventory, "Order_Placed");
    assert_eq!(placed.places[0].address.as_deref(), Some("shop/orders/{country}/{orderId}"));
    assert_eq!((placed.description.as_str(), placed.places.len()), ("An order.", 1));
    let schema = &inventory.schemas[placed.payload.expect("a payload")];
    assert_eq!(schema.name, "Order");
    let (format, text) = schema.text.as_ref().expect("sound");
    assert!(*format == Format::JsonSchema && text.contains("x-ep-schema-version-id"), "{text}");
    let cancelled = event(&inventory, "Order-Cancelled");
    let schema = &inventory.schemas[cancelled.payload.expect("a payload")];
    assert_eq!(
        (schema.name.as_str(), schema.text.as_ref().map(|(format, _)| *format)),
        ("Order-Cancelled", Ok(Format::Avro))
    );
    let place = |name: &str| inventory.events.iter().position(|event| event.name == name).expect("an event");
    assert!(inventory.does.contains(&(Action::Receive, place("Order_Placed"))), "{:?}", inventory.does);
    assert!(inventory.does.contains(&(Action::Send, place("Order-Cancelled"))), "{:?}", inventory.does);
}

#[test]
fn every_document_of_the_tests_is_read() {
    for text in [CLEAN, EVENT_PORTAL, LIGHTS] {
        let inventory = inventory(text);
        assert!(!inventory.events.is_empty() && !inventory.does.is_empty());
        assert!(inventory.does.iter().all(|(_, event)| *event < inventory.events.len()));
        assert!(inventory.schemas.iter().all(|schema| schema.text.is_ok()), "{:#?}", inventory.schemas);
    }
}

#[test]
fn what_stands_at_two_addresses_is_two_events_unless_an_export_says_it_is_one() {
    let text = |extension: &str| {
        format!(
            "
asyncapi: 3.0.0
info: {{title: T, version: '1'}}
channels:
  a: {{address: a, messages: {{m: {{$ref: '#/components/messages/m'}}}}}}
  b: {{address: b, {CLUSTER}: kafka, messages: {{m: {{$ref: '#/components/messages/m'}}}}}}
  c: {{address: null, messages: {{m: {{$ref: '#/components/messages/m'}}}}}}
operations:
  x: {{action: receive, channel: {{$ref: '#/channels/a'}}}}
  y: {{action: receive, channel: {{$ref: '#/channels/b'}}}}
components:
  messages:
    m: {{name: placed{extension}}}
    lonely: {{name: lonely, {VERSION_ID}: v2}}
"
        )
    };
    let strange = inventory(&text(""));
    let addresses: Vec<_> =
        strange.events.iter().map(|event| event.places.first().and_then(|it| it.address.clone())).collect();
    assert_eq!(
        addresses,
        [Some("a".to_owned()), Some("b".to_owned()), None, None],
        "each, and the one of an export that is on no channel"
    );
    assert_eq!(strange.does.len(), 2);
    let own = inventory(&text(&format!(", {VERSION_ID}: v1")));
    let places: Vec<_> = own.events[0].places.iter().map(|place| (place.channel.as_str(), place.is_copy)).collect();
    assert_eq!(places, [("a", false), ("b", true), ("c", false)]);
    assert_eq!((own.does.as_slice(), own.events.len()), ([(Action::Receive, 0)].as_slice(), 2));
    assert_eq!((own.events[1].version_id.as_deref(), own.events[1].places.len()), (Some("v2"), 0));
}

#[test]
fn a_schema_that_comes_back_is_written_as_it_went() {
    let text = r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}}, "next": {"$ref": "#"}}, "$defs": {"Line": {"type": "string"}}}"##;
    let once = as_written(Format::JsonSchema, text, &[], "order").expect("it can stand in a document");
    let again = as_written(Format::JsonSchema, &once, &[], "order-1.0.0").expect("it can stand in a document");
    assert_eq!(once, again, "whatever it is called there");
    assert!(read(&once).is_ok() && once.contains("#/definitions/Line"), "{once}");
    let avro = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#;
    let once = as_written(Format::Avro, avro, &[], "order").expect("it can stand in a document");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&once).ok(), serde_json::from_str(avro).ok());
}

#[test]
fn what_cannot_be_judged_says_why() {
    let inventory = inventory(
        "
asyncapi: 3.0.0
info: {title: T, version: '1'}
channels:
  a:
    address: a
    messages:
      x: {payload: {schemaFormat: 'application/xml;schema=xsd', schema: '<xs/>'}}
      y: {payload: {$ref: '#/nothing'}}
      z: {payload: {type: strange}}
",
    );
    let reasons: Vec<String> =
        inventory.schemas.iter().map(|schema| schema.text.clone().expect_err("not sound")).collect();
    assert!(reasons[0].contains("in the format `application/xml;schema=xsd`"), "{reasons:?}");
    assert!(reasons[1].contains("not there") && reasons[2].contains("is not sound"), "{reasons:?}");
}
