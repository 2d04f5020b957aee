//! What was seen and what was designed find each other, and an address that was only seen becomes an event.

use axum::http::StatusCode;
use mesh_protocol::event::Protocol;
use mesh_protocol::id::AgentId;
use mesh_protocol::report::{Direction, Flow, Report, Traffic};
use serde_json::{Value, json};

use super::TestPortal;
use super::streams::agent;

/// Somebody publishes to these addresses, as the agent reports it.
pub(super) async fn seen(portal: &TestPortal, admin: &str, addresses: &[&str]) -> AgentId {
    let _seat = agent(portal, admin).await;
    let agents = portal.call("GET", "/api/v1/agents", Some(admin), None).await;
    let agent = serde_json::from_value(agents.body["items"][0]["id"].clone()).expect("an id");
    publishes(portal, agent, addresses).await;
    agent
}

/// The same of an agent that is there.
pub(super) async fn publishes(portal: &TestPortal, agent: AgentId, addresses: &[&str]) {
    let flow = |address: &&str| Flow {
        principal: None,
        principal_name: "till".to_owned(),
        client_id: "till-1".to_owned(),
        protocol: Protocol::Mqtt,
        direction: Direction::Produce,
        address: (*address).to_owned(),
        example_topic: (*address).to_owned(),
        broker: None,
        broker_topic: None,
        route: None,
        events: 10,
        bytes: 100,
        shape: None,
        schemas: Vec::new(),
    };
    let traffic = Traffic {
        at_ms: crate::app::clock::now_ms(),
        window_ms: 10_000,
        flows: addresses.iter().map(flow).collect(),
        left_out: 0,
    };
    let refused = portal.app.take_report(agent, 1, Report::Traffic(traffic)).await.expect("stored");
    assert_eq!(refused, None);
}

#[tokio::test]
async fn an_address_that_was_seen_becomes_an_event_once() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    seen(&portal, &admin, &["orders/{country}/created", "prices/update"]).await;
    let call = async |method: &str, path: &str, input: Option<Value>| {
        portal.call(method, &format!("/api/v1/{path}"), Some(&admin), input).await
    };
    let domain = call("POST", "domains", Some(json!({"name": "orders", "topics": ["orders/>"]}))).await.body;
    // What was read a moment before the report is good for a moment.
    let orders = loop {
        let page = call("GET", "catalog?kind=address&q=created", None).await.body;
        match &page["items"][0] {
            Value::Null => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            found => break found.clone(),
        }
    };
    let path = format!("catalog/{}", orders["id"].as_str().expect("an id"));
    assert_eq!(call("GET", &path, None).await.body["designed"], json!([]));
    for (input, field) in [
        (json!({"name": "Order", "domain": domain["id"]}), "name"),
        (json!({"name": "order", "domain": uuid::Uuid::nil()}), "domain"),
    ] {
        let refused = call("POST", &format!("{path}/adopt"), Some(input)).await;
        assert_eq!(
            (refused.status, &refused.body["fields"][0]["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{refused:?}"
        );
    }
    assert_eq!(call("GET", "designs", None).await.body["total"], 0, "nothing is half saved");
    let input = json!({"name": "order-created", "domain": domain["id"]});
    let made = call("POST", &format!("{path}/adopt"), Some(input.clone())).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let id = made.body["id"].as_str().expect("an id").to_owned();
    let event = call("GET", &format!("designs/{id}"), None).await.body;
    assert_eq!((&event["versions"][0]["state"], &event["versions"][0]["number"]), (&json!("draft"), &json!("1.0.0")));
    assert_eq!(
        (&event["seen"][0]["row"]["name"], &event["seen"][0]["whole"]),
        (&orders["name"], &json!(true)),
        "{event}"
    );
    assert_eq!(event["seen"].as_array().map(Vec::len), Some(1));
    let designed = call("GET", &path, None).await.body["designed"].clone();
    assert_eq!(
        (&designed[0]["name"], &designed[0]["state"], &designed[0]["whole"]),
        (&json!("order-created"), &json!("draft"), &json!(true)),
        "{designed}"
    );
    let again = call("POST", &format!("{path}/adopt"), Some(input)).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.body["title"].as_str().is_some_and(|why| why.contains("order-created")), "{again:?}");
    let entries = call("GET", "search?q=orders/fr/created&kind=event", None).await;
    assert_eq!(entries.body["items"][0]["name"], "order-created", "{entries:?}");
    let nobody = call("POST", "catalog/bm9uc2Vuc2U/adopt", Some(json!({"name": "x", "domain": domain["id"]}))).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}
