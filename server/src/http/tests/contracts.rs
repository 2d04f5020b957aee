//! Contracts of events over REST: what is said of payloads reaches the agents' documents with a revision of its own, and
//! what agents find comes back on the event.

use axum::http::StatusCode;
use mesh_protocol::desired::OnInvalid;
use mesh_protocol::event::Protocol;
use mesh_protocol::report::{Breach, CONTRACTS_TOLD_MAX, ContractKept, ContractsKept, Report};
use serde_json::{Value, json};

use super::registry::Client;
use super::versions::Mesh;

const ORDER: &str = r#"{"type":"object","required":["amount"],"properties":{"amount":{"type":"number"}}}"#;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

async fn revision(client: &Client) -> u64 {
    client.api("GET", "policy", None).await["revision"]["revision"].as_u64().expect("a number")
}

async fn refused(client: &Client, method: &str, path: &str, input: Value) -> Value {
    let answer = client.portal.call(method, &format!("/api/v1/{path}"), Some(&client.auth), Some(input)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
    answer.body["fields"].clone()
}

async fn version(client: &Client, object: &Value, content: Value) -> Value {
    let input = json!({ "number": "", "content": content });
    client.api("POST", &format!("designs/{}/versions", text(&object["id"])), Some(input)).await
}

async fn step(client: &Client, version: &Value, to: &str) {
    let path = format!("design-versions/{}", text(&version["id"]));
    let now = client.api("GET", &path, None).await;
    let value = json!({ "to": to, "reason": "a test", "is_forced": true });
    let input = json!({ "revision": now["revision"], "value": value });
    client.api("POST", &format!("{path}/move"), Some(input)).await;
}

async fn release(client: &Client, version: &Value) {
    for to in ["in_review", "released"] {
        step(client, version, to).await;
    }
}

/// A released event of orders by a released JSON Schema.
async fn order(client: &Client, schema: &str) -> Value {
    let domain = client.api("POST", "domains", Some(json!({ "name": "shop", "topics": ["orders/>"] }))).await;
    let make = async |kind: &str, name: &str| {
        let input = json!({ "kind": kind, "name": name, "domain": domain["id"] });
        client.api("POST", "designs", Some(input)).await
    };
    let object = make("schema", "order").await;
    let content = json!({ "kind": "schema", "format": "JSON", "text": schema, "references": {} });
    let schema = version(client, &object, content).await;
    release(client, &schema).await;
    let event = make("event", "order-created").await;
    let content = json!({ "kind": "event", "address": "orders/{country}/created", "schema": schema["id"] });
    release(client, &version(client, &event, content).await).await;
    client.api("GET", &format!("designs/{}", text(&event["id"])), None).await
}

/// Changes a field of an object.
async fn put(client: &Client, object: &Value, field: &str, value: &str) -> Value {
    let path = format!("designs/{}", text(&object["id"]));
    let now = client.api("GET", &path, None).await;
    let mut config = now["config"].clone();
    config[field] = json!(value);
    client.api("PUT", &path, Some(json!({ "revision": now["revision"], "value": config }))).await
}

#[tokio::test]
async fn what_is_said_of_payloads_reaches_agents_with_a_revision_of_its_own() {
    let mesh = Mesh::start().await;
    let client = &mesh.client;
    let event = order(client, ORDER).await;
    assert_eq!(event["config"]["validation"], "unchecked");
    assert_eq!(event["contract"], Value::Null);
    let contracts = async || client.portal.app.snapshot().await.expect("read").mesh.contracts.clone();
    assert!(contracts().await.is_empty());
    let before = revision(client).await;

    let event = put(client, &event, "validation", "rejected").await;
    assert_eq!(event["config"]["validation"], "rejected");
    assert_eq!(revision(client).await, before + 1);
    let told = contracts().await;
    let [one] = &*told.contracts else { panic!("{told:?}") };
    let facts = (one.label.as_str(), one.filter.text(), one.on_invalid);
    assert_eq!(facts, ("order-created 1.0.0", "orders/*/created", OnInvalid::Reject));
    assert_eq!(told.texts, [ORDER]);
    let newest = client.api("GET", "policy", None).await;
    assert_eq!(newest["summary"], "changed the event order-created");

    // What agents do not have to know makes none.
    put(client, &event, "document", "# Orders").await;
    let content = json!({ "kind": "event", "address": "orders/{country}/created", "schema": null });
    let second = version(client, &event, content).await;
    step(client, &second, "in_review").await;
    assert_eq!(revision(client).await, before + 1);

    step(client, &second, "released").await;
    assert_eq!((revision(client).await, contracts().await.contracts.len()), (before + 2, 2));
    put(client, &event, "name", "order-made").await;
    assert_eq!(contracts().await.contracts[0].label, format!("order-made {}", text(&second["config"]["number"])));
    let path = format!("design-versions/{}", text(&second["id"]));
    let now = client.api("GET", &path, None).await;
    let mut config = now["config"].clone();
    config["end_of_life_at"] = json!(crate::app::clock::now_ms() + 3_600_000);
    client.api("PUT", &path, Some(json!({ "revision": now["revision"], "value": config }))).await;
    step(client, &second, "deprecated").await;
    assert_eq!(revision(client).await, before + 3, "a deprecated version is served as before");
    step(client, &second, "retired").await;
    assert_eq!((revision(client).await, contracts().await.contracts.len()), (before + 4, 1));
    put(client, &event, "validation", "diverted").await;
    assert_eq!(contracts().await.contracts[0].on_invalid, OnInvalid::Divert);
    put(client, &event, "validation", "unchecked").await;
    assert_eq!((revision(client).await, contracts().await.is_empty()), (before + 6, true));

    let mut tx = client.portal.app.store().read().await.expect("a transaction");
    let trail = tx.audit_after(0, 1_000).await.expect("the trail");
    let made =
        trail.iter().find(|one| one.entry.policy_revision == Some(before + 1)).expect("the entry of the revision");
    assert_eq!(made.entry.action, "design.update");
}

#[tokio::test]
async fn what_cannot_be_enforced_is_told_beside_its_field() {
    let client = Client::start().await;
    let event = order(&client, r#"{"pattern":"^(?=a)b$"}"#).await;
    let path = format!("designs/{}", text(&event["id"]));
    let mut config = event["config"].clone();
    config["validation"] = json!("reported");
    let before = revision(&client).await;
    let input = json!({ "revision": event["revision"], "value": config });
    let fields = refused(&client, "PUT", &path, input).await;
    assert_eq!(fields[0]["field"], "validation");
    assert!(text(&fields[0]["message"]).contains("may not look around"), "{fields}");
    assert_eq!(revision(&client).await, before, "nothing is half done");

    let input = json!({ "kind": "schema", "name": "x", "domain": event["config"]["domain"], "validation": "rejected" });
    let fields = refused(&client, "POST", "designs", input).await;
    assert_eq!(
        (text(&fields[0]["field"]), text(&fields[0]["message"])),
        ("validation", "is of events only: leave it out for a schema")
    );

    // A version that agents cannot check does not enter service either.
    let config =
        json!({ "kind": "event", "name": "checked", "domain": event["config"]["domain"], "validation": "rejected" });
    let checked = client.api("POST", "designs", Some(config)).await;
    let schema = event["versions"][0]["id"].clone();
    let schema =
        client.api("GET", &format!("design-versions/{}", text(&schema)), None).await["config"]["content"]["schema"]
            .clone();
    let content = json!({ "kind": "event", "address": "orders/{country}/paid", "schema": schema });
    let draft = version(&client, &checked, content).await;
    step(&client, &draft, "in_review").await;
    let path = format!("design-versions/{}", text(&draft["id"]));
    let now = client.api("GET", &path, None).await;
    let input = json!({ "revision": now["revision"], "value": { "to": "released" } });
    let fields = refused(&client, "POST", &format!("{path}/move"), input).await;
    assert_eq!(fields[0]["field"], "state", "{fields}");
}

#[tokio::test]
async fn what_agents_find_is_on_the_event() {
    let mesh = Mesh::start().await;
    let client = &mesh.client;
    let event = put(client, &order(client, ORDER).await, "validation", "diverted").await;
    let id = serde_json::from_value(event["id"].clone()).expect("an id");
    let principal = client.api("POST", "principals", Some(json!({ "username": "tills" }))).await;
    let principal = principal["principal"]["id"].clone();
    let principal = serde_json::from_value(principal).expect("an id");
    let at_ms = crate::app::clock::now_ms();
    let breach = Breach {
        principal,
        client_id: "till-7".to_owned(),
        protocol: Protocol::Mqtt,
        topic: "orders/fr/created".to_owned(),
        label: "order-created 1.0.0".to_owned(),
        path: "$.amount".to_owned(),
        reason: "is not a number".to_owned(),
        rejected: false,
        diverted: true,
        count: 12,
        last_ms: at_ms,
    };
    let kept =
        |event, checked, breaches| ContractKept { event, checked, invalid: 12, rejected: 0, diverted: 12, breaches };
    let unknown = uuid::Uuid::from_u128(1).into();
    let events = vec![kept(id, 4_000, vec![breach.clone()]), kept(unknown, 50, Vec::new())];
    mesh.tell(Report::Contracts(ContractsKept { at_ms, events })).await;
    mesh.tell(Report::Contracts(ContractsKept {
        at_ms,
        events: vec![ContractKept { invalid: 0, diverted: 0, ..kept(id, 31, Vec::new()) }],
    }))
    .await;

    let path = format!("designs/{}", text(&event["id"]));
    let contract = client.api("GET", &path, None).await["contract"].clone();
    let counts = ["invalid", "checked", "invalid_day", "checked_day"].map(|name| contract[name].as_u64());
    assert_eq!(counts, [Some(12), Some(4_031), Some(12), Some(4_031)], "{contract}");
    let apart = ["rejected", "diverted", "rejected_day", "diverted_day"].map(|name| contract[name].as_u64());
    assert_eq!(apart, [Some(0), Some(12), Some(0), Some(12)], "{contract}");
    let last = &contract["breaches"][0];
    assert_eq!((text(&last["principal_name"]), text(&last["client_id"])), ("tills", "till-7"));
    assert_eq!((text(&last["path"]), text(&last["reason"])), ("$.amount", "is not a number"));
    assert_eq!((&last["count"], &last["rejected"], &last["diverted"]), (&json!(12), &json!(false), &json!(true)));
    assert!(!text(&last["site_name"]).is_empty());

    let agents = client.api("GET", "agents", None).await;
    let agent = serde_json::from_value(agents["items"][0]["id"].clone()).expect("an id");
    let many = vec![kept(id, 12, Vec::new()); CONTRACTS_TOLD_MAX + 1];
    let impossible = vec![kept(id, 11, Vec::new())];
    let more = vec![ContractKept { rejected: 1, ..kept(id, 12, Vec::new()) }];
    let long = vec![kept(id, 12, vec![Breach { reason: "x".repeat(5_000), ..breach }])];
    for events in [many, impossible, more, long] {
        let report = Report::Contracts(ContractsKept { at_ms, events });
        let refused = client.portal.app.take_report(agent, 2, report).await.expect("judged");
        assert!(refused.is_some_and(|why| why.contains("at most")));
    }
}
