//! The design-time catalog over REST: a schema and an event from their first draft to their end.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

const FIRST: &str = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#;
const WIDER: &str = r#"{"type": "record", "name": "Order", "fields": [
  {"name": "id", "type": "string"},
  {"name": "note", "type": "string", "default": ""}]}"#;
const BROKEN: &str = r#"{"type": "record", "name": "Order", "fields": [
  {"name": "id", "type": "string"},
  {"name": "total", "type": "double"}]}"#;

struct Client {
    portal: TestPortal,
    auth: String,
}

impl Client {
    async fn start() -> Self {
        let portal = TestPortal::start().await;
        let auth = portal.admin().await;
        Self { portal, auth }
    }

    async fn ask(&self, method: &str, path: &str, input: Option<Value>) -> (StatusCode, Value) {
        let answer = self.portal.call(method, &format!("/api/v1/{path}"), Some(&self.auth), input).await;
        (answer.status, answer.body)
    }

    async fn done(&self, method: &str, path: &str, input: Option<Value>) -> Value {
        let (status, body) = self.ask(method, path, input).await;
        assert_eq!(status, StatusCode::OK, "{method} {path}: {body}");
        body
    }

    /// The fields of a refusal with what is said of each.
    async fn refused(&self, method: &str, path: &str, input: Value) -> Vec<(String, String)> {
        let (status, body) = self.ask(method, path, Some(input)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{method} {path}: {body}");
        let fields = body["fields"].as_array().expect("fields");
        fields.iter().map(|field| (text(&field["field"]), text(&field["message"]))).collect()
    }

    async fn object(&self, kind: &str, name: &str, domain: &Value) -> Value {
        self.done("POST", "designs", Some(json!({ "kind": kind, "name": name, "domain": domain }))).await
    }

    async fn version(&self, object: &Value, number: &str, content: &Value) -> Value {
        let input = json!({ "number": number, "content": content });
        self.done("POST", &format!("designs/{}/versions", text(&object["id"])), Some(input)).await
    }

    async fn step(&self, version: &Value, to: &str, more: Value) -> (StatusCode, Value) {
        let version = self.done("GET", &path(version), None).await;
        let mut value = json!({ "to": to });
        value.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let input = json!({ "revision": version["revision"], "value": value });
        self.ask("POST", &format!("{}/move", path(&version)), Some(input)).await
    }

    async fn release(&self, version: &Value) -> Value {
        for to in ["in_review", "released"] {
            let (status, body) = self.step(version, to, json!({})).await;
            assert_eq!(status, StatusCode::OK, "{to}: {body}");
        }
        self.done("GET", &path(version), None).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn path(version: &Value) -> String {
    format!("design-versions/{}", text(&version["id"]))
}

fn avro(schema: &str) -> Value {
    json!({ "kind": "schema", "format": "AVRO", "text": schema })
}

fn fields(refused: &[(String, String)]) -> Vec<&str> {
    refused.iter().map(|(field, _)| field.as_str()).collect()
}

#[tokio::test]
async fn a_schema_and_its_event_live_from_draft_to_retirement() {
    let client = Client::start().await;
    let retail = client.done("POST", "domains", Some(json!({ "name": "retail", "owner": "Store Systems" }))).await;
    let order = client.object("schema", "order", &retail["id"]).await;
    assert_eq!((&order["owner"], &order["domain_name"]), (&json!("Store Systems"), &json!("retail")), "{order}");
    let created = client.object("event", "order-created", &retail["id"]).await;
    let first = client.version(&order, "", &avro(FIRST)).await;
    assert_eq!((&first["config"]["number"], &first["state"]), (&json!("1.0.0"), &json!("draft")), "{first}");
    assert!(text(&first["example"]).contains("\"id\""), "{first}");
    let event = json!({ "kind": "event", "address": "orders/{store}/created", "schema": first["id"] });
    let made = client.version(&created, "1.0.0", &event).await;
    assert_eq!(made["needs"][0]["label"], "schema order 1.0.0", "{made}");

    // Nothing is released on what is not.
    assert_eq!(client.step(&made, "in_review", json!({})).await.0, StatusCode::OK);
    let (status, refused) = client.step(&made, "released", json!({})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert_eq!(refused["fields"][0]["field"], "schema", "{refused}");
    let told = client.done("GET", &path(&made), None).await;
    let step = told["steps"].as_array().expect("steps").iter().find(|step| step["to"] == "released").expect("a step");
    assert_eq!(step["problems"][0][0], "schema", "the page knows before it asks: {step}");
    client.release(&first).await;
    let (status, made) = client.step(&made, "released", json!({})).await;
    assert_eq!((status, &made["state"]), (StatusCode::OK, &json!("released")), "{made}");

    // What is released never changes, and what is for readers may.
    let edit = |version: &Value, number: &str, content: &Value, more: Value| {
        let mut value = json!({ "number": number, "content": content });
        value.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "revision": version["revision"], "value": value })
    };
    let refused = client.refused("PUT", &path(&made), edit(&made, "1.0.1", &event, json!({}))).await;
    assert_eq!(fields(&refused), ["number"], "{refused:?}");
    let more = json!({ "description": "When an order was paid" });
    let made = client.done("PUT", &path(&made), Some(edit(&made, "1.0.0", &event, more))).await;
    assert_eq!(made["config"]["description"], "When an order was paid");
    let stale = edit(&json!({ "revision": 1 }), "1.0.0", &event, json!({}));
    assert_eq!(client.ask("PUT", &path(&made), Some(stale)).await.0, StatusCode::CONFLICT);

    // The next number follows from what changes.
    let wider = client.version(&order, "", &avro(WIDER)).await;
    assert_eq!(wider["config"]["number"], "1.1.0", "a field with a default is readable both ways");
    let broken = client.version(&order, "1.2.0", &avro(BROKEN)).await;
    client.release(&wider).await;
    assert_eq!(client.step(&broken, "in_review", json!({})).await.0, StatusCode::OK);
    let (_, refused) = client.step(&broken, "released", json!({})).await;
    assert_eq!(refused["fields"][0]["field"], "number", "it breaks under the same major number: {refused}");
    let difference = format!("design-difference?from={}&to={}", text(&wider["id"]), text(&broken["id"]));
    let difference = client.done("GET", &difference, None).await;
    assert_eq!(difference["class"], "breaking", "{difference}");
    assert!(text(&difference["sentence"]).contains("total"), "{difference}");
    assert!(text(&difference["reasons"][0]).contains("total"), "{difference}");
    assert!(difference["texts"][0]["lines"].as_array().is_some_and(|lines| lines.len() > 1), "{difference}");

    // What is used is not taken away.
    let end = json!({ "end_of_life_at": 4_000_000_000_000_i64, "replacement": wider["id"] });
    let first = client.done("GET", &path(&first), None).await;
    let first = client.done("PUT", &path(&first), Some(edit(&first, "1.0.0", &avro(FIRST), end))).await;
    assert_eq!(client.step(&first, "deprecated", json!({})).await.0, StatusCode::OK);
    let (status, refused) = client.step(&first, "retired", json!({})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.to_string().contains("event order-created 1.0.0"), "{refused}");
    let forced = json!({ "is_forced": true, "reason": "the store is closed" });
    assert_eq!(client.step(&first, "retired", forced).await.0, StatusCode::OK);
    let versions = format!("designs/{}/versions", text(&created["id"]));
    let refused = client.refused("POST", &versions, json!({ "content": event })).await;
    assert_eq!(fields(&refused), ["schema"], "nothing new is built on what is retired");

    // Drafts go, and objects without versions.
    let removed = client.ask("DELETE", &format!("{}?revision=1", path(&made)), None).await;
    assert_eq!(removed.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", removed.1);
    let kept = client.ask("DELETE", &format!("designs/{}?revision=1", text(&order["id"])), None).await;
    assert_eq!(kept.0, StatusCode::CONFLICT, "{}", kept.1);
    let draft = client.version(&created, "2.0.0", &json!({ "kind": "event", "address": "orders/{store}/paid" })).await;
    client.done("DELETE", &format!("{}?revision=1", path(&draft)), None).await;
    let list = client.done("GET", "designs?kind=event&q=STORE%20created&state=released", None).await;
    assert_eq!((&list["total"], &list["items"][0]["name"]), (&json!(1), &Value::Null), "{list}");
    assert_eq!(list["items"][0]["config"]["name"], "order-created");
    assert_eq!(client.done("GET", "designs?state=in_review", None).await["items"][0]["config"]["name"], "order");
    assert_eq!(client.done("GET", "designs?q=nobody", None).await["total"], 0);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_nothing_is_half_saved() {
    let client = Client::start().await;
    let retail = client.done("POST", "domains", Some(json!({ "name": "retail" }))).await;
    for (input, field) in [
        (json!({ "kind": "event", "name": "Order", "domain": retail["id"] }), "name"),
        (json!({ "kind": "event", "name": "order", "domain": uuid::Uuid::nil() }), "domain"),
        (json!({ "kind": "event", "name": "order", "domain": retail["id"], "tags": ["a,b"] }), "tags"),
    ] {
        assert_eq!(fields(&client.refused("POST", "designs", input).await), [field]);
    }
    let order = client.object("schema", "order", &retail["id"]).await;
    let again = json!({ "kind": "schema", "name": "order", "domain": retail["id"] });
    assert_eq!(fields(&client.refused("POST", "designs", again).await), ["name"]);
    let versions = format!("designs/{}/versions", text(&order["id"]));
    for (input, field, words) in [
        (json!({ "content": avro("{\n  \"type\": \"record\"") }), "text", "line 2"),
        (json!({ "number": "1.0", "content": avro("\"string\"") }), "number", "1.0.0"),
        (json!({ "content": { "kind": "event", "address": "a" } }), "content", "kind event"),
        (json!({ "content": avro("\"string\""), "replacement": uuid::Uuid::nil() }), "replacement", "not there"),
    ] {
        let refused = client.refused("POST", &versions, input).await;
        assert_eq!(fields(&refused), [field], "{refused:?}");
        assert!(refused[0].1.contains(words), "{refused:?}");
    }
    let created = client.object("event", "order-created", &retail["id"]).await;
    let versions = format!("designs/{}/versions", text(&created["id"]));
    for (address, words) in [("orders/*/created", "{name}"), ("orders/{a}/{a}", "twice"), ("", "is not a topic")] {
        let refused = client.refused("POST", &versions, json!({ "content": { "kind": "event", "address": address } }));
        let refused = refused.await;
        assert!(refused[0].0 == "address" && refused[0].1.contains(words), "{refused:?}");
    }
    let nowhere = format!("design-versions/{}", uuid::Uuid::nil());
    assert_eq!(client.ask("GET", &nowhere, None).await.0, StatusCode::NOT_FOUND);
    for object in [&order, &created] {
        let object = client.done("GET", &format!("designs/{}", text(&object["id"])), None).await;
        assert_eq!(object["versions"], json!([]), "nothing of it was saved");
    }
}
