use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::lint::tests::{any_part, mutate};
use crate::read;

const CLEAN: &str = include_str!("../lint/tests/clean.yaml");

fn clean() -> Value {
    read(CLEAN).expect("YAML").0
}

fn document(value: Value) -> Document {
    Document::new(value).expect("a document")
}

/// Sets a part, or takes it away.
fn put(root: &mut Value, at: &str, new: Value) {
    let at = Pointer::parse(at);
    let around = at.parent().unwrap_or_default();
    let map = around.get_mut(root).and_then(Value::as_object_mut).unwrap_or_else(|| panic!("{around} is an object"));
    let last = at.last().expect("a step").to_owned();
    if new.is_null() { drop(map.shift_remove(&last)) } else { drop(map.insert(last, new)) }
}

fn changed(whose: Whose, changes: &[(&str, Value)]) -> Diff {
    let mut value = clean();
    for (at, new) in changes {
        put(&mut value, at, new.clone());
    }
    compare(&document(clean()), &document(value), whose)
}

fn one(at: &str, new: Value) -> (String, Impact) {
    let diff = changed(Whose::Clients, &[(at, new)]);
    assert_eq!(diff.changes.len(), 1, "{:#?}", diff.changes);
    let change = &diff.changes[0];
    assert!(change.sentence.ends_with('.'), "{}", change.sentence);
    (change.rule.to_owned(), change.impact)
}

use Impact::{Breaking, NonBreaking, Unclassified};

#[test]
fn each_kind_of_change_has_its_impact() {
    let scram = json!([{"$ref": "#/components/securitySchemes/scram"}]);
    let cases: &[(&str, Value, &str, Impact)] = &[
        ("/info/description", json!("Other words."), "metadata-changed", NonBreaking),
        ("/info/version", json!("2.0.0"), "metadata-changed", NonBreaking),
        ("/info/x-team", json!("b"), "extension-changed", NonBreaking),
        ("/id", json!("urn:shop:other"), "id-changed", Unclassified),
        ("/servers/hall/host", json!("other.example:8883"), "server-address-changed", Breaking),
        ("/servers/hall/protocol", json!("mqtt"), "server-protocol-changed", Breaking),
        (
            "/servers/paris",
            json!({"host": "p.example", "protocol": "ws", "security": scram}),
            "server-added",
            NonBreaking,
        ),
        ("/servers/hall/security", Value::Null, "security-removed", NonBreaking),
        (
            "/servers/hall/security",
            json!([{"type": "X509"}, {"type": "scramSha512"}]),
            "security-way-added",
            NonBreaking,
        ),
        ("/servers/berlin/security", scram.clone(), "security-way-removed", Breaking),
        ("/servers/berlin/variables/region/enum", json!(["berlin"]), "server-variable-narrowed", Breaking),
        ("/servers/berlin/bindings/kafka/schemaRegistryUrl", json!("https://r.example"), "binding-changed", Breaking),
        ("/channels/orders/bindings/kafka/topic", json!("other"), "binding-changed", Breaking),
        ("/channels/orders/bindings/kafka/partitions", json!(12), "binding-changed", Unclassified),
        ("/channels/orders/bindings/kafka/bindingVersion", json!("0.4.0"), "binding-changed", NonBreaking),
        ("/channels/orders/servers", json!([{"$ref": "#/servers/berlin"}]), "channel-server-removed", Breaking),
        ("/channels/orders/parameters/country/description", json!("Where."), "metadata-changed", NonBreaking),
        ("/channels/more", json!({"address": "more"}), "channel-added", NonBreaking),
        (
            "/operations/more",
            json!({"action": "send", "channel": {"$ref": "#/channels/orders"}}),
            "operation-added",
            NonBreaking,
        ),
        ("/operations/readOrders", Value::Null, "operation-removed", Breaking),
        ("/operations/readOrders/action", json!("send"), "operation-action-changed", Breaking),
        ("/operations/readOrders/summary", json!("Other words."), "metadata-changed", NonBreaking),
        ("/operations/readOrders/security", scram, "security-added", Breaking),
        ("/operations/readOrders/reply", Value::Null, "reply-removed", Breaking),
        (
            "/operations/readOrders/reply/address/location",
            json!("$message.header#/other"),
            "reply-address-changed",
            Breaking,
        ),
        ("/components/messages/placed/contentType", json!("text/plain"), "message-content-type-changed", Breaking),
        (
            "/components/messages/placed/correlationId",
            json!({"location": "$message.header#/id"}),
            "message-correlation-changed",
            NonBreaking,
        ),
        ("/components/messages/placed/deprecated", json!(true), "metadata-changed", NonBreaking),
        ("/components/messages/placed/bindings/kafka/key/type", json!("integer"), "binding-schema-changed", Breaking),
        ("/components/schemas/Unused", json!({"type": "string"}), "rest-changed", NonBreaking),
    ];
    for (at, new, rule, impact) in cases {
        let found = changed(Whose::Clients, &[(at, new.clone())]);
        let told: Vec<(&str, Impact)> = found.changes.iter().map(|change| (change.rule, change.impact)).collect();
        assert!(told.contains(&(*rule, *impact)), "{at}: {:#?}", found.changes);
        assert_eq!(found.changes[0].impact, *impact, "{at}: nothing is worse: {:#?}", found.changes);
    }
}

#[test]
fn a_payload_is_judged_by_who_reads_it() {
    let required = ("/components/schemas/Line/required", json!(["sku", "count"]));
    let property = ("/components/schemas/Line/properties/count", json!({"type": "integer"}));
    let optional = ("/components/messages/placed/payload/required", json!(["kind"]));
    // A client receives: what it gets keeps its promises, or not.
    let more = changed(Whose::Clients, &[required.clone(), property.clone()]);
    assert_eq!((more.breaking, more.non_breaking), (0, 1), "{:#?}", more.changes);
    let less = changed(Whose::Clients, std::slice::from_ref(&optional));
    assert_eq!((less.breaking, less.changes[0].rule), (1, "message-payload-changed"), "{:#?}", less.changes);
    assert!(!less.changes[0].details.is_empty());
    assert_eq!(less.changes[0].at.to_string(), "/components/messages/placed/payload");
    // In the document of an application, the client sends.
    let more = changed(Whose::Application, &[required, property]);
    assert_eq!(more.breaking, 1, "{:#?}", more.changes);
    assert_eq!(changed(Whose::Application, &[optional]).breaking, 0);
}

#[test]
fn answers_go_the_other_way_round() {
    // Who receives an order sends the answer.
    let field = json!([{"name": "ok", "type": "boolean"}, {"name": "why", "type": "string"}]);
    let at = "/components/messages/answer/payload/schema/fields";
    assert_eq!(one(at, field.clone()), ("message-payload-changed".into(), Breaking));
    let diff = changed(Whose::Application, &[(at, field)]);
    assert_eq!((diff.breaking, diff.non_breaking), (0, 1), "{:#?}", diff.changes);
}

#[test]
fn messages_that_come_and_go() {
    let only = json!([{"$ref": "#/channels/orders/messages/placed"}]);
    assert_eq!(one("/operations/readOrders/messages", only), ("message-removed".into(), Breaking));
    let mut old = clean();
    put(&mut old, "/operations/readOrders/messages", json!([{"$ref": "#/channels/orders/messages/placed"}]));
    let diff = compare(&document(old), &document(clean()), Whose::Clients);
    assert_eq!((diff.changes[0].rule, diff.changes[0].impact), ("message-added", Unclassified));
}

#[test]
fn another_address_breaks_and_another_key_does_not() {
    let mut value = clean();
    value["channels"]["orders"]["address"] = "orders/v2/{country}/placed".into();
    let diff = compare(&document(clean()), &document(value), Whose::Clients);
    assert_eq!((diff.changes[0].rule, diff.breaking), ("channel-address-changed", 1), "{:#?}", diff.changes);
    assert!(diff.changes[0].sentence.contains("`orders/v2/{country}/placed` instead of `orders/{country}/placed`"));
    let renamed = CLEAN.replace("#/channels/orders", "#/channels/renamed").replace("\n  orders:\n", "\n  renamed:\n");
    let diff = compare(&document(clean()), &document(read(&renamed).expect("YAML").0), Whose::Clients);
    assert_eq!(
        (diff.changes.len(), diff.changes[0].rule, diff.is_compatible()),
        (1, "channel-renamed", true),
        "{:#?}",
        diff.changes
    );
}

#[test]
fn a_channel_that_goes_takes_its_operation_along() {
    let diff = changed(Whose::Clients, &[("/channels/orders", Value::Null), ("/operations/readOrders", Value::Null)]);
    let told: Vec<&str> = diff.changes.iter().map(|change| change.rule).collect();
    assert!(told.contains(&"channel-removed") && told.contains(&"operation-removed"), "{told:?}");
}

#[test]
fn parameters_are_judged_by_who_fills_them() {
    let narrower = ("/channels/orders/parameters/country/enum", json!(["de"]));
    assert_eq!(changed(Whose::Clients, std::slice::from_ref(&narrower)).breaking, 0, "fewer are received");
    assert_eq!(changed(Whose::Application, &[narrower]).breaking, 1, "fewer may be sent to");
    let wider = ("/channels/orders/parameters/country/enum", json!(["de", "fr", "it"]));
    let diff = changed(Whose::Clients, &[wider]);
    assert_eq!((diff.changes[0].rule, diff.changes[0].impact), ("parameter-widened", Unclassified));
}

#[test]
fn traits_and_references_are_looked_through() {
    let mut old = clean();
    put(&mut old, "/components/operationTraits", json!({"t": {"summary": "An order is placed or cancelled."}}));
    put(&mut old, "/operations/readOrders/traits", json!([{"$ref": "#/components/operationTraits/t"}]));
    put(&mut old, "/operations/readOrders/summary", Value::Null);
    let diff = compare(&document(old), &document(clean()), Whose::Clients);
    assert_eq!((diff.changes.len(), diff.changes[0].rule), (1, "rest-changed"), "{:#?}", diff.changes);
}

#[test]
fn all_of_it_is_one_sentence() {
    assert_eq!(compare(&document(clean()), &document(clean()), Whose::Clients).sentence, "Nothing changes.");
    let words = changed(Whose::Clients, &[("/info/version", json!("1.3.0"))]);
    assert_eq!(words.sentence, "1 change and nobody is hurt: `version` of the document is `1.3.0` instead of `1.2.0`.");
    let more = changed(Whose::Clients, &[("/info/version", json!("1.3.0")), ("/operations/readOrders", Value::Null)]);
    assert!(
        more.sentence.starts_with("1 change breaks clients and 1 hurts nobody: The operation `readOrders` is gone"),
        "{}",
        more.sentence
    );
}

#[test]
fn what_names_nothing_or_stands_twice_is_no_change() {
    let mut value = clean();
    let placed = json!({"$ref": "#/channels/orders/messages/placed"});
    value["operations"]["readOrders"]["messages"] =
        json!([placed, {"$ref": true}, [null], placed, {"$ref": "#/channels/x/messages/placed"}]);
    let document = document(value);
    assert_eq!(compare(&document, &document, Whose::Clients).changes, []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_the_same_has_no_changes_and_what_differs_has(changes in prop::collection::vec((any::<prop::sample::Index>(), any_part()), 1..5)) {
        let mut value = clean();
        mutate(&mut value, &changes);
        let (old, new) = (document(clean()), document(value));
        prop_assert_eq!(compare(&new, &new, Whose::Clients).changes, vec![]);
        let diff = compare(&old, &new, Whose::Clients);
        prop_assert_eq!(diff.changes.is_empty(), old == new);
        let back = compare(&new, &old, Whose::Application);
        prop_assert_eq!(back.changes.is_empty(), old == new);
    }
}
