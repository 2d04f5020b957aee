//! Tags of fields over REST: on the pages of versions, and in search.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

#[tokio::test]
async fn a_tag_of_a_field_stands_on_the_pages_of_schema_and_event_and_search_finds_both() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let post = async |path: &str, input: Value| {
        let made = portal.call("POST", &format!("/api/v1/{path}"), Some(&admin), Some(input)).await;
        assert_eq!(made.status, StatusCode::OK, "{path}: {made:?}");
        made.body
    };
    let domain = post("domains", json!({"name": "people", "topics": ["people/>"]})).await;
    let design = async |kind: &str, name: &str, content: Value| {
        let object = json!({"kind": kind, "name": name, "domain": domain["id"], "tags": ["internal"]});
        let object = post("designs", object).await;
        let id = object["id"].as_str().expect("an id");
        post(&format!("designs/{id}/versions"), json!({ "content": content })).await
    };
    let schema = |text: &str| json!({"kind": "schema", "format": "AVRO", "text": text});
    let person = r#"{"type": "record", "name": "Person", "fields": [{"name": "id", "type": "long"},
        {"name": "mail", "type": "string", "confluent:tags": ["PII", "GDPR"]}]}"#;
    let person = design("schema", "person", schema(person)).await;
    let key = r#"{"type": "string", "confluent:tags": ["PII"]}"#;
    let key = design("schema", "person-key", schema(key)).await;
    let content = json!({"kind": "event", "address": "people/{id}", "schema": person["id"], "key_schema": key["id"]});
    let event = design("event", "person-changed", content).await;
    let payload = json!({"part": "schema", "path": "mail", "tags": ["GDPR", "PII"]});
    assert_eq!(person["tagged"], json!([payload]), "{person}");
    assert_eq!(event["tagged"], json!([payload, {"part": "key_schema", "path": "$", "tags": ["PII"]}]), "{event}");
    for version in [&person, &event] {
        let fields = version["fields"].as_array().expect("fields");
        let paths: Vec<&Value> = fields.iter().map(|field| &field["path"]).collect();
        assert_eq!((paths, &fields[1]["tags"]), (vec![&json!("id"), &json!("mail")], &json!(["GDPR", "PII"])));
        assert_eq!((&fields[0]["tags"], &version["more_fields"]), (&Value::Null, &json!(0)));
    }
    let found = portal.call("GET", "/api/v1/search?q=tag%3Apii&limit=10", Some(&admin), None).await.body;
    let mut rows: Vec<(&str, &str)> = Vec::new();
    for item in found["items"].as_array().expect("items") {
        rows.push((item["name"].as_str().expect("a name"), item["why"][0]["text"].as_str().expect("a reason")));
    }
    rows.sort_unstable();
    let expected =
        [("person", "PII at mail"), ("person-changed", "PII at all of it"), ("person-key", "PII at all of it")];
    assert_eq!(rows, expected, "{found}");
    let facet = found["facets"].to_string();
    assert!(facet.contains("PII") && facet.contains("GDPR") && facet.contains("internal"), "{facet}");
    // Another schema that differs in nothing but tags is the same to who builds on it.
    let object = person["object"].as_str().expect("an id");
    let calm = r#"{"type": "record", "name": "Person", "fields": [{"name": "id", "type": "long"},
        {"name": "mail", "type": "string"}]}"#;
    let calm = post(&format!("designs/{object}/versions"), json!({ "content": schema(calm) })).await;
    let (from, to) = (person["id"].as_str().expect("an id"), calm["id"].as_str().expect("an id"));
    let path = format!("/api/v1/design-difference?from={from}&to={to}");
    let difference = portal.call("GET", &path, Some(&admin), None).await.body;
    let told = (&difference["class"], &difference["sentence"]);
    assert_eq!(told, (&json!("cosmetic"), &json!("The new schema no longer tags `mail` GDPR, PII.")), "{difference}");
}
