//! The routes between the clusters and the mesh.

use serde_json::{Value, json};

use super::{PARTS_TOPIC, ensure};
use crate::portal::Client;

/// A machine is hot from this temperature on, in degrees Celsius. About one measurement in ten is.
const HOT: u32 = 80;

pub(super) async fn make(portal: &Client, kafka_a: &Value, kafka_b: &Value, describe: bool) -> anyhow::Result<()> {
    let (a, b) = (&kafka_a["id"], &kafka_b["id"]);
    let to_kafka = |broker: &Value, topic: &str, key: &str| json!({ "kind": "kafka", "broker": broker, "topic": topic, "key": key });
    let routes = [
        json!({
            "name": "orders-to-kafka-a",
            "from": { "kind": "mesh", "filters": ["orders/>"] },
            "to": to_kafka(a, "retail.orders", ""),
            "mode": "guaranteed",
            "note": "Every order of every store, keyed by till",
        }),
        json!({
            "name": "sensors-to-kafka-b",
            "from": { "kind": "mesh", "filters": ["sensors/berlin/>"] },
            "to": to_kafka(b, "plant.sensors", "{3}"),
            "mode": "guaranteed",
            "note": "Raw measurements stay in the factory",
        }),
        json!({
            "name": "parts-to-kafka-a",
            "from": { "kind": "mesh", "filters": ["parts/>"] },
            "to": to_kafka(a, PARTS_TOPIC, "{3}"),
            "mode": "guaranteed",
            "note": "Headquarters gets each part that the factory makes, keyed by machine",
        }),
        // Another first level than the measurements have: else the route above would bring them back for ever.
        json!({
            "name": "hot-machines",
            "from": {
                "kind": "kafka",
                "broker": b,
                "topics": ["plant.sensors"],
                "template": "alerts/{value.plant}/{value.machine}/{value.metric}",
                "filter": format!("value.metric == \"temperature\" and value.value > {HOT}"),
                "start": "latest",
            },
            "to": to_kafka(a, "plant.alerts", "{3}"),
            "mode": "guaranteed",
            "note": "Only what headquarters must know leaves the factory",
        }),
        json!({
            "name": "prices-to-stores",
            "from": {
                "kind": "kafka",
                "broker": a,
                "topics": ["pricing.updates"],
                "template": "prices/{value.country}/update",
                "filter": "",
                "start": "latest",
            },
            "to": { "kind": "mesh" },
            "mode": "direct",
            "note": "Tills that are switched on show the new price at once",
        }),
    ];
    for mut route in routes {
        route["enabled"] = json!(true);
        if !describe {
            route["note"] = json!("");
        }
        let name = route["name"].as_str().unwrap_or_default().to_owned();
        ensure(portal, "routes", "/config/name", &name, &route).await?;
    }
    Ok(())
}
