//! One document per protocol, as an export would make it. They stand in `golden`, so that a change of what is written is
//! seen by whoever reviews it, and so that other parsers can be asked (`scripts/asyncapi-parse.mjs`).

use mesh_schema::Format;
use serde_json::json;

use super::*;
use crate::bindings::{
    AccessType, CleanupPolicy, DeliveryMode, Destination, HttpMessage, HttpMethod, HttpOperation, KafkaChannel,
    KafkaMessage, KafkaOperation, KafkaServer, LastWill, MqttMessage, MqttOperation, MqttServer, Qos, SchemaIdLocation,
    SolaceOperation, SolaceQueue, SolaceServer, TopicConfiguration, WsChannel, WsMethod,
};
use crate::lint::{Ruleset, check};
use crate::{Document, Finding, Severity, Syntax, official, read, to_json, to_yaml};

const ORDER_AVRO: &str = r#"{"type": "record", "name": "OrderPlaced", "namespace": "shop.orders", "fields": [
    {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
    {"name": "note", "type": ["null", "string"], "default": null}]}"#;
const READING_JSON: &str = r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
    "required": ["at", "value"],
    "properties": {"at": {"type": "string", "format": "date-time"}, "value": {"$ref": "#/$defs/Celsius", "description": "In the hall."}},
    "$defs": {"Celsius": {"type": "number", "minimum": -273.15}}}"##;
const QUOTE_PROTO: &str =
    "syntax = \"proto3\";\n\npackage shop.prices;\n\nmessage Quote {\n  string sku = 1;\n  int64 cents = 2;\n}\n";

/// Its name, what stands in the file, and what is built.
type Golden = (&'static str, &'static str, fn() -> Export);

const GOLDEN: [Golden; 6] = [
    ("kafka", include_str!("../../golden/kafka.yaml"), kafka),
    ("mqtt", include_str!("../../golden/mqtt.yaml"), mqtt),
    ("amqp1", include_str!("../../golden/amqp1.yaml"), amqp1),
    ("http", include_str!("../../golden/http.yaml"), http),
    ("ws", include_str!("../../golden/ws.yaml"), ws),
    ("solace", include_str!("../../golden/solace.yaml"), solace),
];

fn info(title: &str) -> Info {
    Info::new(title, "1.2.0")
        .description("What a client of the shop's mesh sends and receives; `receive` is what the client receives.")
        .contact(Contact {
            name: "Team Orders".into(),
            url: "https://shop.example/teams/orders".into(),
            email: "orders@shop.example".into(),
        })
        .license(License { name: "Apache-2.0".into(), url: "https://www.apache.org/licenses/LICENSE-2.0".into() })
        .tag("domain:orders")
}

fn export(title: &str, id: &str) -> Export {
    Export::new(info(title)).id(format!("urn:shop:orders:{id}")).content_type("application/json")
}

fn server(protocol: Protocol, host: &str) -> Server {
    Server::new(protocol, host)
        .expect("a host")
        .description("The listener of the site in Berlin.")
        .tag("env:production")
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn owned(owner: &str) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.set("x-mesh-owner", owner).expect("a name");
    extensions.set("x-ep-event-version-id", "9c1d4").expect("a name");
    extensions
}

fn content(format: Format, text: &str) -> Content {
    Content::of(format, text, &[]).expect("a schema")
}

fn kafka() -> Export {
    let mut export = export("Orders on Kafka", "kafka");
    let scram = export.described_scheme("scram", Scheme::ScramSha512, "Ask in the portal; the password is shown once.");
    let oauth = Scheme::OAuth2 {
        token_url: "https://login.shop.example/token".into(),
        scopes: [("orders.read".to_owned(), "Reads orders.".to_owned())].into(),
    };
    let oauth = export.scheme("oauthbearer", oauth);
    let registry = KafkaServer::with_registry("https://registry.shop.example", Some("confluent"));
    let berlin = server(Protocol::KafkaSecure, "{site}.mesh.shop.example:9093")
        .variable(
            "site",
            Variable { values: vec!["berlin".into(), "paris".into()], default: "berlin".into(), ..Variable::default() },
        )
        .security(&scram)
        .requires(Requirement::Scopes(oauth, vec!["orders.read".into()]))
        .binding(registry);
    let berlin = export.server("berlin kafka", berlin);
    let topic = KafkaChannel {
        partitions: std::num::NonZeroU32::new(6),
        replicas: std::num::NonZeroU32::new(3),
        topic_configuration: Some(TopicConfiguration {
            cleanup_policy: vec![CleanupPolicy::Delete, CleanupPolicy::Compact],
            retention_ms: Some(604_800_000),
            ..TopicConfiguration::default()
        }),
        ..KafkaChannel::default()
    };
    let channel =
        Channel::at(Address::literal("shop.orders.placed").expect("an address")).title("Placed orders").on(&berlin);
    let orders = export.channel("shop.orders.placed", channel.binding(topic).extensions(owned("Team Orders")));
    let message = Message::new()
        .name("OrderPlaced")
        .title("Order placed")
        .content_type("avro/binary")
        .payload(content(Format::Avro, ORDER_AVRO))
        .headers(content(
            Format::JsonSchema,
            r#"{"type": "object", "properties": {"traceparent": {"type": "string"}}}"#,
        ))
        .example(Example::of(json!({"id": "0194f1c4-8a00-7000-8000-000000000001", "state": "NEW", "note": null})))
        .binding(KafkaMessage {
            key: Some(json!({"type": "string", "format": "uuid"})),
            schema_id_location: Some(SchemaIdLocation::Payload),
            schema_id_payload_encoding: Some("confluent".into()),
            schema_lookup_strategy: Some("TopicNameStrategy".into()),
        });
    let placed = export.message("OrderPlaced", message);
    let entry = export.carry(&orders, &placed);
    let read = Operation::receive(&orders).message(&entry).summary("An order was placed.");
    export
        .operation("receiveOrderPlaced", read.binding(KafkaOperation::default().group("billing").client("billing-1")));
    export
}

fn mqtt() -> Export {
    let mut export = export("Readings over MQTT", "mqtt").version(crate::Version::V3_1);
    let user = export.scheme("userPassword", Scheme::UserPassword);
    let certificate = export.scheme("certificate", Scheme::X509);
    let hall = server(Protocol::SecureMqtt, "mqtt.shop.example:8883")
        .protocol_version("5")
        .security(&user)
        .security(&certificate);
    let binding = MqttServer {
        clean_session: Some(false),
        keep_alive: Some(60),
        session_expiry_interval: Some(3_600),
        last_will: Some(LastWill {
            topic: "halls/lost".into(),
            qos: Qos::AtLeastOnce,
            message: "lost".into(),
            retain: false,
        }),
        ..MqttServer::default()
    };
    let hall = export.server("hall", hall.binding(binding));
    let hall_level = Parameter {
        description: "The hall.".into(),
        values: vec!["north".into(), "south".into()],
        default: "north".into(),
        examples: vec!["south".into()],
        location: String::new(),
    };
    let readings = address("halls/{hall}/>").describe("hall", hall_level).expect("a parameter");
    let readings = export.channel("halls/{hall}/>", Channel::at(readings).on(&hall).summary("All machines of a hall."));
    let celsius = export.schema("Reading", content(Format::JsonSchema, READING_JSON));
    let message = Message::new()
        .name("Reading")
        .payload(&celsius)
        .example(Example::of(json!({"at": "2026-01-01T00:00:00Z", "value": 21.5})))
        .binding(MqttMessage { payload_format_indicator: Some(true), ..MqttMessage::default() });
    let reading = export.message("Reading", message);
    let entry = export.carry(&readings, &reading);
    let send = Operation::send(&readings).message(&entry).summary("A machine tells a temperature.");
    let binding = MqttOperation { qos: Some(Qos::AtLeastOnce), retain: Some(true), message_expiry_interval: Some(60) };
    export.operation("sendReading", send.binding(binding));
    export
}

fn amqp1() -> Export {
    let mut export = export("Prices over AMQP 1.0", "amqp1");
    let user = export.scheme("plain", Scheme::Plain);
    let broker = export.server("broker", server(Protocol::Amqps1, "amqp.shop.example:5671").security(&user));
    let mut node = Extensions::new();
    node.set("x-mesh-node", "prices/quotes").expect("a name");
    node.set("x-mesh-settle-mode", "unsettled").expect("a name");
    let quotes = export.channel("prices/quotes", Channel::at(address("prices/quotes")).on(&broker).extensions(node));
    let answers =
        export.channel("answers", Channel::at(Address::unknown()).on(&broker).summary("A node of the client."));
    let quote = Message::new()
        .name("Quote")
        .content_type("application/x-protobuf")
        .payload(content(Format::Protobuf, QUOTE_PROTO));
    let quote = export.message("Quote", quote.correlation("$message.header#/correlationId"));
    let ask = r#"{"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}"#;
    let ask = export.message("Ask", Message::new().name("Ask").payload(content(Format::JsonSchema, ask)));
    let (ask, quote) = (export.carry(&quotes, &ask), export.carry(&answers, &quote));
    let reply = Reply::on(&answers).addressed_by("$message.header#/replyTo").message(&quote);
    export.operation("askForQuote", Operation::send(&quotes).message(&ask).reply(reply).summary("What does it cost?"));
    export
}

fn http() -> Export {
    let mut export = export("Orders over HTTP", "http");
    let bearer = export.scheme("bearer", Scheme::HttpBearer { format: "JWT".into() });
    let key = export.scheme("key", Scheme::HttpApiKey { header: "X-Api-Key".into() });
    let basic = export.scheme("basic", Scheme::HttpBasic);
    let openid = Scheme::OpenIdConnect { url: "https://login.shop.example/.well-known/openid-configuration".into() };
    let openid = export.scheme("openid", openid);
    let gateway = server(Protocol::Https, "gateway.shop.example").path("/mesh").expect("a path");
    let gateway = gateway.security(&bearer).security(&key).security(&basic).security(&openid);
    let gateway = export.server("gateway", gateway);
    let orders = export.channel("orders/{country}", Channel::at(address("orders/{country}")).on(&gateway));
    let placed = r#"{"type": "object", "required": ["kind"], "properties": {"kind": {"const": "placed"}}}"#;
    let cancelled = r#"{"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cancelled"}}}"#;
    let headers = json!({"type": "object", "properties": {"Idempotency-Key": {"type": "string"}}});
    let binding = HttpMessage { headers: Some(headers), status_code: None };
    let placed = Message::new().payload(content(Format::JsonSchema, placed)).binding(binding);
    let placed = export.message("placed", placed.example(Example::of(json!({"kind": "placed"}))));
    let cancelled =
        export.message("cancelled", Message::new().payload(content(Format::JsonSchema, cancelled)).deprecated());
    let entries = [export.carry(&orders, &placed), export.carry(&orders, &cancelled)];
    let query = json!({"type": "object", "properties": {"dryRun": {"type": "boolean"}}});
    let send =
        Operation::send(&orders).message(&entries[0]).message(&entries[1]).summary("Places or cancels an order.");
    export.operation("postOrder", send.binding(HttpOperation { method: Some(HttpMethod::Post), query: Some(query) }));
    export
}

fn ws() -> Export {
    let mut export = export("Prices over WebSockets", "ws");
    let gssapi = export.scheme("kerberos", Scheme::Gssapi);
    let live = server(Protocol::Wss, "live.shop.example").path("/socket").expect("a path").security(&gssapi);
    let live = export.server("live", live);
    let binding = WsChannel {
        method: Some(WsMethod::Get),
        query: Some(json!({"type": "object", "properties": {"sku": {"type": "string"}}})),
        headers: Some(json!({"type": "object", "properties": {"X-Client": {"type": "string"}}})),
    };
    let prices = export.channel("prices", Channel::at(address("prices/*")).on(&live).binding(binding));
    let payload = r#"{"type": "object", "required": ["cents"], "properties": {"cents": {"type": "integer"}}}"#;
    let price = export.message("Price", Message::new().name("Price").payload(content(Format::JsonSchema, payload)));
    let entry = export.carry(&prices, &price);
    export.operation("watchPrices", Operation::receive(&prices).message(&entry).summary("A price changed."));
    export
}

fn solace() -> Export {
    let mut export = export("Orders on Solace", "solace");
    let user = export.scheme("user", Scheme::UserPassword);
    let binding = SolaceServer { msg_vpn: Some("shop".into()), client_name: None };
    let broker = server(Protocol::Solace, "solace.shop.example:55443").security(&user).binding(binding);
    let broker = export.server("solace", broker);
    let orders = Channel::at(address("shop/orders/{country}")).on(&broker).extensions(owned("Team Orders"));
    let orders = export.channel("shop/orders/{country}", orders);
    let placed = export
        .message("OrderPlaced", Message::new().content_type("avro/binary").payload(content(Format::Avro, ORDER_AVRO)));
    let entry = export.carry(&orders, &placed);
    let queue = SolaceQueue {
        name: "billing".into(),
        topic_subscriptions: vec!["shop/orders/*".into()],
        access_type: AccessType::by_name("non-exclusive").expect("a known type"),
        max_ttl: Some("3600".into()),
        max_msg_spool_size: Some("1500MB".into()),
    };
    let binding = SolaceOperation {
        destinations: vec![
            Destination::Queue { delivery_mode: DeliveryMode::Persistent, queue },
            Destination::Topic {
                delivery_mode: DeliveryMode::Direct,
                topic_subscriptions: vec!["shop/orders/>".into()],
            },
        ],
        time_to_live: Some(60_000),
        priority: Some(120),
        dmq_eligible: Some(true),
    };
    let read = Operation::receive(&orders).message(&entry).summary("An order was placed.");
    export.operation("receiveOrderPlaced", read.binding(binding));
    export
}

fn document(build: fn() -> Export) -> Document {
    build().finish().unwrap_or_else(|refused| panic!("{refused}"))
}

#[test]
fn golden_documents_are_what_is_built() {
    for (name, golden, build) in GOLDEN {
        let text = to_yaml(document(build).value());
        assert!(text == golden, "golden/{name}.yaml differs from what is built, which is:\n{text}");
    }
}

#[test]
fn golden_documents_pass_the_official_schema_and_every_rule() {
    for (name, _, build) in GOLDEN {
        let document = document(build);
        assert_eq!(official::check(&document), [], "{name}");
        let report = check(&document, &Ruleset::default());
        let serious: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.severity <= Severity::Warning).collect();
        assert_eq!(serious, Vec::<&Finding>::new(), "{name}");
        assert!(report.score >= 90, "{name}: {report:#?}");
        assert!(document.is_bundled(), "{name}");
    }
}

#[test]
fn golden_documents_come_back_from_both_syntaxes() {
    for (name, golden, build) in GOLDEN {
        let value = document(build).into_value();
        assert_eq!(read(golden), Ok((value.clone(), Syntax::Yaml)), "{name}");
        assert_eq!(read(&to_json(&value)), Ok((value, Syntax::Json)), "{name}");
    }
}
