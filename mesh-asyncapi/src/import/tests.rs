use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::finding::{Finding, Severity};
use crate::lint::tests::{any_part, mutate};
use crate::lint::{Ruleset, check};
use crate::{official, to_json, to_yaml};

const MQTT: &str = include_str!("tests/lights_mqtt.yaml");
const KAFKA: &str = include_str!("tests/lights_kafka.yaml");
const PORTAL: &str = include_str!("tests/event_portal.json");

fn imported(text: &str, view: View) -> Imported {
    import(text, view).unwrap_or_else(|error| panic!("{error}"))
}

fn value(text: &str) -> Value {
    imported(text, View::Application).document.into_value()
}

#[test]
fn what_is_converted_passes_the_official_schema() {
    for (name, text) in [("mqtt", MQTT), ("kafka", KAFKA), ("portal", PORTAL)] {
        let imported = imported(text, View::Application);
        assert_eq!(official::check(&imported.document), [], "{name}: {}", to_yaml(imported.document.value()));
        let report = check(&imported.document, &Ruleset::default());
        let errors: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert_eq!(errors, Vec::<&Finding>::new(), "{name}: {}", to_yaml(imported.document.value()));
        assert!(imported.document.is_bundled());
    }
}

#[test]
fn who_publishes_depends_on_the_view() {
    let actions = |view| {
        let value = imported(MQTT, view).document.into_value();
        ["receiveMeasurement", "dim"]
            .map(|key| value["operations"][key]["action"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(actions(View::Application), ["receive", "send"], "as the converter of the initiative does");
    assert_eq!(actions(View::Client), ["send", "receive"]);
}

#[test]
fn servers_are_split_and_lose_their_credentials() {
    let imported = imported(MQTT, View::Application);
    let value = imported.document.value();
    assert_eq!(
        value["servers"]["production"],
        json!({
            "host": "lights.city.example:{port}", "pathname": "/mqtt", "protocol": "mqtt", "protocolVersion": "3.1.1",
            "description": "The broker.",
            "variables": {"port": {"description": "With or without TLS.", "default": "1883", "enum": ["1883", "8883"]}},
            "security": [
                {"$ref": "#/components/securitySchemes/apiKey"},
                {
                    "type": "oauth2",
                    "flows": {"implicit": {
                        "authorizationUrl": "https://auth.city.example",
                        "availableScopes": {"lights:on": "Turn on", "lights:dim": "Dim"},
                    }},
                    "scopes": ["lights:on", "lights:dim"],
                },
                {"$ref": "#/components/securitySchemes/openIdConnectWellKnown"},
            ],
            "tags": [{"name": "env:production"}],
        })
    );
    assert!(!to_json(value).contains("pass"));
    let notes: Vec<_> = imported.notes.iter().filter(|note| note.at.to_string() == "/servers/production/url").collect();
    assert_eq!(notes.len(), 2, "{:?}", imported.notes);
}

#[test]
fn operations_and_messages_leave_their_channels() {
    let value = value(MQTT);
    let channel = &value["channels"]["city-lights-1-0-action-lightId-dim"];
    assert_eq!(channel["address"], "city/lights/1/0/action/{lightId}/dim");
    assert_eq!(channel["servers"], json!([{"$ref": "#/servers/production"}]));
    assert_eq!(
        channel["messages"],
        json!({"dim": {"$ref": "#/components/messages/dim"}, "turnOff": {"$ref": "#/components/messages/turnOff"}})
    );
    assert_eq!(channel["parameters"]["lightId"]["enum"], json!(["1", "2"]));
    assert_eq!(channel["parameters"]["lightId"]["default"], "1");
    let operation = &value["operations"]["dim"];
    assert_eq!(operation["channel"]["$ref"], "#/channels/city-lights-1-0-action-lightId-dim");
    assert_eq!(operation["messages"][1]["$ref"], "#/channels/city-lights-1-0-action-lightId-dim/messages/turnOff");
    assert_eq!(operation["security"], json!([{"$ref": "#/components/securitySchemes/apiKey"}]));
    assert_eq!(operation["bindings"]["mqtt"]["bindingVersion"], "0.2.0");
    assert_eq!(value["components"]["messages"]["dim"]["payload"]["type"], "object", "the default format needs no name");
    assert_eq!(
        value["components"]["operationTraits"]["kafka"]["bindings"]["kafka"]["groupId"],
        json!({"type": "string", "enum": ["my-group"]})
    );
    assert_eq!((&value["info"]["tags"], &value["tags"]), (&json!([{"name": "city"}]), &Value::Null));
}

#[test]
fn references_follow_what_moves() {
    let value = value(KAFKA);
    // The message of an operation without id or name.
    let sent = &value["components"]["messages"]["lighting.on.subscribe.message"];
    assert_eq!(sent["payload"]["$ref"], "#/components/messages/Measured/payload", "with its format");
    let part = &value["components"]["messages"]["lighting.part"]["payload"];
    assert_eq!(part["$ref"], "#/components/messages/plain/payload/schema/properties/part");
    let off = &value["channels"]["lighting.off"];
    assert_eq!(off["address"], "lighting.off");
    assert_eq!(off["x-ep-shared"], true, "a channel takes in the component it refers to");
    let entries: Vec<&Value> = off["messages"].as_object().into_iter().flatten().map(|(_, entry)| entry).collect();
    assert_eq!(entries, [&json!({"$ref": "#/components/messages/lighting.on.publish.message"})]);
    assert_eq!(value["components"]["x-channels"]["unused"]["description"], "Nobody refers to it.");
    assert_eq!(
        value["components"]["messages"]["lighting.on.publish.message"]["examples"],
        json!([{"payload": {"command": "on"}}])
    );
}

#[test]
fn bindings_keep_what_they_say() {
    let imported = imported(KAFKA, View::Application);
    let value = imported.document.value();
    assert_eq!(value["channels"]["lighting.on"]["bindings"]["mqtt"], json!({"x-qos": 1}));
    assert_eq!(value["servers"]["variable"]["bindings"]["x-mqtt5"], json!({"sessionExpiryInterval": 60}));
    assert_eq!(
        value["operations"]["receiveMeasured"]["bindings"]["http"],
        json!({"method": "GET", "bindingVersion": "0.3.0"})
    );
    assert_eq!(
        value["components"]["messages"]["Measured"]["payload"]["schema"]["name"], "Measured",
        "Avro is written out"
    );
    assert!(imported.notes.iter().any(|note| note.message.contains("`x-mqtt5`")), "{:?}", imported.notes);
    assert!(imported.notes.iter().any(|note| note.message.contains("alternatives now")), "{:?}", imported.notes);
}

#[test]
fn what_event_portal_says_of_itself_is_kept() {
    let imported = imported(PORTAL, View::Client);
    let value = imported.document.value();
    assert_eq!((imported.from.as_str(), imported.syntax), ("2.0.0", Syntax::Json));
    assert_eq!(value["x-ep-application-version-id"], "a1b2c3");
    assert_eq!(value["info"]["x-ep-application-domain-name"], "Shop");
    assert_eq!(value["channels"]["shop-orders-country-orderId"]["parameters"]["country"]["x-ep-enum-version-id"], "e1");
    assert_eq!(value["components"]["messages"]["Order_Placed"]["x-ep-event-version-id"], "evv-1");
    assert_eq!(value["components"]["schemas"]["Order"]["x-ep-schema-version-id"], "s1");
    let operation = &value["operations"]["shop-orders-country-orderId.publish"];
    assert_eq!((&operation["action"], &operation["x-ep-channel-delimiter"]), (&json!("send"), &json!("/")));
    // A key that version 3 cannot have.
    assert_eq!(
        value["channels"]["shop-orders-country-orderId"]["messages"]["Order-Cancelled"]["$ref"],
        "#/components/messages/Order-Cancelled"
    );
    assert!(value["components"]["messages"]["Order-Cancelled"].is_object());
}

#[test]
fn version_3_stays_as_it_is() {
    let text = include_str!("../lint/tests/clean.yaml");
    let imported = imported(text, View::Client);
    assert_eq!((imported.from.as_str(), imported.notes.len()), ("3.1.0", 0));
    assert_eq!(imported.document.value(), &read(text).expect("YAML").0);
}

#[test]
fn what_is_no_document_is_refused_with_a_reason() {
    let refusal = |text: &str| import(text, View::Application).map(|_| ()).expect_err("no document").to_string();
    assert!(refusal("a: [").starts_with("line "));
    assert_eq!(refusal("openapi: 3.0.0"), "the key `asyncapi` is missing: begin with `asyncapi: 3.0.0`");
    assert_eq!(
        refusal("[1]"),
        "this is a list, not an AsyncAPI document: it has to be an object with the key `asyncapi`"
    );
    assert_eq!(
        refusal("asyncapi: 2.7"),
        "the version is a number, not a text: write it in quotes, as in `asyncapi: '3.0.0'`"
    );
    assert_eq!(refusal("asyncapi: 1.2.0"), "AsyncAPI 1.2.0 is not known here: 2.0.0 to 2.6.0, 3.0.0 and 3.1.0 are");
    assert!(matches!(Document::new(json!({"asyncapi": "2.6.0"})), Err(NotADocument::Old(_))));
}

#[test]
fn a_small_document_does_not_become_a_large_one() {
    let large = vec!["x"; 4_000].join(", ");
    let channels: String = (0..500).map(|n| format!("  c{n}: {{$ref: '#/components/channels/big'}}\n")).collect();
    let text =
        format!("asyncapi: 2.6.0\nchannels:\n{channels}components:\n  channels:\n    big:\n      x-big: [{large}]\n");
    let refusal = import(&text, View::Application).map(|_| ()).expect_err("too large").to_string();
    assert!(refusal.contains("repeats too much"), "{refusal}");
}

/// Any part of a document of version 2, broken.
fn any_old() -> impl Strategy<Value = Value> {
    let texts = prop::sample::select(vec![MQTT, KAFKA, PORTAL]);
    let version = prop::sample::select(vec!["2.0.0", "2.3.0", "2.6.0"]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any_part()), 0..6);
    (texts, version, changes).prop_map(|(text, version, changes)| {
        let mut value = read(text).expect("a text").0;
        mutate(&mut value, &changes);
        value["asyncapi"] = version.into();
        value
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_document_brings_the_conversion_down(value in any_old(), view in prop::sample::select(vec![View::Application, View::Client])) {
        if let Ok((document, ..)) = from_value(value, view) {
            let again = import(&to_yaml(document.value()), view).expect("it was written here");
            prop_assert_eq!(again.document.value(), document.value());
            let _ = check(&document, &Ruleset::default());
        }
    }

    #[test]
    fn no_value_brings_it_down(value in crate::text::tests::any_value()) {
        let _ = from_value(json!({"asyncapi": "2.6.0", "channels": value.clone(), "components": {"messages": value.clone(), "servers": value.clone()}}), View::Client);
        let _ = from_value(value, View::Client);
    }
}
