//! Checking schemas over REST, as a build does.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

const FIRST: &str = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#;

#[tokio::test]
async fn a_build_learns_whether_a_schema_is_sound_and_whom_its_change_breaks() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let check = async |input: Value| portal.call("POST", "/api/v1/schemas/check", Some(&admin), Some(input)).await;
    let alone = check(json!({"format": "AVRO", "schema": FIRST})).await;
    assert_eq!((alone.status, &alone.body["compatible"]), (StatusCode::OK, &json!(true)), "{alone:?}");
    assert_eq!(
        alone.body["fields"][0],
        json!({"path": "id", "kind": "string", "required": true, "default": null, "doc": null, "deprecated": false})
    );
    assert!(alone.body["example"].as_str().is_some_and(|example| example.contains("\"id\"")), "{alone:?}");

    let second = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}, {"name": "sku", "type": "string"}]}"#;
    let broken = check(json!({"schema": second, "previous": [FIRST], "level": "BACKWARD"})).await.body;
    assert_eq!((&broken["compatible"], &broken["invalid"]), (&json!(false), &Value::Null), "{broken}");
    assert_eq!(broken["findings"][0]["rule"], "READER_FIELD_MISSING_DEFAULT_VALUE", "{broken}");
    assert!(broken["change"].as_str().is_some_and(|told| told.contains("`sku`")), "{broken}");
    let forward = check(json!({"schema": second, "previous": [FIRST], "level": "FORWARD"})).await.body;
    assert_eq!(forward["compatible"], true, "who reads with the old one never misses what is new: {forward}");

    let wrong = check(json!({"schema": "{\"type\": \"record\",\n \"name\": \"Order\",\n \"fields\": 1}"})).await.body;
    assert_eq!((&wrong["compatible"], &wrong["fingerprint"]), (&json!(false), &Value::Null), "{wrong}");
    assert!(wrong["invalid"]["message"].as_str().is_some_and(|why| why.contains("fields")), "{wrong}");
    let history = check(json!({"schema": FIRST, "previous": ["nonsense"]})).await;
    assert_eq!(history.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(history.body["fields"][0]["field"], "previous", "{history:?}");
    let format = check(json!({"format": "XSD", "schema": FIRST})).await;
    assert_eq!(format.status, StatusCode::BAD_REQUEST, "{format:?}");
    assert!(
        format.body["detail"].as_str().is_some_and(|why| why.contains("`PROTOBUF`")),
        "what there is, is told: {format:?}"
    );
}
