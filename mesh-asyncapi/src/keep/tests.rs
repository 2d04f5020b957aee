use serde_json::json;

use super::*;
use crate::build::{Action, Address, Channel, Content, Export, Info, Message, Operation, Protocol, Scheme, Server};
use crate::lint::{Ruleset, check};
use crate::{import, official};

const EVENT_PORTAL: &str = include_str!("../import/tests/event_portal.json");

/// What the catalog knows of the same.
fn export(with_server: bool) -> Document {
    let mut export = Export::new(Info::new("till", "1.0.0").description("All about it.\n\nThe view of till."));
    let mut extensions = crate::build::Extensions::new();
    extensions.set(VERSION_ID, "v1").expect("a name");
    let message = Message::new().name("order-placed").title("order-placed").payload(Content::anything());
    let message = export.message("order-placed 1.0.0", message.extensions(extensions.clone()));
    let address = Address::parse("shop/orders/{country}/{orderId}").expect("an address");
    let mut channel = Channel::at(address).title("order-placed").extensions(extensions);
    if with_server {
        let login = export.scheme("mqtt-login", Scheme::UserPassword);
        let mut own = crate::build::Extensions::new();
        own.set(OWN_SERVER, "hq").expect("a name");
        let server = Server::new(Protocol::Mqtt, "hq.example:1883").expect("a host").security(&login).extensions(own);
        channel = channel.on(&export.server("hq mqtt", server));
    }
    let channel = export.channel("order-placed", channel);
    let entry = export.carry(&channel, &message);
    let does = Operation::new(Action::Receive, &channel).message(&entry).summary("Receives order-placed.");
    export.operation("receive order-placed", does);
    export.finish().expect("a document")
}

fn author() -> Value {
    let document = import(EVENT_PORTAL, import::View::Application).expect("a document").document;
    annotated(&document, &[(Pointer::of(["components", "messages", "Order_Placed"]), "v1".to_owned())])
}

#[test]
fn what_no_catalog_models_comes_back() {
    let merged = merged(export(true), &author());
    let value = merged.value();
    assert_eq!(official::check(&merged), [], "{value:#}");
    let errors = check(&merged, &Ruleset::default());
    assert_eq!(errors.errors, 0, "{errors:#?}");
    assert_eq!(value["x-ep-application-version-id"], "a1b2c3");
    assert_eq!(value["info"]["x-ep-displayname"], "Till of the shop");
    assert_eq!((&value["info"]["title"], &value["info"]["version"]), (&json!("till"), &json!("1.0.0")));
    let message = &value["components"]["messages"]["order-placed-1.0.0"];
    assert_eq!(message["x-ep-event-version-id"], "evv-1");
    assert_eq!((&message["name"], &message["description"]), (&json!("order-placed"), &json!("An order.")));
    assert_eq!(message["payload"], json!({}), "that of the catalog");
    let channel = &value["channels"]["order-placed"];
    assert_eq!(channel["parameters"]["country"]["enum"], json!(["de", "fr"]));
    assert_eq!(channel["parameters"]["country"]["x-ep-enum-name"], "Country");
    let servers: Vec<&str> = value["servers"].as_object().expect("servers").keys().map(String::as_str).collect();
    assert_eq!(servers, ["hq-mqtt", "us-messaging"]);
    assert_eq!(value["servers"]["us-messaging"]["x-ep-environment"], "prod");
    assert_eq!(channel["servers"].as_array().map(Vec::len), Some(2), "{channel}");
    assert_eq!(value["operations"]["receive-order-placed"]["x-ep-channel-delimiter"], "/");
    assert_eq!(
        value["components"]["messages"].as_object().map(Map::len),
        Some(1),
        "what is not in the catalog stays out"
    );
}

/// So what is exported and imported again is the same thing.
#[test]
fn merging_what_was_merged_changes_nothing() {
    for with_server in [true, false] {
        let once = merged(export(with_server), &author());
        let again = merged(export(with_server), once.value());
        assert_eq!(again.value(), once.value());
        let plain = export(with_server);
        assert_eq!(
            merged(export(with_server), plain.value()).value(),
            plain.value(),
            "an export says nothing new of itself"
        );
    }
}

#[test]
fn security_of_the_authors_servers_comes_along() {
    let author = json!({
        "asyncapi": "3.0.0", "info": {"title": "T", "version": "1", "license": {"name": "MIT"}, "description": "From them."},
        "servers": {"hq-mqtt": {"host": "b.example:9", "protocol": "kafka", "security": [{"$ref": "#/components/securitySchemes/mqtt-login"}]}},
        "components": {"securitySchemes": {"mqtt-login": {"type": "scramSha512"}}},
    });
    let merged = merged(export(true), &author);
    let value = merged.value();
    assert_eq!(official::check(&merged), [], "{value:#}");
    assert_eq!(value["servers"]["hq-mqtt-2"]["security"][0]["$ref"], "#/components/securitySchemes/mqtt-login-2");
    assert_eq!(value["components"]["securitySchemes"]["mqtt-login-2"]["type"], "scramSha512");
    assert_eq!(value["components"]["securitySchemes"]["mqtt-login"]["type"], "userPassword");
    assert_eq!(value["info"]["license"]["name"], "MIT");
    assert_eq!(value["info"]["description"], "From them.\n\nAll about it.\n\nThe view of till.");
}
