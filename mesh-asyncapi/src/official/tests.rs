use serde_json::json;

use super::*;

fn document(change: impl FnOnce(&mut Value)) -> Document {
    let mut value = json!({
        "asyncapi": "3.0.0",
        "info": {"title": "Orders", "version": "1.0.0"},
        "servers": {"k": {"host": "broker:9092", "protocol": "kafka"}},
        "channels": {"orders": {"address": "orders", "messages": {"m": {"payload": {"type": "object"}}}}},
        "operations": {"read": {"action": "receive", "channel": {"$ref": "#/channels/orders"}}},
        "components": {"securitySchemes": {"s": {"type": "scramSha256"}}},
    });
    change(&mut value);
    Document::new(value).expect("a document")
}

fn messages(change: impl FnOnce(&mut Value)) -> Vec<(String, String)> {
    check(&document(change)).into_iter().map(|finding| (finding.at.to_string(), finding.message)).collect()
}

fn check_one(at: &str, message: &str, change: impl FnOnce(&mut Value)) {
    assert_eq!(messages(change), [(at.to_owned(), message.to_owned())]);
}

#[test]
fn a_sound_document_has_no_findings_in_either_version() {
    for version in Version::ALL {
        assert_eq!(check(&document(|_| {}).into_version(version)), []);
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    check_one("/info", "`title` is missing in `info`", |value| {
        value["info"].as_object_mut().expect("info").shift_remove("title");
    });
    check_one("/servers/k/url", "`url` is not known in `servers.k`", |value| value["servers"]["k"]["url"] = "x".into());
    check_one("/tags", "`tags` is not known at the top of a document", |value| value["tags"] = json!([]));
    assert_eq!(messages(|value| value["servers"]["k"]["x-own"] = 1.into()), []);
}

#[test]
fn unions_lead_to_the_part_that_is_wrong() {
    check_one("/channels/orders/address", "`address` has to be null or a text, not a number", |value| {
        value["channels"]["orders"]["address"] = 5.into();
    });
    check_one("/channels/orders/messages/m/contentType", "`contentType` has to be a text, not a list", |value| {
        value["channels"]["orders"]["messages"]["m"]["contentType"] = json!([]);
    });
    check_one(
        "/channels/orders/messages/m/payload/properties/n/type",
        "`type` is `txt`, but has to be one of `array`, `boolean`, `integer`, `null`, `number`, `object`, `string`",
        |value| {
            value["channels"]["orders"]["messages"]["m"]["payload"]["properties"] = json!({"n": {"type": "txt"}});
        },
    );
    check_one("/operations/read/action", "`action` is `sub`, but has to be one of `send`, `receive`", |value| {
        value["operations"]["read"]["action"] = "sub".into();
    });
    check_one("/operations/read/channel", "`$ref` is missing in `operations.read.channel`", |value| {
        value["operations"]["read"]["channel"] = json!({"address": "x"});
    });
}

#[test]
fn a_scheme_is_judged_as_the_scheme_it_says_it_is() {
    let scheme = |scheme: Value| move |value: &mut Value| value["components"]["securitySchemes"]["s"] = scheme;
    check_one(
        "/components/securitySchemes/s",
        "`name` is missing in `components.securitySchemes.s`",
        scheme(json!({"type": "httpApiKey", "in": "header"})),
    );
    check_one(
        "/components/securitySchemes/s/flows/clientCredentials",
        "`tokenUrl` is missing in `components.securitySchemes.s.flows.clientCredentials`",
        scheme(json!({"type": "oauth2", "flows": {"clientCredentials": {"availableScopes": {}}}})),
    );
    let found = messages(scheme(json!({"type": "scram"})));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "/components/securitySchemes/s/type");
    assert!(found[0].1.contains("`scram`") && found[0].1.contains("`scramSha256`") && found[0].1.contains("`X509`"));
}

#[test]
fn bindings_are_judged_by_their_version() {
    let binding = |binding: Value| move |value: &mut Value| value["channels"]["orders"]["bindings"] = binding;
    check_one(
        "/channels/orders/bindings/kafka/partitions",
        "`partitions` breaks the rule `minimum`: it is less than the minimum of 1",
        binding(json!({"kafka": {"partitions": 0, "bindingVersion": "0.5.0"}})),
    );
    check_one(
        "/channels/orders/bindings/mqtt5",
        "`mqtt5` is not known in `channels.orders.bindings`",
        binding(json!({"mqtt5": {}})),
    );
    let found = messages(binding(json!({"kafka": {"bindingVersion": "9.9.9"}})));
    assert!(found[0].1.contains("`9.9.9`"), "{found:?}");
}

#[test]
fn formats_are_told_in_words() {
    check_one("/id", "`id` is `orders`, which is no absolute URI", |value| value["id"] = "orders".into());
}
