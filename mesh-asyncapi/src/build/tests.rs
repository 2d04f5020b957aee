use mesh_schema::{Format, Reference};
use serde_json::json;

use super::*;
use crate::bindings::{AccessType, KafkaServer, ServerBinding, to_object};
use crate::document::Version;
use crate::lint::{Ruleset, check};

fn problems(refused: Result<crate::Document, Refused>) -> Vec<(String, String)> {
    let Err(Refused(problems)) = refused else { panic!("it was built") };
    problems.into_iter().map(|problem| (problem.at.to_string(), problem.reason)).collect()
}

fn server() -> Server {
    Server::new(Protocol::KafkaSecure, "broker.example:9093").expect("a host")
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

#[test]
fn references_follow_from_keys() {
    let mut export = Export::new(Info::new("Orders", "1"));
    let scram = export.scheme("scram", Scheme::ScramSha256);
    let berlin = export.server("berlin/1", server().security(&scram));
    let orders = export.channel("orders/{country}", Channel::at(address("orders/{country}/>")).on(&berlin));
    let line = export.schema("Line", Content::of(Format::JsonSchema, r#"{"type": "object"}"#, &[]).expect("a schema"));
    let placed = export.message("order placed", Message::new().payload(&line));
    let entry = export.carry(&orders, &placed);
    export.operation("read", Operation::receive(&orders).message(&entry));
    let value = export.finish().expect("a document").into_value();
    assert_eq!(
        value,
        json!({
            "asyncapi": "3.0.0",
            "info": {"title": "Orders", "version": "1"},
            "servers": {"berlin-1": {
                "host": "broker.example:9093", "protocol": "kafka-secure",
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            }},
            "channels": {"orders-country": {
                "address": "orders/{country}/{rest}",
                "servers": [{"$ref": "#/servers/berlin-1"}],
                "messages": {"order-placed": {"$ref": "#/components/messages/order-placed"}},
                "parameters": {
                    "country": {},
                    "rest": {"description": "All levels from here on, at least one, with `/` between them."},
                },
                "x-mesh-subtree": "rest",
            }},
            "operations": {"read": {
                "action": "receive",
                "channel": {"$ref": "#/channels/orders-country"},
                "messages": [{"$ref": "#/channels/orders-country/messages/order-placed"}],
            }},
            "components": {
                "schemas": {"Line": {"type": "object"}},
                "messages": {"order-placed": {"payload": {"$ref": "#/components/schemas/Line"}}},
                "securitySchemes": {"scram": {"type": "scramSha256"}},
            },
        })
    );
}

#[test]
fn the_order_of_parts_does_not_matter() {
    let build = |names: [&str; 2]| {
        let mut export = Export::new(Info::new("Orders", "1"));
        for name in names {
            let server = export.server(name, server());
            export.channel(name, Channel::at(address(name)).on(&server));
        }
        crate::to_yaml(export.finish().expect("a document").value())
    };
    assert_eq!(build(["a", "b"]), build(["b", "a"]));
}

#[test]
fn what_is_of_another_document_is_refused() {
    let mut other = Export::new(Info::new("Other", "1"));
    let foreign_server = other.server("s", server());
    let foreign_channel = other.channel("c", Channel::at(address("c")));
    let foreign_message = other.message("m", Message::new());
    let foreign_entry = other.carry(&foreign_channel, &foreign_message);
    let foreign_scheme = other.scheme("x", Scheme::X509);
    let mut export = Export::new(Info::new("Orders", "1"));
    let channel = export.channel("mine", Channel::at(address("mine")).on(&foreign_server));
    export.server("mine", server().security(&foreign_scheme));
    export.operation("read", Operation::receive(&channel).message(&foreign_entry));
    assert_eq!(
        problems(export.finish()),
        [
            ("/channels/mine".into(), "the server `s` is of another document".into()),
            ("/operations/read".into(), "the message `m` is not one of the channel `mine`".into()),
            ("/servers/mine".into(), "the security scheme `x` is of another document".into()),
        ]
    );
}

#[test]
fn no_secret_gets_into_a_document() {
    let mut export = Export::new(Info::new("Orders", "1").description("Use amqps://till:hunter2@broker.example"));
    let mut extensions = Extensions::new();
    extensions.set("x-mesh-password", "hunter2").expect("a name");
    export.server("s", server().extensions(extensions));
    let found = problems(export.finish());
    assert_eq!(
        found.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(),
        ["/info/description", "/servers/s/x-mesh-password"]
    );
    assert!(found.iter().all(|(_, reason)| !reason.contains("hunter2")));
}

#[test]
fn replies_and_scopes_are_checked() {
    let mut export = Export::new(Info::new("Orders", "1"));
    let scram = export.scheme("scram", Scheme::ScramSha256);
    let ask = export.channel("ask", Channel::at(address("ask")));
    let reply = Reply::on(&ask).addressed_by("$message.header#/replyTo");
    let scopes = Requirement::Scopes(scram, vec!["read".into()]);
    export.operation("ask", Operation::send(&ask).reply(reply).requires(scopes));
    let found = problems(export.finish());
    assert_eq!(
        found.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(),
        ["/operations/ask/reply", "/operations/ask"]
    );
}

#[test]
fn bindings_name_their_version_of_the_document() {
    let object =
        to_object(&[ServerBinding::from(KafkaServer::with_registry("https://r.example", None))], Version::V3_1);
    assert_eq!(
        serde_json::Value::Object(object),
        json!({"kafka": {"schemaRegistryUrl": "https://r.example", "bindingVersion": "0.5.0"}})
    );
    assert_eq!(AccessType::by_name("non-exclusive"), Some(AccessType::NonExclusive));
    assert_eq!(serde_json::to_value(AccessType::NonExclusive).ok(), Some(json!("nonexclusive")));
}

#[test]
fn schemas_bring_along_what_they_refer_to() {
    let line = Reference { name: "line.json".into(), text: r#"{"type": "object", "required": ["sku"]}"#.into() };
    let order = r#"{"type": "object", "properties": {"line": {"$ref": "line.json"}}}"#;
    let mut export = Export::new(Info::new("Orders", "1"));
    let message = Message::new()
        .payload(Content::of(Format::JsonSchema, order, &[line]).expect("a schema"))
        .example(Example::of(json!({"line": {}})));
    let placed = export.message("placed", message);
    let channel = export.channel("orders", Channel::at(address("orders")));
    export.carry(&channel, &placed);
    let document = export.finish().expect("a document");
    let payload = &document.value()["components"]["messages"]["placed"]["payload"];
    assert_eq!(payload["properties"]["line"]["$ref"], "#/components/messages/placed/payload/definitions/reference1");
    let report = check(&document, &Ruleset::default());
    let errors: Vec<_> = report.findings.iter().filter(|finding| finding.severity == crate::Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].rule, "asyncapi3-message-examples");
}
