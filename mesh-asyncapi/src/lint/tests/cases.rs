//! For each rule a change of the clean document that breaks it and no other.

use serde_json::{Value, json};

use crate::pointer::Pointer;

type Case = (&'static str, &'static str, Box<dyn Fn(&mut Value)>);

/// Sets a part, or takes it away.
fn set(at: &'static str, new: Value) -> Box<dyn Fn(&mut Value)> {
    Box::new(move |root| put(root, at, Some(new.clone())))
}

fn unset(at: &'static str) -> Box<dyn Fn(&mut Value)> {
    Box::new(move |root| put(root, at, None))
}

fn both(one: Box<dyn Fn(&mut Value)>, other: Box<dyn Fn(&mut Value)>) -> Box<dyn Fn(&mut Value)> {
    Box::new(move |root| {
        one(root);
        other(root);
    })
}

fn put(root: &mut Value, at: &str, new: Option<Value>) {
    let at = Pointer::parse(at);
    let last = at.last().expect("a step").to_owned();
    let around = at.parent().unwrap_or_default();
    match (around.get_mut(root).unwrap_or_else(|| panic!("{around} is there")), new) {
        (Value::Object(map), Some(new)) => drop(map.insert(last, new)),
        (Value::Object(map), None) => drop(map.shift_remove(&last)),
        (Value::Array(list), Some(new)) if last == "-" => list.push(new),
        (Value::Array(list), Some(new)) => list[last.parse::<usize>().expect("an index")] = new,
        (other, _) => panic!("{other} has no parts"),
    }
}

pub(super) fn all() -> Vec<Case> {
    let mut cases = references();
    cases.extend(channels());
    cases.extend(information());
    cases.extend(messages());
    cases.extend(protocols());
    cases
}

fn references() -> Vec<Case> {
    let line = "/components/messages/placed/payload/properties/line";
    vec![
        (
            "asyncapi3-ref-remote",
            "/servers/hall/tags/0",
            set("/servers/hall/tags", json!([{"$ref": "https://shop.example/tags.yaml"}])),
        ),
        (
            "invalid-ref",
            "/servers/hall/externalDocs",
            set("/servers/hall/externalDocs", json!({"$ref": "#/components/externalDocs/no"})),
        ),
        (
            "asyncapi3-ref-circular",
            "/servers/hall/externalDocs",
            set("/servers/hall/externalDocs", json!({"$ref": "#/servers/hall/externalDocs"})),
        ),
        (
            "asyncapi-document-resolved",
            "/operations/readOrders/traits/0",
            set("/operations/readOrders/traits", json!([{"$ref": "#/components/messages/placed"}])),
        ),
        (
            "no-$ref-siblings",
            line,
            set("/components/messages/placed/payload/properties/line/description", json!("A line.")),
        ),
        (
            "asyncapi3-schema-recursive",
            "/components/schemas/Line",
            set("/components/schemas/Line/properties/next", json!({"$ref": "#/components/schemas/Line"})),
        ),
        (
            "asyncapi-unused-component",
            "/components/schemas/Alone",
            set("/components/schemas/Alone", json!({"type": "object", "properties": {"inner": {"type": "string"}}})),
        ),
        (
            "asyncapi3-unused-channel",
            "/channels/silent",
            set("/channels/silent", json!({"address": "silent", "messages": {}})),
        ),
    ]
}

fn channels() -> Vec<Case> {
    let operation = "/operations/readOrders";
    vec![
        (
            "asyncapi3-required-operation-channel-unambiguity",
            "/operations/more/channel",
            both(
                set(
                    "/components/channels",
                    json!({"c": {"address": "c", "messages": {"m": {"$ref": "#/components/messages/answer"}}}}),
                ),
                set(
                    "/operations/more",
                    json!({"action": "send", "summary": "More.", "channel": {"$ref": "#/components/channels/c"}}),
                ),
            ),
        ),
        (
            "asyncapi3-operation-messages-from-referred-channel",
            "/operations/readOrders/messages/0",
            set("/operations/readOrders/messages/0", json!({"$ref": "#/components/messages/placed"})),
        ),
        ("asyncapi3-operation-messages", operation, set("/operations/readOrders/messages", json!([]))),
        ("asyncapi3-operation-summary", operation, unset("/operations/readOrders/summary")),
        (
            "asyncapi3-operation-reply-address",
            "/operations/readOrders/reply/channel",
            set("/channels/answers/address", json!("answers")),
        ),
        (
            "asyncapi3-required-channel-servers-unambiguity",
            "/channels/orders/servers/2",
            both(
                set(
                    "/components/servers",
                    json!({"s": {"host": "x.example", "protocol": "kafka-secure", "security": [{"$ref": "#/components/securitySchemes/scram"}]}}),
                ),
                set("/channels/orders/servers/-", json!({"$ref": "#/components/servers/s"})),
            ),
        ),
        (
            "asyncapi3-channel-servers",
            "/channels/orders/servers/2",
            set("/channels/orders/servers/-", json!({"$ref": "#/servers/rome"})),
        ),
        (
            "asyncapi3-channel-servers",
            "/channels/orders/servers/2",
            set("/channels/orders/servers/-", json!({"$ref": "#/servers/hall"})),
        ),
        (
            "asyncapi3-channel-no-query-nor-fragment",
            "/channels/a?b",
            both(
                set(
                    "/channels/a?b",
                    json!({"address": "a", "messages": {"m": {"$ref": "#/components/messages/answer"}}}),
                ),
                set(
                    "/operations/more",
                    json!({"action": "send", "summary": "More.", "channel": {"$ref": "#/channels/a?b"}}),
                ),
            ),
        ),
        (
            "asyncapi3-channel-address-no-query-nor-fragment",
            "/channels/orders/address",
            set("/channels/orders/address", json!("orders/{country}/#")),
        ),
        (
            "asyncapi3-channel-no-trailing-slash",
            "/channels/orders/address",
            set("/channels/orders/address", json!("orders/{country}/")),
        ),
        ("asyncapi3-channel-address", "/channels/answers", unset("/channels/answers/address")),
        (
            "asyncapi3-channel-address-uniqueness",
            "/channels/again",
            both(
                set(
                    "/channels/again",
                    json!({"address": "orders/{country}/placed", "parameters": {"country": {}}, "messages": {"m": {"$ref": "#/components/messages/answer"}}}),
                ),
                set(
                    "/operations/more",
                    json!({"action": "send", "summary": "More.", "channel": {"$ref": "#/channels/again"}}),
                ),
            ),
        ),
        (
            "asyncapi3-key-form",
            "/operations/read~1more",
            set(
                "/operations/read~1more",
                json!({"action": "receive", "summary": "More.", "channel": {"$ref": "#/channels/orders"}}),
            ),
        ),
        ("asyncapi3-channel-parameters", "/channels/orders", unset("/channels/orders/parameters")),
        (
            "asyncapi3-channel-parameters",
            "/channels/orders/parameters/more",
            set("/channels/orders/parameters/more", json!({})),
        ),
        (
            "asyncapi3-channel-no-empty-parameter",
            "/channels/orders/address",
            set("/channels/orders/address", json!("orders/{country}/{}")),
        ),
        (
            "asyncapi3-parameter-enum",
            "/channels/orders/parameters/country/default",
            set("/channels/orders/parameters/country/default", json!("it")),
        ),
        (
            "asyncapi3-parameter-enum",
            "/servers/berlin/variables/region/default",
            set("/servers/berlin/variables/region/default", json!("rome")),
        ),
        (
            "asyncapi-servers",
            "",
            both(
                set("/servers", json!({})),
                both(
                    unset("/channels/orders/servers"),
                    both(
                        unset("/components/securitySchemes"),
                        unset("/components/messages/placed/bindings/kafka/schemaIdLocation"),
                    ),
                ),
            ),
        ),
        (
            "asyncapi3-server-host",
            "/servers/hall/host",
            set("/servers/hall/host", json!("mqtts://mqtt.shop.example:8883")),
        ),
        (
            "asyncapi3-server-no-trailing-slash",
            "/servers/berlin/pathname",
            set("/servers/berlin/pathname", json!("/mesh/")),
        ),
        (
            "asyncapi3-server-variables",
            "/servers/berlin/variables/more",
            set("/servers/berlin/variables/more", json!({})),
        ),
        ("asyncapi3-server-variables", "/servers/berlin", unset("/servers/berlin/variables")),
        ("asyncapi3-server-security-defined", "/servers/hall", unset("/servers/hall/security")),
    ]
}

fn information() -> Vec<Case> {
    vec![
        ("asyncapi-info-description", "/info", set("/info/description", json!("  "))),
        ("asyncapi-info-contact", "/info", unset("/info/contact")),
        ("asyncapi-info-contact-properties", "/info/contact", unset("/info/contact/email")),
        ("asyncapi-info-license", "/info", unset("/info/license")),
        ("asyncapi-info-license-url", "/info/license", unset("/info/license/url")),
        ("asyncapi-id", "", unset("/id")),
        ("asyncapi-defaultContentType", "", unset("/defaultContentType")),
        ("asyncapi-latest-version", "/asyncapi", set("/asyncapi", json!("3.0.0"))),
        ("asyncapi3-tags-uniqueness", "/info/tags/1", set("/info/tags/-", json!({"name": "domain:orders"}))),
        ("asyncapi3-tags", "/info", unset("/info/tags")),
    ]
}

fn messages() -> Vec<Case> {
    vec![
        (
            "asyncapi3-message-headers-object",
            "/components/messages/cancelled/headers",
            set("/components/messages/cancelled/headers", json!({"type": "string"})),
        ),
        (
            "asyncapi3-message-headers-protocol",
            "/components/messages/placed/headers/properties/Content-Type",
            set("/components/messages/placed/headers/properties/Content-Type", json!({"type": "string"})),
        ),
        (
            "asyncapi3-message-payload",
            "/components/messages/answer",
            both(unset("/components/messages/answer/payload"), unset("/components/messages/answer/examples")),
        ),
        (
            "asyncapi3-message-ambiguity",
            "/channels/orders/messages",
            set("/components/messages/cancelled/payload/properties/kind", json!({"type": "string"})),
        ),
        (
            "asyncapi3-message-examples",
            "/components/messages/placed/examples/0/payload/line",
            set("/components/messages/placed/examples/0/payload/line", json!({})),
        ),
        (
            "asyncapi3-message-examples",
            "/components/messages/placed/examples/0/headers/trace",
            set("/components/messages/placed/examples/0/headers/trace", json!(1)),
        ),
        (
            "asyncapi3-message-examples",
            "/components/messages/answer/examples/0/payload/ok",
            set("/components/messages/answer/examples/0/payload/ok", json!("yes")),
        ),
        (
            "asyncapi3-schema-examples",
            "/components/schemas/Line/properties/sku/examples/0",
            set("/components/schemas/Line/properties/sku/examples/0", json!(2)),
        ),
        (
            "asyncapi3-schema-default",
            "/components/schemas/Line/properties/sku/default",
            set("/components/schemas/Line/properties/sku/default", json!(2)),
        ),
        (
            "asyncapi3-schema-format",
            "/components/messages/answer/payload/schema",
            set("/components/messages/answer/payload/schema", json!("{\"type\": \"string\"}")),
        ),
        (
            "asyncapi3-schema-format-known",
            "/components/messages/answer/payload/schemaFormat",
            set("/components/messages/answer/payload/schemaFormat", json!("application/xml;schema=xsd")),
        ),
        (
            "asyncapi3-schemas",
            "/components/messages/answer/payload/schema",
            set("/components/messages/answer/payload/schema/fields/0/type", json!("yesno")),
        ),
        (
            "asyncapi3-schemas",
            "/components/messages/cancelled/payload",
            set("/components/messages/cancelled/payload/pattern", json!("(")),
        ),
        (
            "asyncapi3-ref-schema-format",
            "/components/messages/placed/payload/properties/more",
            both(
                set(
                    "/components/schemas/Avro",
                    json!({"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": "string"}),
                ),
                both(
                    set("/components/schemas/Avro/schema", json!({"type": "string"})),
                    both(
                        set(
                            "/components/messages/placed/payload/properties/more",
                            json!({"$ref": "#/components/schemas/Avro"}),
                        ),
                        unset("/components/messages/placed/examples"),
                    ),
                ),
            ),
        ),
        (
            "asyncapi3-ref-schema-format",
            "/components/messages/cancelled/payload/properties/more",
            set(
                "/components/messages/cancelled/payload/properties/more",
                json!({"$ref": "#/components/messages/answer/payload/schema"}),
            ),
        ),
        ("asyncapi3-no-secrets", "/servers/hall/x-password", set("/servers/hall/x-password", json!("hunter2"))),
        (
            "asyncapi3-no-secrets",
            "/info/description",
            set("/info/description", json!("Connect to amqps://till:hunter2@broker.example.")),
        ),
        (
            "asyncapi3-no-secrets",
            "/components/messages/placed/examples/0/headers/trace",
            set("/components/messages/placed/examples/0/headers/trace", json!(format!("ghp_{}", "a".repeat(36)))),
        ),
    ]
}

fn protocols() -> Vec<Case> {
    vec![
        (
            "asyncapi3-binding-empty",
            "/channels/orders/bindings/mqtt",
            set("/channels/orders/bindings/mqtt", json!({"qos": 1})),
        ),
        (
            "asyncapi3-binding-version",
            "/channels/orders/bindings/kafka/bindingVersion",
            set("/channels/orders/bindings/kafka/bindingVersion", json!("latest")),
        ),
        (
            "asyncapi3-binding-version-missing",
            "/channels/orders/bindings/kafka",
            unset("/channels/orders/bindings/kafka/bindingVersion"),
        ),
        (
            "asyncapi3-binding-protocol",
            "/channels/orders/bindings/ws",
            set("/channels/orders/bindings/ws", json!({"bindingVersion": "0.1.0"})),
        ),
        (
            "asyncapi3-binding-kafka-registry",
            "/components/messages/placed/bindings/kafka",
            unset("/servers/berlin/bindings"),
        ),
        (
            "asyncapi3-security-defined",
            "/servers/hall/security/0",
            set("/servers/hall/security/0", json!({"$ref": "#/components/securitySchemes/no"})),
        ),
        (
            "asyncapi3-security-defined",
            "/servers/hall/security/0",
            set("/servers/hall/security/0", json!({"scram": []})),
        ),
        (
            "asyncapi3-security-scopes",
            "/servers/berlin/security/1/scopes",
            set("/servers/berlin/security/1/scopes/-", json!("write")),
        ),
        (
            "asyncapi3-security-inline",
            "/servers/hall/security/0",
            set("/servers/hall/security/0", json!({"type": "scramSha512"})),
        ),
        (
            "asyncapi3-unused-securityScheme",
            "/components/securitySchemes/more",
            set("/components/securitySchemes/more", json!({"type": "X509"})),
        ),
        (
            "asyncapi3-security-plaintext",
            "/servers/hall",
            both(
                set("/servers/hall/protocol", json!("mqtt")),
                set("/components/securitySchemes/scram/type", json!("userPassword")),
            ),
        ),
    ]
}
