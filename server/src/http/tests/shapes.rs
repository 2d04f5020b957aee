//! What payloads look like: told by an agent, shown, found by their fields, and made schemas of.

use axum::http::StatusCode;
use mesh_protocol::id::AgentId;
use mesh_protocol::report::{AddressShape, Report, SHAPES_MAX, Shape, Shapes};
use serde_json::{Value, json};

use super::TestPortal;
use super::adopt::seen;

async fn tell(portal: &TestPortal, agent: AgentId, shapes: Vec<AddressShape>) -> Option<String> {
    let shapes = Shapes { at_ms: crate::app::clock::now_ms(), shapes };
    portal.app.take_report(agent, 1, Report::Shapes(shapes)).await.expect("stored")
}

fn shape(address: &str, since_ms: i64, values: &[Value]) -> AddressShape {
    let mut shape = Shape::default();
    values.iter().for_each(|value| shape.look(value));
    AddressShape { address: address.to_owned(), since_ms, others: 1, shape }
}

#[tokio::test]
async fn what_payloads_look_like_is_shown_and_found_and_becomes_a_schema() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let agent = seen(&portal, &admin, &["orders/new", "prices/update"]).await;
    let call = async |method: &str, path: &str, input: Option<Value>| {
        portal.call(method, &format!("/api/v1/{path}"), Some(&admin), input).await
    };
    let orders =
        [json!({ "id": 1, "total": 2.5, "note": "x" }), json!({ "id": 2, "total": 3, "lines": [{ "sku": "a" }] })];
    assert_eq!(tell(&portal, agent, vec![shape("orders/new", 1, &orders[..1])]).await, None);
    assert_eq!(tell(&portal, agent, vec![shape("orders/new", 1, &orders)]).await, None, "in the place of the first");
    for wrong in [
        vec![shape("a", 1, &[])],
        vec![shape("a", 1, &orders); SHAPES_MAX + 1],
        vec![shape(&"a".repeat(2_000), 1, &orders)],
    ] {
        assert!(tell(&portal, agent, wrong).await.is_some_and(|refused| refused.contains("at most")));
    }
    let domain = call("POST", "domains", Some(json!({"name": "shop", "topics": ["orders/>", "prices/>"]}))).await.body;
    let find = async |name: &str| loop {
        let page = call("GET", &format!("catalog?kind=address&q={name}"), None).await.body;
        match page["items"][0]["id"].as_str() {
            None => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            Some(id) => break format!("catalog/{id}"),
        }
    };
    let (orders, prices) = (find("new").await, find("update").await);
    assert_eq!(call("GET", &prices, None).await.body["shape"], Value::Null);
    let shape = call("GET", &orders, None).await.body["shape"].clone();
    assert_eq!(
        (&shape["payloads"], &shape["others"], &shape["kind"]),
        (&json!(2), &json!(1), &json!("object")),
        "{shape}"
    );
    let field = |path: &str| {
        let fields = shape["fields"].as_array().expect("fields");
        fields.iter().find(|field| field["path"] == path).unwrap_or_else(|| panic!("no {path} in {shape}")).clone()
    };
    assert_eq!(field("total"), json!({ "path": "total", "kind": "number", "seen": 2, "of": 2 }));
    assert_eq!(field("lines[].sku"), json!({ "path": "lines[].sku", "kind": "string", "seen": 1, "of": 1 }));
    assert_eq!((&field("note")["seen"], &field("note")["of"]), (&json!(1), &json!(2)));

    let found = call("GET", "search?q=field%3Asku", None).await.body;
    assert_eq!((&found["total"], &found["items"][0]["name"]), (&json!(1), &json!("orders/new")), "{found}");

    let input = json!({"name": "price", "domain": domain["id"], "with_schema": true});
    let refused = call("POST", &format!("{prices}/adopt"), Some(input)).await;
    assert_eq!(
        (refused.status, &refused.body["fields"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("with_schema")),
        "{refused:?}"
    );
    assert_eq!(call("GET", "designs", None).await.body["total"], 0, "nothing is half saved");
    let input = json!({"name": "order", "domain": domain["id"], "with_schema": true});
    let made = call("POST", &format!("{orders}/adopt"), Some(input)).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let designs = call("GET", "designs?kind=schema", None).await.body;
    assert_eq!((&designs["total"], &designs["items"][0]["config"]["name"]), (&json!(1), &json!("order")), "{designs}");
    let version =
        |object: &Value| format!("design-versions/{}", object["versions"][0]["id"].as_str().expect("a version"));
    let schema = call("GET", &version(&designs["items"][0]), None).await.body;
    let event = call("GET", &version(&made.body), None).await.body;
    assert_eq!(event["config"]["content"]["schema"], designs["items"][0]["versions"][0]["id"], "{event}");
    let text = schema["config"]["content"]["text"].as_str().expect("a text");
    let text: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(text["required"], json!(["id", "total"]), "{text}");
    assert_eq!(text["properties"]["lines"]["items"]["properties"]["sku"], json!({ "type": "string" }));
}

#[tokio::test]
async fn what_is_adopted_in_bulk_has_schemas_of_its_payloads() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let agent =
        seen(&portal, &admin, &["orders/fr/created", "orders/de/created", "orders/es/created", "prices/update"]).await;
    let post = async |path: &str, input: Value| {
        portal.call("POST", &format!("/api/v1/{path}"), Some(&admin), Some(input)).await
    };
    // Together they show what neither of them always has.
    let shapes = [
        shape("orders/fr/created", 1, &[json!({ "id": 1, "vat": 0.2 })]),
        shape("orders/de/created", 1, &[json!({ "id": 2 })]),
    ];
    assert_eq!(tell(&portal, agent, shapes.to_vec()).await, None);
    let mut proposals = Value::Null;
    for _ in 0..200 {
        proposals = post("drift/proposals", json!({"matching": {"about": "address"}})).await.body;
        if proposals["events"].as_array().is_some_and(|all| all.len() == 2) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (domains, events) = (&proposals["domains"], &proposals["events"]);
    let inputs =
        |all: &Value| all.as_array().expect("proposals").iter().map(|one| one["input"].clone()).collect::<Vec<_>>();
    let text: Value = serde_json::from_str(events[0]["input"]["schema_text"].as_str().expect("a text")).expect("JSON");
    assert_eq!(text["required"], json!(["id"]), "{text}");
    assert!(events[0]["evidence"].to_string().contains("of 2 payloads"), "{events}");
    assert_eq!(events[1]["input"]["schema_text"], Value::Null);
    let task = json!({"kind": "adopt", "domains": inputs(domains), "events": inputs(events), "applications": []});
    let mut wrong = task.clone();
    wrong["events"][0]["schema_text"] = json!("{\"type\": 7}");
    let preview = post("drift/preview", wrong).await.body;
    assert_eq!(preview["conflicts"], 1, "{preview}");
    let preview = post("drift/preview", task.clone()).await.body;
    assert_eq!(preview["conflicts"], 0, "{preview}");
    assert!(preview["lines"].to_string().contains("as a draft of a JSON Schema"), "{preview}");
    let done = post("drift", json!({"preview": preview["preview"], "task": task})).await;
    assert_eq!(done.body["sentence"], "2 domains, 1 schema, 2 events made", "{done:?}");
    let get = async |path: &str| portal.call("GET", &format!("/api/v1/{path}"), Some(&admin), None).await.body;
    let schemas = get("designs?kind=schema").await;
    let events = get("designs?kind=event&q=orders").await;
    let event = events["items"][0]["versions"][0]["id"].as_str().expect("a version");
    let event = get(&format!("design-versions/{event}")).await;
    assert_eq!(event["config"]["content"]["schema"], schemas["items"][0]["versions"][0]["id"], "{event}");
}
