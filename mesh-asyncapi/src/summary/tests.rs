use mesh_schema::Presence;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::lint::tests::{any_part, mutate};
use crate::read;

fn summary(text: &str) -> Summary {
    Summary::of(&Document::new(read(text).expect("a text").0).expect("a document"))
}

const CLEAN: &str = include_str!("../lint/tests/clean.yaml");

#[test]
fn an_operation_is_shown_with_everything_around_it() {
    let summary = summary(CLEAN);
    assert_eq!((summary.title.as_str(), summary.version.as_str()), ("Orders of the shop", "1.2.0"));
    assert_eq!(
        (summary.contact.name.as_str(), summary.tags.as_slice()),
        ("Team Orders", ["domain:orders".to_owned()].as_slice())
    );
    let operation = &summary.operations[0];
    assert_eq!((operation.key.as_str(), operation.action), ("readOrders", Some(Action::Receive)));
    let channel = &summary.channels[operation.channel.expect("a channel")];
    assert_eq!(channel.address.as_deref(), Some("orders/{country}/placed"));
    assert_eq!((channel.parameters[0].name.as_str(), channel.parameters[0].values.len()), ("country", 2));
    assert_eq!(summary.servers_of(operation).map(|server| server.key.as_str()).collect::<Vec<_>>(), ["berlin", "hall"]);
    let messages: Vec<&str> = operation.messages.iter().map(|index| summary.messages[*index].key.as_str()).collect();
    assert_eq!(messages, ["placed", "cancelled"]);
    let reply = operation.reply.as_ref().expect("a reply");
    assert_eq!((reply.address.as_str(), reply.messages.len()), ("$message.header#/replyTo", 1));
    assert_eq!(summary.channels[reply.channel.expect("a channel")].address, None);
    let security = &summary.servers[0].security;
    assert_eq!((security[0].key.as_str(), security[0].kind.as_str()), ("scram", "scramSha512"));
    assert_eq!(
        (security[1].url.as_str(), security[1].scopes.as_slice()),
        ("https://shop.example/token", ["read".to_owned()].as_slice())
    );
    assert_eq!(channel.bindings[0].version, "0.5.0");
}

#[test]
fn schemas_stand_by_themselves() {
    let summary = summary(CLEAN);
    let placed = summary.messages.iter().find(|message| message.key == "placed").expect("a message");
    let payload = placed.payload.as_ref().expect("a payload");
    assert_eq!(payload.format, Some(Format::JsonSchema));
    assert!(payload.text.contains("#/definitions/Line") && !payload.text.contains("components"), "{}", payload.text);
    let sku = payload.fields.iter().find(|field| field.path == "line.sku").expect("a field");
    assert_eq!(sku.presence, Presence::Required);
    assert!(payload.example.is_some() && payload.trouble.is_none());
    assert_eq!(placed.content_type, "application/json", "that of the document");
    let answer = summary.messages.iter().find(|message| message.key == "answer").expect("a message");
    assert_eq!(answer.payload.as_ref().and_then(|schema| schema.format), Some(Format::Avro));
}

#[test]
fn traits_rest_and_broken_parts_are_shown() {
    let summary = summary(
        r"
asyncapi: 3.0.0
info: {title: T, version: '1'}
channels:
  c: {$ref: '#/components/channels/c'}
operations:
  o: {action: send, channel: {$ref: '#/channels/c'}, traits: [{$ref: '#/components/operationTraits/t'}]}
  lost: {action: fly, channel: {$ref: '#/channels/nothing'}, messages: [{$ref: '#/nothing'}]}
components:
  operationTraits: {t: {summary: From the trait., bindings: {kafka: {bindingVersion: 0.5.0}}}}
  channels:
    c:
      address: 'a/{rest}'
      parameters: {rest: {}}
      x-mesh-subtree: rest
      messages:
        m: {payload: {$ref: '#/components/schemas/Node'}, headers: {$ref: '#/nothing'}}
        x: {payload: {schemaFormat: 'application/xml;schema=xsd', schema: '<xs/>'}}
  schemas:
    Node: {type: object, properties: {next: {$ref: '#/components/schemas/Node'}}}
",
    );
    let operation = &summary.operations[0];
    assert_eq!(
        (operation.words.summary.as_str(), operation.bindings[0].protocol.as_str()),
        ("From the trait.", "kafka")
    );
    assert_eq!((operation.channel, operation.messages.as_slice()), (Some(0), [0, 1].as_slice()));
    assert!(summary.channels[0].parameters[0].is_rest);
    let lost = &summary.operations[1];
    assert_eq!((lost.action, lost.channel, lost.messages.len()), (None, None, 0));
    let [node, xml] = summary.messages.as_slice() else { panic!("two messages") };
    assert_eq!(node.payload.as_ref().map(|schema| (schema.key.as_str(), schema.trouble.clone())), Some(("Node", None)));
    assert!(node.headers.as_ref().is_some_and(|schema| schema.trouble.is_some()));
    assert_eq!(xml.payload.as_ref().map(|schema| (schema.format, schema.text.as_str())), Some((None, "<xs/>")));
}

#[test]
fn it_is_plain_json() {
    let value = serde_json::to_value(summary(CLEAN)).expect("JSON");
    assert_eq!(value["operations"][0]["action"], json!("receive"));
    assert_eq!(value["messages"][0]["payload"]["format"], json!("JSON"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_document_brings_it_down(changes in prop::collection::vec((any::<prop::sample::Index>(), any_part()), 1..5)) {
        let mut value = read(CLEAN).expect("YAML").0;
        mutate(&mut value, &changes);
        let summary = Summary::of(&Document::new(value).expect("a document"));
        let sound = |index: &usize| *index < summary.messages.len();
        prop_assert!(summary.operations.iter().flat_map(|operation| &operation.messages).all(sound));
    }
}
