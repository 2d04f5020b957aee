//! Pages of what is found in RabbitMQ and at MQTT brokers.

use super::admin_sees;
use super::fixture::retailer;

#[test]
fn rabbitmq_shows_its_alarms_what_is_closed_and_what_is_left_out() {
    let html = admin_sees(retailer(), "/catalog/rabbit:9");
    let missing = "rabbitmqctl set_permissions -p shop meshport";
    for text in [
        "RabbitMQ cluster",
        "takes nothing: its memory is full",
        "down",
        "5,000, and 12 that are left out",
        "3, which go with their connections",
        "not told: only administrators see them",
        "not all of it",
        missing,
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("Access in the cluster") && !html.contains("Traffic"), "it is none of Kafka: {html}");
    let html = admin_sees(retailer(), "/catalog/rabbit_exchange:9");
    for text in
        ["RabbitMQ exchange", "eu.#", "billing", "1 binding, and 4 that are left out", "What fits no binding goes to"]
    {
        assert!(html.contains(text), "{text}: {html}");
    }
    let html = admin_sees(retailer(), "/catalog/rabbit_queue:9");
    for text in ["RabbitMQ queue", "quorum", "1,204", "exchange dead", "10.0.0.7", "2 consumers"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("Nobody sends to it"), "who sends nobody tells: {html}");
    let html = admin_sees(retailer(), "/catalog/rabbit_user:9");
    for text in ["RabbitMQ user", "monitoring", "nothing", "every one", "^eu"] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn an_mqtt_broker_shows_what_it_tells_and_an_address_only_its_size() {
    let html = admin_sees(retailer(), "/catalog/mqtt:9");
    for text in [
        "MQTT broker",
        "mosquitto version 2.0.11",
        "1 d 1 h",
        "3, with sessions that wait 7",
        "5,000, and 12 that are left out, and maybe more",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    let html = admin_sees(retailer(), "/catalog/mqtt_address:9");
    for text in ["MQTT address", "117 B", "at the broker", "does not leave the agent"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("Watch events"), "it is none of the mesh: {html}");
}
