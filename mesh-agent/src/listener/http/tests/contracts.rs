//! Payloads that are not what is promised at their topic.

use mesh_protocol::desired::OnInvalid;
use serde_json::{Value, json};

use super::*;
use crate::contract::testing::{ORDER, one};

#[tokio::test]
async fn a_wrong_payload_is_told_with_its_place_and_a_batch_with_its_line() {
    let mesh = Mesh::new();
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Reject));
    let running = mesh.http().await;
    let answer = ask(&running, "POST /v1/events/open/orders", &login(1), r#"{"amount":"4711"}"#).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.head.contains("application/problem+json") && !answer.body.contains("4711"), "{}", answer.body);
    let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
    let facts = ["contract", "path", "reason", "line"].map(|name| problem[name].clone());
    let wanted = [json!("order-created 1.0.0"), json!("$.amount"), json!("is not a number"), Value::Null];
    assert_eq!(facts, wanted, "{problem}");
    assert_eq!(ask(&running, "POST /v1/events/open/orders", &login(1), r#"{"amount":1}"#).await.status, 202);

    let headers = format!("{}Content-Type: application/x-ndjson\r\n", login(1));
    let batch =
        "{\"topic\":\"open/orders\",\"payload\":{\"amount\":1}}\n\n{\"topic\":\"open/orders\",\"payload\":{}}\n";
    let answer = ask(&running, "POST /v1/events", &headers, batch).await;
    let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status, &problem["line"]), (422, &json!(3)), "{problem}");
    assert!(
        problem["detail"].as_str().expect("words").starts_with("line 3: the payload is not valid by "),
        "{problem}"
    );
    assert!(problem["detail"].as_str().expect("words").contains("lacks the property `amount`"), "{problem}");
    assert_eq!(mesh.count("invalid_publish_events"), 2);
    assert_eq!(ask(&running, "POST /v1/events/closed/a", &login(1), "x").await.status, 403, "rights come first");
}
